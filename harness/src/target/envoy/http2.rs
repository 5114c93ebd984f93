//! The client of a scenario on HTTP/2 (RFC 9113) without TLS: one stream on a connection of its own.

use super::http1::Got;
use super::{BETWEEN_PIECES, PATIENCE, hpack};
use crate::scenario::{Fields, Request};
use crate::transcript::{Response, normalise_fields};
use anyhow::{Context as _, bail};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Every peer must take frames of this size.
const MAX_FRAME: usize = 16_384;
/// The client's window: large enough that the client never has to extend it.
const WINDOW: u32 = 0x3fff_ffff;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// Sends a request on a connection of its own and reads the response.
pub(super) fn exchange(to: SocketAddr, request: &Request) -> anyhow::Result<Got> {
    let stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let client = stream.local_addr()?;
    let mut connection = Connection {
        stream,
        connection_window: 65_535,
        stream_window: 65_535,
        initial_window: 65_535,
        block: Vec::new(),
        block_ends_stream: false,
        response: None,
        ended: false,
    };
    connection.open()?;
    let outcome = connection.run(request);
    let mut problems = Vec::new();
    let response = connection.response.map(|response| Response { complete: connection.ended, ..response });
    match outcome {
        Ok(()) => {}
        // Cut off or timed out: the response so far shows it.
        Err(error) if error.downcast_ref::<std::io::Error>().is_some() => {}
        Err(error) => problems.push(format!("HTTP/2: {error:#}")),
    }
    if let Some(response) = &response
        && let Some((_, length)) = response.headers.iter().find(|(name, _)| name == "content-length")
        && *length != response.body.len().to_string().into_bytes()
    {
        problems.push("the response's body does not fit its content-length".to_owned());
    }
    let response =
        response.map(|response| Response { headers: normalise_fields(response.headers), ..response });
    Ok(Got { response, client, problems })
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    connection_window: i64,
    stream_window: i64,
    initial_window: i64,
    block: Vec<u8>,
    block_ends_stream: bool,
    response: Option<Response>,
    ended: bool,
}

impl Connection {
    fn open(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(PREFACE)?;
        let mut settings = Vec::new();
        // No header table, no push, a wide window.
        for (name, value) in [(1_u16, 0_u32), (2, 0), (4, WINDOW)] {
            settings.extend_from_slice(&name.to_be_bytes());
            settings.extend_from_slice(&value.to_be_bytes());
        }
        self.send(SETTINGS, 0, 0, &settings)?;
        self.send(WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes())?;
        // The peer's settings decide how much may be sent.
        while self.frame()?.kind != SETTINGS {}
        Ok(())
    }

    fn run(&mut self, request: &Request) -> anyhow::Result<()> {
        let no_trailers = request.trailers.is_empty();
        let mut fields: Fields = vec![
            (":method".to_owned(), request.method.clone().into_bytes()),
            (":scheme".to_owned(), b"http".to_vec()),
            (":path".to_owned(), request.path.clone()),
            (":authority".to_owned(), request.authority.clone().into_bytes()),
        ];
        fields.extend(request.headers.iter().cloned());
        self.send_headers(&fields, request.body.is_none() && no_trailers)?;
        if request.body.is_some() {
            let mut pieces = request.pieces();
            if pieces.is_empty() {
                pieces.push(&[]);
            }
            let last = pieces.len().saturating_sub(1);
            for (index, piece) in pieces.into_iter().enumerate() {
                if index > 0 {
                    thread::sleep(BETWEEN_PIECES);
                }
                if !self.send_data(piece, index == last && no_trailers)? {
                    return Ok(());
                }
            }
        }
        if !no_trailers {
            self.send_headers(&request.trailers, true)?;
        }
        while !self.ended {
            self.step()?;
        }
        Ok(())
    }

