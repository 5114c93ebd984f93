//! The sealed form: unpadded base64url of
//!
//! ```text
//! 1 byte    form: 1 a session, 2 a task, 3 an endpoint; 128 more where it says when it began
//! 4 bytes   which key: the first bytes of a hash of it
//! 32 bytes  tag
//! the rest  masked: 8 bytes beginning, where the form says so, 8 bytes end (both Unix seconds, big-endian), 32 bytes
//!           binding, the server's text
//! ```
//!
//! The tag is HMAC-SHA-256 over form and contents, and the mask is HMAC-SHA-256 in counter mode from the tag, each
//! under a key of its own derived from the configured one: the synthetic-IV construction (RFC 5297 §2), with HMAC in
//! the place of AES, whose tables or an AEAD of another family would take 19 KB of the module. The same session sealed
//! twice is the same text, and no randomness is needed.

use super::uses::Mark;
use crate::delegation::VerifiedDelegation;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use policy_wasm::model::Delegation;
use sha2::{Digest as _, Sha256};
use std::fmt;

const HINT: usize = 4;
const TAG: usize = 32;
const TIME: usize = 8;
const BINDING: usize = 32;
/// In the form: the beginning is there.
const DATED: u8 = 0x80;
/// Longest text of a server, in bytes.
pub const MAX_TEXT: usize = 1024;

/// What is sealed. What was sealed as one does not open as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session's id (`Mcp-Session-Id`).
    Session,
    /// A task's id.
    Task,
    /// The query of the message endpoint (MCP 2024-11-05, HTTP with SSE), which names a session.
    Endpoint,
}

impl Purpose {
    fn form(self) -> u8 {
        match self {
            Purpose::Session => 1,
            Purpose::Task => 2,
            Purpose::Endpoint => 3,
        }
    }
}

/// Why a sealed text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No key of ours sealed it for this purpose, or it was changed.
    Unknown,
    /// It is another subject's, tenant's, actor's or server's.
    Foreign,
    /// Its time is over.
    Expired,
}

/// A key that seals.
pub struct Key {
    hint: [u8; HINT],
    tag: Hmac<Sha256>,
    mask: Hmac<Sha256>,
}

impl Key {
    /// Of 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Key {
        // INVARIANT (keys of their own): what one use shows of its key tells nothing of the others.
        let derived = |label: &[u8]| keyed(&mac(&keyed(&bytes), &[label]));
        let mut hint = [0; HINT];
        for (to, from) in hint.iter_mut().zip(mac(&derived(b"toolward session hint"), &[])) {
            *to = from;
        }
        Key { hint, tag: derived(b"toolward session tag"), mask: derived(b"toolward session mask") }
    }

    /// What the tag is made from.
    fn tagged(&self, form: u8, plain: &[u8]) -> Hmac<Sha256> {
        let mut tag = self.tag.clone();
        tag.update(&[form]);
        tag.update(plain);
        tag
    }

    /// Masks or unmasks.
    fn apply(&self, tag: &[u8], text: &mut [u8]) {
        for (number, block) in text.chunks_mut(TAG).enumerate() {
            let number = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
            for (byte, mask) in block.iter_mut().zip(mac(&self.mask, &[tag, &number])) {
                *byte ^= mask;
            }
        }
    }
}

/// HMAC under this key, which stands at the beginning of a block of zeros (RFC 2104 §2).
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new((&block).into())
}

fn mac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; TAG] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// To whom a session belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding([u8; BINDING]);

impl Binding {
    /// For tests that are about something else.
    #[cfg(test)]
    pub(super) const NOBODY: Binding = Binding([0; BINDING]);

    /// The human and their tenant, the agent that calls now, and the server with this resource identifier.
    pub fn of(caller: &VerifiedDelegation, resource: &str) -> Binding {
        caller.with_delegation(false, |delegation| Binding::over(delegation, caller.tenant(), resource))
    }

    fn over(delegation: &Delegation<'_>, tenant: Option<&str>, resource: &str) -> Binding {
        let subject = delegation.subject.identity;
        let mut parts = vec![resource.as_bytes(), subject.issuer.as_bytes(), subject.id.as_bytes()];
        if let Some(actor) = delegation.actors.first() {
            let kind: &[u8] = match actor.kind {
                policy_wasm::model::ActorKind::Subject => b"subject",
                policy_wasm::model::ActorKind::Client => b"client",
            };
            parts.extend([kind, actor.identity.issuer.as_bytes(), actor.identity.id.as_bytes()]);
        }
        // Without a tenant the binding is what it was before there were any.
        if let Some(tenant) = tenant {
            parts.extend([b"tenant".as_slice(), tenant.as_bytes()]);
        }
        Binding(hash(&parts))
    }
}

