//! From a message to the PDP's request.

use crate::mcp::client_message::{self, Message, Request};
use crate::mcp::target::Target;
use crate::pep::evaluation::Evaluation;
use policy_wasm::model::Action;

/// The action on a target, for the PDP. Only the server knows its tasks, so the method's rule decides about
/// them. `definition` is the digest that the server last showed for the tool.
pub(in crate::pep) fn action<'a>(target: &'a Target<'a>, definition: Option<&'a [u8; 32]>) -> Action<'a> {
    match target {
        Target::Server | Target::Task { .. } | Target::Each(_) => Action::UseServer,
        Target::Tool { name, arguments } => Action::CallTool { name, arguments: *arguments, definition },
        Target::Prompt { name, arguments } => Action::GetPrompt { name, arguments: *arguments },
        Target::Resource { uri } => Action::ReadResource { uri },
    }
}

/// How a record calls a target.
const fn word(target: &Target<'_>) -> &'static str {
    match target {
        Target::Server | Target::Each(_) => "",
        Target::Tool { .. } => "tool",
        Target::Prompt { .. } => "prompt",
        Target::Resource { .. } => "resource",
        Target::Task { .. } => "task",
    }
}

/// The evaluations of a request, with the target of each.
pub(in crate::pep) fn each<'a>(
    request: &'a Request<'a>,
) -> impl Iterator<Item = (Evaluation, &'a Target<'a>)> {
    let targets = match &request.target {
        Target::Each(each) => each.as_slice(),
        one => std::slice::from_ref(one),
    };
    targets.iter().map(|target| {
        let evaluation = Evaluation {
            id: request.id.map(|id| id.raw().to_owned()),
            method: Some(request.method.name()),
            object: target.name().map(|name| (word(target), name.to_owned())),
            ..Evaluation::default()
        };
        (evaluation, target)
    })
}

/// A message as one evaluation.
pub(in crate::pep) fn whole(message: &Message<'_>) -> Evaluation {
    match message {
        Message::Request(request) => {
            each(request).next().map(|(evaluation, _)| evaluation).unwrap_or_default()
        }
        // The message answers a request of the server. The id is the server's, and no client awaits an answer
        // to it.
        Message::Response { .. } => {
            Evaluation { method: Some(client_message::RESPONSE), ..Evaluation::default() }
        }
        Message::Unlisted { id, .. } => {
            Evaluation { id: id.map(|id| id.raw().to_owned()), ..Evaluation::default() }
        }
    }
}
