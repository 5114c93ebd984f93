//! The records of one response: the first evaluation of each kind, and at the end the number of others like it.
//!
//! A server chooses how many messages it sends. With a record for each, a server could fill the log: a record is as long
//! as ten messages.

use crate::pep::evaluation::ServerEvaluation;

fn is_like(one: &ServerEvaluation, other: &ServerEvaluation) -> bool {
    one.method == other.method && one.reason == other.reason && one.tool == other.tool
}

/// The evaluations of one response: a kind for each method and reason, and for each tool of the policy whose
/// definition differs. So the policy and the table of reasons bound their number.
#[derive(Default)]
pub(in crate::pep) struct LogOnce {
    kinds: Vec<Kind>,
}

struct Kind {
    /// The first of them; `repeated` counts the others.
    first: ServerEvaluation,
    recorded: bool,
}

impl LogOnce {
    /// Takes a decision down.
    pub(in crate::pep) fn add(&mut self, evaluation: ServerEvaluation) {
        match self.kinds.iter_mut().find(|kind| is_like(&kind.first, &evaluation)) {
            Some(kind) => kind.first.repeated = kind.first.repeated.saturating_add(1),
            None => self.kinds.push(Kind { first: evaluation, recorded: false }),
        }
    }

    /// The evaluations to record now: the first of each kind, and at the `end` of the response the number of
    /// further ones. The cuts of the response make no difference.
    pub(in crate::pep) fn take(&mut self, end: bool) -> Vec<ServerEvaluation> {
        let mut due = Vec::new();
        for kind in self.kinds.iter_mut().filter(|kind| !kind.recorded) {
            kind.recorded = true;
            due.push(ServerEvaluation { repeated: 0, ..kind.first.clone() });
        }
        for kind in self.kinds.iter_mut().filter(|kind| end && kind.first.repeated > 0) {
            due.push(kind.first.clone());
            kind.first.repeated = 0;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::Method;
    use crate::reason::Reason;

    fn note(method: Method, reason: Option<Reason>, tool: Option<&str>) -> ServerEvaluation {
        let tool = tool.map(str::to_owned);
        ServerEvaluation { method: Some(method), tool, definition: None, decision: None, reason, repeated: 0 }
    }

    fn shown(notes: Vec<ServerEvaluation>) -> Vec<(Option<Method>, Option<Reason>, u64)> {
        notes.into_iter().map(|note| (note.method, note.reason, note.repeated)).collect()
    }

    #[test]
    fn each_kind_has_a_record_when_it_comes_and_one_with_the_rest_at_the_end() {
        let mut log = LogOnce::default();
        let foreign = Some(Reason::TaskForeign);
        for _ in 0..3 {
            log.add(note(Method::Elicit, None, None));
        }
        log.add(note(Method::Elicit, foreign, None));
        let elicit = Some(Method::Elicit);
        assert_eq!(shown(log.take(false)), [(elicit, None, 0), (elicit, foreign, 0)]);
        for _ in 0..5 {
            log.add(note(Method::Elicit, foreign, None));
        }
        assert!(log.take(false).is_empty());
        assert_eq!(shown(log.take(true)), [(elicit, None, 2), (elicit, foreign, 5)]);
        assert!(log.take(true).is_empty());
    }

    #[test]
    fn each_tool_is_a_kind_of_its_own() {
        let mut log = LogOnce::default();
        for tool in ["a", "b", "a"] {
            log.add(note(Method::ListTools, Some(Reason::ListUnreadable), Some(tool)));
        }
        assert_eq!(log.take(false).len(), 2);
        assert_eq!(log.take(true).len(), 1);
    }
}
