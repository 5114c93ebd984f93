//! URLs, authorities and paths, in the one spelling that proxies and servers resolve alike.

/// Splits a URL into authority and path (`/` without one).
///
/// Issuers and resources are compared as strings, so only the plain form is taken: `https`, or `http` on a loopback
/// address for development; no user, query or fragment (RFC 8707 §2, RFC 8414 §2).
pub(super) fn url(url: &str) -> Result<(&str, &str), &'static str> {
    let (rest, secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return Err("it must begin with `https://`"),
    };
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it must be printable ASCII without spaces");
    }
    if url.contains(['#', '?']) {
        return Err("it must have no query and no fragment");
    }
    let path_at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(path_at).unwrap_or((rest, ""));
    let host = split_authority(authority)?;
    if !secure && !matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
        return Err("plain `http` is for loopback addresses only");
    }
    Ok((authority, if path.is_empty() { "/" } else { path }))
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
pub(super) fn split_authority(authority: &str) -> Result<&str, &'static str> {
    let host_end = match authority.find(']') {
        Some(bracket) => bracket.saturating_add(1),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(host_end).unwrap_or((authority, ""));
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match literal {
        Some(literal) => literal.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')),
        None => host.bytes().all(name),
    };
    if host.is_empty() || !host_fits {
        return Err("the host must be a name or an address");
    }
    let port_fits = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    };
    if port.is_empty() || port.strip_prefix(':').is_some_and(port_fits) {
        Ok(host)
    } else {
        Err("the port must be a number from 1 to 65535")
    }
}
