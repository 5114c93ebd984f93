//! Text of a server, made harmless: for YAML, for comments and for terminals.

use policy_wasm::json;

/// Whether a character does something instead of being seen: controls, what turns the direction of text, what is
/// invisible (Unicode 16, general category Cf, and the tag characters).
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text has characters that a reviewer cannot see, or that make it look like another.
pub(super) fn unseen(text: &str) -> bool {
    text.chars().any(acts)
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

/// A JSON string that does nothing to a terminal.
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
