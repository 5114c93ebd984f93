//! The keys, and the sealed form: unpadded base64url of
//!
//! ```text
//! 1 byte    form: 0x11 a session, 0x12 a task, 0x13 an endpoint; 0x80 more where the beginning is there
//! 4 bytes   key hint: the first bytes of a hash of the key
//! 16 bytes  synthetic IV
//! the rest  encrypted: 8 bytes beginning, where the form says so, 8 bytes end (both Unix seconds, big-endian), 32 bytes
//!           binding, the server's text
//! ```
//!
//! The cipher is AES-256-SIV (RFC 5297); form and key hint are its associated data. SIV needs no nonce, so the filter
//! needs no randomness: the same text sealed twice is the same id. Forms 1 to 3 are of the release before
//! ([`super::hmac_form`]).

use super::binding::{BINDING, Binding};
use super::hmac_form::HmacKey;
use super::idle_table::SlotKey;
use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::cell::RefCell;
use std::fmt;

const HINT: usize = 4;
const HEADER: usize = 1 + HINT;
/// Length of the synthetic IV, in bytes (RFC 5297 §2.4).
const IV: usize = 16;
const TIME: usize = 8;
/// Part of every form of this release.
const AEAD: u8 = 0x10;
/// In the form: the beginning is there.
pub(super) const DATED: u8 = 0x80;
/// Longest text of a server, in bytes.
pub const MAX_TEXT: usize = 1024;
/// Longest sealed text that is looked at, in bytes: nothing that was sealed is longer.
const MAX_SEALED: usize = 2 * MAX_TEXT;

/// The use of a sealed text. A text sealed for one use does not open for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session's id (`Mcp-Session-Id`).
    Session,
    /// A task's id.
    Task,
    /// The query of the message endpoint (MCP 2024-11-05, HTTP with SSE), which names a session.
    Endpoint,
    /// The digest of a denial that the id of a ping carries.
    Denial,
}

impl Purpose {
    pub(super) fn number(self) -> u8 {
        match self {
            Purpose::Session => 1,
            Purpose::Task => 2,
            Purpose::Endpoint => 3,
            Purpose::Denial => 4,
        }
    }
}

/// The reason why a sealed text does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// No configured key sealed it for this use, or it was changed.
    Unknown,
    /// It belongs to another subject, tenant, actor or server.
    Foreign,
    /// Its time is over.
    Expired,
}

/// A key that seals.
pub struct Key {
    hint: [u8; HINT],
    /// In a cell: the cipher's MAC keeps its state between calls.
    cipher: RefCell<Aes256Siv>,
    /// Opens ids of the release before.
    before: HmacKey,
}

impl Key {
    /// Derives the keys of each use from 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Key {
        let secret = keyed(&bytes);
        let mut hint = [0; HINT];
        hint.iter_mut().zip(mac(&keyed(&mac(&secret, &[b"toolward session hint"])), &[])).for_each(copy);
        // INVARIANT (derived keys): the bytes for one use reveal nothing about those for another.
        let halves = [b"toolward sealed id: mac".as_slice(), b"toolward sealed id: encryption"];
        let mut key = [0; 64];
        let derived = halves.into_iter().flat_map(|label| mac(&secret, &[label]));
        key.iter_mut().zip(derived).for_each(copy);
        Key { hint, cipher: RefCell::new(Aes256Siv::new(&key.into())), before: HmacKey::derive(&secret) }
    }

    fn header(&self, form: u8) -> [u8; HEADER] {
        let [a, b, c, d] = self.hint;
        [form, a, b, c, d]
    }
}

fn copy((to, from): (&mut u8, u8)) {
    *to = from;
}

/// HMAC under this key, padded to the block of SHA-256 (RFC 2104 §2).
pub(super) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block.iter_mut().zip(*key).for_each(copy);
    Hmac::new((&block).into())
}

pub(super) fn mac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
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

/// When an id is valid, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    /// Only where an idle limit needs it.
    pub(super) begin: Option<u64>,
    pub(super) end: u64,
}

/// The contents of a sealed text.
pub(super) struct Opened {
    pub(super) text: String,
    pub(super) validity: Validity,
    /// The key of its last use in the idle table.
    pub(super) slot_key: SlotKey,
}

/// The keys: the first one seals, all of them open.
#[derive(Debug)]
pub struct KeyRing {
    keys: Vec<Key>,
}

