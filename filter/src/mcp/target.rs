//! The target of a message: the tool, prompt, resource or task that it acts on.
//!
//! Source: the schemas of MCP 2024-11-05 to 2026-07-28. The filter reads only members that decide, and each
//! must have the one form of the schemas.

use super::error::MessageError;
use super::members::{MAX_NAME, MAX_URI, Member, find, kind, object, optional_object, word};
use super::meta::Meta;
use super::method::{Method, Schema, TargetKind};
use policy_wasm::json::{Kind, Object, Value};
use std::borrow::Cow;

/// The maximum number of resources and tasks in one `subscriptions/listen`; the policy evaluates each.
pub const MAX_SUBSCRIPTIONS: usize = 64;

/// Keys of `params` that have a meaning in some revision. The filter rejects a key that a lenient reader
/// could take for one of these. Other keys pass, for extensions.
pub(super) const PARAM_KEYS: [&str; 24] = [
    "name",
    "arguments",
    "_meta",
    "cursor",
    "uri",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "task",
    "taskId",
    "inputResponses",
    "requestState",
    "ref",
    "argument",
    "context",
    "level",
    "requestId",
    "reason",
    "progressToken",
    "progress",
    "total",
    "message",
    "notifications",
    "status",
];

/// The object of a message, unescaped and exact.
#[derive(Debug, Clone)]
pub enum Target<'a> {
    /// The server as a whole.
    Server,
    /// A tool.
    Tool {
        /// Its name.
        name: Cow<'a, str>,
        /// Its arguments, if present.
        arguments: Option<Object<'a>>,
    },
    /// A prompt.
    Prompt {
        /// Its name.
        name: Cow<'a, str>,
        /// Its arguments, if present; for a completion, the arguments that were chosen before.
        arguments: Option<Object<'a>>,
    },
    /// A resource, or the template of a completion: an opaque string.
    Resource {
        /// Its URI.
        uri: Cow<'a, str>,
    },
    /// A task.
    Task {
        /// Its id.
        id: Cow<'a, str>,
        /// The id as the JSON string of the body.
        written: Value<'a>,
    },
    /// Several targets, each of which is evaluated; at most [`MAX_SUBSCRIPTIONS`].
    Each(Vec<Target<'a>>),
}

impl<'a> Target<'a> {
    /// Its arguments.
    pub fn arguments(&self) -> Option<Object<'a>> {
        match self {
            Target::Tool { arguments, .. } | Target::Prompt { arguments, .. } => *arguments,
            _ => None,
        }
    }

    /// The name of the target, as `Mcp-Name` mirrors it.
    pub fn name(&self) -> Option<&str> {
        match self {
            Target::Server | Target::Each(_) => None,
            Target::Tool { name, .. } | Target::Prompt { name, .. } => Some(name),
            Target::Resource { uri } => Some(uri),
            Target::Task { id, .. } => Some(id),
        }
    }
}

/// The target of a message of this method.
pub(super) fn read_target<'a>(
    method: Method,
    params: &[Member<'a>],
    meta: &Meta<'a>,
) -> Result<Target<'a>, MessageError> {
    kind(find(params, "cursor"), Kind::String)?;
    kind(find(params, "task"), Kind::Object)?;
    kind(find(params, "inputResponses"), Kind::Object)?;
    kind(find(params, "requestState"), Kind::String)?;
    kind(find(params, "level"), Kind::String)?;
    let arguments = || optional_object(find(params, "arguments"));
    Ok(match method.target_kind() {
        TargetKind::Tool => {
            Target::Tool { name: word(find(params, "name"), MAX_NAME)?, arguments: arguments()? }
        }
        TargetKind::Prompt => {
            Target::Prompt { name: word(find(params, "name"), MAX_NAME)?, arguments: arguments()? }
        }
        TargetKind::Resource => Target::Resource { uri: word(find(params, "uri"), MAX_URI)? },
        TargetKind::Reference => read_reference(params)?,
        TargetKind::Task => {
            let written = find(params, "taskId").ok_or(MessageError::ParamsInvalid)?;
            let id = word(Some(written), MAX_URI)?;
            // A server that reads the task from `_meta` would act on another task than the evaluated one.
            if meta.task.and_then(Value::as_str).is_some_and(|task| !task.is(&id)) {
                return Err(MessageError::Ambiguous);
            }
            Target::Task { id, written }
        }
        TargetKind::Subscriptions => {
            read_subscriptions(find(params, "notifications").ok_or(MessageError::ParamsInvalid)?)?
        }
        TargetKind::Server | TargetKind::Client => {
            if method == Method::SetLevel && find(params, "level").is_none() {
                return Err(MessageError::ParamsInvalid);
            }
            Target::Server
        }
    })
}

