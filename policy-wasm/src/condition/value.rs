//! Values while a condition is evaluated: all borrowed.

use super::decimal::Decimal;
use super::facts::{Fact, Fault};
use super::time::Moment;
use crate::fast_hash;
use crate::json::{self, Kind};
use std::borrow::Cow;
use std::cmp::Ordering;

/// A string, perhaps still escaped, perhaps to be read in lower case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) source: Source<'a>,
    pub(super) lower: bool,
}

/// Where a string comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Plain(&'a str),
    Json(json::Str<'a>),
}

/// The characters of a string.
enum Chars<'a> {
    Plain(std::str::Chars<'a>),
    Json(json::Chars<'a>),
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Chars::Plain(chars) => chars.next(),
            Chars::Json(chars) => chars.next(),
        }
    }
}

impl<'a> Text<'a> {
    pub(super) fn plain(text: &'a str) -> Text<'a> {
        Text { source: Source::Plain(text), lower: false }
    }

    pub(super) fn json(text: json::Str<'a>) -> Text<'a> {
        let raw = text.raw();
        // A string without escapes is its own text.
        let source = if raw.contains('\\') { Source::Json(text) } else { Source::Plain(raw) };
        Text { source, lower: false }
    }

    /// Length in bytes with escapes: the cost of reading it.
    pub(super) fn cost(self) -> usize {
        match self.source {
            Source::Plain(text) => text.len(),
            Source::Json(text) => text.raw().len(),
        }
    }

    fn as_it_is(self) -> Option<&'a str> {
        match self.source {
            Source::Plain(text) if !self.lower => Some(text),
            _ => None,
        }
    }

    pub(super) fn chars(self) -> impl Iterator<Item = char> + use<'a> {
        let chars = match self.source {
            Source::Plain(text) => Chars::Plain(text.chars()),
            Source::Json(text) => Chars::Json(text.chars()),
        };
        let lower = self.lower;
        chars.map(move |c| if lower { c.to_ascii_lowercase() } else { c })
    }

    /// The string in one piece; copied only for escapes or lower case.
    pub(super) fn decode(self) -> Cow<'a, str> {
        match self.as_it_is() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.chars().collect()),
        }
    }

    pub(super) fn same(self, other: Text<'_>) -> bool {
        match (self.as_it_is(), other.as_it_is()) {
            (Some(a), Some(b)) => fast_hash::same(a.as_bytes(), b.as_bytes()),
            _ => self.compare(other).is_eq(),
        }
    }

    /// By code points.
    pub(super) fn compare(self, other: Text<'_>) -> Ordering {
        let (mut a, mut b) = (self.chars(), other.chars());
        loop {
            match (a.next(), b.next()) {
                (None, None) => return Ordering::Equal,
                (x, y) if x != y => return x.cmp(&y),
                _ => {}
            }
        }
    }

    pub(super) fn starts_with(self, prefix: Text<'_>) -> bool {
        let mut chars = self.chars();
        prefix.chars().all(|c| chars.next() == Some(c))
    }
}

/// A list.
#[derive(Debug, Clone, Copy)]
pub(super) enum List<'a> {
    /// Of an argument or claim.
    Json(json::Array<'a>),
    /// Strings of a fact.
    Texts(Fact, u32, u32),
    /// The chain of agents: how many.
    Actors(u32),
    /// A list of the condition itself: the offset and the count of its node numbers.
    Nodes(u16, u16),
}

/// A map; `None` has no members.
pub(super) type Map<'a> = Option<json::Object<'a>>;

/// Any value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Number(Decimal<'a>),
    Text(Text<'a>),
    Time(Moment),
    Duration(Moment),
    Tier(u32),
    List(List<'a>),
    Map(Map<'a>),
    Actor(u32),
}

impl<'a> Val<'a> {
    pub(super) fn json(value: json::Value<'a>) -> Val<'a> {
        match value.kind() {
            Kind::Null => Val::Null,
            Kind::Bool => Val::Bool(value.raw() == "true"),
            Kind::Number => Val::Number(Decimal::Given(value.raw())),
            Kind::String => value.as_str().map_or(Val::Null, |text| Val::Text(Text::json(text))),
            Kind::Array => value.as_array().map_or(Val::Null, |array| Val::List(List::Json(array))),
            Kind::Object => Val::Map(value.as_object()),
        }
    }

    pub(super) fn bool(self) -> Result<bool, Fault> {
        match self {
            Val::Bool(value) => Ok(value),
            _ => Err(Fault::Type),
        }
    }

    pub(super) fn text(self) -> Result<Text<'a>, Fault> {
        match self {
            Val::Text(text) => Ok(text),
            _ => Err(Fault::Type),
        }
    }

    /// CEL's name of its type is this one.
    pub(super) fn is(self, kind: TypeName) -> bool {
        match self {
            Val::Null => kind == TypeName::Null,
            Val::Bool(_) => kind == TypeName::Bool,
            Val::Number(number) => kind == if number.is_integer() { TypeName::Int } else { TypeName::Double },
            Val::Text(_) => kind == TypeName::String,
            Val::List(_) => kind == TypeName::List,
            Val::Map(_) => kind == TypeName::Map,
            Val::Time(_) | Val::Duration(_) | Val::Tier(_) | Val::Actor(_) => false,
        }
    }
}

/// Types that `type(…)` can be compared with. The number is part of the compiled form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TypeName {
    /// `bool`
    Bool,
    /// `int`: a number that is written without fraction and exponent.
    Int,
    /// `double`: any other number.
    Double,
    /// `string`
    String,
    /// `list`
    List,
    /// `map`
    Map,
    /// `null_type`
    Null,
}

impl TypeName {
    /// Every type with its name.
    pub const ALL: [(TypeName, &'static str); 7] = [
        (TypeName::Bool, "bool"),
        (TypeName::Int, "int"),
        (TypeName::Double, "double"),
        (TypeName::String, "string"),
        (TypeName::List, "list"),
        (TypeName::Map, "map"),
        (TypeName::Null, "null_type"),
    ];
}
