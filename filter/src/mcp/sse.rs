//! Event streams (WHATWG HTML §9.2), cut anywhere: CR, LF or CRLF, several data lines, comments, a byte order mark.
//!
//! Events go on as they came, or with other data, or not at all; nothing of an event leaves before all of it was
//! judged, and nothing is held longer than that.

/// What becomes of one event.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on as it came.
    Pass,
    /// It goes on with this data; its other lines stay.
    Replace(Vec<u8>),
    /// It is left out.
    Drop,
}

/// An event, or the stream, is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Judges the events of one stream.
#[derive(Debug)]
pub struct EventFilter {
    pending: Vec<u8>,
    /// How much of `pending` is known to hold no end of an event.
    searched: usize,
    limit: usize,
    started: bool,
    /// The last event ended in CR: a LF that follows belongs to it.
    after_cr: bool,
}

impl EventFilter {
    /// `limit`: the longest event, in bytes.
    pub fn new(limit: usize) -> Self {
        EventFilter { pending: Vec::new(), searched: 0, limit, started: false, after_cr: false }
    }

    /// Takes the next bytes of the stream and appends to `out` what may go on. `judge` sees the data of each event:
    /// its data lines joined by LF, empty where it has none.
    ///
    /// # Errors
    /// [`TooLong`]; the stream must end then.
    pub fn push(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        judge: &mut dyn FnMut(&[u8]) -> Fate,
    ) -> Result<(), TooLong> {
        let mut bytes = bytes;
        if self.after_cr && self.pending.is_empty() {
            if let Some((b'\n', rest)) = bytes.split_first() {
                out.push(b'\n');
                bytes = rest;
                self.after_cr = false;
            } else if !bytes.is_empty() {
                self.after_cr = false;
            }
        }
        self.pending.extend_from_slice(bytes);
        while let Some(end) = self.event_end() {
            let rest = self.pending.split_off(end);
            let event = std::mem::replace(&mut self.pending, rest);
            self.searched = 0;
            self.after_cr = event.last() == Some(&b'\r');
            self.judge_event(&event, out, judge);
        }
        if self.pending.len() > self.limit { Err(TooLong) } else { Ok(()) }
    }

    /// Offset after the blank line that ends the first event in `pending`.
    fn event_end(&mut self) -> Option<usize> {
        let mut at = self.searched;
        let mut line_start = at;
        loop {
            let byte = *self.pending.get(at)?;
            if byte != b'\n' && byte != b'\r' {
                at = at.saturating_add(1);
                continue;
            }
            let next = at.saturating_add(1);
            let crlf = byte == b'\r' && self.pending.get(next) == Some(&b'\n');
            let line_end = if crlf { next.saturating_add(1) } else { next };
            if at == line_start {
                return Some(line_end);
            }
            if byte == b'\r' && next == self.pending.len() {
                // A LF may still follow; whether the next line is blank is not known yet.
                return None;
            }
            self.searched = line_end;
            line_start = line_end;
            at = line_end;
        }
    }

    fn judge_event(&mut self, event: &[u8], out: &mut Vec<u8>, judge: &mut dyn FnMut(&[u8]) -> Fate) {
        let mut lines = event;
        if !std::mem::replace(&mut self.started, true) {
            lines = lines.strip_prefix(b"\xef\xbb\xbf").unwrap_or(lines);
        }
        let mut data = Vec::new();
        let mut others = Vec::new();
        let mut has_data = false;
        if split_lines(lines).any(data_lookalike) {
            return;
        }
        for line in split_lines(lines) {
            match data_of(line) {
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
        match judge(&data) {
            Fate::Pass => out.extend_from_slice(event),
            Fate::Drop => {}
            Fate::Replace(with) => {
                out.extend_from_slice(&others);
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(&with);
                out.extend_from_slice(b"\n\n");
                self.after_cr = false;
            }
        }
    }
}

/// Lines without their ends.
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

/// A field that the standard ignores but a lenient reader could take for `data`; an event that has one is left out.
fn data_lookalike(line: &[u8]) -> bool {
    let field = line.split(|byte| *byte == b':').next().unwrap_or_default();
    field != b"data" && field.trim_ascii().eq_ignore_ascii_case(b"data")
}

/// The value of a `data` line.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    if line == b"data" {
        return Some(&[]);
    }
    let value = line.strip_prefix(b"data:")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}
