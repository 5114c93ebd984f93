//! Bundles of whole policies, damaged at random behind a right digest: denials, never a panic.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::explains;
use common::model::{self, Ask, TEMPLATES, URIS};
use policy_wasm::bundle::layout::{DIGEST, HEADER, SECTION_ENTRY, Section};
use policy_wasm::bundle::{Bundle, Trust, digest};
use policy_wasm::compile::write;
use policy_wasm::decision::DenyReason;
use policy_wasm::model::ItemKind;
use policy_wasm::pdp::{Authority, evaluate, explain};
use proptest::prelude::*;

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let right = digest(&bytes);
    bytes[DIGEST..HEADER].copy_from_slice(&right);
    bytes
}

/// Asks everything there is to ask; whether something was unreadable.
fn ask_everything(bundle: &Bundle, ask: &Ask) -> bool {
    let mut unreadable = false;
    let _ = (bundle.environments().map(|list| list.map(|list| list.names().count())), bundle.counts());
    let _ = (bundle.issuers().count(), bundle.agent_types().count(), format!("{bundle:?}"));
    for principal in bundle.principals().take(100) {
        let _ = (principal.kind(), principal.issuer(), principal.name(), principal.value());
        let _ = (
            principal.conditional_grants().map(|list| format!("{list:?}")),
            principal.groups().map(Iterator::count),
        );
        let _ = principal.ceilings().map(Iterator::count);
    }
    for rule in bundle.rules().take(100) {
        let _ =
            (rule.id(), rule.mode(), rule.ceiling(), rule.window(), rule.tier_from(), rule.is_about_items());
        let _ = (
            rule.approval(),
            rule.budget().map(|terms| terms.map(|terms| terms.per().count())),
            rule.agent_type(),
        );
        let _ = rule.condition().map(|condition| condition.map(|condition| condition.text().map(str::len)));
        for list in
            [rule.subjects(), rule.actors(), rule.servers(), rule.names(), rule.labels(), rule.methods()]
        {
            let _ = list.map(|list| list.map(|list| (list.names().count(), list.numbers().count())));
        }
    }
    for item in bundle.items().take(100) {
        let _ = (item.name(), item.mode(), item.condition(), item.approval(), item.is_pinned());
        let _ = item.arguments().map(Iterator::count);
        let _ = item
            .param_headers()
            .filter_map(Result::ok)
            .map(|header| header.path.names().count())
            .sum::<usize>();
        let _ = item
            .shown_arguments()
            .map(|paths| paths.filter_map(Result::ok).map(|path| path.names().count()).sum::<usize>());
        let _ =
            item.definitions().map(|all| all.filter_map(Result::ok).filter(|d| d.version().is_ok()).count());
    }
    for server in bundle.servers().take(3) {
        let _ = (server.environment(), server.revisions().is_ok(), server.items().take(50).count());
        ask.asks(|request| {
            let decision = evaluate(bundle, server, request);
            assert!(explains(&explain(bundle, server, request).decision, &decision));
            unreadable |= decision.reasons.contains(DenyReason::PolicyUnreadable);
            let authority = Authority::of(bundle, server, request);
            for kind in ItemKind::ALL {
                for name in ["n0", "n1"].into_iter().chain(URIS).chain(TEMPLATES) {
                    let _ = authority.visibility(kind, name);
                }
            }
        });
    }
    unreadable
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: common::regressions(), ..ProptestConfig::default() })]

    #[test]
    fn damage_anywhere_never_panics(
        policy in model::policy(), ask in model::ask(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u8>(), Just(0), Just(1), Just(0xFF), Just(0x7F),
        ], 1..9usize), 1..9),
    ) {
        let mut bytes = write(&policy).unwrap();
        for (index, value, run) in changes {
            let at = 20 + index.index(bytes.len() - 20);
            let end = (at + run).min(bytes.len());
            bytes[at..end].fill(value);
        }
        if let Ok(bundle) = Bundle::open(sealed(bytes), &Trust::digest_only()) {
            ask_everything(&bundle, &ask);
        }
    }

    #[test]
    fn a_malformed_section_never_panics(policy in model::policy(), ask in model::ask(), which in 1..Section::ALL.len(), value: u32) {
        let mut bytes = write(&policy).unwrap();
        let entry = HEADER + which % usize::from(bytes[24]) * SECTION_ENTRY;
        let field = |at: usize| u32::from_le_bytes(bytes[entry + at..entry + at + 4].try_into().unwrap()) as usize;
        let (start, length) = (field(4), field(8));
        bytes[start..start + length].chunks_exact_mut(4).for_each(|field| field.copy_from_slice(&value.to_le_bytes()));
        if let Ok(bundle) = Bundle::open(sealed(bytes), &Trust::digest_only()) {
            ask_everything(&bundle, &ask);
        }
    }
}

/// That the damage above is met at all, and then denied.
#[test]
fn damaged_rules_are_unreadable() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut unreadable = 0;
    for _ in 0..100 {
        use proptest::strategy::ValueTree;
        let policy = model::policy().new_tree(&mut runner).unwrap().current();
        let ask = model::ask().new_tree(&mut runner).unwrap().current();
        for section in [Section::Lists, Section::RuleExtras, Section::ItemExtras, Section::PrincipalExtras] {
            let mut bytes = write(&policy).unwrap();
            let entry = HEADER + (section as usize - 1) * SECTION_ENTRY;
            let field = |at: usize| {
                u32::from_le_bytes(bytes[entry + at..entry + at + 4].try_into().unwrap()) as usize
            };
            let (start, length) = (field(4), field(8));
            bytes[start..start + length].fill(0xFF);
            if let Ok(bundle) = Bundle::open(sealed(bytes), &Trust::digest_only()) {
                unreadable += usize::from(ask_everything(&bundle, &ask));
            }
        }
    }
    assert!(unreadable > 50, "{unreadable}");
}
