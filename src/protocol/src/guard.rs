//! The border that no panic crosses.

use std::fmt::Write as _;
use std::mem;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the last panic was, for the log. Never its message, which may have anything in it.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Runs `body`; if it panics, prints nothing, has `note` told where, and gives `on_panic`
/// instead.
///
/// Every function that a module exports is one call of this. A panic that left the
/// module would end the host program: login, sshd, or whatever runs a transaction.
pub fn guard<T>(on_panic: T, note: impl FnOnce(&str), body: impl FnOnce() -> T) -> T {
    static SILENT: AtomicBool = AtomicBool::new(false);
    // The default hook prints to the host program's standard error. This copy of the
    // standard library is the module's own, so no other hook is displaced. Not a `Once`:
    // in a child that was forked while another thread ran it, it would wait for ever.
    if !SILENT.swap(true, Ordering::Relaxed) {
        panic::set_hook(Box::new(remember));
    }
    caught(body).unwrap_or_else(|| {
        caught(|| note(&place()));
        on_panic
    })
}

fn caught<T>(body: impl FnOnce() -> T) -> Option<T> {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // Dropping it runs code that may panic in its turn, and nobody would catch that.
            mem::forget(payload);
            None
        }
    }
}

/// Waits for nobody: a panic in another thread may hold the place.
fn remember(panic: &PanicHookInfo<'_>) {
    if let (Ok(mut place), Some(location)) = (PLACE.try_lock(), panic.location()) {
        place.clear();
        let _ = write!(place, "{location}");
    }
}

fn place() -> String {
    match PLACE.try_lock() {
        Ok(mut place) if !place.is_empty() => mem::take(&mut place),
        _ => "an unknown place".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::guard;
    use std::cell::RefCell;
    use std::panic;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// The place is the process's: two tests must not panic at the same time.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn a_panic_becomes_the_given_value() {
        let _alone = alone();
        assert_eq!(guard(4, |_| (), || panic!("planted")), 4);
        assert_eq!(guard(4, |_| panic!("no panic, nothing to note"), || 0), 0);
    }

    #[test]
    fn the_place_is_told_and_not_the_message() {
        let _alone = alone();
        let noted = RefCell::new(String::new());
        let note = |place: &str| noted.replace(place.to_owned());
        guard((), |place| drop(note(place)), || panic!("a secret"));
        let noted = noted.into_inner();
        assert!(noted.starts_with(file!()), "{noted}");
        assert!(!noted.contains("secret"), "{noted}");
    }

    #[test]
    fn a_panic_while_it_is_noted_goes_no_further() {
        let _alone = alone();
        assert_eq!(guard(4, |_| panic!("again"), || panic!("planted")), 4);
    }

    /// What was thrown may itself panic when it is dropped.
    #[test]
    fn a_payload_that_panics_goes_no_further() {
        let _alone = alone();
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(guard(4, |_| (), || panic::panic_any(Bomb)), 4);
        assert_eq!(
            guard(4, |_| panic::panic_any(Bomb), || panic::panic_any(Bomb)),
            4
        );
    }
}
