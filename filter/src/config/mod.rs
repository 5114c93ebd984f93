//! The plugin configuration: JSON text to a [`Config`] that is valid by construction.
//!
//! ```text
//! JSON text ─source::read_json─> tree with positions ─issuers, bundle, limits, checks─> Config
//!                                                             └── every problem at once ──> Problems
//! ```
//!
//! Fields that decide about security (issuers, their keys and algorithms, the bundle) have no default. Every
//! other field has one, with its reason, in [`defaults`]. Nothing is checked again after [`Config::parse`].
//! `docs/configuration.md` describes every field.

mod bundle;
mod claims;
pub mod defaults;
mod issuers;
mod jwks;
mod messages;
mod provider;
mod revocations;
mod servers;
mod sessions;
mod settings;
mod token_types;

pub use provider::Provider;
pub use servers::{ServerSettings, TaskIds};

use crate::callout::spicedb::SpiceDb;
use crate::crypto::SignatureProvider;
use crate::mcp::revision::{Revision, Revisions};
use crate::sealed_id::SessionPolicy;
use crate::token::{DelegationVerifier, RevocationList, Settings};
use policy_wasm::bundle::{Bundle, Server};
use policy_wasm::json::Limits;
use policy_wasm::source::{Place, Problems, read_json};
use std::rc::Rc;

/// Nesting of the configuration itself; key sets need six levels.
const LIMITS: Limits = Limits { depth: 32 };

/// A valid configuration.
#[derive(Debug)]
pub struct Config {
    /// The policy.
    pub bundle: Rc<Bundle>,
    /// Checks tokens against the configured issuers.
    pub verifier: DelegationVerifier,
    /// Authorization servers, for the metadata (RFC 9728 `authorization_servers`): no repetitions, order kept.
    pub authorization_servers: Vec<String>,
    /// Longest request body in bytes at servers without a setting of their own.
    pub max_body_bytes: usize,
    /// Deepest nesting of a message.
    pub max_depth: u32,
    /// Longest list answer, and longest event of a stream, in bytes.
    pub max_response_bytes: usize,
    /// Admitted revisions, at least one; a server of the policy may admit fewer.
    pub revisions: Revisions,
    /// Whether `Authorization` goes on to the MCP server.
    pub keep_authorization: bool,
    /// Origins that browsers may call from, compared as exact strings; any other `Origin` is refused.
    pub allowed_origins: Vec<String>,
    /// The authorization cluster; always there where the bundle has checks.
    pub spicedb: Option<SpiceDb>,
    /// The revoked tokens, subjects, agents and consents.
    pub revocations: Rc<RevocationList>,
    /// How session ids are sealed; without, they pass as the server writes them.
    pub sessions: Option<SessionPolicy>,
    /// One for each server of the bundle, by [`policy_wasm::bundle::Server::index`].
    servers: Vec<ServerSettings>,
    /// The settings for servers that are not in the bundle.
    elsewhere: ServerSettings,
    /// Servers that have messages posted to a path of their own.
    posted: Vec<u32>,
}

impl Config {
    /// Reads a configuration. `name` is the file's name in messages.
    ///
    /// # Errors
    /// Every problem at once, each with its line, its path and the expected value, and with a suggestion
    /// where there is one.
    pub fn parse(name: &str, text: &[u8], provider: Rc<dyn SignatureProvider>) -> Result<Config, Problems> {
        let problems = Problems::new();
        let tree = read_json(name, text, &LIMITS, &problems);
        let config = tree.and_then(|tree| read(&Place::guarded(name, &tree, &problems), provider));
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }

    /// The settings of one server, by its index in the bundle.
    pub fn server(&self, index: u32) -> &ServerSettings {
        usize::try_from(index).ok().and_then(|index| self.servers.get(index)).unwrap_or(&self.elsewhere)
    }

    /// The server that a request is for: by the policy's address, or by the path to which it has messages posted.
    pub fn server_at(&self, authority: &str, path: &str) -> Option<Server<'_>> {
        let posted = || messages::server_at(&self.bundle, &self.servers, &self.posted, authority, path);
        self.bundle.server_at(authority, path).or_else(posted)
    }

    /// The longest body that any server takes, in bytes.
    pub fn longest_body_bytes(&self) -> usize {
        self.servers.iter().fold(self.max_body_bytes, |most, server| most.max(server.max_body_bytes))
    }
}

/// Asks for everything, so that every mistake is found; gives `None` where something needed is missing or wrong.
fn read(root: &Place<'_>, provider: Rc<dyn SignatureProvider>) -> Option<Config> {
    let mut map = root.map()?;
    let issuers = map.required("issuers").and_then(|place| issuers::read(&place));
    let bundle = map.required("bundle").and_then(|place| bundle::read(&place.secret()));
    let leeway_seconds = defaults::CLOCK_LEEWAY.read(&mut map);
    let limits = settings::limits(map.optional("limits"));
    let revisions = settings::revisions(map.optional("revisions"));
    let batches = settings::batches(map.optional("batches"));
    let denial_form = settings::denial_form(map.optional("denial_form"));
    let keep_authorization = settings::authorization_header(map.optional("authorization_header"));
    let allowed_origins = settings::allowed_origins(map.optional("allowed_origins"));
    let checks = map.optional("checks");
    let spicedb = checks.as_ref().and_then(|place| settings::spicedb(&place.secret()));
    let sessions = map.optional("sessions");
    let revocations = revocations::read(map.optional("revocations").as_ref());
    let tasks = if sessions.is_some() { TaskIds::Sealed } else { TaskIds::Server };
    let overrides = map.optional("servers");
    map.finish();

    let bundle = bundle?;
    if bundle.has_checks() && checks.is_none() {
        root.refuse("the policy has checks, but `checks` does not say where to ask; add `checks`");
    }
    let elsewhere = ServerSettings {
        denial_form: denial_form?,
        max_body_bytes: limits.max_body_bytes,
        judges_batches: batches?,
        messages: None,
        tasks,
    };
    let servers = servers::read(overrides.as_ref(), &bundle, &elsewhere)?;
    let posted: Vec<u32> = (0..)
        .zip(&servers)
        .filter_map(|(index, settings)| settings.messages.as_ref().map(|_| index))
        .collect();
    let revisions = revisions?;
    if !posted.is_empty() && !revisions.contains(Revision::R20241105) {
        root.refuse("`messages` is for servers of revision 2024-11-05, which `revisions` does not admit");
    }
    let sessions = match sessions {
        Some(place) => Some(sessions::read(&place.secret())?),
        None => None,
    };
    let issuers = issuers?;
    let settings = Settings {
        issuers: issuers.issuers.into(),
        leeway_seconds: leeway_seconds?,
        cache_entries: limits.token_cache_entries,
    };
    Some(Config {
        bundle: Rc::new(bundle),
        verifier: DelegationVerifier::new(settings, provider),
        authorization_servers: issuers.authorization_servers,
        max_body_bytes: limits.max_body_bytes,
        max_depth: limits.max_depth,
        max_response_bytes: limits.max_response_bytes,
        revisions,
        keep_authorization: keep_authorization?,
        allowed_origins: allowed_origins?,
        spicedb,
        revocations: Rc::new(revocations?),
        sessions,
        servers,
        elsewhere,
        posted,
    })
}