/// `completion/complete`: a completion reveals the object that it refers to, so the policy evaluates that
/// object.
fn read_reference<'a>(params: &[Member<'a>]) -> Result<Target<'a>, MessageError> {
    const KEYS: [&str; 3] = ["type", "name", "uri"];
    let reference = object(find(params, "ref").ok_or(MessageError::ParamsInvalid)?, &KEYS)?;
    let argument = object(find(params, "argument").ok_or(MessageError::ParamsInvalid)?, &["name", "value"])?;
    for key in ["name", "value"] {
        argument.get(key).and_then(Value::as_str).ok_or(MessageError::ParamsInvalid)?;
    }
    let context = find(params, "context").map(|context| object(context, &["arguments"])).transpose()?;
    let arguments = optional_object(context.and_then(|context| context.get("arguments")))?;
    let (name, uri) = (reference.get("name"), reference.get("uri"));
    let of = |text: &str| reference.get("type").and_then(Value::as_str).is_some_and(|found| found.is(text));
    // With both members, a server could use the one that was not evaluated.
    if of("ref/prompt") && uri.is_none() {
        Ok(Target::Prompt { name: word(name, MAX_NAME)?, arguments })
    } else if of("ref/resource") && name.is_none() {
        Ok(Target::Resource { uri: word(uri, MAX_URI)? })
    } else {
        Err(MessageError::ParamsInvalid)
    }
}

