//! Any bytes as an event stream, cut where the first bytes say: what comes out does not depend on the cuts, and a
//! reader that follows the standard (WHATWG HTML §9.2.6) sees the events that were let pass, and no others.

use super::readers::{Event, by_standard, written};
use filter::mcp::sse::{EventAction, EventFilter, Heard};

/// The body: the first byte says how long the pieces are.
pub fn run(data: &[u8]) {
    let Some((first, stream)) = data.split_first() else { return };
    let (whole, judged) = filtered(stream, stream.len());
    for piece in [1, usize::from(*first % 16) + 1] {
        assert_eq!(filtered(stream, piece), (whole.clone(), judged.clone()), "pieces of {piece} bytes");
    }
    // Events with a field that a lenient reader could take for `data` or `event`, or with two names, are left out unjudged.
    let mut all = by_standard(stream).into_iter();
    for seen in &judged {
        assert!(all.any(|event| event == *seen), "judged what no reader sees, or in another order");
    }
    let passed: Vec<Event> = judged
        .into_iter()
        .filter_map(|(name, data)| match fate(&data) {
            EventAction::Pass => Some((name, data)),
            EventAction::Replace(with) => Some((name, written(&with))),
            EventAction::Drop | EventAction::Vanish => None,
        })
        .collect();
    assert_eq!(by_standard(&whole), passed, "a reader sees something else than what passed");
}

/// Some of each.
fn fate(data: &[u8]) -> EventAction {
    match data.first() {
        // Data of a stream has no CR; its replacement may have one.
        Some(b'r') => {
            EventAction::Replace(data.iter().map(|byte| if *byte == b'c' { b'\r' } else { *byte }).collect())
        }
        Some(b'd') => EventAction::Drop,
        _ => EventAction::Pass,
    }
}

/// The bytes that go on, and the judged events, except those without data.
fn filtered(stream: &[u8], piece: usize) -> (Vec<u8>, Vec<Event>) {
    let mut filter = EventFilter::new(usize::MAX);
    let (mut out, mut judged) = (Vec::new(), Vec::new());
    for part in stream.chunks(piece.max(1)) {
        let mut judge = |heard: Heard<'_>| {
            if !heard.data.is_empty() {
                judged.push((heard.name.to_vec(), heard.data.to_vec()));
            }
            fate(heard.data)
        };
        filter.push(part, &mut out, &mut judge).expect("there is no limit");
    }
    (out, judged)
}
