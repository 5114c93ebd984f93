//! Helpers of the policy engine's tests.
#![allow(dead_code, reason = "each suite uses some of them")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

pub mod model;
pub mod naive;

use policy_wasm::bundle::{Bundle, Trust};
use policy_wasm::compile::{Options, SourceFile, compile};
use policy_wasm::condition::{self, Scope};
use policy_wasm::decision::Decision;
use policy_wasm::model::{Action, Actor, ActorKind, Connection, Delegation, Identity, Request, Subject};
use proptest::test_runner::{FailurePersistence, FileFailurePersistence};

/// Where properties keep the seeds of cases that failed: beside the test program, as `NAME.regressions`. Commit that file.
pub fn regressions() -> Option<Box<dyn FailurePersistence>> {
    Some(Box::new(FileFailurePersistence::WithSource("regressions")))
}

/// The time of all requests: 2026-11-21T12:00:00Z.
pub const NOW: u64 = 1_795_262_400;

/// The bytes of a policy that must compile.
pub fn compiled(texts: &[&str]) -> Vec<u8> {
    let files: Vec<SourceFile> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| SourceFile { name: format!("p{index}.yaml"), text: (*text).to_owned() })
        .collect();
    match compile(&files, &Options::default()) {
        Ok(bytes) => bytes,
        Err(problems) => panic!("policy does not compile:\n{problems}{}", texts.join("\n---\n")),
    }
}

/// The bundle of a policy that must compile.
pub fn bundle(text: &str) -> Bundle {
    Bundle::open(compiled(&[text]), &Trust::digest_only()).unwrap()
}

/// A caller, owned, so that tests can vary it.
#[derive(Debug, Clone)]
pub struct Caller {
    pub issuer: String,
    pub id: String,
    pub groups: Vec<String>,
    pub roles: Vec<String>,
    /// Kind, issuer, name.
    pub actors: Vec<(ActorKind, String, String)>,
    pub scopes: Vec<String>,
}

impl Caller {
    /// Runs `then` with the caller's request for `action`.
    pub fn asks<T>(&self, action: Action<'_>, then: impl FnOnce(&Request<'_>) -> T) -> T {
        let method = match action {
            Action::CallTool { .. } => "tools/call",
            Action::GetPrompt { .. } => "prompts/get",
            Action::ReadResource { .. } => "resources/read",
            Action::Elicit { .. } => "elicitation/create",
            Action::UseServer => "tools/list",
        };
        self.with(|delegation| {
            then(&Request { delegation, method, action, now: NOW, connection: Connection::default() })
        })
    }

    /// Runs `then` with the caller as a delegation.
    pub fn with<T>(&self, then: impl FnOnce(&Delegation<'_>) -> T) -> T {
        let actors: Vec<Actor<'_>> = self
            .actors
            .iter()
            .map(|(kind, issuer, id)| Actor { kind: *kind, identity: Identity { issuer, id } })
            .collect();
        then(&Delegation {
            subject: Subject {
                identity: Identity { issuer: &self.issuer, id: &self.id },
                groups: &self.groups,
                roles: &self.roles,
                claims: None,
            },
            actors: &actors,
            clients: &[],
            scopes: &self.scopes,
            consent: None,
            leeway: 0,
        })
    }
}

/// The compiled form of a condition of `model::CONDITIONS`.
pub fn condition_code(text: &str) -> Vec<u8> {
    let scope = Scope { tiers: model::TIERS.map(str::to_owned).to_vec(), ..Scope::default() };
    condition::compile(text, &scope).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"))
}

/// Whether an explanation agrees with a decision: the same effect for the same first reason. It may have more reasons,
/// since it looks at arguments also if the caller is denied already.
pub fn explains(explained: &Decision, evaluated: &Decision) -> bool {
    let has = |reason| explained.reasons.contains(reason) || explained.monitored.contains(reason);
    explained.effect() == evaluated.effect()
        && explained.reasons.first() == evaluated.reasons.first()
        && evaluated.reasons.iter().all(|reason| explained.reasons.contains(reason))
        && evaluated.monitored.iter().all(has)
}
