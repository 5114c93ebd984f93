//! The policy compiler (STUB).
