//! The guest's memory: every access is checked, an address that leads out of it is a status and no panic.

use super::StoreData;
use crate::host::abi::Status;
use wasmtime::{AsContext, Caller};

/// Why a hostcall ends.
pub(super) enum Failure {
    /// The guest gets an error status.
    Status(Status),
    /// The guest trapped while the host was calling it.
    Trap(wasmtime::Error),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure::Status(status)
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Failure::Trap(error)
    }
}

const OUTSIDE: Failure = Failure::Status(Status::InvalidMemoryAccess);

/// Reads bytes.
pub(super) fn read(caller: &Caller<'_, StoreData>, address: u32, length: u32) -> Result<Vec<u8>, Failure> {
    let memory = caller.data().memory.ok_or(OUTSIDE)?;
    let start = address as usize;
    let end = start.checked_add(length as usize).ok_or(OUTSIDE)?;
    memory.data(caller.as_context()).get(start..end).map(<[u8]>::to_vec).ok_or(OUTSIDE)
}

/// Writes bytes.
pub(super) fn write(caller: &mut Caller<'_, StoreData>, address: u32, bytes: &[u8]) -> Result<(), Failure> {
    let memory = caller.data().memory.ok_or(OUTSIDE)?;
    memory.write(caller, address as usize, bytes).map_err(|_| OUTSIDE)
}

/// Passes bytes to the guest in memory that the guest allocates. No bytes need no memory.
pub(super) fn give(
    caller: &mut Caller<'_, StoreData>,
    bytes: &[u8],
    address_out: u32,
    length_out: u32,
) -> Result<(), Failure> {
    let length = u32::try_from(bytes.len()).map_err(|_| OUTSIDE)?;
    let mut address = 0;
    if length > 0 {
        let allocate = caller.data().allocate.clone().ok_or(OUTSIDE)?;
        address = allocate.call(&mut *caller, length)?;
        if address == 0 {
            return Err(OUTSIDE);
        }
        write(caller, address, bytes)?;
    }
    write(caller, address_out, &address.to_le_bytes())?;
    write(caller, length_out, &length.to_le_bytes())
}
