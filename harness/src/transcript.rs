//! The visible outcome of a scenario, compared with its expectation and between targets.

use crate::scenario::{
    Exchange, ExpectedDecision, ExpectedUpstream, Fields, Question, Request, Scenario, denies_response,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The observations of a scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// One for each exchange, in order.
    pub exchanges: Vec<ObservedExchange>,
}

/// The observations of one exchange.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObservedExchange {
    /// The request as it was sent. Not compared: each target has its own time, and so its own tokens.
    pub request: Option<Request>,
    /// The response; `None` if none came (the connection closed, or the target's timeout passed).
    pub response: Option<Response>,
    /// The request that reached the upstream, complete or not; `None`: not even a request line.
    pub upstream: Option<Upstream>,
    /// The questions that reached the authorization cluster, in order.
    pub checks: Vec<Question>,
    /// The decision records, in order, as they were logged.
    pub records: Vec<Value>,
    /// Changes of `toolward_decisions_total`, by (`result`, `reason`).
    pub decisions: BTreeMap<(String, String), u64>,
    /// Faults that no expectation allows: traps, a body that differs from its `content-length`, two answers.
    pub problems: Vec<String>,
    /// Fuel spent in each callback of the filter, if the target meters it. Not compared.
    pub fuel: Vec<(&'static str, u64)>,
}

/// A response as the client got it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header fields, [normalised](normalise_fields).
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
    /// Trailers, normalised.
    pub trailers: Fields,
    /// Whether it came to its end (not reset in the middle).
    pub complete: bool,
}

/// A request as the MCP server got it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upstream {
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: Vec<u8>,
    /// `Host` or `:authority`.
    pub authority: String,
    /// Header fields, [normalised](normalise_fields).
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
    /// Trailers, normalised.
    pub trailers: Fields,
    /// Whether it came to its end.
    pub complete: bool,
}

/// Header fields that proxies and connections add or change by themselves; transcripts leave them out.
const HOP_BY_HOP: [&str; 14] = [
    "connection",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "proxy-connection",
    "server",
    "te",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// Removes pseudo-headers and the additions of proxies (`HOP_BY_HOP`, `x-envoy-*`), and sorts by name. The values of one
/// name keep their order.
pub fn normalise_fields(fields: Fields) -> Fields {
    let mut fields: Fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| {
            !name.starts_with(':') && !name.starts_with("x-envoy-") && !HOP_BY_HOP.contains(&name.as_str())
        })
        .collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    fields
}

