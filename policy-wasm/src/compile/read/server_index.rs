//! The servers of a policy by name, id and quality.

use crate::policy::Server;
use std::collections::BTreeMap;

/// The servers of a policy, as its rules name them.
pub(super) struct ServerIndex {
    /// Name in the policy to ids: one, or one for each environment.
    pub(super) named: BTreeMap<String, Vec<String>>,
    pub(super) servers: Vec<Server>,
}

impl ServerIndex {
    /// The ids behind a name or an id; empty for an unknown server.
    pub(super) fn named(&self, name: &str) -> Vec<String> {
        if let Some(ids) = self.named.get(name) {
            return ids.clone();
        }
        self.servers.iter().filter(|server| server.id == name).map(|server| server.id.clone()).collect()
    }

    /// Every name and id.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str).chain(self.servers.iter().map(|server| server.id.as_str()))
    }

    /// The ids of the servers that have a quality: `kind`, `environment` or `label`.
    pub(super) fn with(&self, key: &str, wanted: &str) -> Vec<String> {
        let has = |server: &&Server| qualities(server, key).contains(&wanted);
        self.servers.iter().filter(has).map(|server| server.id.clone()).collect()
    }

    /// The values that servers have for a quality.
    pub(super) fn qualities(&self, key: &str) -> Vec<&str> {
        self.servers.iter().flat_map(|server| qualities(server, key)).collect()
    }

    /// The servers.
    pub(super) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The servers, in order of their ids.
    pub(super) fn into_servers(self) -> Vec<Server> {
        self.servers
    }
}

fn qualities<'s>(server: &'s Server, key: &str) -> Vec<&'s str> {
    match key {
        "kind" => vec![server.kind.name()],
        "environment" => vec![server.environment.as_str()],
        _ => server.labels.iter().map(String::as_str).collect(),
    }
}