    fn send_headers(&mut self, fields: &Fields, end: bool) -> anyhow::Result<()> {
        let mut block = Vec::new();
        for (name, value) in fields {
            hpack::encode(&mut block, name.as_bytes(), value);
        }
        let mut parts = block.chunks(MAX_FRAME).peekable();
        let (mut kind, mut flags) = (HEADERS, if end { END_STREAM } else { 0 });
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                flags |= END_HEADERS;
            }
            self.send(kind, flags, 1, part)?;
            (kind, flags) = (CONTINUATION, 0);
        }
        Ok(())
    }

    /// Sends bytes as the windows allow; `false` if the response ended first.
    fn send_data(&mut self, bytes: &[u8], end: bool) -> anyhow::Result<bool> {
        let mut rest = bytes;
        loop {
            let room = usize::try_from(self.connection_window.min(self.stream_window)).unwrap_or(0);
            let size = rest.len().min(MAX_FRAME).min(room);
            if size > 0 || bytes.is_empty() {
                let (part, after) = rest.split_at_checked(size).unwrap_or_default();
                let sent = i64::try_from(size).unwrap_or(i64::MAX);
                self.connection_window = self.connection_window.saturating_sub(sent);
                self.stream_window = self.stream_window.saturating_sub(sent);
                self.send(DATA, if end && after.is_empty() { END_STREAM } else { 0 }, 1, part)?;
                rest = after;
            }
            if rest.is_empty() {
                return Ok(true);
            }
            if size == 0 {
                self.step()?;
            }
            if self.ended {
                return Ok(false);
            }
        }
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut frame = length.get(1..).unwrap_or_default().to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame)
    }

    fn step(&mut self) -> anyhow::Result<()> {
        self.frame().map(|_| ())
    }

    /// Reads one frame and reacts to it.
    fn frame(&mut self) -> anyhow::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, s0, s1, s2, s3] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c]))?];
        self.stream.read_exact(&mut payload)?;
        let frame = Frame { kind, flags, stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]), payload };
        self.act_on(&frame)?;
        Ok(frame)
    }

    fn act_on(&mut self, frame: &Frame) -> anyhow::Result<()> {
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                for setting in frame.payload.chunks_exact(6) {
                    if let [0, 4, a, b, c, d] = *setting {
                        let window = i64::from(u32::from_be_bytes([a, b, c, d]));
                        let change = window.saturating_sub(self.initial_window);
                        self.stream_window = self.stream_window.saturating_add(change);
                        self.initial_window = window;
                    }
                }
                self.send(SETTINGS, ACK, 0, &[])?;
            }
            PING if frame.flags & ACK == 0 => self.send(PING, ACK, 0, &frame.payload)?,
            WINDOW_UPDATE => {
                let bytes = frame.payload.first_chunk::<4>().context("a window update without a number")?;
                let more = i64::from(u32::from_be_bytes(*bytes) & 0x7fff_ffff);
                let window =
                    if frame.stream == 0 { &mut self.connection_window } else { &mut self.stream_window };
                *window = window.saturating_add(more);
            }
            HEADERS | CONTINUATION => {
                if frame.kind == HEADERS {
                    self.block_ends_stream = frame.flags & END_STREAM != 0;
                    self.block = unpadded(frame)?.to_vec();
                } else {
                    self.block.extend_from_slice(&frame.payload);
                }
                if frame.flags & END_HEADERS != 0 {
                    self.head()?;
                    self.ended |= self.block_ends_stream;
                }
            }
            DATA => {
                let response = self.response.as_mut().context("data before a head")?;
                response.body.extend_from_slice(unpadded(frame)?);
                self.ended |= frame.flags & END_STREAM != 0;
            }
            // After a whole response this only says that the rest of the request is not wanted.
            RST_STREAM if !self.ended => {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
            }
            GOAWAY if !self.ended && frame.payload.get(..4) == Some(&[0, 0, 0, 0]) => {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
            }
            _ => {}
        }
        Ok(())
    }

    /// A whole header block: a head, or trailers.
    fn head(&mut self) -> anyhow::Result<()> {
        let fields = hpack::decode(&self.block)?;
        match &mut self.response {
            Some(response) => response.trailers = normalise_fields(fields),
            None => {
                let status =
                    fields.iter().find(|(name, _)| name == ":status").map(|(_, value)| value.as_slice());
                let status = status.and_then(|value| std::str::from_utf8(value).ok()?.parse::<u16>().ok());
                match status {
                    Some(100..=199) => {}
                    Some(status) => {
                        self.response = Some(Response { status, headers: fields, ..Response::default() })
                    }
                    None => bail!("a response without a status"),
                }
            }
        }
        Ok(())
    }
}

/// The payload of HEADERS or DATA without padding and priority.
fn unpadded(frame: &Frame) -> anyhow::Result<&[u8]> {
    let mut payload = frame.payload.as_slice();
    if frame.flags & PADDED != 0 {
        let (&padding, rest) = payload.split_first().context("padding without a length")?;
        let end = rest.len().checked_sub(usize::from(padding)).context("more padding than payload")?;
        payload = rest.get(..end).unwrap_or_default();
    }
    if frame.kind == HEADERS && frame.flags & PRIORITY != 0 {
        payload = payload.get(5..).context("a priority that ends early")?;
    }
    Ok(payload)
}
