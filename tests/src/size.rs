//! How much an attack does: a short run, which is part of every run of the tests, or with
//! `--long` the one whose figures are in the README.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

static LONG: AtomicBool = AtomicBool::new(false);

/// From here on the attacks are long ones.
pub fn make_long() {
    LONG.store(true, Ordering::Relaxed);
}

/// Whether the attacks are long ones.
pub fn is_long() -> bool {
    LONG.load(Ordering::Relaxed)
}

/// How often, or how long: `short` in every run, `long` with `--long`.
pub fn sized<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// As [`sized`]; with `--long` and this variable in the environment, as much as that says.
pub fn sized_or_given(variable: &str, short: u64, long: u64) -> u64 {
    let given = std::env::var(variable).ok();
    let given = given.and_then(|text| text.parse().ok());
    sized(short, given.unwrap_or(long))
}

/// Print something that was measured, beside the cases. It fails nobody.
pub fn figure(what: &str, value: impl Display) {
    println!("figure  {what}: {value}");
}
