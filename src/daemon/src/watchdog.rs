//! Tells the service manager that the daemon lives, as long as it answers.
//!
//! The thread asks what every logon asks, at the same desk and of the same database, and
//! tells only after the answer. A daemon that hangs is silent, and is killed and started
//! again [sd_watchdog_enabled(3)]. One that answers that its database is damaged lives: to
//! start it again would mend nothing.

use crate::desk::{Caller, Desk, Door};
use crate::log::{Level, Log};
use crate::record::Record;
use domlogon_protocol::Request;
use sd_notify::NotifyState;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Questions in the time that the service manager waits: one late answer is not the end.
const QUESTIONS: u32 = 3;

/// The thread that asks and tells.
pub(crate) struct Watchdog {
    bell: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watchdog {
    /// Starts it, if the service manager wants to be told.
    ///
    /// # Errors
    /// The system's: no thread.
    pub(crate) fn start(desk: &Arc<Desk>, log: &Arc<Log>) -> io::Result<Option<Self>> {
        let mut wanted = 0;
        if !sd_notify::watchdog_enabled(false, &mut wanted) {
            return Ok(None);
        }
        let pause = Duration::from_micros(wanted) / QUESTIONS;
        let (desk, log) = (Arc::clone(desk), Arc::clone(log));
        let (bell, rung) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("watchdog".to_owned())
            .stack_size(512 * 1024)
            .spawn(move || {
                let ask = || {
                    // Whether he is there does not matter, only that it was looked up.
                    let request = Request::UserByName("Administrator".to_owned());
                    drop(desk.answer(Door::Main, Caller::of(0), request));
                };
                let tell = |took| {
                    let _ = sd_notify::notify(false, &[NotifyState::Watchdog]);
                    if took > pause {
                        log.write(Level::Warning, &slow(took));
                    }
                };
                watch(&rung, pause, ask, tell);
            })?;
        Ok(Some(Self { bell, thread }))
    }

    /// Tells no more.
    pub(crate) fn stop(self) {
        drop(self.bell);
        let _ = self.thread.join();
    }
}

/// Asks and tells, again and again, until the other end of `rung` is gone. `tell` hears how
/// long the answer took.
fn watch(rung: &Receiver<()>, pause: Duration, ask: impl Fn(), tell: impl Fn(Duration)) {
    loop {
        let start = Instant::now();
        ask();
        tell(start.elapsed());
        if rung.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn slow(took: Duration) -> String {
    let seconds = format!("{:.1}", took.as_secs_f64());
    Record::new("an answer was slow")
        .field("seconds", &seconds)
        .line()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    const PAUSE: Duration = Duration::from_millis(20);

    #[test]
    fn it_tells_after_each_answer_until_it_is_stopped() {
        let (bell, rung) = mpsc::channel();
        let told = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let tell = |took| told.lock().unwrap().push(took);
            scope.spawn(move || watch(&rung, PAUSE, || thread::sleep(PAUSE), tell));
            thread::sleep(PAUSE * 10);
            drop(bell);
        });
        let told = told.into_inner().unwrap();
        assert!((2..=6).contains(&told.len()), "{told:?}");
        assert!(told.iter().all(|took| *took >= PAUSE), "{told:?}");
    }

    #[test]
    fn nothing_is_told_without_an_answer() {
        let (bell, rung) = mpsc::channel();
        let (answer, answered) = mpsc::channel::<()>();
        let told = Mutex::new(0);
        thread::scope(|scope| {
            let tell = |_| *told.lock().unwrap() += 1;
            let ask = move || {
                let _ = answered.recv();
            };
            scope.spawn(move || watch(&rung, PAUSE, ask, tell));
            thread::sleep(PAUSE * 5);
            assert_eq!(*told.lock().unwrap(), 0);
            answer.send(()).unwrap();
            thread::sleep(PAUSE * 5);
            assert_eq!(*told.lock().unwrap(), 1);
            drop((bell, answer));
        });
    }

    #[test]
    fn a_slow_answer_is_said_with_its_time() {
        let line = slow(Duration::from_millis(12_340));
        assert_eq!(line, "an answer was slow: seconds=12.3");
    }
}
