//! A filter as a wasm module in wasmtime: the very file that proxies load.

mod imports;
mod memory;
mod wasi;

use super::abi::Action;
use super::allow_list;
use super::guest::{Callback, Guest, Trap};
use super::host_state::{HostState, ROOT_CONTEXT};
use anyhow::Context as _;
use std::path::Path;
use wasmtime::{Config, Engine, ExternType, Instance, InstancePre, Linker, Memory, Module, Store};
use wasmtime::{StoreLimits, StoreLimitsBuilder, TypedFunc};

/// Fuel for one callback: about 100 times the need of the longest permitted request. A loop ends in a trap, where Envoy
/// would hang for ever.
pub const FUEL: u64 = 20_000_000_000;

/// Most memory of one VM, in bytes.
pub const MEMORY: usize = 256 * 1024 * 1024;

/// A compiled filter. Its VMs share only the code.
pub struct Filter {
    engine: Engine,
    module: Module,
    instance: InstancePre<StoreData>,
}

/// The data that hostcalls use.
pub(super) struct StoreData {
    pub host: HostState,
    pub memory: Option<Memory>,
    pub allocate: Option<TypedFunc<u32, u32>>,
    /// A line of the guest's standard output or error that has no end yet.
    pub line: Vec<u8>,
    limits: StoreLimits,
}

/// An import or export, as `toolward abi` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// `module.name` for an import, the name for an export.
    pub name: String,
    /// Its type in wasm's words.
    pub kind: String,
    /// Whether the allow-list has it.
    pub allowed: bool,
}

/// The imports and exports of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abi {
    /// Imports, in the module's order.
    pub imports: Vec<Symbol>,
    /// Exports, in the module's order.
    pub exports: Vec<Symbol>,
    /// Exports that a filter must have and this one has not.
    pub missing_exports: Vec<&'static str>,
}

impl Abi {
    /// The problems; empty if there are none.
    pub fn problems(&self) -> Vec<String> {
        let unknown = |kind: &'static str, symbols: &[Symbol]| -> Vec<String> {
            let unknown = symbols.iter().filter(|symbol| !symbol.allowed);
            unknown.map(|symbol| format!("{kind} `{}` is not on the allow-list", symbol.name)).collect()
        };
        let mut problems = unknown("import", &self.imports);
        problems.extend(unknown("export", &self.exports));
        problems.extend(self.missing_exports.iter().map(|export| format!("export `{export}` is missing")));
        problems
    }
}

/// wasmtime's own error type, with its causes, as text.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

fn engine() -> anyhow::Result<Engine> {
    let mut config = Config::new();
    config.consume_fuel(true);
    Engine::new(&config).map_err(plain)
}

/// The imports and exports of a module, even of one that this host cannot run.
///
/// # Errors
/// If it is not a wasm module.
pub fn abi(wasm: &[u8]) -> anyhow::Result<Abi> {
    let module = Module::new(&engine()?, wasm).map_err(plain)?;
    Ok(abi_of(&module))
}

fn abi_of(module: &Module) -> Abi {
    let kind = |kind: ExternType| match kind {
        ExternType::Func(function) => function.to_string(),
        ExternType::Memory(memory) => format!("(memory {} pages)", memory.minimum()),
        ExternType::Global(_) => "(global)".to_owned(),
        ExternType::Table(_) => "(table)".to_owned(),
        ExternType::Tag(_) => "(tag)".to_owned(),
    };
    let imports = module.imports().map(|import| Symbol {
        name: format!("{}.{}", import.module(), import.name()),
        kind: kind(import.ty()),
        allowed: allow_list::allows(import.module(), import.name()),
    });
    let exports: Vec<Symbol> = module
        .exports()
        .map(|export| Symbol {
            name: export.name().to_owned(),
            kind: kind(export.ty()),
            allowed: allow_list::allows_export(export.name()),
        })
        .collect();
    let missing = allow_list::REQUIRED_EXPORTS
        .into_iter()
        .filter(|required| !exports.iter().any(|export| export.name == *required));
    Abi { imports: imports.collect(), missing_exports: missing.collect(), exports }
}

impl Filter {
    /// Compiles a filter from a file.
    ///
    /// # Errors
    /// If the file cannot be read, is not a wasm module, or imports functions that this host lacks.
    pub fn from_file(path: &Path) -> anyhow::Result<Filter> {
        let wasm = std::fs::read(path)
            .with_context(|| format!("`{}`: build it first, `make wasm` does", path.display()))?;
        Filter::new(&wasm).with_context(|| format!("`{}`", path.display()))
    }

