//! A matrix as one page that needs nothing else: no network, no files beside it.

use super::access::{Access, Outcome};
use super::matrix::Matrix;
use super::matrix_text::item_label;
use crate::time;

/// Most cells of a page; browsers show more only slowly.
pub const MAX_PAGE_CELLS: usize = 200_000;

const STYLE: &str = include_str!("matrix.css");
const SCRIPT: &str = include_str!("matrix.js");

/// A matrix as an HTML page, or `None` if it has more than [`MAX_PAGE_CELLS`] cells. Names of the policy are
/// escaped, and the page's own policy (CSP) lets nothing load.
pub fn matrix_html(matrix: &Matrix) -> Option<String> {
    if matrix.cells.len() > MAX_PAGE_CELLS {
        return None;
    }
    let mut out = String::new();
    let revision = escaped(&matrix.revision);
    out.push_str(&format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n\
         <title>Access matrix of {revision}</title>\n<style>\n{STYLE}</style>\n<body>\n\
         <header>\n<h1>Access matrix</h1>\n<p class=\"about\">Revision <b>{revision}</b>, as of {}. \
         What the policy lets people do through agents.</p>\n</header>\n",
        time::write(matrix.now)
    ));
    legend(&mut out);
    form(&mut out, matrix);
    out.push_str("<main>\n");
    for (agent, name) in matrix.agents.iter().enumerate() {
        table(&mut out, matrix, agent, name);
    }
    out.push_str(
        "<p id=\"none\" role=\"status\" hidden>Nothing has a name like that.</p>\n</main>\n<script>\n",
    );
    out.push_str(SCRIPT);
    out.push_str("</script>\n");
    Some(out)
}

fn legend(out: &mut String) {
    out.push_str("<ul class=\"legend\" aria-label=\"Legend\">\n");
    for (outcome, meaning) in [
        (Outcome::Permit, "every call is permitted"),
        (Outcome::Conditional, "it depends: on arguments, consent, a check, an approval or a budget"),
        (Outcome::Deny, "every call is denied"),
    ] {
        out.push_str(&format!("<li><b class=\"{}\">{}</b>{meaning}</li>\n", class(outcome), word(outcome)));
    }
    out.push_str("<li><b>*</b>monitored: passes, and is recorded as denied</li>\n</ul>\n");
}

/// Hidden until the script runs.
fn form(out: &mut String, matrix: &Matrix) {
    out.push_str(
        "<form hidden>\n<label>Entries <input id=\"rows\" type=\"search\" placeholder=\"part of a name\"></label>\n\
         <label>Subjects <input id=\"columns\" type=\"search\" placeholder=\"part of a name\"></label>\n\
         <label>Agent <select id=\"agent\"><option value=\"\">all</option>",
    );
    for (place, agent) in matrix.agents.iter().enumerate() {
        out.push_str(&format!("<option value=\"{place}\">{}</option>", escaped(agent)));
    }
    out.push_str("</select></label>\n</form>\n");
}

fn table(out: &mut String, matrix: &Matrix, agent: usize, name: &str) {
    let name = escaped(name);
    out.push_str(&format!(
        "<section aria-labelledby=\"agent-{agent}\">\n<h2 id=\"agent-{agent}\">By {name}</h2>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"agent-{agent}\">\n<table>\n\
         <caption>What people can do by {name}</caption>\n<thead><tr><th scope=\"col\">Entry</th>"
    ));
    for subject in &matrix.subjects {
        out.push_str(&format!("<th scope=\"col\">{}</th>", escaped(subject)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (place, item) in matrix.items.iter().enumerate() {
        out.push_str(&format!("<tr><th scope=\"row\">{}</th>", escaped(&item_label(item))));
        for subject in 0..matrix.subjects.len() {
            if let Some(cell) = matrix.cell(agent, subject, place) {
                self::cell(out, cell);
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

/// Codes only: nothing here comes from the policy.
fn cell(out: &mut String, cell: Access) {
    let details: Vec<&str> = match cell.outcome {
        Outcome::Deny => cell.reasons.first().map(|reason| reason.code()).into_iter().collect(),
        Outcome::Permit | Outcome::Conditional => cell.needs.iter().map(|need| need.code()).collect(),
    };
    let monitored = cell
        .monitored
        .first()
        .map_or(String::new(), |reason| format!("<span title=\"monitored: {}\">*</span>", reason.code()));
    let text = word(cell.outcome);
    let details =
        if details.is_empty() { String::new() } else { format!("<small>{}</small>", details.join(", ")) };
    out.push_str(&format!("<td class=\"{}\">{text}{monitored}{details}</td>", class(cell.outcome)));
}

/// The text for screen readers, which skip a dash.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Permit => "yes",
        Outcome::Conditional => "if",
        Outcome::Deny => "no",
    }
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Permit => "yes",
        Outcome::Conditional => "if",
        Outcome::Deny => "no",
    }
}

/// Text for between tags and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
