//! Catalogues: tools, prompts, resources and resource templates.

use super::condition;
use super::condition::Scope;
use super::constraint;
use super::param_headers::{self, Headers};
use super::selectors;
use super::symbols::{Symbols, duration, is_name, labels, mode, moment};
use super::template;
use crate::model::ItemKind;
use crate::policy::{Approval, Check, Definition, Item, ParamHeader};
use crate::source::{MapReader, Named, Place};
use std::collections::{BTreeMap, BTreeSet};

/// Most checks of one entry: each is a question to the authorization cluster before the call.
const MAX_CHECKS: usize = 8;
/// Most accepted definitions of one tool.
const MAX_DEFINITIONS: usize = 16;
/// Most resource templates of one server: all of them may have to be tried for a URI.
const MAX_TEMPLATES: usize = 256;
/// The validity of an approval, unless the policy sets one.
const DEFAULT_APPROVAL: u64 = 600;

/// The keys that hold items, in a server and in a catalogue.
const KEYS: [(&str, ItemKind); 4] = [
    ("tools", ItemKind::Tool),
    ("prompts", ItemKind::Prompt),
    ("resources", ItemKind::Resource),
    ("resource_templates", ItemKind::Template),
];

/// Items by kind and name.
pub(super) type Items<'n> = BTreeMap<(ItemKind, &'n str), (Item, Place<'n>)>;

/// Reads all items that a map holds; whether it had any of the keys.
pub(super) fn read<'n>(map: &mut MapReader<'n>, symbols: &Symbols<'n>) -> (Items<'n>, bool) {
    let (mut items, mut any) = (Items::new(), false);
    for (key, kind) in KEYS {
        let Some(place) = map.optional(key) else { continue };
        any = true;
        for entry in place.named().unwrap_or_default() {
            check_name(kind, &entry);
            if let Some(item) = item(kind, &entry, symbols) {
                items.insert((kind, entry.name), (item, entry.value.clone()));
            }
        }
        if kind == ItemKind::Template
            && items.keys().filter(|(kind, _)| *kind == ItemKind::Template).count() > MAX_TEMPLATES
        {
            place.refuse(format!("expected at most {MAX_TEMPLATES} resource templates"));
        }
    }
    (items, any)
}

fn check_name(kind: ItemKind, entry: &Named<'_>) {
    let name = entry.name;
    let what = match kind {
        ItemKind::Tool => "tool name",
        ItemKind::Prompt => "prompt name",
        ItemKind::Resource => "resource URI",
        ItemKind::Template => "URI template",
    };
    let most = if matches!(kind, ItemKind::Tool | ItemKind::Prompt) { 256 } else { 1024 };
    if name.is_empty() || name.len() > most || name.chars().any(char::is_control) {
        entry.refuse_name(format!("expected a {what} of 1 to {most} bytes without control characters"), None);
        return;
    }
    if matches!(kind, ItemKind::Tool | ItemKind::Prompt) {
        return;
    }
    if !name.bytes().all(|byte| byte.is_ascii_graphic()) || !name.contains(':') {
        entry.refuse_name(format!("expected a {what} such as `note://team/17` in printable ASCII"), None);
    } else if kind == ItemKind::Template {
        if let Err(why) = check_template(name) {
            entry.refuse_name(
                format!("expected a {what} such as `note://team/{{id}}`, found `{name}`: {why}"),
                None,
            );
        }
    } else if name.contains(['{', '}']) {
        entry.refuse_name("a URI with `{…}` is a template: put it under `resource_templates`", None);
    }
}

/// A scheme, then literals and `{name}` (one segment) or `{+name}` (any number), never two side by side.
fn check_template(template: &str) -> Result<(), &'static str> {
    let (scheme, mut rest) = template.split_once(':').ok_or("it has no scheme")?;
    if scheme.contains(['{', '}']) {
        return Err("its scheme must be plain");
    }
    let mut after_variable = false;
    let mut variables = 0usize;
    while let Some((literal, tail)) = rest.split_once('{') {
        if literal.contains('}') {
            return Err("`}` without `{`");
        }
        if after_variable && literal.is_empty() {
            return Err("two variables need a character between them");
        }
        let (name, tail) = tail.split_once('}').ok_or("`{` without `}`")?;
        let name = name.strip_prefix('+').unwrap_or(name);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(fits) {
            return Err("a variable is `{name}` or `{+name}`, of letters, digits and `_`");
        }
        variables = variables.saturating_add(1);
        after_variable = true;
        rest = tail;
    }
    if rest.contains('}') {
        return Err("`}` without `{`");
    }
    match variables {
        0 => Err("it has no variable: put it under `resources`"),
        1..=8 => Ok(()),
        _ => Err("it has more than 8 variables"),
    }
}

