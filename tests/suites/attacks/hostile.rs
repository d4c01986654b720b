//! Attacks: callers that mean harm, on both sockets, and a false server.

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
