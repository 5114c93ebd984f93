//! The workers' shared values, in the proxy's shared data.

use super::hostcalls::{self, CAS_MISMATCH, NOT_FOUND};
use crate::driver::Refused;
use crate::sealed_id::{SharedStore, StoreFault};

/// The shared data of the VMs with this VM's `vm_id`.
pub struct HostStore;

/// A number that no value has, since numbers count up from one. A value that was never set is set whatever
/// the number, so this sets no other value. (Zero would set in any case.)
const NO_NUMBER: u32 = u32::MAX;

impl SharedStore for HostStore {
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>, StoreFault> {
        match hostcalls::shared_data(key) {
            Ok(held) => Ok(Some(held)),
            Err(Refused(NOT_FOUND)) => Ok(None),
            Err(_) => Err(StoreFault::Unavailable),
        }
    }

    fn set(&self, key: &[u8], value: &[u8], number: Option<u32>) -> Result<(), StoreFault> {
        match hostcalls::set_shared_data(key, value, number.unwrap_or(NO_NUMBER)) {
            Ok(()) => Ok(()),
            Err(Refused(CAS_MISMATCH)) => Err(StoreFault::Changed),
            Err(_) => Err(StoreFault::Unavailable),
        }
    }
}
