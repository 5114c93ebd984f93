//! SpiceDB's HTTP API: `POST /v1/permissions/check`.
//!
//! Source: authzed/api, `authzed/api/v1/permission_service.proto` and `core.proto` (identifier rules).

use super::{CheckAnswer, HttpAnswer, HttpCall};
use crate::reason::Reason;
use base64::Engine as _;
use policy_wasm::decision::RelationCheck;
use policy_wasm::json::writer::Object;
use policy_wasm::json::{self, Limits, Str, Value};
use std::borrow::Cow;
use std::fmt;

/// How object and subject ids become SpiceDB ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identifiers {
    /// As they are; an id with another character than SpiceDB admits cannot be asked about.
    Plain,
    /// As unpadded base64url, which admits every id. The relationships must be written the same way.
    Base64Url,
}

/// Where and how SpiceDB is asked.
#[derive(Clone)]
pub struct SpiceDb {
    /// The proxy's cluster.
    pub cluster: String,
    /// `:authority` of the call.
    pub authority: String,
    /// Longest wait in milliseconds.
    pub timeout_ms: u32,
    /// The preshared key, sent as a bearer token.
    pub bearer_token: Option<String>,
    /// How ids are written.
    pub identifiers: Identifiers,
}

/// Without the preshared key.
impl fmt::Debug for SpiceDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpiceDb")
            .field("cluster", &self.cluster)
            .field("authority", &self.authority)
            .field("timeout_ms", &self.timeout_ms)
            .field("identifiers", &self.identifiers)
            .finish_non_exhaustive()
    }
}

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

fn identifier(id: &str, form: Identifiers) -> Option<Cow<'_, str>> {
    let id = match form {
        Identifiers::Plain => Cow::Borrowed(id),
        Identifiers::Base64Url => {
            Cow::Owned(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id.as_bytes()))
        }
    };
    let admitted = |byte: u8| byte.is_ascii_alphanumeric() || b"/_|-=+".contains(&byte);
    (!id.is_empty() && id.len() <= 1024 && id.bytes().all(admitted)).then_some(id)
}

/// Types and relations: `[a-z][a-z0-9_]{1,62}[a-z0-9]`, types with an optional prefix before `/`.
fn is_name(name: &str) -> bool {
    let admitted =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'/';
    !name.is_empty() && name.len() <= 128 && name.bytes().all(admitted)
}

fn reference(mut object: Object<'_>, kind: &str, id: &str) {
    object.text("objectType", kind);
    object.text("objectId", id);
    object.close();
}

/// The call that asks for one relation; `None` where SpiceDB has no form for the names.
pub fn question(settings: &SpiceDb, check: &RelationCheck) -> Option<HttpCall> {
    let object = identifier(&check.object_id, settings.identifiers)?;
    let subject = identifier(&check.subject_id, settings.identifiers)?;
    if !is_name(&check.object_type) || !is_name(&check.subject_type) || !is_name(&check.relation) {
        return None;
    }
    let mut body = String::with_capacity(256);
    let mut request = Object::open(&mut body);
    // A revocation must count at once, so SpiceDB answers from the head of its log rather than from a cache.
    let mut consistency = request.object("consistency");
    consistency.scalar("fullyConsistent", true);
    consistency.close();
    reference(request.object("resource"), &check.object_type, &object);
    request.text("permission", &check.relation);
    let mut subject_reference = request.object("subject");
    reference(subject_reference.object("object"), &check.subject_type, &subject);
    subject_reference.close();
    request.close();
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if let Some(token) = &settings.bearer_token {
        headers.push(("authorization", format!("Bearer {token}")));
    }
    Some(HttpCall {
        cluster: settings.cluster.clone(),
        authority: settings.authority.clone(),
        path: "/v1/permissions/check",
        headers,
        body: body.into_bytes(),
        timeout_ms: settings.timeout_ms,
    })
}

