//! INVARIANT (URIs): a URI that matches a template stays under it, and is no other item, as the WHATWG parser resolves
//! it. A page stays under its prefix.
#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod common;

use common::{Caller, bundle};
use policy_wasm::bundle::Bundle;
use policy_wasm::decision::{Effect, Visibility};
use policy_wasm::model::{Action, ActorKind, ItemKind};
use policy_wasm::pdp::{Authority, evaluate};
use proptest::prelude::*;
use std::cell::Cell;
use url::Url;

const POLICY: &str = r#"policy: toolward/v1
issuers: {acme: https://id.acme.test}
servers:
  docs:
    resource: https://docs.acme.test/mcp
    methods:
      elicitation/create: {effect: permit, urls: ["https://ask.acme.test/consent/"]}
    resources:
      "file:///docs/secret": {tier: destructive}
      "https://wiki.acme.test/secret": {tier: destructive}
      "db://t/secret?x=1": {tier: destructive}
      "note:secret": {tier: destructive}
      "x://odd/%41/../B": {tier: read}
      "note:same": {tier: read}
    resource_templates:
      "file:///docs/{+path}": {tier: read}
      "file:///docs/vault/{+path}": {tier: destructive}
      "https://wiki.acme.test/{+page}": {tier: read}
      "db://t/{row}?x={x}": {tier: read}
      "note:{id}": {tier: read}
grants: [{id: all, subjects: [{anyone: true}], ceiling: read}]
actors: [{id: planner, subject: planner, ceiling: read}]
"#;
const PAGES: &str = "https://ask.acme.test/consent/";
const SECRETS: [&str; 4] =
    ["file:///docs/secret", "https://wiki.acme.test/secret", "db://t/secret?x=1", "note:secret"];
const TEMPLATES: [&str; 4] = ["file:///docs/", "https://wiki.acme.test/", "db://t/", "note:"];
/// Characters and escapes for any place of a URI.
const PIECES: [&str; 62] = [
    " ",
    "\t",
    "\n",
    "\r",
    "\u{a0}",
    "%20",
    "%09",
    "%00",
    "%0a",
    ".",
    "..",
    "/",
    "//",
    "/./",
    "/../",
    "\\",
    "\\..\\",
    ";",
    ";..",
    "..;/",
    "%2e",
    "%2E%2e",
    ".%2e",
    "%2f",
    "%5c",
    "%25",
    "%252e",
    "%c0%ae",
    "%ef%bc%8e",
    "\u{ff0e}",
    "\u{3002}",
    "\u{ff0f}",
    "?",
    "?x",
    "?x=1",
    "#",
    "#x",
    "@",
    "me@",
    ":",
    ":443",
    ":80",
    "localhost",
    "[",
    "{",
    "|",
    "%",
    "%4",
    "%zz",
    "%65",
    "%41",
    "%7e",
    "a",
    "S",
    "%c5%bf",
    "%c2%ad",
    "%e2%80%8b",
    "caf%C3%A9",
    "vault/",
    "VAULT/",
    "x=1",
    "&",
];

fn caller() -> Caller {
    let issuer = || "https://id.acme.test".to_owned();
    Caller {
        issuer: issuer(),
        id: "alice".to_owned(),
        groups: Vec::new(),
        roles: Vec::new(),
        actors: vec![(ActorKind::Subject, issuer(), "planner".to_owned())],
        scopes: Vec::new(),
    }
}

/// Whether the URI may be read, which is whether a list shows it.
fn may_read(bundle: &Bundle, uri: &str) -> bool {
    let server = bundle.servers().next().unwrap();
    caller().asks(Action::ReadResource { uri }, |request| {
        let permitted = evaluate(bundle, server, request).effect() == Effect::Permit;
        let shown = Authority::of(bundle, server, request).visibility(ItemKind::Resource, uri);
        assert_eq!(permitted, shown == Visibility::Permit, "{uri:?}");
        permitted
    })
}

fn may_visit(bundle: &Bundle, url: &str) -> bool {
    let server = bundle.servers().next().unwrap();
    let action = Action::Elicit { url: Some(url) };
    caller().asks(action, |request| evaluate(bundle, server, request).effect() == Effect::Permit)
}

/// A base with some pieces put in, or in the place of a character.
fn mutant(bases: &'static [&'static str]) -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0..PIECES.len(), any::<bool>());
    (0..bases.len(), prop::collection::vec(change, 0..4), any::<bool>()).prop_map(|(base, changes, upper)| {
        let mut uri: Vec<char> = bases.get(base).copied().unwrap_or_default().chars().collect();
        for (at, piece, instead) in changes {
            let at = at.index(uri.len().saturating_add(1));
            let end = at.saturating_add(usize::from(instead)).min(uri.len());
            let piece = PIECES.get(piece).copied().unwrap_or_default();
            uri.splice(at..end, piece.chars());
        }
        let uri: String = uri.into_iter().collect();
        if upper { uri.to_uppercase() } else { uri }
    })
}

