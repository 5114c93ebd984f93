//! The differences between two bundles: settings, decisions, and the callers whom they affect.
//!
//! The comparison covers every subject, agent, item and method of either bundle, under the best circumstances (as in
//! the matrix). It asks about each group, role and person alone. A change that needs two groups at once shows only in a
//! matrix with such a subject.

use super::access::{Access, Needs, Outcome, Probe};
use super::evaluate::Unanswerable;
use super::matrix::{Circumstances, bounded, case, each};
use super::principals;
use super::read::{ActorQuery, SubjectQuery};
use super::settings::{Setting, settings};
use super::text::obligation_text;
use crate::bundle::layout::RuleKind;
use crate::bundle::{Bundle, Item, Rule, Server};
use crate::decision::Reasons;
use crate::model::{ItemKind, Request};
use crate::pdp;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that two bundles decide differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// Revision of the old bundle.
    pub old: String,
    /// Revision of the new bundle.
    pub new: String,
    /// How many decisions were compared.
    pub compared: usize,
    /// How many are denied by both, for another reason.
    pub other_reasons: usize,
    /// The settings that differ, in order of their paths. Two bundles that differ in more than revision, serial number,
    /// end of validity and signatures have a differing setting or decision.
    pub settings: Vec<Setting>,
    /// The number of changed settings of servers that were not requested.
    pub elsewhere: usize,
    /// Decisions that change, in order of subject, agent, server and entry.
    pub changes: Vec<DecisionChange>,
}

/// A decision that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionChange {
    /// The subject, such as "group engineering".
    pub subject: String,
    /// The agent.
    pub agent: String,
    /// Id of the server.
    pub server: String,
    /// The target.
    pub target: DiffTarget,
    /// The verdict of the old bundle.
    pub old: Verdict,
    /// The verdict of the new bundle.
    pub new: Verdict,
}

/// The target of a decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiffTarget {
    /// An item of the catalogue.
    Item(ItemKind, String),
    /// A method.
    Method(String),
}

/// The verdict of one bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the bundle has the server and the item; otherwise every call is denied.
    pub known: bool,
    /// The possible outcome of calls.
    pub outcome: Outcome,
    /// The needs of that outcome.
    pub needs: Needs,
    /// Why every call is denied.
    pub reasons: Reasons,
    /// The reasons that monitor mode turned into records.
    pub monitored: Reasons,
    /// The conditions, checks, approvals and budgets of a conditional permit, in words.
    pub terms: BTreeSet<String>,
}

/// In which direction a decision changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// More calls are permitted.
    Wider,
    /// Fewer calls are permitted.
    Narrower,
    /// Other calls are permitted.
    Other,
}

impl Direction {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Direction::Wider => "wider",
            Direction::Narrower => "narrower",
            Direction::Other => "other",
        }
    }
}

impl DecisionChange {
    /// In which direction it changes.
    pub fn direction(&self) -> Direction {
        match self.old.outcome.cmp(&self.new.outcome) {
            std::cmp::Ordering::Less => Direction::Wider,
            std::cmp::Ordering::Greater => Direction::Narrower,
            std::cmp::Ordering::Equal => Direction::Other,
        }
    }
}

impl Verdict {
    fn unknown() -> Verdict {
        Verdict {
            known: false,
            outcome: Outcome::Deny,
            needs: Needs::default(),
            reasons: Reasons::NONE,
            monitored: Reasons::NONE,
            terms: BTreeSet::new(),
        }
    }

    fn of(cell: Access) -> Verdict {
        Verdict {
            known: true,
            outcome: cell.outcome,
            needs: cell.needs,
            reasons: cell.reasons,
            monitored: cell.monitored,
            terms: BTreeSet::new(),
        }
    }

    /// Whether the same calls are permitted, as far as `terms` are known.
    fn permits_the_same(&self, other: &Verdict) -> bool {
        (self.outcome, self.needs, self.monitored) == (other.outcome, other.needs, other.monitored)
            && self.terms == other.terms
    }
}

/// Compares two bundles at a time, in Unix seconds.
///
/// # Errors
/// [`Unanswerable`] for more than [`super::MAX_CELLS`] decisions.
pub fn diff(old: &Bundle, new: &Bundle, servers: Option<&[String]>, now: u64) -> Result<Diff, Unanswerable> {
    let subjects = principals::subjects_of_both(new, old);
    let agents = each(principals::agents_of_both(new, old));
    let targets = targets(old, new, servers);
    bounded(subjects.len(), agents.len(), targets.values().map(BTreeSet::len).sum())?;
    let (settings, elsewhere) = settings(old, new, servers);
    let mut diff = Diff {
        old: old.revision().to_owned(),
        new: new.revision().to_owned(),
        compared: 0,
        other_reasons: 0,
        settings,
        elsewhere,
        changes: Vec::new(),
    };
    let (before, after) = (Side::new(old), Side::new(new));
    for subject in &subjects {
        for agent in &agents {
            for (server, targets) in &targets {
                let [before, after] = [&before, &after]
                    .map(|side| side.verdicts(server, targets, &subject.value, &agent.value, now));
                for ((target, before), after) in targets.iter().zip(before?).zip(after?) {
                    diff.compared = diff.compared.saturating_add(1);
                    if before.permits_the_same(&after) {
                        let differs = before.known && after.known && before.reasons != after.reasons;
                        diff.other_reasons = diff.other_reasons.saturating_add(usize::from(differs));
                        continue;
                    }
                    diff.changes.push(DecisionChange {
                        subject: subject.label.clone(),
                        agent: agent.label.clone(),
                        server: (*server).to_owned(),
                        target: target.clone(),
                        old: before,
                        new: after,
                    });
                }
            }
        }
    }
    if diff.settings.is_empty() && diff.elsewhere == 0 && diff.changes.is_empty() {
        diff.settings.extend(unexplained(old, new));
    }
    Ok(diff)
}

