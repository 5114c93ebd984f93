//! The bundle's bytes: damage is rejected, malformed contents deny, nothing panics, old bundles stay readable.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{Caller, compiled, explains};
use policy_wasm::bundle::layout::{DIGEST, HEADER, SECTION_ENTRY, Section};
use policy_wasm::bundle::{Bundle, BundleError, Trust, digest};
use policy_wasm::decision::{DenyReason, Effect};
use policy_wasm::json;
use policy_wasm::model::{Action, ActorKind, ItemKind};
use policy_wasm::pdp::{Authority, evaluate, explain};
use proptest::prelude::*;

const POLICY: &str = include_str!("../../tests/bundles/v1/policy.yaml");
const STORED: &[u8] = include_bytes!("../../tests/bundles/v1/policy.bundle");
const UNSIGNED_2: &[u8] = include_bytes!("../../tests/bundles/v2/policy.bundle");
const SIGNED_2: &[u8] = include_bytes!("../../tests/bundles/v2/signed.bundle");
const POLICY_2: &str = include_str!("../../tests/bundles/v2/policy.yaml");
const STORED_3: &[u8] = include_bytes!("../../tests/bundles/v3/policy.bundle");
const POLICY_3: &str = include_str!("../../tests/bundles/v3/policy.yaml");

fn open(bytes: Vec<u8>) -> Result<Bundle, BundleError> {
    Bundle::open(bytes, &Trust::digest_only())
}

fn alice() -> Caller {
    Caller {
        issuer: "https://id.acme.test".to_owned(),
        id: "alice".to_owned(),
        groups: vec!["engineering".to_owned()],
        roles: Vec::new(),
        actors: vec![(ActorKind::Subject, "https://id.acme.test".to_owned(), "agent:planner".to_owned())],
        scopes: vec!["mcp:write".to_owned()],
    }
}

/// Writes the right digest.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let right = digest(&bytes);
    if let Some(place) = bytes.get_mut(DIGEST..HEADER) {
        place.copy_from_slice(&right);
    }
    bytes
}

/// Asks a bundle everything there is to ask, and gives the permitted tools.
fn ask_everything(bundle: &Bundle) -> Vec<&'static str> {
    let mut permitted = Vec::new();
    let arguments = json::parse(br#"{"owner":"acme","repo":"tools"}"#, &json::Limits::default()).unwrap();
    let _ =
        (bundle.revision(), bundle.organisation(), bundle.counts(), bundle.digest(), format!("{bundle:?}"));
    for number in 0..5 {
        let _ = (bundle.rule(number), bundle.tier_name(number), bundle.server(number).map(|s| s.id()));
    }
    let found = bundle.server_at("tools.acme.test", "/mcp/github");
    for server in bundle.servers().chain(found) {
        let _ = (server.id(), server.resource(), server.path(), server.kind(), server.owner());
        let _ = server.scopes().count();
        for name in ["search_code", "comment", "merge_pull_request", "delete_repository", "unknown"] {
            let action = Action::CallTool { name, arguments: arguments.as_object(), definition: None };
            alice().asks(Action::UseServer, |request| evaluate(bundle, server, request));
            alice().asks(action, |request| {
                let decision = evaluate(bundle, server, request);
                assert!(explains(&explain(bundle, server, request).decision, &decision));
                let _ = Authority::of(bundle, server, request).visibility(ItemKind::Tool, name);
                if decision.effect() == Effect::Permit {
                    permitted.push(name);
                }
            });
        }
    }
    permitted
}

#[test]
fn the_stored_bundle_of_format_1_is_read_as_it_was_meant() {
    let bundle = open(STORED.to_vec()).unwrap();
    assert_eq!(bundle.revision(), "stored-v1");
    let permitted = ["search_code", "comment", "merge_pull_request"];
    assert_eq!(ask_everything(&bundle), [permitted, permitted].concat());
}

#[test]
fn the_stored_bundles_of_format_2_are_read_as_they_were_meant() {
    for (stored, serial, not_after) in [(UNSIGNED_2, 0, None), (SIGNED_2, 7, Some(4_102_444_800))] {
        let bundle = open(stored.to_vec()).unwrap();
        assert_eq!((bundle.revision(), bundle.header().format), ("stored-v2", 2));
        assert_eq!((bundle.serial(), bundle.not_after()), (serial, not_after));
        let permitted = ["search_code", "comment", "merge_pull_request"];
        assert_eq!(ask_everything(&bundle), [permitted, permitted].concat());
    }
}

