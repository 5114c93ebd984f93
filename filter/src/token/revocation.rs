//! Revocations: tokens, subjects, agents and consents that are revoked before they expire.
//!
//! A revocation names its target by issuer and name: one token (`jti`), a subject, an agent anywhere in the
//! chain, or a consent. It counts on every call, whatever the cache holds, and ends open streams.
//!
//! Source: RFC 7009 §1 (the meaning of revoking), RFC 6750 §3.1 (`invalid_token` for a revoked token), RFC
//! 8693 §4.1 (chain).

use super::VerifiedDelegation;
use policy_wasm::sort::sorted;
use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

/// The kind of a revocation's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revocable {
    /// A token, by its `jti`.
    Token,
    /// Every token of a subject, by its `sub`.
    Subject,
    /// Every token that names an agent anywhere: in its chain, as `client_id` or as `azp`.
    Actor,
    /// Every token under a consent, by the consent's id.
    Consent,
}

/// One revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The kind of the target.
    pub kind: Revocable,
    /// Whose name it is: the token's `iss`; for an actor, the actor's.
    pub issuer: String,
    /// The name.
    pub id: String,
    /// Only tokens issued (`iat`) before this are revoked, in Unix seconds.
    pub issued_before: u64,
}

impl Revocation {
    fn thing(&self) -> (Revocable, &str, &str) {
        (self.kind, &self.issuer, &self.id)
    }
}

/// The revocations of one configuration.
#[derive(Debug, Default)]
pub struct RevocationList(Vec<Revocation>);

impl RevocationList {
    /// In any order. Of two revocations with the same target, the wider one counts.
    pub fn new(revocations: Vec<Revocation>) -> RevocationList {
        let order = sorted(revocations.len(), &|a, b| {
            let thing = |at: usize| revocations.get(at).map(Revocation::thing);
            thing(a).cmp(&thing(b))
        });
        let mut list: Vec<Revocation> = Vec::with_capacity(revocations.len());
        for revocation in order.into_iter().filter_map(|at| revocations.get(at as usize)) {
            match list.last_mut().filter(|last| last.thing() == revocation.thing()) {
                Some(last) => last.issued_before = last.issued_before.max(revocation.issued_before),
                None => list.push(revocation.clone()),
            }
        }
        RevocationList(list)
    }

    // Once, not at each of its calls: the module is compiled whole.
    #[inline(never)]
    fn has(&self, kind: Revocable, issuer: &str, id: &str, issued_at: u64) -> bool {
        let found = self.0.binary_search_by(|revocation| revocation.thing().cmp(&(kind, issuer, id))).ok();
        found.and_then(|at| self.0.get(at)).is_some_and(|revocation| issued_at < revocation.issued_before)
    }

    /// Whether anything in the token is revoked.
    pub fn revokes(&self, token: &VerifiedDelegation) -> bool {
        let has = |kind, issuer: &str, id: &str| self.has(kind, issuer, id, token.issued_at);
        !self.0.is_empty()
            && (has(Revocable::Subject, &token.issuer, &token.subject)
                || token.token_id.as_ref().is_some_and(|id| has(Revocable::Token, &token.issuer, id))
                || token.consent.as_ref().is_some_and(|c| has(Revocable::Consent, &token.issuer, &c.id))
                || token
                    .actors
                    .iter()
                    .chain(&token.clients)
                    .any(|actor| has(Revocable::Actor, &actor.issuer, &actor.id)))
    }
}

/// The revocations of every configuration in use. Requests and streams that began under an old configuration
/// go on under it. A revocation of the new one ends them too.
#[derive(Default)]
pub struct Revocations(RefCell<Vec<Weak<RevocationList>>>);

impl Revocations {
    /// Adds a list, for as long as a configuration holds it.
    pub fn add(&self, list: &Rc<RevocationList>) {
        if let Ok(mut lists) = self.0.try_borrow_mut() {
            lists.retain(|list| list.strong_count() > 0);
            lists.push(Rc::downgrade(list));
        }
    }

