//! The compared variants: one list of HTTP filters each, in front of the router.

use crate::Outcome;
use crate::options::Options;
use crate::traffic::{GROUP, ISSUER, RESOURCE, TOOL, Traffic};
use serde_json::{Value, json};
use std::path::Path;

/// One thing to measure.
pub struct Variant {
    /// Its name in the table.
    pub name: String,
    /// HTTP filters before the router.
    pub filters: Vec<Value>,
    /// Where Envoy writes what filters log.
    pub log: Log,
    /// Bytes of the wasm module, where there is one.
    pub wasm_bytes: Option<u64>,
}

/// Where Envoy writes what filters log at level `info`: the decision records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Nowhere: the level is `warning`.
    Nowhere,
    /// To standard error, here a file: one `write` for each line.
    StandardError,
    /// To the file of `--log-path`, which Envoy writes in blocks.
    File,
}

/// All variants that were asked for.
pub fn all(options: &Options, traffic: &Traffic) -> Outcome<Vec<Variant>> {
    let native = |name: &str, filters: Vec<Value>| Variant {
        name: name.to_owned(),
        filters,
        log: Log::Nowhere,
        wasm_bytes: None,
    };
    let mut variants =
        vec![native("router only", Vec::new()), wasm("no-op wasm filter", &options.noop, "", Log::Nowhere)?];
    for (name, file) in &options.filters {
        for (log, what) in [
            (Log::StandardError, "records to stderr"),
            (Log::File, "records to --log-path"),
            (Log::Nowhere, "records not logged"),
        ] {
            variants.push(wasm(&format!("{name}, {what}"), file, &traffic.configuration, log)?);
        }
    }
    variants.push(native(
        "native jwt_authn (cache) + mcp + rbac",
        vec![jwt_authn(traffic, false), mcp(), rbac(false)],
    ));
    variants.push(native(
        "native, rbac looks at the human's group too",
        vec![jwt_authn(traffic, true), mcp(), rbac(true)],
    ));
    variants.retain(|variant| {
        options.only.is_empty() || options.only.iter().any(|part| variant.name.contains(part.as_str()))
    });
    Ok(variants)
}

fn wasm(name: &str, file: &Path, configuration: &str, log: Log) -> Outcome<Variant> {
    let bytes = std::fs::metadata(file).map_err(|error| format!("`{}`: {error}", file.display()))?.len();
    let filter = json!({
        "name": "wasm",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "bench", "root_id": "bench",
                "allow_on_headers_stop_iteration": true,
                "failure_policy": "FAIL_RELOAD",
                "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
                "vm_config": {
                    "vm_id": "bench", "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": std::path::absolute(file)?}},
                },
            },
        },
    });
    Ok(Variant { name: name.to_owned(), filters: vec![filter], log, wasm_bytes: Some(bytes) })
}

/// Checks the token, keeps the checked ones; the payload goes on to `rbac` only where that asks for it.
fn jwt_authn(traffic: &Traffic, payload: bool) -> Value {
    let mut provider = json!({
        "issuer": ISSUER,
        "audiences": [RESOURCE],
        "local_jwks": {"inline_string": traffic.jwks.to_string()},
        "jwt_cache_config": {"jwt_cache_size": 1000},
    });
    if payload {
        provider["payload_in_metadata"] = "jwt".into();
    }
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"acme": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "acme"}}],
        },
    })
}

/// Rejects messages that are not MCP, and duplicate keys.
fn mcp() -> Value {
    json!({
        "name": "envoy.filters.http.mcp",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.mcp.v3.Mcp",
            "traffic_mode": "REJECT_NO_MCP",
            "reject_duplicate_keys": true,
        },
    })
}

/// Allows one tool: to anybody, or to a group.
fn rbac(group: bool) -> Value {
    let field = |filter: &str, path: &[&str], value: Value| {
        let path: Vec<Value> = path.iter().map(|key| json!({"key": key})).collect();
        json!({"metadata": {"filter": filter, "path": path, "value": value}})
    };
    let exact = |text: &str| json!({"string_match": {"exact": text}});
    let mcp = "envoy.filters.http.mcp";
    let principal = if group {
        field(
            "envoy.filters.http.jwt_authn",
            &["jwt", "groups"],
            json!({"list_match": {"one_of": exact(GROUP)}}),
        )
    } else {
        json!({"any": true})
    };
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "ALLOW", "policies": {"tool": {
                "permissions": [{"and_rules": {"rules": [
                    field(mcp, &["method"], exact("tools/call")),
                    field(mcp, &["params", "name"], exact(TOOL)),
                ]}}],
                "principals": [principal],
            }}},
        },
    })
}
