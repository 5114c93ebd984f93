//! Keys that bundles are signed with: private ones from PKCS#8 PEM, public ones in every form that people have them in.

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use jwt_simple::prelude::Ed25519KeyPair;
use policy_wasm::bundle::{PublicKey, Unverified};
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;

/// Longest file with a key or a set of keys, in bytes.
pub const MAX_FILE: u64 = 1 << 20;

/// The line that ends a private key in PEM.
const END: &str = "-----END PRIVATE KEY-----";

/// A private Ed25519 key.
pub struct BundleKey {
    key: SigningKey,
    public: PublicKey,
}

impl BundleKey {
    /// From PKCS#8 PEM (RFC 8410 §7), as `toolward keygen` and `openssl genpkey -algorithm ed25519` write it.
    ///
    /// # Errors
    /// If the text is not of that kind.
    pub fn from_pem(pem: &str) -> anyhow::Result<BundleKey> {
        let Ok(key) = SigningKey::from_pkcs8_pem(pem) else {
            bail!(
                "expected an Ed25519 private key in PKCS#8 PEM, not encrypted; `toolward keygen` makes one, and so does \
                 `openssl genpkey -algorithm ed25519`"
            );
        };
        let public = PublicKey::from_bytes(key.verifying_key().as_bytes())?;
        Ok(BundleKey { key, public })
    }

    /// From a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not such a key.
    pub fn from_file(path: &Path) -> anyhow::Result<BundleKey> {
        let place = || format!("key `{}`", path.display());
        let pem = std::fs::read_to_string(path).with_context(place)?;
        BundleKey::from_pem(&pem).with_context(place)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The bundle's bytes with this key's signature added.
    ///
    /// # Errors
    /// As [`Unverified::open`] and [`Unverified::signed`].
    pub fn sign(&self, bundle: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let unverified = Unverified::open(bundle)?;
        let signature = self.key.sign(&unverified.message()).to_bytes();
        Ok(unverified.signed(&self.public, &signature)?)
    }
}

/// The name of the public half, never the key.
impl fmt::Debug for BundleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleKey({})", self.public.id())
    }
}

/// A new private key in PKCS#8 PEM, from the operating system's randomness.
pub fn generate() -> String {
    private_half(&Ed25519KeyPair::generate().to_pem())
}

/// The private key of a PEM text alone: the library appends the public half, which other readers stumble over.
pub fn private_half(pem: &str) -> String {
    pem.split(END).next().map(|body| format!("{body}{END}\n")).unwrap_or_default()
}

/// Reads public keys: SubjectPublicKeyInfo in PEM (`openssl pkey -pubout`), a JWK (RFC 8037), a set of them, or 32
/// bytes in base64.
///
/// # Errors
/// If the text is none of these, or holds a private key.
pub fn public_keys(text: &str) -> anyhow::Result<Vec<PublicKey>> {
    let text = text.trim();
    if text.starts_with('{') {
        let value: Value = serde_json::from_str(text).context("not JSON")?;
        return match value.get("keys") {
            Some(Value::Array(keys)) => keys.iter().map(from_jwk).collect(),
            _ => Ok(vec![from_jwk(&value)?]),
        };
    }
    if text.contains("PRIVATE KEY-----") {
        bail!("this is a private key; give its public half: `toolward keygen --public KEY`");
    }
    if text.starts_with("-----") {
        let key = VerifyingKey::from_public_key_pem(text)
            .map_err(|_| anyhow!("expected an Ed25519 public key in PEM (`openssl pkey -pubout`)"))?;
        return Ok(vec![PublicKey::from_bytes(key.as_bytes())?]);
    }
    match STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)) {
        Ok(bytes) => Ok(vec![PublicKey::from_bytes(&bytes)?]),
        Err(_) => bail!("expected an Ed25519 public key: PEM, a JWK, a key set, or its 32 bytes in base64"),
    }
}

fn from_jwk(value: &Value) -> anyhow::Result<PublicKey> {
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    if value.get("d").is_some() {
        bail!("this JWK holds a private key (`d`); give its public half alone");
    }
    if (member("kty"), member("crv")) != (Some("OKP"), Some("Ed25519")) {
        bail!("expected a JWK with `kty` `OKP` and `crv` `Ed25519`");
    }
    let bytes = member("x").and_then(|x| URL_SAFE_NO_PAD.decode(x).ok());
    Ok(PublicKey::from_bytes(&bytes.context("expected `x` of the JWK in base64url without padding")?)?)
}

/// The key as a JWK (RFC 7517 §4, RFC 8037 §2); its `kid` is the key's name in bundles.
pub fn jwk(key: &PublicKey) -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": key.id().to_string(),
        "use": "sig",
        "alg": "EdDSA",
        "x": URL_SAFE_NO_PAD.encode(key.as_bytes()),
    })
}

/// The key's 32 bytes in standard base64.
pub fn base64(key: &PublicKey) -> String {
    STANDARD.encode(key.as_bytes())
}

/// The key as SubjectPublicKeyInfo in PEM (RFC 8410 §4).
///
/// # Errors
/// If the library cannot encode it.
pub fn pem(key: &PublicKey) -> anyhow::Result<String> {
    let key = VerifyingKey::from_bytes(key.as_bytes())?;
    key.to_public_key_pem(LineEnding::LF).map_err(|error| anyhow!("cannot encode the key: {error}"))
}
