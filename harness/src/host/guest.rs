//! A plugin as its host sees it: the callbacks of proxy-wasm, and how they can fail.

use super::abi::Action;
use super::host_state::HostState;

/// The plugin trapped: panic, fuel, memory, or a broken module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// In which callback, and why.
    pub message: String,
}

/// A callback of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the ABI's own names: counts of fields and bytes, end of stream")]
pub enum Callback {
    RequestHeaders { fields: usize, end: bool },
    RequestBody { bytes: usize, end: bool },
    RequestTrailers { fields: usize },
    ResponseHeaders { fields: usize, end: bool },
    ResponseBody { bytes: usize, end: bool },
    ResponseTrailers { fields: usize },
}

/// A plugin: the wasm module, or the core called natively.
pub trait Guest {
    /// The state that the plugin reads and changes.
    fn host(&mut self) -> &mut HostState;

    /// Starts the VM and configures the plugin; `false` if it rejects the configuration.
    ///
    /// # Errors
    /// A trap.
    fn start(&mut self) -> Result<bool, Trap>;

    /// Makes the context of a stream.
    ///
    /// # Errors
    /// A trap.
    fn create(&mut self, stream: u32) -> Result<(), Trap>;

    /// Calls back for a stream.
    ///
    /// # Errors
    /// A trap.
    fn call(&mut self, stream: u32, callback: Callback) -> Result<Action, Trap>;

    /// Delivers [`HostState::call_response`] as the answer to the call of this token, which this stream made.
    ///
    /// # Errors
    /// A trap.
    fn answer(&mut self, stream: u32, token: u32) -> Result<(), Trap>;

    /// Calls back because time has passed.
    ///
    /// # Errors
    /// A trap.
    fn tick(&mut self) -> Result<(), Trap>;

    /// Ends the context of a stream: done, log, delete.
    ///
    /// # Errors
    /// A trap.
    fn end(&mut self, stream: u32) -> Result<(), Trap>;

    /// Fuel spent since the last call, by callback; empty for a plugin that is not metered.
    fn take_fuel(&mut self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}
