//! The resources of scenarios: compiled policies, keys, and the plugin configuration made from them.

use super::{Scenario, Tamper};
use crate::crypto::RustSignatures;
use crate::keys::BundleKey;
use crate::test_token::{self, SigningKey};
use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use filter::crypto::SignatureProvider;
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The files that scenarios refer to, each read once.
pub struct Fixtures {
    keys: BTreeMap<String, SigningKey>,
    bundles: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
    publisher: PathBuf,
    signatures: Rc<dyn SignatureProvider>,
}

impl Fixtures {
    /// The fixtures of a `tests` folder.
    ///
    /// # Errors
    /// If a key cannot be read.
    pub fn new(tests: &Path) -> anyhow::Result<Fixtures> {
        let keys = SigningKey::from_folder(&tests.join("keys"))?;
        let keys = keys.into_iter().map(|key| (key.id().to_owned(), key)).collect();
        let publisher = tests.join("keys/publisher-ed25519.pem");
        Ok(Fixtures { keys, bundles: RefCell::default(), publisher, signatures: Rc::new(RustSignatures) })
    }

    /// The plugin configuration of a scenario: the text `"$bundle"` becomes the compiled policy in base64,
    /// `"$signed_bundle"` the same with a signature of `keys/publisher-ed25519.pem`.
    ///
    /// # Errors
    /// If the policy does not compile, with every problem of it, or if the signing key is missing.
    pub fn plugin_configuration(&self, scenario: &Scenario) -> anyhow::Result<String> {
        let bundle = self.bundle(&scenario.policy)?;
        let mut configuration = scenario.configuration.clone();
        fill(&mut configuration, &mut |text| match text {
            "$bundle" => Ok(Some(STANDARD.encode(&bundle))),
            "$signed_bundle" => {
                let key = BundleKey::from_file(&self.publisher)?;
                Ok(Some(STANDARD.encode(key.sign(bundle.clone())?)))
            }
            _ => Ok(None),
        })?;
        Ok(configuration.to_string())
    }

    fn bundle(&self, policy: &Path) -> anyhow::Result<Vec<u8>> {
        if let Some(bundle) = self.bundles.borrow().get(policy) {
            return Ok(bundle.clone());
        }
        let text = std::fs::read_to_string(policy).with_context(|| format!("`{}`", policy.display()))?;
        let name = policy.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bundle = compile(&[SourceFile { name, text }], &Options::default())
            .map_err(|problems| anyhow!("the policy does not compile:\n{problems}"))?;
        self.bundles.borrow_mut().insert(policy.to_path_buf(), bundle.clone());
        Ok(bundle)
    }

    /// Mints a token with a key of `tests/keys`.
    ///
    /// # Errors
    /// If there is no such key.
    pub fn mint(
        &self,
        key: &str,
        header: &Map<String, Value>,
        claims: &Map<String, Value>,
        tamper: Option<Tamper>,
    ) -> anyhow::Result<String> {
        let key = self.keys.get(key).with_context(|| format!("no key `{key}` in `tests/keys`"))?;
        let token = test_token::mint(key, header, claims);
        let Some(tamper) = tamper else { return Ok(token) };
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            bail!("the minted token does not have three parts");
        };
        Ok(match tamper {
            Tamper::Payload => {
                let mut claims = claims.clone();
                claims.insert("tampered".to_owned(), Value::Bool(true));
                let payload = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
                format!("{header}.{payload}.{signature}")
            }
            Tamper::Signature => {
                let mut bytes = URL_SAFE_NO_PAD.decode(signature).map_err(|error| anyhow!("{error}"))?;
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(bytes))
            }
        })
    }

    /// Checks signatures natively, and for the foreign function `verify_signature`.
    pub fn signatures(&self) -> Rc<dyn SignatureProvider> {
        Rc::clone(&self.signatures)
    }
}

/// Replaces texts by the results of `stands_for`.
fn fill(
    value: &mut Value,
    stands_for: &mut impl FnMut(&str) -> anyhow::Result<Option<String>>,
) -> anyhow::Result<()> {
    match value {
        Value::String(text) => {
            if let Some(filled) = stands_for(text)? {
                *text = filled;
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, stands_for)),
        Value::Object(object) => object.values_mut().try_for_each(|value| fill(value, stands_for)),
        _ => Ok(()),
    }
}
