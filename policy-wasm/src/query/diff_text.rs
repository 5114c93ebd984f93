//! A difference as JSON and as text.

use super::access::Outcome;
use super::diff::{DecisionChange, Diff, DiffTarget, Direction, Verdict};
use super::matrix_text::kind_code;
use super::style::Paint;
use super::text::one_line;
use crate::json::writer::Object;
use std::collections::BTreeMap;

/// A difference as JSON: `{"old":…,"new":…,"compared":…,"other_reasons":…,"elsewhere":…,"settings":[…],"changes":[…]}`.
pub fn diff_json(diff: &Diff) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    object.text("old", &diff.old);
    object.text("new", &diff.new);
    object.scalar("compared", diff.compared);
    object.scalar("other_reasons", diff.other_reasons);
    object.scalar("elsewhere", diff.elsewhere);
    object.list("settings", &diff.settings, |out, setting| {
        let mut object = Object::open(out);
        object.text("name", &setting.name);
        object.text_or_null("old", setting.old.as_deref());
        object.text_or_null("new", setting.new.as_deref());
        object.close();
    });
    object.list("changes", &diff.changes, |out, change| {
        let (kind, name) = match &change.target {
            DiffTarget::Item(kind, name) => (kind_code(*kind), name),
            DiffTarget::Method(name) => ("method", name),
        };
        let mut object = Object::open(out);
        object.text("subject", &change.subject);
        object.text("agent", &change.agent);
        object.text("server", &change.server);
        object.text("kind", kind);
        object.text("name", name);
        object.text("direction", change.direction().code());
        verdict_json(object.key("old"), &change.old);
        verdict_json(object.key("new"), &change.new);
        object.close();
    });
    object.close();
    out
}

fn verdict_json(out: &mut String, verdict: &Verdict) {
    let mut object = Object::open(out);
    object.scalar("known", verdict.known);
    object.text("outcome", verdict.outcome.code());
    object.texts("needs", verdict.needs.iter().map(|need| need.code()));
    object.texts("reasons", verdict.reasons.iter().map(|reason| reason.code()));
    object.texts("monitored", verdict.monitored.iter().map(|reason| reason.code()));
    object.texts("terms", &verdict.terms);
    object.close();
}

/// A difference as text: the changes for each subject and agent. Agents with the same changes are shown together.
pub fn diff_text(diff: &Diff, paint: Paint) -> String {
    let settings = match diff.settings.len() {
        0 => String::new(),
        1 => "1 setting and ".to_owned(),
        several => format!("{several} settings and "),
    };
    let mut out = format!(
        "{} → {}: {settings}{} of {} decisions change\n",
        one_line(&diff.old),
        one_line(&diff.new),
        diff.changes.len(),
        diff.compared
    );
    for setting in &diff.settings {
        let value = |value: &Option<String>| one_line(value.as_deref().unwrap_or("not set"));
        out.push_str(&format!(
            "  {}: {} → {}\n",
            one_line(&setting.name),
            value(&setting.old),
            value(&setting.new)
        ));
    }
    for (subject, agents) in by_subject(diff) {
        out.push_str(&format!("\n{}\n", paint.title(&one_line(subject))));
        for (lines, agents) in agents {
            out.push_str(&format!("  via {}\n", one_line(&agents.join(", "))));
            for line in lines {
                out.push_str(&format!("    {}\n", line.painted(paint)));
            }
        }
    }
    if diff.elsewhere > 0 {
        out.push_str(&format!("\n{} more settings change, of other servers\n", diff.elsewhere));
    }
    if diff.other_reasons > 0 {
        out.push_str(&format!("\n{} more stay denied, for another reason\n", diff.other_reasons));
    }
    out
}

/// The changes that are the same at one server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    direction: Direction,
    server: String,
    names: Vec<String>,
    text: String,
}

impl Line {
    fn painted(&self, paint: Paint) -> String {
        let mark = match self.direction {
            Direction::Wider => paint.good("+"),
            Direction::Narrower => paint.bad("-"),
            Direction::Other => paint.open("~"),
        };
        let names: Vec<String> =
            self.names.iter().map(|name| format!("{}/{}", self.server, one_line(name))).collect();
        format!("{mark} {}: {}", names.join(", "), self.text)
    }
}

type ByAgent = Vec<(Vec<Line>, Vec<String>)>;

/// Subjects in their order; for each the agents, those with the same lines together.
fn by_subject(diff: &Diff) -> Vec<(&str, ByAgent)> {
    let mut out: Vec<(&str, ByAgent)> = Vec::new();
    for of_subject in diff.changes.chunk_by(|one, other| one.subject == other.subject) {
        let mut agents: ByAgent = Vec::new();
        for of_agent in of_subject.chunk_by(|one, other| one.agent == other.agent) {
            let Some(first) = of_agent.first() else { continue };
            let lines = lines(of_agent);
            match agents.iter_mut().find(|(known, _)| *known == lines) {
                Some((_, names)) => names.push(first.agent.clone()),
                None => agents.push((lines, vec![first.agent.clone()])),
            }
        }
        if let Some(first) = of_subject.first() {
            out.push((&first.subject, agents));
        }
    }
    out
}

fn lines(changes: &[DecisionChange]) -> Vec<Line> {
    let mut lines: BTreeMap<(Direction, &str, String), Vec<String>> = BTreeMap::new();
    for change in changes {
        let name = match &change.target {
            DiffTarget::Item(_, name) => name.clone(),
            DiffTarget::Method(name) => format!("method {name}"),
        };
        let mut text = format!("{} → {}", verdict_text(&change.old), verdict_text(&change.new));
        for term in change.old.terms.difference(&change.new.terms) {
            text.push_str(&format!("; no longer {}", one_line(term)));
        }
        for term in change.new.terms.difference(&change.old.terms) {
            text.push_str(&format!("; now {}", one_line(term)));
        }
        lines.entry((change.direction(), &change.server, text)).or_default().push(name);
    }
    let line = |((direction, server, text), names): ((Direction, &str, String), Vec<String>)| Line {
        direction,
        server: server.to_owned(),
        names,
        text,
    };
    lines.into_iter().map(line).collect()
}

/// `deny (tier_above_subject)`, `conditional (arguments, approval)`, `permit, monitored (forbidden)`.
fn verdict_text(verdict: &Verdict) -> String {
    let mut text = verdict.outcome.code().to_owned();
    let details: Vec<&str> = match verdict.outcome {
        Outcome::Deny if !verdict.known => vec!["unknown"],
        Outcome::Deny => verdict.reasons.first().map(|reason| reason.code()).into_iter().collect(),
        Outcome::Permit | Outcome::Conditional => verdict.needs.iter().map(|need| need.code()).collect(),
    };
    if !details.is_empty() {
        text.push_str(&format!(" ({})", details.join(", ")));
    }
    if let Some(reason) = verdict.monitored.first() {
        text.push_str(&format!(", monitored ({})", reason.code()));
    }
    text
}
