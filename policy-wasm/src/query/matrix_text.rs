//! A matrix as JSON, as CSV and as a table for a terminal.

use super::access::{Access, Outcome};
use super::matrix::{Matrix, MatrixItem};
use super::style::Paint;
use crate::json::writer::Object;
use crate::model::ItemKind;
use crate::time;

/// A matrix as JSON: `{"revision":…,"now":…,"subjects":[…],"agents":[…],"items":[…],"cells":[…]}`; a cell names its
/// subject, agent and item by their places in the lists, and those that are denied are left out unless monitored.
pub fn matrix_json(matrix: &Matrix) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    object.text("revision", &matrix.revision);
    object.text("now", &time::write(matrix.now));
    object.texts("subjects", &matrix.subjects);
    object.texts("agents", &matrix.agents);
    object.list("items", &matrix.items, |out, item| {
        let mut object = Object::open(out);
        object.text("server", &item.server);
        object.text("kind", kind_code(item.kind));
        object.text("name", &item.name);
        object.text("tier", &item.tier);
        object.close();
    });
    object.list("cells", cells(matrix), |out, (agent, subject, item, cell)| {
        let mut object = Object::open(out);
        object.scalar("agent", agent);
        object.scalar("subject", subject);
        object.scalar("item", item);
        object.text("outcome", cell.outcome.code());
        object.texts("needs", cell.needs.iter().map(|need| need.code()));
        object.texts("reasons", cell.reasons.iter().map(|reason| reason.code()));
        object.texts("monitored", cell.monitored.iter().map(|reason| reason.code()));
        object.close();
    });
    object.close();
    out
}

/// A matrix as CSV (RFC 4180), one line for each cell, for spreadsheets: no field begins as a formula does.
pub fn matrix_csv(matrix: &Matrix) -> String {
    let mut out = String::from("agent,subject,server,kind,item,tier,outcome,needs,reasons,monitored\r\n");
    for (agent, subject, item, cell) in cells(matrix) {
        let (Some(agent), Some(subject), Some(item)) =
            (matrix.agents.get(agent), matrix.subjects.get(subject), matrix.items.get(item))
        else {
            continue;
        };
        let codes = [
            cell.needs.iter().map(|need| need.code()).collect::<Vec<_>>().join(" "),
            cell.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>().join(" "),
            cell.monitored.iter().map(|reason| reason.code()).collect::<Vec<_>>().join(" "),
        ];
        let [needs, reasons, monitored] = &codes;
        let fields: [&str; 10] = [
            agent,
            subject,
            &item.server,
            kind_code(item.kind),
            &item.name,
            &item.tier,
            cell.outcome.code(),
            needs,
            reasons,
            monitored,
        ];
        for (index, field) in fields.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            csv_field(&mut out, field);
        }
        out.push_str("\r\n");
    }
    out
}

/// A matrix as tables for a terminal: one for each agent, split into parts of `width` characters.
pub fn matrix_text(matrix: &Matrix, width: usize, paint: Paint) -> String {
    let mut out = String::new();
    out.push_str(&format!(
        "revision {}, {}: {} subjects, {} agents, {} entries\n",
        matrix.revision,
        time::write(matrix.now),
        matrix.subjects.len(),
        matrix.agents.len(),
        matrix.items.len()
    ));
    let legend =
        [(Outcome::Permit, "every call"), (Outcome::Conditional, "some calls"), (Outcome::Deny, "none")];
    for (outcome, meaning) in legend {
        out.push_str(&paint.outcome(outcome, word(outcome)));
        out.push_str(&format!(" {meaning}   "));
    }
    out.push_str("* monitored\n");
    let names: Vec<String> = matrix.items.iter().map(item_label).collect();
    let first = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().clamp(4, 60);
    for (agent, agent_name) in matrix.agents.iter().enumerate() {
        let mut start = 0;
        while start < matrix.subjects.len() {
            let columns =
                fitting(matrix.subjects.get(start..).unwrap_or_default(), width.saturating_sub(first));
            let end = start.saturating_add(columns);
            out.push_str(&format!("\n{}\n{}", paint.title(&format!("by {agent_name}")), " ".repeat(first)));
            for subject in matrix.subjects.get(start..end).unwrap_or_default() {
                out.push_str(&format!("  {}", shortened(subject)));
            }
            out.push('\n');
            for (item, name) in names.iter().enumerate() {
                out.push_str(&padded(&clipped(name, first), first));
                for subject in start..end {
                    let heading = matrix.subjects.get(subject).map(|name| shortened(name).chars().count());
                    out.push_str("  ");
                    if let Some(cell) = matrix.cell(agent, subject, item) {
                        cell_text(&mut out, cell, heading.unwrap_or_default(), paint);
                    }
                }
                while out.ends_with(' ') {
                    out.pop();
                }
                out.push('\n');
            }
            start = end;
        }
    }
    out
}

