//! Whole policies and whole requests at random: few names, so that they meet.

use super::NOW;
use policy_wasm::decision::BudgetKey;
use policy_wasm::json;
use policy_wasm::model::{
    self, Action, ActorKind, Connection, Consent, Delegation, Identity, ItemKind, Request, Subject,
};
use policy_wasm::policy::*;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub const TIERS: [&str; 4] = ["look", "touch", "change", "destroy"];
pub const ISSUERS: [&str; 3] = ["https://a.test", "https://b.test", "https://c.test"];
pub const TEMPLATES: [&str; 3] = ["f:///{+path}", "f:///{top}/x", "f:///n0/{name}"];
pub const URIS: [&str; 6] = ["f:///n0/x", "f:///n0/n1", "f:///a/b/c", "f:///n0", "g:///n0", "f:///n0/../x"];
pub const METHODS: [&str; 5] =
    ["initialize", "tools/call", "resources/read", "logging/setLevel", "elicitation/create"];
/// Arguments: missing, unusable and usable for the check; small and large for the conditions.
pub const ARGUMENTS: [&str; 5] =
    ["{}", r#"{"id":"*","n":1}"#, r#"{"id":"n1","n":1}"#, r#"{"id":"n1","n":9}"#, r#"{"id":"n1","n":"x"}"#];
pub const DIGESTS: [[u8; 32]; 3] = [[1; 32], [2; 32], [3; 32]];

/// Conditions, and their meaning in `naive`.
pub const CONDITIONS: [&str; 8] = [
    "args.n > 3",
    "connection.tls",
    "actors.size() > 1",
    "subject.id == \"n0\"",
    "item.tier >= tier(\"change\")",
    "\"l0\" in item.labels",
    "method == \"tools/call\"",
    "subject.claims.c0 == \"v0\"",
];

fn name() -> impl Strategy<Value = String> {
    (0..2u8).prop_map(|name| format!("n{name}"))
}

/// Mostly high ceilings: laws are about permitted calls.
fn ceiling() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(3), 1 => 0..4u32]
}

fn issuer() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(0), 1 => Just(1)].prop_map(|issuer: usize| ISSUERS[issuer].to_owned())
}

fn labels() -> impl Strategy<Value = BTreeSet<String>> {
    btree_set((0..3u8).prop_map(|label| format!("l{label}")), 0..3)
}

pub fn condition(text: &str) -> Condition {
    let code = super::condition_code(text);
    Condition { text: text.to_owned(), code, origin: Origin::default() }
}

fn when(weight: f64) -> impl Strategy<Value = Option<Condition>> {
    option::weighted(weight, (0..CONDITIONS.len()).prop_map(|which| condition(CONDITIONS[which])))
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![5 => Just(Mode::Enforce), 1 => Just(Mode::Monitor)]
}

fn window() -> impl Strategy<Value = Window> {
    let time = || option::weighted(0.3, prop_oneof![Just(NOW - 1), Just(NOW), Just(NOW + 1)]);
    // An empty window is never written.
    (time(), time())
        .prop_map(|(from, until)| Window { from, until: until.filter(|until| from < Some(*until)) })
}

fn holder() -> impl Strategy<Value = Holder> {
    prop_oneof![
        3 => (issuer(), name()).prop_map(|(issuer, name)| Holder::Id(issuer, name)),
        3 => (issuer(), name()).prop_map(|(issuer, name)| Holder::Group(issuer, name)),
        1 => (issuer(), name()).prop_map(|(issuer, name)| Holder::Role(issuer, name)),
        1 => (issuer(), 0..2u8).prop_map(|(issuer, v)| Holder::Claim(issuer, "c0".into(), format!("v{v}"))),
        2 => issuer().prop_map(Holder::Anyone),
    ]
}

fn own_agent() -> impl Strategy<Value = Agent> {
    prop_oneof![
        3 => (issuer(), name()).prop_map(|(issuer, name)| Agent::Subject(issuer, name)),
        2 => (issuer(), name()).prop_map(|(issuer, name)| Agent::Client(issuer, name)),
        1 => issuer().prop_map(Agent::Issuer),
    ]
}

