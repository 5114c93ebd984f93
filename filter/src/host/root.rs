//! The plugin's root context: configuration in, streams out.

use super::context::StreamContext;
use super::hostcalls;
use super::metrics::Counters;
use super::proxy::Proxy;
use super::shared_data::HostStore;
use super::streams::{self, Stream};
use super::verify_signature::HostSignatures;
use crate::driver::{self, HttpStream};
use crate::pep::Pep;
use crate::token::Revocations;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType, LogLevel};
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

/// Longest configuration in bytes, bundle included.
const MAX_CONFIGURATION: usize = 256 * 1024 * 1024;

thread_local! {
    /// Of all roots of this VM: plugins with the same configuration of the VM share it.
    static REVOCATIONS: Rc<Revocations> = Rc::default();
}

/// The root context.
pub struct Root {
    pep: Option<Rc<Pep>>,
    counters: Rc<Counters>,
    /// Distinguishes the decisions of this VM from those of all others.
    vm_nonce: u64,
}

impl Root {
    /// Before the configuration: everything would be denied.
    pub fn new() -> Root {
        // The standard library seeds this from the host's randomness.
        let vm_nonce = std::collections::hash_map::RandomState::new().build_hasher().finish();
        Root { pep: None, counters: Rc::default(), vm_nonce }
    }

    fn load(&self) -> Result<Pep, String> {
        let text = hostcalls::buffer(BufferType::PluginConfiguration, MAX_CONFIGURATION)
            .map_err(|refused| format!("the host did not give the configuration (status {})", refused.0))?;
        let revocations = REVOCATIONS.with(Rc::clone);
        driver::load(&text, Rc::new(HostSignatures), revocations, Rc::new(HostStore))
    }

    /// Reads the configuration and takes it. On a problem it logs the reason and keeps the present
    /// configuration.
    fn configure(&mut self) -> bool {
        let loaded = match self.load() {
            Ok(pep) => {
                let bundle = &pep.config().bundle;
                let (revision, serial, signers) =
                    (bundle.revision(), bundle.serial(), bundle.signers().len());
                let version = env!("CARGO_PKG_VERSION");
                let _ = hostcalls::log(
                    LogLevel::Info,
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
                    let _ =
                        hostcalls::log(LogLevel::Error, &format!("toolward: configuration refused: {line}"));
                }
                false
            }
        };
        let result = if loaded { "loaded" } else { "refused" };
        if loaded && let Err(refused) = hostcalls::tick_every(driver::TICK_MS) {
            let _ = hostcalls::log(
                LogLevel::Warn,
                &format!(
                    "toolward: the host does not tick (status {}): silent streams outlive tokens",
                    refused.0
                ),
            );
        }
        if let Ok(id) = hostcalls::counter(&format!("toolward.configurations_total.result.{result}")) {
            let _ = hostcalls::count(id);
        }
        loaded
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        self.configure()
    }

    /// Streams whose token has expired, or whose session is over, end now. The host ends them when this has returned.
    fn on_tick(&mut self) {
        let Ok(now_ms) = hostcalls::now_ms() else { return };
        for (id, stream) in streams::wanting_ticks() {
            let Ok(mut stream) = stream.try_borrow_mut() else { continue };
            if hostcalls::act_on(id).is_ok() {
                let Stream { http, proxy } = &mut *stream;
                http.on_tick(proxy, now_ms);
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let http = HttpStream::new(self.pep.clone(), driver::decision_id(self.vm_nonce, id));
        let proxy = Proxy::new(Rc::clone(&self.counters));
        Some(Box::new(StreamContext::new(id, Stream { http, proxy })))
    }
}
