//! `toolward explain`: one call, decided and explained.

use super::policy::{PolicySource, judged, paint, paint_problems, tell, tell_people};
use super::{clock, policy_files};
use anyhow::{Context as _, bail};
use clap::Args;
use policy_wasm::bundle::Bundle;
use policy_wasm::decision::Effect;
use policy_wasm::json;
use policy_wasm::query::{
    MAX_QUERY, Query, ServerName, SubjectQuery, Target, explanation_json, explanation_text, principals,
};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;

/// Arguments of `toolward explain`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward explain --policy policy/ --subject alice --group engineering --agent planner \\
      --server github --tool merge_pull_request --arg owner=acme --arg repo=web
  toolward explain --bundle acme.bundle --query question.json --json | jq .would_change

Exit status: 0 permit, 1 deny, 2 error.")]
pub(super) struct Explain {
    #[command(flatten)]
    policy: PolicySource,
    /// The whole question as JSON: a file, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "server"])]
    query: Option<String>,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    circumstances: CircumstanceArgs,
    /// Write the explanation as JSON
    #[arg(long)]
    json: bool,
}

/// The human and the agents.
#[derive(Args)]
#[command(next_help_heading = "Who")]
struct Who {
    /// The subject's id (`sub`)
    #[arg(long, value_name = "ID", required_unless_present = "query")]
    subject: Option<String>,
    /// The subject's issuer: a short name of the policy or an identifier; required if the policy has several
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// A group of the subject; may be repeated
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// A role of the subject; may be repeated
    #[arg(long, value_name = "NAME")]
    role: Vec<String>,
    /// A claim of the token, its value as JSON or else as text; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,
    /// The calling agent, then earlier ones: the id of an entry of `actors`, `subject:ID` or `client:ID`
    #[arg(long, value_name = "AGENT")]
    agent: Vec<String>,
    /// A scope of the token; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The consent as a JSON object, such as '{"id": "c1", "level": "write"}'
    #[arg(long, value_name = "JSON")]
    consent: Option<String>,
}

/// The question.
#[derive(Args)]
#[command(next_help_heading = "What")]
struct What {
    /// The server's id
    #[arg(long, value_name = "ID", required_unless_present = "query")]
    server: Option<String>,
    /// The tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// The prompt
    #[arg(long, value_name = "NAME", conflicts_with = "tool")]
    prompt: Option<String>,
    /// The resource
    #[arg(long, value_name = "URI", conflicts_with_all = ["tool", "prompt"])]
    resource: Option<String>,
    /// The page that the server asks the subject to open
    #[arg(long, value_name = "URL", conflicts_with_all = ["tool", "prompt", "resource"])]
    url: Option<String>,
    /// The MCP method, if it does not follow from the options above
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// An argument, its value as JSON or else as text; dots lead into objects; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    arg: Vec<String>,
    /// All arguments as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "arg")]
    args: Option<String>,
    /// Digest of the tool's definition that the server shows
    #[arg(long, value_name = "sha256:HEX")]
    definition: Option<String>,
}

/// The time and place of the question.
#[derive(Args)]
#[command(next_help_heading = "Circumstances")]
struct CircumstanceArgs {
    /// Time of the call, such as 2026-11-21T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = policy_files::moment)]
    now: Option<u64>,
    /// IP address of the caller
    #[arg(long, value_name = "ADDRESS")]
    source_address: Option<String>,
    /// The connection is encrypted
    #[arg(long)]
    tls: bool,
    /// The name in the caller's certificate
    #[arg(long, value_name = "NAME")]
    peer: Option<String>,
}

impl Explain {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        Ok(judged(self.explain()))
    }

    /// Prints the explanation. Returns whether the request is permitted.
    fn explain(&self) -> anyhow::Result<bool> {
        let bundle = self.policy.open()?;
        let query = match &self.query {
            Some(path) => read_query(path)?,
            None => self.query(&bundle)?,
        };
        let explanation =
            query.explain(&bundle, clock::seconds()?).map_err(|error| anyhow::anyhow!("{error}"))?;
        if self.json {
            tell(&(explanation_json(&bundle, &query, &explanation) + "\n"))?;
        } else {
            tell_people(&explanation_text(&bundle, &query, &explanation, paint()))?;
        }
        Ok(explanation.decision.effect() == Effect::Permit)
    }

    /// The question that the options ask. It goes through the same reader as one in a file.
    fn query(&self, bundle: &Bundle) -> anyhow::Result<Query> {
        let (who, what, circumstances) = (&self.who, &self.what, &self.circumstances);
        let target = what.target();
        if target == Target::Server && what.method.is_none() {
            bail!("asked for nothing: give `--tool`, `--prompt`, `--resource`, `--url` or `--method`");
        }
        let agent = |name: &String| {
            principals::agent_called(bundle, name).map_err(|error| anyhow::anyhow!("{error}"))
        };
        let arguments = match &what.args {
            Some(text) => Some(object(text, "--args")?),
            None if what.arg.is_empty() => None,
            None => Some(tree(&what.arg, "--arg", true)?),
        };
        let claims = if who.claim.is_empty() { None } else { Some(tree(&who.claim, "--claim", false)?) };
        let mut query = Query {
            server: ServerName::Id(what.server.clone().unwrap_or_default()),
            method: what.method.clone(),
            subject: SubjectQuery {
                id: who.subject.clone().unwrap_or_default(),
                issuer: who.issuer.clone(),
                groups: who.group.clone(),
                roles: who.role.clone(),
                claims,
            },
            actors: who.agent.iter().map(agent).collect::<anyhow::Result<_>>()?,
            scopes: who.scope.clone(),
            target,
            arguments,
            now: circumstances.now,
            source_address: circumstances.source_address.clone().unwrap_or_default(),
            tls: circumstances.tls,
            peer: circumstances.peer.clone().unwrap_or_default(),
            ..Query::default()
        };
        // The rest is read as it is in a file.
        let mut rest = String::from(r#"{"server":"-","subject":{"id":"-"},"method":"-""#);
        if let Some(consent) = &who.consent {
            rest.push_str(&format!(",\"consent\":{}", object(consent, "--consent")?));
        }
        if let Some(definition) = &what.definition {
            rest.push_str(",\"definition\":");
            json::write_str(&mut rest, definition);
        }
        rest.push('}');
        let rest = Query::read(&rest).map_err(|problems| {
            let told: Vec<String> = problems
                .to_vec()
                .iter()
                .map(|problem| format!("{}: {}", problem.path, problem.message))
                .collect();
            anyhow::anyhow!("{}", told.join("\n"))
        })?;
        (query.consent, query.definition) = (rest.consent, rest.definition);
        Ok(query)
    }
}