fn agent() -> impl Strategy<Value = Agent> {
    prop_oneof![
        3 => own_agent(),
        1 => (0..3u8).prop_map(|label| Agent::Label(format!("l{label}"))),
        1 => (0..2u8).prop_map(|name| Agent::Type(format!("t{name}"))),
    ]
}

fn servers() -> impl Strategy<Value = Option<BTreeSet<String>>> {
    option::weighted(0.3, btree_set((0..2u8).prop_map(|server| format!("s{server}")), 0..3))
}

fn items() -> impl Strategy<Value = Items> {
    let known = prop_oneof![
        name(),
        (0..URIS.len()).prop_map(|uri| URIS[uri].to_owned()),
        (0..TEMPLATES.len()).prop_map(|template| TEMPLATES[template].to_owned()),
    ];
    (
        option::weighted(0.4, btree_set(known, 1..4)),
        option::weighted(0.3, labels()),
        option::weighted(0.3, 0..4u32),
    )
        .prop_map(|(names, labels, tier_from)| Items { names, labels, tier_from })
}

fn approval() -> impl Strategy<Value = Approval> {
    (btree_set(name().prop_map(|name| format!("group:{name}")), 0..3), 1..3u64)
        .prop_map(|(approvers, valid_for)| Approval { approvers, valid_for })
}

fn check() -> Check {
    Check {
        relation: "reader".into(),
        object_type: "note".into(),
        object_id: vec![TemplatePart::Argument(vec!["id".into()])],
        subject_type: "user".into(),
        subject_id: vec![TemplatePart::SubjectId],
    }
}

fn param_header() -> impl Strategy<Value = ParamHeader> {
    let value_type = prop::sample::select(&ParamType::ALL[..]);
    (prop::sample::select(&["region", "a_b", "x"][..]), value_type).prop_map(|(name, value_type)| {
        ParamHeader {
            version: None,
            name: name.to_owned(),
            path: vec!["where".to_owned(), name.to_owned()],
            value_type,
        }
    })
}

fn item(kind: ItemKind, name: String) -> impl Strategy<Value = Item> {
    let definition =
        (0..2usize, option::of(prop_oneof![Just(NOW), Just(NOW + 1)])).prop_map(|(which, until)| {
            Definition { version: format!("v{which}"), digest: DIGESTS[which], until }
        });
    let pinned = option::weighted(0.3, btree_set(definition, 1..3));
    let argument = option::weighted(0.2, Just(condition(CONDITIONS[0])));
    let rest = (
        option::weighted(0.15, approval()),
        prop::bool::weighted(0.2),
        when(0.2),
        argument,
        mode(),
        (prop::bool::ANY, btree_set(param_header(), 0..3)),
    );
    (prop_oneof![1 => Just(0), 1 => 0..4u32], labels(), pinned, rest).prop_map(
        move |(tier, labels, pinned, (approval, check_it, when, argument, mode, (each, headers)))| {
            let is_tool = kind == ItemKind::Tool;
            let definitions: Vec<_> = pinned.filter(|_| is_tool).into_iter().flatten().collect();
            let mut param_headers = BTreeSet::new();
            for header in headers.into_iter().filter(|_| is_tool) {
                // One of the versions has it, or all.
                let version = definitions.last().filter(|_| each).map(|d: &Definition| d.version.clone());
                param_headers.insert(ParamHeader { version, ..header });
            }
            let path = vec!["n".to_owned()];
            Item {
                kind,
                name: name.clone(),
                tier,
                labels,
                definitions,
                param_headers,
                approval,
                checks: if check_it && is_tool { vec![check()] } else { Vec::new() },
                when,
                arguments: argument
                    .into_iter()
                    .map(|condition| ArgumentRule { path: path.clone(), condition })
                    .collect(),
                shown: BTreeSet::from([path.clone()]),
                mode,
                origin: Origin::default(),
            }
        },
    )
}

