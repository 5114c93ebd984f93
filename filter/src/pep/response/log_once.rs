//! What is recorded of one response: the first decision of each kind, and how many more like it there were.
//!
//! A server chooses how many messages it sends. With a record for each it would fill the log: a record is as long as ten
//! messages.

use crate::mcp::Method;
use crate::pep::tool_definitions::Digest;
use crate::reason::Reason;
use policy_wasm::decision::Decision;

/// A decision on something that the server sent, for its record.
#[derive(Clone)]
pub(in crate::pep) struct Note {
    /// The server's method, or the method that it answers.
    pub(in crate::pep) method: Option<Method>,
    pub(in crate::pep) tool: Option<String>,
    pub(in crate::pep) definition: Option<Digest>,
    pub(in crate::pep) decision: Option<Decision>,
    /// `None` where it was permitted.
    pub(in crate::pep) reason: Option<Reason>,
    /// Not 0: the record is of so many more decisions of this method, reason and tool.
    pub(in crate::pep) repeated: u64,
}

impl Note {
    fn is_like(&self, other: &Note) -> bool {
        self.method == other.method && self.reason == other.reason && self.tool == other.tool
    }
}

/// The decisions of one response: a kind for each method and reason, and for each tool of the policy whose definition
/// differs. So there are no more than the policy and the table of reasons give.
#[derive(Default)]
pub(in crate::pep) struct Told {
    kinds: Vec<Kind>,
}

struct Kind {
    /// The first of them; `repeated` counts the others.
    note: Note,
    recorded: bool,
}

impl Told {
    /// Takes a decision down.
    pub(in crate::pep) fn note(&mut self, note: Note) {
        match self.kinds.iter_mut().find(|kind| kind.note.is_like(&note)) {
            Some(kind) => kind.note.repeated = kind.note.repeated.saturating_add(1),
            None => self.kinds.push(Kind { note, recorded: false }),
        }
    }

    /// What is to be recorded now: the first of each kind, and with the `end` of the response how many more there were.
    /// Where the response is cut into pieces makes no difference.
    pub(in crate::pep) fn take(&mut self, end: bool) -> Vec<Note> {
        let mut notes = Vec::new();
        for kind in self.kinds.iter_mut().filter(|kind| !kind.recorded) {
            kind.recorded = true;
            notes.push(Note { repeated: 0, ..kind.note.clone() });
        }
        for kind in self.kinds.iter_mut().filter(|kind| end && kind.note.repeated > 0) {
            notes.push(kind.note.clone());
            kind.note.repeated = 0;
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(method: Method, reason: Option<Reason>, tool: Option<&str>) -> Note {
        let tool = tool.map(str::to_owned);
        Note { method: Some(method), tool, definition: None, decision: None, reason, repeated: 0 }
    }

    fn shown(notes: Vec<Note>) -> Vec<(Option<Method>, Option<Reason>, u64)> {
        notes.into_iter().map(|note| (note.method, note.reason, note.repeated)).collect()
    }

    #[test]
    fn each_kind_has_a_record_when_it_comes_and_one_with_the_rest_at_the_end() {
        let mut told = Told::default();
        let foreign = Some(Reason::TaskForeign);
        for _ in 0..3 {
            told.note(note(Method::Elicit, None, None));
        }
        told.note(note(Method::Elicit, foreign, None));
        let elicit = Some(Method::Elicit);
        assert_eq!(shown(told.take(false)), [(elicit, None, 0), (elicit, foreign, 0)]);
        for _ in 0..5 {
            told.note(note(Method::Elicit, foreign, None));
        }
        assert!(told.take(false).is_empty());
        assert_eq!(shown(told.take(true)), [(elicit, None, 2), (elicit, foreign, 5)]);
        assert!(told.take(true).is_empty());
    }

    #[test]
    fn tools_are_told_apart() {
        let mut told = Told::default();
        for tool in ["a", "b", "a"] {
            told.note(note(Method::ListTools, Some(Reason::ListUnreadable), Some(tool)));
        }
        assert_eq!(told.take(false).len(), 2);
        assert_eq!(told.take(true).len(), 1);
    }
}
