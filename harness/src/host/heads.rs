//! Heads of requests and responses as Envoy builds and forwards them.

use super::stream::{LocalReply, Side};
use crate::scenario::{Fields, HttpVersion, Request};
use crate::transcript::{Response, Upstream};

/// Fields that Envoy holds once and joins with a comma when they come repeated (its inline headers).
const JOINED: [&str; 14] = [
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "if-match",
    "origin",
    "te",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-request-id",
];

pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_slice())
}

/// The head as the plugin gets it: pseudo-headers, framing, and Envoy's own additions.
pub(super) fn head_of(request: &Request) -> Fields {
    let mut fields: Fields = vec![
        (":authority".to_owned(), request.authority.clone().into_bytes()),
        (":path".to_owned(), request.path.clone()),
        (":method".to_owned(), request.method.clone().into_bytes()),
        (":scheme".to_owned(), b"http".to_vec()),
    ];
    join(&mut fields, &request.headers);
    if let (Some(body), HttpVersion::Http11) = (&request.body, request.http) {
        fields.push(match request.trailers.is_empty() {
            true => ("content-length".to_owned(), body.len().to_string().into_bytes()),
            false => ("transfer-encoding".to_owned(), b"chunked".to_vec()),
        });
    }
    fields.push(("x-forwarded-proto".to_owned(), b"http".to_vec()));
    if field(&fields, "x-request-id").is_none() {
        fields.push(("x-request-id".to_owned(), b"7d0c1a52-3d5f-4c8e-9a6b-0f1e2d3c4b5a".to_vec()));
    }
    fields
}

pub(super) fn head_of_answer(status: u16, headers: &[(String, Vec<u8>)]) -> Fields {
    let mut fields = vec![(":status".to_owned(), status.to_string().into_bytes())];
    join(&mut fields, headers);
    fields
}

/// Adds fields to a head as Envoy reads them.
fn join(fields: &mut Fields, more: &[(String, Vec<u8>)]) {
    for (name, value) in more {
        match fields.iter_mut().find(|(known, _)| known == name && JOINED.contains(&name.as_str())) {
            Some((_, joined)) => {
                joined.push(b',');
                joined.extend_from_slice(value);
            }
            None => fields.push((name.clone(), value.clone())),
        }
    }
}

/// A local reply with Envoy's additions.
pub(super) fn finish_reply(reply: LocalReply) -> (Fields, Vec<u8>) {
    let mut headers = head_of_answer(reply.status, &reply.headers);
    if !reply.body.is_empty() {
        headers.push(("content-length".to_owned(), reply.body.len().to_string().into_bytes()));
        if field(&headers, "content-type").is_none() {
            headers.push(("content-type".to_owned(), b"text/plain".to_vec()));
        }
    }
    (headers, reply.body)
}

pub(super) fn upstream_of(side: &Side) -> Upstream {
    let text =
        |name: &str| String::from_utf8_lossy(field(&side.headers, name).unwrap_or_default()).into_owned();
    Upstream {
        method: text(":method"),
        path: field(&side.headers, ":path").unwrap_or_default().to_vec(),
        authority: text(":authority"),
        headers: side.headers.clone(),
        ..Upstream::default()
    }
}

pub(super) fn response_of(headers: Fields) -> Response {
    let status = field(&headers, ":status").and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    Response { status: status.unwrap_or(0), headers, ..Response::default() }
}

/// A length that does not fit smuggles the rest of the body in as the next message.
pub(super) fn check_length(what: &str, headers: &Fields, body: &[u8], problems: &mut Vec<String>) {
    if let Some(length) = field(headers, "content-length")
        && length != body.len().to_string().as_bytes()
    {
        problems.push(format!("{what}: content-length {}, body {} bytes", length.escape_ascii(), body.len()));
    }
}
