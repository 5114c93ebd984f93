//! The core of the filter, called directly: what `filter::host` does with callbacks and effects, done on a
//! [`World`] instead of a proxy.

use super::{Target, run_in_memory};
use crate::host::abi::{Action, BufferType, LogLevel, MapType, MetricType, Status, StreamType};
use crate::host::proxy::{Callback, Guest, Trap};
use crate::host::stream::LocalReply;
use crate::host::world::World;
use crate::scenario::{Fields, Fixtures, Scenario, TargetName};
use crate::transcript::Transcript;
use filter::config::Config;
use filter::pep::{Call, CallAnswer, ConnectionFacts, Effect, Event, Exchange, Flow, Pep};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Runs scenarios on the core.
#[derive(Debug, Default)]
pub struct Native;

impl Target for Native {
    fn name(&self) -> TargetName {
        TargetName::Native
    }

    fn run(&mut self, scenario: &Scenario, fixtures: &Fixtures) -> anyhow::Result<Transcript> {
        run_in_memory(scenario, fixtures, |world| Ok(NativeGuest::new(world)))
    }
}

/// Longest answer of the authorization cluster that is read, in bytes; as in `filter::host`.
const MAX_ANSWER: usize = 1024 * 1024;

/// As in `filter::host`.
const TICK_MS: u32 = 1000;

/// The core as a plugin.
pub struct NativeGuest {
    world: World,
    pep: Option<Rc<Pep>>,
    streams: BTreeMap<u32, Stream>,
}

struct Stream {
    exchange: Exchange,
    body_window: usize,
    response_window: usize,
    replied: bool,
    body_done: bool,
    request_bytes: usize,
}

impl NativeGuest {
    /// A plugin in a world.
    pub fn new(world: World) -> NativeGuest {
        NativeGuest { world, pep: None, streams: BTreeMap::new() }
    }

    /// Takes the stream out while it is worked on, since it works on the world beside it.
    fn with(&mut self, id: u32, work: impl FnOnce(&mut Stream, &mut World)) -> Option<&Stream> {
        let mut stream = self.streams.remove(&id)?;
        work(&mut stream, &mut self.world);
        Some(self.streams.entry(id).or_insert(stream))
    }
}

impl Guest for NativeGuest {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn start(&mut self) -> Result<bool, Trap> {
        let provider = Rc::clone(&self.world.signatures);
        match Config::parse("configuration", &self.world.configuration, provider) {
            Ok(config) => {
                let pep = Pep::new(config).with_store(Rc::new(self.world.shared.clone()));
                let unavailable = pep.warm_up();
                self.world.tick_period_ms = TICK_MS;
                self.pep = Some(Rc::new(pep));
                Ok(unavailable.is_empty())
            }
            Err(problems) => {
                self.world.log(LogLevel::Error, problems.to_string().as_bytes());
                Ok(false)
            }
        }
    }

    fn create(&mut self, id: u32) -> Result<(), Trap> {
        let pep = self.pep.clone();
        let window = |limit: usize| limit.saturating_add(1);
        let (body_window, response_window) = pep
            .as_ref()
            .map_or((0, 0), |pep| (window(pep.max_body_bytes()), window(pep.max_response_bytes())));
        let exchange = Exchange::new(pep, format!("{:016x}{id:08x}", 0x746f_6f6c_7761_7264_u64));
        let stream = Stream {
            exchange,
            body_window,
            response_window,
            replied: false,
            body_done: false,
            request_bytes: 0,
        };
        self.streams.insert(id, stream);
        Ok(())
    }

    fn call(&mut self, id: u32, callback: Callback) -> Result<Action, Trap> {
        let stream = self.with(id, |stream, world| stream.call(world, callback));
        let response = matches!(
            callback,
            Callback::ResponseHeaders { .. }
                | Callback::ResponseBody { .. }
                | Callback::ResponseTrailers { .. }
        );
        Ok(match stream {
            Some(stream) if response => stream.response_action(),
            Some(stream) => stream.request_action(),
            None => Action::Pause,
        })
    }

