//! The state machine of one HTTP exchange: events in, effects out.
//!
//! ```text
//! ExpectHeaders ─┬─> ExpectBody ─┬─> ExpectCheck ─┬─> ExpectResponse ─> (ResponseHeld | ResponseStream)
//!                └───────────────┴────────────────┴─> Denied
//! ```
//! States are named by what they wait for. The request side passes only in the states after a `Permit`; whatever comes
//! out of order leaves it held.

mod audit;
mod caller;
mod connection;
mod cross_origin;
mod denial_ping;
mod evaluation;
pub mod event;
mod exchange;
mod grant;
pub mod metadata;
pub mod permit;
mod recorded_arguments;
mod request;
mod response;
mod session_id;
mod sse_endpoint;
mod task_id;
mod tool_definitions;

pub use connection::ConnectionFacts;
pub use event::{Effect, Event, Flow};
pub use exchange::Exchange;
pub use permit::Permit;

use crate::config::Config;
use crate::crypto::Algorithm;
use crate::sealed_id::{NoStore, SharedStore, is_available};
use crate::token::Revocations;
use metadata::Metadata;
use policy_wasm::json::Limits;
use std::rc::Rc;
use tool_definitions::Definitions;

/// What all exchanges of one VM share: configuration, bundle, keys, token cache. A new configuration makes a new one,
/// and exchanges keep the one they began with.
pub struct Pep {
    config: Config,
    metadata: Metadata,
    limits: Limits,
    definitions: Definitions,
    revocations: Rc<Revocations>,
    store: Rc<dyn SharedStore>,
}

impl Pep {
    /// From a valid configuration, alone in its proxy, with nothing that is shared.
    pub fn new(config: Config) -> Pep {
        Pep::beside(config, Rc::default())
    }

    /// From a valid configuration, beside others of the same proxy, whose revocations count here too.
    pub fn beside(config: Config, revocations: Rc<Revocations>) -> Pep {
        revocations.add(&config.revocations);
        let metadata = Metadata::of(&config);
        let limits = Limits { depth: config.max_depth };
        let (definitions, store) = (Definitions::default(), Rc::new(NoStore));
        Pep { config, metadata, limits, definitions, revocations, store }
    }

    /// With what the workers of the proxy share.
    pub fn with_store(self, store: Rc<dyn SharedStore>) -> Pep {
        Pep { store, ..self }
    }

    /// Whether the configuration wants something remembered that the proxy has no place for.
    pub fn lacks_store(&self) -> bool {
        let wanted = self.config.sessions.as_ref().is_some_and(|sessions| sessions.idle_seconds.is_some());
        wanted && !is_available(self.store.as_ref())
    }

    /// Runs what the first request would run: hosts compile each function when it is first called, and that would
    /// cost the first caller tens of milliseconds.
    ///
    /// Gives the algorithms that the signature provider could not check at all.
    pub fn warm_up(&self) -> Vec<Algorithm> {
        let unavailable = self.config.verifier.warm_up();
        let body = br#"{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"name":"warm_up","arguments":{"a":["b",1,{}]}}}"#;
        let _ = crate::mcp::client_message::read(body, &self.limits);
        unavailable
    }

    /// Longest request body that any server takes, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.config.longest_body_bytes()
    }

    /// Longest JSON answer and longest event of a stream, in bytes.
    pub fn max_response_bytes(&self) -> usize {
        self.config.max_response_bytes
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
