//! The scenario files as written: strict serde without interpretation. `tests/README.md` describes the format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `scenarios/base.json`: the defaults of every scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBase {
    /// The plugin configuration, with the placeholder `"$bundle"`.
    pub config: Map<String, Value>,
    /// The default token.
    pub token: RawToken,
}

/// A scenario file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub about: String,
    pub policy: String,
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Filled in before the file is read as this: see [`super::sealed`].
    #[serde(default, rename = "sealed")]
    pub _sealed: BTreeMap<String, RawSealed>,
    pub cases: Vec<RawCase>,
}

/// A sealed id: its content, its owner and its end. The owner is the caller of the default token, unless `issuer`,
/// `subject`, `actor` or `resource` say otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSealed {
    pub session: Option<String>,
    pub task: Option<String>,
    pub endpoint: Option<String>,
    pub issuer: Option<String>,
    pub tenant: Option<String>,
    pub subject: Option<String>,
    /// In `act`.
    pub actor: Option<String>,
    /// In `client_id`.
    pub client: Option<String>,
    pub resource: Option<String>,
    /// Unix seconds.
    pub begins: Option<u64>,
    /// Unix seconds; never unless it is given.
    pub ends: Option<u64>,
    /// 32 bytes in base64; the first of the file's `sessions.keys` unless it is given.
    pub key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCase {
    pub name: String,
    #[serde(default)]
    pub hostile: bool,
    /// The source of the idea, for readers of the file.
    pub source: Option<String>,
    pub now: Option<u64>,
    #[serde(default)]
    pub config: Map<String, Value>,
    pub targets: Option<Vec<TargetName>>,
    pub targets_reason: Option<String>,
    pub exchanges: Vec<RawExchange>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExchange {
    #[serde(default)]
    pub after_seconds: u64,
    #[serde(default)]
    pub request: RawRequest,
    #[serde(default)]
    pub checks: Vec<RawCheck>,
    pub upstream: Option<RawAnswer>,
    pub expect: RawExpect,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRequest {
    pub method: Option<String>,
    pub path: Option<Text>,
    pub authority: Option<String>,
    pub http: Option<HttpVersion>,
    pub headers: Option<HeaderList>,
    #[serde(default)]
    pub add_headers: HeaderList,
    #[serde(default)]
    pub drop_headers: Vec<String>,
    #[serde(default)]
    pub token: TokenChoice,
    pub body: Option<Box<RawValue>>,
    pub body_text: Option<Exact>,
    pub body_base64: Option<String>,
    pub body_repeat: Option<BodyRepeat>,
    #[serde(default)]
    pub modern: bool,
    #[serde(default)]
    pub chunks: Vec<usize>,
    #[serde(default)]
    pub trailers: HeaderList,
}

/// The HTTP version of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    Http11,
    /// HTTP/2.
    #[serde(rename = "2")]
    Http2,
}

/// A target of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetName {
    /// The core of the filter, called directly.
    Native,
    /// `toolward.wasm` in the wasmtime host.
    Wasm,
    /// `toolward.wasm` in Envoy.
    Envoy,
}

impl TargetName {
    /// All of them.
    pub const ALL: [TargetName; 3] = [TargetName::Native, TargetName::Wasm, TargetName::Envoy];

    /// The name as it is written in files and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            TargetName::Native => "native",
            TargetName::Wasm => "wasm",
            TargetName::Envoy => "envoy",
        }
    }
}

impl std::fmt::Display for TargetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `token`: left out, `null`, or changes over the default token.
#[derive(Debug, Default)]
pub(super) enum TokenChoice {
    #[default]
    Default,
    None,
    Changed(Box<RawToken>),
}

impl<'de> Deserialize<'de> for TokenChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<RawToken>::deserialize(deserializer)? {
            None => TokenChoice::None,
            Some(token) => TokenChoice::Changed(Box::new(token)),
        })
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawToken {
    pub key: Option<String>,
    #[serde(default)]
    pub header: Map<String, Value>,
    #[serde(default)]
    pub claims: Map<String, Value>,
    #[serde(default)]
    pub remove: Vec<String>,
    pub tamper: Option<Tamper>,
    pub raw: Option<String>,
}

