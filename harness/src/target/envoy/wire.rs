//! HTTP/1.1 on loopback, byte by byte: enough to act as client and server, and to see the exact bytes of a proxy.

use crate::scenario::Fields;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

/// Largest head in bytes.
const MAX_HEAD: usize = 1 << 20;

/// A connection with the bytes that were read but not used yet.
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Start line and header fields.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Request line or status line.
    pub line: String,
    /// Names in lower case.
    pub fields: Fields,
}

/// How a message's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(usize),
    /// With a last chunk; trailers may follow.
    Chunked,
    /// With the connection.
    Close,
}

/// The message after its head.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub bytes: Vec<u8>,
    pub trailers: Fields,
    /// Whether it came to its end.
    pub complete: bool,
}

impl Head {
    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_slice())
    }

    /// The framing that the fields announce; `otherwise` where they announce none.
    pub fn framing(&self, otherwise: Framing) -> Framing {
        let chunked =
            self.field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case(b"chunked"));
        let length =
            self.field("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        match length {
            _ if chunked => Framing::Chunked,
            Some(length) => Framing::Length(length),
            None => otherwise,
        }
    }

    fn parse(bytes: &[u8]) -> Head {
        let mut lines =
            bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = lines.next().unwrap_or_default();
        let fields = lines.filter(|line| !line.is_empty()).map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (name, value) = line.split_at_checked(colon).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            (String::from_utf8_lossy(name).to_ascii_lowercase(), value.to_vec())
        });
        Head { line: String::from_utf8_lossy(line).into_owned(), fields: fields.collect() }
    }
}

impl Wire {
    pub fn new(stream: TcpStream) -> Wire {
        Wire { stream, buffer: Vec::new() }
    }

    /// Waits for a byte; `false` if the connection ended before one came.
    pub fn wait(&mut self) -> io::Result<bool> {
        Ok(!self.buffer.is_empty() || self.fill()? > 0)
    }

    /// Bytes that were read and belong to no message.
    pub fn left_over(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads the next head; `None` if the connection ended first.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = self.take(end);
                self.take(4);
                return Ok(Some(Head::parse(&head)));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(io::Error::other("the head does not end"));
            }
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads a body. A read that fails leaves it incomplete.
    pub fn body(&mut self, framing: Framing) -> Body {
        let mut body = Body::default();
        let complete = self.body_into(framing, &mut body).is_ok();
        body.complete = complete;
        body
    }

    fn body_into(&mut self, framing: Framing, body: &mut Body) -> io::Result<()> {
        match framing {
            Framing::Length(length) => self.copy(length, &mut body.bytes),
            Framing::Close => {
                while self.wait()? {
                    body.bytes.append(&mut self.buffer);
                }
                Ok(())
            }
            Framing::Chunked => loop {
                let line = self.line()?;
                let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
                let size = std::str::from_utf8(digits)
                    .ok()
                    .and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok())
                    .ok_or_else(|| io::Error::other("not a chunk"))?;
                if size == 0 {
                    break self.trailers(body);
                }
                self.copy(size, &mut body.bytes)?;
                self.line()?;
            },
        }
    }

    fn trailers(&mut self, body: &mut Body) -> io::Result<()> {
        let mut section = b"\r\n".to_vec();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                body.trailers = Head::parse(&section).fields;
                return Ok(());
            }
            section.extend_from_slice(&line);
            section.extend_from_slice(b"\r\n");
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line = self.take(end);
                self.take(2);
                return Ok(line);
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn copy(&mut self, mut length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        while length > 0 {
            if !self.wait()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let part = self.take(length.min(self.buffer.len()));
            length = length.saturating_sub(part.len());
            into.extend_from_slice(&part);
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut part = [0; 16 * 1024];
        let read = self.stream.read(&mut part)?;
        self.buffer.extend_from_slice(part.get(..read).unwrap_or_default());
        Ok(read)
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}

/// A head as it goes out.
pub(super) fn head_bytes(line: &[u8], fields: &Fields, framing: Framing) -> Vec<u8> {
    let mut out = line.to_vec();
    out.extend_from_slice(b"\r\n");
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    match framing {
        Framing::Length(length) => out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::Close => {}
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The pieces of a body as they go out, each to be written by itself.
pub(super) fn body_bytes(pieces: &[&[u8]], trailers: &Fields, framing: Framing) -> Vec<Vec<u8>> {
    if framing != Framing::Chunked {
        return pieces.iter().map(|piece| piece.to_vec()).collect();
    }
    let mut out: Vec<Vec<u8>> = pieces
        .iter()
        .map(|piece| {
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(piece);
            chunk.extend_from_slice(b"\r\n");
            chunk
        })
        .collect();
    let mut end = b"0\r\n".to_vec();
    for (name, value) in trailers {
        end.extend_from_slice(name.as_bytes());
        end.extend_from_slice(b": ");
        end.extend_from_slice(value);
        end.extend_from_slice(b"\r\n");
    }
    end.extend_from_slice(b"\r\n");
    out.push(end);
    out
}