    fn answer(&mut self, context: u32, _token: u32) -> Result<(), Trap> {
        self.with(context, Stream::call_answered);
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Trap> {
        let now_ms = now_ms(&self.world);
        let streams: Vec<u32> = self.streams.keys().copied().collect();
        for id in streams {
            self.world.effective_context = id;
            self.with(id, |stream, world| {
                if !stream.replied && stream.exchange.wants_ticks() {
                    stream.handle(world, Event::Tick { now_ms }, 0);
                }
            });
        }
        Ok(())
    }

    fn end(&mut self, id: u32) -> Result<(), Trap> {
        self.streams.remove(&id);
        Ok(())
    }
}

fn now_ms(world: &World) -> u64 {
    world.now_ns / 1_000_000
}

fn borrowed(fields: &Fields) -> Vec<(&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect()
}

/// The first bytes of a buffer; nothing where there is no such buffer.
fn buffer(world: &mut World, buffer: BufferType, most: usize) -> Vec<u8> {
    let bytes = world.buffer(buffer).unwrap_or_default();
    bytes.get(..most.min(bytes.len())).unwrap_or_default().to_vec()
}

impl Stream {
    fn request_action(&self) -> Action {
        match self.exchange.request_flow() {
            Flow::Pass if !self.replied => Action::Continue,
            Flow::Pass | Flow::Hold => Action::Pause,
        }
    }

    fn response_action(&self) -> Action {
        match self.exchange.response_flow() {
            Flow::Hold if !self.replied => Action::Pause,
            Flow::Hold | Flow::Pass => Action::Continue,
        }
    }

    fn call(&mut self, world: &mut World, callback: Callback) {
        match callback {
            Callback::RequestHeaders { end, .. } => {
                self.body_done = end;
                if self.exchange.reads_connection() {
                    let property = |path: &[&str]| {
                        world.property(&path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>()).ok()
                    };
                    self.exchange.set_connection(ConnectionFacts::read(property));
                }
                match world.map(MapType::RequestHeaders).cloned() {
                    Ok(fields) => {
                        let (now_ms, fields) = (now_ms(world), &borrowed(&fields));
                        let event = Event::RequestHeaders { now_ms, fields, end_of_stream: end };
                        self.handle(world, event, 0);
                    }
                    Err(_) => self.fail(world),
                }
            }
            Callback::RequestTrailers { .. } => {
                if !self.body_done && !self.replied {
                    match world.map(MapType::RequestTrailers).cloned() {
                        Ok(fields) => {
                            self.handle(world, Event::RequestTrailers { fields: &borrowed(&fields) }, 0);
                        }
                        Err(_) => self.fail(world),
                    }
                }
                if !self.replied {
                    self.body_complete(world);
                }
            }
            Callback::RequestBody { end: true, .. } => {
                if !self.replied {
                    self.body_complete(world);
                }
            }
            Callback::RequestBody { bytes, end: false } => {
                if !self.body_done && !self.replied {
                    self.handle(world, Event::RequestBuffered { bytes }, 0);
                }
            }
            _ if self.replied || !self.exchange.judges_response() => {}
            Callback::ResponseHeaders { end, .. } => match world.map(MapType::ResponseHeaders).cloned() {
                Ok(fields) => {
                    let event = Event::ResponseHeaders { fields: &borrowed(&fields), end_of_stream: end };
                    self.handle(world, event, 0);
                }
                Err(_) => self.give_up(world),
            },
            Callback::ResponseBody { bytes, end } => {
                let whole = !self.exchange.streams();
                if self.exchange.response_flow() == Flow::Hold && whole && !end {
                    self.handle(world, Event::ResponseBuffered { bytes }, bytes);
                } else {
                    self.response_body(world, bytes, end);
                }
            }
            Callback::ResponseTrailers { .. } => {
                if self.exchange.response_flow() == Flow::Hold {
                    self.response_body(world, 0, true);
                }
            }
        }
    }

    fn body_complete(&mut self, world: &mut World) {
        if std::mem::replace(&mut self.body_done, true) {
            return;
        }
        let body = buffer(world, BufferType::RequestBody, self.body_window);
        self.request_bytes = body.len();
        let event = Event::RequestBody { now_ms: now_ms(world), body: &body };
        self.handle(world, event, 0);
    }

    fn response_body(&mut self, world: &mut World, size: usize, end_of_stream: bool) {
        let body = buffer(world, BufferType::ResponseBody, self.response_window.max(size));
        let event = Event::ResponseBody { now_ms: now_ms(world), body: &body, end_of_stream };
        self.handle(world, event, body.len());
    }