fn catalogue() -> impl Strategy<Value = Vec<Item>> {
    let of = |kind: ItemKind, names: &'static [&'static str]| {
        let names = prop::sample::subsequence(names, names.len() / 2..=names.len());
        names.prop_flat_map(move |names| {
            names.into_iter().map(|name| item(kind, name.to_owned())).collect::<Vec<_>>()
        })
    };
    let tools = of(ItemKind::Tool, &["n0", "n1"]);
    let prompts = of(ItemKind::Prompt, &["n0", "n1"]);
    (tools, prompts, of(ItemKind::Resource, &URIS[..2]), of(ItemKind::Template, &TEMPLATES))
        .prop_map(|(tools, prompts, resources, templates)| [tools, prompts, resources, templates].concat())
}

fn methods() -> impl Strategy<Value = BTreeMap<String, MethodRule>> {
    let urls = option::of(Just(BTreeSet::from(["https://ask.test/form".to_owned()])));
    let rule = (prop::bool::weighted(0.7), option::weighted(0.3, 0..4u32), when(0.2), urls, mode()).prop_map(
        |(permit, tier, when, urls, mode)| MethodRule {
            permit,
            tier,
            when,
            urls,
            mode,
            origin: Origin::default(),
        },
    );
    btree_map((0..METHODS.len()).prop_map(|method| METHODS[method].to_owned()), rule, 0..2)
}

fn server(index: u8) -> impl Strategy<Value = Server> {
    let kind =
        prop_oneof![Just(ServerKind::Personal), Just(ServerKind::Corporate), Just(ServerKind::Sensitive)];
    let scopes = prop_oneof![2 => Just(BTreeMap::new()), 1 => btree_map(0..4u32, name(), 1..3)];
    (kind, labels(), scopes, catalogue(), methods(), mode()).prop_map(
        move |(kind, labels, scopes, items, methods, mode)| Server {
            id: format!("s{index}"),
            resource: format!("https://tools.test/s{index}"),
            authorities: BTreeSet::from(["tools.test".to_owned()]),
            path: format!("/s{index}"),
            kind,
            owner: String::new(),
            environment: "dev".into(),
            labels,
            revisions: None,
            scopes,
            items,
            methods,
            mode,
            origin: Origin::default(),
        },
    )
}

fn grant() -> impl Strategy<Value = Grant> {
    let plain = prop::bool::weighted(0.5);
    (
        vec(holder(), 1..3),
        option::weighted(0.3, vec(agent(), 1..3)),
        servers(),
        ceiling(),
        window(),
        when(0.3),
        mode(),
        plain,
    )
        .prop_map(|(subjects, actors, servers, ceiling, window, when, mode, plain)| {
            let (id, origin) = (String::new(), Origin::default());
            let grant = Grant { id, subjects, actors, servers, ceiling, window, when, mode, origin };
            if plain {
                Grant { actors: None, window: Window::default(), when: None, mode: Mode::Enforce, ..grant }
            } else {
                grant
            }
        })
}

fn actor() -> impl Strategy<Value = Actor> {
    (
        own_agent(),
        0..3u8,
        labels(),
        servers(),
        ceiling(),
        prop_oneof![2 => Just(Window::default()), 1 => window()],
    )
        .prop_map(|(agent, of_type, labels, servers, ceiling, window)| Actor {
            id: String::new(),
            agent,
            agent_type: if of_type == 2 { String::new() } else { format!("t{of_type}") },
            labels,
            servers,
            ceiling,
            window,
            origin: Origin::default(),
        })
}

fn forbid() -> impl Strategy<Value = Forbid> {
    let people = (option::of(vec(holder(), 1..3)), option::weighted(0.4, vec(agent(), 1..3)));
    let methods =
        option::weighted(0.2, btree_set((0..METHODS.len()).prop_map(|m| METHODS[m].to_owned()), 1..3));
    (people, servers(), option::weighted(0.7, items()), methods, window(), when(0.4), mode()).prop_map(
        |((subjects, actors), servers, items, methods, window, when, mode)| {
            let (id, origin) = (String::new(), Origin::default());
            Forbid { id, subjects, actors, servers, items, methods, window, when, mode, origin }
        },
    )
}