impl KeyRing {
    /// A ring of at least one key; `None` for none.
    pub fn new(keys: Vec<Key>) -> Option<KeyRing> {
        (!keys.is_empty()).then_some(KeyRing { keys })
    }

    /// Seals a server's text until `end` (Unix seconds). `None` for a text that is empty, longer than `MAX_TEXT` or
    /// not visible ASCII.
    pub fn seal(&self, purpose: Purpose, text: &str, binding: Binding, end: u64) -> Option<String> {
        self.seal_between(purpose, text, binding, None, end)
    }

    /// [`KeyRing::seal`] with the beginning (Unix seconds), which idle limits need.
    pub fn seal_between(
        &self,
        purpose: Purpose,
        text: &str,
        binding: Binding,
        begin: Option<u64>,
        end: u64,
    ) -> Option<String> {
        self.seal_for(purpose, text, binding, Validity { begin, end }).map(|(sealed, _)| sealed)
    }

    /// [`KeyRing::seal`] with the beginning, where there is one. Also returns the id's key in the idle table.
    pub(super) fn seal_for(
        &self,
        purpose: Purpose,
        text: &str,
        binding: Binding,
        validity: Validity,
    ) -> Option<(String, SlotKey)> {
        let key = self.keys.first()?;
        if text.is_empty() || text.len() > MAX_TEXT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut plain = Vec::with_capacity(BINDING.saturating_mul(2).saturating_add(text.len()));
        let mut form = AEAD | purpose.number();
        if let Some(begin) = validity.begin {
            form |= DATED;
            plain.extend_from_slice(&begin.to_be_bytes());
        }
        plain.extend_from_slice(&validity.end.to_be_bytes());
        plain.extend_from_slice(&binding.0);
        plain.extend_from_slice(text.as_bytes());
        let header = key.header(form);
        let encrypted = key.cipher.try_borrow_mut().ok()?.encrypt([&header], &plain).ok()?;
        let slot_key = SlotKey::of(encrypted.get(..IV)?);
        Some((URL_SAFE_NO_PAD.encode([header.as_slice(), &encrypted].concat()), slot_key))
    }

    /// Opens a text that was sealed for this use.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        &self,
        purpose: Purpose,
        sealed: &str,
        binding: Binding,
        now: u64,
    ) -> Result<String, OpenError> {
        self.open_whole(purpose, sealed, binding, now).map(|opened| opened.text)
    }

    /// [`KeyRing::open`] with the validity and the key in the idle table.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(super) fn open_whole(
        &self,
        purpose: Purpose,
        sealed: &str,
        binding: Binding,
        now: u64,
    ) -> Result<Opened, OpenError> {
        if sealed.len() > MAX_SEALED {
            return Err(OpenError::Unknown);
        }
        let whole = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| OpenError::Unknown)?;
        let (header, rest) = whole.split_first_chunk::<HEADER>().ok_or(OpenError::Unknown)?;
        let form = header[0];
        let key = self.keys.iter().find(|key| key.header(form) == *header).ok_or(OpenError::Unknown)?;
        let (plain, tag) = match form & !DATED {
            known if known == AEAD | purpose.number() => {
                let mut cipher = key.cipher.try_borrow_mut().map_err(|_| OpenError::Unknown)?;
                let plain = cipher.decrypt([header], rest).map_err(|_| OpenError::Unknown)?;
                (plain, rest.get(..IV).ok_or(OpenError::Unknown)?)
            }
            known if known == purpose.number() => key.before.open(form, rest)?,
            _ => return Err(OpenError::Unknown),
        };
        let (begin, rest) = match time(&plain)? {
            (begin, rest) if form & DATED != 0 => (Some(begin), rest),
            _ => (None, plain.as_slice()),
        };
        let (end, rest) = time(rest)?;
        let (bound, text) = rest.split_first_chunk::<BINDING>().ok_or(OpenError::Unknown)?;
        if *bound != binding.0 {
            return Err(OpenError::Foreign);
        }
        if end <= now {
            return Err(OpenError::Expired);
        }
        let text = String::from_utf8(text.to_vec()).map_err(|_| OpenError::Unknown)?;
        Ok(Opened { text, validity: Validity { begin, end }, slot_key: SlotKey::of(tag) })
    }
}

/// A time and the bytes after it.
fn time(bytes: &[u8]) -> Result<(u64, &[u8]), OpenError> {
    let (time, rest) = bytes.split_first_chunk::<TIME>().ok_or(OpenError::Unknown)?;
    Ok((u64::from_be_bytes(*time), rest))
}
