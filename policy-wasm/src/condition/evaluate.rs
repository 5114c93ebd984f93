//! The evaluation: one walk over the compiled form, bounded in depth and in work.

use super::code::{Code, MAX_DEPTH, MAX_VARIABLES, Node, Op};
use super::decimal::Decimal;
use super::facts::{Fact, Facts, Fault, Given};
use super::time::{self, Moment, Part};
use super::value::{List, Map, Text, TypeName, Val};
use crate::json;
use std::cell::Cell;
use std::cmp::Ordering;

/// Most work of one condition. A node costs 1. Reading a text (a member of an object, a comparison, a search) costs 1
/// for each 16 bytes. Unescaping or lower-casing costs 1 for each byte. For a megabyte of arguments the bound allows 16
/// look-ups; a search through half a megabyte costs 32,768.
pub const MAX_WORK: u32 = 1 << 20;

/// Deepest nesting of lists and maps that are compared.
const MAX_EQUAL_DEPTH: u32 = 64;

type Step<'a> = Result<Val<'a>, Fault>;

struct Machine<'a> {
    code: Code<'a>,
    facts: &'a dyn Facts,
    work: u32,
    variables: [Val<'a>; MAX_VARIABLES],
}

/// Whether the condition holds.
///
/// Bounds: [`MAX_WORK`], and 32 nested operations. It allocates for searches in texts with escapes or in lower case,
/// and for comparisons of lists.
///
/// # Errors
/// [`Fault`]: there is no answer, and the caller must deny.
pub fn evaluate(code: &[u8], facts: &dyn Facts) -> Result<bool, Fault> {
    evaluate_within(code, facts, &Cell::new(MAX_WORK))
}

/// As [`evaluate`], with a bound that several conditions share: the cost is taken from `left`.
///
/// # Errors
/// As of [`evaluate`]; [`Fault::Exhausted`] also where less is left than the condition needs.
pub fn evaluate_within(code: &[u8], facts: &dyn Facts, left: &Cell<u32>) -> Result<bool, Fault> {
    let code = Code::open(code).ok_or(Fault::Broken)?;
    let granted = left.get().min(MAX_WORK);
    let mut machine = Machine { code, facts, work: granted, variables: [Val::Null; MAX_VARIABLES] };
    let answer = machine.node(0, 0, MAX_DEPTH).and_then(Val::bool);
    left.set(left.get().saturating_sub(granted.saturating_sub(machine.work)));
    answer
}

impl<'a> Machine<'a> {
    fn charge(&mut self, cost: usize) -> Result<(), Fault> {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        let left = self.work.checked_sub(cost);
        // A rejected cost counts as spent, so that no later condition pays it again.
        self.work = left.unwrap_or(0);
        left.map(drop).ok_or(Fault::Exhausted)
    }

    fn charge_text(&mut self, text: Text<'_>) -> Result<(), Fault> {
        let slow = text.lower || matches!(text.source, super::value::Source::Json(_));
        self.charge(if slow { text.cost() } else { text.cost() / 16 })
    }

