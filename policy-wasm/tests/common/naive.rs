//! The decision, read from the rules one by one, as the documentation states it.

use super::NOW;
use super::model::{ARGUMENTS, Ask, CONDITIONS, ISSUERS, TEMPLATES, TIERS, Target};
use policy_wasm::decision::DenyReason::{self, *};
use policy_wasm::model::{ActorKind, ItemKind};
use policy_wasm::policy::*;
use std::collections::{BTreeMap, BTreeSet};

/// Reasons, monitored reasons, obligations by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    pub reasons: BTreeSet<DenyReason>,
    pub monitored: BTreeSet<DenyReason>,
    pub obligations: Vec<String>,
}

/// The reasons that monitor mode lets pass, from the documentation.
pub fn passes_in_monitor_mode(reason: DenyReason) -> bool {
    let page = include_str!("../../../docs/policy.md");
    let list = |mark| page.split_once(mark).and_then(|(_, rest)| rest.split_once("\n\n")).unwrap().0;
    let named = |list: &str| list.contains(&format!("`{}`", reason.code()));
    let (passes, stays) = (named(list("<!-- monitored -->")), named(list("<!-- never monitored -->")));
    assert!(passes != stays, "{} stands in both lists, or in none", reason.code());
    passes
}

/// The value of a condition; `None` if it reads items or arguments and the request has none.
type Held = Option<Result<bool, ()>>;

struct Case<'c> {
    policy: &'c Policy,
    ask: &'c Ask,
    server: &'c Server,
    item: Option<&'c Item>,
    verdict: Verdict,
    /// The caller is denied for every request.
    settled: bool,
    /// Tiers that count, with the mode of the rule that makes them count.
    tiers: Vec<(Tier, Mode)>,
}

pub fn decide(policy: &Policy, ask: &Ask) -> Verdict {
    let server = &policy.servers[ask.server];
    let item = find(server, ask);
    let mut case =
        Case { policy, ask, server, item, verdict: Verdict::default(), settled: false, tiers: Vec::new() };
    case.run();
    case.verdict
}

/// The name or URI that is requested.
fn wanted(ask: &Ask) -> Option<(ItemKind, &str)> {
    match &ask.target {
        Target::Tool(name, ..) => Some((ItemKind::Tool, name)),
        Target::Prompt(name, _) => Some((ItemKind::Prompt, name)),
        Target::Resource(uri) => Some((ItemKind::Resource, uri)),
        Target::Use(_) | Target::Elicit(_) => None,
    }
}

fn under(template: &str, uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("f:///").filter(|rest| !rest.split('/').any(|part| part == ".."))
    else {
        return false;
    };
    let parts: Vec<&str> = rest.split('/').collect();
    match TEMPLATES.iter().position(|known| *known == template) {
        Some(0) => !rest.is_empty(),
        Some(1) => parts.len() == 2 && !parts[0].is_empty() && parts[1] == "x",
        Some(2) => parts.len() == 2 && parts[0] == "n0" && !parts[1].is_empty(),
        _ => false,
    }
}

fn find<'s>(server: &'s Server, ask: &Ask) -> Option<&'s Item> {
    let (kind, name) = wanted(ask)?;
    if kind == ItemKind::Resource { entry(server, name) } else { exact(server, kind, name) }
}

fn exact<'s>(server: &'s Server, kind: ItemKind, name: &str) -> Option<&'s Item> {
    server.items.iter().find(|item| item.kind == kind && item.name == name)
}

/// The item of a URI: its own, or the strictest template, and of equally strict templates the most specific.
pub fn entry<'s>(server: &'s Server, uri: &str) -> Option<&'s Item> {
    let literal =
        |item: &Item| BTreeMap::from([(TEMPLATES[0], 5), (TEMPLATES[1], 7), (TEMPLATES[2], 8)])[&*item.name];
    exact(server, ItemKind::Resource, uri).or_else(|| {
        let templates = server.items.iter().filter(|item| item.kind == ItemKind::Template);
        templates.filter(|item| under(&item.name, uri)).max_by_key(|item| (item.tier, literal(item)))
    })
}

