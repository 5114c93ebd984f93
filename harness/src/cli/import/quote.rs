//! Text of a server, made harmless: for YAML, for comments and for terminals.

use super::super::visible::{combines, unseen as acts};
use policy_wasm::json;

/// Whether a reviewer could overlook a name or mistake it for another. Such names have invisible characters, blanks at an
/// end or beside each other, or marks without a base character.
pub(super) fn unseen(name: &str) -> bool {
    let mut before = ' ';
    for c in name.chars() {
        if acts(c) || (before == ' ' && (c == ' ' || combines(c))) {
            return true;
        }
        before = c;
    }
    before == ' '
}

/// A URL that is safe to show: only scheme, host and path, since other parts can hold secrets.
pub(super) fn place(url: &str) -> String {
    let end = |c: char| matches!(c, '?' | '#' | ';') || c.is_whitespace() || c.is_control();
    let url = url.split(end).next().unwrap_or_default();
    // Readers differ about where user and password end, so that all are left out up to the last `@`.
    let Some((before, after)) = url.rsplit_once('@') else { return url.to_owned() };
    match before.split_once("//") {
        Some((scheme, _)) => format!("{scheme}//{after}"),
        None => after.to_owned(),
    }
}

/// A double-quoted YAML scalar.
pub(super) fn yaml(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if acts(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A JSON string without effect on a terminal.
pub(super) fn json(text: &str) -> String {
    let mut plain = String::new();
    json::write_str(&mut plain, text);
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// At most `most` characters of a text in one line, for messages and comments.
pub(super) fn shown(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index >= most {
            out.push('…');
            break;
        }
        if acts(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_wasm::compile::read_yaml;
    use policy_wasm::source::{Problems, Value};

    #[test]
    fn hostile_text_is_text() {
        for text in
            ["\u{1b}[2J", "a\n- b: c", "\"}, {x: \"", "\u{202e}drow", "\\", "# no", "\u{e0041}", "ü\u{0}", ""]
        {
            let (quoted, problems) = (yaml(text), Problems::new());
            assert!(!quoted.chars().any(acts), "{quoted}");
            let node = read_yaml("t", &quoted, &problems).unwrap();
            assert!(matches!(&node.value, Value::String(read) if read == text), "{text:?}: {:?}", node.value);
            assert!(!shown(text, 10).chars().any(acts));
            let quoted = json(text);
            assert!(!quoted.chars().any(acts), "{quoted}");
            let read = json::parse(quoted.as_bytes(), &json::Limits::default()).unwrap();
            assert_eq!(read.as_str().unwrap().decode(), text);
        }
        assert_eq!(shown("abcdef", 3), "abc…");
    }
}
