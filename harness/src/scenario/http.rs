//! Parts of HTTP messages: header fields, bodies in pieces, and the response of a server.

use serde_json::Value;

/// Header fields: names in lower case, values as bytes, order kept, repeated fields apart.
pub type Fields = Vec<(String, Vec<u8>)>;

/// An HTTP response of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header fields, `content-length` and the like not among them.
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
    /// Offsets at which the body is cut.
    pub chunks: Vec<usize>,
    /// Milliseconds that pass after each piece.
    pub pauses: Vec<u64>,
    /// Trailers.
    pub trailers: Fields,
}

impl Answer {
    /// The body as it is sent, cut at [`Answer::chunks`]; empty for an empty body.
    pub fn pieces(&self) -> Vec<&[u8]> {
        pieces(&self.body, &self.chunks)
    }
}

/// A JSON response.
pub(super) fn json_answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        body: body.to_string().into_bytes(),
        ..Answer::default()
    }
}

/// Cuts bytes at offsets; no empty piece comes out.
pub(super) fn pieces<'a>(body: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &to in cuts.iter().chain(std::iter::once(&body.len())) {
        if let Some(piece) = body.get(from..to)
            && !piece.is_empty()
        {
            pieces.push(piece);
            from = to;
        }
    }
    pieces
}
