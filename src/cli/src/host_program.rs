//! Starting the host's own programs: those of the system, whatever PATH the caller has.

use std::process::Command;

/// Where they are looked for. A `su` without `-` leaves root with the PATH of whoever called
/// it, and the folders in that are his. These are root's, as login gives them to him.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program of the system, by its name or its path.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    // A name is looked for in the PATH that the child is given.
    command.env("PATH", PATH);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_not_the_callers() {
        let output = command("sh").args(["-c", "echo $PATH"]).output().unwrap();
        assert_eq!(output.stdout, format!("{PATH}\n").as_bytes());
    }
}