    fn call_answered(&mut self, world: &mut World) {
        if self.replied {
            return;
        }
        let response = world.call_response.clone().unwrap_or_default();
        let answer = if response.headers.is_empty() {
            CallAnswer::Reset
        } else {
            let status = response
                .headers
                .iter()
                .find(|(name, _)| name == ":status")
                .and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
            let body = response.body.get(..MAX_ANSWER.min(response.body.len())).unwrap_or_default();
            CallAnswer::Response { status: status.unwrap_or(0), body }
        };
        self.handle(world, Event::CallAnswered { now_ms: now_ms(world), answer }, 0);
        if self.request_action() == Action::Continue && world.continue_stream(StreamType::Request).is_err() {
            self.give_up(world);
        }
    }

    fn handle(&mut self, world: &mut World, event: Event<'_>, response_bytes: usize) {
        let effects = self.exchange.handle(event);
        self.carry_out(world, effects, response_bytes);
    }

    fn fail(&mut self, world: &mut World) {
        let effects = self.exchange.fail();
        self.carry_out(world, effects, 0);
    }

    fn carry_out(&mut self, world: &mut World, effects: Vec<Effect>, response_bytes: usize) {
        for effect in effects {
            let done: Result<(), Status> = match effect {
                Effect::Forward { permit: _, remove, set, body } => remove
                    .iter()
                    .try_for_each(|name| world.remove(MapType::RequestHeaders, name))
                    .and_then(|()| {
                        set.iter().try_for_each(|(name, value)| {
                            world.replace(MapType::RequestHeaders, name.as_bytes(), value.as_bytes())
                        })
                    })
                    .and_then(|()| {
                        body.map_or(Ok(()), |body| {
                            world.set_buffer(BufferType::RequestBody, 0, self.request_bytes, &body)
                        })
                    }),
                Effect::SetResponseHeader(name, value) => {
                    world.replace(MapType::ResponseHeaders, name.as_bytes(), value.as_bytes())
                }
                Effect::Reply(reply) => {
                    self.replied = true;
                    let headers = reply.headers.into_iter();
                    world.send_local_reply(LocalReply {
                        status: reply.status,
                        details: reply.details,
                        headers: headers.map(|(name, value)| (name.to_owned(), value.into_bytes())).collect(),
                        body: reply.body,
                    })
                }
                Effect::Call(call) => {
                    self.send(world, call);
                    Ok(())
                }
                Effect::Record(record) => {
                    world.log(LogLevel::Info, record.json.as_bytes());
                    let counter =
                        format!("toolward.decisions.result.{}.reason.{}", record.result, record.reason);
                    let counter = world.metrics.define(MetricType::Counter, &counter);
                    let counted = world.metrics.increment(counter, 1);
                    let name = ["toolward_decision".to_owned()];
                    counted.and_then(|()| world.set_property(&name, record.json.as_bytes()))
                }
                Effect::RemoveResponseHeaders(names) => {
                    names.iter().try_for_each(|name| world.remove(MapType::ResponseHeaders, name.as_bytes()))
                }
                Effect::ReplaceResponseBody(bytes) => {
                    world.set_buffer(BufferType::ResponseBody, 0, response_bytes, &bytes)
                }
                Effect::EndResponse => world.close_stream(StreamType::Response),
            };
            if done.is_err() {
                self.give_up(world);
            }
        }
    }

    fn send(&mut self, world: &mut World, call: Call) {
        let mut headers: Fields = vec![
            (":method".to_owned(), b"POST".to_vec()),
            (":path".to_owned(), call.path.into()),
            (":authority".to_owned(), call.authority.into_bytes()),
        ];
        headers.extend(call.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())));
        if world.http_call(call.cluster.as_bytes(), headers, call.body, call.timeout_ms.max(1)).is_err() {
            let event = Event::CallAnswered { now_ms: now_ms(world), answer: CallAnswer::NotSent };
            self.handle(world, event, 0);
        }
    }

    fn give_up(&mut self, world: &mut World) {
        if std::mem::replace(&mut self.replied, true) {
            return;
        }
        let _ = world.send_local_reply(LocalReply {
            status: 503,
            details: "toolward_denied_host_failure".to_owned(),
            headers: Fields::new(),
            body: Vec::new(),
        });
    }
}
