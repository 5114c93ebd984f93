//! Policy tests: files beside the policy that are never compiled into it.

use super::read::{Cast, Query, actor, consent, moment, optional, subject};
use crate::decision::{DenyReason, Effect, Visibility};
#[cfg(feature = "compile")]
use crate::source::Problems;
use crate::source::{MapReader, Place, Position, Value, suggest};
use std::collections::BTreeSet;

/// The value of the first key of a test file.
const FORM: &str = "toolward/v1";

/// The tests of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// The file, as the caller named it.
    pub file: String,
    /// The tests in the file's order.
    pub tests: Vec<PolicyTest>,
}

/// One test: a question and the answer that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTest {
    /// Its name, unique in the file.
    pub name: String,
    /// Its place in the policy files.
    pub position: Position,
    /// The question.
    pub query: Query,
    /// The answer.
    pub expect: Expect,
    /// The places of the parts that only a bundle can reject: server, subject, actors.
    pub(super) parts: [(&'static str, Position); 3],
}

/// The expectations of a test; `None` expects nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expect {
    /// Permit or deny.
    pub effect: Option<Effect>,
    /// The reason that the client learns.
    pub first_reason: Option<DenyReason>,
    /// All reasons, exactly.
    pub reasons: Option<BTreeSet<DenyReason>>,
    /// All monitored reasons, exactly.
    pub monitored: Option<BTreeSet<DenyReason>>,
    /// All obligations, exactly, in any order.
    pub obligations: Option<BTreeSet<ExpectedObligation>>,
    /// The visibility of the item in lists.
    pub visibility: Option<Visibility>,
    /// Name of the item's tier.
    pub tier: Option<String>,
    /// Name of the lowest ceiling.
    pub ceiling: Option<String>,
}

/// An obligation, as a test names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExpectedObligation {
    /// `user:kim debit account:DE01`.
    Check(String),
    /// Id of the rule or name of the tool.
    Approval(String),
    /// Id of the rule.
    Budget(String),
}

impl std::fmt::Display for ExpectedObligation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExpectedObligation::Check(text) => write!(f, "check {text}"),
            ExpectedObligation::Approval(rule) => write!(f, "approval {rule}"),
            ExpectedObligation::Budget(rule) => write!(f, "budget {rule}"),
        }
    }
}

impl Suite {
    /// Reads a test file as YAML.
    ///
    /// # Errors
    /// Everything that is wrong with it, with positions.
    #[cfg(feature = "compile")]
    pub fn read(file: &str, text: &str) -> Result<Suite, Problems> {
        let problems = Problems::new();
        let node = crate::compile::read_yaml(file, text, &problems);
        let suite = node.and_then(|node| Suite::from_place(&Place::root(file, &node, &problems)));
        match suite {
            Some(suite) if problems.is_empty() => Ok(suite),
            _ => {
                crate::compile::quote(&problems, file, text);
                Err(problems)
            }
        }
    }

    /// Reads a test file; `None` after a problem was added.
    pub fn from_place(place: &Place<'_>) -> Option<Suite> {
        let mut map = place.map()?;
        let form = map.required("policy_tests").and_then(|place| place.one_of(&[FORM]));
        let now = optional(&mut map, "now", moment);
        let mut cast = Cast::default();
        for (key, list) in
            [("subjects", &mut cast.subjects), ("actors", &mut cast.actors), ("consents", &mut cast.consents)]
        {
            if let Some(place) = map.optional(key) {
                *list = place.named()?;
            }
        }
        // Definitions that no test uses are read too.
        cast.subjects.iter().for_each(|named| drop(subject(&named.value)));
        cast.actors.iter().for_each(|named| drop(actor(&named.value)));
        cast.consents.iter().for_each(|named| drop(consent(&named.value)));
        let places = map.required("tests").and_then(|place| place.list());
        map.finish();
        let places = places?;
        let mut names = BTreeSet::new();
        let mut tests = Vec::new();
        for place in &places {
            let Some(mut test) = test(place, &cast) else { continue };
            if !names.insert(test.name.clone()) {
                place.refuse(format!("another test is called `{}`", test.name));
            }
            test.query.now = test.query.now.or(now.flatten());
            tests.push(test);
        }
        form.and(now)?;
        (tests.len() == places.len()).then(|| Suite { file: place.file().to_owned(), tests })
    }
}

fn test<'n>(place: &Place<'n>, cast: &Cast<'n>) -> Option<PolicyTest> {
    let mut map = place.map()?;
    let name = map.required("name").and_then(|place| place.text().map(str::to_owned));
    let expect = map.required("expect").and_then(|place| expect(&place));
    let query = Query::fields(&mut map, cast);
    let position = place.node().position;
    let parts = ["server", "subject", "actors"]
        .map(|key| (key, map.optional(key).map_or(position, |place| place.node().position)));
    map.finish();
    Some(PolicyTest { name: name?, position, query: query?, expect: expect?, parts })
}

