//! Attacks: panics planted in the modules: the host program lives.

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
