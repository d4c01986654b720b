//! The system's clock.

use domlogon_protocol::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The instant now.
pub(crate) fn now() -> Timestamp {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    Timestamp(seconds)
}
