//! The few calls of WASI that the standard library makes: no environment, virtual time, a fixed sequence for randomness.

use super::StoreData;
use super::memory::{Failure, read, write};
use crate::host::abi::LogLevel;
use wasmtime::{Caller, Linker};

/// `errno` values of WASI preview 1.
const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;

fn errno(result: Result<(), Failure>) -> wasmtime::Result<u32> {
    match result {
        Ok(()) => Ok(SUCCESS),
        Err(Failure::Status(_)) => Ok(FAULT),
        Err(Failure::Trap(error)) => Err(error),
    }
}

/// Adds the calls.
pub(super) fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    const WASI: &str = "wasi_snapshot_preview1";
    linker.func_wrap(WASI, "environ_get", |_: Caller<'_, StoreData>, _: u32, _: u32| SUCCESS)?;
    linker.func_wrap(
        WASI,
        "environ_sizes_get",
        |mut caller: Caller<'_, StoreData>, count: u32, size: u32| {
            errno(write(&mut caller, count, &[0; 4]).and_then(|()| write(&mut caller, size, &[0; 4])))
        },
    )?;
    linker.func_wrap(
        WASI,
        "clock_time_get",
        |mut caller: Caller<'_, StoreData>, _clock: u32, _precision: u64, out: u32| {
            let now = caller.data().host.now_ns;
            errno(write(&mut caller, out, &now.to_le_bytes()))
        },
    )?;
    linker.func_wrap(WASI, "random_get", |mut caller: Caller<'_, StoreData>, out: u32, length: u32| {
        // Memory is checked before anything of that size is made.
        let mut bytes = match read(&caller, out, length) {
            Ok(bytes) => bytes,
            Err(failure) => return errno(Err(failure)),
        };
        caller.data_mut().host.random(&mut bytes);
        errno(write(&mut caller, out, &bytes))
    })?;
    linker.func_wrap(
        WASI,
        "fd_write",
        |mut caller: Caller<'_, StoreData>, fd: u32, vectors: u32, count: u32, written: u32| {
            if !matches!(fd, 1 | 2) {
                return Ok(BADF);
            }
            let gathered = gather(&caller, vectors, count);
            errno(gathered.and_then(|bytes| {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                log(&mut caller, if fd == 1 { LogLevel::Info } else { LogLevel::Error }, &bytes);
                write(&mut caller, written, &length.to_le_bytes())
            }))
        },
    )?;
    linker.func_wrap(WASI, "proc_exit", |_: Caller<'_, StoreData>, code: u32| -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg(format!("proc_exit({code})")))
    })?;
    Ok(())
}

fn gather(caller: &Caller<'_, StoreData>, vectors: u32, count: u32) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let list = read(caller, vectors, count.saturating_mul(8))?;
    for vector in list.chunks_exact(8) {
        let number =
            |part: Option<&[u8]>| part.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
        bytes.extend(read(caller, number(vector.get(..4)), number(vector.get(4..)))?);
    }
    Ok(bytes)
}

/// Logs whole lines; a panic's message comes in pieces.
fn log(caller: &mut Caller<'_, StoreData>, level: LogLevel, bytes: &[u8]) {
    let state = caller.data_mut();
    for &byte in bytes {
        if byte == b'\n' {
            let line = std::mem::take(&mut state.line);
            state.host.log(level, &line);
        } else {
            state.line.push(byte);
        }
    }
}
