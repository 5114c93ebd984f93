use super::super::{Options, SourceFile, read_yaml};
use super::{format, same};
use crate::source::Problems;
use proptest::prelude::*;

fn file(text: &str) -> SourceFile {
    SourceFile { name: "p.yaml".to_owned(), text: text.to_owned() }
}

/// Formats, and formats the result again.
fn formatted(text: &str) -> String {
    let once = format(&file(text)).unwrap_or_else(|problems| panic!("{problems}{text}"));
    let twice = format(&file(&once)).unwrap_or_else(|problems| panic!("{problems}{once}"));
    assert_eq!(twice, once, "formatted twice: {text}");
    once
}

#[test]
fn keys_come_in_order_and_take_their_comments_along() {
    let text = "# The head.\n\n# of tiers\ntiers: [read]   # beside\n\n# of the version\n'policy': \"toolward/v1\"\n# the end\n";
    let expected = "# The head.\n\n# of the version\npolicy: toolward/v1\n# the end\n\n# of tiers\ntiers: [read] # beside\n";
    let found = formatted(text);
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&found), lines(expected), "{found}");
    assert!(found.starts_with("# The head.\n\n# of the version\npolicy: toolward/v1\n"), "{found}");
}

#[test]
fn lists_and_maps_are_indented_by_two() {
    let text = "policy: toolward/v1\ngrants:\n-    ceiling: read\n     # who\n     id: a # first\n     subjects:\n     - {\"id\":   'x y',\n          issuer: acme}\n# of b\n-    id: b\n";
    let expected = "policy: toolward/v1\ngrants:\n  # who\n  - id: a # first\n    subjects:\n      - {id: \"x y\", issuer: acme}\n    ceiling: read\n  # of b\n  - id: b\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn a_comment_inside_brackets_makes_lines_of_them() {
    let text = "policy: toolward/v1\ntiers: [read, # low\n  # high\n  write] # end\n";
    let expected = "policy: toolward/v1\ntiers:\n  - read # low\n  # high\n  - write # end\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn strings_that_readers_take_differently_keep_their_quotes() {
    let text = "policy: toolward/v1\nnot_after: '2026-11-20'\nrevision: \"no\"\norganisation: 'say \"x\"'\nnote: 'it''s # no comment'\n";
    let expected = "policy: toolward/v1\nrevision: \"no\"\nnot_after: \"2026-11-20\"\norganisation: 'say \"x\"'\nnote: \"it's # no comment\"\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn long_texts_stay_as_they_were_laid_out() {
    let text = "policy: toolward/v1\nnote: |\n    one # no comment\n      two\n\n    three\n# of the organisation\norganisation: acme\n";
    let expected = "policy: toolward/v1\n# of the organisation\norganisation: acme\nnote: |\n  one # no comment\n    two\n\n  three\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn text_behind_a_block_is_rejected_and_not_lost() {
    let problems = format(&file("policy: toolward/v1\nnote: | # lost?\n  x\n")).unwrap_err().to_string();
    assert_eq!(
        problems,
        "p.yaml:1:1: not formatted, because a comment follows `|` or `>`; move it to the line above\n"
    );
}

/// Complete policies, as authors write them.
const POLICIES: [&str; 6] = [
    include_str!("../../../../examples/policies/team/policy.yaml"),
    include_str!("../../../../examples/policies/enterprise/catalogues.yaml"),
    include_str!("../../../../examples/policies/enterprise/people.yaml"),
    include_str!("../../../../examples/policies/enterprise/servers.yaml"),
    include_str!("../../../../examples/policies/bank/servers.yaml"),
    include_str!("../../../../examples/policies/bank/rules.yaml"),
];

/// Any text of an author, at a line chosen by number.
#[derive(Debug, Clone)]
enum Change {
    /// A comment on its own line, at a column.
    Alone(usize, usize),
    /// A comment behind a line.
    Beside(usize),
    /// A blank line.
    Blank(usize),
    /// A line break behind a comma inside of brackets, with a comment or none.
    Break(usize, bool),
    /// All indentation twice as deep.
    Deeper,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..200usize, 0..9usize).prop_map(|(line, column)| Change::Alone(line, column)),
        3 => (0..200usize).prop_map(Change::Beside),
        2 => (0..200usize).prop_map(Change::Blank),
        2 => (0..200usize, any::<bool>()).prop_map(|(line, comment)| Change::Break(line, comment)),
        1 => Just(Change::Deeper),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (index, change) in changes.iter().enumerate() {
        let at = |line: &usize| line.checked_rem(lines.len()).unwrap();
        match change {
            Change::Alone(line, column) => {
                let at = at(line);
                lines.insert(at, format!("{}# alone {index}", " ".repeat(*column)));
            }
            Change::Beside(line) => {
                let at = at(line);
                lines[at].push_str(&format!("  # beside {index}"));
            }
            Change::Blank(line) => {
                let at = at(line);
                lines.insert(at, String::new());
            }
            Change::Break(line, comment) => {
                let at = at(line);
                let note = if *comment { format!(" # broken {index}") } else { String::new() };
                let indent = lines[at].chars().take_while(|c| *c == ' ').count();
                let indent = " ".repeat(indent.saturating_add(6));
                lines[at] = lines[at].replacen(", ", &format!(",{note}\n{indent}"), 1);
            }
            Change::Deeper => {
                for line in &mut lines {
                    let indent = line.chars().take_while(|c| *c == ' ').count();
                    line.insert_str(0, &" ".repeat(indent));
                }
            }
        }
    }
    lines.join("\n") + "\n"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn values_and_comments_survive_any_layout(
        policy in 0..POLICIES.len(),
        changes in prop::collection::vec(change(), 0..8),
    ) {
        let text = changed(POLICIES[policy], &changes);
        let problems = Problems::new();
        let before = read_yaml("p.yaml", &text, &problems);
        prop_assume!(problems.is_empty());
        let text = formatted(&text);
        let after = read_yaml("p.yaml", &text, &problems);
        prop_assert!(same(&before.unwrap(), &after.unwrap()));
    }
}

#[test]
fn a_formatted_policy_gives_the_same_bundle() {
    for text in POLICIES {
        let bundle =
            |text: &str| super::super::compile(&[file(text)], &Options::default()).map_err(|p| p.len());
        assert_eq!(bundle(text), bundle(&formatted(text)));
    }
}
