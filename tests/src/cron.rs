//! Real cron. It wakes once a minute, so all jobs of a suite share one wait.

use crate::failure::{Failure, Result, ensure};
use crate::program::{Program, everything};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running cron. Killed when dropped.
#[derive(Debug)]
pub struct Cron {
    child: Child,
}

impl Cron {
    /// Start it in the foreground. Crontabs that are already there are seen at the next minute.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start() -> Result<Cron> {
        let child = Command::new("/usr/sbin/cron")
            .arg("-f")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Failure::harness("start cron"))?;
        Ok(Cron { child })
    }

    /// Start it as the first one after a boot: jobs for that moment run at once.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_after_boot() -> Result<Cron> {
        let _ = fs::remove_file("/run/crond.reboot");
        Cron::start()
    }

    /// Give `user` a job that writes his name into [`trace`] every minute.
    ///
    /// # Errors
    /// When crontab refuses it.
    pub fn job(user: &str) -> Result<()> {
        Cron::job_at(user, "* * * * *")
    }

    /// Give `user` a job that writes his name into [`trace`] after a boot; see
    /// [`Cron::start_after_boot`].
    ///
    /// # Errors
    /// When crontab refuses it.
    pub fn job_after_boot(user: &str) -> Result<()> {
        Cron::job_at(user, "@reboot")
    }

    fn job_at(user: &str, when: &str) -> Result<()> {
        // What an earlier job has written is none of this one's.
        let _ = fs::remove_file(trace(user));
        let line = format!("{when} id -un > {}\n", trace(user));
        let output = Program::new("crontab")
            .args(&["-u", user, "-"])
            .run(line.as_bytes())?;
        ensure(
            output.status.success(),
            format!("crontab -u {user}"),
            "exit status 0",
            everything(&output),
        )
    }

    /// Take a user's jobs away.
    ///
    /// # Errors
    /// When crontab refuses.
    pub fn forget_job(user: &str) -> Result<()> {
        let output = Program::new("crontab").args(&["-u", user, "-r"]).run(b"")?;
        ensure(
            output.status.success(),
            format!("crontab -u {user} -r"),
            "exit status 0",
            everything(&output),
        )
    }

    /// Wait until this user's job has run, at most 75 seconds.
    ///
    /// # Errors
    /// When it has not.
    pub fn wait_for(&self, user: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(75);
        while fs::metadata(trace(user)).map_or(0, |found| found.len()) == 0 {
            ensure(
                Instant::now() < end,
                "cron",
                format!("a job of {user} within 75 s"),
                "none",
            )?;
            thread::sleep(Duration::from_millis(100));
        }
        // Jobs of the same minute start together; leave the others time to end.
        thread::sleep(Duration::from_secs(2));
        Ok(())
    }
}

impl Drop for Cron {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a user's job has run.
pub fn has_run(user: &str) -> bool {
    fs::read_to_string(trace(user)).is_ok_and(|text| text.trim() == user)
}

/// The file that a user's job writes.
pub fn trace(user: &str) -> String {
    format!("/tmp/cron-{user}")
}
