//! From a message to what the PDP is asked.

use crate::mcp::Method;
use crate::mcp::message::Request;
use policy_wasm::model::Action;

/// What a request wants to do, in the PDP's words. `definition`: what the server last showed of the tool.
pub(super) fn action<'a>(request: &'a Request<'a>, definition: Option<&'a [u8; 32]>) -> Action<'a> {
    match (request.method, request.name.as_deref()) {
        (Method::CallTool, Some(name)) => Action::CallTool { name, arguments: request.arguments, definition },
        _ => Action::UseServer,
    }
}
