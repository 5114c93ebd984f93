//! What scenarios refer to: compiled policies, keys, and the plugin configuration made of them.

use super::{Scenario, Tamper};
use crate::crypto::RustSignatures;
use crate::mint::{self, SigningKey};
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
    bundles: RefCell<BTreeMap<PathBuf, String>>,
    signatures: Rc<dyn SignatureProvider>,
}

impl Fixtures {
    /// The fixtures of a `tests` folder.
    ///
    /// # Errors
    /// Where a key cannot be read.
    pub fn new(tests: &Path) -> anyhow::Result<Fixtures> {
        let keys = SigningKey::from_folder(&tests.join("keys"))?;
        let keys = keys.into_iter().map(|key| (key.id().to_owned(), key)).collect();
        Ok(Fixtures { keys, bundles: RefCell::default(), signatures: Rc::new(RustSignatures) })
    }

    /// The plugin configuration of a scenario: the text `"$bundle"` becomes the compiled policy in base64.
    ///
    /// # Errors
    /// Where the policy does not compile: every problem of it.
    pub fn plugin_configuration(&self, scenario: &Scenario) -> anyhow::Result<String> {
        let bundle = self.bundle(&scenario.policy)?;
        let mut configuration = scenario.configuration.clone();
        fill(&mut configuration, &bundle);
        Ok(configuration.to_string())
    }

    fn bundle(&self, policy: &Path) -> anyhow::Result<String> {
        if let Some(bundle) = self.bundles.borrow().get(policy) {
            return Ok(bundle.clone());
        }
        let text = std::fs::read_to_string(policy).with_context(|| format!("`{}`", policy.display()))?;
        let name = policy.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = compile(&[SourceFile { name, text }], &Options::default())
            .map_err(|problems| anyhow!("the policy does not compile:\n{problems}"))?;
        let bundle = STANDARD.encode(bytes);
        self.bundles.borrow_mut().insert(policy.to_path_buf(), bundle.clone());
        Ok(bundle)
    }

    /// Mints a token with a key of `tests/keys`.
    ///
    /// # Errors
    /// Where there is no such key.
    pub fn mint(
        &self,
        key: &str,
        header: &Map<String, Value>,
        claims: &Map<String, Value>,
        tamper: Option<Tamper>,
    ) -> anyhow::Result<String> {
        let key = self.keys.get(key).with_context(|| format!("no key `{key}` in `tests/keys`"))?;
        let token = mint::mint(key, header, claims);
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

fn fill(value: &mut Value, bundle: &str) {
    match value {
        Value::String(text) if text == "$bundle" => bundle.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, bundle)),
        Value::Object(object) => object.values_mut().for_each(|value| fill(value, bundle)),
        _ => {}
    }
}
