//! `Mcp-Param-*`: headers that repeat arguments of a tool, compared with the body.
//!
//! Source: MCP 2026-07-28, basic/transports/streamable-http (custom headers from tool parameters). The tool's
//! input schema says which argument a header repeats (`x-mcp-header`), and the policy may know the schema.
//! Legacy revisions have no such headers. The filter compares one there too, since a router that reads it
//! does not ask for the revision.

use crate::mcp::headers::{Mirrored, ParamHeader, one_variable};
use crate::mcp::target::Target;
use crate::mcp::{Era, Revision};
use crate::pep::caller::Caller;
use crate::reason::Reason;
use policy_wasm::bundle::layout::ParamType;
use policy_wasm::bundle::{self, Definition, Item, Unreadable};
use policy_wasm::decision::DenyReason;
use policy_wasm::json::{Kind, Object, Value};
use policy_wasm::model::ItemKind;
use policy_wasm::sort::sorted;

/// Verifies `Mcp-Param-*` against one target of a message that the policy permits.
///
/// # Errors
/// [`Reason::HeaderMismatch`], or `policy_unreadable`.
pub(in crate::pep) fn verify(
    caller: &Caller,
    mirrored: &Mirrored,
    target: &Target<'_>,
    revision: Revision,
    now: u64,
) -> Result<(), Reason> {
    let tool = match target {
        Target::Tool { name, .. } if caller.bundle().has_param_headers() => caller
            .server()
            .item(ItemKind::Tool, name)
            .map_err(|_: Unreadable| Reason::Policy(DenyReason::PolicyUnreadable))?,
        _ => None,
    };
    compare(&mirrored.params, tool, target.arguments(), revision.era(), now)
}

/// Compares the headers of a request with its arguments. `tool` is the policy's entry for the called tool,
/// and `now` the time in Unix seconds.
///
/// A header that no schema names goes on where its value is that of some argument. A header that a schema
/// names must have the argument's value. In the modern era an argument that has a header must come with it.
///
/// # Errors
/// [`Reason::HeaderMismatch`], or `policy_unreadable`.
fn compare(
    said: &[ParamHeader],
    tool: Option<Item<'_>>,
    arguments: Option<Object<'_>>,
    era: Era,
    now: u64,
) -> Result<(), Reason> {
    let unreadable = |_: Unreadable| Reason::Policy(DenyReason::PolicyUnreadable);
    let mut known = Vec::new();
    for header in tool.into_iter().flat_map(Item::param_headers) {
        known.push(header.map_err(unreadable)?);
    }
    let call = Call { said, known: &known, arguments, era };
    if !call.strangers_are_arguments() {
        return Err(Reason::HeaderMismatch);
    }
    let mut right = known.is_empty() || (!several(&known) && call.agrees(None));
    if let Some(tool) = tool.filter(|_| !right && several(&known)) {
        let mut definitions = Vec::new();
        for definition in tool.definitions().map_err(unreadable)? {
            definitions.push(definition.map_err(unreadable)?);
        }
        // A client follows the definition that it was shown, and clients keep definitions. So the filter
        // cannot know which one applies, whatever the server shows others now. Each accepted definition was
        // reviewed.
        let lasts = |definition: &&Definition<'_>| definition.until.is_none_or(|until| now < until);
        let some_last = definitions.iter().any(|definition| lasts(&definition));
        let mut accepted = definitions.iter().filter(|definition| !some_last || lasts(definition));
        right = accepted.any(|definition| call.agrees(Some(*definition)));
    }
    if right { Ok(()) } else { Err(Reason::HeaderMismatch) }
}

/// Whether definitions of the tool differ in their headers.
fn several(known: &[bundle::ParamHeader<'_>]) -> bool {
    known.iter().any(|header| header.is_of_one_definition())
}

struct Call<'c> {
    said: &'c [ParamHeader],
    known: &'c [bundle::ParamHeader<'c>],
    arguments: Option<Object<'c>>,
    era: Era,
}