/// From when until when, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    /// Where it is needed.
    pub(super) begin: Option<u64>,
    pub(super) end: u64,
}

/// What was sealed.
pub(super) struct Opened {
    pub(super) text: String,
    pub(super) term: Term,
    /// What uses of it are noted by.
    pub(super) mark: Mark,
}

/// The keys: the first one seals, all of them open.
#[derive(Debug)]
pub struct KeyRing {
    keys: Vec<Key>,
}

impl KeyRing {
    /// At least one key.
    pub fn new(keys: Vec<Key>) -> Option<KeyRing> {
        (!keys.is_empty()).then_some(KeyRing { keys })
    }

    /// Seals a server's text until `end` (Unix seconds); `None` where it is empty, longer than [`MAX_TEXT`] or not
    /// visible ASCII.
    pub fn seal(&self, purpose: Purpose, text: &str, binding: Binding, end: u64) -> Option<String> {
        self.seal_for(purpose, text, binding, Term { begin: None, end }).map(|(sealed, _)| sealed)
    }

    /// [`KeyRing::seal`] with the beginning, where there is one; gives what uses are noted by, too.
    pub(super) fn seal_for(
        &self,
        purpose: Purpose,
        text: &str,
        binding: Binding,
        term: Term,
    ) -> Option<(String, Mark)> {
        let key = self.keys.first()?;
        if text.is_empty() || text.len() > MAX_TEXT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut plain = Vec::with_capacity(BINDING.saturating_mul(2).saturating_add(text.len()));
        let mut form = purpose.form();
        if let Some(begin) = term.begin {
            form |= DATED;
            plain.extend_from_slice(&begin.to_be_bytes());
        }
        plain.extend_from_slice(&term.end.to_be_bytes());
        plain.extend_from_slice(&binding.0);
        plain.extend_from_slice(text.as_bytes());
        let tag: [u8; TAG] = key.tagged(form, &plain).finalize().into_bytes().into();
        key.apply(&tag, &mut plain);
        let mut whole = vec![form];
        whole.extend_from_slice(&key.hint);
        whole.extend_from_slice(&tag);
        whole.extend_from_slice(&plain);
        Some((URL_SAFE_NO_PAD.encode(whole), Mark::of(&tag)))
    }

    /// Opens what was sealed for this purpose.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn open(&self, purpose: Purpose, sealed: &str, binding: Binding, now: u64) -> Result<String, Fault> {
        self.open_whole(purpose, sealed, binding, now).map(|opened| opened.text)
    }

    /// [`KeyRing::open`] with everything that is known of what was sealed.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(super) fn open_whole(
        &self,
        purpose: Purpose,
        sealed: &str,
        binding: Binding,
        now: u64,
    ) -> Result<Opened, Fault> {
        let whole = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Fault::Unknown)?;
        let (form, rest) = whole.split_first().ok_or(Fault::Unknown)?;
        let (hint, rest) = rest.split_at_checked(HINT).ok_or(Fault::Unknown)?;
        let (tag, masked) = rest.split_first_chunk::<TAG>().ok_or(Fault::Unknown)?;
        let key = self.keys.iter().find(|key| key.hint == hint);
        let key = key.filter(|_| *form & !DATED == purpose.form()).ok_or(Fault::Unknown)?;
        let mut plain = masked.to_vec();
        key.apply(tag, &mut plain);
        // Compares in constant time.
        key.tagged(*form, &plain).verify_slice(tag).map_err(|_| Fault::Unknown)?;
        let (begin, rest) = match time(&plain)? {
            (begin, rest) if *form & DATED != 0 => (Some(begin), rest),
            _ => (None, plain.as_slice()),
        };
        let (end, rest) = time(rest)?;
        let (bound, text) = rest.split_first_chunk::<BINDING>().ok_or(Fault::Unknown)?;
        if *bound != binding.0 {
            return Err(Fault::Foreign);
        }
        if end <= now {
            return Err(Fault::Expired);
        }
        let text = String::from_utf8(text.to_vec()).map_err(|_| Fault::Unknown)?;
        Ok(Opened { text, term: Term { begin, end }, mark: Mark::of(tag) })
    }
}

