//! Attacks: many logons at once and in a row, and what the daemon keeps of them.

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