impl Call<'_> {
    fn is_known(&self, said: &ParamHeader) -> bool {
        self.known.iter().any(|header| one_variable(header.name, &said.name))
    }

    /// Whether each header that no schema names has the value of an argument, at any depth. (MCP has such
    /// headers forwarded, and a client only sends headers that repeat an argument.)
    fn strangers_are_arguments(&self) -> bool {
        let mut strangers: Vec<&ParamHeader> = self.said.iter().filter(|said| !self.is_known(said)).collect();
        if strangers.is_empty() {
            return true;
        }
        let Some(arguments) = self.arguments else { return false };
        let of = |index: usize| strangers.get(index).map(|said| said.value.as_str());
        let order = sorted(strangers.len(), &|a, b| of(a).cmp(&of(b)));
        strangers = order.iter().filter_map(|index| strangers.get(*index as usize).copied()).collect();
        let mut found = vec![false; strangers.len()];
        let mut meet = |text: &str| {
            let from = strangers.partition_point(|said| said.value.as_str() < text);
            let same = strangers.iter().skip(from).take_while(|said| said.value == text).count();
            found.iter_mut().skip(from).take(same).for_each(|found| *found = true);
        };
        for value in arguments.scalars() {
            match value.as_str() {
                Some(text) => meet(&text.decode()),
                None => meet(value.raw()),
            }
            // `42.0` is 42.
            if let Some((whole, _)) = value.as_number().and_then(|number| number.split_once('.'))
                && integer(value.raw()).is_some()
            {
                meet(whole);
            }
        }
        found.into_iter().all(|found| found)
    }

    /// Whether the headers are those of a client that was shown this definition; `None` where all definitions
    /// have the same.
    fn agrees(&self, definition: Option<Definition<'_>>) -> bool {
        let is_of =
            |header: &&bundle::ParamHeader<'_>| definition.is_none_or(|definition| header.is_of(definition));
        let named =
            |said: &ParamHeader| self.known.iter().filter(is_of).any(|header| header.name == said.name);
        self.said.iter().all(|said| named(said) || !self.is_known(said))
            && self.known.iter().filter(is_of).all(|header| self.header_agrees(*header))
    }

    fn header_agrees(&self, header: bundle::ParamHeader<'_>) -> bool {
        let said = self.said.iter().find(|said| said.name == header.name);
        match (said, argument(header, self.arguments)) {
            (None, Argument::Absent) => true,
            (None, _) => self.era == Era::Legacy,
            (Some(said), Argument::Is(value)) => repeats(&said.value, value, header.value_type),
            (Some(_), Argument::Absent | Argument::Unclear) => false,
        }
    }
}

/// The argument that a header repeats.
enum Argument<'a> {
    /// It is not there, or `null`.
    Absent,
    Is(Value<'a>),
    /// A reader could take another key for one on the way to the argument.
    Unclear,
}

fn argument<'a>(header: bundle::ParamHeader<'_>, arguments: Option<Object<'a>>) -> Argument<'a> {
    let mut object = arguments;
    let mut found = None;
    for key in header.path.names() {
        let (Ok(key), Some(inside)) = (key, object) else { return Argument::Absent };
        found = None;
        for (name, value) in inside.members() {
            if name.is(key) {
                found = Some(value);
            } else if name.resembles(key) {
                return Argument::Unclear;
            }
        }
        object = found.and_then(Value::as_object);
    }
    match found {
        Some(value) if value.kind() != Kind::Null => Argument::Is(value),
        _ => Argument::Absent,
    }
}

/// Whether the header has this value, for every reader of either. A value of another type than the schema's is read
/// by each server in its own way (`"TRUE"` where a boolean is wanted).
fn repeats(said: &str, value: Value<'_>, value_type: ParamType) -> bool {
    match value_type {
        ParamType::String => value.as_str().is_some_and(|text| text.is(said)),
        ParamType::Boolean => value.as_bool().is_some() && value.raw() == said,
        ParamType::Integer => {
            let number = value.as_number().and_then(integer);
            number.is_some() && number == integer(said)
        }
    }
}

/// An integer within ±(2^53−1) in decimal digits, with or without a fraction of zeros (Python writes `42.0` where its
/// caller has a float). No exponent, no leading zero, no `-0`: `parseInt` and `Number` differ there.
fn integer(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    let value: i64 = whole.parse().ok()?;
    let safe = value.unsigned_abs() < 1 << 53 && whole != "-0";
    (plain && zeros && safe).then_some(value)
}

#[cfg(test)]
mod tests;
