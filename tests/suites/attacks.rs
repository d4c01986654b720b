//! Attacks: what somebody who means harm does, or a host that is failing. Each is short in every
//! run; `--long` makes it as long as the one whose figures are in the README.

mod crash;
mod hostile;
mod load;
mod names;
mod outside;
mod panics;
mod secrets;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        crash::cases(),
        hostile::cases(),
        load::cases(),
        names::cases(),
        outside::cases(),
        panics::cases(),
        secrets::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
