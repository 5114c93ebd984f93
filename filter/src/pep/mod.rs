//! The state machine of one HTTP exchange: events in, effects out (STUB, being written).
//!
//! States are named by what they wait for:
//! `ExpectHeaders → ExpectBody → [ExpectCheck] → ExpectResponse → … | Denied`.

pub mod event;
pub mod permit;

pub use event::{Call, CallAnswer, Effect, Event, Fields, Flow};
pub use permit::Permit;

use crate::config::Config;
use crate::crypto::SignatureProvider;
use std::rc::Rc;

/// What all exchanges of one VM share: configuration, bundle, keys, token cache. Immutable but for the cache; a new
/// configuration makes a new one, and exchanges keep the one they began with.
pub struct Pep {}

impl Pep {
    /// From a valid configuration.
    pub fn new(_config: Config, _provider: Rc<dyn SignatureProvider>) -> Pep {
        Pep {}
    }
}

/// One HTTP exchange.
pub struct Exchange {}

impl Exchange {
    /// A new exchange. `decision_id` is unique, made by the host. With `None` for the PEP everything is denied.
    pub fn new(_pep: Option<Rc<Pep>>, _decision_id: String) -> Exchange {
        Exchange {}
    }

    /// Handles one event. The effects are to be carried out in order.
    pub fn handle(&mut self, _event: Event<'_>) -> Vec<Effect> {
        Vec::new()
    }

    /// Whether the request side may go on; [`Flow::Pass`] only once a permit was issued.
    pub fn request_flow(&self) -> Flow {
        Flow::Hold
    }

    /// Whether the response side may go on.
    pub fn response_flow(&self) -> Flow {
        Flow::Hold
    }
}