/// Replaces the parts of a decision record that differ between runs: ids and times.
fn normalise_record(mut record: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(object) => {
                for (name, value) in object.iter_mut() {
                    match name.as_str() {
                        "decision_id" | "request_id" => *value = "<id>".into(),
                        "time" | "timestamp" => *value = "<time>".into(),
                        _ => walk(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut record);
    record
}

/// Each target makes its own decision ids, and reports them to the client.
fn without_ids(seen: &ObservedExchange, text: String) -> String {
    let ids = seen.records.iter().filter_map(|record| record.get("decision_id")?.as_str());
    ids.fold(text, |text, id| text.replace(id, "<id>"))
}

/// The denial that a ping carries in the place of a request (HTTP with SSE), as text; `None` if the body is not
/// exactly such a ping.
fn carried(body: &[u8]) -> Option<String> {
    let id = body.strip_prefix(br#"{"jsonrpc":"2.0","id":"toolward-denied."#)?;
    let id = std::str::from_utf8(id.strip_suffix(br#"","method":"ping"}"#)?).ok()?;
    // Its seal follows, where there are keys.
    let denial = id.split_once('.').map_or(id, |(denial, _)| denial);
    String::from_utf8(URL_SAFE_NO_PAD.decode(denial).ok()?).ok()
}

/// Every difference between the transcript and the scenario's expectation; empty if it passes.
pub fn differences(scenario: &Scenario, transcript: &Transcript) -> Vec<String> {
    let mut report = Vec::new();
    if transcript.exchanges.len() != scenario.exchanges.len() {
        report.push(format!(
            "{} exchanges were run, the scenario has {}",
            transcript.exchanges.len(),
            scenario.exchanges.len()
        ));
    }
    for (index, (exchange, seen)) in scenario.exchanges.iter().zip(&transcript.exchanges).enumerate() {
        let mut lines = Vec::new();
        compare_exchange(exchange, seen, &mut lines);
        let several = scenario.exchanges.len() > 1;
        report.extend(
            lines.into_iter().map(|line| if several { format!("exchange {index}: {line}") } else { line }),
        );
    }
    report
}

fn compare_exchange(exchange: &Exchange, seen: &ObservedExchange, report: &mut Vec<String>) {
    let expect = &exchange.expect;
    report.extend(seen.problems.iter().map(|problem| format!("problem: {problem}")));
    compare_records(exchange, seen, report);

    match &seen.response {
        None => report.push("response: none came".to_owned()),
        Some(response) => compare_response(exchange, seen, response, report),
    }

    match (&seen.upstream, expect.upstream) {
        (None, ExpectedUpstream::Nothing) => {}
        (Some(upstream), ExpectedUpstream::Nothing) => report.push(format!(
            "upstream: expected nothing, it saw `{} {}` and {} bytes of body",
            upstream.method,
            show(&upstream.path),
            upstream.body.len()
        )),
        (None, ExpectedUpstream::Same) => {
            report.push("upstream: expected the request, it saw nothing".to_owned())
        }
        (Some(upstream), ExpectedUpstream::Same) => compare_upstream(exchange, seen, upstream, report),
    }
    if let Some(upstream) = &seen.upstream {
        compare_fields("upstream_headers", &expect.upstream_headers, &upstream.headers, report);
        for name in &expect.upstream_absent_headers {
            for value in values(&upstream.headers, name) {
                report.push(format!("upstream_absent_headers: `{name}: {}` reached it", show(value)));
            }
        }
    }

    let expected: Vec<&Question> = exchange.checks.iter().map(|check| &check.question).collect();
    let asked: Vec<&Question> = seen.checks.iter().collect();
    if expected != asked {
        let list = |questions: &[&Question]| {
            questions.iter().map(|question| format!("`{question}`")).collect::<Vec<_>>().join(", ")
        };
        report.push(format!("checks: expected [{}], asked [{}]", list(&expected), list(&asked)));
    }
}

fn compare_records(exchange: &Exchange, seen: &ObservedExchange, report: &mut Vec<String>) {
    let expect = &exchange.expect;
    let reason = expect.reason.as_deref().unwrap_or_default();
    let mut counted = BTreeMap::new();
    if expect.decision == ExpectedDecision::None {
        if !seen.records.is_empty() {
            report.push(format!("decision: expected none, recorded {}", Value::from(seen.records.clone())));
        }
    } else {
        let last = (expect.decision.as_str().to_owned(), reason.to_owned());
        let permit = ("permit".to_owned(), "allowed".to_owned());
        // A response that is refused comes after the permit of its request.
        let mut expected = if denies_response(reason) { vec![permit, last] } else { vec![last] };
        let labels = |record: &Map<String, Value>| {
            let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
            (text("result"), text("reason"))
        };
        if !expect.records.is_empty() {
            expected = expect.records.iter().map(labels).collect();
        }
        expected.extend(expect.from_server.iter().cloned());
        let text =
            |record: &Value, field: &str| record.get(field).and_then(Value::as_str).unwrap_or("").to_owned();
        let found: Vec<_> =
            seen.records.iter().map(|record| (text(record, "result"), text(record, "reason"))).collect();
        if expected != found {
            let list = |all: &[(String, String)]| {
                all.iter().map(|(result, reason)| format!("{result} {reason}")).collect::<Vec<_>>().join(", ")
            };
            report.push(format!(
                "decision records: expected [{}], found [{}]",
                list(&expected),
                list(&found)
            ));
        }
        let of_last = seen.records.last().map(|found| ("record".to_owned(), &expect.record, found));
        let each = expect.records.iter().zip(&seen.records).enumerate();
        let of_each = each.map(|(index, (expected, found))| (format!("records.{index}"), expected, found));
        for (what, expected, found) in of_last.into_iter().chain(of_each) {
            for (path, expected) in expected {
                let found = found.pointer(&format!("/{}", path.replace('.', "/")));
                compare_json(&format!("{what}.{path}"), expected, found, report);
            }
        }
        for labels in expected {
            let count: &mut u64 = counted.entry(labels).or_default();
            *count = count.saturating_add(1);
        }
    }
    if counted != seen.decisions {
        report.push(format!(
            "toolward_decisions_total: expected {}, counted {}",
            counts(&counted),
            counts(&seen.decisions)
        ));
    }
}

fn compare_response(
    exchange: &Exchange,
    seen: &ObservedExchange,
    response: &Response,
    report: &mut Vec<String>,
) {
    let expect = &exchange.expect;
    // A permit that says nothing else answers with the server's own status.
    let status = expect.status.or_else(|| {
        let request = seen.request.as_ref()?;
        (expect.decision == ExpectedDecision::Permit).then(|| exchange.answer_to(request).status)
    });
    if status.is_some_and(|status| status != response.status) {
        report.push(format!(
            "status: expected {}, found {} with body `{}`",
            status.unwrap_or_default(),
            response.status,
            show(&response.body)
        ));
    }
    match (response.complete, expect.cut) {
        (false, false) => report.push("response: cut off before its end".to_owned()),
        (true, true) => report.push("response: expected to be cut off, it came to its end".to_owned()),
        _ => {}
    }
    compare_fields("headers", &expect.headers, &response.headers, report);
    for name in &expect.absent_headers {
        for value in values(&response.headers, name) {
            report.push(format!("absent_headers: `{name}: {}` is there", show(value)));
        }
    }
    if let Some(expected) = &expect.body {
        match serde_json::from_slice::<Value>(&response.body) {
            Ok(found) => compare_json("body", expected, Some(&found), report),
            Err(_) => report.push(format!("body: expected JSON, found `{}`", show(&response.body))),
        }
    }
    if let Some(expected) = &expect.body_text
        && expected.as_bytes() != response.body
    {
        report.push(format!(
            "body: expected `{}`, found `{}`",
            show(expected.as_bytes()),
            show(&response.body)
        ));
    }
    for text in &expect.body_includes {
        if !response.body.windows(text.len().max(1)).any(|window| window == text.as_bytes()) {
            report.push(format!("body_includes: `{text}` is not in `{}`", show(&response.body)));
        }
    }
}

fn compare_upstream(
    exchange: &Exchange,
    seen: &ObservedExchange,
    upstream: &Upstream,
    report: &mut Vec<String>,
) {
    let Some(request) = &seen.request else { return };
    let path = exchange.expect.upstream_path.as_deref().map_or(request.path.as_slice(), str::as_bytes);
    let body = exchange.expect.upstream_body.as_deref().map(str::as_bytes);
    let mut sent = body.or(request.body.as_deref()).unwrap_or_default();
    if let Some(expected) = &exchange.expect.upstream_denial {
        let found = carried(&upstream.body).map(|text| without_ids(seen, text));
        let found = found.and_then(|text| serde_json::from_str(&text).ok());
        compare_json("upstream_denial", expected, found.as_ref(), report);
        sent = &upstream.body;
    }
    for (what, sent, got) in [
        ("method", request.method.as_bytes(), upstream.method.as_bytes()),
        ("path", path, upstream.path.as_slice()),
        ("authority", request.authority.as_bytes(), upstream.authority.as_bytes()),
        ("body", sent, upstream.body.as_slice()),
    ] {
        if sent != got {
            report.push(format!("upstream: {what}: sent `{}`, it saw `{}`", show(sent), show(got)));
        }
    }
    if !upstream.complete {
        report.push("upstream: the request was cut off before its end".to_owned());
    }
}

fn compare_fields(what: &str, expected: &Fields, found: &Fields, report: &mut Vec<String>) {
    let mut names: Vec<&String> = expected.iter().map(|(name, _)| name).collect();
    names.dedup();
    for name in names {
        let wanted = values(expected, name);
        let there = values(found, name);
        if wanted != there {
            let list = |values: &[&[u8]]| {
                values.iter().map(|value| format!("`{}`", show(value))).collect::<Vec<_>>().join(", ")
            };
            report.push(format!("{what}: `{name}`: expected {}, found [{}]", list(&wanted), list(&there)));
        }
    }
}

fn values<'a>(fields: &'a Fields, name: &str) -> Vec<&'a [u8]> {
    fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_slice()).collect()
}

fn compare_json(what: &str, expected: &Value, found: Option<&Value>, report: &mut Vec<String>) {
    match found {
        Some(found) if found == expected => {}
        Some(found) => report.push(format!("{what}: expected {expected}, found {found}")),
        None => report.push(format!("{what}: expected {expected}, it is not there")),
    }
}

fn counts(counts: &BTreeMap<(String, String), u64>) -> String {
    let mut out = String::from("{");
    for ((result, reason), count) in counts {
        let comma = if out.len() > 1 { ", " } else { "" };
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{comma}{result}/{reason}: {count}");
    }
    out.push('}');
    out
}

/// Every difference between two transcripts of one scenario.
pub fn compare(left: (&str, &Transcript), right: (&str, &Transcript)) -> Vec<String> {
    let mut report = Vec::new();
    let ((left_name, left), (right_name, right)) = (left, right);
    for (index, (a, b)) in left.exchanges.iter().zip(&right.exchanges).enumerate() {
        let mut line = |what: &str, a: String, b: String| {
            if a != b {
                report.push(format!("exchange {index}: {what}: {left_name} has {a}, {right_name} has {b}"));
            }
        };
        let response = |seen: &ObservedExchange| without_ids(seen, show_response(seen.response.as_ref()));
        line("response", response(a), response(b));
        let upstream = |seen: &ObservedExchange| without_ids(seen, show_upstream(seen));
        line("upstream", upstream(a), upstream(b));
        line("checks", format!("{:?}", a.checks), format!("{:?}", b.checks));
        let records = |seen: &ObservedExchange| {
            let records = seen.records.iter().cloned().map(normalise_record);
            records.map(|record| record.to_string()).collect::<String>()
        };
        line("records", records(a), records(b));
        line("decisions", counts(&a.decisions), counts(&b.decisions));
        line("problems", format!("{:?}", a.problems), format!("{:?}", b.problems));
    }
    if left.exchanges.len() != right.exchanges.len() {
        report.push("not the same number of exchanges".to_owned());
    }
    report
}

fn show_response(response: Option<&Response>) -> String {
    response.map_or_else(
        || "none".to_owned(),
        |response| {
            format!(
                "{} [{}] `{}` [{}]{}",
                response.status,
                show_fields(&response.headers),
                show(&response.body),
                show_fields(&response.trailers),
                if response.complete { "" } else { " cut off" }
            )
        },
    )
}

fn show_upstream(seen: &ObservedExchange) -> String {
    let Some(upstream) = &seen.upstream else { return "nothing".to_owned() };
    // Tokens differ from target to target, since each has its own time: only whether the client's own arrived counts.
    let own =
        seen.request.as_ref().map(|request| values(&request.headers, "authorization")).unwrap_or_default();
    let headers: Fields = upstream
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "authorization" if own.contains(&value.as_slice()) => (name.clone(), b"<the client's>".to_vec()),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    format!(
        "{} {} {} [{}] `{}` [{}]{}",
        upstream.method,
        upstream.authority,
        show(&upstream.path),
        show_fields(&headers),
        carried(&upstream.body).unwrap_or_else(|| show(&upstream.body)),
        show_fields(&upstream.trailers),
        if upstream.complete { "" } else { " cut off" }
    )
}

fn show_fields(fields: &Fields) -> String {
    fields.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect::<Vec<_>>().join("; ")
}

/// Bytes for a report: escaped if they are not text, shortened if they are many.
fn show(bytes: &[u8]) -> String {
    const SHOWN: usize = 600;
    let text: String = bytes.get(..SHOWN.min(bytes.len())).unwrap_or_default().escape_ascii().to_string();
    let text = text.replace("\\\"", "\"");
    if bytes.len() > SHOWN { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}
