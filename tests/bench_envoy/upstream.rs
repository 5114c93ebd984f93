//! The server behind the proxy: HTTP/1.1 with keep-alive, one thread a connection, the same answer to everything.

use crate::Outcome;
use crate::load::content_length;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A server on a port of its own, until the process ends.
pub struct Upstream {
    port: u16,
}

impl Upstream {
    /// Starts to serve.
    pub fn start(answer: Vec<u8>) -> Outcome<Upstream> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || serve(connection, &answer));
            }
        });
        Ok(Upstream { port })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Answers until the other side disconnects or sends something other than a request.
fn serve(mut connection: TcpStream, answer: &[u8]) -> Option<()> {
    connection.set_nodelay(true).ok()?;
    let mut buffer = vec![0u8; 64 * 1024];
    let mut filled = 0;
    loop {
        let head = loop {
            if let Some(at) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let read = connection.read(buffer.get_mut(filled..)?).ok()?;
            filled += (read > 0).then_some(read)?;
        };
        let end = head + content_length(&buffer[..head])?;
        while filled < end {
            let read = connection.read(buffer.get_mut(filled..)?).ok()?;
            filled += (read > 0).then_some(read)?;
        }
        connection.write_all(answer).ok()?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}
