//! One HTTP exchange: its states, and the events that lead from one to the next.

use crate::callout::{CheckAnswer, HttpAnswer, spicedb};
use crate::pep::audit::Audit;
use crate::pep::connection::ConnectionFacts;
use crate::pep::event::{Effect, Event, Flow};
use crate::pep::grant::PendingCheck;
use crate::pep::request::authenticate::{self, Admitted, Refused};
use crate::pep::request::authorize::{self, Authorized};
use crate::pep::request::{deny, head};
use crate::pep::response::{Awaited, Response};
use crate::pep::task_id::OpenedTasks;
use crate::pep::{Pep, Permit};
use crate::reason::Reason;
use crate::record::{CheckTrace, DecisionRecord};
use crate::reply::Reply;
use policy_wasm::decision::DenyReason;
use std::rc::Rc;

/// One HTTP exchange.
pub struct Exchange {
    audit: Audit,
    state: State,
}

enum State {
    ExpectHeaders(ConnectionFacts),
    ExpectBody(Box<Admitted>),
    ExpectCheck(Box<Pending>),
    ExpectResponse(Box<Response>),
    Denied,
}

/// An authorized request that waits for a check.
struct Pending {
    admitted: Box<Admitted>,
    authorized: Authorized,
    check: PendingCheck,
}

impl Exchange {
    /// A new exchange. `decision_id` is unique, made by the host. Without a PEP every request is denied.
    pub fn new(pep: Option<Rc<Pep>>, decision_id: String) -> Exchange {
        let state = State::ExpectHeaders(ConnectionFacts::default());
        Exchange { audit: Audit { pep, decision_id, ..Audit::default() }, state }
    }

    /// Whether the policy may look at the connection. The host then sets it before the first event.
    pub fn reads_connection(&self) -> bool {
        self.audit.pep.as_ref().is_some_and(|pep| pep.config.bundle.has_conditions())
    }

    /// Sets the facts of the caller's connection.
    pub fn set_connection(&mut self, connection: ConnectionFacts) {
        if let State::ExpectHeaders(facts) = &mut self.state {
            *facts = connection;
        }
    }

    /// Handles one event. The host carries out the effects in order.
    pub fn handle(&mut self, event: Event<'_>) -> Vec<Effect> {
        if let Event::RequestHeaders { now_ms, .. }
        | Event::RequestBody { now_ms, .. }
        | Event::CallAnswered { now_ms, .. }
        | Event::ResponseBody { now_ms, .. }
        | Event::Tick { now_ms } = event
        {
            self.audit.now_ms = now_ms;
        }
        // INVARIANT (fail closed): a transition that ends without a next state leaves the exchange denied.
        match (std::mem::replace(&mut self.state, State::Denied), event) {
            (State::ExpectHeaders(connection), Event::RequestHeaders { fields, end_of_stream, .. }) => {
                let Some(pep) = self.audit.pep.clone() else {
                    return self.deny(Reason::ConfigurationMissing);
                };
                match authenticate::authenticate(&pep, connection, fields, &mut self.audit) {
                    Ok(admitted) if end_of_stream => self.on_body(Box::new(admitted), b""),
                    Ok(admitted) => self.stay(State::ExpectBody(Box::new(admitted))),
                    Err(Refused::Denied(reason)) => self.deny(reason),
                    Err(Refused::Answered(reply)) => vec![Effect::Reply(reply)],
                }
            }
            (State::ExpectBody(admitted), Event::RequestBuffered { bytes }) => {
                if bytes > admitted.caller.settings().max_body_bytes {
                    self.deny_admitted(admitted, Reason::BodyTooLarge)
                } else {
                    self.stay(State::ExpectBody(admitted))
                }
            }
            (State::ExpectBody(admitted), Event::RequestTrailers { fields }) => {
                if head::decides_in_trailers(fields) {
                    self.deny_admitted(admitted, Reason::HeaderInvalid)
                } else {
                    self.stay(State::ExpectBody(admitted))
                }
            }
            (State::ExpectBody(admitted), Event::RequestBody { body, .. }) => self.on_body(admitted, body),
            (State::ExpectCheck(pending), Event::CallAnswered { answer, .. }) => {
                self.on_answer(*pending, answer)
            }
            (
                State::ExpectResponse(mut response),
                event @ (Event::ResponseHeaders { .. }
                | Event::ResponseBuffered { .. }
                | Event::ResponseBody { .. }
                | Event::Tick { .. }),
            ) => {
                let effects = response.handle(&self.audit, event);
                self.state = State::ExpectResponse(response);
                effects
            }
            // A reply of the proxy's own, or a callback out of order. Nothing changes: a held request stays held.
            (state, _) => self.stay(state),
        }
    }

    /// Ends the exchange: the host could not give an event its data, or did not carry out an effect. Returns the record,
    /// and the reply where the host can still send one.
    pub fn fail(&mut self) -> (DecisionRecord, Reply) {
        self.state = State::Denied;
        let reason = Reason::HostFailure;
        (self.audit.denied_record(reason), self.audit.refusal(reason, None))
    }

