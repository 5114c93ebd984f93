//! Shared data, queues and metrics.

use super::abi::{MetricType, Status};
use filter::sealed_id::{SharedStore, StoreFault};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// Shared data: one map for each `vm_id`, with compare-and-swap. Nothing is ever deleted, as in Envoy. A clone is the
/// same map.
#[derive(Debug, Default, Clone)]
pub struct SharedData(Rc<RefCell<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    entries: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    last_cas: u32,
}

impl SharedData {
    /// The value of a key, and its CAS number.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn get(&self, key: &[u8]) -> Result<(Vec<u8>, u32), Status> {
        self.0.borrow().entries.get(key).cloned().ok_or(Status::NotFound)
    }

    /// Sets a key. `cas` 0 sets in any case; on an absent key every `cas` does.
    ///
    /// # Errors
    /// [`Status::CasMismatch`].
    pub fn set(&self, key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
        let mut shared = self.0.borrow_mut();
        if let Some((_, current)) = shared.entries.get(key)
            && cas != 0
            && cas != *current
        {
            return Err(Status::CasMismatch);
        }
        let cas = shared.last_cas.wrapping_add(1).max(1);
        shared.last_cas = cas;
        shared.entries.insert(key.to_vec(), (value.to_vec(), cas));
        Ok(())
    }
}

impl SharedStore for SharedData {
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>, StoreFault> {
        Ok(SharedData::get(self, key).ok())
    }

    fn set(&self, key: &[u8], value: &[u8], number: Option<u32>) -> Result<(), StoreFault> {
        SharedData::set(self, key, value, number.unwrap_or(u32::MAX)).map_err(|_| StoreFault::Changed)
    }
}

/// Shared queues, by name.
#[derive(Debug, Default)]
pub struct Queues {
    queues: Vec<(Vec<u8>, VecDeque<Vec<u8>>)>,
}

impl Queues {
    /// Registers a queue, or finds it again.
    pub fn register(&mut self, name: &[u8]) -> u32 {
        self.resolve(name).unwrap_or_else(|_| {
            self.queues.push((name.to_vec(), VecDeque::new()));
            u32::try_from(self.queues.len()).unwrap_or(u32::MAX)
        })
    }

    /// Finds a queue.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn resolve(&self, name: &[u8]) -> Result<u32, Status> {
        let index = self.queues.iter().position(|(known, _)| known == name).ok_or(Status::NotFound)?;
        Ok(u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX))
    }

    fn queue(&mut self, id: u32) -> Result<&mut VecDeque<Vec<u8>>, Status> {
        let index = (id as usize).checked_sub(1).ok_or(Status::NotFound)?;
        self.queues.get_mut(index).map(|(_, queue)| queue).ok_or(Status::NotFound)
    }

    /// Appends to a queue.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn push(&mut self, id: u32, value: Vec<u8>) -> Result<(), Status> {
        self.queue(id)?.push_back(value);
        Ok(())
    }

    /// Removes the first item of a queue.
    ///
    /// # Errors
    /// [`Status::NotFound`], [`Status::Empty`].
    pub fn pop(&mut self, id: u32) -> Result<Vec<u8>, Status> {
        self.queue(id)?.pop_front().ok_or(Status::Empty)
    }
}

/// Metrics. A name is defined once for each kind; counters of one name are one.
#[derive(Debug, Default, Clone)]
pub struct Metrics {
    all: Vec<(MetricType, String, u64)>,
}

impl Metrics {
    /// Defines a metric, or finds it again.
    pub fn define(&mut self, kind: MetricType, name: &str) -> u32 {
        let known = self.all.iter().position(|(k, n, _)| *k == kind && n == name);
        let index = known.unwrap_or_else(|| {
            self.all.push((kind, name.to_owned(), 0));
            self.all.len().saturating_sub(1)
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn metric(&mut self, id: u32) -> Result<&mut (MetricType, String, u64), Status> {
        self.all.get_mut(id as usize).ok_or(Status::NotFound)
    }

    /// The value.
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`] for a histogram.
    pub fn get(&mut self, id: u32) -> Result<u64, Status> {
        match self.metric(id)? {
            (MetricType::Histogram, _, _) => Err(Status::BadArgument),
            (_, _, value) => Ok(*value),
        }
    }

    /// Sets a gauge, adds to a histogram, counts up a counter.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn record(&mut self, id: u32, value: u64) -> Result<(), Status> {
        let (kind, _, current) = self.metric(id)?;
        *current = match kind {
            MetricType::Counter => current.saturating_add(value),
            MetricType::Gauge | MetricType::Histogram => value,
        };
        Ok(())
    }

    /// Changes a counter or gauge; a counter never goes down.
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::BadArgument`].
    pub fn increment(&mut self, id: u32, by: i64) -> Result<(), Status> {
        let (kind, _, current) = self.metric(id)?;
        match kind {
            MetricType::Counter if by < 0 => return Err(Status::BadArgument),
            MetricType::Histogram => return Err(Status::BadArgument),
            MetricType::Counter | MetricType::Gauge => *current = current.saturating_add_signed(by),
        }
        Ok(())
    }

    /// Every counter with its value.
    pub fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        self.all
            .iter()
            .filter(|(kind, _, _)| *kind == MetricType::Counter)
            .map(|(_, name, value)| (name.as_str(), *value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_data_swaps_only_what_it_compared() {
        let data = SharedData::default();
        assert_eq!(data.set(b"k", b"1", u32::MAX), Ok(()), "any cas inserts");
        let (_, cas) = data.get(b"k").unwrap();
        assert_eq!(data.set(b"k", b"2", cas.wrapping_add(1)), Err(Status::CasMismatch));
        assert_eq!(data.set(b"k", b"2", cas), Ok(()));
        assert_eq!(data.set(b"k", b"3", cas), Err(Status::CasMismatch), "the number changed");
        assert_eq!(data.set(b"k", b"3", 0), Ok(()));
        assert_eq!(data.get(b"k").unwrap().0, b"3");
    }
}