/// Reports differences without a setting. No compiler writes such bundles, so an operator should look at them.
fn unexplained(old: &Bundle, new: &Bundle) -> Option<Setting> {
    let parts = old.differs_from(new);
    let digest = |bundle: &Bundle| {
        let digest =
            bundle.digest().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        Some(digest)
    };
    let name = format!("bundle content differs: {}", parts.join(", "));
    (!parts.is_empty()).then(|| Setting { name, old: digest(old), new: digest(new) })
}

/// Every entry and method of both bundles, by server.
fn targets<'b>(
    old: &'b Bundle,
    new: &'b Bundle,
    only: Option<&[String]>,
) -> BTreeMap<&'b str, BTreeSet<DiffTarget>> {
    let mut targets: BTreeMap<&str, BTreeSet<DiffTarget>> = BTreeMap::new();
    let wanted = |server: &Server<'b>| only.is_none_or(|only| only.iter().any(|id| id == server.id()));
    let mut methods = BTreeSet::from(["tools/list".to_owned()]);
    for bundle in [old, new] {
        methods.extend(
            bundle.method_rules().ok().into_iter().flatten().filter_map(|rule| method_name(rule.ok()?)),
        );
    }
    for server in [old, new].into_iter().flat_map(Bundle::servers).filter(wanted) {
        let asked = targets.entry(server.id()).or_default();
        asked.extend(server.items().map(|item| DiffTarget::Item(item.kind(), item.name().to_owned())));
        let own = server.method_rules().ok().into_iter().flatten().filter_map(|rule| method_name(rule.ok()?));
        asked.extend(methods.iter().cloned().chain(own).map(DiffTarget::Method));
    }
    targets
}

fn method_name(rule: crate::bundle::MethodRule<'_>) -> Option<String> {
    rule.name().ok().map(str::to_owned)
}

/// A bundle with its servers and rules by name.
struct Side<'b> {
    bundle: &'b Bundle,
    servers: BTreeMap<&'b str, Server<'b>>,
    rules: BTreeMap<(RuleKind, &'b str), Rule<'b>>,
}

impl<'b> Side<'b> {
    fn new(bundle: &'b Bundle) -> Side<'b> {
        Side {
            bundle,
            servers: bundle.servers().map(|server| (server.id(), server)).collect(),
            rules: bundle.rules().map(|rule| ((rule.kind, rule.id()), rule)).collect(),
        }
    }

    /// The verdicts for each target at one server, in order.
    fn verdicts(
        &self,
        server: &str,
        targets: &BTreeSet<DiffTarget>,
        subject: &SubjectQuery,
        agent: &[ActorQuery],
        now: u64,
    ) -> Result<Vec<Verdict>, Unanswerable> {
        let Some(found) = self.servers.get(server) else {
            return Ok(targets.iter().map(|_| Verdict::unknown()).collect());
        };
        let query = case(subject, agent, server, &Circumstances::default(), *found, now);
        query.ask(self.bundle, now, |server, request| {
            let probe = Probe::new(server, request, true);
            let verdict = |target: &DiffTarget| match target {
                DiffTarget::Method(name) => {
                    let (request, cell) = probe.method(name);
                    self.with_terms(cell, server, &request, None)
                }
                DiffTarget::Item(kind, name) => match server.item(*kind, name) {
                    Ok(Some(item)) => probe
                        .item_with(item, |request, cell| self.with_terms(cell, server, request, Some(item))),
                    Ok(None) | Err(_) => Verdict::unknown(),
                },
            };
            targets.iter().map(verdict).collect()
        })
    }

    /// A verdict with the conditions of the item and of the rules that were evaluated.
    fn with_terms(
        &self,
        cell: Access,
        server: Server<'_>,
        request: &Request<'_>,
        item: Option<Item<'_>>,
    ) -> Verdict {
        let mut verdict = Verdict::of(cell);
        if verdict.outcome != Outcome::Conditional {
            return verdict;
        }
        let explanation = pdp::explain(server.bundle(), server, request);
        verdict.terms.extend(explanation.decision.obligations.iter().map(obligation_text));
        let facts = explanation.layers.iter().flat_map(|layer| &layer.facts);
        for named in facts.filter_map(|fact| fact.rule.as_ref()) {
            let rule = self.rules.get(&(named.kind, named.id.as_str()));
            let condition = rule.and_then(|rule| rule.condition().ok().flatten());
            if let Some(text) = condition.and_then(|condition| condition.text().ok()) {
                verdict.terms.insert(format!("{named} when {text}"));
            }
        }
        verdict.terms.extend(item.map(own_terms).unwrap_or_default());
        verdict
    }
}

/// Conditions that an item states itself.
fn own_terms(item: Item<'_>) -> Vec<String> {
    let mut terms = Vec::new();
    if let Some(text) = item.condition().ok().flatten().and_then(|condition| condition.text().ok()) {
        terms.push(format!("when {text}"));
    }
    for rule in item.arguments().ok().into_iter().flatten().flatten() {
        terms.extend(rule.condition.text().ok().map(|text| format!("argument: {text}")));
    }
    for check in item.checks().ok().into_iter().flatten().flatten() {
        terms.push(format!("check {} of {} for {}", check.relation, check.object_type, check.subject_type));
    }
    terms
}