fn normal(uri: &str) -> Option<String> {
    Url::parse(uri).ok().map(String::from)
}

const BASES: &[&str] = &[
    "file:///docs/secret",
    "file:///docs/a/b.md",
    "file:///docs/vault/x",
    "https://wiki.acme.test/secret",
    "https://wiki.acme.test/Home",
    "db://t/secret?x=1",
    "db://t/row?x=1",
    "note:secret",
    "note:abc",
    "note:same",
];

#[test]
fn a_uri_that_matches_a_template_stays_under_it() {
    let bundle = bundle(POLICY);
    let permitted = Cell::new(0u32);
    let config = ProptestConfig { cases: 20_000, ..ProptestConfig::default() };
    proptest!(config, |(uri in mutant(BASES))| {
        if !may_read(&bundle, &uri) {
            return Ok(());
        }
        permitted.set(permitted.get().saturating_add(1));
        // A parser that refuses leads nowhere.
        if let Some(normal) = normal(&uri) {
            let literal = TEMPLATES.iter().find(|literal| uri.starts_with(**literal));
            prop_assert!(literal.is_some_and(|literal| normal.starts_with(*literal)), "{uri:?} is {normal:?}");
            let folded = normal.to_lowercase();
            prop_assert!(!folded.starts_with("file:///docs/vault/"), "{uri:?} is {normal:?}");
            for secret in SECRETS {
                prop_assert_ne!(folded.trim_end_matches('/'), secret, "{:?}", uri);
            }
        }
    });
    assert!(permitted.get() > 500, "only {} URIs were permitted", permitted.get());
}

#[test]
fn a_page_stays_under_its_prefix() {
    let bundle = bundle(POLICY);
    let permitted = Cell::new(0u32);
    let config = ProptestConfig { cases: 20_000, ..ProptestConfig::default() };
    let bases: &[&str] =
        &[PAGES, "https://ask.acme.test/consent/42", "https://ask.acme.test/consent/42?x=a/b#c"];
    proptest!(config, |(url in mutant(bases))| {
        if !may_visit(&bundle, &url) {
            return Ok(());
        }
        permitted.set(permitted.get().saturating_add(1));
        let normal = normal(&url);
        prop_assert!(normal.as_ref().is_some_and(|normal| normal.starts_with(PAGES)), "{url:?} is {normal:?}");
    });
    assert!(permitted.get() > 500, "only {} pages were permitted", permitted.get());
}

#[test]
fn another_spelling_of_an_item_is_readable_if_the_policy_treats_both_alike() {
    let bundle = bundle(POLICY);
    for uri in [
        "note:same",
        "note:SAME",
        "note:abc",
        "x://odd/%41/../B",
        "file:///docs/caf%C3%A9%20au%20lait/1.md",
        "db://t/row?x=1",
    ] {
        assert!(may_read(&bundle, uri), "{uri}");
    }
    for uri in [
        "note:SECRET",
        "note:secret ",
        "x://odd/B",
        "x://odd/%41/../b",
        "file:///docs/Secret",
        "file:///docs/secret%20",
        "file:///docs/secret ",
        "file:///docs/VAULT/x",
        "file:///docs/vault./x",
        "db://t/SECRET?X=1",
        "db://t/Secret?x=1",
        "https://wiki.acme.test/Secret",
    ] {
        assert!(!may_read(&bundle, uri), "{uri}");
    }
}
