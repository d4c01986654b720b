//! A file of logons that anybody wrote: see [`crate::fuzzed`].

use super::table::{EACH, Kept, MOST, Table};
use domlogon_protocol::Timestamp;

/// Reads the logons that were kept, at this instant, and gives what would be written; `None` if
/// they are not used.
#[must_use]
pub fn kept_logons(bytes: &[u8], now: i64) -> Option<Vec<u8>> {
    let now = Timestamp(now);
    let kept: Kept = serde_json::from_slice(bytes).ok()?;
    let table = Table::of(kept, now)?;
    let all = table.from(Timestamp(i64::MIN));
    let pairs: usize = all.iter().map(|(_, visits)| visits.len()).sum();
    assert!(pairs <= MOST && all.iter().all(|(_, visits)| visits.len() <= EACH));
    assert!(
        all.iter()
            .flat_map(|(_, visits)| visits)
            .all(|(_, at)| *at <= now)
    );
    serde_json::to_vec(&table.kept()).ok()
}
