//! Text to tokens.

use super::Mistake;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Number(String),
    Text(String),
    /// Operators and brackets.
    Symbol(&'static str),
    End,
}

/// A token and its place.
#[derive(Debug, Clone)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

const SYMBOLS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", "(", ")", "[", "]", ".", ",", "+", "-", "*",
    "/", "%", "{", "}", "=",
];

/// The state of the lexer.
struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// All tokens of the text; the last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme>, Mistake> {
    let mut lexer = Lexer { text, at: 0 };
    let mut out = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let token = lexer.token()?;
        let done = token == Token::End;
        out.push(Lexeme { token, start, end: lexer.at });
        if done {
            return Ok(out);
        }
    }
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn mistake(&self, start: usize, message: &str) -> Mistake {
        let end = self.at.max(start.saturating_add(1)).min(self.text.len());
        Mistake::new(start, end, message.to_owned())
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.advance(c.len_utf8());
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.advance(length);
        rest.get(..length).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<Token, Mistake> {
        let rest = self.rest();
        let start = self.at;
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        let raw = matches!(rest.as_bytes(), [b'r' | b'R', b'"' | b'\'', ..]);
        if raw {
            self.advance(1);
        }
        if raw || matches!(first, '"' | '\'') {
            return self.string(raw);
        }
        if matches!(rest.as_bytes(), [b'b' | b'B', b'"' | b'\'', ..]) {
            self.advance(1);
            return Err(self.mistake(start, "conditions know no bytes, only strings"));
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return Ok(Token::Name(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_owned()));
        }
        if first.is_ascii_digit() || matches!(rest.as_bytes(), [b'.', b'0'..=b'9', ..]) {
            return self.number();
        }
        for symbol in SYMBOLS {
            if rest.starts_with(symbol) {
                self.advance(symbol.len());
                return Ok(Token::Symbol(symbol));
            }
        }
        self.advance(first.len_utf8());
        Err(self.mistake(start, "this character means nothing here"))
    }

    fn number(&mut self) -> Result<Token, Mistake> {
        let start = self.at;
        let digits = |c: char| c.is_ascii_digit();
        let mut text = self.take_while(digits).to_owned();
        if text.is_empty() {
            text.push('0');
        }
        if matches!(self.rest().as_bytes(), [b'.', b'0'..=b'9', ..]) {
            self.advance(1);
            text.push('.');
            text.push_str(self.take_while(digits));
        }
        if matches!(
            self.rest().as_bytes(),
            [b'e' | b'E', b'0'..=b'9', ..] | [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..]
        ) {
            text.push('e');
            self.advance(1);
            text.push_str(self.take_while(|c| matches!(c, '+' | '-')));
            text.push_str(self.take_while(digits));
        }
        let behind = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        if !behind.is_empty() {
            let message = "expected a decimal number such as 5, 0.25 or 1e6; there is only one type of numbers, \
                           without suffix and without 0x";
            return Err(self.mistake(start, message));
        }
        // The strict JSON reader bounds a number: its length and its range too.
        let unpadded = text.trim_start_matches('0');
        let text = match unpadded.as_bytes().first() {
            Some(b'0'..=b'9') => unpadded.to_owned(),
            _ => format!("0{unpadded}"),
        };
        match crate::json::parse(text.as_bytes(), &crate::json::Limits::default()) {
            Ok(_) => Ok(Token::Number(text)),
            Err(_) => Err(self.mistake(start, "this number is too large, or longer than 64 characters")),
        }
    }

    fn string(&mut self, raw: bool) -> Result<Token, Mistake> {
        let start = self.at;
        let Some(quote) = self.next() else { return Ok(Token::End) };
        let mut out = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None | Some('\n' | '\r') => {
                    self.at = at;
                    return Err(self.mistake(start, "this string does not end: its closing quote is missing"));
                }
                Some('\\') if !raw => out.push(self.escape(at)?),
                Some(c) if c == quote => break,
                Some(c) => out.push(c),
            }
        }
        if out.is_empty() && self.rest().starts_with(quote) {
            self.advance(1);
            return Err(
                self.mistake(start, "strings in triple quotes are not supported; write \\n for a line break")
            );
        }
        Ok(Token::Text(out))
    }

    fn escape(&mut self, start: usize) -> Result<char, Mistake> {
        let (radix, count) = match self.next() {
            Some('a') => return Ok('\u{7}'),
            Some('b') => return Ok('\u{8}'),
            Some('f') => return Ok('\u{c}'),
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('v') => return Ok('\u{b}'),
            Some(c @ ('\\' | '?' | '"' | '\'' | '`')) => return Ok(c),
            Some('x' | 'X') => (16, 2usize),
            Some('u') => (16, 4),
            Some('U') => (16, 8),
            Some('0'..='3') => {
                self.at = self.at.saturating_sub(1);
                (8, 3)
            }
            _ => return Err(self.mistake(start, "unknown escape; write \\\\ for a backslash, or r\"…\"")),
        };
        let digits = self.rest().get(..count).filter(|text| text.chars().all(|c| c.is_digit(radix)));
        let c = digits.and_then(|text| u32::from_str_radix(text, radix).ok()).and_then(char::from_u32);
        self.advance(digits.map_or(0, str::len));
        c.ok_or_else(|| self.mistake(start, "this escape is not a character"))
    }
}
