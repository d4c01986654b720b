//! A daemon whose disk, clock and heap fail on command: `tests/fault.c`, preloaded into it alone.

use crate::daemon::{CONFIGURATION, DATA, Daemon};
use crate::failure::{Failure, Result, ensure};
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::thread;
use std::time::{Duration, Instant};

/// Where the shim's files are.
pub const FOLDER: &str = "/run/fault";
/// Every write, truncation and synchronization of the daemon's files; see [`crate::power`].
pub const JOURNAL: &str = "/run/fault/journal";

const SHIM: &str = "/run/sandbox/lib/domlogon-fault.so";

const ENVIRONMENT: [(&str, &str); 3] = [
    ("LD_PRELOAD", SHIM),
    ("DOMLOGON_FAULT", FOLDER),
    ("DOMLOGON_DISK", DATA),
];

/// `fsync`, `pread` and the like on the daemon's files: bits that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations(i64);

#[expect(missing_docs, reason = "each is named after what it is")]
impl Operations {
    pub const READ: Operations = Operations(1);
    pub const WRITE: Operations = Operations(2);
    pub const SYNC: Operations = Operations(4);
    pub const TRUNCATE: Operations = Operations(8);
    pub const OPEN: Operations = Operations(16);
    /// Pieces of a mebibyte and more.
    pub const MEMORY: Operations = Operations(32);

    #[must_use]
    pub const fn and(self, other: Operations) -> Operations {
        Operations(self.0 | other.0)
    }
}

/// The fields of the control file, as `tests/fault.c` numbers them.
#[derive(Clone, Copy)]
enum Field {
    Clock,
    Fail,
    Pass,
    Times,
    Error,
    Slow,
    Delay,
    Record,
    Counted,
    Failed,
}

const FIELDS: usize = 10;

/// Command over the faults. Without one when dropped.
#[derive(Debug)]
pub struct Fault {
    control: File,
}

impl Fault {
    /// No fault yet.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn new() -> Result<Fault> {
        let what = "make the files of the faults";
        fs::create_dir_all(FOLDER).map_err(Failure::harness(what))?;
        let path = format!("{FOLDER}/control");
        let control = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(Failure::harness(what))?;
        control
            .write_all_at(&[0; FIELDS * 8], 0)
            .map_err(Failure::harness(what))?;
        File::create(JOURNAL).map_err(Failure::harness(what))?;
        for path in [path.as_str(), JOURNAL] {
            fs::set_permissions(path, Permissions::from_mode(0o666))
                .map_err(Failure::harness(what))?;
        }
        Ok(Fault { control })
    }

    /// Start a daemon that obeys, on the database that is there, with an empty journal.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn daemon(&self) -> Result<Daemon> {
        File::create(JOURNAL).map_err(Failure::harness("empty the journal"))?;
        Daemon::start_with(CONFIGURATION, &ENVIRONMENT)
    }

    /// As [`Fault::daemon`], and do not wait; what is in the journal stays.
    ///
    /// # Errors
    /// As [`Daemon::launch`].
    pub fn launch(&self) -> Result<Daemon> {
        Daemon::launch_with(CONFIGURATION, &ENVIRONMENT)
    }

    /// After `pass` of these operations, `times` of them fail with this errno; all from there on
    /// if it is `None`.
    pub fn fail(&self, operations: Operations, pass: u64, times: Option<i64>, errno: i32) {
        self.set(Field::Fail, 0);
        self.set(Field::Counted, 0);
        self.set(Field::Failed, 0);
        self.set(Field::Pass, i64::try_from(pass).unwrap_or(i64::MAX));
        self.set(Field::Times, times.unwrap_or(-1));
        self.set(Field::Error, i64::from(errno));
        self.set(Field::Fail, operations.0);
    }

    /// These operations take so much longer.
    pub fn slow(&self, operations: Operations, by: Duration) {
        self.set(Field::Counted, 0);
        self.set(
            Field::Delay,
            i64::try_from(by.as_micros()).unwrap_or(i64::MAX),
        );
        self.set(Field::Slow, operations.0);
    }

    /// The daemon's time of day is wrong by so many seconds.
    pub fn clock(&self, seconds: i64) {
        self.set(Field::Clock, seconds);
    }

    /// Whether the journal is written.
    pub fn record(&self, is: bool) {
        self.set(Field::Record, i64::from(is));
    }

    /// No operation fails or is slow from here on.
    pub fn heal(&self) {
        self.set(Field::Fail, 0);
        self.set(Field::Slow, 0);
    }

    /// Wait until an operation is under way that is slow.
    ///
    /// # Errors
    /// When none comes in ten seconds.
    pub fn is_slow_now(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(10);
        while self.get(Field::Counted) == 0 {
            ensure(Instant::now() < end, "a slow operation", "one", "none")?;
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// How many operations have failed since [`Fault::fail`].
    pub fn failed(&self) -> i64 {
        self.get(Field::Failed)
    }

    fn set(&self, field: Field, value: i64) {
        // A file in memory: it takes eight bytes.
        let _ = self
            .control
            .write_all_at(&value.to_ne_bytes(), field as u64 * 8);
    }

    fn get(&self, field: Field) -> i64 {
        let mut bytes = [0; 8];
        let _ = self.control.read_exact_at(&mut bytes, field as u64 * 8);
        i64::from_ne_bytes(bytes)
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        self.heal();
        self.clock(0);
        self.record(false);
    }
}
