//! The plugin configuration (STUB: fields that the PEP needs).
use crate::callout::spicedb::SpiceDb;
use crate::delegation::DelegationVerifier;
use crate::mcp::Revision;
use crate::reply::DenialForm;
use policy_wasm::bundle::Bundle;

/// A valid configuration.
pub struct Config {
    /// The policy.
    pub bundle: Bundle,
    /// Checks tokens.
    pub verifier: DelegationVerifier,
    /// Authorization servers, for the metadata (RFC 9728).
    pub authorization_servers: Vec<String>,
    /// Longest body.
    pub max_body_bytes: usize,
    /// Deepest nesting.
    pub max_depth: u32,
    /// Longest list.
    pub max_response_bytes: usize,
    /// Admitted revisions.
    pub revisions: Vec<Revision>,
    /// Keep `Authorization`.
    pub keep_authorization: bool,
    /// Origins that browsers may call from.
    pub allowed_origins: Vec<String>,
    /// SpiceDB.
    pub spicedb: Option<SpiceDb>,
    /// Default form.
    pub denial_form: DenialForm,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn parse(
        _name: &str,
        _text: &[u8],
        _provider: std::rc::Rc<dyn crate::crypto::SignatureProvider>,
    ) -> Result<Config, policy_wasm::source::Problems> {
        Err(policy_wasm::source::Problems::new())
    }
}