    /// The value of a node, which is `least` or behind it.
    fn node(&mut self, number: u16, least: u16, depth: u32) -> Step<'a> {
        self.charge(1)?;
        let depth = depth.checked_sub(1).ok_or(Fault::Broken)?;
        if number < least {
            return Err(Fault::Broken);
        }
        let node = self.code.node(number).ok_or(Fault::Broken)?;
        let behind = number.saturating_add(1);
        match node.op {
            Op::Null => Ok(Val::Null),
            Op::Bool => Ok(Val::Bool(node.x != 0)),
            Op::Number => self
                .code
                .text(node.a, node.b)
                .map(|text| Val::Number(Decimal::Text(text)))
                .ok_or(Fault::Broken),
            Op::Text => {
                self.code.text(node.a, node.b).map(|text| Val::Text(Text::plain(text))).ok_or(Fault::Broken)
            }
            Op::Time => self.code.moment(node.a).map(Val::Time).ok_or(Fault::Broken),
            Op::Duration => self.code.moment(node.a).map(Val::Duration).ok_or(Fault::Broken),
            Op::Tier => Ok(Val::Tier(u32::from(node.a))),
            Op::List => Ok(Val::List(List::Nodes(node.a, node.b))),
            Op::Fact => self.fact(Fact::numbered(node.x).ok_or(Fault::Broken)?, 0),
            Op::HasFact => present(self.fact(Fact::numbered(node.x).ok_or(Fault::Broken)?, 0)),
            Op::Variable => self.variables.get(usize::from(node.x)).copied().ok_or(Fault::Broken),
            Op::Field | Op::HasField => {
                let base = self.node(node.a, behind, depth)?;
                let key = self.code.text(node.b, node.c).ok_or(Fault::Broken)?;
                let found = self.member(base, key);
                match (node.op, found) {
                    (Op::Field, found) => found,
                    // A fact that an agent lacks is empty, as other facts are.
                    (_, found) if matches!(base, Val::Actor(_)) => present(found),
                    (_, Ok(_)) => Ok(Val::Bool(true)),
                    (_, Err(Fault::Missing)) => Ok(Val::Bool(false)),
                    (_, Err(fault)) => Err(fault),
                }
            }
            Op::Not => Ok(Val::Bool(!self.node(node.a, behind, depth)?.bool()?)),
            Op::And | Op::Or => self.both(node, behind, depth),
            Op::If => {
                let chosen = if self.node(node.a, behind, depth)?.bool()? { node.b } else { node.c };
                self.node(chosen, behind, depth)
            }
            Op::All | Op::Exists | Op::ExistsOne => self.quantified(node, behind, depth),
            Op::Lower => {
                let text = self.node(node.a, behind, depth)?.text()?;
                Ok(Val::Text(Text { lower: true, ..text }))
            }
            Op::Size => {
                let value = self.node(node.a, behind, depth)?;
                self.size(value)
            }
            Op::ToTime | Op::ToDuration => {
                let value = self.node(node.a, behind, depth)?;
                self.moment(value, node.op)
            }
            Op::Part => {
                let part = Part::ALL.get(usize::from(node.x)).ok_or(Fault::Broken)?.0;
                match self.node(node.a, behind, depth)? {
                    Val::Time(at) => Ok(Val::Number(Decimal::Int(at.part(part, node.b as i16)))),
                    Val::Duration(length) => {
                        length.whole(part).map(|count| Val::Number(Decimal::Int(count))).ok_or(Fault::Type)
                    }
                    _ => Err(Fault::Type),
                }
            }
            Op::TypeIs => {
                let (kind, _) = TypeName::ALL.get(usize::from(node.x)).ok_or(Fault::Broken)?;
                Ok(Val::Bool(self.node(node.a, behind, depth)?.is(*kind)))
            }
            Op::Index
            | Op::Equal
            | Op::Unequal
            | Op::Less
            | Op::LessEqual
            | Op::Greater
            | Op::GreaterEqual
            | Op::In
            | Op::StartsWith
            | Op::EndsWith
            | Op::Contains
            | Op::Add
            | Op::Subtract => {
                let left = self.node(node.a, behind, depth)?;
                let right = self.node(node.b, behind, depth)?;
                self.binary(node.op, left, right)
            }
        }
    }

    fn binary(&mut self, op: Op, left: Val<'a>, right: Val<'a>) -> Step<'a> {
        Ok(Val::Bool(match op {
            Op::Index => return self.index(left, right),
            Op::Add | Op::Subtract => return sum(op, left, right),
            Op::Equal => self.equal(left, right, MAX_EQUAL_DEPTH)?,
            Op::Unequal => !self.equal(left, right, MAX_EQUAL_DEPTH)?,
            Op::Less => self.compare(left, right)?.is_lt(),
            Op::LessEqual => self.compare(left, right)?.is_le(),
            Op::Greater => self.compare(left, right)?.is_gt(),
            Op::GreaterEqual => self.compare(left, right)?.is_ge(),
            Op::In => self.contains(right, left)?,
            Op::StartsWith => {
                let (text, prefix) = (left.text()?, right.text()?);
                self.charge(prefix.cost())?;
                text.starts_with(prefix)
            }
            _ => {
                let (text, part) = (left.text()?, right.text()?);
                self.charge_text(text)?;
                self.charge_text(part)?;
                let (text, part) = (text.decode(), part.decode());
                if op == Op::EndsWith { text.ends_with(&*part) } else { text.contains(&*part) }
            }
        }))
    }

    /// `&&` and `||` as CEL has them: an operand that settles it makes up for an error of the other.
    fn both(&mut self, node: Node, behind: u16, depth: u32) -> Step<'a> {
        let settles = node.op == Op::Or;
        let left = self.node(node.a, behind, depth).and_then(Val::bool);
        match left {
            Ok(value) if value == settles => return Ok(Val::Bool(settles)),
            Err(fault) if fault.is_final() => return Err(fault),
            _ => {}
        }
        let right = self.node(node.b, behind, depth).and_then(Val::bool);
        match right {
            Ok(value) if value == settles => Ok(Val::Bool(settles)),
            Err(fault) if fault.is_final() => Err(fault),
            Ok(_) => left.map(|_| Val::Bool(!settles)),
            Err(fault) => Err(fault),
        }
    }

    fn quantified(&mut self, node: Node, behind: u16, depth: u32) -> Step<'a> {
        let slot = usize::from(node.x);
        let range = self.node(node.a, behind, depth)?;
        let mut count = 0u32;
        let mut fault = None;
        self.each(range, &mut |machine, value| {
            let outer = machine.variables.get(slot).copied().ok_or(Fault::Broken)?;
            if let Some(place) = machine.variables.get_mut(slot) {
                *place = value;
            }
            let holds = machine.node(node.b, behind, depth).and_then(Val::bool);
            if let Some(place) = machine.variables.get_mut(slot) {
                *place = outer;
            }
            match holds {
                Err(found) if found.is_final() || node.op == Op::ExistsOne => return Err(found),
                Err(found) => fault = Some(found),
                Ok(holds) => {
                    // `count` counts the elements that decide: those that fail `all`, or those that meet `exists`.
                    count = count.saturating_add(u32::from(holds == (node.op != Op::All)));
                    return Ok(count == 0 || node.op == Op::ExistsOne);
                }
            }
            Ok(true)
        })?;
        match (node.op, count, fault) {
            (Op::All, 1.., _) => Ok(Val::Bool(false)),
            (Op::Exists, 1.., _) => Ok(Val::Bool(true)),
            (_, _, Some(fault)) => Err(fault),
            (op, count, None) => Ok(Val::Bool(if op == Op::ExistsOne { count == 1 } else { op == Op::All })),
        }
    }

    /// Calls `visit` with each element of a list, or each key of a map, until it answers false.
    fn each(
        &mut self,
        range: Val<'a>,
        visit: &mut dyn FnMut(&mut Self, Val<'a>) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        match range {
            Val::List(List::Json(array)) => {
                self.charge(array.raw().len() / 16)?;
                for element in array.elements() {
                    self.charge(1)?;
                    if !visit(self, Val::json(element))? {
                        break;
                    }
                }
            }
            Val::List(List::Nodes(at, count)) => {
                for index in 0..count {
                    let number = self.code.element(at, index).ok_or(Fault::Broken)?;
                    let value = self.literal(number)?;
                    if !visit(self, value)? {
                        break;
                    }
                }
            }
            Val::List(List::Texts(fact, actor, count)) => {
                for index in 0..count {
                    self.charge(1)?;
                    let text = self.facts.text(fact, actor, index)?;
                    if !visit(self, Val::Text(Text::plain(text)))? {
                        break;
                    }
                }
            }
            Val::List(List::Actors(count)) => {
                for actor in 0..count {
                    self.charge(1)?;
                    if !visit(self, Val::Actor(actor))? {
                        break;
                    }
                }
            }
            Val::Map(map) => {
                self.charge(map.map_or(0, |object| object.raw().len() / 16))?;
                for (key, _) in map.into_iter().flat_map(json::Object::members) {
                    self.charge(1)?;
                    if !visit(self, Val::Text(Text::json(key)))? {
                        break;
                    }
                }
            }
            _ => return Err(Fault::Type),
        }
        Ok(())
    }

    /// An element of a literal list: only values that name nothing else.
    fn literal(&mut self, number: u16) -> Step<'a> {
        let node = self.code.node(number).ok_or(Fault::Broken)?;
        match node.op {
            Op::Null | Op::Bool | Op::Number | Op::Text | Op::Time | Op::Duration | Op::Tier => {
                self.node(number, 0, 1)
            }
            _ => Err(Fault::Broken),
        }
    }

    fn fact(&mut self, fact: Fact, actor: u32) -> Step<'a> {
        if !self.code.reads.contains(fact.reads()) {
            return Err(Fault::Broken);
        }
        Ok(match self.facts.fact(fact, actor)? {
            Given::Bool(value) => Val::Bool(value),
            Given::Text(text) => Val::Text(Text::plain(text)),
            Given::Time(seconds) => {
                let seconds = i64::try_from(seconds).map_err(|_| Fault::Value)?;
                Val::Time(Moment { seconds, nanos: 0 }.as_time().ok_or(Fault::Value)?)
            }
            Given::Tier(tier) => Val::Tier(tier),
            Given::Texts(count) => Val::List(List::Texts(fact, actor, count)),
            Given::Actors(count) => Val::List(List::Actors(count)),
            Given::Object(object) => Val::Map(Some(object)),
            Given::Empty => Val::Map(None),
        })
    }

    /// The member with this key, if no other key could be taken for it.
    fn member(&mut self, base: Val<'a>, key: &str) -> Step<'a> {
        match base {
            Val::Map(None) => Err(Fault::Missing),
            Val::Map(Some(object)) => {
                self.charge(object.raw().len() / 16)?;
                let mut found = None;
                for (name, value) in object.members() {
                    self.charge(1)?;
                    if name.is(key) {
                        found = Some(value);
                    } else if name.resembles(key) {
                        return Err(Fault::Ambiguous);
                    }
                }
                found.map(Val::json).ok_or(Fault::Missing)
            }
            Val::Actor(actor) => {
                let fact = match key {
                    "id" => Fact::ActorId,
                    "issuer" => Fact::ActorIssuer,
                    "type" => Fact::ActorType,
                    "labels" => Fact::ActorLabels,
                    _ => return Err(Fault::Missing),
                };
                self.fact(fact, actor)
            }
            _ => Err(Fault::Type),
        }
    }

    fn index(&mut self, base: Val<'a>, index: Val<'a>) -> Step<'a> {
        match (base, index) {
            (Val::Map(_) | Val::Actor(_), Val::Text(key)) => {
                self.charge_text(key)?;
                self.member(base, &key.decode())
            }
            (Val::List(_), Val::Number(number)) => {
                let mut left = number.index().ok_or(Fault::Value)?;
                let mut found = Err(Fault::Value);
                self.each(base, &mut |_, value| {
                    if left == 0 {
                        found = Ok(value);
                        return Ok(false);
                    }
                    left = left.wrapping_sub(1);
                    Ok(true)
                })?;
                found
            }
            _ => Err(Fault::Type),
        }
    }

    fn size(&mut self, value: Val<'a>) -> Step<'a> {
        let mut count = 0i64;
        match value {
            Val::Text(text) => {
                self.charge(text.cost())?;
                count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            }
            value => self.each(value, &mut |_, _| {
                count = count.saturating_add(1);
                Ok(true)
            })?,
        }
        Ok(Val::Number(Decimal::Int(count)))
    }

    fn moment(&mut self, value: Val<'a>, op: Op) -> Step<'a> {
        match (value, op) {
            (Val::Time(_), Op::ToTime) | (Val::Duration(_), Op::ToDuration) => Ok(value),
            (Val::Text(text), _) => {
                self.charge_text(text)?;
                let text = text.decode();
                let read = match op {
                    Op::ToTime => time::time(&text).map(Val::Time),
                    _ => time::duration(&text).map(Val::Duration),
                };
                read.ok_or(Fault::Value)
            }
            _ => Err(Fault::Type),
        }
    }

    fn compare(&mut self, left: Val<'a>, right: Val<'a>) -> Result<Ordering, Fault> {
        Ok(match (left, right) {
            (Val::Number(a), Val::Number(b)) => a.compare(b).ok_or(Fault::Ambiguous)?,
            (Val::Text(a), Val::Text(b)) => {
                self.charge(a.cost().min(b.cost()))?;
                a.compare(b)
            }
            (Val::Time(a), Val::Time(b)) | (Val::Duration(a), Val::Duration(b)) => a.cmp(&b),
            (Val::Tier(a), Val::Tier(b)) => a.cmp(&b),
            (Val::Bool(a), Val::Bool(b)) => a.cmp(&b),
            _ => return Err(Fault::Type),
        })
    }

    /// Equality of CEL: values of different types are unequal, which is not an error.
    fn equal(&mut self, left: Val<'a>, right: Val<'a>, levels: u32) -> Result<bool, Fault> {
        self.charge(1)?;
        let levels = levels.checked_sub(1).ok_or(Fault::Exhausted)?;
        Ok(match (left, right) {
            (Val::Null, Val::Null) => true,
            (Val::Text(a), Val::Text(b)) => {
                self.charge_text(a)?;
                self.charge_text(b)?;
                a.same(b)
            }
            (Val::Actor(a), Val::Actor(b)) => a == b,
            (Val::List(_), Val::List(_)) => {
                let mut others = Vec::new();
                self.each(right, &mut |_, value| {
                    others.push(value);
                    Ok(true)
                })?;
                let mut others = others.into_iter();
                let mut same = true;
                self.each(left, &mut |machine, value| {
                    same = match others.next() {
                        Some(other) => machine.equal(value, other, levels)?,
                        None => false,
                    };
                    Ok(same)
                })?;
                same && others.next().is_none()
            }
            (Val::Map(a), Val::Map(b)) => self.equal_maps(a, b, levels)?,
            (Val::Number(_), Val::Number(_)) => self.compare(left, right)?.is_eq(),
            (a, b) => self.compare(a, b).is_ok_and(Ordering::is_eq),
        })
    }

    fn equal_maps(&mut self, left: Map<'a>, right: Map<'a>, levels: u32) -> Result<bool, Fault> {
        let count = |map: Map<'a>| map.into_iter().flat_map(json::Object::members).count();
        self.charge(left.map_or(0, |object| object.raw().len() / 16))?;
        self.charge(right.map_or(0, |object| object.raw().len() / 16))?;
        if count(left) != count(right) {
            return Ok(false);
        }
        for (key, value) in left.into_iter().flat_map(json::Object::members) {
            match self.member(Val::Map(right), &key.decode()) {
                Ok(other) if self.equal(Val::json(value), other, levels)? => {}
                Ok(_) | Err(Fault::Missing) => return Ok(false),
                Err(fault) => return Err(fault),
            }
        }
        Ok(true)
    }

    /// `value in range`
    fn contains(&mut self, range: Val<'a>, value: Val<'a>) -> Result<bool, Fault> {
        if let Val::Map(_) = range {
            let key = match value {
                Val::Text(key) => key,
                // They can be keys of maps in CEL, and never are of these.
                Val::Bool(_) | Val::Number(_) => return Ok(false),
                _ => return Err(Fault::Type),
            };
            self.charge_text(key)?;
            return match self.member(range, &key.decode()) {
                Ok(_) => Ok(true),
                Err(Fault::Missing) => Ok(false),
                Err(fault) => Err(fault),
            };
        }
        let mut found = false;
        self.each(range, &mut |machine, element| {
            found = machine.equal(value, element, MAX_EQUAL_DEPTH)?;
            Ok(!found)
        })?;
        Ok(found)
    }
}

fn sum<'a>(op: Op, left: Val<'a>, right: Val<'a>) -> Step<'a> {
    let (Val::Time(a) | Val::Duration(a), Val::Time(b) | Val::Duration(b)) = (left, right) else {
        return Err(Fault::Type);
    };
    let signed = if op == Op::Subtract { b.negated() } else { Some(b) };
    let total = signed.and_then(|b| a.plus(b)).ok_or(Fault::Value)?;
    let time = |total: Moment| total.as_time().map(Val::Time).ok_or(Fault::Value);
    let duration = |total: Moment| total.as_duration().map(Val::Duration).ok_or(Fault::Value);
    match (left, op, right) {
        (Val::Time(_), Op::Subtract, Val::Time(_)) | (Val::Duration(_), _, Val::Duration(_)) => {
            duration(total)
        }
        (Val::Time(_), _, Val::Duration(_)) | (Val::Duration(_), Op::Add, Val::Time(_)) => time(total),
        _ => Err(Fault::Type),
    }
}

/// The answer of `has` for a fact: it exists and is not empty.
fn present(found: Step<'_>) -> Step<'_> {
    Ok(Val::Bool(match found {
        Err(Fault::Missing) => false,
        Err(fault) => return Err(fault),
        Ok(Val::Text(text)) => text.cost() != 0,
        Ok(Val::List(List::Texts(_, _, count) | List::Actors(count))) => count != 0,
        Ok(_) => true,
    }))
}
