//! Event streams (WHATWG HTML §9.2) in pieces of any size: CR, LF or CRLF, several data lines, comments, a
//! byte order mark.
//!
//! The filter passes, rewrites or drops each event. It releases no byte of an event before it has judged the
//! whole event, and it holds an event no longer than that. Events that pass are changed in one way: a CR that
//! ends a line alone becomes CRLF. Some clients know LF only; they would read the next line as a part of the
//! data before it. In rewritten data the filter escapes each character that ends a line for some readers
//! only.

use policy_wasm::json::resemble;

/// The action for one event.
#[derive(Debug, PartialEq, Eq)]
pub enum EventAction {
    /// The event passes as it came.
    Pass,
    /// The event passes with this data; its other lines stay.
    Replace(Vec<u8>),
    /// The event is dropped except for `id` and `retry`. Lines without data dispatch no event. A client that
    /// resumes then asks for the events after this one, and not for this one again.
    Drop,
    /// No byte of the event passes: the stream is over.
    Vanish,
}

/// One event as a reader receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard<'e> {
    /// The value of its `event` line; empty if it has none, which means `message`.
    pub name: &'e [u8],
    /// Its data lines, joined by LF; empty if it has none.
    pub data: &'e [u8],
}

/// An event, or the stream, exceeds the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Straggler {
    Passes,
    Vanishes,
}

/// Judges the events of one stream.
#[derive(Debug)]
pub struct EventFilter {
    pending: Vec<u8>,
    /// The number of bytes of `pending` that are known to contain no end of an event.
    searched: usize,
    /// The offset of the line that contains `searched`.
    line_start: usize,
    limit: usize,
    started: bool,
    /// The last event ended in a CR at the end of the input. A following LF belongs to that event and shares
    /// its action. If no LF follows an event that passed, the filter adds one.
    straggler: Option<Straggler>,
}

impl EventFilter {
    /// `limit` is the maximum length of an event, in bytes.
    pub fn new(limit: usize) -> Self {
        EventFilter {
            pending: Vec::new(),
            searched: 0,
            line_start: 0,
            limit,
            started: false,
            straggler: None,
        }
    }

