//! The decision counters.

use super::hostcalls;
use crate::driver::{self, Refused};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The decision counters; each is defined once per VM, at its first use. Labels are our own codes, so there are few.
#[derive(Default)]
pub struct Counters {
    ids: RefCell<BTreeMap<(&'static str, &'static str), u32>>,
}

impl Counters {
    /// Counts a decision.
    pub fn count(&self, result: &'static str, reason: &'static str) -> Result<(), Refused> {
        let mut ids = self.ids.borrow_mut();
        let id = match ids.get(&(result, reason)) {
            Some(id) => *id,
            None => {
                let id = hostcalls::counter(&driver::counter(result, reason))?;
                ids.insert((result, reason), id);
                id
            }
        };
        hostcalls::count(id)
    }
}
