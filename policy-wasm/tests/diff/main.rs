//! Bundles that differ never give "0 changes", and each change has its path in the policy.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

#[path = "../common/mod.rs"]
mod common;
mod examples;
mod policies;
mod settings;

use common::NOW;
use policy_wasm::bundle::Bundle;
use policy_wasm::query::{Diff, diff};

/// No server of this name: the settings are compared, and no decisions.
fn settings_alone(old: &Bundle, new: &Bundle) -> Diff {
    diff(old, new, Some(&["no such server".to_owned()]), NOW).unwrap()
}

/// Whether some setting has a name, and is not merely `bundle content`.
fn is_told(found: &Diff) -> bool {
    found.elsewhere > 0 || found.settings.iter().any(|setting| !setting.name.starts_with("bundle content"))
}