impl What {
    fn target(&self) -> Target {
        let named = self.tool.clone().map(Target::Tool);
        let named = named.or_else(|| self.prompt.clone().map(Target::Prompt));
        let named = named.or_else(|| self.resource.clone().map(Target::Resource));
        named.or_else(|| self.url.clone().map(Target::Url)).unwrap_or_default()
    }
}

fn read_query(path: &str) -> anyhow::Result<Query> {
    let mut text = String::new();
    let most = u64::try_from(MAX_QUERY)?.saturating_add(1);
    let read = if path == "-" {
        std::io::stdin().take(most).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read `{path}`"))?;
    Query::read(&text)
        .map_err(|problems| anyhow::anyhow!("`{path}` is no question\n{}", problems.render(paint_problems())))
}

/// The text, if it is a strict JSON object.
fn object(text: &str, option: &str) -> anyhow::Result<String> {
    match json::parse(text.as_bytes(), &json::Limits::default()) {
        Ok(value) if value.as_object().is_some() => Ok(text.to_owned()),
        Ok(_) => bail!("`{option}`: expected a JSON object"),
        Err(error) => bail!("`{option}`: not strict JSON at byte {} ({:?})", error.offset, error.kind),
    }
}

/// `a.b=value` options as a JSON object.
enum Tree {
    Leaf(String),
    Inner(BTreeMap<String, Tree>),
}

fn tree(options: &[String], option: &str, dots: bool) -> anyhow::Result<String> {
    let mut root = BTreeMap::new();
    for text in options {
        let (path, value) =
            text.split_once('=').with_context(|| format!("`{option} {text}`: expected NAME=VALUE"))?;
        let mut keys: Vec<&str> = if dots { path.split('.').collect() } else { vec![path] };
        let last = keys.pop().unwrap_or_default();
        let mut map = &mut root;
        for key in keys {
            let inner = map.entry(key.to_owned()).or_insert_with(|| Tree::Inner(BTreeMap::new()));
            match inner {
                Tree::Inner(inner) => map = inner,
                Tree::Leaf(_) => bail!("`{option} {text}`: `{key}` has a value of its own already"),
            }
        }
        let mut leaf = String::new();
        match json::parse(value.as_bytes(), &json::Limits::default()) {
            Ok(value) => leaf.push_str(value.raw()),
            Err(_) => json::write_str(&mut leaf, value),
        }
        if map.insert(last.to_owned(), Tree::Leaf(leaf)).is_some() {
            bail!("`{option} {text}`: `{path}` is given twice");
        }
    }
    let mut out = String::new();
    write_tree(&mut out, &root);
    // Arguments that are put together must be as strict as arguments that are written out.
    object(&out, option)
}

/// As deep as one option has dots; the reader bounds the result.
fn write_tree(out: &mut String, map: &BTreeMap<String, Tree>) {
    out.push('{');
    for (index, (key, tree)) in map.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::write_str(out, key);
        out.push(':');
        match tree {
            Tree::Leaf(text) => out.push_str(text),
            Tree::Inner(map) => write_tree(out, map),
        }
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(options: &[&str]) -> anyhow::Result<String> {
        let options: Vec<String> = options.iter().map(|text| (*text).to_owned()).collect();
        tree(&options, "--arg", true)
    }

    #[test]
    fn options_become_an_object() {
        let object = made(&["a=1.50", "b.c=true", "b.d=plain text", "e=\"quoted\"", "f=", "g=a=b"]).unwrap();
        assert_eq!(object, r#"{"a":1.50,"b":{"c":true,"d":"plain text"},"e":"quoted","f":"","g":"a=b"}"#);
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for options in [&["a=1", "a=2"][..], &["a=1", "a.b=2"], &["a"], &["a.b=1", "a=2"]] {
            assert!(made(options).is_err(), "{options:?}");
        }
    }
}
