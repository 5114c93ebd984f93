//! Texts that strain readers: one unit repeated, in a frame that leads the reader to it.
//!
//! Readers may accept or reject them. The cost for each byte must not grow with the length.

/// A frame: the text before and after the repeated units.
pub type Frame = (&'static str, &'static str);

/// The repeated units: separators, brackets, quotes, escapes, blanks, line ends of every reader, and texts with a meaning
/// in JSON, in an event stream or in YAML.
pub const UNITS: [&str; 83] = [
    "\"",
    "'",
    "`",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "{}",
    "[]",
    "[{",
    "}]",
    "{\"a\":",
    "[[],",
    ":",
    ",",
    ";",
    "/",
    "//",
    "../",
    "%",
    "%2e",
    "%25",
    "&",
    "&a ",
    "*",
    "*a ",
    "#",
    "# a\n",
    "?",
    "? ",
    "!",
    "|",
    "||",
    "&&",
    ">",
    "-",
    "- ",
    "--",
    "---\n",
    "-\n",
    "...\n",
    ".",
    "@",
    "=",
    "~",
    "0",
    "1,",
    "1e",
    "null,",
    "\"\",",
    "\"a\",",
    "\"a\":1,",
    "\\",
    "\\\\",
    "\\\"",
    "\\u0000",
    "\\u0061",
    "\\ud83d\\ude00",
    "\\n",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\n ",
    "\u{b}",
    "\u{c}",
    "\u{1c}",
    "\u{1d}",
    "\u{1e}",
    "\u{85}",
    "\u{a0}",
    "\u{200b}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "a",
    "a ",
    "a: ",
    "é",
    "😀",
];

/// One family of texts.
#[derive(Clone)]
pub struct Family {
    /// The name in the report.
    pub name: String,
    frame: Frame,
    unit: Unit,
}

#[derive(Clone)]
enum Unit {
    Same(String),
    /// Units with another number in the place of each `#`, and the separator between two units.
    Numbered(String, &'static str),
}

impl Family {
    /// A thing again and again.
    pub fn same(frame: Frame, unit: &str) -> Family {
        Family { name: format!("{:?} in {frame:?}", unit), frame, unit: Unit::Same(unit.to_owned()) }
    }

    /// Units that differ by a number, which replaces `#`.
    pub fn numbered(frame: Frame, unit: &str, between: &'static str) -> Family {
        let name = format!("{unit:.60?}{between:?} in {frame:?}");
        Family { name, frame, unit: Unit::Numbered(unit.to_owned(), between) }
    }

    /// The text of about so many bytes. Only the frame can make it longer.
    pub fn text(&self, size: usize) -> String {
        let (prefix, suffix) = self.frame;
        let room = size.saturating_sub(prefix.len().saturating_add(suffix.len()));
        let mut text = String::with_capacity(size.max(64));
        text.push_str(prefix);
        match &self.unit {
            Unit::Same(unit) => text.push_str(&unit.repeat(room / unit.len().max(1))),
            Unit::Numbered(unit, between) => {
                for number in 0_usize.. {
                    let next = unit.replace('#', &number.to_string());
                    let needed = next.len().saturating_add(between.len()).saturating_add(suffix.len());
                    if number > 0 && text.len().saturating_add(needed) > size {
                        break;
                    }
                    text.push_str(if number > 0 { between } else { "" });
                    text.push_str(&next);
                }
            }
        }
        text.push_str(suffix);
        text
    }
}

/// Every unit in every frame.
pub fn everywhere(frames: &[Frame]) -> Vec<Family> {
    frames.iter().flat_map(|frame| UNITS.iter().map(|unit| Family::same(*frame, unit))).collect()
}

/// Members of a JSON object, and values of an array, that differ: few and long, many and short, alike to their ends.
pub fn members(object: Frame, array: Frame) -> Vec<Family> {
    let alike = "k".repeat(200);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(50), close.repeat(50));
    let keys = [
        "\"#\":1".to_owned(),
        "\"\\u006b#\":1".to_owned(),
        format!("\"{alike}#\":1"),
        format!("\"\\u006b{alike}#\":1"),
        "\"\\u0000#\":{}".to_owned(),
        "\"#\":\"\"".to_owned(),
        "\"name\\u0000#\":1".to_owned(),
        format!("\"#\":{}", deep("[", "]")),
        format!("\"#\":{}1{}", "{\"a\":".repeat(30), "}".repeat(30)),
    ];
    let values = [
        "#".to_owned(),
        "\"#\"".to_owned(),
        "{}".to_owned(),
        "{\"name\":\"#\"}".to_owned(),
        deep("[", "]"),
        format!("{}1{}", "{\"a\":".repeat(30), "}".repeat(30)),
        "[[],{\"a\":[{\"b\":#}]}]".to_owned(),
    ];
    let of = |frame: Frame| move |unit: &String| Family::numbered(frame, unit, ",");
    keys.iter().map(of(object)).chain(values.iter().map(of(array))).collect()
}
