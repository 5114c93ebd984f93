//! Tokens to an expression, by recursive descent with a bound.

use super::ast::{Binary, Expr, Kind};
use super::lex::{Lexeme, Token, tokens};
use super::{MAX_LENGTH, Mistake};
use crate::condition::MAX_DEPTH;

/// Reads the text of a condition; names and types are not yet looked at.
///
/// # Errors
/// The first place at which the text is not an expression.
pub fn parse(text: &str) -> Result<Expr, Mistake> {
    if text.len() > MAX_LENGTH {
        return Err(Mistake::new(0, text.len(), format!("a condition is at most {MAX_LENGTH} bytes long")));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let expr = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("an operator such as && or ==, or the end of the condition")),
    }
}

struct Parser<'t> {
    tokens: &'t [Lexeme],
    depth: u32,
}

const END: Token = Token::End;

impl<'t> Parser<'t> {
    fn peek(&self) -> &'t Token {
        self.tokens.first().map_or(&END, |lexeme| &lexeme.token)
    }

    fn start(&self) -> usize {
        self.tokens.first().map_or(0, |lexeme| lexeme.start)
    }

    fn skip(&mut self) -> usize {
        // The last token is the end, and stays.
        let end = self.tokens.first().map_or(0, |lexeme| lexeme.end);
        if let [_, rest @ ..] = self.tokens
            && !rest.is_empty()
        {
            self.tokens = rest;
        }
        end
    }

    fn symbol(&mut self, symbol: &str) -> Option<usize> {
        (*self.peek() == Token::Symbol(self.known(symbol)?)).then(|| self.skip())
    }

    fn known(&self, symbol: &str) -> Option<&'static str> {
        match self.peek() {
            Token::Symbol(found) if *found == symbol => Some(found),
            _ => None,
        }
    }

    fn expect(&mut self, symbol: &str) -> Result<usize, Mistake> {
        self.symbol(symbol).ok_or_else(|| self.unexpected(&format!("`{symbol}`")))
    }

    fn unexpected(&self, expected: &str) -> Mistake {
        let (start, end) = self.tokens.first().map_or((0, 0), |lexeme| (lexeme.start, lexeme.end));
        let found = match self.peek() {
            Token::Name(name) => format!("`{name}`"),
            Token::Number(text) => format!("the number `{text}`"),
            Token::Text(_) => "a string".to_owned(),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::End => "the end".to_owned(),
        };
        let mistake = Mistake::new(start, end, format!("expected {expected}, found {found}"));
        match self.peek() {
            Token::Symbol("=") => mistake.hint("did you mean `==`?"),
            Token::Name(name) if name == "and" => mistake.hint("did you mean `&&`?"),
            Token::Name(name) if name == "or" => mistake.hint("did you mean `||`?"),
            Token::Symbol("*" | "/" | "%") => mistake.hint("conditions do not calculate with numbers"),
            _ => mistake,
        }
    }

    fn expression(&mut self) -> Result<Expr, Mistake> {
        if self.depth >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(Mistake::new(self.start(), self.start().saturating_add(1), message));
        }
        self.depth = self.depth.saturating_add(1);
        let condition = self.chain(true)?;
        let expr = if self.symbol("?").is_some() {
            let yes = self.chain(true)?;
            self.expect(":")?;
            let no = self.expression()?;
            let (start, end) = (condition.at.start, no.at.end);
            Kind::If(Box::new(condition), Box::new(yes), Box::new(no)).at(start, end)
        } else {
            condition
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(expr)
    }

    /// Operands between `||`, or between `&&`. The order of operands is kept; their grouping does not matter.
    fn chain(&mut self, or: bool) -> Result<Expr, Mistake> {
        let mut parts = Vec::new();
        loop {
            parts.push(if or { self.chain(false)? } else { self.relation()? });
            if self.symbol(if or { "||" } else { "&&" }).is_none() {
                return Ok(Expr::join(!or, parts));
            }
        }
    }

    fn relation(&mut self) -> Result<Expr, Mistake> {
        let left = self.sum()?;
        let operator = match self.peek() {
            Token::Symbol("==") => Binary::Equal,
            Token::Symbol("!=") => Binary::Unequal,
            Token::Symbol("<") => Binary::Less,
            Token::Symbol("<=") => Binary::LessEqual,
            Token::Symbol(">") => Binary::Greater,
            Token::Symbol(">=") => Binary::GreaterEqual,
            Token::Name(name) if name == "in" => Binary::In,
            _ => return Ok(left),
        };
        self.skip();
        let right = self.sum()?;
        let (start, end) = (left.at.start, right.at.end);
        if let Token::Symbol("==" | "!=" | "<" | "<=" | ">" | ">=") = self.peek() {
            return Err(self.unexpected("`&&`, `||` or a closing bracket: comparisons cannot be chained"));
        }
        Ok(Kind::Binary(operator, Box::new(left), Box::new(right)).at(start, end))
    }

    fn sum(&mut self) -> Result<Expr, Mistake> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Symbol("+") => Binary::Add,
                Token::Symbol("-") => Binary::Subtract,
                _ => return Ok(left),
            };
            self.skip();
            let right = self.unary()?;
            let (start, end) = (left.at.start, right.at.end);
            left = Kind::Binary(operator, Box::new(left), Box::new(right)).at(start, end);
        }
    }

    fn unary(&mut self) -> Result<Expr, Mistake> {
        let start = self.start();
        if self.symbol("!").is_some() {
            let mut twice = false;
            while self.symbol("!").is_some() {
                twice = !twice;
            }
            let inner = self.postfix()?;
            let end = inner.at.end;
            let once = Kind::Not(Box::new(inner)).at(start, end);
            return Ok(if twice { Kind::Not(Box::new(once)).at(start, end) } else { once });
        }
        if self.symbol("-").is_some() {
            let Token::Number(text) = self.peek() else {
                return Err(self.unexpected("a number after `-`"));
            };
            let end = self.skip();
            return Ok(Kind::Number(format!("-{text}")).at(start, end));
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Expr, Mistake> {
        let mut expr = self.primary()?;
        loop {
            let start = expr.at.start;
            if self.symbol(".").is_some() {
                let Token::Name(name) = self.peek() else { return Err(self.unexpected("a name after `.`")) };
                let end = self.skip();
                expr = match self.arguments()? {
                    Some((arguments, end)) => {
                        Kind::Call(Some(Box::new(expr)), name.clone(), arguments).at(start, end)
                    }
                    None => Kind::Member(Box::new(expr), name.clone()).at(start, end),
                };
            } else if self.symbol("[").is_some() {
                let index = self.expression()?;
                let end = self.expect("]")?;
                expr = match index.kind {
                    Kind::Text(key) => Kind::Member(Box::new(expr), key).at(start, end),
                    _ => Kind::Index(Box::new(expr), Box::new(index)).at(start, end),
                };
            } else {
                return Ok(expr);
            }
        }
    }

    fn arguments(&mut self) -> Result<Option<(Vec<Expr>, usize)>, Mistake> {
        if self.symbol("(").is_none() {
            return Ok(None);
        }
        self.listed(")").map(Some)
    }

    /// Expressions between commas, up to the closing bracket.
    fn listed(&mut self, close: &str) -> Result<(Vec<Expr>, usize), Mistake> {
        let mut list = Vec::new();
        loop {
            if let Some(end) = self.symbol(close) {
                return Ok((list, end));
            }
            list.push(self.expression()?);
            if self.symbol(",").is_none() {
                return Ok((list, self.expect(close)?));
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Mistake> {
        let start = self.start();
        let kind = match self.peek() {
            Token::Number(text) => Kind::Number(text.clone()),
            Token::Text(text) => Kind::Text(text.clone()),
            Token::Name(name) => match name.as_str() {
                "true" => Kind::Bool(true),
                "false" => Kind::Bool(false),
                "null" => Kind::Null,
                "in" => return Err(self.unexpected("a value before `in`")),
                _ => {
                    let end = self.skip();
                    return Ok(match self.arguments()? {
                        Some((arguments, end)) => Kind::Call(None, name.clone(), arguments).at(start, end),
                        None => Kind::Name(name.clone()).at(start, end),
                    });
                }
            },
            Token::Symbol("(") => {
                self.skip();
                let mut inner = self.expression()?;
                let end = self.expect(")")?;
                inner.at.start = start;
                inner.at.end = end;
                return Ok(inner);
            }
            Token::Symbol("[") => {
                self.skip();
                let (list, end) = self.listed("]")?;
                return Ok(Kind::List(list).at(start, end));
            }
            _ => return Err(self.unexpected("a value: a name, a string, a number, true, false or (")),
        };
        let end = self.skip();
        Ok(kind.at(start, end))
    }
}

/// Whether it can be written behind a point.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
