//! `docs/cli.md` and `--help` say the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

use clap::{Arg, Command};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
/// Only in builds with the feature `test-runner`.
const SOMETIMES: [&str; 2] = ["abi", "run"];

/// Name, such as `explain` or `token mint`, and the command.
fn commands() -> BTreeMap<String, Command> {
    let mut all = BTreeMap::new();
    for command in harness::cli::command().get_subcommands() {
        let inner: Vec<_> = command.get_subcommands().collect();
        for one in &inner {
            all.insert(format!("{} {}", command.get_name(), one.get_name()), (*one).clone());
        }
        if inner.is_empty() {
            all.insert(command.get_name().to_owned(), command.clone());
        }
    }
    all
}

fn spelling(argument: &Arg) -> String {
    let values: String = match argument.get_num_args() {
        Some(count) if !count.takes_values() => String::new(),
        _ if !argument.get_action().takes_values() => String::new(),
        _ => argument.get_value_names().unwrap_or_default().iter().map(|name| format!(" {name}")).collect(),
    };
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("`-{short}`, `--{long}{values}`"),
        (None, Some(long)) => format!("`--{long}{values}`"),
        _ => format!("`{}`", values.trim()),
    }
}

fn table(command: &Command) -> String {
    let mut out = String::from("| argument | what |\n|---|---|\n");
    for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let shown = if defaults.is_empty() || !argument.get_action().takes_values() {
            String::new()
        } else {
            format!(" (default `{}`)", defaults.join(" "))
        };
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|_| argument.get_action().takes_values())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        let values = if values.is_empty() { values.concat() } else { format!(": {}", values.join(", ")) };
        out.push_str(&format!(
            "| {} | {} |\n",
            spelling(argument),
            format!("{help}{values}{shown}").replace('|', "\\|")
        ));
    }
    out
}

/// The page with every table as `--help` has it.
fn right(page: &str, commands: &BTreeMap<String, Command>) -> String {
    let mut out = page.to_owned();
    for (name, command) in commands {
        let begin = format!("<!-- arguments of {name} -->\n");
        let Some((before, rest)) = out.split_once(&begin) else { continue };
        let (_, after) = rest.split_once("<!-- end -->").unwrap_or(("", ""));
        out = format!("{before}{begin}{}<!-- end -->{after}", table(command));
    }
    out
}

#[test]
fn every_command_is_described_with_the_arguments_that_it_has() {
    let (page, commands) = (fs::read_to_string(PAGE).unwrap(), commands());
    for name in commands.keys() {
        assert!(page.contains(&format!("\n## toolward {name}\n")), "docs/cli.md lacks `## toolward {name}`");
        assert!(
            page.contains(&format!("<!-- arguments of {name} -->")),
            "docs/cli.md lacks the arguments of {name}"
        );
    }
    let expected = right(&page, &commands);
    if page != expected {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli.md");
        fs::write(&path, expected).unwrap();
        panic!("docs/cli.md is not as `--help` says; how it should be is in {}", path.display());
    }
}

#[test]
fn no_command_is_described_that_is_not_there() {
    let (page, commands) = (fs::read_to_string(PAGE).unwrap(), commands());
    for name in page.lines().filter_map(|line| line.strip_prefix("## toolward ")) {
        assert!(
            SOMETIMES.contains(&name) || commands.contains_key(name),
            "`toolward {name}` is described and does not exist"
        );
    }
}

#[test]
fn examples_use_options_that_exist() {
    let (page, commands) = (fs::read_to_string(PAGE).unwrap(), commands());
    let joined = page.replace("\\\n", " ");
    let mut seen = 0;
    for line in
        joined.lines().map(|line| line.trim_start_matches("$ ")).filter(|line| line.starts_with("toolward "))
    {
        let words: Vec<&str> =
            line.split_whitespace().take_while(|word| !["|", ">", "&&", "#"].contains(word)).collect();
        let two = format!("{} {}", words.get(1).unwrap_or(&""), words.get(2).unwrap_or(&""));
        let Some(command) = commands.get(&two).or_else(|| commands.get(words[1])) else {
            assert!(SOMETIMES.contains(&words[1]), "{line}");
            continue;
        };
        for option in words.iter().filter_map(|word| word.strip_prefix("--")) {
            let known = command.get_arguments().any(|argument| argument.get_long() == Some(option));
            assert!(known, "`--{option}` does not exist: {line}");
        }
        seen += 1;
    }
    assert!(seen >= commands.len(), "fewer examples than commands");
}
