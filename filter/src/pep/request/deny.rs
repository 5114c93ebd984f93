//! Denials over HTTP with SSE (MCP 2024-11-05). Such a client reads answers on its stream, and only the status of the
//! response to its POST. So a `ping` that carries the denial goes to the server in place of the message
//! ([`crate::pep::denial_ping`]).

use crate::mcp::Method;
use crate::pep::Permit;
use crate::pep::audit::Audit;
use crate::pep::denial_ping::DenialPings;
use crate::pep::event::Effect;
use crate::pep::grant::{Grants, PendingGrant};
use crate::pep::request::authenticate::Admitted;
use crate::pep::task_id::BodyRewrite;
use crate::reason::Reason;
use crate::reply::{self, Reply};
use policy_wasm::model::Action;

/// The effect that tells the client of a denial.
pub(in crate::pep) fn deny(admitted: &Admitted, audit: &Audit, reason: Reason, reply: Reply) -> Effect {
    if admitted.legacy_post.is_none() || reason == Reason::HostFailure {
        return Effect::Reply(reply);
    }
    let dropped = reply::row(reason).of_call || reason == Reason::NotificationUnknown;
    // No client awaits an answer to a notification.
    if audit.deciding().id.is_none() && !audit.evaluations.is_empty() && dropped {
        return Effect::Reply(Reply { status: 202, headers: Vec::new(), body: Vec::new(), ..reply });
    }
    let ping = ping(admitted, audit, &reply.body);
    // The TypeScript SDK reports any status but a success to its caller.
    let status = if reply.status == 200 { 403 } else { reply.status };
    ping.unwrap_or(Effect::Reply(Reply { status, ..reply }))
}

/// The ping goes on if the policy permits the caller a ping.
fn ping(admitted: &Admitted, audit: &Audit, answer: &[u8]) -> Option<Effect> {
    audit.deciding().id.as_ref()?;
    let edits = admitted.edits.unmirrored(&admitted.mirrored)?;
    let caller = &admitted.caller;
    let decision = caller.decide(Method::Ping.name(), Action::UseServer, audit.now(), &admitted.work);
    let mut grants = Grants::default();
    grants.add(0, PendingGrant::of(&decision).ok()?);
    if grants.next_check().is_some() {
        return None;
    }
    let permit = Permit::new(caller, grants)?;
    let body = DenialPings::of(caller, audit.now()).ping(answer)?;
    let rewrite = BodyRewrite { name: None, body: Some(body) };
    Some(edits.forward(permit, admitted.upstream_fields(), rewrite, Vec::new()))
}