/// A time and what follows it.
fn time(bytes: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let (time, rest) = bytes.split_first_chunk::<TIME>().ok_or(Fault::Unknown)?;
    Ok((u64::from_be_bytes(*time), rest))
}

/// SHA-256 over parts that cannot run into each other.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use policy_wasm::model::{Actor, ActorKind, Identity, Subject};
    use proptest::prelude::*;

    const NOW: u64 = 1_795_213_260;

    fn ring(seeds: &[u8]) -> KeyRing {
        KeyRing::new(seeds.iter().map(|seed| Key::new([*seed; 32])).collect()).unwrap()
    }

    fn binding(subject: [&str; 2], actor: (ActorKind, [&str; 2]), resource: &str) -> Binding {
        within(None, subject, actor, resource)
    }

    fn within(
        tenant: Option<&str>,
        subject: [&str; 2],
        actor: (ActorKind, [&str; 2]),
        resource: &str,
    ) -> Binding {
        let identity = |[issuer, id]: [&'static str; 2]| Identity { issuer, id };
        let own = |[issuer, id]: [&str; 2]| {
            let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
            identity([leak(issuer), leak(id)])
        };
        let actors = [Actor { kind: actor.0, identity: own(actor.1) }];
        let subject = Subject { identity: own(subject), groups: &[], roles: &[], claims: None };
        Binding::over(&Delegation { subject, actors: &actors, scopes: &[], consent: None }, tenant, resource)
    }

    fn alice() -> Binding {
        binding(["i", "alice"], (ActorKind::Subject, ["i", "planner"]), "https://a.test/mcp")
    }

    #[test]
    fn what_was_sealed_is_opened_by_whom_it_is_for_and_by_nobody_else() {
        let ring = ring(&[1]);
        let sealed = ring.seal(Purpose::Session, "server-7", alice(), NOW + 60).unwrap();
        assert_eq!(ring.open(Purpose::Session, &sealed, alice(), NOW).as_deref(), Ok("server-7"));
        let planner = (ActorKind::Subject, ["i", "planner"]);
        for other in [
            binding(["i", "bob"], planner, "https://a.test/mcp"),
            binding(["j", "alice"], planner, "https://a.test/mcp"),
            binding(["i", "alice"], (ActorKind::Client, ["i", "planner"]), "https://a.test/mcp"),
            binding(["i", "alice"], (ActorKind::Subject, ["j", "planner"]), "https://a.test/mcp"),
            binding(["i", "alice"], (ActorKind::Subject, ["i", "robot"]), "https://a.test/mcp"),
            binding(["i", "alice"], planner, "https://b.test/mcp"),
            // The same letters, cut elsewhere.
            binding(["ia", "lice"], planner, "https://a.test/mcp"),
        ] {
            assert_eq!(ring.open(Purpose::Session, &sealed, other, NOW), Err(Fault::Foreign));
        }
        assert_eq!(ring.open(Purpose::Session, &sealed, alice(), NOW + 59).as_deref(), Ok("server-7"));
        assert_eq!(ring.open(Purpose::Session, &sealed, alice(), NOW + 60), Err(Fault::Expired));
    }

    #[test]
    fn the_same_human_in_another_tenant_is_somebody_else() {
        let ring = ring(&[1]);
        let of =
            |tenant| within(tenant, ["i", "alice"], (ActorKind::Subject, ["i", "a"]), "https://a.test/mcp");
        let tenants = [None, Some("acme"), Some("globex"), Some("tenant")];
        for (index, own) in tenants.into_iter().enumerate() {
            let sealed = ring.seal(Purpose::Session, "server-7", of(own), NOW + 60).unwrap();
            for (other, tenant) in tenants.into_iter().enumerate() {
                let opened = ring.open(Purpose::Session, &sealed, of(tenant), NOW);
                let expected = if other == index { Ok("server-7".to_owned()) } else { Err(Fault::Foreign) };
                assert_eq!(opened, expected, "{own:?} {tenant:?}");
            }
        }
    }

    #[test]
    fn what_was_sealed_for_one_purpose_opens_for_no_other() {
        let (ring, all) = (ring(&[1]), [Purpose::Session, Purpose::Task, Purpose::Endpoint]);
        for purpose in all {
            let sealed = ring.seal(purpose, "server-7", alice(), NOW + 60).unwrap();
            // Nor where the form is made to say so.
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            for other in all {
                bytes[0] = other.form();
                let forged = URL_SAFE_NO_PAD.encode(&bytes);
                let expected = if other == purpose { Ok("server-7".to_owned()) } else { Err(Fault::Unknown) };
                assert_eq!(ring.open(other, &sealed, alice(), NOW), expected);
                assert_eq!(ring.open(other, &forged, alice(), NOW), expected);
            }
        }
    }

    #[test]
    fn the_second_key_opens_and_the_first_one_seals() {
        let (old, both, new) = (ring(&[1]), ring(&[2, 1]), ring(&[2]));
        let sealed = old.seal(Purpose::Session, "s", alice(), NOW + 60).unwrap();
        assert_eq!(both.open(Purpose::Session, &sealed, alice(), NOW).as_deref(), Ok("s"));
        assert_eq!(new.open(Purpose::Session, &sealed, alice(), NOW), Err(Fault::Unknown));
        let sealed = both.seal(Purpose::Session, "s", alice(), NOW + 60).unwrap();
        assert_eq!(old.open(Purpose::Session, &sealed, alice(), NOW), Err(Fault::Unknown));
        assert_eq!(new.open(Purpose::Session, &sealed, alice(), NOW).as_deref(), Ok("s"));
    }

    #[test]
    fn the_form_is_what_it_was() {
        // Sessions outlive an update of the filter; a change here needs a new form number.
        let sealed = ring(&[7]).seal(Purpose::Session, "server-7", alice(), NOW + 60).unwrap();
        // Computed apart, with another implementation of HMAC.
        let form = "AQ5zYZpI7pzvKiT1RObJPA6JfL3xHyWSMZ3NWilhLiyTpMqCtCuOsrYFKlBSd93Ty-cj23AlifFkEbm5BfzwD6MAuSWa768pzqgoswd9mviPHIz86Q";
        assert_eq!(sealed, form);
    }

    #[test]
    fn a_beginning_is_sealed_with_the_rest() {
        let ring = ring(&[7]);
        let term = Term { begin: Some(NOW), end: NOW + 60 };
        let (sealed, mark) = ring.seal_for(Purpose::Session, "server-7", alice(), term).unwrap();
        // Computed apart, with another implementation of HMAC.
        assert_eq!(
            sealed,
            "gQ5zYZrCsYd0wKfLrOgaXix3PgRj2SEOeaDsNb1kVh0Q6c3dNtgOMIGvfkg8bir1GlWlvhpXMVcVC-gJlQxVASvp-Eu870TUwt572_hVQf2W48fG1wNzHJ7gIUUq"
        );
        let opened = ring.open_whole(Purpose::Session, &sealed, alice(), NOW).unwrap();
        assert_eq!((opened.text.as_str(), opened.term, opened.mark), ("server-7", term, mark));
        assert_eq!(ring.open(Purpose::Session, &sealed, alice(), NOW).as_deref(), Ok("server-7"));
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        bytes[0] ^= DATED;
        let forged = URL_SAFE_NO_PAD.encode(&bytes);
        assert_eq!(ring.open(Purpose::Session, &forged, alice(), NOW), Err(Fault::Unknown));
    }

    #[test]
    fn ids_that_are_no_ids_are_not_sealed_and_the_clear_one_is_not_within() {
        let ring = ring(&[1]);
        for id in ["", "a b", "ä", "a\n", &"x".repeat(MAX_TEXT + 1)] {
            assert_eq!(ring.seal(Purpose::Session, id, alice(), NOW + 60), None, "{id:?}");
        }
        let id = "x".repeat(MAX_TEXT);
        let sealed = ring.seal(Purpose::Session, &id, alice(), NOW + 60).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"xxxx"));
        assert_eq!(ring.open(Purpose::Session, &sealed, alice(), NOW), Ok(id));
        assert_eq!(format!("{ring:?}"), "KeyRing { keys: [Key(..)] }");
    }

    proptest! {
        #[test]
        fn every_change_of_a_sealed_id_is_seen(id in "[!-~]{1,40}", at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let ring = ring(&[1, 2]);
            let sealed = ring.seal(Purpose::Session, &id, alice(), NOW + 60).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(ring.open(Purpose::Session, &URL_SAFE_NO_PAD.encode(&bytes), alice(), NOW), Err(Fault::Unknown));
            prop_assert_eq!(ring.open(Purpose::Session, &sealed, alice(), NOW), Ok(id));
        }

        #[test]
        fn anything_else_is_unknown(text in ".{0,200}") {
            prop_assert_eq!(ring(&[1]).open(Purpose::Session, &text, alice(), NOW), Err(Fault::Unknown));
        }
    }
}
