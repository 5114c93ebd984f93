//! The context of one HTTP stream: the SDK's callbacks, handed to the driver.

use super::proxy::Proxy;
use super::streams::{self, Stream};
use crate::driver::HttpStream;
use crate::pep::Flow;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;

/// One HTTP stream, by the host's number.
pub struct StreamContext {
    id: u32,
    stream: Rc<RefCell<Stream>>,
}

impl StreamContext {
    /// A stream that the VM knows until this context is dropped.
    pub fn new(id: u32, stream: Stream) -> StreamContext {
        let stream = Rc::new(RefCell::new(stream));
        streams::add(id, Rc::clone(&stream));
        StreamContext { id, stream }
    }

    /// Runs a callback. A callback in the middle of another one is held.
    fn run(&self, callback: impl FnOnce(&mut HttpStream, &mut Proxy) -> Flow) -> Action {
        let Ok(mut stream) = self.stream.try_borrow_mut() else { return Action::Pause };
        let Stream { http, proxy } = &mut *stream;
        let flow = callback(http, proxy);
        if let Some(token) = http.waiting() {
            streams::await_answer(token, self.id);
        }
        match flow {
            Flow::Pass => Action::Continue,
            Flow::Hold => Action::Pause,
        }
    }
}

impl Drop for StreamContext {
    fn drop(&mut self) {
        let token = self.stream.try_borrow().ok().and_then(|stream| stream.http.waiting());
        streams::remove(self.id, token);
    }
}

impl Context for StreamContext {}

impl HttpContext for StreamContext {
    fn on_http_request_headers(&mut self, _fields: usize, end_of_stream: bool) -> Action {
        self.run(|stream, proxy| stream.on_request_headers(proxy, end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.run(|stream, proxy| stream.on_request_body(proxy, size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _fields: usize) -> Action {
        self.run(HttpStream::on_request_trailers)
    }

    fn on_http_response_headers(&mut self, _fields: usize, end_of_stream: bool) -> Action {
        self.run(|stream, proxy| stream.on_response_headers(proxy, end_of_stream))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.run(|stream, proxy| stream.on_response_body(proxy, size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _fields: usize) -> Action {
        self.run(HttpStream::on_response_trailers)
    }
}
