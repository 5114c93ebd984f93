//! The plugin configuration (STUB).

/// A valid configuration.
pub struct Config {}