fn item<'n>(kind: ItemKind, entry: &Named<'n>, symbols: &Symbols<'n>) -> Option<Item> {
    let mut map = entry.value.map()?;
    let mut scope = Scope::new(symbols);
    let tier = map.required("tier").and_then(|place| symbols.tier(&place));
    let item_labels = map.optional("labels").map(|place| labels(&place)).unwrap_or_default();
    let (mut definitions, mut param_headers) = (Vec::new(), BTreeSet::new());
    let (mut approval, mut checks, mut arguments, mut shown) =
        (None, Vec::new(), Vec::new(), BTreeSet::new());
    if kind == ItemKind::Tool {
        let schema = map.optional("input_schema");
        let headers = schema.as_ref().map(param_headers::read);
        let versions;
        (definitions, versions) = read_definitions(&mut map, headers.as_ref());
        param_headers = all_headers(versions, headers);
        if let Some(place) = schema {
            scope = scope.with_arguments(place.node());
        }
    }
    if matches!(kind, ItemKind::Tool | ItemKind::Prompt) {
        checks = map.optional("checks").map(|place| read_checks(&place)).unwrap_or_default();
        arguments = map
            .optional("arguments")
            .map(|place| constraint::read(&place, &scope, symbols))
            .unwrap_or_default();
        shown = map.optional("record").map(|place| record(&place)).unwrap_or_default();
    }
    if let Some(place) = map.optional("approval") {
        approval = read_approval(&place, symbols);
    }
    let when = map.optional("when").and_then(|place| condition::when(&place, &scope, symbols));
    let mode = mode(map.optional("mode"));
    // A tier that a program proposed counts for nothing before a person has looked at it.
    if let Some(place) = map.optional("review")
        && place.one_of(&["pending"]).is_some()
    {
        place.refuse(format!(
            "the tier of `{}` is not confirmed: review the item, then remove `review: pending`",
            entry.name
        ));
    }
    let _note = map.optional("note").and_then(|place| place.text());
    map.finish();
    Some(Item {
        kind,
        name: entry.name.to_owned(),
        tier: tier?,
        labels: item_labels,
        definitions,
        approval,
        checks,
        when,
        param_headers,
        arguments,
        shown,
        mode,
        origin: symbols.at(entry.value.file(), entry.name_position),
    })
}

fn read_checks(place: &Place<'_>) -> Vec<Check> {
    let Some(places) = place.list() else { return Vec::new() };
    if places.is_empty() || places.len() > MAX_CHECKS {
        let found = places.len();
        place
            .refuse(format!("expected 1 to {MAX_CHECKS} checks, found {found}; leave `checks` out for none"));
    }
    places.iter().filter_map(template::check).collect()
}

/// Headers that repeat arguments, by version, or without a version if all accepted definitions agree.
fn all_headers(versions: Vec<(String, Headers)>, own: Option<Headers>) -> BTreeSet<ParamHeader> {
    let header = |version: Option<&String>, (name, (path, value_type)): (String, _)| ParamHeader {
        version: version.cloned(),
        name,
        path,
        value_type,
    };
    let first = versions.first().map(|(_, headers)| headers.clone());
    if versions.iter().all(|(_, headers)| Some(headers) == first.as_ref()) {
        let headers = first.or(own).unwrap_or_default();
        return headers.into_iter().map(|read| header(None, read)).collect();
    }
    let of_version = |(version, headers): (String, Headers)| {
        headers.into_iter().map(|read| header(Some(&version), read)).collect::<Vec<_>>()
    };
    versions.into_iter().flat_map(of_version).collect()
}

