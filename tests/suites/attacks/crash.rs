//! Attacks: the daemon killed, its disk full, failing or slow, its clock wrong.

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