/// Which part of a signed token is changed after signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tamper {
    /// A claim is changed, the signature kept.
    Payload,
    /// One bit of the signature is turned over.
    Signature,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyRepeat {
    #[serde(default)]
    pub prefix: String,
    pub unit: String,
    pub times: usize,
    /// Repeated as often as the unit, after all units: it closes what they open.
    #[serde(default)]
    pub close: String,
    #[serde(default)]
    pub suffix: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCheck {
    pub expect: RawQuestion,
    pub answer: RawCheckAnswer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawQuestion {
    pub object: String,
    pub relation: String,
    pub subject: String,
}

/// Either a word or an HTTP answer.
#[derive(Debug)]
pub(super) enum RawCheckAnswer {
    Yes,
    No,
    Conditional,
    Timeout,
    Reset,
    Http(Box<RawAnswer>),
}

impl<'de> Deserialize<'de> for RawCheckAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RawCheckAnswer;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`yes`, `no`, `conditional`, `timeout`, `reset` or an object with `status`")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<RawCheckAnswer, E> {
                Ok(match word {
                    "yes" => RawCheckAnswer::Yes,
                    "no" => RawCheckAnswer::No,
                    "conditional" => RawCheckAnswer::Conditional,
                    "timeout" => RawCheckAnswer::Timeout,
                    "reset" => RawCheckAnswer::Reset,
                    _ => return Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RawCheckAnswer, A::Error> {
                RawAnswer::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|answer| RawCheckAnswer::Http(Box::new(answer)))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The response of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAnswer {
    pub status: Option<u16>,
    pub headers: Option<HeaderList>,
    pub body: Option<Value>,
    pub body_text: Option<Exact>,
    pub body_base64: Option<String>,
    pub body_repeat: Option<BodyRepeat>,
    #[serde(default)]
    pub chunks: Vec<usize>,
    #[serde(default)]
    pub pauses_ms: Vec<u64>,
    #[serde(default)]
    pub trailers: HeaderList,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpect {
    pub decision: ExpectedDecision,
    pub reason: Option<String>,
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: HeaderList,
    #[serde(default)]
    pub absent_headers: Vec<String>,
    #[serde(default)]
    pub cut: bool,
    #[serde(default)]
    pub from_server: Vec<(String, String)>,
    pub body: Option<Value>,
    pub body_text: Option<Exact>,
    #[serde(default)]
    pub body_includes: Vec<String>,
    pub upstream: Option<ExpectedUpstream>,
    pub upstream_path: Option<String>,
    pub upstream_body: Option<Exact>,
    pub upstream_denial: Option<Value>,
    #[serde(default)]
    pub upstream_headers: HeaderList,
    #[serde(default)]
    pub upstream_absent_headers: Vec<String>,
    #[serde(default)]
    pub record: Map<String, Value>,
    #[serde(default)]
    pub records: Vec<Map<String, Value>>,
}

/// The decision that a case expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedDecision {
    /// One record that says `permit`.
    Permit,
    /// One record that says `deny`.
    Deny,
    /// No record: metadata and preflights.
    None,
}

impl ExpectedDecision {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            ExpectedDecision::Permit => "permit",
            ExpectedDecision::Deny => "deny",
            ExpectedDecision::None => "none",
        }
    }
}

/// The expected view of the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedUpstream {
    /// Not even a request line.
    Nothing,
    /// Method, path, authority and the very bytes of the body.
    Same,
}

/// The bytes of a body: a text, or JSON that is sent exactly as written, with its spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exact(pub String);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'{' | b'[') => Ok(Exact(raw.get().to_owned())),
            _ => serde_json::from_str(raw.get()).map(Exact).map_err(de::Error::custom),
        }
    }
}

/// Text, or bytes that are not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn text(value: &Value) -> Result<Text, String> {
    if let Value::String(text) = value {
        return Ok(Text(text.clone().into_bytes()));
    }
    if let Value::Object(object) = value
        && object.len() == 1
        && let Some(Value::String(encoded)) = object.get("base64")
    {
        return STANDARD.decode(encoded).map(Text).map_err(|error| format!("bad base64: {error}"));
    }
    Err(format!("expected text or {{\"base64\": \"…\"}}, found `{value}`"))
}

/// Header fields in order. Written as an object (a list as value repeats the field) or as a list of pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HeaderList(pub Vec<(String, Vec<u8>)>);

impl<'de> Deserialize<'de> for HeaderList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        header_list(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn header_list(value: &Value) -> Result<HeaderList, String> {
    let mut list = Vec::new();
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::Array(values) => {
                        for value in values {
                            list.push((lower_case(name)?, text(value)?.0));
                        }
                    }
                    value => list.push((lower_case(name)?, text(value)?.0)),
                }
            }
        }
        Value::Array(pairs) => {
            for pair in pairs {
                match pair.as_array().map(Vec::as_slice) {
                    Some([Value::String(name), value]) => list.push((lower_case(name)?, text(value)?.0)),
                    _ => return Err(format!("expected a pair of name and value, found `{pair}`")),
                }
            }
        }
        other => {
            return Err(format!("expected header fields as an object or a list of pairs, found `{other}`"));
        }
    }
    Ok(HeaderList(list))
}

fn lower_case(name: &str) -> Result<String, String> {
    if name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("header name `{name}`: write it in lower case, as HTTP/2 and Envoy do"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;
    use std::collections::BTreeSet;

    /// The fields of a type, as its own refusal of an unknown one lists them.
    fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
        let Err(error) = serde_json::from_str::<T>(r#"{"?": 0}"#) else { panic!("an unknown field passes") };
        let message = error.to_string();
        let (_, list) = message.split_once("expected ").unwrap();
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_has_the_fields_of_the_loader() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../tests/scenarios.schema.json")).unwrap();
        for (name, expected) in [
            ("file", fields::<RawFile>()),
            ("case", fields::<RawCase>()),
            ("sealed", fields::<RawSealed>()),
            ("exchange", fields::<RawExchange>()),
            ("request", fields::<RawRequest>()),
            ("token", fields::<RawToken>()),
            ("repeat", fields::<BodyRepeat>()),
            ("check", fields::<RawCheck>()),
            ("question", fields::<RawQuestion>()),
            ("answer", fields::<RawAnswer>()),
            ("expect", fields::<RawExpect>()),
        ] {
            let found = schema["$defs"][name]["properties"].as_object().unwrap();
            assert!(expected.len() > 1, "{name}: {expected:?}");
            assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), expected, "{name}");
            assert_eq!(schema["$defs"][name]["additionalProperties"], false, "{name}");
        }
    }

    #[test]
    fn exact_bodies_are_texts_or_json_as_it_is_written() {
        let read = |json: &str| serde_json::from_str::<Exact>(json).map(|exact| exact.0);
        assert_eq!(read(r#""a\nb""#).unwrap(), "a\nb");
        assert_eq!(read(r#" {"a" : 1.0, "\u0062":[ ]} "#).unwrap(), r#"{"a" : 1.0, "\u0062":[ ]}"#);
        assert!(read("7").is_err());
    }
}