fn approval_rule() -> impl Strategy<Value = ApprovalRule> {
    let people = (option::of(vec(holder(), 1..3)), option::weighted(0.4, vec(agent(), 1..3)));
    (people, servers(), items(), when(0.3), approval(), mode()).prop_map(
        |((subjects, actors), servers, items, when, approval, mode)| {
            let (id, origin) = (String::new(), Origin::default());
            ApprovalRule { id, subjects, actors, servers, items, when, approval, mode, origin }
        },
    )
}

fn budget() -> impl Strategy<Value = BudgetRule> {
    let people = (option::of(vec(holder(), 1..3)), option::weighted(0.4, vec(agent(), 1..3)));
    (people, servers(), items(), mode()).prop_map(|((subjects, actors), servers, items, mode)| BudgetRule {
        id: String::new(),
        subjects,
        actors,
        servers,
        items,
        per: BTreeSet::from([BudgetKey::Subject]),
        limit: 3,
        window: 60,
        mode,
        origin: Origin::default(),
    })
}

fn agent_types() -> impl Strategy<Value = BTreeMap<String, AgentType>> {
    let kinds = btree_set(
        prop_oneof![Just(ServerKind::Personal), Just(ServerKind::Corporate), Just(ServerKind::Sensitive)],
        1..=3,
    );
    let agent_type = (kinds, option::of(0..4u32)).prop_map(|(server_kinds, ceiling)| AgentType {
        server_kinds,
        ceiling,
        origin: Origin::default(),
    });
    vec(agent_type, 2).prop_map(|types| ["t0", "t1"].map(str::to_owned).into_iter().zip(types).collect())
}

/// A whole policy.
pub fn policy() -> impl Strategy<Value = Policy> {
    let own = |issuer: usize| (ISSUERS[issuer].to_owned(), BTreeSet::new());
    let wide = |issuer: usize, other: usize| {
        (ISSUERS[issuer].to_owned(), BTreeSet::from([ISSUERS[other].to_owned()]))
    };
    let trusted = prop_oneof![
        2 => Just(None),
        1 => Just(Some(BTreeMap::from([own(0)]))),
        1 => Just(Some(BTreeMap::from([own(0), wide(1, 0)]))),
        1 => Just(Some(BTreeMap::from([wide(1, 0)]))),
        3 => Just(Some(BTreeMap::from([wide(0, 1), wide(1, 0)]))),
    ];
    let chain = (1..4u32, trusted)
        .prop_map(|(max_length, trusted_issuers)| ChainRules { max_length, trusted_issuers });
    let consent =
        (option::weighted(0.2, 0..4u32), option::weighted(0.3, 1..4u64), option::weighted(0.3, 0..4u32))
            .prop_map(|(required_from, longest_life, reason_from)| ConsentRules {
                required_from,
                longest_life,
                reason_from,
            });
    let head = (
        chain,
        consent,
        agent_types(),
        methods(),
        option::weighted(0.2, prop_oneof![1 => Just(NOW), 3 => Just(NOW + 1)]),
    );
    let rules = (
        vec(grant(), 0..6),
        vec(actor(), 0..5),
        vec(forbid(), 0..2),
        vec(approval_rule(), 0..3),
        vec(budget(), 0..3),
    );
    (head, (server(0), server(1)), rules).prop_map(|(head, servers, rules)| {
        let (chain, consent, agent_types, methods, not_after) = head;
        let (mut grants, mut actors, mut forbids, mut approvals, mut budgets) = rules;
        grants.iter_mut().enumerate().for_each(|(at, rule)| rule.id = format!("g{at}"));
        actors.iter_mut().enumerate().for_each(|(at, rule)| rule.id = format!("a{at}"));
        forbids.iter_mut().enumerate().for_each(|(at, rule)| rule.id = format!("f{at}"));
        approvals.iter_mut().enumerate().for_each(|(at, rule)| rule.id = format!("p{at}"));
        budgets.iter_mut().enumerate().for_each(|(at, rule)| rule.id = format!("b{at}"));
        let short = ["a", "b"].map(str::to_owned);
        Policy {
            files: Vec::new(),
            revision: "r".into(),
            serial: 7,
            not_after,
            organisation: "acme".into(),
            environments: vec!["prod".into(), "dev".into()],
            issuers: short.into_iter().zip(ISSUERS.map(str::to_owned)).collect(),
            tiers: TIERS.map(str::to_owned).to_vec(),
            chain,
            consent,
            declared: Vec::new(),
            agent_types,
            methods,
            catalogues: std::collections::BTreeMap::new(),
            servers: vec![servers.0, servers.1],
            grants,
            actors,
            forbids,
            approvals,
            budgets,
        }
    })
}

