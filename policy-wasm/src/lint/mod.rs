//! Lints: likely mistakes in a policy that compiles (`docs/lints.md`).
//!
//! A lint never decides. It points to rules that the author may not have meant.

mod problem;
mod reach;
pub mod risk;
mod rules;
mod state;
mod unused;
mod uris;

pub use problem::quoted;

use crate::policy::{Origin, Policy, Time};
use crate::source::Position;

/// Every lint: its code and its subject in a few words. The codes are stable.
pub const LINTS: [(&str, &str); 21] = [
    ("actor-without-grant", "an agent that no grant lets do anything"),
    ("consent-reason-alone", "a reason is asked of a consent that is itself not asked for"),
    ("definition-expired", "a tool none of whose definitions is accepted any longer"),
    ("definition-unpinned", "a sensitive server with tools whose definitions are not pinned"),
    ("forbid-shadowed", "a forbid that another one makes superfluous"),
    ("grant-above-actors", "a grant whose ceiling no agent reaches"),
    ("grant-without-actor", "a grant that no agent can use"),
    (
        "grant-without-consent",
        "a grant of the highest tier at a sensitive server for which no consent is needed",
    ),
    ("item-unreachable", "an entry of a catalogue above everybody's ceiling"),
    ("monitor-mode", "something that is recorded and not enforced"),
    ("name-above-tier", "a name that sounds more dangerous than its tier"),
    ("rule-never-matches", "a rule that matches no entry or no agent"),
    ("server-unreachable", "a server without a subject or an agent that can use it"),
    ("unused-agent-type", "an agent type that no actor has"),
    ("unused-catalogue", "a catalogue that no server has"),
    ("unused-issuer", "an issuer that no rule refers to"),
    ("unused-label", "a label of entries or agents that no rule refers to"),
    ("unused-name", "a declared group or role that no rule refers to"),
    ("uri-lookalike", "an entry that some servers take for another one of another tier"),
    ("uri-not-plain", "a URI that some reader resolves to another, or under which nothing comes"),
    ("window-expired", "a rule, or the whole policy, whose time is over"),
];

/// A likely mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lint {
    /// The file; empty if it concerns the policy as a whole.
    pub file: String,
    /// Line and column; 1, 1 if it concerns the policy as a whole.
    pub position: Position,
    /// One of [`LINTS`].
    pub code: &'static str,
    /// The likely mistake: one sentence without full stop.
    pub message: String,
    /// The advice.
    pub help: String,
}

impl std::fmt::Display for Lint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Lint { file, position, code, message, help } = self;
        if !file.is_empty() {
            write!(f, "{file}:{}:{}: ", position.line, position.column)?;
        }
        write!(f, "warning[{code}]: {message}; {help}")
    }
}

/// Collects findings.
struct Finder<'p> {
    policy: &'p Policy,
    now: Time,
    found: Vec<Lint>,
}

impl Finder<'_> {
    fn add(&mut self, code: &'static str, origin: Option<Origin>, message: String, help: &str) {
        let file = origin.and_then(|origin| self.policy.files.get(origin.file as usize)).cloned();
        let position = origin.map_or(Position { line: 1, column: 1 }, |origin| origin.position);
        let help = help.to_owned();
        self.found.push(Lint { file: file.unwrap_or_default(), position, code, message, help });
    }

    /// The name of a tier.
    fn tier(&self, tier: u32) -> &str {
        self.policy.tiers.get(tier as usize).map_or("?", String::as_str)
    }
}

/// Everything in a policy that is likely a mistake at the Unix second `now`, sorted by file and position.
///
/// Only forbids are compared pairwise; all else is linear in rules × servers.
pub fn lint(policy: &Policy, now: Time) -> Vec<Lint> {
    let mut finder = Finder { policy, now, found: Vec::new() };
    reach::find(&mut finder);
    rules::find(&mut finder);
    state::find(&mut finder);
    unused::find(&mut finder);
    uris::find(&mut finder);
    finder.found.sort();
    finder.found
}
