//! The client of a scenario on HTTP/1.1.

use super::wire::{Body, Framing, Wire, body_bytes, head_bytes};
use super::{BETWEEN_PIECES, PATIENCE};
use crate::scenario::{Fields, Request};
use crate::transcript::{Response, normalise_fields};
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

/// The response as the client received it.
pub(super) struct Got {
    /// The response; `None` if the connection ended first.
    pub response: Option<Response>,
    /// The client's own address, by which the access log knows it.
    pub client: SocketAddr,
    /// Faults of a response that are never acceptable.
    pub problems: Vec<String>,
}

/// Sends a request on a connection of its own and reads the response.
pub(super) fn exchange(to: SocketAddr, request: &Request) -> io::Result<Got> {
    let stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let client = stream.local_addr()?;
    let mut sender = stream.try_clone()?;
    let pieces = outgoing(request);
    // A proxy may answer before it has read everything, so reading does not wait for writing.
    let writer = thread::spawn(move || {
        for (index, piece) in pieces.iter().enumerate() {
            if index > 1 {
                thread::sleep(BETWEEN_PIECES);
            }
            if sender.write_all(piece).is_err() {
                return;
            }
        }
    });
    let mut problems = Vec::new();
    let response = read(&mut Wire::new(stream.try_clone()?), &mut problems)?;
    // Unwritten bytes belong to a request that has been answered already.
    let _ = stream.shutdown(std::net::Shutdown::Both);
    let _ = writer.join();
    Ok(Got { response, client, problems })
}

/// The head, then each piece of the body.
fn outgoing(request: &Request) -> Vec<Vec<u8>> {
    let framing = match &request.body {
        _ if !request.trailers.is_empty() => Framing::Chunked,
        Some(body) => Framing::Length(body.len()),
        None => Framing::Close,
    };
    let line = [request.method.as_bytes(), b" ", &request.path, b" HTTP/1.1"].concat();
    let mut fields: Fields = vec![("host".to_owned(), request.authority.clone().into_bytes())];
    fields.extend(request.headers.iter().cloned());
    let mut out = vec![head_bytes(&line, &fields, framing)];
    out.extend(body_bytes(&request.pieces(), &request.trailers, framing));
    out
}

fn read(wire: &mut Wire, problems: &mut Vec<String>) -> io::Result<Option<Response>> {
    let head = loop {
        match wire.head() {
            Ok(Some(head)) if head.line.starts_with("HTTP/1.1 1") => continue,
            Ok(Some(head)) => break head,
            Ok(None) => return Ok(None),
            // A reset or a timeout means that there is no response either.
            Err(_) => return Ok(None),
        }
    };
    let status = head.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = match (status, head.framing(Framing::Close)) {
        (204 | 304, _) => Body { complete: true, ..Body::default() },
        (_, framing) => wire.body(framing),
    };
    if !wire.left_over().is_empty() {
        problems.push(format!("{} bytes after the end of the response", wire.left_over().len()));
    }
    Ok(Some(Response {
        status,
        headers: normalise_fields(head.fields),
        body: body.bytes,
        trailers: normalise_fields(body.trailers),
        complete: body.complete,
    }))
}
