//! The clients: one thread and one connection each, the next request when the answer is there.

use crate::Outcome;
use crate::traffic::Traffic;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The results of the clients, and a probe's values at the beginning and at the end.
pub struct Window<T> {
    /// Length of the window.
    pub seconds: f64,
    /// Of each answered request, in nanoseconds, in no order.
    pub latencies: Vec<u32>,
    /// The probe at the beginning.
    pub before: T,
    /// The probe at the end.
    pub after: T,
}

/// Puts load on a port for a while.
pub fn run<T>(
    port: u16,
    traffic: &Traffic,
    connections: usize,
    length: Duration,
    probe: impl Fn() -> T,
) -> Outcome<Window<T>> {
    let (go, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut clients = Vec::new();
    for _ in 0..connections {
        let mut client = Client::connect(port)?;
        client.call(traffic)?;
        clients.push(client);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .into_iter()
            .map(|client| scope.spawn(|| client.call_until(traffic, &go, &stop)))
            .collect();
        let before = probe();
        let begun = Instant::now();
        go.store(true, Ordering::Release);
        std::thread::sleep(length);
        let after = probe();
        let seconds = begun.elapsed().as_secs_f64();
        stop.store(true, Ordering::Release);
        let mut latencies = Vec::new();
        for thread in threads {
            let mut seen = thread.join().map_err(|_| "a client panicked")??;
            latencies.append(&mut seen);
        }
        Ok(Window { seconds, latencies, before, after })
    })
}

struct Client {
    connection: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(port: u16) -> Outcome<Client> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let connection = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Client { connection, buffer: vec![0; 64 * 1024] })
    }

    /// Sends the request and holds the answer against the upstream's: a denial would be cheap.
    fn call(&mut self, traffic: &Traffic) -> Outcome<()> {
        self.connection.write_all(&traffic.request)?;
        let mut filled = 0;
        let end = loop {
            let seen = &self.buffer[..filled];
            if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                let length = content_length(&seen[..at + 4]).ok_or("an answer without content-length")?;
                if filled >= at + 4 + length {
                    break at + 4;
                }
            }
            let free = self.buffer.get_mut(filled..).filter(|free| !free.is_empty());
            let read = self.connection.read(free.ok_or("an answer is too long")?)?;
            if read == 0 {
                return Err("the proxy closed the connection".into());
            }
            filled += read;
        };
        if !self.buffer.starts_with(b"HTTP/1.1 200 ") || self.buffer[end..filled] != *traffic.answer_body() {
            let text = String::from_utf8_lossy(&self.buffer[..filled]).into_owned();
            return Err(format!("the request was not permitted:\n{text}").into());
        }
        Ok(())
    }

    fn call_until(
        mut self,
        traffic: &Traffic,
        go: &AtomicBool,
        stop: &AtomicBool,
    ) -> Result<Vec<u32>, String> {
        while !go.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let mut latencies = Vec::with_capacity(1 << 16);
        while !stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            self.call(traffic).map_err(|error| error.to_string())?;
            latencies.push(u32::try_from(begun.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        Ok(latencies)
    }
}

/// The value of `content-length` in a head; `None` if there is none.
pub fn content_length(head: &[u8]) -> Option<usize> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(15)?;
        let value = name.eq_ignore_ascii_case(b"content-length:").then_some(value)?;
        std::str::from_utf8(value).ok()?.trim().parse().ok()
    })
}