    /// Takes the next bytes of the stream and appends to `out` the bytes that may pass. `judge` receives
    /// every event, including comments and events without data.
    ///
    /// # Errors
    /// [`TooLong`] if an event exceeds the limit; the stream must then end.
    pub fn push(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        judge: &mut dyn FnMut(Heard<'_>) -> EventAction,
    ) -> Result<(), TooLong> {
        let mut bytes = bytes;
        if !bytes.is_empty()
            && let Some(straggler) = self.straggler.take()
        {
            if straggler == Straggler::Passes {
                out.push(b'\n');
            }
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        // Judged bytes are removed once, and not after each event: the smallest event is one byte.
        let mut begin = 0usize;
        let mut result = Ok(());
        while let Some(end) = self.event_end(&pending) {
            let event = pending.get(begin..end).unwrap_or_default();
            if event.len() > self.limit {
                result = Err(TooLong);
                break;
            }
            (begin, self.searched, self.line_start) = (end, end, end);
            let passes = self.judge_event(event, out, judge);
            if event.last() == Some(&b'\r') {
                if end == pending.len() {
                    self.straggler = Some(if passes { Straggler::Passes } else { Straggler::Vanishes });
                } else if passes {
                    out.push(b'\n');
                }
            }
        }
        pending.drain(..begin);
        if begin > 0 {
            // The rest may wait for hours for its end, so it must not keep the room of the judged events.
            pending.shrink_to_fit();
        }
        (self.searched, self.line_start) =
            (self.searched.saturating_sub(begin), self.line_start.saturating_sub(begin));
        if pending.len() > self.limit {
            result = Err(TooLong);
        }
        self.pending = pending;
        result
    }

    /// The offset after the blank line that ends the event at `searched`.
    fn event_end(&mut self, pending: &[u8]) -> Option<usize> {
        let mut at = self.searched;
        loop {
            let rest = pending.get(at..).unwrap_or_default();
            let Some(length) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.searched = pending.len();
                return None;
            };
            at = at.saturating_add(length);
            let byte = *pending.get(at)?;
            let next = at.saturating_add(1);
            let crlf = byte == b'\r' && pending.get(next) == Some(&b'\n');
            let line_end = if crlf { next.saturating_add(1) } else { next };
            if at == self.line_start {
                return Some(line_end);
            }
            self.searched = at;
            if byte == b'\r' && next == pending.len() {
                // A LF may still follow, so it is not known yet whether the next line is blank.
                return None;
            }
            self.searched = line_end;
            self.line_start = line_end;
            at = line_end;
        }
    }

    /// Returns whether the event passed as it came.
    fn judge_event(
        &mut self,
        event: &[u8],
        out: &mut Vec<u8>,
        judge: &mut dyn FnMut(Heard<'_>) -> EventAction,
    ) -> bool {
        let mut lines = event;
        if !std::mem::replace(&mut self.started, true) {
            lines = lines.strip_prefix(b"\xef\xbb\xbf").unwrap_or(lines);
        }
        let mut data = Vec::new();
        let mut others = Vec::new();
        let mut has_data = false;
        let mut names = split_lines(lines).filter_map(|line| value_of(line, b"event"));
        let name = names.next().unwrap_or_default();
        if names.next().is_some() || split_lines(lines).any(lookalike) {
            return false;
        }
        for line in split_lines(lines) {
            match value_of(line, b"data") {
                Some(text) => {
                    if has_data {
                        data.push(b'\n');
                    }
                    has_data = true;
                    data.extend_from_slice(text);
                }
                None if line.is_empty() => {}
                None => {
                    others.extend_from_slice(line);
                    others.push(b'\n');
                }
            }
        }
        match judge(Heard { name, data: &data }) {
            EventAction::Pass => {
                write_lines(out, event);
                true
            }
            EventAction::Drop => {
                let before = out.len();
                for line in split_lines(lines).filter(|line| is_bookmark(line)) {
                    out.extend_from_slice(line);
                    out.push(b'\n');
                }
                if out.len() > before {
                    out.push(b'\n');
                }
                false
            }
            EventAction::Vanish => false,
            EventAction::Replace(with) => {
                out.extend_from_slice(&others);
                write_data(out, &with);
                false
            }
        }
    }
}

/// The lines, without their ends.
fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(end)?;
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        Some(line)
    })
}

