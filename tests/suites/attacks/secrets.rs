//! Attacks: no copy of a password stays behind.

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
