//! Decisions, explanations and problems as JSON: one form for the command line, JavaScript and tests.

use super::read::Query;
use super::remedies::remedies;
use crate::bundle::Bundle;
use crate::decision::{BudgetKey, Decision, Effect, Obligation, Reasons};
use crate::json::writer::{Object, list};
use crate::pdp::{Explanation, Fact, Layer};
use crate::source::{Paint, Problem, Problems};

/// A decision as JSON: `{"effect":…,"reasons":[…],"monitored":[…],"tier":…,"ceiling":…,"scope_needed":…,
/// "obligations":[…],"revision":…}`. The client learns the first reason.
pub fn decision_json(bundle: &Bundle, decision: &Decision) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    members(&mut object, bundle, decision);
    object.close();
    out
}

/// An explanation as JSON: the decision's members, then `"layers"` and `"would_change"`.
pub fn explanation_json(bundle: &Bundle, query: &Query, explanation: &Explanation) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    members(&mut object, bundle, &explanation.decision);
    object.list("layers", &explanation.layers, layer);
    object.list("would_change", remedies(query, explanation), |out, change| {
        let mut object = Object::open(out);
        object.text("reason", change.reason.code());
        object.text("change", &change.text);
        object.close();
    });
    object.close();
    out
}

/// Problems as a JSON list of [`problem_json`].
pub fn problems_json(problems: &Problems) -> String {
    let mut out = String::new();
    list(&mut out, problems.to_vec(), |out, problem| out.push_str(&problem_json(&problem)));
    out
}

/// A problem as JSON (`docs/cli.md`): `{"file":…,"line":…,"column":…,"end_line":…,"end_column":…,"path":…,"message":…,
/// "suggestion":…,"excerpt":…}`. The end is exclusive. The suggestion can be `null`; so can the excerpt, which is the
/// line of the file and the mark below it.
pub fn problem_json(problem: &Problem) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    object.text("file", &problem.file);
    object.scalar("line", problem.position.line);
    object.scalar("column", problem.position.column);
    object.scalar("end_line", problem.end.line);
    object.scalar("end_column", problem.end.column);
    object.text("path", &problem.path);
    object.text("message", &problem.message);
    object.text_or_null("suggestion", problem.suggestion.as_deref());
    let excerpt = problem.excerpt.as_ref();
    let excerpt = excerpt.map(|excerpt| excerpt.lines(problem.position.line, Paint::Plain).join("\n"));
    object.text_or_null("excerpt", excerpt.as_deref());
    object.close();
    out
}

/// The name of an effect.
pub(super) fn effect_code(effect: Effect) -> &'static str {
    match effect {
        Effect::Permit => "permit",
        Effect::Deny => "deny",
    }
}

fn members(object: &mut Object<'_>, bundle: &Bundle, decision: &Decision) {
    object.text("effect", effect_code(decision.effect()));
    reasons(object, "reasons", decision.reasons);
    reasons(object, "monitored", decision.monitored);
    object.text_or_null("tier", decision.tier.as_deref());
    object.text_or_null("ceiling", decision.ceiling.as_deref());
    object.text_or_null("scope_needed", decision.scope_needed.as_deref());
    object.list("obligations", &decision.obligations, obligation);
    object.text("revision", bundle.revision());
}

fn reasons(object: &mut Object<'_>, key: &'static str, reasons: Reasons) {
    object.texts(key, reasons.iter().map(|reason| reason.code()));
}

fn obligation(out: &mut String, obligation: &Obligation) {
    let mut object = Object::open(out);
    match obligation {
        Obligation::Check(check) => {
            object.text("kind", "check");
            object.text("subject", &format!("{}:{}", check.subject_type, check.subject_id));
            object.text("relation", &check.relation);
            object.text("object", &format!("{}:{}", check.object_type, check.object_id));
        }
        Obligation::Approval(approval) => {
            object.text("kind", "approval");
            object.text("rule", &approval.rule);
            object.texts("approvers", &approval.approvers);
            object.scalar("valid_for", approval.valid_for);
        }
        Obligation::Budget(budget) => {
            object.text("kind", "budget");
            object.text("rule", &budget.rule);
            object.texts("per", budget.per.iter().map(|key| budget_key(*key)));
            object.scalar("limit", budget.limit);
            object.scalar("window", budget.window);
        }
    }
    object.close();
}

fn budget_key(key: BudgetKey) -> &'static str {
    match key {
        BudgetKey::Subject => "subject",
        BudgetKey::Actor => "actor",
        BudgetKey::Item => "tool",
    }
}

fn layer(out: &mut String, layer: &Layer) {
    let mut object = Object::open(out);
    object.text("name", layer.name.code());
    object.text("outcome", if layer.reasons.is_empty() { "pass" } else { "deny" });
    object.list("facts", &layer.facts, fact);
    reasons(&mut object, "reasons", layer.reasons);
    object.close();
}

fn fact(out: &mut String, fact: &Fact) {
    let mut object = Object::open(out);
    object.text("what", &fact.what);
    object.text_or_null("rule", fact.rule.as_ref().map(ToString::to_string).as_deref());
    object.text_or_null("tier", fact.tier.as_deref());
    object.scalar("decided", fact.decided);
    object.close();
}
