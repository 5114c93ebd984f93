//! An explanation as text.

use super::answer::effect_code;
use super::read::{Query, ServerName, Target};
use super::remedies::remedies;
use super::style::Paint;
use crate::bundle::Bundle;
use crate::decision::{Effect, Obligation, Reasons};
use crate::pdp::{Explanation, Fact, Layer};
use crate::source::harmless;

/// The full trace as a readable tree: the decision, the findings of each layer, and the remedies.
pub fn explanation_text(bundle: &Bundle, query: &Query, explanation: &Explanation, paint: Paint) -> String {
    let decision = &explanation.decision;
    let mut out = String::new();
    let effect = effect_code(decision.effect());
    out.push_str(&match decision.effect() {
        Effect::Permit => paint.good(effect),
        Effect::Deny => paint.bad(effect),
    });
    if !decision.reasons.is_empty() {
        out.push_str(&format!("  {}", codes(decision.reasons)));
    }
    if !decision.monitored.is_empty() {
        out.push_str(&format!("  {}", paint.open(&format!("monitored: {}", codes(decision.monitored)))));
    }
    out.push_str(&format!("\n{}\n", one_line(&asked(query))));
    let mut about = vec![format!("revision {}", bundle.revision())];
    about.extend(decision.tier.as_ref().map(|tier| format!("tier {tier}")));
    about.extend(decision.ceiling.as_ref().map(|ceiling| format!("ceiling {ceiling}")));
    out.push_str(&format!("{}\n\n", paint.faint(&one_line(&about.join(", ")))));
    for (index, layer) in explanation.layers.iter().enumerate() {
        let last = index.saturating_add(1) == explanation.layers.len();
        layer_text(&mut out, layer, last, paint);
    }
    if !decision.obligations.is_empty() {
        out.push_str("\nthe permit counts once\n");
        for obligation in &decision.obligations {
            out.push_str(&format!("  • {}\n", one_line(&obligation_text(obligation))));
        }
    }
    let changes = remedies(query, explanation);
    if !changes.is_empty() {
        out.push_str(if changes.len() == 1 {
            "\nit would be permitted by\n"
        } else {
            "\nit would be permitted by all of\n"
        });
        for change in changes {
            out.push_str(&format!(
                "  • {} {}\n",
                one_line(&change.text),
                paint.faint(&format!("({})", change.reason.code()))
            ));
        }
    }
    out
}

/// Subject, action, actors and server in one line.
pub(super) fn asked(query: &Query) -> String {
    let mut out = query.subject.id.clone();
    for actor in &query.actors {
        out.push_str(&format!(" by {}", actor.id));
    }
    let server = match &query.server {
        ServerName::Id(id) => id.clone(),
        ServerName::At { authority, path } => format!("{authority}{path}"),
    };
    out.push_str(&format!(" at {server}: {}", query.method()));
    match &query.target {
        Target::Tool(name) | Target::Prompt(name) | Target::Resource(name) | Target::Url(name) => {
            out.push_str(&format!(" {name}"));
        }
        Target::Server => {}
    }
    out
}

fn layer_text(out: &mut String, layer: &Layer, last: bool, paint: Paint) {
    let (branch, trunk) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
    let mark = if layer.reasons.is_empty() { paint.good("✓") } else { paint.bad("✗") };
    let name = layer.name.code();
    out.push_str(&format!("{}{mark} {}", paint.faint(branch), paint.title(name)));
    if !layer.reasons.is_empty() {
        out.push_str(&format!("  {}", paint.bad(&codes(layer.reasons))));
    }
    out.push('\n');
    for fact in &layer.facts {
        out.push_str(&format!("{}  {}\n", paint.faint(trunk), fact_text(fact, paint)));
    }
}

fn fact_text(fact: &Fact, paint: Paint) -> String {
    let what = one_line(&fact.what);
    let mut text = match fact.rule.as_ref().map(|rule| one_line(&rule.to_string())) {
        // A fact about a rule begins with the rule.
        Some(rule) if !what.contains('`') => format!("{rule} {what}"),
        Some(rule) => format!("{what}, {rule}"),
        None => what,
    };
    if let Some(tier) = &fact.tier {
        text.push_str(&format!(" → {}", one_line(tier)));
    }
    match (fact.decided, fact.matched) {
        (true, _) => format!("{} {text}", paint.open("▸")),
        (false, true) => format!("  {text}"),
        (false, false) => format!("  {}", paint.faint(&text)),
    }
}

/// One obligation as text, also for comparison with the expectation of a test.
pub(super) fn obligation_text(obligation: &Obligation) -> String {
    match obligation {
        Obligation::Check(check) => format!(
            "the authorization cluster confirms {}:{} {} {}:{}",
            check.subject_type, check.subject_id, check.relation, check.object_type, check.object_id
        ),
        Obligation::Approval(approval) if approval.approvers.is_empty() => {
            format!("somebody approves it ({}), for {} s", approval.rule, approval.valid_for)
        }
        Obligation::Approval(approval) => {
            format!(
                "{} approves it ({}), for {} s",
                approval.approvers.join(" or "),
                approval.rule,
                approval.valid_for
            )
        }
        Obligation::Budget(budget) => {
            format!("the budget {} is not spent: {} calls in {} s", budget.rule, budget.limit, budget.window)
        }
    }
}

fn codes(reasons: Reasons) -> String {
    reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>().join(", ")
}

/// Names and arguments do nothing to a terminal, and stay on their line.
pub(super) fn one_line(text: &str) -> String {
    harmless(text)
}
