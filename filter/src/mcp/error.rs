//! The errors of the protocol's readers. They know nothing of the gateway: `crate::reason` gives each its reason code.

/// An error of a client's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageError {
    /// The body is not strict JSON in UTF-8.
    Malformed,
    /// Two readers could take the body differently: duplicate keys, lookalike keys, lone surrogates.
    Ambiguous,
    /// The body is nested deeper than the limit, or a number is beyond the range of a double.
    TooComplex,
    /// The body is a batch where none is read, or a batch that cannot be judged.
    Batch,
    /// The body is not one JSON-RPC 2.0 request or notification.
    Invalid,
    /// A request has no usable id.
    IdUnusable,
    /// A JSON-RPC response, in a revision in which servers ask nothing of clients.
    Response,
    /// `params` lacks a member that the method needs, or has it in the wrong shape.
    ParamsInvalid,
    /// The revision is not admitted.
    RevisionUnsupported,
    /// The mirrored headers and the body disagree, or belong to different eras.
    HeaderMismatch,
    /// The revision does not have this method.
    MethodUnknown,
    /// The revision does not have this notification.
    NotificationUnknown,
}

/// A server's message that clients could read differently, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerMessageError;