fn expect(place: &Place<'_>) -> Option<Expect> {
    if let Value::String(text) = &place.node().value {
        if text == "deny" {
            place.refuse_with(
                "expected the reason too",
                Some("write `{deny: tier_above_subject}`, or whatever the reason is".to_owned()),
            );
            return None;
        }
        place.one_of(&["permit"])?;
        return Some(Expect { effect: Some(Effect::Permit), ..Expect::default() });
    }
    let mut map = place.map()?;
    let deny = optional(&mut map, "deny", denial);
    let effect = optional(&mut map, "effect", |place| {
        Some(if place.one_of(&["permit", "deny"])? == 0 { Effect::Permit } else { Effect::Deny })
    });
    let reasons = optional(&mut map, "reasons", reasons);
    let monitored = optional(&mut map, "monitored", self::reasons);
    let obligations = optional(&mut map, "obligations", obligations);
    let visibility = optional(&mut map, "visibility", |place| {
        const ALL: [Visibility; 3] = [Visibility::Permit, Visibility::Conditional, Visibility::Deny];
        ALL.get(place.one_of(&["permit", "conditional", "deny"])?).copied()
    });
    let text = |map: &mut MapReader<'_>, key| optional(map, key, |place| place.text().map(str::to_owned));
    let (tier, ceiling) = (text(&mut map, "tier"), text(&mut map, "ceiling"));
    map.finish();
    let mut expect = Expect {
        effect: effect?,
        first_reason: None,
        reasons: reasons?,
        monitored: monitored?,
        obligations: obligations?,
        visibility: visibility?,
        tier: tier?,
        ceiling: ceiling?,
    };
    if let Some(denial) = deny? {
        if expect.effect.is_some() || expect.reasons.is_some() {
            place.refuse("expected either `deny`, or `effect` and `reasons`");
            return None;
        }
        expect.effect = Some(Effect::Deny);
        match denial {
            Denial::First(reason) => expect.first_reason = Some(reason),
            Denial::All(reasons) => expect.reasons = Some(reasons),
        }
    }
    if expect.effect == Some(Effect::Deny) && expect.first_reason.is_none() && expect.reasons.is_none() {
        place.refuse("expected `reasons` beside `effect: deny`");
        return None;
    }
    if expect == Expect::default() {
        place.refuse("expected something to hold: `effect`, `deny`, `visibility`, …");
        return None;
    }
    Some(expect)
}

/// `deny: reason` is the reason that the client learns; `deny: [reason, …]` are all reasons.
enum Denial {
    First(DenyReason),
    All(BTreeSet<DenyReason>),
}

fn denial(place: &Place<'_>) -> Option<Denial> {
    match place.node().value {
        Value::List(_) => reasons(place).map(Denial::All),
        _ => reason(place).map(Denial::First),
    }
}

fn reasons(place: &Place<'_>) -> Option<BTreeSet<DenyReason>> {
    let places = place.list()?;
    let found: Vec<DenyReason> = places.iter().filter_map(reason).collect();
    (found.len() == places.len()).then(|| found.into_iter().collect())
}

fn reason(place: &Place<'_>) -> Option<DenyReason> {
    let code = place.string()?;
    let found = DenyReason::ALL.into_iter().find(|reason| reason.code() == code);
    if found.is_none() {
        let suggestion = suggest(code, DenyReason::ALL.iter().map(|reason| reason.code()));
        let hint = || "the README lists them under Reasons".to_owned();
        place.refuse_with(format!("no reason has the code `{code}`"), suggestion.or_else(|| Some(hint())));
    }
    found
}

fn obligations(place: &Place<'_>) -> Option<BTreeSet<ExpectedObligation>> {
    let places = place.list()?;
    let found: Vec<ExpectedObligation> = places.iter().filter_map(obligation).collect();
    (found.len() == places.len()).then(|| found.into_iter().collect())
}

fn obligation(place: &Place<'_>) -> Option<ExpectedObligation> {
    let mut map = place.map()?;
    type Make = fn(String) -> ExpectedObligation;
    let kinds: [(&'static str, Make); 3] = [
        ("check", ExpectedObligation::Check),
        ("approval", ExpectedObligation::Approval),
        ("budget", ExpectedObligation::Budget),
    ];
    let named: Vec<(Place<'_>, Make)> =
        kinds.into_iter().filter_map(|(key, make)| Some((map.optional(key)?, make))).collect();
    map.finish();
    match named.as_slice() {
        [(place, make)] => place.text().map(|text| make(text.to_owned())),
        _ => {
            place.refuse("expected one of `check`, `approval` and `budget`");
            None
        }
    }
}