    /// Compiles a filter.
    ///
    /// # Errors
    /// If it is not a wasm module, or imports functions that this host lacks.
    pub fn new(wasm: &[u8]) -> anyhow::Result<Filter> {
        let engine = engine()?;
        let module = Module::new(&engine, wasm).map_err(plain)?;
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker).map_err(plain)?;
        wasi::link(&mut linker).map_err(plain)?;
        let instance = linker.instantiate_pre(&module).map_err(plain)?;
        Ok(Filter { engine, module, instance })
    }

    /// Its imports and exports.
    pub fn abi(&self) -> Abi {
        abi_of(&self.module)
    }

    /// A fresh VM of a host in this state.
    ///
    /// # Errors
    /// If the module's own start traps, or lacks exports that every filter has.
    pub fn guest(&self, host: HostState) -> anyhow::Result<WasmGuest> {
        self.guest_with_fuel(host, FUEL)
    }

    /// A fresh VM with another bound than [`FUEL`] for each callback.
    ///
    /// # Errors
    /// As [`Filter::guest`].
    pub fn guest_with_fuel(&self, host: HostState, bound: u64) -> anyhow::Result<WasmGuest> {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY).trap_on_grow_failure(true).build();
        let state = StoreData { host, memory: None, allocate: None, line: Vec::new(), limits };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_fuel(bound).map_err(plain)?;
        let instance = self.instance.instantiate(&mut store).map_err(plain)?;
        let memory = instance.get_memory(&mut store, "memory").context("the module exports no memory")?;
        let allocate = instance
            .get_typed_func::<u32, u32>(&mut store, "proxy_on_memory_allocate")
            .or_else(|_| instance.get_typed_func::<u32, u32>(&mut store, "malloc"))
            .map_err(plain)?;
        let state = store.data_mut();
        state.memory = Some(memory);
        state.allocate = Some(allocate);
        let mut guest = WasmGuest { store, instance, bound, fuel: Vec::new() };
        // A reactor is initialised once, before anything else is called.
        for name in ["_initialize", "_start"] {
            if guest.instance.get_func(&mut guest.store, name).is_some() {
                guest.invoke::<(), ()>(name, ()).map_err(|trap| anyhow::anyhow!("{}", trap.message))?;
                break;
            }
        }
        guest.fuel.clear();
        Ok(guest)
    }
}

