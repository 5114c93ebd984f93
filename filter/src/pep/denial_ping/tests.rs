#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::mcp::revision::Revisions;
use crate::pep::Pep;
use crate::testing::{NOW, POLICY, claims, config, signed};
use crate::token::VerifiedDelegation;
use policy_wasm::decision::DenyReason;
use std::rc::Rc;

fn pep() -> Pep {
    Pep::new(config(POLICY, crate::testing::with_checks()).unwrap())
}

fn caller(pep: &Pep, subject: &str) -> Rc<VerifiedDelegation> {
    let token = signed(&claims(subject, "planner"));
    pep.config.verifier.verify(&token, NOW, "https://tools.test/mcp").unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(vec![crate::sealed_id::Key::new([1; 32])]).unwrap()
}

fn pings<'r>(keys: Option<&'r KeyRing>, caller: &VerifiedDelegation) -> DenialPings<'r> {
    let owner = Binding::of(caller, "https://tools.test/mcp");
    DenialPings { keys: keys.map(|keys| (keys, owner)), now: NOW }
}

fn denial(reason: Reason, context: &Context<'_>) -> String {
    String::from_utf8(reply::denial(reason, context).body).unwrap()
}

fn plain() -> String {
    let context = Context { id: Some("4"), decision_id: "0123abcd", ..Context::default() };
    denial(Reason::Policy(DenyReason::TierAboveSubject), &context)
}

fn id_of(ping: &str) -> String {
    let message: serde_json::Value = serde_json::from_str(ping).unwrap();
    assert_eq!((&message["jsonrpc"], &message["method"]), (&"2.0".into(), &"ping".into()));
    message["id"].as_str().unwrap().to_owned()
}

fn marked(text: &str) -> String {
    format!("{MARK}{}", URL_SAFE_NO_PAD.encode(text))
}

#[test]
fn every_denial_that_a_ping_carries_comes_out_again() {
    let pep = pep();
    let (alice, keys) = (caller(&pep, "alice"), ring());
    for reason in Reason::all() {
        for id in ["4", "-9007199254740991", "\"\"", r#""a\"\\\u0000b\r\n""#, "\"a\u{2028}é\""] {
            for (form, tool_call) in [
                (DenialForm::JsonRpcError, true),
                (DenialForm::ToolError, true),
                (DenialForm::ToolError, false),
                (DenialForm::Http403, true),
            ] {
                for other in [false, true] {
                    let revisions: Revisions =
                        [Revision::R20241105, Revision::R20251125].into_iter().collect();
                    let context = Context {
                        id: Some(id),
                        form,
                        tool_call,
                        modern: other,
                        initialize: other,
                        revisions: if other { revisions } else { Revisions::default() },
                        requested: other.then_some("a \"b\"\u{2028}\r"),
                        decision_id: "0123abcd.64",
                        ..Context::default()
                    };
                    let text = denial(reason, &context);
                    for keys in [None, Some(&keys)] {
                        let pings = pings(keys, &alice);
                        let id = id_of(&pings.ping(text.as_bytes()).unwrap());
                        assert_eq!(pings.open(&id).as_deref(), Some(text.as_str()), "{reason:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_comes_out_but_what_a_gateway_writes() {
    let pep = pep();
    let alice = caller(&pep, "alice");
    let open = |text: &str| pings(None, &alice).open(&marked(text));
    let text = plain();
    assert_eq!(open(&text).as_deref(), Some(text.as_str()));
    for other in [
        "".to_owned(),
        "{}".to_owned(),
        format!(" {text}"),
        format!("{text}\n"),
        format!("[{text}]"),
        text.replace("\"id\":4", "\"id\":null"),
        text.replace("\"id\":4", "\"id\":4.0"),
        text.replace("\"id\":4", "\"id\":{}"),
        text.replace("\"id\":4", "\"id\":\r4"),
        text.replace("\"id\":4", "\"id\":4,\"id\":5"),
        text.replace("\"error\"", "\r\"error\""),
        text.replace("\"error\"", "\"result\":{},\"error\""),
        text.replace("\"error\"", "\"method\":\"ping\",\"error\""),
        text.replace("\"reason\"", "\"elicitations\":[],\"reason\""),
        text.replace("tier_above_subject", "tier_above_everything"),
        text.replace("tier_above_subject", "tier_above_actor"),
        text.replace("403", "-32042"),
        text.replace("this tool", "That tool"),
        text.replace("0123abcd", "0123 abcd"),
        text.replace("0123abcd", &"0".repeat(MAX_DECISION_ID + 1)),
        text.replace("}}}", ",\"supported\":[],\"requested\":null}}}"),
        r#"{"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"look"}]}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#.to_owned(),
    ] {
        assert_eq!(open(&other), None, "{other:?}");
    }
    for id in ["", "toolward-denied", "toolward-denied.=", "toolward-denied.a b", "5"] {
        assert_eq!(pings(None, &alice).open(id), None, "{id}");
    }
    assert_eq!(pings(None, &alice).open(&format!("{}=", marked(&text))), None);
}

#[test]
fn with_keys_a_denial_is_sealed_for_one_caller_at_one_server() {
    let pep = pep();
    let (alice, bob, keys) = (caller(&pep, "alice"), caller(&pep, "bob"), ring());
    let text = plain();
    let id = id_of(&pings(Some(&keys), &alice).ping(text.as_bytes()).unwrap());
    assert_eq!(pings(Some(&keys), &alice).open(&id), Some(text.clone()));
    assert_eq!(pings(Some(&keys), &alice).open(&marked(&text)), None, "not sealed");
    assert_eq!(pings(None, &alice).open(&id), None, "sealed, without keys");
    assert_eq!(pings(Some(&keys), &bob).open(&id), None, "another human");
    let owner = Binding::of(&alice, "https://tools.test/other");
    let elsewhere = DenialPings { keys: Some((&keys, owner)), now: NOW };
    assert_eq!(elsewhere.open(&id), None, "another server");
    let late = |seconds| DenialPings { now: NOW + seconds, ..pings(Some(&keys), &alice) };
    assert_eq!(late(SECONDS - 1).open(&id), Some(text.clone()));
    assert_eq!(late(SECONDS).open(&id), None, "late");
    let (_, sealed) = id.rsplit_once(SEAL).unwrap();
    let other = marked(&text.replace("\"id\":4", "\"id\":5"));
    assert_eq!(pings(Some(&keys), &alice).open(&format!("{other}{SEAL}{sealed}")), None, "another denial");
    let of_session = keys.seal(
        Purpose::Session,
        &digest(text.as_bytes()),
        Binding::of(&alice, "https://tools.test/mcp"),
        NOW + 9,
    );
    let id = format!("{}{SEAL}{}", marked(&text), of_session.unwrap());
    assert_eq!(pings(Some(&keys), &alice).open(&id), None, "sealed for another purpose");
}

#[test]
fn a_denial_that_is_too_long_is_not_carried() {
    let pep = pep();
    let alice = caller(&pep, "alice");
    let ping = |length| pings(None, &alice).ping(&vec![b'x'; length]).map(|text| text.len());
    assert_eq!((ping(MAX), ping(MAX + 1)), (Some(5519), None));
}
