//! The errors of the protocol's readers. This module does not know the gateway: `crate::reason` maps each
//! error to its reason code.

/// An error in a client's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageError {
    /// The body is not strict JSON in UTF-8.
    Malformed,
    /// Two readers could read the body differently: duplicate keys, lookalike keys, lone surrogates.
    Ambiguous,
    /// The body is nested deeper than the limit, or a number is beyond the range of a double.
    TooComplex,
    /// The body is a batch in a revision without batches, or a batch that the filter cannot evaluate.
    Batch,
    /// The body is not one JSON-RPC 2.0 request or notification.
    Invalid,
    /// A request has no usable id.
    IdUnusable,
    /// A JSON-RPC response in a revision in which servers send no requests.
    Response,
    /// `params` lacks a member that the method needs, or the member has the wrong shape.
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

/// A server's message that clients could read differently, or could not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerMessageError;
