//! Denials over HTTP with SSE (MCP 2024-11-05): a client reads answers on its stream, and nothing but the status of what
//! answers the POST. With a success there it would wait for ever, and the Python SDK gives up the whole session on
//! anything else. The stream may be another worker's or another proxy's; whoever writes to it is the server. So in the
//! place of the denied message a `ping` goes on, whose id holds the denial, and the stream's own filter puts that in the
//! place of the server's answer to the ping. The server learns of the message that one was denied, and why.

use super::endpoint::Posted;
use super::event::Effect;
use super::grant::{PendingGrant, Progress};
use super::story::Story;
use super::tasks::Opened;
use super::{Pep, Permit};
use crate::mcp::Method;
use crate::reason::Reason;
use crate::reply::{self, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use policy_wasm::model::Action;
use policy_wasm::pdp;

/// What the id of such a ping begins with.
const MARK: &str = "toolward-denied.";
/// Longest denial that is sent so, in bytes; ids of requests are as long as their clients want.
const MAX: usize = 4096;

impl Story {
    /// How the client is told of a denial: by the reply, or, where it came by HTTP with SSE, by a ping that carries it.
    /// A notification that is denied is taken and dropped: nobody waits for an answer to it.
    pub fn told_by_sse(&mut self, pep: Option<&Pep>, reason: Reason, reply: Reply) -> Effect {
        let dropped = reply::row(reason).of_call || reason == Reason::NotificationUnknown;
        if self.posted.is_none() || reason == Reason::HostFailure {
            return Effect::Reply(reply);
        }
        if self.matter().id.is_none() && !self.matters.is_empty() && dropped {
            return Effect::Reply(Reply { status: 202, headers: Vec::new(), body: Vec::new(), ..reply });
        }
        let relayed = self.relay(pep, &reply.body);
        // The TypeScript SDK tells its caller of anything but a success.
        let status = if reply.status == 200 { 403 } else { reply.status };
        relayed.unwrap_or(Effect::Reply(Reply { status, ..reply }))
    }

    /// The ping goes on if the policy permits the caller a ping.
    fn relay(&mut self, pep: Option<&Pep>, answer: &[u8]) -> Option<Effect> {
        self.matter().id.as_ref()?;
        let onward = self.posted.as_mut()?.onward.take()?;
        let (server, delegation) = (self.server(pep)?, self.delegation.clone()?);
        let bundle = server.bundle();
        let decision = delegation.with_delegation(bundle.reads_claims(), |delegation| {
            let request = self.asked(delegation, Some(Method::Ping.name()), Action::UseServer);
            pdp::evaluate(bundle, server, &request)
        });
        let Progress::Granted(grant) = PendingGrant::of(&decision).ok()?.progress() else { return None };
        let permit = Permit::new(&delegation, vec![grant])?;
        let target = self.posted.as_ref().and_then(Posted::upstream);
        let set = self.session.upstream().into_iter().chain(target).collect();
        let opened = Opened { name: None, body: Some(ping(answer)?) };
        Some(onward.forward(permit, set, opened, Vec::new()))
    }
}

/// The ping that carries this answer; `None` where it is too long.
pub(super) fn ping(answer: &[u8]) -> Option<String> {
    if answer.len() > MAX {
        return None;
    }
    let mut out = String::from("{\"jsonrpc\":\"2.0\",\"id\":\"");
    out.push_str(MARK);
    URL_SAFE_NO_PAD.encode_string(answer, &mut out);
    out.push_str("\",\"method\":\"ping\"}");
    Some(out)
}

/// The answer that the id of a ping carries. A server can write what it likes there, as it can anywhere on the stream:
/// what comes out is judged as if it stood there in clear.
pub(super) fn answer(id: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(id.strip_prefix(MARK)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ping_carries_comes_out_again() {
        let denial = br#"{"jsonrpc":"2.0","id":"a\"b","error":{"code":403,"message":"no"}}"#;
        let text = ping(denial).unwrap();
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&message["jsonrpc"], &message["method"]), (&"2.0".into(), &"ping".into()));
        assert_eq!(answer(message["id"].as_str().unwrap()).as_deref(), Some(denial.as_slice()));
        assert_eq!(ping(&[b'x'; MAX]).map(|text| text.len()), Some(5519));
        assert_eq!(ping(&[b'x'; MAX + 1]), None);
        for other in ["", "toolward-denied", "toolward-denied.=", "toolward-denied.a b", "5"] {
            assert_eq!(answer(other), None, "{other}");
        }
    }
}
