//! What goes on beside the questions: finding the controllers, noticing that one has gone
//! or has come back, changing the machine's password in time, and keeping everybody known
//! where the site wants that.

mod care;
mod discovery;
mod sync;
mod watch;

pub(crate) use care::Care;

use crate::directory::Directory;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use watch::Watch;

/// Between two looks at those that are down.
const TICK: Duration = Duration::from_secs(2);
/// What the controller that is asked has for a sign of life, over a connection that is kept.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a thread that is to end may still take.
const LEAVE: Duration = Duration::from_secs(2);

/// The threads; they end with [`Keeper::stop`].
pub struct Keeper {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn is_asked(&self) -> bool {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, and says whether to go on.
    fn wait(&self, time: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, _) = self
            .changed
            .wait_timeout_while(asked, time, |asked| !*asked)
            .unwrap_or_else(PoisonError::into_inner);
        !*asked
    }
}

impl Keeper {
    /// Begins. `refresh` is called when a controller is there again, and now and then: what
    /// was looked up may mean something else by then.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(directory: &Arc<Directory>, refresh: Box<dyn Fn() + Send>) -> io::Result<Self> {
        directory.members.live_in(directory);
        let stop = Arc::new(Stop::default());
        let mut threads = Vec::new();
        let (kept, ended) = (Arc::clone(directory), Arc::clone(&stop));
        let watch = thread::Builder::new().name("controllers".to_owned());
        threads.push(watch.spawn(move || Watch::default().run(&kept, &ended))?);
        let (kept, ended) = (Arc::clone(directory), Arc::clone(&stop));
        let care = thread::Builder::new().name("upkeep".to_owned());
        threads.push(care.spawn(move || Care::default().run(&kept, &ended, &*refresh))?);
        Ok(Self { stop, threads })
    }

    /// Ends the threads. What one of them asks a controller just now is waited for a little.
    pub fn stop(self) {
        let mut asked = self
            .stop
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *asked = true;
        drop(asked);
        self.stop.changed.notify_all();
        let end = Instant::now() + LEAVE;
        for thread in self.threads {
            while !thread.is_finished() && Instant::now() < end {
                thread::sleep(Duration::from_millis(5));
            }
            if thread.is_finished() {
                // A panic in it has ended the daemon already.
                let _ = thread.join();
            }
            // Else it ends with the process: whatever it does can be cut off anywhere.
        }
    }
}
