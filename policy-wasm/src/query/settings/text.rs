//! Values of settings as text.

use crate::bundle::{Check, List, Part, Unreadable};
use crate::json::write_str;
use crate::model::Mode;

/// A path as one text.
pub(super) fn name(path: &[String]) -> String {
    let steps: Vec<String> = path.iter().map(|step| word(step)).collect();
    steps.join(".")
}

/// A name, in quotes if it could be ambiguous.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-.:/@+*".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut out = String::new();
    write_str(&mut out, text);
    out
}

/// A list as one text.
pub(super) fn listed<'t>(names: impl IntoIterator<Item = &'t str>) -> String {
    let words: Vec<String> = names.into_iter().map(word).collect();
    format!("[{}]", words.join(", "))
}

pub(super) fn names(list: List<'_>) -> Result<String, Unreadable> {
    let names: Vec<&str> = list.names().collect::<Result<_, _>>()?;
    Ok(listed(names))
}

pub(super) fn seconds(count: u64) -> String {
    format!("{count} s")
}

/// An issuer that may vouch for actors, and the issuers whose actors it vouches for besides its own.
pub(super) fn voucher(identifier: &str, vouches_for: Option<List<'_>>) -> String {
    let others: Vec<&str> =
        vouches_for.into_iter().flat_map(|list| list.names()).filter_map(Result::ok).collect();
    match others.as_slice() {
        [] => identifier.to_owned(),
        others => format!("{identifier} (and for {})", others.join(" and ")),
    }
}

pub(super) fn mode(mode: Mode) -> Option<String> {
    match mode {
        Mode::Enforce => None,
        Mode::Monitor => Some(mode.name().to_owned()),
    }
}

/// The keys that lead to an argument, as one text.
pub(super) fn keys(path: List<'_>) -> Result<String, Unreadable> {
    let names: Vec<&str> = path.names().collect::<Result<_, _>>()?;
    Ok(argument(&names))
}

pub(super) fn argument(names: &[&str]) -> String {
    let words: Vec<String> =
        names.iter().map(|name| if name.contains('.') { format!("{name:?}") } else { word(name) }).collect();
    words.join(".")
}

/// Several texts joined to one; `None` if there are none.
pub(super) fn joined<T>(
    all: impl Iterator<Item = Result<T, Unreadable>>,
    text: impl Fn(T) -> Result<String, Unreadable>,
) -> Result<Option<String>, Unreadable> {
    let texts: Vec<String> = all.map(|one| text(one?)).collect::<Result<_, _>>()?;
    Ok((!texts.is_empty()).then(|| texts.join(", ")))
}

pub(super) fn check(check: Check<'_>) -> Result<String, Unreadable> {
    let part = |part: Part<'_>| match part {
        // A literal brace is doubled, so that it does not look like a placeholder.
        Part::Literal(text) => text.replace('{', "{{"),
        Part::Argument(keys) => format!("{{args.{}}}", argument(&keys)),
        Part::SubjectId => "{subject.id}".to_owned(),
    };
    let whole = |parts: Vec<Part<'_>>| parts.into_iter().map(part).collect::<String>();
    let (object, subject) = (whole(check.object()?), whole(check.subject()?));
    let (relation, object_type, subject_type) = (check.relation, check.object_type, check.subject_type);
    Ok(format!("{relation} of {object_type}:{object} for {subject_type}:{subject}"))
}