    /// Whether the request side may go on: [`Flow::Pass`] only once a permit was issued.
    pub fn request_flow(&self) -> Flow {
        match self.state {
            State::ExpectResponse(_) => Flow::Pass,
            State::ExpectHeaders(_) | State::ExpectBody(_) | State::ExpectCheck(_) | State::Denied => {
                Flow::Hold
            }
        }
    }

    /// Whether the response side may go on. Replies of the filter and of the proxy always may.
    pub fn response_flow(&self) -> Flow {
        self.response().map_or(Flow::Pass, Response::flow)
    }

    /// Whether the response needs any inspection. Where not, the host need not read it.
    pub fn judges_response(&self) -> bool {
        self.response().is_some_and(Response::inspects)
    }

    /// Whether the exchange wants [`Event::Tick`]: its stream may be open for long, or its request takes long and is a
    /// use of the session all the while.
    pub fn wants_ticks(&self) -> bool {
        self.response().is_some_and(Response::wants_ticks)
    }

    /// Whether the response is a stream.
    pub fn streams(&self) -> bool {
        self.response().is_some_and(Response::streams)
    }

    fn response(&self) -> Option<&Response> {
        match &self.state {
            State::ExpectResponse(response) => Some(response),
            _ => None,
        }
    }

    fn stay(&mut self, state: State) -> Vec<Effect> {
        self.state = state;
        Vec::new()
    }

    /// Denies a request that was not admitted.
    fn deny(&mut self, reason: Reason) -> Vec<Effect> {
        let (records, reply) = self.audit.denial(reason);
        records.into_iter().map(Effect::Record).chain([Effect::Reply(reply)]).collect()
    }

    /// Denies an admitted request, in the way of the transport that it came by.
    fn deny_admitted(&mut self, admitted: Box<Admitted>, reason: Reason) -> Vec<Effect> {
        let (records, reply) = self.audit.denial(reason);
        let mut effects: Vec<Effect> = records.into_iter().map(Effect::Record).collect();
        let told = deny::deny(&admitted, &self.audit, reason, reply);
        if matches!(told, Effect::Forward { .. }) {
            self.await_response(*admitted, Awaited::Acknowledgement, OpenedTasks::default());
        }
        effects.push(told);
        effects
    }

    fn await_response(&mut self, admitted: Admitted, awaited: Awaited, tasks: OpenedTasks) {
        let method = self.audit.evaluations.first().and_then(|evaluation| evaluation.method);
        let method = method.unwrap_or(admitted.verb.policy_method());
        let Admitted { caller, session, endpoint, .. } = admitted;
        let response = Response::new(caller, session, method, awaited, tasks, endpoint);
        self.state = State::ExpectResponse(Box::new(response));
    }

    fn on_body(&mut self, mut admitted: Box<Admitted>, body: &[u8]) -> Vec<Effect> {
        match authorize::authorize(&mut admitted, &mut self.audit, body) {
            Ok(authorized) => self.proceed(admitted, authorized),
            Err(reason) => self.deny_admitted(admitted, reason),
        }
    }

    /// Asks the next open check, or lets the request go on.
    fn proceed(&mut self, mut admitted: Box<Admitted>, mut authorized: Authorized) -> Vec<Effect> {
        if let Some(check) = authorized.grants.next_check() {
            let call = match &admitted.caller.pep.config.spicedb {
                Some(settings) => spicedb::question(settings, &check.check).ok_or(Reason::CheckUnaskable),
                None => Err(Reason::ObligationUnknown),
            };
            return match call {
                Ok(call) => {
                    self.state = State::ExpectCheck(Box::new(Pending { admitted, authorized, check }));
                    vec![Effect::Call(call)]
                }
                Err(reason) => {
                    let reason = self.audit.deny(check.evaluation, reason);
                    self.deny_admitted(admitted, reason)
                }
            };
        }
        let Authorized { grants, rewrite, tasks, awaited } = authorized;
        let Some(permit) = Permit::new(&admitted.caller, grants) else {
            return self.deny_admitted(admitted, Reason::Policy(DenyReason::PolicyUnreadable));
        };
        let records = self.audit.permits().collect();
        let edits = std::mem::take(&mut admitted.edits);
        let forward = edits.forward(permit, admitted.upstream_fields(), rewrite, records);
        self.await_response(*admitted, awaited, tasks);
        vec![forward]
    }

    fn on_answer(&mut self, pending: Pending, answer: HttpAnswer<'_>) -> Vec<Effect> {
        let Pending { admitted, mut authorized, check } = pending;
        let answer = spicedb::read_answer(answer);
        let number = check.evaluation;
        if let Some(evaluation) = self.audit.evaluations.get_mut(number) {
            evaluation.checks.push(CheckTrace {
                relation: check.check.relation.clone(),
                object_type: check.check.object_type.clone(),
                result: match answer {
                    CheckAnswer::Allowed => "yes",
                    CheckAnswer::Refused(reason) => reason.code(),
                },
            });
        }
        match authorized.grants.settle(check, answer) {
            Ok(()) => self.proceed(admitted, authorized),
            Err(reason) => {
                let reason = self.audit.deny(number, reason);
                self.deny_admitted(admitted, reason)
            }
        }
    }
}
