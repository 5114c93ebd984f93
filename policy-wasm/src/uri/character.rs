//! Characters of URIs: escapes, invisible characters, and compatibility forms.

/// A character of a URI, or the character behind an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    Plain(char),
    Escaped(char),
    /// A percent sign that begins no escape, or an escape that is not UTF-8.
    Broken(char),
}

/// The characters of a text, escapes decoded once.
pub(super) fn decoded(text: &str) -> impl Iterator<Item = Decoded> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut characters = rest.chars();
        let first = characters.next()?;
        if first != '%' {
            rest = characters.as_str();
            return Some(Decoded::Plain(first));
        }
        match escaped(rest) {
            Some((character, after)) => {
                rest = after;
                Some(Decoded::Escaped(character))
            }
            None => {
                rest = characters.as_str();
                Some(Decoded::Broken(first))
            }
        }
    })
}

/// The character that the escapes at the start of a text encode in UTF-8, and the rest of the text.
fn escaped(text: &str) -> Option<(char, &str)> {
    let mut bytes = [0u8; 4];
    let mut rest = text;
    for length in 1..=bytes.len() {
        let digits = rest.strip_prefix('%')?;
        let (pair, after) = digits.split_at_checked(2)?;
        let mut value = 0u8;
        for digit in pair.chars() {
            value = value.wrapping_mul(16).wrapping_add(u8::try_from(digit.to_digit(16)?).ok()?);
        }
        *bytes.get_mut(length.checked_sub(1)?)? = value;
        rest = after;
        if let Ok(text) = std::str::from_utf8(bytes.get(..length)?) {
            return Some((text.chars().next()?, rest));
        }
    }
    None
}

/// Whether readers drop a character, or show nothing for it (Unicode `Default_Ignorable_Code_Point`, controls).
pub(super) fn is_ignored(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The ASCII form of a character for readers that fold compatibility forms (Unicode NFKC, IDNA, code pages of Windows).
/// It is empty for most other characters, and the character itself for ASCII.
pub(super) fn lookalike(character: char) -> &'static str {
    const ASCII: &str =
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    let place = match character {
        '!'..='~' => u32::from(character).checked_sub(0x21),
        '\u{ff01}'..='\u{ff5e}' => u32::from(character).checked_sub(0xff01),
        _ => None,
    };
    if let Some(place) = place.and_then(|place| usize::try_from(place).ok()) {
        return ASCII.get(place..place.saturating_add(1)).unwrap_or_default();
    }
    match character {
        '\u{2024}' | '\u{3002}' | '\u{fe52}' | '\u{ff61}' => ".",
        '\u{2025}' => "..",
        '\u{2026}' => "...",
        '\u{2044}' | '\u{2215}' | '\u{29f8}' => "/",
        '\u{2216}' | '\u{29f5}' | '\u{29f9}' | '\u{fe68}' => "\\",
        '\u{fe6a}' => "%",
        '\u{2100}' => "a/c",
        '\u{2101}' => "a/s",
        '\u{2105}' => "c/o",
        '\u{2106}' => "c/u",
        _ => "",
    }
}
