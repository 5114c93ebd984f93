//! Protected resource metadata (RFC 9728), served by the filter itself and without a token.

use crate::config::Config;
use crate::reply::Reply;
use policy_wasm::bundle::Server;
use policy_wasm::json::writer::Object;

/// Where the metadata of a resource at the root of its host is (RFC 9728 §3.1).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The documents and URLs of one configuration, one per server, in the order of the servers' indices.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    documents: Vec<Document>,
}

#[derive(Debug)]
struct Document {
    index: u32,
    /// Where clients find it, for challenges.
    url: String,
    /// The path of `url`.
    path: String,
    json: String,
}

/// Splits `https://host/path` into origin and path.
fn split_url(url: &str) -> (&str, &str) {
    let authority = url.find(':').map_or(0, |at| at.saturating_add(3));
    let path = url.get(authority..).and_then(|rest| rest.find('/')).map(|at| at.saturating_add(authority));
    path.and_then(|at| url.split_at_checked(at)).unwrap_or((url, ""))
}

fn document(config: &Config, server: Server<'_>) -> String {
    let mut json = String::new();
    let mut document = Object::open(&mut json);
    document.text("resource", server.resource());
    document.texts("authorization_servers", &config.authorization_servers);
    if server.scopes().next().is_some() {
        document.texts("scopes_supported", server.scopes());
    }
    document.texts("bearer_methods_supported", ["header"]);
    document.close();
    json
}

impl Metadata {
    pub(super) fn of(config: &Config) -> Metadata {
        let documents = config
            .bundle
            .servers()
            .map(|server| {
                let (origin, path) = split_url(server.resource());
                let path = if path == "/" { "" } else { path };
                Document {
                    index: server.index(),
                    url: format!("{origin}{WELL_KNOWN}{path}"),
                    path: format!("{WELL_KNOWN}{path}"),
                    json: document(config, server),
                }
            })
            .collect();
        Metadata { documents }
    }

    /// URL of a server's metadata, for `resource_metadata` in challenges. Left out if it could break the quoting.
    pub(super) fn url(&self, server: u32) -> Option<&str> {
        let document = self.documents.iter().find(|document| document.index == server)?;
        let quotable = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        document.url.bytes().all(quotable).then_some(document.url.as_str())
    }

    /// Answers a request for metadata; `None` where the path is not one of the filter's. `belongs` says
    /// whether a server answers at the authority of the request.
    pub(super) fn answer(&self, method: &str, path: &str, belongs: impl Fn(u32) -> bool) -> Option<Reply> {
        if !path.starts_with(WELL_KNOWN) {
            return None;
        }
        let document =
            self.documents.iter().find(|document| document.path == path && belongs(document.index));
        // Some clients look at the root first. So the document of the only server is there too.
        let document = document.or_else(|| match self.documents.as_slice() {
            [only] if path == WELL_KNOWN && belongs(only.index) => Some(only),
            _ => None,
        })?;
        let cors = ("access-control-allow-origin", "*".to_owned());
        let (status, headers, body) = match method {
            "GET" => (
                200,
                vec![
                    ("content-type", "application/json".to_owned()),
                    ("cache-control", "max-age=300".to_owned()),
                    cors,
                ],
                document.json.clone().into_bytes(),
            ),
            "OPTIONS" => (
                204,
                vec![
                    cors,
                    ("access-control-allow-methods", "GET, OPTIONS".to_owned()),
                    ("access-control-allow-headers", "mcp-protocol-version".to_owned()),
                    ("access-control-max-age", "86400".to_owned()),
                ],
                Vec::new(),
            ),
            _ => (405, vec![("allow", "GET, OPTIONS".to_owned())], Vec::new()),
        };
        Some(Reply { status, headers, body, details: "toolward_metadata".to_owned() })
    }
}
