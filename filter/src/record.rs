//! The decision record: one line of JSON for every decision, in the proxy's log and in the stream's filter state.
//!
//! Field names follow OPA's decision log where it has them. Tokens, keys and argument values are not among the fields;
//! what a client chose freely (paths, tool names) is bounded and escaped.

use crate::reason::Reason;
use crate::token::VerifiedDelegation;
use policy_wasm::decision::Decision;
use policy_wasm::json::writer::Object;
use policy_wasm::model::ActorKind;

/// One decision, as it is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The JSON line.
    pub json: String,
    /// `permit` or `deny`: the metric's `result` label.
    pub result: &'static str,
    /// Reason code, `allowed` for a permit: the metric's `reason` label.
    pub reason: &'static str,
}

/// One check at the authorization cluster, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckTrace {
    /// The relation.
    pub relation: String,
    /// The object's type. Its id comes from arguments and stays out of the log.
    pub object_type: String,
    /// `yes` or the reason code.
    pub result: &'static str,
}

/// The definition that a server last showed for a tool whose definition the policy pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDefinition {
    /// SHA-256; zeros where it has none, since it could be read in two ways.
    pub digest: [u8; 32],
    /// The version's name in the policy, where the policy has the version.
    pub version: Option<String>,
}

/// The known facts of an exchange when its decision is recorded.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// Unique, made by the host.
    pub decision_id: &'a str,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// `x-request-id`, for correlation; the client may have chosen it.
    pub request_id: Option<&'a str>,
    /// HTTP method.
    pub http_method: &'a str,
    /// Path without the query, as it came.
    pub path: &'a str,
    /// The server's id in the policy.
    pub server: Option<&'a str>,
    /// The verified token.
    pub delegation: Option<&'a VerifiedDelegation>,
    /// MCP method.
    pub method: Option<&'a str>,
    /// The object: `tool`, `prompt`, `resource` or `task`, and its name as the client wrote it.
    pub object: Option<(&'static str, &'a str)>,
    /// The PDP's decision.
    pub decision: Option<&'a Decision>,
    /// Those arguments that the policy lets a record show: a JSON object.
    pub arguments: Option<&'a str>,
    /// Questions asked so far.
    pub checks: &'a [CheckTrace],
    /// The bundle's revision.
    pub bundle_revision: Option<&'a str>,
    /// The definition that the server last showed for the tool.
    pub definition: Option<&'a SeenDefinition>,
    /// The decision is about something that the server sent, not about the request.
    pub from_server: bool,
    /// Not 0: the record counts so many further decisions of one kind on the same response. The first of the
    /// kind has its own record.
    pub repeated: u64,
}

/// Longest freely chosen text in a record, in bytes.
const MAX_TEXT: usize = 256;

fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// Writes texts that are bounded.
trait Bounded {
    fn bounded(&mut self, key: &'static str, value: &str);
    /// Writes nothing for `None`.
    fn optional(&mut self, key: &'static str, value: Option<&str>);
}

impl Bounded for Object<'_> {
    fn bounded(&mut self, key: &'static str, value: &str) {
        self.text(key, bounded(value));
    }

    fn optional(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.bounded(key, value);
        }
    }
}

