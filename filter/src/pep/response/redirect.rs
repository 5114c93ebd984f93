//! Redirects of a server. Clients follow them by themselves. The filter judges the next answer only if it
//! comes through the gateway again.
//!
//! Source: RFC 9110 §15.4 and §10.2.2 (`Location` is a reference, resolved against the request's target), RFC
//! 3986 §4.2.

use crate::http::{Fields, reference};
use policy_wasm::bundle::Bundle;

/// Whether the response sends its client away from the servers of the policy. A redirect stays if it is a
/// path under the same authority, or the whole address of a server under the scheme of its resource.
pub(in crate::pep) fn leads_away(bundle: &Bundle, status: &[u8], fields: &Fields<'_>) -> bool {
    let mut locations = fields.iter().filter(|(name, _)| *name == b"location").map(|(_, value)| *value);
    status.first() == Some(&b'3')
        && locations.any(|location| {
            !reference::stays(location, |scheme, authority, path| {
                let own =
                    bundle.server_at(authority, path).and_then(|server| server.resource().split_once("://"));
                own.is_some_and(|(own, _)| own.eq_ignore_ascii_case(scheme))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_wasm::bundle::Trust;
    use policy_wasm::compile::{Options, SourceFile, compile};

    #[test]
    fn a_redirect_stays_at_the_authority_or_leads_to_a_server_of_the_policy() {
        let text = "policy: toolward/v1\nservers:\n  code: {resource: https://tools.test/mcp, tools: {}}\n  clear: {resource: http://127.0.0.1:8080/mcp, tools: {}}\n";
        let file = SourceFile { name: "policy.yaml".into(), text: text.into() };
        let bundle = compile(&[file], &Options::default()).unwrap();
        let bundle = Bundle::open(bundle, &Trust::digest_only()).unwrap();
        let away = |status: &str, locations: &[&str]| {
            let fields: Vec<(&[u8], &[u8])> =
                locations.iter().map(|location| (&b"location"[..], location.as_bytes())).collect();
            leads_away(&bundle, status.as_bytes(), &fields)
        };
        for stays in [
            "/mcp/",
            "/mcp?x=https://a.test/",
            "mcp/",
            "?x=1",
            "https://tools.test/mcp",
            "https://TOOLS.test/mcp?x=1#y",
            "http://127.0.0.1:8080/mcp",
        ] {
            assert!(!away("307", &[stays]), "{stays}");
        }
        for leaves in [
            "https://evil.test/mcp",
            "http://tools.test/mcp",
            "http://tools.test:443/mcp",
            "http://tools.test:80/mcp",
            "https://127.0.0.1:8080/mcp",
            "http://127.0.0.1/mcp",
            "https://tools.test:80/mcp",
            "https://tools.test/other",
            "https://tools.test@evil.test/mcp",
            "https://tools.test:8443/mcp",
            "https://tools.test.evil.test/mcp",
            "https://tools.test",
            "https:///tools.test/mcp",
            "https:tools.test/mcp",
            "HTTPS://tools.test/mcp",
            "//evil.test/mcp",
            "/\\evil.test/mcp",
            "\\\\evil.test",
            " //evil.test",
            "/mcp\t",
            "javascript:0",
            "ftp://tools.test/mcp",
        ] {
            assert!(away("307", &[leaves]), "{leaves}");
        }
        assert!(away("302", &["/mcp", "//evil.test"]) && !away("307", &[]));
        assert!(!away("201", &["https://evil.test/"]), "names what was made, and nobody goes there");
    }
}
