//! Header fields as they came.

/// Header fields as they came: names in lower case (HTTP/2 and Envoy do that), values as bytes, order kept, repeated
/// fields apart. Pseudo-headers (`:method`, `:path`, `:authority`) are among them.
pub type Fields<'a> = [(&'a [u8], &'a [u8])];

/// The value of the first field with this name.
pub fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(field, _)| *field == name.as_bytes()).map(|(_, value)| *value)
}
