//! The state machine of one HTTP exchange: events in, effects out.
//!
//! ```text
//! ExpectHeaders ─┬─> ExpectBody(Admitted) ─┬─> ExpectCheck(Pending) ─┬─> ExpectResponse(Response)
//!                └─────────────────────────┴─────────────────────────┴─> Denied
//! ```
//! A state is named after the event that it waits for, and it owns the facts that the steps before it proved. A
//! request whose evaluations have no check skips `ExpectCheck`. The request side passes only in `ExpectResponse`, which
//! only a [`Permit`] leads to. An event out of order leaves the request held.
//!
//! | module | subject |
//! |---|---|
//! | `exchange` | the states, and the events that lead from one to the next |
//! | [`event`] | events and effects, as plain data |
//! | `request` | from the head and the body to evaluations; forwarding and denying a request |
//! | `response` | the inspector: evaluates and rewrites the server's messages |
//! | `evaluation` | one evaluation of a client's message, one of a server's message |
//! | `grant` | a decision whose obligations are all met |
//! | [`permit`] | the proof that a request may go on |
//! | `audit` | the facts of an exchange for records and replies |
//! | `caller` | the verified delegation at a server |
//! | `connection` | the facts of the caller's connection |
//! | `cross_origin` | browsers at other origins |
//! | [`metadata`] | the filter's own OAuth metadata |
//! | `session_id`, `sse_endpoint`, `task_id` | sealed ids of sessions, endpoints and tasks |
//! | `denial_ping` | denials over HTTP with SSE |
//! | `tool_definitions` | the definitions that servers last showed |
//! | `recorded_arguments` | the arguments that a record may show |

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

/// The state that all exchanges of one VM share: configuration, bundle, keys, token cache. Each new configuration
/// makes a new value. An exchange keeps the value that it began with.
pub struct Pep {
    config: Config,
    metadata: Metadata,
    limits: Limits,
    definitions: Definitions,
    revocations: Rc<Revocations>,
    store: Rc<dyn SharedStore>,
}

impl Pep {
    /// The enforcement point of a valid configuration that shares nothing with others in its proxy.
    pub fn new(config: Config) -> Pep {
        Pep::beside(config, Rc::default())
    }

    /// The enforcement point of a valid configuration. It shares revocations with the others of its proxy.
    pub fn beside(config: Config, revocations: Rc<Revocations>) -> Pep {
        revocations.add(&config.revocations);
        let metadata = Metadata::of(&config);
        let limits = Limits { depth: config.max_depth };
        let (definitions, store) = (Definitions::default(), Rc::new(NoStore));
        Pep { config, metadata, limits, definitions, revocations, store }
    }

    /// Sets the store that the proxy's workers share.
    pub fn with_store(self, store: Rc<dyn SharedStore>) -> Pep {
        Pep { store, ..self }
    }

    /// Whether the configuration needs a shared store and the proxy has none.
    pub fn lacks_store(&self) -> bool {
        let wanted = self.config.sessions.as_ref().is_some_and(|sessions| sessions.idle_seconds.is_some());
        wanted && !is_available(self.store.as_ref())
    }

    /// Runs the functions of a first request. Hosts compile a function at its first call, which would cost the first
    /// caller tens of milliseconds.
    ///
    /// Returns the algorithms that the signature provider cannot verify.
    pub fn warm_up(&self) -> Vec<Algorithm> {
        let unavailable = self.config.verifier.warm_up();
        let body = br#"{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"name":"warm_up","arguments":{"a":["b",1,{}]}}}"#;
        let _ = crate::mcp::client_message::read(body, &self.limits);
        unavailable
    }

    /// The maximum length of a request body at any server, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.config.longest_body_bytes()
    }

    /// The maximum length of a JSON response and of an event of a stream, in bytes.
    pub fn max_response_bytes(&self) -> usize {
        self.config.max_response_bytes
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