/// Reads an answer strictly.
pub fn read_answer(answer: HttpAnswer<'_>) -> CheckAnswer {
    let body = match answer {
        HttpAnswer::NotSent | HttpAnswer::Reset => return CheckAnswer::Refused(Reason::CheckUnreachable),
        // Envoy reports a refused or reset connection as 503, and its own timeout as 504. From the service
        // itself they would mean the same.
        HttpAnswer::Response { status: 503, .. } => return CheckAnswer::Refused(Reason::CheckUnreachable),
        HttpAnswer::Response { status: 504, .. } => return CheckAnswer::Refused(Reason::CheckTimeout),
        HttpAnswer::Response { status: 200, body } if body.len() <= MAX_ANSWER => body,
        HttpAnswer::Response { status: 200, .. } => return CheckAnswer::Refused(Reason::CheckMalformed),
        HttpAnswer::Response { .. } => return CheckAnswer::Refused(Reason::CheckFailed),
    };
    let permissionship = json::parse(body, &Limits::default())
        .ok()
        .and_then(Value::as_object)
        .filter(|answer| {
            answer.members().all(|(key, _)| key.is("permissionship") || !key.resembles("permissionship"))
        })
        .and_then(|answer| answer.get("permissionship"))
        .and_then(Value::as_str)
        .map(Str::decode);
    match permissionship.as_deref() {
        Some("PERMISSIONSHIP_HAS_PERMISSION") => CheckAnswer::Allowed,
        Some("PERMISSIONSHIP_NO_PERMISSION") => CheckAnswer::Refused(Reason::CheckDenied),
        Some("PERMISSIONSHIP_CONDITIONAL_PERMISSION") => CheckAnswer::Refused(Reason::CheckConditional),
        _ => CheckAnswer::Refused(Reason::CheckMalformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(identifiers: Identifiers) -> SpiceDb {
        SpiceDb {
            cluster: "spicedb".into(),
            authority: "spicedb".into(),
            timeout_ms: 250,
            bearer_token: None,
            identifiers,
        }
    }

    fn check(object_id: &str) -> RelationCheck {
        RelationCheck {
            relation: "writer".into(),
            object_type: "repository".into(),
            object_id: object_id.into(),
            subject_type: "user".into(),
            subject_id: "u-1".into(),
        }
    }

    #[test]
    fn a_question_is_valid_json_with_the_ids_in_their_places() {
        let call = question(&settings(Identifiers::Plain), &check("acme/web")).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body["resource"]["objectId"], "acme/web");
        assert_eq!(body["permission"], "writer");
        assert_eq!(body["subject"]["object"]["objectId"], "u-1");
    }

    #[test]
    fn an_id_that_spicedb_does_not_admit_is_not_asked_about() {
        for id in ["", "a.b", "a\"b", "*", "é", "a b", "a:b", "a#b"] {
            assert!(question(&settings(Identifiers::Plain), &check(id)).is_none(), "{id}");
        }
        let call = question(&settings(Identifiers::Base64Url), &check("a.b")).unwrap();
        assert!(String::from_utf8(call.body).unwrap().contains("\"YS5i\""));
    }

    #[test]
    fn only_an_explicit_yes_is_a_yes() {
        let says = |status, body: &str| read_answer(HttpAnswer::Response { status, body: body.as_bytes() });
        assert_eq!(says(200, r#"{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#), CheckAnswer::Allowed);
        for (status, body, reason) in [
            (200, r#"{"permissionship":"PERMISSIONSHIP_NO_PERMISSION"}"#, Reason::CheckDenied),
            (200, r#"{"permissionship":"PERMISSIONSHIP_CONDITIONAL_PERMISSION"}"#, Reason::CheckConditional),
            (200, r#"{"permissionship":"PERMISSIONSHIP_UNSPECIFIED"}"#, Reason::CheckMalformed),
            (200, r#"{"permissionship":true}"#, Reason::CheckMalformed),
            (200, r#"{"Permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#, Reason::CheckMalformed),
            (
                200,
                r#"{"permissionship":"PERMISSIONSHIP_NO_PERMISSION","permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#,
                Reason::CheckMalformed,
            ),
            (200, "{}", Reason::CheckMalformed),
            (200, "", Reason::CheckMalformed),
            (204, r#"{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#, Reason::CheckFailed),
            (403, r#"{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#, Reason::CheckFailed),
            (500, "", Reason::CheckFailed),
            (0, "", Reason::CheckFailed),
            (503, "upstream connect error", Reason::CheckUnreachable),
            (504, "upstream request timeout", Reason::CheckTimeout),
        ] {
            assert_eq!(says(status, body), CheckAnswer::Refused(reason), "{status} {body}");
        }
        assert_eq!(read_answer(HttpAnswer::Reset), CheckAnswer::Refused(Reason::CheckUnreachable));
        assert_eq!(read_answer(HttpAnswer::NotSent), CheckAnswer::Refused(Reason::CheckUnreachable));
    }
}
