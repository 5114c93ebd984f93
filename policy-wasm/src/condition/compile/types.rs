//! Types of values before evaluation, also from a JSON Schema.

use crate::source::{Node, Value};
use std::collections::BTreeMap;

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ValueType {
    /// An unknown type: it is checked at evaluation.
    #[default]
    Any,
    /// `null`
    Null,
    /// A boolean.
    Bool,
    /// A number.
    Number,
    /// A string; with a list, one of its strings.
    Text(Option<Vec<String>>),
    /// A list of these.
    List(Box<ValueType>),
    /// A map.
    Map {
        /// The known members.
        members: BTreeMap<String, ValueType>,
        /// The type of every other member; `None` admits no other member.
        others: Option<Box<ValueType>>,
    },
    /// A time.
    Time,
    /// A duration.
    Duration,
    /// A tier of the policy.
    Tier,
    /// An agent of the chain.
    Actor,
}

/// Deepest schema that is looked into; below, everything is [`ValueType::Any`].
const MAX_SCHEMA_DEPTH: u32 = 32;

impl ValueType {
    /// A map with unknown members.
    pub fn any_map() -> ValueType {
        ValueType::Map { members: BTreeMap::new(), others: Some(Box::default()) }
    }

    /// The type of a tool's arguments from its JSON Schema (MCP: `inputSchema`).
    ///
    /// The reader knows `type`, `properties`, `additionalProperties`, `patternProperties`, `items`, `enum` and `const`;
    /// other keywords (`$ref`, `anyOf`, …) leave the type open. A map with `properties` has no other members unless
    /// `additionalProperties` is true or a schema, or it has `patternProperties`. A condition thus cannot read an
    /// argument that the tool does not name.
    pub fn of_schema(schema: &Node<'_>) -> ValueType {
        of_schema(schema, MAX_SCHEMA_DEPTH)
    }

    /// The name in messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            ValueType::Any => "a value of any type",
            ValueType::Null => "null",
            ValueType::Bool => "a boolean",
            ValueType::Number => "a number",
            ValueType::Text(_) => "a string",
            ValueType::List(_) => "a list",
            ValueType::Map { .. } => "a map",
            ValueType::Time => "a time",
            ValueType::Duration => "a duration",
            ValueType::Tier => "a tier",
            ValueType::Actor => "an agent",
        }
    }

    /// Whether a value could be of both.
    pub(super) fn meets(&self, other: &ValueType) -> bool {
        match (self, other) {
            (ValueType::Any, _) | (_, ValueType::Any) => true,
            (ValueType::List(a), ValueType::List(b)) => a.meets(b),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

fn member<'n>(schema: &'n Node<'_>, key: &str) -> Option<&'n Node<'n>> {
    match &schema.value {
        Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
        _ => None,
    }
}

fn of_schema(schema: &Node<'_>, depth: u32) -> ValueType {
    let Some(depth) = depth.checked_sub(1) else { return ValueType::Any };
    let open = ["$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "if", "not"];
    if open.iter().any(|key| member(schema, key).is_some()) {
        return ValueType::Any;
    }
    let kind = member(schema, "type").and_then(|node| match &node.value {
        Value::String(name) => Some(name.as_ref()),
        _ => None,
    });
    match kind {
        Some("null") => ValueType::Null,
        Some("boolean") => ValueType::Bool,
        Some("number" | "integer") => ValueType::Number,
        Some("string") => ValueType::Text(choices(schema)),
        Some("array") => ValueType::List(Box::new(
            member(schema, "items").map_or(ValueType::Any, |items| of_schema(items, depth)),
        )),
        Some("object") => of_object(schema, depth),
        _ => ValueType::Any,
    }
}

fn choices(schema: &Node<'_>) -> Option<Vec<String>> {
    let text = |node: &Node<'_>| match &node.value {
        Value::String(text) => Some(text.clone().into_owned()),
        _ => None,
    };
    if let Some(only) = member(schema, "const") {
        return Some(text(only).into_iter().collect());
    }
    match &member(schema, "enum")?.value {
        Value::List(nodes) => Some(nodes.iter().filter_map(text).collect()),
        _ => None,
    }
}

fn of_object(schema: &Node<'_>, depth: u32) -> ValueType {
    let mut members = BTreeMap::new();
    let properties = member(schema, "properties");
    if let Some(Node { value: Value::Map(entries), .. }) = properties {
        for entry in entries {
            members.insert(entry.key.clone().into_owned(), of_schema(&entry.value, depth));
        }
    }
    let patterns = member(schema, "patternProperties").is_some();
    let others = match member(schema, "additionalProperties").map(|node| &node.value) {
        _ if patterns => Some(ValueType::Any),
        Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(ValueType::Any),
        Some(Value::Map(_)) => member(schema, "additionalProperties").map(|node| of_schema(node, depth)),
        _ => properties.is_none().then_some(ValueType::Any),
    };
    ValueType::Map { members, others: others.map(Box::new) }
}
