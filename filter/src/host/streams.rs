//! The streams of this VM by the host's numbers. The SDK's dispatcher lacks ticks for each stream, and
//! answers to calls of our own.

use super::proxy::Proxy;
use crate::driver::HttpStream;
use std::cell::RefCell;
use std::rc::Rc;

/// One stream and its proxy.
pub struct Stream {
    /// The driver.
    pub http: HttpStream,
    /// The host that the driver calls.
    pub proxy: Proxy,
}

/// Values by number, in order. Hosts count upwards, so that most are put at the end. A tree's code would be ten times as
/// large.
struct Numbered<T>(Vec<(u32, T)>);

impl<T> Numbered<T> {
    fn place(&self, number: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |(number, _)| *number)
    }

    fn get(&self, number: u32) -> Option<&T> {
        self.0.get(self.place(number).ok()?).map(|(_, value)| value)
    }

    fn put(&mut self, number: u32, value: T) {
        match self.place(number) {
            Ok(at) => {
                if let Some((_, old)) = self.0.get_mut(at) {
                    *old = value;
                }
            }
            Err(at) => self.0.insert(at, (number, value)),
        }
    }

    fn take(&mut self, number: u32) -> Option<T> {
        self.place(number).ok().map(|at| self.0.remove(at).1)
    }
}

struct Streams {
    known: Numbered<Rc<RefCell<Stream>>>,
    /// From the token of a call to the stream that waits for its answer: hosts deliver answers to the root.
    waiting: Numbered<u32>,
}

thread_local! {
    static STREAMS: RefCell<Streams> =
        const { RefCell::new(Streams { known: Numbered(Vec::new()), waiting: Numbered(Vec::new()) }) };
}

/// Runs `then` on the table. Nothing that runs in it calls the host, so that it is never borrowed twice.
fn streams<T>(then: impl FnOnce(&mut Streams) -> T) -> Option<T> {
    STREAMS.with(|streams| streams.try_borrow_mut().ok().map(|mut streams| then(&mut streams)))
}

/// Adds a stream.
pub fn add(id: u32, stream: Rc<RefCell<Stream>>) {
    streams(|streams| streams.known.put(id, stream));
}

/// Removes a stream, and the call whose answer it awaits.
pub fn remove(id: u32, token: Option<u32>) {
    let removed = streams(|streams| {
        if let Some(token) = token {
            streams.waiting.take(token);
        }
        streams.known.take(id)
    });
    drop(removed);
}

/// Whether there is such a stream.
pub fn is_known(id: u32) -> bool {
    streams(|streams| streams.known.get(id).is_some()).unwrap_or(false)
}

/// Notes that a stream waits for the answer with this token.
pub fn await_answer(token: u32, id: u32) {
    streams(|streams| streams.waiting.put(token, id));
}

/// The stream that waits for the answer with this token; it does not wait any more.
pub fn take_waiting(token: u32) -> Option<(u32, Rc<RefCell<Stream>>)> {
    streams(|streams| {
        let id = streams.waiting.take(token)?;
        Some((id, Rc::clone(streams.known.get(id)?)))
    })?
}

/// The streams that want to know that time has passed.
pub fn wanting_ticks() -> Vec<(u32, Rc<RefCell<Stream>>)> {
    let wants = |stream: &RefCell<Stream>| stream.try_borrow().is_ok_and(|stream| stream.http.wants_ticks());
    let wanting = streams(|streams| {
        let known = streams.known.0.iter().filter(|(_, stream)| wants(stream));
        known.map(|(id, stream)| (*id, Rc::clone(stream))).collect()
    });
    wanting.unwrap_or_default()
}
