//! Debian's pam-auth-update, run on a private copy: what it would write is known before
//! anything is written, and then written by us, whole or not at all.

use super::change::{Change, Direction};
use super::error::{EnableError, about};
use super::host::Host;
use super::stack;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Our profiles. The second one stands behind pam_unix, which must be the first to ask for a
/// new password: pam-auth-update gives it `use_authtok` anywhere else, and with that local
/// users could not change theirs.
pub(crate) const PROFILES: [&str; 2] = ["domlogon", "domlogon-password"];

/// The files that pam-auth-update lays.
pub(crate) const STACKS: [&str; 5] = [
    "common-auth",
    "common-account",
    "common-password",
    "common-session",
    "common-session-noninteractive",
];

/// What it remembers of its last run.
const SAVED: [&str; 6] = [
    "auth",
    "account",
    "password",
    "session",
    "session-noninteractive",
    "seen",
];

const PROGRAM: &str = "/usr/sbin/pam-auth-update";
const CONFIGS: &str = "/usr/share/pam-configs";

/// Whether this host has it.
pub(crate) fn is_here(host: &Host) -> bool {
    Path::new(PROGRAM).exists() && host.at(CONFIGS).is_dir()
}

/// Whether its last run was with our profiles.
pub(crate) fn remembers_ours(host: &Host) -> bool {
    SAVED.iter().any(|name| {
        fs::read_to_string(host.saved().join(name))
            .is_ok_and(|text| saved_without_ours(&text) != text)
    })
}

/// What it would change with our profiles enabled, or removed.
///
/// # Errors
/// When it cannot be run, and when it leaves the files alone although it should not: then
/// they were edited by hand.
pub(crate) fn changes(host: &Host, direction: Direction) -> Result<Vec<Change>, EnableError> {
    if direction == Direction::On {
        for profile in PROFILES {
            let path = host.at(CONFIGS).join(profile);
            if !path.exists() {
                return Err(EnableError::NoProfile(path));
            }
        }
    }
    let copy = Copy::make(host)?;
    copy.run(direction)?;
    let mut changes = Vec::new();
    for name in STACKS {
        changes.push(copy.change(&host.stacks().join(name), &copy.stacks().join(name))?);
    }
    for name in SAVED {
        changes.push(copy.change(&host.saved().join(name), &copy.saved().join(name))?);
    }
    let laid = changes
        .iter()
        .take(STACKS.len())
        .filter(|change| std::str::from_utf8(&change.after).is_ok_and(stack::names_ours))
        .count();
    match direction {
        Direction::On if laid < STACKS.len() => Err(EnableError::EditedByHand),
        Direction::Off if laid > 0 => Err(EnableError::EditedByHand),
        _ => Ok(changes),
    }
}

/// One of its notes without our profiles: modules under their profile's name, or names.
pub(crate) fn saved_without_ours(text: &str) -> String {
    let mut ours = false;
    text.split_inclusive('\n')
        .filter(|line| {
            if let Some(name) = line.strip_prefix("Module: ") {
                ours = PROFILES.contains(&name.trim_end());
            }
            !ours && !PROFILES.contains(&line.trim_end())
        })
        .collect()
}

/// The notes without our profiles, for stacks that are edited by hand.
pub(crate) fn forgetting(host: &Host) -> Result<Vec<Change>, EnableError> {
    let mut changes = Vec::new();
    for name in SAVED {
        let path = host.saved().join(name);
        if let Some(before) = read(&path)? {
            let text = String::from_utf8(before.clone())
                .map_err(|_| EnableError::NotText(path.clone()))?;
            let after = saved_without_ours(&text).into_bytes();
            changes.push(Change::new(path, Some(before), after));
        }
    }
    Ok(changes)
}

/// A private copy of all that it reads and writes. Removed when dropped.
struct Copy {
    root: PathBuf,
}

impl Copy {
    fn make(host: &Host) -> Result<Self, EnableError> {
        let place = [host.at("/run"), std::env::temp_dir()]
            .into_iter()
            .find(|place| place.is_dir())
            .unwrap_or_default();
        let template = place.join("domlogon-enable-XXXXXX");
        // mkdtemp makes it for this user alone.
        let root = nix::unistd::mkdtemp(&template)
            .map_err(|errno| EnableError::File(template, errno.into()))?;
        let copy = Self { root };
        copy_folder(&host.stacks(), &copy.stacks())?;
        copy_folder(&host.saved(), &copy.saved())?;
        copy_folder(&host.at(CONFIGS), &copy.root.join(&CONFIGS[1..]))?;
        Ok(copy)
    }

    fn stacks(&self) -> PathBuf {
        self.root.join("etc/pam.d")
    }

    fn saved(&self) -> PathBuf {
        self.root.join("var/lib/pam")
    }

    /// Runs it there, with a data base of debconf's of its own: the host's may be locked by
    /// the package manager that runs us, and nothing is to be changed in it.
    fn run(&self, direction: Direction) -> Result<(), EnableError> {
        let settings = self.root.join("debconf.conf");
        let text = format!(
            "Config: config\nTemplates: templates\n\n\
             Name: config\nDriver: File\nMode: 600\nFilename: {0}/config.dat\n\n\
             Name: templates\nDriver: File\nMode: 600\nFilename: {0}/templates.dat\n",
            self.root.display()
        );
        fs::write(&settings, text).map_err(about(&settings))?;
        let output = Command::new(PROGRAM)
            .arg("--root")
            .arg(&self.root)
            .arg(match direction {
                Direction::On => "--enable",
                Direction::Off => "--remove",
            })
            .args(PROFILES)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("DEBCONF_NOWARNINGS", "yes")
            .env("DEBCONF_SYSTEMRC", &settings)
            .stdin(Stdio::null())
            .output()
            .map_err(about(Path::new(PROGRAM)))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().rfind(|line| !line.trim().is_empty());
        Err(EnableError::Tool(
            "pam-auth-update",
            line.map_or_else(|| output.status.to_string(), str::to_owned)
                .into(),
        ))
    }

    fn change(&self, path: &Path, copied: &Path) -> Result<Change, EnableError> {
        let before = read(path)?;
        let after = match read(copied)? {
            Some(after) => after,
            None => before.clone().unwrap_or_default(),
        };
        Ok(Change::new(path.into(), before, after))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // A copy that is left over in /run is gone with the next boot.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The plain files of a folder; what a link points to is copied as a file.
fn copy_folder(from: &Path, to: &Path) -> Result<(), EnableError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(to)
        .map_err(about(to))?;
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(about(from))?,
    };
    for entry in entries {
        let path = entry.map_err(about(from))?.path();
        if path.is_file() {
            let name = path.file_name().unwrap_or_default();
            fs::copy(&path, to.join(name)).map_err(about(&path))?;
        }
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, EnableError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EnableError::File(path.into(), error)),
    }
}

#[cfg(test)]
mod tests;
