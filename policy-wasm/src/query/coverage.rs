//! Which rules of a policy its tests have reached.

use super::matrix_text::kind_code;
use super::read::{Query, Target};
use crate::bundle::{Bundle, Item, Server};
use crate::model::ItemKind;
use crate::pdp::Explanation;
use std::collections::BTreeMap;

/// The rules, items and methods of a policy, and those that tests reached.
///
/// A test reaches a grant, actor, forbid, approval or budget that applies to its call. It reaches an item or a method
/// rule by asking for it. A server in several environments counts once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Kind and id, and whether it was reached.
    rules: BTreeMap<(&'static str, String), bool>,
}

impl Coverage {
    /// Everything that the tests of this bundle could reach.
    pub fn of(bundle: &Bundle) -> Coverage {
        let mut rules = BTreeMap::new();
        for rule in bundle.rules() {
            rules.insert((rule.kind.word(), rule.id().to_owned()), false);
        }
        for server in bundle.servers() {
            for item in server.items() {
                rules.insert((kind_code(item.kind()), in_server(server, item.name())), false);
            }
            for rule in server.method_rules().ok().into_iter().flatten().flatten() {
                if let Ok(name) = rule.name() {
                    rules.insert((METHOD, in_server(server, name)), false);
                }
            }
        }
        for rule in bundle.method_rules().ok().into_iter().flatten().flatten() {
            if let Ok(name) = rule.name() {
                rules.insert((METHOD, name.to_owned()), false);
            }
        }
        Coverage { rules }
    }

    /// Notes the rules that a call has reached.
    pub fn note(&mut self, bundle: &Bundle, query: &Query, explanation: &Explanation) {
        let facts = explanation.layers.iter().flat_map(|layer| &layer.facts).filter(|fact| fact.matched);
        for rule in facts.filter_map(|fact| fact.rule.as_ref()) {
            self.reach(rule.kind.word(), rule.id.clone());
        }
        let Ok(server) = query.server_in(bundle) else { return };
        match &query.target {
            Target::Tool(name) => self.reach(kind_code(ItemKind::Tool), in_server(server, name)),
            Target::Prompt(name) => self.reach(kind_code(ItemKind::Prompt), in_server(server, name)),
            Target::Resource(uri) => {
                if let Some(item) = resource_at(server, uri) {
                    self.reach(kind_code(item.kind()), in_server(server, item.name()));
                }
            }
            Target::Url(_) | Target::Server => {}
        }
        let own = server.method_rule(query.method()).ok().flatten();
        match own.map(|rule| rule.is_of_server()) {
            Some(Ok(true)) => self.reach(METHOD, in_server(server, query.method())),
            Some(_) => self.reach(METHOD, query.method().to_owned()),
            None => {}
        }
    }

    fn reach(&mut self, kind: &'static str, id: String) {
        if let Some(reached) = self.rules.get_mut(&(kind, id)) {
            *reached = true;
        }
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.rules.len()
    }

    /// How many were reached.
    pub fn reached(&self) -> usize {
        self.rules.values().filter(|reached| **reached).count()
    }

    /// The reached share in whole percent, rounded down; 100 for an empty policy.
    pub fn percent(&self) -> usize {
        self.reached().saturating_mul(100).checked_div(self.total()).unwrap_or(100)
    }

    /// Kind and id of everything that no test reached, in order.
    pub fn missing(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let missing = self.rules.iter().filter(|(_, reached)| !**reached);
        missing.map(|((kind, id), _)| (*kind, id.as_str()))
    }
}

/// The resource with this URI, or the template that it comes under.
fn resource_at<'b>(server: Server<'b>, uri: &str) -> Option<Item<'b>> {
    if let Some(item) = server.item(ItemKind::Resource, uri).ok()? {
        return Some(item);
    }
    server.template_for(uri).ok()?
}

const METHOD: &str = "method";

/// `github/merge_pull_request`; a server's id without its environment.
fn in_server(server: Server<'_>, name: &str) -> String {
    let (id, environment) = (server.id(), server.environment());
    let base = id.strip_suffix(environment).and_then(|rest| rest.strip_suffix('.'));
    format!("{}/{name}", base.filter(|_| !environment.is_empty()).unwrap_or(id))
}