/// A VM.
pub struct WasmGuest {
    store: Store<StoreData>,
    instance: Instance,
    bound: u64,
    fuel: Vec<(&'static str, u64)>,
}

impl WasmGuest {
    fn invoke<P, R>(&mut self, name: &'static str, arguments: P) -> Result<R, Trap>
    where
        P: wasmtime::WasmParams,
        R: wasmtime::WasmResults,
    {
        let trap = |error: wasmtime::Error| Trap { message: format!("{name}: {error:#}") };
        let function = self.instance.get_typed_func::<P, R>(&mut self.store, name).map_err(trap)?;
        self.store.set_fuel(self.bound).map_err(trap)?;
        let result = function.call(&mut self.store, arguments).map_err(trap);
        let left = self.store.get_fuel().unwrap_or(0);
        self.fuel.push((name, self.bound.saturating_sub(left)));
        result
    }

    /// Bytes of the VM's memory. It never shrinks, so this is the most that was ever needed.
    pub fn memory_bytes(&self) -> usize {
        self.store.data().memory.map_or(0, |memory| memory.data_size(&self.store))
    }

    /// Whether the module has an export: Envoy passes over callbacks that are not there.
    fn has(&mut self, name: &str) -> bool {
        self.instance.get_func(&mut self.store, name).is_some()
    }

    fn context(&mut self, context: u32) {
        self.store.data_mut().host.effective_context = context;
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Guest for WasmGuest {
    fn host(&mut self) -> &mut HostState {
        &mut self.store.data_mut().host
    }

    fn start(&mut self) -> Result<bool, Trap> {
        self.context(ROOT_CONTEXT);
        self.invoke::<(u32, u32), ()>("proxy_on_context_create", (ROOT_CONTEXT, 0))?;
        if self.invoke::<(u32, u32), u32>("proxy_on_vm_start", (ROOT_CONTEXT, 0))? == 0 {
            return Ok(false);
        }
        let size = number(self.host().configuration.len());
        Ok(self.invoke::<(u32, u32), u32>("proxy_on_configure", (ROOT_CONTEXT, size))? != 0)
    }

    fn create(&mut self, stream: u32) -> Result<(), Trap> {
        self.context(stream);
        self.invoke("proxy_on_context_create", (stream, ROOT_CONTEXT))
    }

    fn call(&mut self, stream: u32, callback: Callback) -> Result<Action, Trap> {
        self.context(stream);
        let three = |name, count, end| (name, count, Some(end));
        let (name, count, end) = match callback {
            Callback::RequestHeaders { fields, end } => three("proxy_on_request_headers", fields, end),
            Callback::RequestBody { bytes, end } => three("proxy_on_request_body", bytes, end),
            Callback::RequestTrailers { fields } => ("proxy_on_request_trailers", fields, None),
            Callback::ResponseHeaders { fields, end } => three("proxy_on_response_headers", fields, end),
            Callback::ResponseBody { bytes, end } => three("proxy_on_response_body", bytes, end),
            Callback::ResponseTrailers { fields } => ("proxy_on_response_trailers", fields, None),
        };
        // INVARIANT: this is how a missing export opens a proxy; `toolward abi` rejects such a module.
        if !self.has(name) {
            return Ok(Action::Continue);
        }
        let action: u32 = match end {
            Some(end) => self.invoke(name, (stream, number(count), u32::from(end)))?,
            None => self.invoke(name, (stream, number(count)))?,
        };
        Ok(if action == 0 { Action::Continue } else { Action::Pause })
    }

    // Envoy delivers answers to the root context. Only the token identifies the call.
    fn answer(&mut self, _stream: u32, token: u32) -> Result<(), Trap> {
        self.context(ROOT_CONTEXT);
        let response = self.host().call_response.clone().unwrap_or_default();
        let sizes =
            (number(response.headers.len()), number(response.body.len()), number(response.trailers.len()));
        self.invoke("proxy_on_http_call_response", (ROOT_CONTEXT, token, sizes.0, sizes.1, sizes.2))
    }

    fn tick(&mut self) -> Result<(), Trap> {
        self.context(ROOT_CONTEXT);
        if !self.has("proxy_on_tick") {
            return Ok(());
        }
        self.invoke("proxy_on_tick", ROOT_CONTEXT)
    }

    fn end(&mut self, stream: u32) -> Result<(), Trap> {
        self.context(stream);
        if self.has("proxy_on_log") {
            self.invoke::<u32, ()>("proxy_on_log", stream)?;
        }
        if self.has("proxy_on_done") {
            self.invoke::<u32, u32>("proxy_on_done", stream)?;
        }
        self.invoke("proxy_on_delete", stream)
    }

    fn take_fuel(&mut self) -> Vec<(&'static str, u64)> {
        std::mem::take(&mut self.fuel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with one function of type `() -> ()`, imported from `env` as `import`, and exported by these names.
    fn module(import: &str, exports: &[&str]) -> Vec<u8> {
        fn sized(bytes: &[u8]) -> Vec<u8> {
            // LEB128 of at most two bytes.
            let size = bytes.len();
            let mut out = vec![(size & 0x7f) as u8 | 0x80, (size >> 7) as u8];
            out.extend_from_slice(bytes);
            out
        }
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |id: u8, count: usize, content: Vec<u8>| {
            wasm.push(id);
            wasm.extend(sized(&[vec![u8::try_from(count).unwrap()], content].concat()));
        };
        section(1, 1, vec![0x60, 0, 0]);
        section(2, 1, [sized(b"env"), sized(import.as_bytes()), vec![0, 0]].concat());
        let entry = |name: &&str| [sized(name.as_bytes()), vec![0, 0]].concat();
        section(7, exports.len(), exports.iter().flat_map(entry).collect());
        wasm
    }

    fn problems(import: &str, exports: &[&str]) -> Vec<String> {
        abi(&module(import, exports)).unwrap().problems()
    }

    #[test]
    fn each_import_and_export_beyond_the_lists_is_a_problem_and_so_is_a_missing_export() {
        let all = [allow_list::REQUIRED_EXPORTS.as_slice(), &allow_list::OTHER_EXPORTS].concat();
        assert_eq!(problems("proxy_log", &all), [""; 0]);
        assert_eq!(problems("proxy_shout", &all), ["import `env.proxy_shout` is not on the allow-list"]);
        for unused in ["proxy_on_log", "proxy_on_grpc_close", "toolward_on_request_body", "malloc"] {
            let found = problems("proxy_log", &[all.as_slice(), &[unused]].concat());
            assert_eq!(found, [format!("export `{unused}` is not on the allow-list")]);
        }
        let (first, rest) = all.split_first().unwrap();
        assert_eq!(problems("proxy_log", rest), [format!("export `{first}` is missing")]);
    }
}