/// The name of an outcome.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Permit => "yes",
        Outcome::Conditional => "if",
        Outcome::Deny => "-",
    }
}

/// The name of an item's kind.
pub(super) fn kind_code(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Tool => "tool",
        ItemKind::Prompt => "prompt",
        ItemKind::Resource => "resource",
        ItemKind::Template => "resource_template",
    }
}

/// All cells with the places of their agent, subject and item.
pub(super) fn cells(matrix: &Matrix) -> impl Iterator<Item = (usize, usize, usize, Access)> + '_ {
    let (subjects, items) = (matrix.subjects.len(), matrix.items.len());
    matrix.cells.iter().enumerate().filter_map(move |(place, cell)| {
        let (row, item) = (place.checked_div(items)?, place.checked_rem(items)?);
        Some((row.checked_div(subjects)?, row.checked_rem(subjects)?, item, *cell))
    })
}

/// `github/merge_pull_request (write)`; items other than tools show their kind.
pub(super) fn item_label(item: &MatrixItem) -> String {
    let kind = match item.kind {
        ItemKind::Tool => "",
        ItemKind::Prompt => "prompt ",
        ItemKind::Resource | ItemKind::Template => "resource ",
    };
    format!("{}: {kind}{} ({})", item.server, item.name, item.tier)
}

fn cell_text(out: &mut String, cell: Access, width: usize, paint: Paint) {
    let mut text = word(cell.outcome).to_owned();
    if cell.monitored.iter().next().is_some() {
        text.push('*');
    }
    let fill = width.saturating_sub(text.chars().count());
    out.push_str(&paint.outcome(cell.outcome, &text));
    out.extend(std::iter::repeat_n(' ', fill));
}

/// The number of headings that fit; at least one.
fn fitting(subjects: &[String], width: usize) -> usize {
    let mut used = 0_usize;
    let fits = |subject: &&String| {
        used = used.saturating_add(shortened(subject).chars().count()).saturating_add(2);
        used <= width
    };
    subjects.iter().take_while(fits).count().max(1)
}

fn shortened(subject: &str) -> String {
    padded(&clipped(subject, 28), 4)
}

/// One line of at most that many characters, without control characters.
fn clipped(text: &str, most: usize) -> String {
    let plain = |character: char| if character.is_control() { '?' } else { character };
    if text.chars().count() <= most {
        return text.chars().map(plain).collect();
    }
    text.chars().take(most.saturating_sub(1)).map(plain).chain(std::iter::once('…')).collect()
}

fn padded(text: &str, width: usize) -> String {
    let fill = width.saturating_sub(text.chars().count());
    text.chars().chain(std::iter::repeat_n(' ', fill)).collect()
}

/// A field in quotes if it needs them. A leading apostrophe stops spreadsheets from reading it as a formula.
fn csv_field(out: &mut String, field: &str) {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted = formula || field.contains([',', '"', '\r', '\n', ';', '\'']) || field.starts_with(' ');
    if !quoted {
        out.push_str(field);
        return;
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    for character in field.chars() {
        if character == '"' {
            out.push('"');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(field: &str) -> String {
        let mut out = String::new();
        csv_field(&mut out, field);
        out
    }

    #[test]
    fn no_field_of_the_csv_is_a_formula() {
        for field in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            let text = csv(field);
            assert!(text.starts_with("\"'"), "{text:?}");
        }
        assert_eq!(csv("group a"), "group a");
        assert_eq!(csv("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(csv(" =1"), "\" =1\"");
    }

    #[test]
    fn long_names_are_cut_and_control_characters_replaced() {
        assert_eq!(clipped("abcdef", 4), "abc…");
        assert_eq!(clipped("a\u{1b}[31m", 9), "a?[31m");
    }
}
