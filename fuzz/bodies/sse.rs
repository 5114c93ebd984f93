//! Any bytes as an event stream, cut where the first bytes say: what comes out does not depend on the cuts, and a
//! reader that follows the standard (WHATWG HTML §9.2.6) sees the events that were let pass, and no others.

use filter::mcp::sse::{EventFilter, Fate};

/// The body: the first byte says how long the pieces are.
pub fn run(data: &[u8]) {
    let Some((first, stream)) = data.split_first() else { return };
    let (whole, judged) = filtered(stream, stream.len());
    for piece in [1, usize::from(*first % 16) + 1] {
        assert_eq!(filtered(stream, piece), (whole.clone(), judged.clone()), "pieces of {piece} bytes");
    }
    // Events with a field that a lenient reader could take for `data` are left out unjudged.
    let mut all = events(stream).into_iter();
    for seen in &judged {
        assert!(all.any(|event| event == *seen), "judged what no reader sees, or in another order");
    }
    let passed: Vec<Vec<u8>> = judged
        .into_iter()
        .filter_map(|data| match fate(&data) {
            Fate::Pass => Some(data),
            Fate::Replace(with) => Some(with),
            Fate::Drop => None,
        })
        .collect();
    assert_eq!(events(&whole), passed, "a reader sees something else than what passed");
}

/// Some of each.
fn fate(data: &[u8]) -> Fate {
    match data.first() {
        Some(b'r') => Fate::Replace(b"{}".to_vec()),
        Some(b'd') => Fate::Drop,
        _ => Fate::Pass,
    }
}

/// What goes on, and the data that was judged but for none.
fn filtered(stream: &[u8], piece: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut filter = EventFilter::new(usize::MAX);
    let (mut out, mut judged) = (Vec::new(), Vec::new());
    for part in stream.chunks(piece.max(1)) {
        let mut judge = |data: &[u8]| {
            if !data.is_empty() {
                judged.push(data.to_vec());
            }
            fate(data)
        };
        filter.push(part, &mut out, &mut judge).expect("there is no limit");
    }
    (out, judged)
}

/// The data of every event that a reader dispatches, but for empty ones.
fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let (mut all, mut data) = (Vec::new(), Vec::new());
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").unwrap_or(&after[1..]);
        if line.is_empty() {
            data.pop();
            if !data.is_empty() {
                all.push(std::mem::take(&mut data));
            }
        } else if let Some(value) = line.strip_prefix(b"data:") {
            data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            data.push(b'\n');
        } else if line == b"data" {
            data.push(b'\n');
        }
    }
    all
}
