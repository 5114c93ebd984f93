//! Work: the fuel for each byte that others choose stays below a bound, and does not grow with the size.
//!
//! wasmtime counts the module's instructions, so a figure is the same on every machine.

mod events;
mod growth;
mod heads;
mod messages;
mod search;
mod settings;

use harness::host::stream::{Side, Stream};
use harness::host::wasm::{Filter, WasmGuest};
use harness::host::{Callback, Guest, HostState, Proxy};
use harness::scenario::{Fixtures, Request};
use serde_json::{Value, json};
use std::fmt::Write as _;
use toolward_tests::exchange::{Corpus, Point, answer, call, corpus, head, open, start};
use toolward_tests::families::{Family, Frame, UNITS, everywhere, members};
use toolward_tests::{folder, fuel_guest, wasm};

/// Fuel that every text costs, independent of its length: a callback, an exchange, a record.
const FIXED: u64 = 150_000;
/// The smaller of the two sizes that are compared, in bytes; the other is four times as large.
const SMALL: usize = 4 * 1024;
const MIB: usize = 1024 * 1024;

/// The cost of a text of a family, in fuel.
type Cost<'c> = &'c mut dyn FnMut(&str) -> u64;

/// A reader with the bounds of its cost.
struct Reader {
    name: &'static str,
    /// Fuel for each byte.
    bound: u64,
    small: usize,
    /// The longest text that it reads, in bytes.
    most: usize,
}

impl Reader {
    const fn new(name: &'static str, bound: u64, most: usize) -> Reader {
        Reader { name, bound, small: SMALL, most }
    }

    /// Holds every family at two sizes against the bound and against each other, and the worst at the largest size.
    fn hold(&self, families: &[Family], cost: Cost<'_>) {
        let mut report = String::new();
        let mut worst: Vec<(u64, &Family)> = Vec::new();
        for family in families {
            let (small, large) = (family.text(self.small), family.text(4 * self.small));
            let (low, high) = (cost(&small), cost(&large));
            let per_byte = high.saturating_sub(FIXED) / large.len() as u64;
            // A pass over the rest for each byte costs sixteen times as much, and sorting a little more than four times.
            let grown = high.saturating_sub(FIXED) as f64 / low.max(FIXED) as f64;
            let times = large.len() as f64 / small.len() as f64;
            if per_byte > self.bound || grown > 1.5 * times {
                writeln!(report, "{per_byte} a byte, {grown:.1} times for {times:.1}: {}", family.name)
                    .unwrap();
            }
            worst.push((per_byte, family));
        }
        worst.sort_by_key(|(per_byte, _)| std::cmp::Reverse(*per_byte));
        let (name, bound) = (self.name, self.bound);
        for (per_byte, family) in worst.iter().take(3) {
            println!("{name}: {per_byte} of {bound} a byte: {:.160}", family.name);
        }
        assert!(report.is_empty(), "{name}, at most {bound} a byte:\n{report}");
        if let Some((_, family)) = worst.first().filter(|_| self.most > 4 * self.small) {
            let text = family.text(self.most);
            let per_byte = cost(&text).saturating_sub(FIXED) / text.len() as u64;
            println!("{name}: {per_byte} of {bound} a byte at {} bytes: {:.160}", text.len(), family.name);
            assert!(per_byte <= bound, "{name}: {per_byte} a byte at {} bytes: {}", text.len(), family.name);
        }
    }
}

/// A proxy with the filter.
struct Bench {
    proxy: Proxy<WasmGuest>,
    request: Request,
    next: u32,
    corpus: Corpus,
    /// Bytes of the log, and to the client, of the last exchange.
    log: usize,
    out: usize,
}

impl Bench {
    fn new(name: &str, policy: &str, config: &Value, request: &Value) -> Bench {
        let corpus = corpus(name, policy, config, request);
        let (proxy, request) = start(&corpus);
        Bench { proxy, request, next: 2, corpus, log: 0, out: 0 }
    }

