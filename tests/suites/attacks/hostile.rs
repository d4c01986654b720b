//! Attacks: callers that mean harm, on both sockets, and a false server.

mod descriptors;
mod false_server;
mod floods;

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    [floods::cases(), descriptors::cases(), false_server::cases()]
        .into_iter()
        .flatten()
        .collect()
}
