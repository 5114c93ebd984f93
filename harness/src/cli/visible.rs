//! Foreign text on a terminal and in files that people review: active and invisible characters are shown as escapes.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// The escape sequences that this command line writes itself: those of [`policy_wasm::source::Paint`].
const COLOURS: [&str; 6] = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"];

/// Whether a character is active or invisible: controls, formats (such as changes of the text's direction), unassigned
/// characters, spaces other than the plain one, characters that render as nothing (`Default_Ignorable_Code_Point` of
/// Unicode 17 outside of these categories), and empty pictures.
pub(super) fn unseen(character: char) -> bool {
    use GeneralCategory as Category;
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    match character.general_category() {
        Category::Control
        | Category::Format
        | Category::Surrogate
        | Category::PrivateUse
        | Category::Unassigned
        | Category::LineSeparator
        | Category::ParagraphSeparator
        | Category::SpaceSeparator => true,
        _ => matches!(
            character,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
                // A cell of Braille without a dot, a note without a head, a filler of an alphabet, a place of an object.
                | '\u{2800}' | '\u{1d159}' | '\u{16fe4}' | '\u{fffc}'
        ),
    }
}

/// Whether a character is drawn onto the one before it.
pub(super) fn combines(character: char) -> bool {
    use GeneralCategory as Category;
    matches!(
        character.general_category(),
        Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark
    )
}

/// A text for a terminal: lines and the colours of this command line stay, everything else that cannot be seen is `?`.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    loop {
        let colour = COLOURS.iter().find(|colour| rest.as_str().starts_with(**colour));
        if let Some(colour) = colour {
            out.push_str(colour);
            rest.by_ref().take(colour.len()).for_each(drop);
            continue;
        }
        match rest.next() {
            None => return out,
            Some(other) if other != '\n' && other != '\t' && unseen(other) => out.push('?'),
            Some(other) => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_wasm::source::Paint;

    #[test]
    fn colours_and_lines_are_all_that_a_text_does_to_a_terminal() {
        let own = format!("{}\n\t{}", Paint::Colour.bad("no: é 組 👍"), Paint::Colour.title("yes"));
        assert_eq!(plain(&own), own);
        assert_eq!(plain("a\u{1b}[2Jb\u{1b}[8mc\u{1b}]0;x\u{7}\r\u{9b}31m"), "a?[2Jb?[8mc?]0;x???31m");
        assert_eq!(plain("a\u{202e}b\u{200b}c\u{a0}d\u{3164}e"), "a?b?c?d?e");
    }

    #[test]
    fn invisible_characters_are_recognised() {
        let blanks =
            "\u{a0}\u{1680}\u{2000}\u{200a}\u{202f}\u{205f}\u{3000}\u{2800}\u{3164}\u{ffa0}\u{115f}\u{1160}";
        let formats =
            "\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{202a}\u{2066}\u{2060}\u{feff}\u{fff9}\u{1d173}\u{e0041}";
        let others =
            "\0\u{7f}\u{85}\u{2028}\u{2029}\u{34f}\u{180e}\u{fe0f}\u{e0100}\u{e000}\u{378}\u{ffff}\u{10ffff}";
        for character in [blanks, formats, others].concat().chars() {
            assert!(unseen(character), "U+{:04X}", u32::from(character));
        }
        for character in "a ~é組가अָ👍ß–…€".chars() {
            assert!(!unseen(character), "U+{:04X}", u32::from(character));
        }
    }
}
