//! The facts of the caller's connection, as the proxy reports them. The filter asks for them only where
//! the policy has conditions.

use policy_wasm::model::Connection;

/// The proxy's report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFacts {
    source_address: String,
    tls: bool,
    peer: String,
}

impl ConnectionFacts {
    /// Reads the proxy's properties by their paths (Envoy's attributes `source.*` and `connection.*`). A
    /// property that the proxy lacks stays empty. The connection then counts as unencrypted, and its peer as
    /// unknown.
    pub fn read(mut property: impl FnMut(&[&str]) -> Option<Vec<u8>>) -> ConnectionFacts {
        let mut text = |path: &[&str]| String::from_utf8(property(path)?).ok();
        let source = text(&["source", "address"]).unwrap_or_default();
        let tls = text(&["connection", "tls_version"]).is_some_and(|version| !version.is_empty());
        // The names in a certificate count only where it was verified.
        let verified = text(&["connection", "mtls"]).is_some_and(|value| value == "\u{1}");
        let mut peer = String::new();
        if verified {
            let uri = text(&["connection", "uri_san_peer_certificate"]).filter(|name| !name.is_empty());
            peer = uri.or_else(|| text(&["connection", "subject_peer_certificate"])).unwrap_or_default();
        }
        ConnectionFacts { source_address: without_port(&source).to_owned(), tls, peer }
    }

    /// The PDP's view.
    pub(super) fn lend(&self) -> Connection<'_> {
        Connection { source_address: &self.source_address, tls: self.tls, peer: &self.peer }
    }
}

/// `10.0.0.1` of `10.0.0.1:443`, `::1` of `[::1]:443`; an address without port as it is.
fn without_port(address: &str) -> &str {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(host, _)| host);
    }
    match address.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_port() {
        for (address, host) in [
            ("10.0.0.1:443", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
        ] {
            assert_eq!(without_port(address), host);
        }
    }

    #[test]
    fn names_of_a_certificate_count_only_where_it_was_verified() {
        let said = |mtls: u8| {
            move |path: &[&str]| match path {
                ["connection", "mtls"] => Some(vec![mtls]),
                ["connection", "tls_version"] => Some(b"TLSv1.3".to_vec()),
                ["connection", "uri_san_peer_certificate"] => Some(b"spiffe://acme.test/a".to_vec()),
                _ => None,
            }
        };
        let verified = ConnectionFacts::read(said(1));
        assert_eq!((verified.peer.as_str(), verified.tls), ("spiffe://acme.test/a", true));
        assert_eq!(ConnectionFacts::read(said(0)).peer, "");
        assert_eq!(ConnectionFacts::read(|_| None), ConnectionFacts::default());
    }
}
