//! Asking other programs, within a bound.

use crate::host_program;
use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a program prints, if it is there, ends in time and says that all went well.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut child = host_program::command(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    // A reader of its own: a full pipe must not keep the program from its end.
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| bytes)
    });
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => {
                let bytes = reader.join().ok()?.ok()?;
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
            Ok(Some(_)) => return None,
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_end_counts() {
        assert_eq!(output("/bin/echo", &["a", "b"]).as_deref(), Some("a b\n"));
        assert_eq!(output("/bin/sh", &["-c", "echo x; exit 1"]), None);
        assert_eq!(output("/nowhere/program", &[]), None);
        let path = output("sh", &["-c", "echo $PATH"]);
        assert_eq!(
            path.as_deref(),
            Some("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")
        );
        let begin = Instant::now();
        assert_eq!(output("/bin/sh", &["-c", "exec sleep 60"]), None);
        assert!(begin.elapsed() < PATIENCE * 3);
    }
}
