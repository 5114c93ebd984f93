//! A bundle that questions are put to.

use crate::problems::Failure;
use policy_wasm::bundle::{Bundle, PublicKey, Trust};
use policy_wasm::query::{self, MatrixSpec, Query};
use wasm_bindgen::prelude::wasm_bindgen;

/// An opened bundle.
#[wasm_bindgen]
pub struct Engine {
    bundle: Bundle,
}

#[wasm_bindgen]
impl Engine {
    /// Opens a bundle. `keys` holds public keys, 32 bytes each; without any, and with a threshold of 0, the digest alone
    /// is looked at.
    ///
    /// # Errors
    /// Malformed keys, malformed bytes and wrong or missing signatures.
    pub fn open(bytes: Vec<u8>, keys: &[u8], threshold: u32, min_serial: u64) -> Result<Engine, Failure> {
        let wrong = |message: String| Failure::of("trust", String::new(), message, None);
        let keys = keys
            .chunks(32)
            .map(PublicKey::from_bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(error.to_string()))?;
        // A threshold requires signatures: without keys it is rejected, as everywhere else.
        let trust = if keys.is_empty() && threshold == 0 {
            Trust::digest_only()
        } else {
            let threshold = usize::try_from(threshold).map_err(|error| wrong(error.to_string()))?;
            Trust::new(keys, threshold).map_err(|error| wrong(error.to_string()))?
        };
        Ok(Engine { bundle: Bundle::open(bytes, &trust.with_min_serial(min_serial))? })
    }

    /// The decision on a question; `now` is the time in Unix seconds where it names none.
    ///
    /// # Errors
    /// A question that is malformed, or that names a server or issuer which the policy does not have.
    pub fn evaluate(&self, question: &str, now: u64) -> Result<String, Failure> {
        let query = Query::read(question)?;
        Ok(query::decision_json(&self.bundle, &query.evaluate(&self.bundle, now)?))
    }

    /// The decision with everything that led to it.
    ///
    /// # Errors
    /// As [`Engine::evaluate`].
    pub fn explain(&self, question: &str, now: u64) -> Result<String, Failure> {
        let query = Query::read(question)?;
        Ok(query::explanation_json(&self.bundle, &query, &query.explain(&self.bundle, now)?))
    }

    /// The access matrix.
    ///
    /// # Errors
    /// A spec that is malformed, that names unknown parts of the policy, or that is too large.
    pub fn matrix(&self, spec: &str, now: u64) -> Result<String, Failure> {
        let spec = MatrixSpec::read(spec)?;
        Ok(query::matrix_json(&query::matrix(&self.bundle, &spec, now)?))
    }

    /// The head of the bundle, its issuers, tiers and servers.
    pub fn inspect(&self) -> String {
        query::overview_json(&self.bundle)
    }

    /// The principals of the rules, as members of a query.
    pub fn callers(&self) -> String {
        query::callers_json(&self.bundle)
    }
}
