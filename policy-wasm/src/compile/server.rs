//! `servers`: where they are reached, their tools, tiers, scopes and checks.

use super::policy::{Names, is_name, tier};
use super::template::{self, Check};
use crate::bundle::layout::SERVER_KINDS;
use crate::source::{MapReader, Named, Place, suggest};
use std::collections::BTreeMap;

/// A server of the policy.
pub(super) struct Server<'n> {
    pub(super) resource: &'n str,
    /// In lower case.
    pub(super) authorities: Vec<String>,
    pub(super) path: &'n str,
    /// Index into [`SERVER_KINDS`].
    pub(super) kind: u32,
    pub(super) owner: &'n str,
    /// Scope by tier.
    pub(super) scopes: BTreeMap<u32, &'n str>,
    pub(super) tools: BTreeMap<&'n str, Tool<'n>>,
}

/// A tool of a server.
pub(super) struct Tool<'n> {
    pub(super) tier: u32,
    pub(super) checks: Vec<Check<'n>>,
}

/// `corporate`.
const DEFAULT_KIND: usize = 1;
/// Most checks of one tool: each is a question to the authorization cluster before the call.
const MAX_CHECKS: usize = 8;

/// Reads the servers, and holds them against each other.
pub(super) fn read<'n>(named: Vec<Named<'n>>, names: &Names<'n>) -> BTreeMap<&'n str, Server<'n>> {
    let mut servers: BTreeMap<&'n str, Server<'n>> = BTreeMap::new();
    let mut resources: BTreeMap<&'n str, &'n str> = BTreeMap::new();
    let mut addresses: BTreeMap<(String, &'n str), &'n str> = BTreeMap::new();
    for entry in named {
        if !is_name(entry.name, b"._-") {
            let message = format!(
                "expected a server id like `github` ([a-z][a-z0-9._-]*, at most 64), found `{}`",
                entry.name
            );
            entry.refuse_name(message, None);
        }
        let Some(mut map) = entry.value.map() else { continue };
        let server = server(&mut map, names);
        map.finish();
        let Some(server) = server else { continue };
        if let Some(other) = resources.insert(server.resource, entry.name) {
            entry.value.refuse(format!(
                "resource `{}` is already that of server `{other}`; a token for one would open the other",
                server.resource
            ));
        }
        for authority in &server.authorities {
            if let Some(other) = addresses.insert((authority.clone(), server.path), entry.name) {
                let message = format!("`{authority}{}` already leads to server `{other}`", server.path);
                entry.value.refuse(message);
            }
        }
        servers.insert(entry.name, server);
    }
    servers
}

fn server<'n>(map: &mut MapReader<'n>, names: &Names<'n>) -> Option<Server<'n>> {
    let resource = map.required("resource").and_then(|place| resource(&place));
    let authorities = map.optional("authorities").map(|place| authorities(&place));
    let path = map.optional("path").map(|place| path(&place));
    let kind = map.optional("kind").and_then(|place| place.one_of(&SERVER_KINDS)).unwrap_or(DEFAULT_KIND);
    let owner = map.optional("owner").and_then(|place| place.text()).unwrap_or_default();
    let scopes = map.optional("scopes").map(|place| scopes(&place, names)).unwrap_or_default();
    let tools = map.required("tools").map(|place| tools(&place, names)).unwrap_or_default();
    let (resource, authority, resource_path) = resource?;
    let path = match path {
        Some(path) => path?,
        None => {
            if let Err(why) = plain_path(resource_path) {
                let message = format!(
                    "the path `{resource_path}` of `resource` cannot be matched exactly: {why}; set `path`"
                );
                map.place().refuse(message);
            }
            resource_path
        }
    };
    let authorities = authorities.unwrap_or_else(|| vec![authority.to_ascii_lowercase()]);
    Some(Server { resource, authorities, path, kind: u32::try_from(kind).ok()?, owner, scopes, tools })
}

/// Takes a URL apart into authority and path (`/` where it has none).
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
fn split_authority(authority: &str) -> Result<&str, &'static str> {
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

