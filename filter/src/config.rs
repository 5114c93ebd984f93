//! The plugin configuration (STUB).
