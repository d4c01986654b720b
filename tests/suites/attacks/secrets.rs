//! Attacks: no copy of a password stays behind.

mod command_line;
mod daemon;
mod dump;
mod host_program;

use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    [
        daemon::cases(),
        host_program::cases(),
        dump::cases(),
        command_line::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
