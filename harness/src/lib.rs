//! todo docs