    /// The same in a VM of its own: memory never shrinks.
    fn afresh(&mut self) {
        let (proxy, request) = start(&self.corpus);
        (self.proxy, self.request, self.next) = (proxy, request, 2);
    }

    fn stream(&mut self) -> u32 {
        self.next += 2;
        self.proxy.guest().host().log.clear();
        self.out = 0;
        self.next
    }

    fn spent(&mut self, callback: &str) -> u64 {
        let spent = self.proxy.guest().take_fuel();
        spent.iter().filter(|(name, _)| *name == callback).map(|(_, fuel)| fuel).sum()
    }

    /// The cost of a request's body.
    fn body(&mut self, body: &str) -> u64 {
        let id = self.stream();
        let mut request = self.request.clone();
        request.body = Some(body.as_bytes().to_vec());
        let guest = self.proxy.guest();
        open(guest, id, &request, Point::Head);
        guest.take_fuel();
        let side = &mut guest.host().streams.get_mut(&id).unwrap().request;
        (side.buffer, side.buffer_open) = (body.as_bytes().to_vec(), true);
        guest.call(id, Callback::RequestBody { bytes: body.len(), end: true }).unwrap();
        let spent = self.spent("proxy_on_request_body");
        self.end(id);
        spent
    }

    /// The cost of an answer that arrives in pieces of so many bytes.
    fn answer(&mut self, kind: &str, body: &str, piece: usize) -> u64 {
        let id = self.stream();
        let request = self.request.clone();
        let guest = self.proxy.guest();
        open(guest, id, &request, if request.body.is_some() { Point::Body } else { Point::Head });
        answer(guest, id, kind);
        guest.take_fuel();
        let held = kind == "application/json";
        let mut rest = body.as_bytes();
        while let Some((next, after)) =
            rest.split_at_checked(piece.min(rest.len())).filter(|_| !rest.is_empty())
        {
            let side = &mut guest.host().streams.get_mut(&id).unwrap().response;
            if !held {
                side.buffer.clear();
            }
            side.buffer.extend_from_slice(next);
            side.buffer_open = true;
            let bytes = side.buffer.len();
            guest.call(id, Callback::ResponseBody { bytes, end: after.is_empty() }).unwrap();
            let stream = guest.host().streams.get_mut(&id).unwrap();
            let sent =
                stream.response.buffer.len() + stream.reply.as_ref().map_or(0, |reply| reply.body.len());
            self.out = if held { sent } else { self.out + sent };
            rest = after;
        }
        let spent = self.spent("proxy_on_response_body");
        self.end(id);
        spent
    }

    /// The cost of a head.
    fn head(&mut self, fields: Vec<(String, Vec<u8>)>) -> u64 {
        let id = self.stream();
        let mut request = self.request.clone();
        request.headers.extend(fields);
        let side = Side { headers: head(&request), headers_open: true, ..Side::default() };
        let guest = self.proxy.guest();
        let fields = side.headers.len();
        guest.host().streams.insert(id, Stream { request: side, ..Stream::default() });
        guest.create(id).unwrap();
        guest.take_fuel();
        guest.call(id, Callback::RequestHeaders { fields, end: false }).unwrap();
        let spent = self.spent("proxy_on_request_headers");
        self.end(id);
        spent
    }

    fn end(&mut self, id: u32) {
        let guest = self.proxy.guest();
        self.log = guest.host().log.iter().map(|line| line.message.len()).sum();
        guest.end(id).unwrap();
        guest.host().streams.remove(&id);
        guest.take_fuel();
    }
}

/// Every kind of message is admitted, and ids are sealed.
fn wide() -> Value {
    json!({
        "revisions": ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"],
        "batches": "judge",
        "sessions": {"keys": ["UjPMWzKiy9BA69ZOlw9roSK8UsMUaqo5CovhAYKMrmI="]},
        "servers": {"github": {"tasks": "listed"}}
    })
}
