//! The compiled form of a condition: little-endian, self-contained, checked at every access.
//!
//! ```text
//! offset  size
//!      0     1  form, 1
//!      1     1  0
//!      2     2  what it reads: the bits of [`Reads`]
//!      4     2  number of nodes, 1 to 4096
//!      6  8·n  nodes: operation u8, x u8, a u16, b u16, c u16; the first is the whole condition
//!         …     heap: texts, times (seconds i64, nanoseconds u32) and lists of node numbers (u16 each)
//! ```
//! A node refers only to later nodes, so there are no cycles.

use super::facts::Reads;
use super::time::Moment;

/// The form that this version writes and reads.
pub(super) const FORM: u8 = 1;
/// Length of the header in front of the nodes.
pub(super) const HEAD: usize = 6;
/// Length of a node.
pub(super) const NODE: usize = 8;
/// Most nodes, the values of literal lists included.
pub(super) const MAX_NODES: usize = 4096;
/// Deepest nesting of operations.
pub const MAX_DEPTH: u32 = 32;
/// Deepest nesting of `all` and `exists`.
pub(super) const MAX_VARIABLES: usize = 4;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Operations. The number is part of the form and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Op { $($(#[$doc])* $name,)* }

        impl Op {
            const ALL: &'static [Op] = &[$(Op::$name,)*];
        }
    };
}

operations! {
    /// `null`
    Null,
    /// A boolean: `x`.
    Bool,
    /// A number: its text at `a`, `b` long.
    Number,
    /// A string at `a`, `b` long.
    Text,
    /// A time at `a`.
    Time,
    /// A duration at `a`.
    Duration,
    /// A tier: `a`.
    Tier,
    /// A list: the numbers of its nodes at `a`, `b` of them.
    List,
    /// The fact `x`, of the calling agent.
    Fact,
    /// The member of node `a` whose key is at `b`, `c` long.
    Field,
    /// The element or member `b` (a node) of node `a`.
    Index,
    /// The variable `x`.
    Variable,
    /// Whether node `a` has the member whose key is at `b`, `c` long.
    HasField,
    /// Whether the fact `x` exists and is not empty.
    HasFact,
    /// `!a`
    Not,
    /// `a && b`
    And,
    /// `a || b`
    Or,
    /// `a ? b : c`
    If,
    /// `a == b`
    Equal,
    /// `a != b`
    Unequal,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a in b`
    In,
    /// `a.startsWith(b)`
    StartsWith,
    /// `a.endsWith(b)`
    EndsWith,
    /// `a.contains(b)`
    Contains,
    /// `a.lowerAscii()`
    Lower,
    /// `size(a)`
    Size,
    /// `a.all(x, b)`
    All,
    /// `a.exists(x, b)`
    Exists,
    /// `a.exists_one(x, b)`
    ExistsOne,
    /// `timestamp(a)`
    ToTime,
    /// `duration(a)`
    ToDuration,
    /// `a + b` of times and durations.
    Add,
    /// `a - b` of times and durations.
    Subtract,
    /// The part `x` of the time `a`, `b` minutes (as i16) east of UTC; of a duration, the whole.
    Part,
    /// `type(a) == x`
    TypeIs,
}

/// One node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) x: u8,
    pub(super) a: u16,
    pub(super) b: u16,
    pub(super) c: u16,
}

/// A compiled condition before any check: evaluation detects malformed nodes when it reaches them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code<'b> {
    pub(super) reads: Reads,
    nodes: &'b [u8],
    heap: &'b [u8],
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_le_bytes(*bytes))
}

impl<'b> Code<'b> {
    pub(super) fn open(bytes: &'b [u8]) -> Option<Code<'b>> {
        let count = usize::from(u16_at(bytes, 4)?);
        if bytes.first() != Some(&FORM) || count == 0 || count > MAX_NODES {
            return None;
        }
        let (nodes, heap) = bytes.get(HEAD..)?.split_at_checked(count.checked_mul(NODE)?)?;
        Some(Code { reads: Reads(u16_at(bytes, 2)?), nodes, heap })
    }

    pub(super) fn node(&self, number: u16) -> Option<Node> {
        let at = usize::from(number).checked_mul(NODE)?;
        let [op, x, a0, a1, b0, b1, c0, c1] = *self.nodes.get(at..)?.first_chunk::<NODE>()?;
        Some(Node {
            op: *Op::ALL.get(usize::from(op))?,
            x,
            a: u16::from_le_bytes([a0, a1]),
            b: u16::from_le_bytes([b0, b1]),
            c: u16::from_le_bytes([c0, c1]),
        })
    }

    pub(super) fn text(&self, at: u16, length: u16) -> Option<&'b str> {
        let start = usize::from(at);
        let end = start.checked_add(usize::from(length))?;
        std::str::from_utf8(self.heap.get(start..end)?).ok()
    }

    pub(super) fn moment(&self, at: u16) -> Option<Moment> {
        let rest = self.heap.get(usize::from(at)..)?;
        let (seconds, rest) = rest.split_first_chunk::<8>()?;
        let nanos = rest.first_chunk::<4>()?;
        Some(Moment { seconds: i64::from_le_bytes(*seconds), nanos: u32::from_le_bytes(*nanos) })
    }

    /// The number of the node that element `index` of a literal list is.
    pub(super) fn element(&self, at: u16, index: u16) -> Option<u16> {
        u16_at(self.heap, usize::from(at).checked_add(usize::from(index).checked_mul(2)?)?)
    }
}
