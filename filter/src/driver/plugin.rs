//! The needs of every proxy beside its streams: a checked configuration, the names of decisions and counters.

use crate::config::Config;
use crate::crypto::SignatureProvider;
use crate::pep::Pep;
use crate::sealed_id::SharedStore;
use crate::token::Revocations;
use std::rc::Rc;

/// The interval of [`super::HttpStream::on_tick`], in milliseconds. A silent stream has no other callback.
pub const TICK_MS: u32 = 1000;

/// Reads and checks a configuration.
///
/// # Errors
/// Every problem of the configuration, one a line, or the feature that the proxy lacks for it.
pub fn load(
    configuration: &[u8],
    signatures: Rc<dyn SignatureProvider>,
    revocations: Rc<Revocations>,
    store: Rc<dyn SharedStore>,
) -> Result<Pep, String> {
    let config =
        Config::parse("configuration", configuration, signatures).map_err(|problems| problems.to_string())?;
    let pep = Pep::beside(config, revocations).with_store(store);
    if pep.lacks_store() {
        return Err("this proxy keeps no shared data, which `sessions.idle_seconds` needs".to_owned());
    }
    match pep.warm_up().first() {
        None => Ok(pep),
        Some(algorithm) => Err(format!(
            "this proxy cannot check {} signatures: it lacks the foreign function `verify_signature`",
            algorithm.name()
        )),
    }
}

/// The id of a stream's decision. `nonce` distinguishes the VM from all others, and `stream` is the proxy's
/// number for the stream.
pub fn decision_id(nonce: u64, stream: u32) -> String {
    format!("{nonce:016x}{stream:08x}")
}

/// Name of the counter of decisions with this result and reason. Labels are codes of the filter's own, so there are few.
pub fn counter(result: &str, reason: &str) -> String {
    format!("toolward.decisions_total.result.{result}.reason.{reason}")
}
