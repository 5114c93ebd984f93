//! The access of one caller to one item or method.

use crate::bundle::{Bundle, Item, Server};
use crate::decision::{Decision, DenyReason, Effect, Obligation, Reasons, Visibility};
use crate::model::{Action, ItemKind, Request};
use crate::pdp::{self, Authority};

/// The possible outcomes of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// No call is permitted.
    Deny,
    /// Some calls are permitted: see [`Access::needs`].
    Conditional,
    /// Every call is permitted.
    Permit,
}

impl Outcome {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Outcome::Deny => "deny",
            Outcome::Conditional => "conditional",
            Outcome::Permit => "permit",
        }
    }
}

/// A condition of a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Need {
    /// Arguments that the policy admits.
    Arguments = 0,
    /// The subject's consent.
    Consent = 1,
    /// The authorization cluster's yes.
    Check = 2,
    /// A person's yes.
    Approval = 3,
    /// A budget that is not spent.
    Budget = 4,
}

impl Need {
    /// Every need, in order.
    pub const ALL: [Need; 5] = [Need::Arguments, Need::Consent, Need::Check, Need::Approval, Need::Budget];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Need::Arguments => "arguments",
            Need::Consent => "consent",
            Need::Check => "check",
            Need::Approval => "approval",
            Need::Budget => "budget",
        }
    }
}

/// A set of needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Needs(u8);

impl Needs {
    /// Adds one.
    pub fn add(&mut self, need: Need) {
        self.0 |= 1_u8.wrapping_shl(need as u32);
    }

    /// Whether there are no needs.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Need> {
        Need::ALL.into_iter().filter(move |need| self.0 & 1_u8.wrapping_shl(*need as u32) != 0)
    }
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The outcome of calls.
    pub outcome: Outcome,
    /// The needs of the outcome; empty unless it is conditional.
    pub needs: Needs,
    /// The reasons, if every call is denied.
    pub reasons: Reasons,
    /// The reasons that monitor mode turned into records.
    pub monitored: Reasons,
}

/// Asks for one entry after another on behalf of one caller.
pub(super) struct Probe<'q> {
    bundle: &'q Bundle,
    server: Server<'q>,
    request: &'q Request<'q>,
    authority: Authority<'q>,
    /// Whether the request's consent is only assumed.
    assumes_consent: bool,
}

impl<'q> Probe<'q> {
    pub(super) fn new(server: Server<'q>, request: &'q Request<'q>, assumes_consent: bool) -> Probe<'q> {
        let bundle = server.bundle();
        let authority = Authority::of(bundle, server, request);
        Probe { bundle, server, request, authority, assumes_consent }
    }

    /// The access to an item.
    pub(super) fn item(&self, item: Item<'_>) -> Access {
        self.item_with(item, |_, cell| cell)
    }

    /// As [`Probe::item`], and lends the evaluated request to `then`.
    pub(super) fn item_with<T>(&self, item: Item<'_>, then: impl FnOnce(&Request<'_>, Access) -> T) -> T {
        let visibility = self.authority.visibility(item.kind(), item.name());
        let uri;
        let (method, action) = match item.kind() {
            ItemKind::Tool => {
                ("tools/call", Action::CallTool { name: item.name(), arguments: None, definition: None })
            }
            ItemKind::Prompt => ("prompts/get", Action::GetPrompt { name: item.name(), arguments: None }),
            ItemKind::Resource => ("resources/read", Action::ReadResource { uri: item.name() }),
            ItemKind::Template => {
                uri = example(item.name());
                ("resources/read", Action::ReadResource { uri: &uri })
            }
        };
        let request = Request { method, action, ..*self.request };
        let mut cell = self.cell(visibility, &pdp::evaluate(self.bundle, self.server, &request));
        if cell.outcome != Outcome::Deny {
            if item.has_checks() {
                cell.needs.add(Need::Check);
            }
            if item.approval().is_ok_and(|approval| approval.is_some()) {
                cell.needs.add(Need::Approval);
            }
            self.consent(&mut cell, item.tier());
        }
        then(&request, cell)
    }

    /// The access to a method without an item, and the evaluated request.
    pub(super) fn method<'m>(&self, method: &'m str) -> (Request<'m>, Access)
    where
        'q: 'm,
    {
        let action = match method {
            "elicitation/create" => Action::Elicit { url: None },
            _ => Action::UseServer,
        };
        let request = Request { method, action, ..*self.request };
        let decision = pdp::evaluate(self.bundle, self.server, &request);
        let visibility = match decision.effect() {
            Effect::Permit => Visibility::Permit,
            Effect::Deny => Visibility::Deny,
        };
        (request, self.cell(visibility, &decision))
    }

    fn cell(&self, visibility: Visibility, decision: &Decision) -> Access {
        let mut needs = Needs::default();
        for obligation in &decision.obligations {
            needs.add(match obligation {
                Obligation::Check(_) => Need::Check,
                Obligation::Approval(_) => Need::Approval,
                Obligation::Budget(_) => Need::Budget,
            });
        }
        let (outcome, reasons) = match visibility {
            Visibility::Deny => (Outcome::Deny, without_arguments(decision.reasons)),
            Visibility::Permit | Visibility::Conditional => {
                // The call was evaluated without arguments: only its arguments can deny it.
                if decision.effect() == Effect::Deny {
                    needs.add(Need::Arguments);
                }
                let open = visibility == Visibility::Conditional || !needs.is_empty();
                (if open { Outcome::Conditional } else { Outcome::Permit }, Reasons::NONE)
            }
        };
        Access { outcome, needs, reasons, monitored: decision.monitored }
    }

    /// A consent that is only assumed is one that the permit depends on.
    fn consent(&self, cell: &mut Access, tier: u32) {
        if self.assumes_consent && self.bundle.consent_from().is_some_and(|from| tier >= from) {
            cell.needs.add(Need::Consent);
        }
        if !cell.needs.is_empty() {
            cell.outcome = Outcome::Conditional;
        }
    }
}

/// The reasons that do not depend on the missing arguments.
fn without_arguments(reasons: Reasons) -> Reasons {
    let of_arguments =
        [DenyReason::ArgumentMissing, DenyReason::ArgumentRefused, DenyReason::ArgumentUnusable];
    let mut kept = Reasons::NONE;
    reasons.iter().filter(|reason| !of_arguments.contains(reason)).for_each(|reason| kept.add(reason));
    kept
}

/// A URI that a template covers: each of its variables becomes a letter.
fn example(template: &str) -> String {
    let mut uri = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, behind)) = after.split_once('}') else { break };
        uri.push_str(before);
        uri.push('x');
        rest = behind;
    }
    uri.push_str(rest);
    uri
}