/// Writes an event as it came, with CRLF for each CR that ends a line alone. The byte after the event is
/// unknown here.
fn write_lines(out: &mut Vec<u8>, event: &[u8]) {
    let mut rest = event;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\r') {
        let (line, after) = rest.split_at_checked(at.saturating_add(1)).unwrap_or((rest, &[]));
        out.extend_from_slice(line);
        if after.first().is_some_and(|next| *next != b'\n') {
            out.push(b'\n');
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Whether a line serves resumption: `id` or `retry`.
fn is_bookmark(line: &[u8]) -> bool {
    let field = line.split(|byte| *byte == b':').next().unwrap_or_default();
    field == b"id" || field == b"retry"
}

/// Writes data and the end of the event; each line of data becomes a field. `data` must be JSON, or plain
/// ASCII without controls. The function writes a character that ends a line for some readers only as a JSON
/// escape. JSON has such characters in strings alone.
pub fn write_data(out: &mut Vec<u8>, data: &[u8]) {
    let mut rest = data;
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (line, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        out.extend_from_slice(b"data: ");
        write_line(out, line);
        out.push(b'\n');
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    out.push(b'\n');
}

fn write_line(out: &mut Vec<u8>, line: &[u8]) {
    let mut rest = line;
    while let Some((before, code, after)) = foreign_line_end(rest) {
        out.extend_from_slice(before);
        out.extend_from_slice(format!("\\u{code:04x}").as_bytes());
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Whether a lenient reader could take this field for `data` or `event`, although the standard ignores it.
/// The filter drops an event with such a field, and an event with two names.
fn lookalike(line: &[u8]) -> bool {
    if value_of(line, b"data").is_some() {
        return false;
    }
    if value_of(line, b"event").is_some() {
        // Some readers find another name.
        return has_foreign_line_end(line);
    }
    split_as_unicode(line).any(|piece| {
        let field = piece.split(|byte| *byte == b':').next().unwrap_or_default();
        std::str::from_utf8(field).is_ok_and(|field| resemble(field, "data") || resemble(field, "event"))
    })
}

/// The parts of a line for readers that split text as Unicode does (Python's `splitlines`). They split at VT,
/// FF, FS, GS, RS, NEL, U+2028 and U+2029. The parts do not overlap, because a line may be as long as the
/// limit and full of such ends.
fn split_as_unicode(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (piece, after) =
            foreign_line_end(line).map_or((line, None), |(piece, _, after)| (piece, Some(after)));
        rest = after;
        Some(piece)
    })
}

/// Whether the text has a character that ends a line for some readers only.
pub fn has_foreign_line_end(text: &[u8]) -> bool {
    foreign_line_end(text).is_some()
}

/// The text before the first such end, the code of its character, and the text after it.
fn foreign_line_end(line: &[u8]) -> Option<(&[u8], u32, &[u8])> {
    let suspect = |byte: &u8| matches!(byte, 0x0b | 0x0c | 0x1c..=0x1e | 0xc2 | 0xe2);
    let mut at = 0usize;
    loop {
        at = at.saturating_add(line.get(at..)?.iter().position(suspect)?);
        let (before, rest) = line.split_at_checked(at)?;
        match rest {
            [0xc2, 0x85, after @ ..] => return Some((before, 0x85, after)),
            [0xe2, 0x80, 0xa8, after @ ..] => return Some((before, 0x2028, after)),
            [0xe2, 0x80, 0xa9, after @ ..] => return Some((before, 0x2029, after)),
            [0xc2 | 0xe2, ..] => at = at.saturating_add(1),
            [byte, after @ ..] => return Some((before, u32::from(*byte), after)),
            [] => return None,
        }
    }
}

/// The value of the line, if it belongs to this field.
fn value_of<'l>(line: &'l [u8], field: &[u8]) -> Option<&'l [u8]> {
    let rest = line.strip_prefix(field)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    /// Runs a stream that is cut at `cuts`. Data `drop` is dropped, and data `swap` is replaced.
    fn run(stream: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<String>) {
        let (mut filter, mut out, mut seen) = (EventFilter::new(1000), Vec::new(), Vec::new());
        let mut from = 0;
        for cut in cuts.iter().copied().chain([stream.len()]) {
            filter
                .push(&stream[from..cut], &mut out, &mut |heard| {
                    seen.push(String::from_utf8_lossy(heard.data).into_owned());
                    match heard.data {
                        b"drop" => EventAction::Drop,
                        b"swap" => EventAction::Replace(b"new\nlines".to_vec()),
                        _ => EventAction::Pass,
                    }
                })
                .unwrap();
            from = cut;
        }
        (out, seen)
    }

    #[test]
    fn a_million_events_of_one_byte_in_one_piece_are_a_million_steps() {
        // One copy for each event would be a terabyte.
        let stream = "\n".repeat(1_000_000);
        let (out, seen) = run(&stream.into_bytes(), &[]);
        assert_eq!((out.len(), seen.len()), (1_000_000, 1_000_000));
    }

    #[test]
    fn a_line_of_a_million_ends_that_only_some_readers_know_is_a_million_steps() {
        // Reading to the line's end for each of them would be a terabyte.
        for end in ["\u{b}", "\u{c}", "\u{1e}", "\u{85}", "\u{2028}", "\u{feff}", ":"] {
            let stream = format!(":{}\n\n", end.repeat(1_000_000));
            let (mut filter, mut out) = (EventFilter::new(stream.len()), Vec::new());
            filter.push(stream.as_bytes(), &mut out, &mut |_| EventAction::Pass).unwrap();
            assert_eq!(out.len(), stream.len(), "{end:?}");
        }
    }

    const STREAMS: [&str; 5] = [
        "\u{feff}data: a\n\nid: 1\nevent: message\ndata: swap\nretry: 3\n\n: comment\n\ndata: drop\n\ndata: z\n\n",
        "data: a\r\n\r\nid: 1\r\nevent: message\r\ndata: swap\r\nretry: 3\r\n\r\n: comment\r\n\r\ndata: drop\r\n\r\ndata: z\r\n\r\n",
        "data: a\r\rid: 1\revent: message\rdata: swap\rretry: 3\r\r: comment\r\rdata: drop\r\rdata: z\r\r",
        "data: a\r\n\ndata\ndata: x\ndata:y\n\r\ndata:drop\r\rdata: z\n\r",
        "id: 0\ndata:\n\ndata: {\"a\":\ndata: 1}\n\nevent: x\n\n",
    ];

    #[test]
    fn where_the_stream_is_cut_makes_no_difference() {
        for stream in STREAMS {
            let bytes = stream.as_bytes();
            let whole = run(bytes, &[]);
            for a in 0..=bytes.len() {
                for b in (a..=bytes.len()).step_by(3) {
                    assert_eq!(run(bytes, &[a, b]), whole, "{stream:?} at {a}, {b}");
                }
            }
            let each: Vec<usize> = (1..bytes.len()).collect();
            assert_eq!(run(bytes, &each), whole, "{stream:?} byte by byte");
        }
    }

    #[test]
    fn events_pass_change_or_vanish() {
        let (out, seen) = run(STREAMS[0].as_bytes(), &[]);
        assert_eq!(seen, ["a", "swap", "", "drop", "z"]);
        let expected = "\u{feff}data: a\n\nid: 1\nevent: message\nretry: 3\ndata: new\ndata: lines\n\n: comment\n\ndata: z\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(run(STREAMS[4].as_bytes(), &[]).1, ["", "{\"a\":\n1}", ""]);
    }

    #[test]
    fn readers_of_lf_find_the_lines_that_were_judged() {
        // A reader that knows LF only takes the second line for a part of the first line's data.
        let stream = b"data: [\r{\"name\":1}\ndata: ]\r\rdata: z\r\n\r\ndata: y\n\r: c\n\n";
        let (out, seen) = run(stream, &[]);
        assert_eq!(seen, ["[\n]", "z", "y", ""]);
        let expected = "data: [\r\n{\"name\":1}\ndata: ]\r\n\r\ndata: z\r\n\r\ndata: y\n\r\n: c\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        for cut in 0..stream.len() {
            assert_eq!(run(stream, &[cut]).0, expected.as_bytes(), "cut at {cut}");
        }
    }

    #[test]
    fn an_event_has_the_name_that_its_line_gives() {
        let name = |stream: &str| {
            let (mut filter, mut out, mut seen) = (EventFilter::new(1000), Vec::new(), Vec::new());
            filter
                .push(stream.as_bytes(), &mut out, &mut |heard| {
                    seen.push(String::from_utf8_lossy(heard.name).into_owned());
                    EventAction::Pass
                })
                .unwrap();
            seen.pop()
        };
        for (stream, expected) in [
            ("event: endpoint\ndata: /m\n\n", "endpoint"),
            ("\u{feff}data: /m\r\nevent:endpoint\r\n\r\n", "endpoint"),
            ("event:  endpoint\ndata: /m\n\n", " endpoint"),
            ("event: endpoint \ndata: /m\n\n", "endpoint "),
            ("event: Endpoint\n\n", "Endpoint"),
            ("event\ndata: /m\n\n", ""),
            ("events: endpoint\ndata: /m\n\n", ""),
        ] {
            assert_eq!(name(stream).as_deref(), Some(expected), "{stream:?}");
        }
    }

    #[test]
    fn a_dropped_event_leaves_what_resumption_stands_on() {
        let stream = "id: 1\ndata: a\n\nid: 2\nevent: x\n: c\nretry: 9\ndata: drop\n\nid\r\ndata:drop\r\n\r\nidentity: 3\ndata: drop\n\ndata: z\n\n";
        let (out, _) = run(stream.as_bytes(), &[]);
        let expected = "id: 1\ndata: a\n\nid: 2\nretry: 9\n\nid\n\ndata: z\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_stream_of_hours_takes_no_more_room_than_one_event() {
        let mut filter = EventFilter::new(1000);
        let mut out = Vec::new();
        for event in 0..200_000 {
            let piece: &[u8] = if event % 2 == 0 { b"id: 1\ndata: {\"a\":1}\n\ndata: ha" } else { b"lf\n\n" };
            out.clear();
            filter.push(piece, &mut out, &mut |_| EventAction::Pass).unwrap();
            assert!(filter.pending.capacity() < 1000 && out.capacity() < 1000);
        }
    }

    #[test]
    fn the_beginning_of_an_event_keeps_no_room_of_those_before_it() {
        let mut filter = EventFilter::new(1_000_000);
        let piece = [b": ".as_slice(), &[b'x'; 900_000], b"\n\ndata: half"].concat();
        filter.push(&piece, &mut Vec::new(), &mut |_| EventAction::Pass).unwrap();
        assert!(filter.pending.capacity() < 100, "{}", filter.pending.capacity());
    }

    #[test]
    fn an_event_that_never_ends_is_not_let_out_and_does_not_grow() {
        let mut filter = EventFilter::new(10);
        let mut out = Vec::new();
        assert_eq!(filter.push(b"data: 01234", &mut out, &mut |_| EventAction::Pass), Err(TooLong));
        let mut whole = EventFilter::new(10);
        assert_eq!(whole.push(b"data: 01234\n\n", &mut out, &mut |_| EventAction::Pass), Err(TooLong));
        assert!(out.is_empty());
        assert_eq!(run(b"data: half", &[]).0, b"");
    }

    #[test]
    fn data_is_written_so_that_every_reader_finds_its_ends_where_they_are() {
        let written = |data: &str| {
            let mut out = Vec::new();
            write_data(&mut out, data.as_bytes());
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(""), "data: \n\n");
        assert_eq!(written("a\rb\nc\r\nd\r"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
        assert_eq!(written("\n\r"), "data: \ndata: \ndata: \n\n");
        assert_eq!(
            written("a\u{b}\u{c}\u{1c}\u{1e}\u{85}\u{2028}é\u{2029}â"),
            "data: a\\u000b\\u000c\\u001c\\u001e\\u0085\\u2028é\\u2029â\n\n"
        );
    }

    #[test]
    fn what_a_lenient_reader_could_take_for_data_is_left_out() {
        for line in [
            "Data: x",
            " data: x",
            "DATA:x",
            "\u{feff}data: x",
            "\u{feff}\u{feff}\u{feff}data: x",
            ": c\u{85}data: x",
            "id: 1\u{2028}data: x",
            "id: 1\u{2029}\u{2029}data: x",
            "event: a\u{b}Data: x",
            "event: a\u{1e}data",
            "event: a\u{1e}data\u{b}",
            ": c\u{c}data\u{85}b: x",
            "Event: x",
            "event : x",
            ": c\u{85}event: x",
            "event: a\u{2028}event: b",
            "event: endpoint\u{b}x",
            "event: a\u{85}",
            "\u{a0}data: x",
            "data\u{3000}: x",
            "d\u{200b}ata: x",
            "event: a\nevent: a",
        ] {
            let stream = format!(": first\n\n{line}\n\n");
            assert_eq!(run(stream.as_bytes(), &[]).0, b": first\n\n", "{line:?}");
        }
        // Such characters are text within data, and where no field of this name follows.
        for event in ["data: a\u{2028}data: b\n\n", ": a\u{2028}b\u{85}database\n\n"] {
            assert_eq!(run(event.as_bytes(), &[]).0, event.as_bytes(), "{event:?}");
        }
    }
}
