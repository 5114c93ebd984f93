//! The MCP server and the authorization cluster of a scenario: they answer what the scenario says and record every
//! request from its first byte.

use super::BETWEEN_PIECES;
use super::wire::{Framing, Head, Wire, body_bytes, head_bytes};
use crate::scenario::{Answer, Check, CheckAnswer, Fields, Question};
use crate::transcript::{Upstream, normalise_fields};
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The servers' script for the current exchange, and their recordings of it.
#[derive(Default)]
pub(super) struct Script {
    /// The response of the MCP server.
    pub answer: Answer,
    /// The request that reached the MCP server; present from its first byte on.
    pub upstream: Vec<Upstream>,
    /// The answers of the authorization cluster, in order.
    pub checks: VecDeque<CheckAnswer>,
    /// The questions that it received.
    pub questions: Vec<Question>,
    /// Violations that no client of these servers may commit.
    pub problems: Vec<String>,
}

impl Script {
    /// For one exchange.
    pub fn new(answer: Answer, checks: &[Check]) -> Script {
        Script {
            answer,
            checks: checks.iter().map(|check| check.answer.clone()).collect(),
            ..Script::default()
        }
    }
}

/// Two servers on free ports of loopback. Their threads end with the process.
pub(super) struct Servers {
    script: Arc<Mutex<Script>>,
    /// Port of the MCP server.
    pub server_port: u16,
    /// Port of the authorization cluster.
    pub spicedb_port: u16,
}

impl Servers {
    /// Starts them.
    pub fn start() -> io::Result<Servers> {
        let script = Arc::<Mutex<Script>>::default();
        let server_port = listen(&script, serve_mcp)?;
        let spicedb_port = listen(&script, serve_checks)?;
        Ok(Servers { script, server_port, spicedb_port })
    }

    /// Sets the script and returns the previous one with its recordings.
    pub fn replace(&self, script: Script) -> Script {
        std::mem::replace(&mut *lock(&self.script), script)
    }
}

/// A panic in another thread leaves no inconsistent state that matters here.
fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

type Serve = fn(&mut Wire, &Mutex<Script>) -> io::Result<bool>;

fn listen(script: &Arc<Mutex<Script>>, serve: Serve) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let script = Arc::clone(script);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = Arc::clone(&script);
            thread::spawn(move || connection(stream, &script, serve));
        }
    });
    Ok(port)
}

/// Serves requests of one connection until it ends, or `serve` says so.
fn connection(stream: TcpStream, script: &Mutex<Script>, serve: Serve) {
    let _ = stream.set_nodelay(true);
    let mut wire = Wire::new(stream);
    while matches!(wire.wait(), Ok(true)) {
        if !matches!(serve(&mut wire, script), Ok(true)) {
            return;
        }
    }
}

fn serve_mcp(wire: &mut Wire, script: &Mutex<Script>) -> io::Result<bool> {
    let index = {
        let mut script = lock(script);
        script.upstream.push(Upstream::default());
        script.upstream.len().saturating_sub(1)
    };
    let record = |upstream: Upstream| {
        if let Some(seen) = lock(script).upstream.get_mut(index) {
            *seen = upstream;
        }
    };
    let Some(head) = wire.head()? else { return Ok(false) };
    let mut upstream = upstream_of(&head);
    record(upstream.clone());
    let body = wire.body(head.framing(Framing::Length(0)));
    upstream.body = body.bytes;
    upstream.trailers = normalise_fields(body.trailers);
    upstream.complete = body.complete;
    record(upstream);
    if !body.complete {
        return Ok(false);
    }
    let answer = lock(script).answer.clone();
    send(wire, &answer)?;
    Ok(true)
}

fn upstream_of(head: &Head) -> Upstream {
    let mut words = head.line.split(' ');
    Upstream {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().as_bytes().to_vec(),
        authority: String::from_utf8_lossy(head.field("host").unwrap_or_default()).into_owned(),
        headers: normalise_fields(head.fields.clone()),
        ..Upstream::default()
    }
}

fn serve_checks(wire: &mut Wire, script: &Mutex<Script>) -> io::Result<bool> {
    let Some(head) = wire.head()? else { return Ok(false) };
    let body = wire.body(head.framing(Framing::Length(0)));
    let answer = {
        let mut script = lock(script);
        if !head.line.starts_with("POST /v1/permissions/check HTTP/1.1") {
            script.problems.push(format!("the authorization cluster got `{}`", head.line));
        }
        match Question::from_spicedb(&body.bytes) {
            Ok(question) => script.questions.push(question),
            Err(problem) => script.problems.push(problem),
        }
        script.checks.pop_front()
    };
    match answer {
        Some(CheckAnswer::Http(answer)) => send(wire, &answer).map(|()| true),
        // Envoy gives up and ends the connection.
        Some(CheckAnswer::Timeout) => wire.wait().map(|_| false),
        Some(CheckAnswer::Reset) => Ok(false),
        None => send(wire, &Answer { status: 500, ..Answer::default() }).map(|()| true),
    }
}

fn send(wire: &mut Wire, answer: &Answer) -> io::Result<()> {
    let stream = |(name, value): &(String, Vec<u8>)| name == "content-type" && value == b"text/event-stream";
    let chunked =
        !answer.chunks.is_empty() || !answer.trailers.is_empty() || answer.headers.iter().any(stream);
    let framing = match answer.status {
        204 | 304 => Framing::Close,
        _ if chunked => Framing::Chunked,
        _ => Framing::Length(answer.body.len()),
    };
    let line = format!("HTTP/1.1 {} Scripted", answer.status);
    let fields: Fields = answer.headers.clone();
    wire.send(&head_bytes(line.as_bytes(), &fields, framing))?;
    let mut pauses = answer.pauses.iter().copied().map(Duration::from_millis);
    for piece in body_bytes(&answer.pieces(), &answer.trailers, framing) {
        wire.send(&piece)?;
        if chunked {
            thread::sleep(pauses.next().unwrap_or_default().max(BETWEEN_PIECES));
        }
    }
    Ok(())
}
