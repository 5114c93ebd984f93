//! Two readers of event streams that share nothing with the filter's: one by the standard (WHATWG HTML §9.2.6), and one
//! that splits lines as Unicode does, as clients on Python's `splitlines` do.

/// Name and data of an event.
pub type Event = (Vec<u8>, Vec<u8>);

/// Every event that a reader by the standard dispatches, except those with empty data.
pub fn by_standard(stream: &[u8]) -> Vec<Event> {
    let mut rest = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let mut lines = Vec::new();
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").unwrap_or(&after[1..]);
        lines.push(line);
    }
    dispatched(&lines)
}

/// The same where lines end at VT, FF, FS, GS, RS, NEL, U+2028 and U+2029 too. Of text alone: a decoder comes first.
pub fn by_splitlines(stream: &str) -> Vec<Event> {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n");
    let mut lines: Vec<&[u8]> = stream.split(ends).map(str::as_bytes).collect();
    // Bytes after the last end are not a line yet.
    lines.pop();
    dispatched(&lines)
}

/// Data as read after the filter has written it: each line end is LF, and characters that end lines for some readers only
/// are escaped as in JSON.
pub fn written(data: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), data);
    while let Some((first, after)) = rest.split_first() {
        let (with, length): (&[u8], usize) = match rest {
            [b'\r', b'\n', ..] => (b"\n", 2),
            [b'\r', ..] => (b"\n", 1),
            [0x0b, ..] => (b"\\u000b", 1),
            [0x0c, ..] => (b"\\u000c", 1),
            [0x1c, ..] => (b"\\u001c", 1),
            [0x1d, ..] => (b"\\u001d", 1),
            [0x1e, ..] => (b"\\u001e", 1),
            [0xc2, 0x85, ..] => (b"\\u0085", 2),
            [0xe2, 0x80, 0xa8, ..] => (b"\\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (b"\\u2029", 3),
            _ => {
                out.push(*first);
                rest = after;
                continue;
            }
        };
        out.extend_from_slice(with);
        rest = &rest[length..];
    }
    out
}

fn dispatched(lines: &[&[u8]]) -> Vec<Event> {
    let (mut all, mut data, mut name) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        if line.is_empty() {
            data.pop();
            let event = (std::mem::take(&mut name), std::mem::take(&mut data));
            if !event.1.is_empty() {
                all.push(event);
            }
        } else if let Some(value) = line.strip_prefix(b"data:") {
            data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            data.push(b'\n');
        } else if let Some(value) = line.strip_prefix(b"event:") {
            name = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        } else if *line == b"event" {
            name.clear();
        } else if *line == b"data" {
            data.push(b'\n');
        }
    }
    all
}
