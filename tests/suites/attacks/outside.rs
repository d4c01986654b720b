//! Attacks: what can be learnt from outside of who exists and in what state.

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