/// The headers that repeat arguments, as `tool/version: header = path (type)`.
fn param_headers(bundle: &Bundle) -> Vec<String> {
    let mut told = Vec::new();
    for item in bundle.items() {
        let definitions: Vec<_> = item.definitions().unwrap().map(Result::unwrap).collect();
        for header in item.param_headers().map(Result::unwrap) {
            let of = definitions.iter().filter(|definition| header.is_of(**definition));
            let versions: Vec<_> = of.map(|definition| definition.version().unwrap()).collect();
            let path: Vec<_> = header.path.names().map(Result::unwrap).collect();
            let (path, versions) = (path.join("."), versions.join("+"));
            told.push(format!(
                "{}/{versions}: {} = {path} ({})",
                item.name(),
                header.name,
                header.value_type.name()
            ));
        }
    }
    told
}

#[test]
fn the_stored_bundle_of_format_3_is_read_as_it_was_meant() {
    let bundle = open(STORED_3.to_vec()).unwrap();
    let header = bundle.header();
    assert_eq!((bundle.revision(), header.format, header.lowest_reader), ("stored-v3", 3, 3));
    assert!(bundle.has_param_headers());
    assert_eq!(
        param_headers(&bundle),
        [
            "deploy/: dry_run = at.dry (boolean)",
            "deploy/: region = region (string)",
            "deploy/: size = size (integer)",
            "move/v1: region = region (string)",
            "move/v2: region = zone (string)",
        ]
    );
    assert_eq!(compiled(&[POLICY_3]), STORED_3);
}

#[test]
fn a_policy_without_such_headers_has_the_format_and_the_bytes_that_it_had() {
    assert_eq!(compiled(&[POLICY_2]), UNSIGNED_2);
    let plain = POLICY_3.replace(", x-mcp-header: ", ", description: ");
    let bundle = open(compiled(&[&plain])).unwrap();
    assert_eq!((bundle.header().format, bundle.has_param_headers()), (2, false));
    assert!(param_headers(&bundle).is_empty());
}

#[test]
fn a_format_that_lacks_the_section_does_not_have_it() {
    let mut bytes = STORED_3.to_vec();
    bytes[16..20].copy_from_slice(&[2, 0, 2, 0]);
    assert!(!open(sealed(bytes)).unwrap().has_param_headers());
    let mut bytes = STORED_3.to_vec();
    bytes[16..20].copy_from_slice(&[5, 0, 5, 0]);
    let error = open(sealed(bytes)).unwrap_err().to_string();
    assert_eq!(
        error,
        "bundle needs a reader of format 5, this one reads format 4; update the reader or compile with an older compiler"
    );
}

#[test]
fn the_same_policy_gives_the_same_bytes() {
    assert_eq!(compiled(&[POLICY]), compiled(&[POLICY]));
}

#[test]
fn a_bundle_without_a_revision_is_named_by_its_digest() {
    let bytes = compiled(&[&POLICY.replace("revision: stored-v1\n", "")]);
    let bundle = open(bytes).unwrap();
    let hex: String = bundle.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bundle.revision(), &hex[..16]);
}

#[test]
fn every_flipped_bit_is_refused() {
    for offset in 0..STORED.len() {
        for bit in 0..8 {
            let mut bytes = STORED.to_vec();
            bytes[offset] ^= 1 << bit;
            assert!(open(bytes).is_err(), "byte {offset}, bit {bit}");
        }
    }
}

#[test]
fn every_other_length_is_refused() {
    for length in 0..STORED.len() {
        assert!(open(STORED[..length].to_vec()).is_err(), "{length}");
        assert!(open(sealed(STORED[..length].to_vec())).is_err(), "sealed {length}");
    }
    for more in [vec![0], vec![0; 64], STORED.to_vec()] {
        assert!(open([STORED, &more].concat()).is_err());
        assert!(open(sealed([STORED, &more].concat())).is_err());
    }
}

fn refusal(bytes: Vec<u8>) -> String {
    open(bytes).unwrap_err().to_string()
}

#[test]
fn errors_name_the_damage() {
    let changed = |offset: usize, value: u8| {
        let mut bytes = STORED.to_vec();
        bytes[offset] = value;
        bytes
    };
    assert!(refusal(b"policy: toolward/v1\n".to_vec()).starts_with("not a policy bundle"));
    assert!(refusal(sealed(changed(18, 5))).starts_with("bundle needs a reader of format 5"));
    assert!(refusal(changed(STORED.len() - 1, 0xFF)).starts_with("bundle is damaged"));
    assert!(refusal(sealed(changed(32, 1))).starts_with("bundle uses header fields"));
    assert!(refusal(sealed(changed(HEADER, 0))).starts_with("bundle's section table"));
    assert!(refusal(STORED[..100].to_vec()).starts_with("bundle is cut off or padded"));
}