impl Case<'_> {
    fn deny(&mut self, reason: DenyReason, mode: Mode) {
        match mode {
            Mode::Enforce => self.verdict.reasons.insert(reason),
            Mode::Monitor => self.verdict.monitored.insert(reason),
        };
    }

    fn arguments(&self) -> &'static str {
        match self.ask.target {
            Target::Tool(_, text, _) | Target::Prompt(_, text) => text,
            _ => ARGUMENTS[0],
        }
    }

    fn held(&self, when: &Option<Condition>) -> Held {
        let Some(when) = when else { return Some(Ok(true)) };
        let which = CONDITIONS.iter().position(|text| *text == when.text).unwrap();
        if self.item.is_none() && [0, 4, 5].contains(&which) {
            return None;
        }
        Some(match which {
            0 => match ARGUMENTS.iter().position(|text| *text == self.arguments()).unwrap() {
                1 | 2 => Ok(false),
                3 => Ok(true),
                _ => Err(()),
            },
            1 => Ok(self.ask.tls),
            2 => Ok(self.ask.actors.len() > 1),
            3 => Ok(self.ask.id == "n0"),
            4 => Ok(self.item.unwrap().tier >= 2),
            5 => Ok(self.item.unwrap().labels.contains("l0")),
            6 => Ok(self.ask.method() == "tools/call"),
            _ => match self.ask.claims {
                Some(r#"{"c0":"v0"}"#) => Ok(true),
                // A list is not a text, and a missing value cannot be compared.
                Some(r#"{"c0":["v1","v0"]}"#) => Ok(false),
                _ => Err(()),
            },
        })
    }

    /// A condition on arguments is skipped if the caller is denied for all arguments.
    fn moot(&self, when: &Option<Condition>) -> bool {
        let about_arguments = when.as_ref().is_some_and(|when| when.text == CONDITIONS[0]);
        self.settled && self.item.is_some() && about_arguments
    }

    fn is(&self, holder: &Holder) -> bool {
        let ask = self.ask;
        match holder {
            Holder::Id(issuer, id) => *issuer == ask.issuer && *id == ask.id,
            Holder::Group(issuer, name) => *issuer == ask.issuer && ask.groups.contains(name),
            Holder::Role(issuer, name) => *issuer == ask.issuer && ask.roles.contains(name),
            Holder::Claim(issuer, _, value) => {
                *issuer == ask.issuer
                    && ask.claims.is_some_and(|claims| claims.contains(&format!("\"{value}\"")))
            }
            Holder::Anyone(issuer) => *issuer == ask.issuer,
        }
    }

    fn names(&self, agent: &Agent, (kind, issuer, id): &(ActorKind, String, String)) -> bool {
        match agent {
            Agent::Subject(i, name) => *kind == ActorKind::Subject && i == issuer && name == id,
            Agent::Client(i, name) => *kind == ActorKind::Client && i == issuer && name == id,
            Agent::Issuer(i) => i == issuer,
            Agent::Label(_) | Agent::Type(_) => {
                let actor = (*kind, issuer.clone(), id.clone());
                let mut entries = self.policy.actors.iter().filter(|entry| self.names(&entry.agent, &actor));
                entries.any(|entry| match agent {
                    Agent::Label(label) => entry.labels.contains(label),
                    Agent::Type(name) => entry.agent_type == *name,
                    _ => false,
                })
            }
        }
    }

    fn here(&self, servers: &Option<BTreeSet<String>>, window: Window) -> bool {
        servers.as_ref().is_none_or(|servers| servers.contains(&self.server.id))
            && window.from.is_none_or(|from| NOW >= from)
            && window.until.is_none_or(|until| NOW < until)
    }

    fn run(&mut self) {
        if self.policy.not_after.is_some_and(|end| NOW >= end) {
            self.deny(PolicyExpired, Mode::Enforce);
        }
        self.chain();
        let subject = self.subject();
        let actors = self.actors();
        let final_ones =
            [PolicyExpired, ActorMissing, ChainTooLong, ActorUntrusted, ActorUnknown, AgentTypeNotAdmitted];
        self.settled = subject[1].is_none() || final_ones.iter().any(|r| self.verdict.reasons.contains(r));
        self.catalogue();
        self.method();
        self.rules();
        self.consent();
        if let Some(item) = self.item {
            self.tiers.push((item.tier, Mode::Enforce));
        }
        self.tiers(subject, actors);
        self.conditions();
        self.obligations();
    }

    fn chain(&mut self) {
        let actors = &self.ask.actors;
        if actors.is_empty() {
            self.deny(ActorMissing, Mode::Enforce);
        }
        if actors.len() > self.policy.chain.max_length as usize {
            self.deny(ChainTooLong, Mode::Enforce);
        }
        // The issuer of the subject signed.
        let signer = &self.ask.issuer;
        let believed = |issuer: &String| match &self.policy.chain.trusted_issuers {
            Some(trusted) => match trusted.get(signer) {
                Some(others) => issuer == signer || others.contains(issuer),
                None => false,
            },
            None => issuer == signer && ISSUERS[..2].contains(&&**signer),
        };
        if actors.iter().any(|(_, issuer, _)| !believed(issuer)) {
            self.deny(ActorUntrusted, Mode::Enforce);
        }
    }

    /// The ceiling without and with grants in monitor mode.
    fn subject(&mut self) -> [Option<Tier>; 2] {
        let mut highest = [None, None];
        for grant in &self.policy.grants {
            let everyone = |agents: &Vec<Agent>| {
                self.ask.actors.iter().all(|actor| agents.iter().any(|agent| self.names(agent, actor)))
            };
            let fits = grant.subjects.iter().any(|holder| self.is(holder))
                && self.here(&grant.servers, grant.window)
                && grant.actors.as_ref().is_none_or(everyone);
            if !fits {
                continue;
            }
            match self.held(&grant.when) {
                Some(Err(())) => self.deny(ConditionFailed, grant.mode),
                Some(Ok(false)) => {}
                Some(Ok(true)) | None => {
                    highest[1] = highest[1].max(Some(grant.ceiling));
                    if grant.mode == Mode::Enforce {
                        highest[0] = highest[0].max(Some(grant.ceiling));
                    }
                }
            }
        }
        highest
    }

    fn actors(&mut self) -> Option<Tier> {
        let mut lowest: Option<Tier> = Some(Tier::MAX);
        for actor in &self.ask.actors {
            let entries = self.policy.actors.iter().filter(|entry| self.names(&entry.agent, actor));
            let here: Vec<&Actor> = entries.filter(|entry| self.here(&entry.servers, entry.window)).collect();
            let of_type = |entry: &Actor| self.policy.agent_types.get(&entry.agent_type);
            let admitted = here
                .iter()
                .filter(|entry| of_type(entry).is_none_or(|t| t.server_kinds.contains(&self.server.kind)));
            let ceiling = |entry: &&Actor| {
                of_type(entry).and_then(|t| t.ceiling).unwrap_or(Tier::MAX).min(entry.ceiling)
            };
            let highest = admitted.map(ceiling).max();
            if highest.is_none() {
                let reason = if here.is_empty() { ActorUnknown } else { AgentTypeNotAdmitted };
                self.deny(reason, Mode::Enforce);
            }
            lowest = lowest.zip(highest).map(|(a, b)| a.min(b));
        }
        lowest.filter(|_| !self.ask.actors.is_empty())
    }

    fn catalogue(&mut self) {
        if let (Some((kind, _)), None) = (wanted(self.ask), self.item) {
            let reason = match kind {
                ItemKind::Tool => ToolUnknown,
                ItemKind::Prompt => PromptUnknown,
                ItemKind::Resource | ItemKind::Template => ResourceUnknown,
            };
            self.deny(reason, Mode::Enforce);
        }
        if let (Some(item), Target::Tool(_, _, Some(seen))) = (self.item, &self.ask.target)
            && !item.definitions.is_empty()
        {
            let same: Vec<_> =
                item.definitions.iter().filter(|definition| definition.digest == *seen).collect();
            if same.is_empty() {
                self.deny(DefinitionUnaccepted, Mode::Enforce);
            } else if !same.iter().any(|definition| definition.until.is_none_or(|until| NOW < until)) {
                self.deny(DefinitionExpired, Mode::Enforce);
            }
        }
    }

    fn method(&mut self) {
        let method = self.ask.method();
        let rule = self.server.methods.get(method).or_else(|| self.policy.methods.get(method));
        let Some(rule) = rule else {
            if matches!(method, "logging/setLevel" | "elicitation/create") {
                self.deny(MethodNotPermitted, Mode::Enforce);
            }
            return;
        };
        if !rule.permit {
            return self.deny(MethodNotPermitted, rule.mode);
        }
        match self.held(&rule.when) {
            _ if self.moot(&rule.when) => {}
            Some(Ok(true)) => {}
            Some(Ok(false)) => self.deny(ConditionUnmet, rule.mode),
            Some(Err(())) | None => self.deny(ConditionFailed, rule.mode),
        }
        if let Target::Elicit(Some(url)) = self.ask.target
            && (rule.urls.is_none() || url != "https://ask.test/form?x=1")
        {
            self.deny(UrlNotListed, rule.mode);
        }
        self.tiers.extend(rule.tier.map(|tier| (tier, rule.mode)));
    }

    fn about(&self, items: &Items) -> bool {
        let (Some(item), Some((_, name))) = (self.item, wanted(self.ask)) else { return false };
        items.names.as_ref().is_none_or(|names| names.contains(name) || names.contains(&item.name))
            && items.labels.as_ref().is_none_or(|labels| !labels.is_disjoint(&item.labels))
            && items.tier_from.is_none_or(|tier| item.tier >= tier)
    }

    fn people(&self, subjects: &Option<Vec<Holder>>, actors: &Option<Vec<Agent>>) -> bool {
        // The actors and clients of the token, and the issuer that signed it.
        let vouches = |agent: &Agent| *agent == Agent::Issuer(self.ask.issuer.clone());
        let someone = |agents: &Vec<Agent>| {
            let mut all = self.ask.actors.iter().chain(&self.ask.clients);
            agents.iter().any(vouches) || all.any(|actor| agents.iter().any(|agent| self.names(agent, actor)))
        };
        subjects.as_ref().is_none_or(|subjects| subjects.iter().any(|holder| self.is(holder)))
            && actors.as_ref().is_none_or(someone)
    }

    fn rules(&mut self) {
        for rule in &self.policy.forbids {
            let fits = self.people(&rule.subjects, &rule.actors)
                && self.here(&rule.servers, rule.window)
                && rule.items.as_ref().is_none_or(|items| self.about(items))
                && rule.methods.as_ref().is_none_or(|methods| methods.contains(self.ask.method()));
            match self.held(&rule.when) {
                _ if self.moot(&rule.when) => {}
                Some(Ok(true)) if fits => self.deny(Forbidden, rule.mode),
                Some(Err(())) if fits => self.deny(ConditionFailed, rule.mode),
                _ => {}
            }
        }
        for rule in &self.policy.approvals {
            let fits = self.people(&rule.subjects, &rule.actors)
                && self.here(&rule.servers, Window::default())
                && self.about(&rule.items);
            match self.held(&rule.when) {
                _ if self.moot(&rule.when) => {}
                Some(Ok(true)) if fits && rule.mode == Mode::Enforce => {
                    self.verdict.obligations.push(format!("approval:{}", rule.id));
                }
                Some(Err(())) if fits => self.deny(ConditionFailed, rule.mode),
                _ => {}
            }
        }
        for rule in &self.policy.budgets {
            let fits = self.people(&rule.subjects, &rule.actors)
                && self.here(&rule.servers, Window::default())
                && self.about(&rule.items);
            if fits && rule.mode == Mode::Enforce {
                self.verdict.obligations.push(format!("budget:{}", rule.id));
            }
        }
    }

    fn consent(&mut self) {
        let Some(consent) = &self.ask.consent else { return };
        let given = consent.given_at;
        let expired = consent.expires_at.is_some_and(|end| end <= NOW || end < given);
        let long = self.policy.consent.longest_life.is_some_and(|longest| {
            consent
                .expires_at
                .is_none_or(|end| i128::from(end).saturating_sub(i128::from(given)) > i128::from(longest))
        });
        let early = i128::from(given) > i128::from(NOW).saturating_add(i128::from(self.ask.leeway));
        if expired || long || early {
            self.deny(ConsentExpired, Mode::Enforce);
        }
        let covered = wanted(self.ask).is_none_or(|(_, name)| {
            let entry = self.item.map_or(name, |item| &item.name);
            consent.tools.as_ref().is_none_or(|tools| tools.iter().any(|tool| tool == name || tool == entry))
        });
        if !covered || consent.servers.as_ref().is_some_and(|servers| !servers.contains(&self.server.id)) {
            self.deny(ConsentExceeded, Mode::Enforce);
        }
    }

    fn tiers(&mut self, [subject, trial]: [Option<Tier>; 2], actors: Option<Tier>) {
        let mut lacking = Vec::new();
        if subject.is_none() {
            lacking.push(SubjectNotGranted);
        }
        for (tier, mode) in self.tiers.clone() {
            let rules = &self.policy.consent;
            let from = |lowest: Option<Tier>| lowest.is_some_and(|lowest| tier >= lowest);
            match &self.ask.consent {
                None if from(rules.required_from) => self.deny(ConsentMissing, mode),
                None => {}
                Some(consent) => {
                    if from(rules.reason_from) && consent.reason.as_deref() != Some("because") {
                        self.deny(ConsentReasonMissing, mode);
                    }
                    let level = |level: &String| TIERS.iter().position(|known| known == level);
                    if consent
                        .level
                        .as_ref()
                        .is_some_and(|l| level(l).is_none_or(|level| (level as Tier) < tier))
                    {
                        self.deny(TierAboveConsent, mode);
                    }
                }
            }
            if subject.is_some_and(|ceiling| tier > ceiling) {
                match mode {
                    Mode::Enforce => lacking.push(TierAboveSubject),
                    Mode::Monitor => self.deny(TierAboveSubject, mode),
                }
            }
            if actors.is_some_and(|ceiling| tier > ceiling) {
                self.deny(TierAboveActor, mode);
            }
            let scopes = &self.server.scopes;
            if let Some((needed, _)) = scopes.range(..=tier).next_back()
                && !scopes.range(needed..).any(|(_, scope)| self.ask.scopes.contains(scope))
            {
                self.deny(ScopeInsufficient, mode);
            }
        }
        let enforced =
            self.tiers.iter().filter(|(_, mode)| *mode == Mode::Enforce).map(|(tier, _)| *tier).max();
        let passes = trial.is_some_and(|ceiling| enforced.is_none_or(|tier| tier <= ceiling));
        for reason in lacking {
            self.deny(reason, if passes { Mode::Monitor } else { Mode::Enforce });
        }
    }

    fn conditions(&mut self) {
        let Some(item) = self.item else { return };
        match self.held(&item.when) {
            _ if self.moot(&item.when) => {}
            Some(Ok(true)) | None => {}
            Some(Ok(false)) => self.deny(ConditionUnmet, Mode::Enforce),
            Some(Err(())) => self.deny(ConditionFailed, Mode::Enforce),
        }
        for rule in &item.arguments {
            let condition = Some(rule.condition.clone());
            match self.held(&condition) {
                _ if self.moot(&condition) => {}
                Some(Ok(true)) | None => {}
                Some(Ok(false)) => self.deny(ArgumentRefused, Mode::Enforce),
                Some(Err(())) => self.deny(ConditionFailed, Mode::Enforce),
            }
        }
    }

    fn obligations(&mut self) {
        let mut own = Vec::new();
        if let Some(item) = self.item {
            if !item.checks.is_empty() && !self.settled {
                match ARGUMENTS.iter().position(|text| *text == self.arguments()).unwrap() {
                    0 => self.deny(ArgumentMissing, Mode::Enforce),
                    1 => self.deny(ArgumentUnusable, Mode::Enforce),
                    _ => own.push("check".to_owned()),
                }
            }
            own.extend(item.approval.as_ref().map(|_| format!("approval:{}", item.name)));
        }
        let verdict = &mut self.verdict;
        own.append(&mut verdict.obligations);
        let on_trial =
            self.server.mode == Mode::Monitor || self.item.is_some_and(|item| item.mode == Mode::Monitor);
        if on_trial {
            let (passing, staying) =
                verdict.reasons.iter().partition(|reason| passes_in_monitor_mode(**reason));
            verdict.reasons = staying;
            let passing: BTreeSet<DenyReason> = passing;
            verdict.monitored.extend(passing);
        }
        verdict.obligations = if verdict.reasons.is_empty() && !on_trial { own } else { Vec::new() };
    }
}
