//! The one place where the command line reads the clock.

use anyhow::Context as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "the command line tells people what holds now")]
pub(super) fn nanoseconds() -> anyhow::Result<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_nanos())
}

/// Seconds since 1970.
pub(super) fn seconds() -> anyhow::Result<u64> {
    u64::try_from(nanoseconds()? / 1_000_000_000).context("the clock is far off")
}

/// For measuring how long something takes.
#[allow(clippy::disallowed_methods, reason = "the command line does not wait for ever")]
pub(super) fn monotonic() -> Instant {
    Instant::now()
}