#[test]
fn a_later_format_with_more_sections_and_longer_records_is_read() {
    let written = compiled(&[POLICY]);
    let count = usize::from(written[24]);
    let table = HEADER + count * SECTION_ENTRY;
    let mut bytes = written[..HEADER].to_vec();
    bytes[16] = 5;
    bytes[24] += 2;
    let mut contents = Vec::new();
    let first = table + 2 * SECTION_ENTRY;
    for entry in written[HEADER..table].chunks(SECTION_ENTRY) {
        let field =
            |index: usize| u32::from_le_bytes(entry[index * 4..index * 4 + 4].try_into().unwrap()) as usize;
        let (kind, start, length, stride) = (field(0), field(1), field(2), field(3));
        // Entries get one more field, and issuers the one of format 4: they vouch for no others.
        let (longer, filler) = match kind {
            _ if kind == Section::Items as usize => (stride + 4, 0xEE),
            _ if kind == Section::Issuers as usize => (stride + 4, 0),
            _ => (stride, 0),
        };
        let begin = contents.len();
        for record in written[start..start + length].chunks(stride) {
            contents.extend(record);
            contents.resize(contents.len() + longer - stride, filler);
        }
        for field in [kind, first + begin, contents.len() - begin, longer] {
            bytes.extend(u32::try_from(field).unwrap().to_le_bytes());
        }
    }
    let end = first + contents.len();
    for field in [[Section::ParamHeaders as usize, end, 0, 24], [40, end, 3, 1]].concat() {
        bytes.extend(u32::try_from(field).unwrap().to_le_bytes());
    }
    bytes.extend(contents);
    bytes.extend(b"new");
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    bytes[20..24].copy_from_slice(&length);
    let bundle = open(sealed(bytes)).unwrap();
    let permitted = ["search_code", "comment", "merge_pull_request"];
    assert_eq!(ask_everything(&bundle), [permitted, permitted].concat());
}

/// The stored bundle with the field at `offset` of every record of a section set to its largest value.
fn nonsense(section: Section, offset: usize) -> Vec<u8> {
    let entry = HEADER + (section as usize - 1) * SECTION_ENTRY;
    let field =
        |at: usize| u32::from_le_bytes(STORED[entry + at..entry + at + 4].try_into().unwrap()) as usize;
    let (start, length, stride) = (field(4), field(8), field(12));
    let mut bytes = STORED.to_vec();
    let step = if stride == 1 { length } else { stride };
    for record in bytes[start..start + length].chunks_mut(step) {
        record[offset..offset + 4].fill(0xFF);
    }
    sealed(bytes)
}

#[test]
fn malformed_contents_deny_as_unreadable() {
    for (section, offset, what) in [
        (Section::Items, 12, "tier of a tool"),
        (Section::Items, 20, "number of checks"),
        (Section::Ceilings, 4, "tier of a ceiling"),
        (Section::Principals, 20, "start of the ceilings"),
        (Section::ItemTable, 12, "longest probe"),
        (Section::Parts, 0, "kind of a part"),
        (Section::Parts, 8, "length of a literal or path"),
        (Section::Segments, 0, "key of an argument"),
    ] {
        let bytes = nonsense(section, offset);
        let bundle = open(bytes).unwrap();
        let server = bundle.server(0).unwrap();
        let arguments = json::parse(br#"{"owner":"acme","repo":"tools"}"#, &json::Limits::default()).unwrap();
        let mut unreadable = false;
        for name in ["comment", "delete_repository", "merge_pull_request", "search_code"] {
            let action = Action::CallTool { name, arguments: arguments.as_object(), definition: None };
            let decision = alice().asks(action, |request| evaluate(&bundle, server, request));
            unreadable |= decision.reasons.contains(DenyReason::PolicyUnreadable);
        }
        assert!(unreadable, "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: common::regressions(), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_at_all_give_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(bytes).is_err());
    }

    #[test]
    fn any_bytes_behind_a_right_header_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut whole = STORED[..HEADER + 16 * SECTION_ENTRY].to_vec();
        whole.extend(bytes);
        whole.resize(STORED.len(), 0);
        if let Ok(bundle) = open(sealed(whole)) {
            ask_everything(&bundle);
        }
    }

    #[test]
    fn a_changed_bundle_with_a_right_digest_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u8>(), Just(0), Just(1), Just(0xFF), Just(0x7F),
        ], 1..5usize), 1..6),
    ) {
        let mut bytes = STORED.to_vec();
        for (index, value, run) in changes {
            let at = 20 + index.index(bytes.len() - 20);
            let end = (at + run).min(bytes.len());
            bytes[at..end].fill(value);
        }
        if let Ok(bundle) = open(sealed(bytes)) {
            ask_everything(&bundle);
        }
    }
}