/// The requested action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Use(&'static str),
    Tool(String, &'static str, Option<[u8; 32]>),
    Prompt(String, &'static str),
    Resource(&'static str),
    Elicit(Option<&'static str>),
}

#[derive(Debug, Clone)]
pub struct ConsentModel {
    pub servers: Option<Vec<String>>,
    pub tools: Option<Vec<String>>,
    pub level: Option<String>,
    pub reason: Option<String>,
    pub given_at: u64,
    pub expires_at: Option<u64>,
}

/// A whole request.
#[derive(Debug, Clone)]
pub struct Ask {
    pub server: usize,
    pub issuer: String,
    pub id: String,
    pub groups: Vec<String>,
    pub roles: Vec<String>,
    pub claims: Option<&'static str>,
    pub actors: Vec<(ActorKind, String, String)>,
    pub clients: Vec<(ActorKind, String, String)>,
    pub scopes: Vec<String>,
    pub consent: Option<ConsentModel>,
    pub leeway: u64,
    pub target: Target,
    pub tls: bool,
}

fn target() -> impl Strategy<Value = Target> {
    let definition = option::weighted(0.5, (0..3usize).prop_map(|which| DIGESTS[which]));
    let arguments = || (0..ARGUMENTS.len()).prop_map(|which| ARGUMENTS[which]);
    let url = prop_oneof![
        Just(None),
        Just(Some("https://ask.test/form?x=1")),
        Just(Some("https://ask.test/formal"))
    ];
    prop_oneof![
        1 => prop_oneof![Just("initialize"), Just("logging/setLevel"), Just("http/get")].prop_map(Target::Use),
        8 => (name(), arguments(), definition).prop_map(|(name, arguments, seen)| Target::Tool(name, arguments, seen)),
        1 => (name(), arguments()).prop_map(|(name, arguments)| Target::Prompt(name, arguments)),
        2 => (0..URIS.len()).prop_map(|uri| Target::Resource(URIS[uri])),
        1 => url.prop_map(Target::Elicit),
    ]
}

/// A client that a token names beside its actors.
pub fn any_client() -> impl Strategy<Value = (ActorKind, String, String)> {
    (Just(ActorKind::Client), issuer(), name())
}

pub fn any_actor() -> impl Strategy<Value = (ActorKind, String, String)> {
    (prop_oneof![Just(ActorKind::Subject), Just(ActorKind::Client)], issuer(), name())
}

fn consent() -> impl Strategy<Value = ConsentModel> {
    let end = option::weighted(0.8, prop_oneof![Just(NOW), Just(NOW + 1), Just(NOW + 3)]);
    let given = prop_oneof![6 => Just(NOW - 1), 1 => Just(NOW), 1 => Just(NOW + 1), 1 => Just(NOW + 2), 1 => Just(u64::MAX)];
    let servers = option::weighted(0.3, vec((0..2u8).prop_map(|server| format!("s{server}")), 0..2));
    let tool = prop_oneof![name(), (0..URIS.len()).prop_map(|uri| URIS[uri].to_owned())];
    let level = option::weighted(
        0.5,
        prop_oneof![(0..4usize).prop_map(|tier| TIERS[tier].to_owned()), Just("x".into())],
    );
    let reason = prop_oneof![Just(None), Just(Some(" ".to_owned())), Just(Some("because".to_owned()))];
    (servers, option::weighted(0.3, vec(tool, 0..3)), level, reason, (given, end)).prop_map(
        |(servers, tools, level, reason, (given_at, expires_at))| ConsentModel {
            servers,
            tools,
            level,
            reason,
            given_at,
            expires_at,
        },
    )
}

/// A whole request.
pub fn ask() -> impl Strategy<Value = Ask> {
    let claims = prop_oneof![
        Just(None),
        Just(Some("{}")),
        Just(Some(r#"{"c0":"v0"}"#)),
        Just(Some(r#"{"c0":["v1","v0"]}"#)),
    ];
    let who = (issuer(), name(), vec(name(), 0..3), vec(name(), 0..2), claims);
    (
        0..2usize,
        who,
        (prop_oneof![5 => vec(any_actor(), 1), 1 => vec(any_actor(), 0..4)], vec(any_client(), 0..2)),
        vec(name(), 0..3),
        (option::weighted(0.4, consent()), 0..2u64),
        target(),
        any::<bool>(),
    )
        .prop_map(
            |(
                server,
                (issuer, id, groups, roles, claims),
                (actors, clients),
                scopes,
                (consent, leeway),
                target,
                tls,
            )| Ask {
                server,
                issuer,
                id,
                groups,
                roles,
                claims,
                actors,
                clients,
                scopes,
                consent,
                leeway,
                target,
                tls,
            },
        )
}

impl Ask {
    pub fn method(&self) -> &'static str {
        match self.target {
            Target::Use(method) => method,
            Target::Tool(..) => "tools/call",
            Target::Prompt(..) => "prompts/get",
            Target::Resource(_) => "resources/read",
            Target::Elicit(_) => "elicitation/create",
        }
    }

    /// Runs `then` with the request.
    pub fn asks<T>(&self, then: impl FnOnce(&Request<'_>) -> T) -> T {
        let read = |text: &'static str| json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
        let actor = |(kind, issuer, id): &'_ (ActorKind, String, String)| (*kind, issuer.clone(), id.clone());
        let (owned, beside): (Vec<_>, Vec<_>) =
            (self.actors.iter().map(actor).collect(), self.clients.iter().map(actor).collect());
        fn lent(owned: &[(ActorKind, String, String)]) -> Vec<model::Actor<'_>> {
            owned
                .iter()
                .map(|(kind, issuer, id)| model::Actor { kind: *kind, identity: Identity { issuer, id } })
                .collect()
        }
        let (actors, clients) = (lent(&owned), lent(&beside));
        let consent = self.consent.as_ref().map(|consent| Consent {
            id: "c",
            servers: consent.servers.as_deref(),
            tools: consent.tools.as_deref(),
            level: consent.level.as_deref(),
            reason: consent.reason.as_deref(),
            given_at: consent.given_at,
            expires_at: consent.expires_at,
        });
        let identity = Identity { issuer: &self.issuer, id: &self.id };
        let claims = self.claims.and_then(|text| read(text).as_object());
        let subject = Subject { identity, groups: &self.groups, roles: &self.roles, claims };
        let (scopes, leeway) = (&self.scopes, self.leeway);
        let delegation = Delegation { subject, actors: &actors, clients: &clients, scopes, consent, leeway };
        let action = match &self.target {
            Target::Use(_) => Action::UseServer,
            Target::Tool(name, text, seen) => {
                Action::CallTool { name, arguments: read(text).as_object(), definition: seen.as_ref() }
            }
            Target::Prompt(name, text) => Action::GetPrompt { name, arguments: read(text).as_object() },
            Target::Resource(uri) => Action::ReadResource { uri },
            Target::Elicit(url) => Action::Elicit { url: *url },
        };
        let connection = Connection { tls: self.tls, ..Connection::default() };
        then(&Request { delegation: &delegation, method: self.method(), action, now: NOW, connection })
    }
}