/// The record of one decision; `denied` is empty for a permit.
pub fn record(facts: &Facts<'_>, denied: Option<Reason>) -> DecisionRecord {
    let result = if denied.is_some() { "deny" } else { "permit" };
    let reason = denied.map_or("allowed", Reason::code);
    let mut json = String::with_capacity(768);
    let mut fields = Object::open(&mut json);
    fields.bounded("decision_id", facts.decision_id);
    fields.bounded("time", &rfc3339(facts.time_ms));
    fields.bounded("result", result);
    fields.bounded("reason", reason);
    if let Some(decision) = facts.decision.filter(|decision| !decision.reasons.is_empty()) {
        fields.texts("reasons", decision.reasons.iter().map(|reason| reason.code()));
    }
    if let Some(decision) = facts.decision.filter(|decision| !decision.monitored.is_empty()) {
        fields.texts("monitored", decision.monitored.iter().map(|reason| reason.code()));
    }
    if let Some(delegation) = facts.delegation {
        let mut subject = fields.object("subject");
        subject.bounded("issuer", &delegation.issuer);
        subject.bounded("id", &delegation.subject);
        subject.optional("tenant", delegation.tenant.as_deref());
        subject.close();
        fields.list("actors", &delegation.actors, |out, actor| {
            let mut fields = Object::open(out);
            fields.bounded(
                "kind",
                match actor.kind {
                    ActorKind::Subject => "subject",
                    ActorKind::Client => "client",
                },
            );
            fields.bounded("issuer", &actor.issuer);
            fields.bounded("id", &actor.id);
            fields.close();
        });
        fields.optional("client_id", delegation.client_id.as_deref());
        fields.optional("token_id", delegation.token_id.as_deref());
        fields.optional("consent_id", delegation.consent.as_ref().map(|consent| consent.id.as_str()));
    }
    if facts.from_server {
        fields.bounded("direction", "server_to_client");
    }
    if facts.repeated > 0 {
        digits(fields.key("repeated"), facts.repeated, 1);
    }
    fields.optional("server", facts.server);
    fields.optional("method", facts.method);
    if let Some((kind, name)) = facts.object {
        fields.bounded(kind, name);
    }
    if let Some(definition) = facts.definition {
        let mut seen = fields.object("definition");
        let out = seen.key("digest");
        out.push_str("\"sha256:");
        for nibble in definition.digest.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            out.extend(char::from_digit(nibble.into(), 16));
        }
        out.push('"');
        seen.optional("version", definition.version.as_deref());
        seen.close();
    }
    if let Some(arguments) = facts.arguments {
        fields.raw("arguments", arguments);
    }
    if let Some(decision) = facts.decision {
        fields.optional("tier", decision.tier.as_deref());
        fields.optional("ceiling", decision.ceiling.as_deref());
    }
    if !facts.checks.is_empty() {
        fields.list("checks", facts.checks, |out, check| {
            let mut fields = Object::open(out);
            fields.bounded("relation", &check.relation);
            fields.bounded("object_type", &check.object_type);
            fields.bounded("result", check.result);
            fields.close();
        });
    }
    fields.optional("bundle_revision", facts.bundle_revision);
    fields.optional("request_id", facts.request_id);
    let mut http = fields.object("http");
    http.bounded("method", facts.http_method);
    http.bounded("path", facts.path);
    http.close();
    fields.close();
    DecisionRecord { json, result, reason }
}

/// RFC 3339 in UTC with milliseconds. The calendar is the proleptic Gregorian one.
pub fn rfc3339(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut day) = (1970u64, days);
    let leap = |year: u64| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    // Whole 400-year cycles first, so that the loop is short for any input.
    year = year.saturating_add((day / 146_097).saturating_mul(400));
    day %= 146_097;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if day < length {
            break;
        }
        day = day.saturating_sub(length);
        year = year.saturating_add(1);
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1u32;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day = day.saturating_sub(length);
        month = month.saturating_add(1);
    }
    let mut out = String::with_capacity(24);
    digits(&mut out, year, 4);
    for (mark, value, width) in [
        ('-', u64::from(month), 2),
        ('-', day.saturating_add(1), 2),
        ('T', of_day / 3600, 2),
        (':', of_day % 3600 / 60, 2),
        (':', of_day % 60, 2),
        ('.', ms % 1000, 3),
    ] {
        out.push(mark);
        digits(&mut out, value, width);
    }
    out.push('Z');
    out
}

/// Appends a number with at least `width` digits; every record has a time, so this does without formatting machinery.
fn digits(out: &mut String, value: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let (mut rest, mut written) = (value, 0usize);
    for slot in buffer.iter_mut().rev() {
        if rest == 0 && written >= width {
            break;
        }
        *slot = b'0'.wrapping_add((rest % 10) as u8);
        rest /= 10;
        written = written.saturating_add(1);
    }
    let text = buffer.get(buffer.len().saturating_sub(written)..);
    out.extend(text.unwrap_or_default().iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_795_213_260_007), "2026-11-20T22:21:00.007Z");
        assert_eq!(rfc3339(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
        let _ = rfc3339(u64::MAX);
    }

    #[test]
    fn what_a_client_chose_is_escaped_and_bounded() {
        let path = format!("/\"\n{}", "é".repeat(400));
        let facts = Facts { decision_id: "d", path: &path, http_method: "POST", ..Facts::default() };
        let record = record(&facts, Some(Reason::ServerUnknown));
        let read: serde_json::Value = serde_json::from_str(&record.json).unwrap();
        assert!(read["http"]["path"].as_str().unwrap().len() <= MAX_TEXT);
        assert!(!record.json.contains('\n'));
        assert_eq!((record.result, record.reason), ("deny", "server_unknown"));
    }
}
