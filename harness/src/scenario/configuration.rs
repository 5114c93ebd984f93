//! What scenarios refer to: compiled policies, keys, and the plugin configuration made of them.

use super::{Scenario, Tamper};
use anyhow::bail;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The files that scenarios refer to, read once.
#[derive(Debug)]
pub struct Fixtures {
    tests: PathBuf,
}

impl Fixtures {
    /// The fixtures of a `tests` folder.
    ///
    /// # Errors
    /// Where the keys cannot be read.
    pub fn new(tests: &Path) -> anyhow::Result<Fixtures> {
        Ok(Fixtures { tests: tests.to_path_buf() })
    }

    /// The plugin configuration of a scenario: `"$bundle"` becomes the compiled policy in base64, `"$jwks"` the public
    /// keys of `tests/keys`.
    ///
    /// # Errors
    /// Where the policy does not compile: every problem of it.
    pub fn plugin_configuration(&self, scenario: &Scenario) -> anyhow::Result<String> {
        bail!("no policy compiler yet for `{}` of `{}`", scenario.policy.display(), self.tests.display())
    }

    /// Mints a token with a key of `tests/keys`.
    ///
    /// # Errors
    /// Where there is no such key.
    pub fn mint(
        &self,
        key: &str,
        _header: &Map<String, Value>,
        _claims: &Map<String, Value>,
        _tamper: Option<Tamper>,
    ) -> anyhow::Result<String> {
        bail!("no minter yet for key `{key}` of `{}`", self.tests.display())
    }
}
