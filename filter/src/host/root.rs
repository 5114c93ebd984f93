//! The plugin's root context: configuration in, streams out.

use super::calls::{self, Buffer, Level};
use super::crypto::HostSignatures;
use super::proxy::Proxy;
use super::store::HostStore;
use crate::delegation::Revocations;
use crate::driver::{self, HttpStream};
use crate::pep::Pep;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

/// Longest configuration in bytes, bundle included.
const MAX_CONFIGURATION: usize = 256 * 1024 * 1024;

/// The decision counters; each is defined once per VM, at its first use. Labels are our own codes, so there are few.
#[derive(Default)]
pub struct Counters {
    ids: RefCell<BTreeMap<(&'static str, &'static str), u32>>,
}

impl Counters {
    /// Counts a decision. A counter that the host refuses is no reason to refuse a request.
    pub fn count(&self, result: &'static str, reason: &'static str) {
        let mut ids = self.ids.borrow_mut();
        let id = match ids.get(&(result, reason)) {
            Some(id) => Ok(*id),
            None => calls::counter(&driver::counter(result, reason)).inspect(|id| {
                ids.insert((result, reason), *id);
            }),
        };
        if let Ok(id) = id {
            let _ = calls::count(id);
        }
    }
}

/// The root context.
pub struct Root {
    pep: Option<Rc<Pep>>,
    counters: Rc<Counters>,
    /// Of all roots of this VM.
    revocations: Rc<Revocations>,
    /// Distinguishes the decisions of this VM from those of all others.
    vm_nonce: u64,
}

impl Root {
    /// Before the configuration: everything would be denied. `revocations` are those of the whole VM.
    pub fn new(revocations: Rc<Revocations>) -> Root {
        // The standard library seeds this from the host's randomness.
        let vm_nonce = std::collections::hash_map::RandomState::new().build_hasher().finish();
        Root { pep: None, counters: Rc::default(), revocations, vm_nonce }
    }

    fn load(&self) -> Result<Pep, String> {
        let text = calls::buffer(Buffer::PluginConfiguration, MAX_CONFIGURATION)
            .map_err(|refused| format!("the host did not give the configuration (status {})", refused.0))?;
        driver::load(&text, Rc::new(HostSignatures), Rc::clone(&self.revocations), Rc::new(HostStore))
    }

    /// Reads the configuration and takes it, or says why not and keeps what there is.
    pub fn on_configure(&mut self) -> bool {
        let loaded = match self.load() {
            Ok(pep) => {
                let bundle = &pep.config().bundle;
                let (revision, serial, signers) =
                    (bundle.revision(), bundle.serial(), bundle.signers().len());
                let version = env!("CARGO_PKG_VERSION");
                calls::log(
                    Level::Info,
                    &format!(
                        "toolward {version}: configured with bundle revision `{revision}`, serial {serial}, trusted \
                         signatures {signers}"
                    ),
                );
                self.pep = Some(Rc::new(pep));
                true
            }
            Err(problems) => {
                for line in problems.lines() {
                    calls::log(Level::Error, &format!("toolward: configuration refused: {line}"));
                }
                false
            }
        };
        let result = if loaded { "loaded" } else { "refused" };
        if loaded && let Err(refused) = calls::tick_every(driver::TICK_MS) {
            calls::log(
                Level::Warn,
                &format!(
                    "toolward: the host does not tick (status {}): silent streams outlive tokens",
                    refused.0
                ),
            );
        }
        if let Ok(id) = calls::counter(&format!("toolward.configurations_total.result.{result}")) {
            let _ = calls::count(id);
        }
        loaded
    }

    /// A stream under the configuration of the moment; `id` is the host's number of it.
    pub fn stream(&self, id: u32) -> (HttpStream, Proxy) {
        let decision_id = driver::decision_id(self.vm_nonce, id);
        (HttpStream::new(self.pep.clone(), decision_id), Proxy::new(Rc::clone(&self.counters)))
    }
}