/// `definition`, or `versions` with the headers of each: its own, or those of the tool.
fn read_definitions(
    map: &mut MapReader<'_>,
    headers: Option<&Headers>,
) -> (Vec<Definition>, Vec<(String, Headers)>) {
    let (one, several) = (map.optional("definition"), map.optional("versions"));
    if one.is_some()
        && let Some(place) = &several
    {
        place.refuse("expected either `definition` or `versions`, found both");
    }
    let mut definitions: Vec<Definition> = Vec::new();
    if let Some(digest) = one.and_then(|place| digest(&place)) {
        definitions.push(Definition { version: String::new(), digest, until: None });
    }
    let mut versions = Vec::new();
    let Some(place) = several else { return (definitions, versions) };
    let entries = place.named().unwrap_or_default();
    let some_have = entries.iter().any(|entry| entry.value.value_at("input_schema").is_some());
    if entries.is_empty() || entries.len() > MAX_DEFINITIONS {
        place.refuse(format!("expected 1 to {MAX_DEFINITIONS} versions, found {}", entries.len()));
    }
    for entry in entries {
        if !is_name(entry.name, b"._-") {
            entry.refuse_name(format!("expected a version like `v2`, found `{}`", entry.name), None);
        }
        let Some(mut map) = entry.value.map() else { continue };
        let digest = map.required("digest").and_then(|place| digest(&place));
        let until = map.optional("deprecated_until").and_then(|place| moment(&place));
        match map.optional("input_schema").as_ref().map(param_headers::read).or_else(|| headers.cloned()) {
            Some(headers) => versions.push((entry.name.to_owned(), headers)),
            // The headers of this version's clients would be a guess.
            None if some_have => {
                entry.value.refuse("expected an `input_schema`, here or at the tool: other versions have one")
            }
            None => {}
        }
        map.finish();
        let Some(digest) = digest else { continue };
        if definitions.iter().any(|other| other.digest == digest) {
            entry.value.refuse("another version has the same digest");
        }
        definitions.push(Definition { version: entry.name.to_owned(), digest, until });
    }
    definitions.sort();
    (definitions, versions)
}

/// `sha256:` and 64 hex digits.
fn digest(place: &Place<'_>) -> Option<[u8; 32]> {
    let text = place.text()?;
    let read = text.strip_prefix("sha256:").and_then(unhex);
    if read.is_none() {
        place.refuse(format!("expected `sha256:` and 64 hex digits in lower case, found `{text}`"));
    }
    read
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let mut digits = text.bytes();
    for byte in &mut out {
        let mut digit = || match digits.next()? {
            digit @ b'0'..=b'9' => digit.checked_sub(b'0'),
            letter @ b'a'..=b'f' => letter.checked_sub(b'a')?.checked_add(10),
            _ => None,
        };
        *byte = digit()?.checked_mul(16)?.checked_add(digit()?)?;
    }
    digits.next().is_none().then_some(out)
}

/// `approval: true`, or who and for how long.
fn read_approval<'n>(place: &Place<'n>, symbols: &Symbols<'n>) -> Option<Approval> {
    if let crate::source::Value::Bool(wanted) = place.node().value {
        return wanted.then(|| Approval { approvers: BTreeSet::new(), valid_for: DEFAULT_APPROVAL });
    }
    let mut map = place.map()?;
    let approval = approval_of(&mut map, symbols);
    map.finish();
    Some(approval)
}

/// `approvers` and `valid_for`, of an item's approval or of an approval rule.
pub(super) fn approval_of<'n>(map: &mut MapReader<'n>, symbols: &Symbols<'n>) -> Approval {
    let approvers =
        map.optional("approvers").map(|place| selectors::approvers(&place, symbols)).unwrap_or_default();
    let valid_for = map.optional("valid_for").and_then(|place| duration(&place)).unwrap_or(DEFAULT_APPROVAL);
    Approval { approvers, valid_for }
}

/// `record: {arguments: [a.b]}`.
fn record(place: &Place<'_>) -> BTreeSet<Vec<String>> {
    let Some(mut map) = place.map() else { return BTreeSet::new() };
    let places = map.required("arguments").and_then(|place| place.list()).unwrap_or_default();
    map.finish();
    let path = |place: &Place<'_>| constraint::path(place.text()?, |why| place.refuse(why));
    places.iter().filter_map(path).collect()
}