/// The resource with its authority and path.
fn resource<'n>(place: &Place<'n>) -> Option<(&'n str, &'n str, &'n str)> {
    let text = place.text()?;
    match url(text) {
        Ok((authority, path)) => Some((text, authority, path)),
        Err(why) => {
            place.refuse(format!(
                "expected the URL that clients use, such as `https://tools.acme.test/mcp`, found `{text}`: {why}"
            ));
            None
        }
    }
}

fn authorities(place: &Place<'_>) -> Vec<String> {
    let Some(places) = place.list() else { return Vec::new() };
    if places.is_empty() {
        place.refuse("expected at least one authority; leave `authorities` out for that of `resource`");
    }
    let mut authorities: Vec<String> = Vec::new();
    for place in &places {
        let Some(text) = place.text() else { continue };
        if let Err(why) = split_authority(text) {
            place.refuse(format!("expected `host` or `host:port`, found `{text}`: {why}"));
        }
        let lower = text.to_ascii_lowercase();
        if authorities.contains(&lower) {
            place.refuse(format!("authority `{text}` stands twice"));
        } else {
            authorities.push(lower);
        }
    }
    authorities
}

fn path<'n>(place: &Place<'n>) -> Option<&'n str> {
    let text = place.text()?;
    match plain_path(text) {
        Ok(()) => Some(text),
        Err(why) => {
            place.refuse(format!("expected a path such as `/mcp/github`, found `{text}`: {why}"));
            None
        }
    }
}

/// Whether a path has one spelling only: proxies and servers decode `%`, merge `//` and resolve `..`.
fn plain_path(path: &str) -> Result<(), &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    let segments = || path.split('/').skip(1);
    if !path.starts_with('/') {
        Err("it must begin with `/`")
    } else if !path.bytes().all(fits) {
        Err("it must have no `%`, `?`, `#`, `\\` or spaces")
    } else if path.contains("//") || segments().any(|segment| matches!(segment, "." | "..")) {
        Err("it must have no empty, `.` or `..` segments")
    } else {
        Ok(())
    }
}

fn scopes<'n>(place: &Place<'n>, names: &Names<'n>) -> BTreeMap<u32, &'n str> {
    let mut scopes = BTreeMap::new();
    for entry in place.named().unwrap_or_default() {
        let tier = names.tiers.iter().position(|tier| *tier == entry.name);
        if tier.is_none() {
            let suggestion = suggest(entry.name, names.tiers.iter().copied());
            entry.refuse_name(format!("expected a tier of the policy, found `{}`", entry.name), suggestion);
        }
        let Some(scope) = entry.value.text() else { continue };
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        if !scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) {
            entry.value.refuse(format!(
                "expected one scope (printable ASCII, no space, `\"` or `\\`), found `{scope}`"
            ));
        }
        if let Some(tier) = tier.and_then(|tier| u32::try_from(tier).ok()) {
            scopes.insert(tier, scope);
        }
    }
    scopes
}

fn tools<'n>(place: &Place<'n>, names: &Names<'n>) -> BTreeMap<&'n str, Tool<'n>> {
    let mut tools = BTreeMap::new();
    for entry in place.named().unwrap_or_default() {
        if entry.name.is_empty() || entry.name.len() > 256 || entry.name.chars().any(char::is_control) {
            entry.refuse_name("expected a tool name of 1 to 256 bytes without control characters", None);
        }
        let Some(mut map) = entry.value.map() else { continue };
        let tier = map.required("tier").and_then(|place| tier(&place, names));
        let checks = map.optional("checks").map(|place| checks(&place)).unwrap_or_default();
        map.finish();
        if let Some(tier) = tier {
            tools.insert(entry.name, Tool { tier, checks });
        }
    }
    tools
}

fn checks<'n>(place: &Place<'n>) -> Vec<Check<'n>> {
    let Some(places) = place.list() else { return Vec::new() };
    if places.is_empty() || places.len() > MAX_CHECKS {
        let found = places.len();
        place
            .refuse(format!("expected 1 to {MAX_CHECKS} checks, found {found}; leave `checks` out for none"));
    }
    places.iter().filter_map(template::check).collect()
}