    /// Whether anything in the token is revoked.
    pub fn revoke(&self, token: &VerifiedDelegation) -> bool {
        // A list that cannot be read could revoke it.
        self.0
            .try_borrow()
            .map_or(true, |lists| lists.iter().filter_map(Weak::upgrade).any(|list| list.revokes(token)))
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revocations(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]
    use super::super::tests::{NOW, RESOURCE, claims, header, sign, verifier, with_claims};
    use super::*;
    use serde_json::json;

    fn revocation(kind: Revocable, issuer: &str, id: &str, issued_before: u64) -> Revocation {
        Revocation { kind, issuer: issuer.into(), id: id.into(), issued_before }
    }

    #[test]
    fn a_token_is_revoked_by_each_thing_that_stands_in_it_and_by_nothing_else() {
        let mut with_consent = claims();
        with_consent["toolward_consent"] = json!({"id": "c-1", "given_at": NOW - 60});
        let token = sign(&header().to_string(), &with_consent.to_string());
        let delegation = verifier().verify(&token, NOW, RESOURCE).unwrap();
        let (acme, other) = ("https://id.acme.test", "https://other.test");
        let client = "https://agents.acme.test/planner.json";
        for (kind, issuer, id) in [
            (Revocable::Token, acme, "t-1"),
            (Revocable::Subject, acme, "u-alice"),
            (Revocable::Consent, acme, "c-1"),
            (Revocable::Actor, acme, client),
            (Revocable::Actor, acme, "agent:buyer"),
            (Revocable::Actor, other, "agent:planner"),
        ] {
            let revokes = |issued_before| {
                RevocationList::new(vec![revocation(kind, issuer, id, issued_before)]).revokes(&delegation)
            };
            assert!(revokes(u64::MAX) && revokes(NOW - 59), "{kind:?} {id}");
            assert!(!revokes(NOW - 60), "{kind:?} {id}: issued after it");
        }
        for (kind, issuer, id) in [
            (Revocable::Token, other, "t-1"),
            (Revocable::Token, acme, "t-2"),
            (Revocable::Subject, other, "u-alice"),
            (Revocable::Subject, acme, "agent:buyer"),
            (Revocable::Actor, acme, "u-alice"),
            (Revocable::Actor, acme, "agent:planner"),
            (Revocable::Consent, acme, "t-1"),
        ] {
            let list = RevocationList::new(vec![revocation(kind, issuer, id, u64::MAX)]);
            assert!(!list.revokes(&delegation), "{kind:?} {issuer} {id}");
        }
    }

    #[test]
    fn revocations_count_in_any_order_and_the_wider_one_of_two() {
        let delegation = verifier().verify(&with_claims(json!({})), NOW, RESOURCE).unwrap();
        let acme = "https://id.acme.test";
        let mut all = vec![
            revocation(Revocable::Subject, acme, "u-alice", NOW - 100),
            revocation(Revocable::Subject, acme, "u-alice", NOW),
            revocation(Revocable::Subject, acme, "u-bob", u64::MAX),
            revocation(Revocable::Token, acme, "a", u64::MAX),
            revocation(Revocable::Consent, acme, "z", u64::MAX),
        ];
        for _ in 0..all.len() {
            all.rotate_left(1);
            assert!(RevocationList::new(all.clone()).revokes(&delegation));
            let mut reversed = all.clone();
            reversed.reverse();
            assert!(RevocationList::new(reversed).revokes(&delegation));
        }
    }

    #[test]
    fn the_revocations_of_every_configuration_in_use_count() {
        let delegation = verifier().verify(&with_claims(json!({})), NOW, RESOURCE).unwrap();
        let revocations = Revocations::default();
        let of = |id: &str| {
            let entry = revocation(Revocable::Subject, "https://id.acme.test", id, u64::MAX);
            Rc::new(RevocationList::new(vec![entry]))
        };
        let (bob, alice) = (of("u-bob"), of("u-alice"));
        revocations.add(&bob);
        assert!(!revocations.revoke(&delegation));
        revocations.add(&alice);
        assert!(revocations.revoke(&delegation));
        drop(bob);
        assert!(revocations.revoke(&delegation));
        drop(alice);
        assert!(!revocations.revoke(&delegation), "the configuration is no longer in use");
    }
}
