//! `checks`: relations with templates such as `repository:{args.owner}/{args.repo}`.

use crate::policy::{Check, TemplatePart};
use crate::source::{Place, suggest};

/// A type and the parts of an id.
struct Template {
    kind: String,
    parts: Vec<TemplatePart>,
}

/// Longest path to an argument, in keys.
const MAX_KEYS: usize = 8;
/// Longest template in bytes.
const MAX_TEMPLATE: usize = 512;

/// Reads one entry of `checks`.
pub(super) fn check(place: &Place<'_>) -> Option<Check> {
    let mut map = place.map()?;
    let relation = map.required("relation").and_then(|place| relation(&place));
    let object = map.required("object").and_then(|place| template(&place));
    let subject = match map.optional("subject") {
        Some(place) => template(&place),
        None => Some(Template { kind: "user".to_owned(), parts: vec![TemplatePart::SubjectId] }),
    };
    map.finish();
    let (relation, object, subject) = (relation?.to_owned(), object?, subject?);
    Some(Check {
        relation,
        object_type: object.kind,
        object_id: object.parts,
        subject_type: subject.kind,
        subject_id: subject.parts,
    })
}

fn relation<'n>(place: &Place<'n>) -> Option<&'n str> {
    let text = place.text()?;
    if is_word(text) {
        return Some(text);
    }
    place.refuse(format!(
        "expected a relation like `writer` ([A-Za-z][A-Za-z0-9_-]*, at most 64), found `{text}`"
    ));
    None
}

fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.len() <= 64 && text.bytes().all(fits)
}

fn template(place: &Place<'_>) -> Option<Template> {
    let text = place.text()?;
    match parse(text) {
        Ok(template) => Some(template),
        Err(Refusal { message, suggestion }) => {
            place.refuse_with(message, suggestion);
            None
        }
    }
}

struct Refusal {
    message: String,
    suggestion: Option<String>,
}

fn refusal(message: impl Into<String>) -> Refusal {
    Refusal { message: message.into(), suggestion: None }
}

fn parse(text: &str) -> Result<Template, Refusal> {
    let shape = || refusal(format!("expected `type:id`, such as `repository:{{args.repo}}`, found `{text}`"));
    let (kind, id) = text.split_once(':').ok_or_else(shape)?;
    // SpiceDB's types may have prefixes: `acme/repository`.
    if !kind.split('/').all(is_word) || id.is_empty() || text.len() > MAX_TEMPLATE {
        return Err(shape());
    }
    let mut parts: Vec<TemplatePart> = Vec::new();
    let mut rest = id;
    while !rest.is_empty() {
        let literal_end = rest.find('{').unwrap_or(rest.len());
        let (literal, after) = rest.split_at_checked(literal_end).ok_or_else(shape)?;
        if !literal.is_empty() {
            check_literal(literal)?;
            parts.push(TemplatePart::Literal(literal.to_owned()));
        }
        let Some(inside) = after.strip_prefix('{') else { break };
        let (name, tail) =
            inside.split_once('}').ok_or_else(|| refusal(format!("`{{` without `}}` in `{text}`")))?;
        if literal.is_empty() && parts.last().is_some() {
            return Err(refusal(format!(
                "two placeholders side by side in `{text}`: put a character between them, or their values could run \
                 into each other"
            )));
        }
        parts.push(placeholder(name)?);
        rest = tail;
    }
    Ok(Template { kind: kind.to_owned(), parts })
}

fn check_literal(literal: &str) -> Result<(), Refusal> {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "_-./|=+@~,".contains(*c);
    match literal.chars().find(|c| !fits(c)) {
        None => Ok(()),
        Some(other) => Err(refusal(format!(
            "`{}` cannot stand in an id: expected letters, digits and `_-./|=+@~,`",
            if other.is_control() { '?' } else { other }
        ))),
    }
}

fn placeholder(name: &str) -> Result<TemplatePart, Refusal> {
    if name == "subject.id" {
        return Ok(TemplatePart::SubjectId);
    }
    let key = |key: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        !key.is_empty() && key.bytes().all(fits)
    };
    let mut keys = name.split('.');
    let root = keys.next().unwrap_or_default();
    let path: Vec<&str> = keys.collect();
    if root == "args" && (1..=MAX_KEYS).contains(&path.len()) && path.iter().all(|segment| key(segment)) {
        return Ok(TemplatePart::Argument(path.into_iter().map(str::to_owned).collect()));
    }
    let message = format!("unknown placeholder `{{{name}}}`, expected `{{args.name}}` or `{{subject.id}}`");
    let suggestion =
        if matches!(root, "args" | "subject") { None } else { suggest(root, ["args", "subject"]) };
    Err(Refusal { message, suggestion })
}
