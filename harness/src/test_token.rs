//! Tokens for development and tests: any header and any claims, signed with a key from a PEM file.
//!
//! This module does not check that a token makes sense: tests need hostile ones.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use filter::crypto::Algorithm;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::DecodePrivateKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Map, Value, json};
use std::fmt;
use std::path::Path;

/// A private key with its name. Signatures are deterministic.
pub struct SigningKey {
    id: String,
    material: Material,
}

enum Material {
    Rsa(Box<rsa::RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl SigningKey {
    /// An RSA, P-256 or Ed25519 key in PKCS#8 PEM. `id` becomes its `kid`.
    ///
    /// # Errors
    /// If the text is none of these.
    pub fn from_pem(id: &str, pem: &str) -> anyhow::Result<SigningKey> {
        let rsa = || rsa::RsaPrivateKey::from_pkcs8_pem(pem).ok().map(|key| Material::Rsa(Box::new(key)));
        let p256 = || p256::ecdsa::SigningKey::from_pkcs8_pem(pem).ok().map(Material::P256);
        let ed25519 = || ed25519_dalek::SigningKey::from_pkcs8_pem(pem).ok().map(Material::Ed25519);
        match ed25519().or_else(p256).or_else(rsa) {
            Some(material) => Ok(SigningKey { id: id.to_owned(), material }),
            None => bail!("expected an RSA, P-256 or Ed25519 private key in PKCS#8 PEM (key `{id}`)"),
        }
    }

    /// The key of a file; its name without `.pem` is the `kid`.
    ///
    /// # Errors
    /// If the file cannot be read or holds no such key.
    pub fn from_file(path: &Path) -> anyhow::Result<SigningKey> {
        let pem =
            std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let id = path.file_stem().and_then(|stem| stem.to_str());
        let id = id.with_context(|| format!("`{}` has no name that is text", path.display()))?;
        SigningKey::from_pem(id, &pem)
    }

    /// All `*.pem` files of a folder, in the order of their names.
    ///
    /// # Errors
    /// If the folder or a file cannot be read.
    pub fn from_folder(folder: &Path) -> anyhow::Result<Vec<SigningKey>> {
        let listing =
            std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
        let mut paths = Vec::new();
        for entry in listing {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "pem") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| SigningKey::from_file(path)).collect()
    }

    /// The `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm that the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa(_) => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Signs bytes: PKCS#1 v1.5, `r ‖ s`, or Ed25519, as a JWS has them.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.material {
            Material::Rsa(key) => rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(key.as_ref().clone())
                .sign(message)
                .to_vec(),
            Material::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Material::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }

    /// The public half as a JWK (RFC 7517 §4).
    pub fn public_jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.material {
            Material::Rsa(key) => {
                json!({"kty": "RSA", "n": text(&key.n().to_bytes_be()), "e": text(&key.e().to_bytes_be())})
            }
            Material::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let coordinate = |bytes: Option<&_>| {
                    bytes.map_or(Value::Null, |bytes: &p256::FieldBytes| text(bytes).into())
                };
                json!({"kty": "EC", "crv": "P-256", "x": coordinate(point.x()), "y": coordinate(point.y())})
            }
            Material::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.verifying_key().as_bytes())})
            }
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".into(), self.id.clone().into());
            members.insert("alg".into(), self.algorithm().name().into());
            members.insert("use".into(), "sig".into());
        }
        jwk
    }
}

/// The name and the algorithm, never the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// The public halves as a key set (RFC 7517 §5).
pub fn jwks<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> Value {
    json!({"keys": keys.into_iter().map(SigningKey::public_jwk).collect::<Vec<_>>()})
}

/// Mints a token. `header` is laid over `alg`, `typ` (`at+jwt`) and `kid` of the key; a member that is `null` there is
/// left out.
pub fn mint(key: &SigningKey, header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    let mut whole = Map::new();
    whole.insert("alg".into(), key.algorithm().name().into());
    whole.insert("typ".into(), "at+jwt".into());
    whole.insert("kid".into(), key.id.clone().into());
    for (name, value) in header {
        whole.insert(name.clone(), value.clone());
    }
    whole.retain(|_, value| !value.is_null());
    mint_text(key, &Value::Object(whole).to_string(), &Value::Object(claims.clone()).to_string())
}

/// Mints a token with exactly this header and payload, which need not be JSON.
pub fn mint_text(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}
