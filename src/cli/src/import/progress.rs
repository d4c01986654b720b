//! How far an import has come, on a terminal and only if it takes long.

use crate::daemon::Daemon;
use domlogon_protocol::admin::{Reply, Request};
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// What ends sooner shows nothing.
const LONG: Duration = Duration::from_millis(700);

const STEP: Duration = Duration::from_millis(200);

/// Characters of the bar.
const WIDTH: u64 = 40;

/// Does the work, and shows on standard error how far the daemon is, if that is a terminal.
pub(crate) fn shown<T>(daemon: &Daemon, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        let (ended, end) = mpsc::channel::<()>();
        scope.spawn(move || {
            let mut wait = LONG;
            let mut drawn = false;
            while end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = STEP;
                if let Ok(Reply::ImportProgress(done, all)) =
                    daemon.ask(Request::UserImportProgress)
                {
                    draw(&bar(done, all));
                    drawn = true;
                }
            }
            if drawn {
                // The line is free again for what is said next.
                draw(&" ".repeat(bar(1, 1).len() + 20));
                draw("");
            }
        });
        let value = work();
        drop(ended);
        value
    })
}

/// Over what was drawn before. A terminal that has gone is no reason to stop.
fn draw(line: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "\r{line}");
    let _ = stderr.flush();
}

fn bar(done: u32, all: u32) -> String {
    if all == 0 {
        return "Importing: waiting for the daemon".to_owned();
    }
    let filled = u64::from(done.min(all)) * WIDTH / u64::from(all);
    let cell = |at| if at < filled { '#' } else { '.' };
    let cells: String = (0..WIDTH).map(cell).collect();
    format!("Importing [{cells}] {done} of {all}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        let dots = |n| ".".repeat(n);
        assert_eq!(
            bar(0, 10_000),
            format!("Importing [{}] 0 of 10000", dots(40))
        );
        assert_eq!(bar(5, 10).matches('#').count(), 20);
        assert_eq!(bar(10, 10).matches('#').count(), 40);
        assert_eq!(bar(u32::MAX, u32::MAX).matches('#').count(), 40);
        assert!(!bar(0, 0).contains('['));
    }
}