/// `subscriptions/listen`: the filter rejects an unknown key, because it could subscribe to an object that
/// was not evaluated.
fn read_subscriptions(value: Value<'_>) -> Result<Target<'_>, MessageError> {
    const KEYS: [&str; 5] = [
        "toolsListChanged",
        "promptsListChanged",
        "resourcesListChanged",
        "resourceSubscriptions",
        "taskIds",
    ];
    let mut each = Vec::new();
    for (key, value) in object(value, &KEYS)?.members() {
        let resources = key.is("resourceSubscriptions");
        if resources || key.is("taskIds") {
            for element in value.as_array().ok_or(MessageError::ParamsInvalid)?.elements() {
                let text = word(Some(element), MAX_URI)?;
                each.push(if resources {
                    Target::Resource { uri: text }
                } else {
                    Target::Task { id: text, written: element }
                });
                if each.len() > MAX_SUBSCRIPTIONS {
                    return Err(MessageError::ParamsInvalid);
                }
            }
        } else if !KEYS.iter().any(|known| key.is(known)) || value.kind() != Kind::Bool {
            return Err(MessageError::ParamsInvalid);
        }
    }
    Ok(if each.is_empty() { Target::Server } else { Target::Each(each) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]
    use super::super::client_message::{Message, read};
    use super::super::members::MAX_URI;
    use super::*;
    use policy_wasm::json::Limits;

    fn target(method: &str, params: &str) -> Result<String, MessageError> {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        match read(body.as_bytes(), &Limits::default()) {
            Ok(Message::Request(request)) => Ok(match request.target {
                Target::Each(each) => each.iter().map(word_of).collect::<Vec<_>>().join(" "),
                one => word_of(&one),
            }),
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => Err(refusal.error),
        }
    }

    fn word_of(target: &Target<'_>) -> String {
        match target {
            Target::Server => "server".to_owned(),
            Target::Tool { name, arguments } => format!("tool:{name}:{}", arguments.map_or("", Object::raw)),
            Target::Prompt { name, arguments } => {
                format!("prompt:{name}:{}", arguments.map_or("", Object::raw))
            }
            Target::Resource { uri } => format!("resource:{uri}"),
            Target::Task { id, .. } => format!("task:{id}"),
            Target::Each(each) => format!("{each:?}"),
        }
    }

    #[test]
    fn each_method_acts_on_what_its_params_name() {
        for (method, params, expected) in [
            ("prompts/get", r#"{"name":"p","arguments":{"a":"b"}}"#, r#"prompt:p:{"a":"b"}"#),
            ("resources/read", r#"{"uri":"file:\/\/\/a"}"#, "resource:file:///a"),
            ("resources/subscribe", r#"{"uri":"file:///a"}"#, "resource:file:///a"),
            ("resources/unsubscribe", r#"{"uri":"file:///a"}"#, "resource:file:///a"),
            ("tasks/get", r#"{"taskId":"t"}"#, "task:t"),
            ("tasks/result", r#"{"taskId":"t"}"#, "task:t"),
            ("tasks/cancel", r#"{"taskId":"t","uri":"x"}"#, "task:t"),
            ("tasks/update", r#"{"taskId":"t","inputResponses":{}}"#, "task:t"),
            ("tasks/list", "{}", "server"),
            ("logging/setLevel", r#"{"level":"debug"}"#, "server"),
            ("prompts/list", r#"{"cursor":"x"}"#, "server"),
            (
                "tools/call",
                r#"{"name":"t","inputResponses":{"k":{}},"requestState":"s","task":{"ttl":1}}"#,
                "tool:t:",
            ),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""},"context":{"arguments":{"b":"c"}}}"#,
                r#"prompt:p:{"b":"c"}"#,
            ),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/resource","uri":"repo://{owner}"},"argument":{"name":"owner","value":"a"}}"#,
                "resource:repo://{owner}",
            ),
            ("subscriptions/listen", r#"{"notifications":{"toolsListChanged":true}}"#, "server"),
            (
                "subscriptions/listen",
                r#"{"notifications":{"resourceSubscriptions":["a:b","c:d"],"taskIds":["t"]}}"#,
                "resource:a:b resource:c:d task:t",
            ),
        ] {
            assert_eq!(target(method, params).as_deref(), Ok(expected), "{method} {params}");
        }
    }

    #[test]
    fn what_names_an_object_has_one_form() {
        use MessageError::{Ambiguous, ParamsInvalid};
        let complete =
            |reference: &str| format!(r#"{{"ref":{reference},"argument":{{"name":"a","value":"b"}}}}"#);
        let listen = |filter: &str| format!(r#"{{"notifications":{filter}}}"#);
        let long = "x".repeat(MAX_URI);
        let uris = vec!["\"a:b\""; MAX_SUBSCRIPTIONS + 1].join(",");
        for (method, params, reason) in [
            ("prompts/get", "{}".to_owned(), ParamsInvalid),
            ("prompts/get", r#"{"name":"p","arguments":[]}"#.to_owned(), ParamsInvalid),
            ("prompts/get", r#"{"name":"p","Name":"q"}"#.to_owned(), Ambiguous),
            ("resources/read", r#"{"uri":""}"#.to_owned(), ParamsInvalid),
            ("resources/read", r#"{"uri":"a:\u0000"}"#.to_owned(), ParamsInvalid),
            ("resources/read", r#"{"uri":["a:b"]}"#.to_owned(), ParamsInvalid),
            ("resources/read", r#"{"uri":"a:b","URI":"c:d"}"#.to_owned(), Ambiguous),
            ("resources/read", format!(r#"{{"uri":"{long}x"}}"#), ParamsInvalid),
            ("tools/call", r#"{"name":"t","requestState":{}}"#.to_owned(), ParamsInvalid),
            ("tools/call", r#"{"name":"t","inputResponses":[]}"#.to_owned(), ParamsInvalid),
            ("tools/call", r#"{"name":"t","task":"x"}"#.to_owned(), ParamsInvalid),
            ("logging/setLevel", "{}".to_owned(), ParamsInvalid),
            ("logging/setLevel", r#"{"level":1}"#.to_owned(), ParamsInvalid),
            ("tasks/get", r#"{"taskId":1}"#.to_owned(), ParamsInvalid),
            (
                "tasks/get",
                r#"{"taskId":"a","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"b"}}}"#
                    .to_owned(),
                Ambiguous,
            ),
            ("completion/complete", complete(r#"{"type":"ref/tool","name":"p"}"#), ParamsInvalid),
            (
                "completion/complete",
                complete(r#"{"type":"ref/prompt","name":"p","uri":"a:b"}"#),
                ParamsInvalid,
            ),
            (
                "completion/complete",
                complete(r#"{"type":"ref/resource","name":"p","uri":"a:b"}"#),
                ParamsInvalid,
            ),
            ("completion/complete", complete(r#"{"type":"ref/prompt","uri":"a:b"}"#), ParamsInvalid),
            ("completion/complete", complete(r#"{"type":"ref/prompt","name":"p","Type":"x"}"#), Ambiguous),
            ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"p"}}"#.to_owned(), ParamsInvalid),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":1}}"#.to_owned(),
                ParamsInvalid,
            ),
            ("subscriptions/listen", "{}".to_owned(), ParamsInvalid),
            ("subscriptions/listen", listen("[]"), ParamsInvalid),
            ("subscriptions/listen", listen(r#"{"promptSubscriptions":["p"]}"#), ParamsInvalid),
            ("subscriptions/listen", listen(r#"{"toolsListChanged":1}"#), ParamsInvalid),
            ("subscriptions/listen", listen(r#"{"taskIds":["a",1]}"#), ParamsInvalid),
            ("subscriptions/listen", listen(r#"{"taskIds":[],"taskids":["a"]}"#), Ambiguous),
            (
                "subscriptions/listen",
                listen(&format!(r#"{{"resourceSubscriptions":[{uris}]}}"#)),
                ParamsInvalid,
            ),
        ] {
            assert_eq!(target(method, &params), Err(reason), "{method} {params}");
        }
        assert!(target("resources/read", &format!(r#"{{"uri":"{long}"}}"#)).is_ok());
    }
}
