//! What turning on, or off, changes on this host.

use super::change::{Change, Direction, Plan};
use super::error::{EnableError, about};
use super::host::Host;
use super::journal::Desk;
use super::profiles::{self, read};
use super::{authselect, nsswitch, stack};
use std::fs;
use std::path::{Path, PathBuf};

/// What turning on changes; no change at all if it is on.
pub(crate) fn on(host: &Host) -> Result<Plan, EnableError> {
    if authselect::is_here(host) {
        return Ok(Plan {
            select: authselect::on()?,
            ..Plan::new(Direction::On, Vec::new())
        });
    }
    if !profiles::is_here(host) {
        return Err(EnableError::NoTool);
    }
    // A link in the place of a stack: pam-auth-update would replace the link.
    for name in profiles::STACKS {
        let path = host.stacks().join(name);
        plain(&path)?;
        // With them PAM reads arguments that no module knows.
        if read(&path)?.is_some_and(|bytes| bytes.contains(&b'\r')) {
            return Err(EnableError::CarriageReturns(path));
        }
    }
    let mut changes = profiles::changes(host, Direction::On)?;
    changes.push(names(host, nsswitch::with_ours)?);
    Ok(Plan::new(Direction::On, changes))
}

/// What turning off changes; no change at all if it is off.
pub(crate) fn off(desk: &Desk) -> Result<Plan, EnableError> {
    let host = &desk.host;
    if authselect::is_here(host) {
        let select = authselect::off(host)?;
        let changes = beside_authselect(host, select.is_some())?;
        return Ok(Plan {
            select,
            ..Plan::new(Direction::Off, changes)
        });
    }
    let mut changes = stacks_off(desk)?;
    let last = desk.last();
    let recorded = last.iter().find(|(path, _, _)| *path == host.nsswitch());
    if host.nsswitch().exists() {
        let mut change = names(host, nsswitch::without_ours)?;
        if let Some((_, before, after)) = recorded {
            // A list that was missing was written out: exactly that is taken back.
            if change.before.as_ref() == Some(after) {
                change.after.clone_from(before);
            }
        }
        changes.push(change);
    }
    Ok(Plan::new(Direction::Off, changes))
}

fn stacks_off(desk: &Desk) -> Result<Vec<Change>, EnableError> {
    let host = &desk.host;
    if let Some(changes) = exactly_back(desk)? {
        return Ok(changes);
    }
    let mut changes = Vec::new();
    if profiles::remembers_ours(host) {
        let made = if profiles::is_here(host) {
            profiles::changes(host, Direction::Off)
        } else {
            Err(EnableError::EditedByHand)
        };
        changes = match made {
            Ok(changes) => changes,
            // Then our lines are taken out one by one, below, and its notes follow.
            Err(EnableError::EditedByHand | EnableError::Tool(..)) => profiles::forgetting(host)?,
            Err(error) => return Err(error),
        };
    }
    for path in files_with_ours(host)? {
        let done = changes.iter().any(|change| change.path == path);
        if !done {
            changes.push(line_by_line(&path)?);
        }
    }
    Ok(changes)
}

/// Nothing has been touched since the last turning on: the very files from before.
fn exactly_back(desk: &Desk) -> Result<Option<Vec<Change>>, EnableError> {
    let mut changes = Vec::new();
    for (path, before, after) in desk.last() {
        if path == desk.host.nsswitch() {
            continue;
        }
        if read(&path)?.as_ref() != Some(&after) {
            return Ok(None);
        }
        changes.push(Change::new(path, Some(after), before));
    }
    let paths: Vec<&PathBuf> = changes.iter().map(|change| &change.path).collect();
    let others = files_with_ours(&desk.host)?
        .iter()
        .any(|path| !paths.contains(&path));
    Ok((!changes.is_empty() && !others).then_some(changes))
}

/// Our lines in files that are not authselect's. In its own they go with our profile, if that
/// is selected; if not, they are another profile's.
fn beside_authselect(host: &Host, is_selected: bool) -> Result<Vec<Change>, EnableError> {
    let (mut others, mut theirs): (Vec<_>, Vec<_>) = files_with_ours(host)?
        .into_iter()
        .partition(|path| !authselect::writes(host, path));
    let nsswitch = host.nsswitch();
    // Where ours is selected, authselect writes this one, too.
    let text = if is_selected { None } else { read(&nsswitch)? };
    if text.is_some_and(|text| nsswitch::names_ours(&String::from_utf8_lossy(&text))) {
        let list = if authselect::writes(host, &nsswitch) {
            &mut theirs
        } else {
            &mut others
        };
        list.push(nsswitch.clone());
    }
    if !is_selected && !theirs.is_empty() {
        return Err(EnableError::OtherProfile(theirs));
    }
    others
        .iter()
        .map(|path| {
            if *path == nsswitch {
                names(host, nsswitch::without_ours)
            } else {
                line_by_line(path)
            }
        })
        .collect()
}

fn line_by_line(path: &Path) -> Result<Change, EnableError> {
    plain(path)?;
    let before = fs::read(path).map_err(about(path))?;
    let text =
        std::str::from_utf8(&before).map_err(|_| EnableError::NotText(path.to_path_buf()))?;
    let without = stack::without_ours(text, stack::is_part(path))
        .map_err(|unclear| EnableError::Unclear(path.to_path_buf(), unclear.line))?;
    let after = without.text.into_bytes();
    Ok(Change {
        closes: without.is_closed,
        ..Change::new(path.into(), Some(before), after)
    })
}

/// The files of /etc/pam.d with a line of ours. A link counts if it leads out of the folder:
/// what it leads to inside is found under its own name.
fn files_with_ours(host: &Host) -> Result<Vec<PathBuf>, EnableError> {
    let folder = host.stacks();
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    let real = fs::canonicalize(&folder).map_err(about(&folder))?;
    for entry in fs::read_dir(&folder).map_err(about(&folder))? {
        let path = entry.map_err(about(&folder))?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let inside =
            path.is_symlink() && fs::canonicalize(&path).is_ok_and(|to| to.parent() == Some(&real));
        if hidden || inside || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).map_err(about(&path))?;
        if stack::names_ours(&String::from_utf8_lossy(&bytes)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn names(host: &Host, edit: fn(&str) -> String) -> Result<Change, EnableError> {
    let path = host.nsswitch();
    plain(&path)?;
    let before = read(&path)?;
    let text = String::from_utf8(before.clone().unwrap_or_default())
        .map_err(|_| EnableError::NotText(path.clone()))?;
    Ok(Change::new(path, before, edit(&text).into_bytes()))
}

/// A plain file or nothing.
fn plain(path: &Path) -> Result<(), EnableError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(EnableError::NotAFile(path.into())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A host of authselect's: it writes system-auth, and vsftpd is an administrator's.
    fn authselect_host(root: &Path, system_auth: &str) -> Host {
        let host = Host::under(root);
        let own = host.at("/etc/authselect");
        for folder in [&own, &host.stacks()] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(own.join("system-auth"), system_auth).unwrap();
        symlink(own.join("system-auth"), host.stacks().join("system-auth")).unwrap();
        fs::write(own.join("nsswitch.conf"), "passwd: files\n").unwrap();
        symlink(own.join("nsswitch.conf"), host.nsswitch()).unwrap();
        let text = "auth required pam_domlogon.so\nauth include system-auth\n";
        fs::write(host.stacks().join("vsftpd"), text).unwrap();
        host
    }

    #[test]
    fn lines_beside_those_of_authselect_go_too() {
        let ours = "auth sufficient pam_domlogon.so\nauth required pam_unix.so\n";
        for (system_auth, is_selected) in [(ours, true), ("auth required pam_unix.so\n", false)] {
            let folder = tempfile::tempdir().unwrap();
            let host = authselect_host(folder.path(), system_auth);
            let changes = beside_authselect(&host, is_selected).unwrap();
            let files: Vec<_> = changes.iter().map(|change| &change.path).collect();
            assert_eq!(files, [&host.stacks().join("vsftpd")]);
            assert_eq!(changes[0].after, b"auth include system-auth\n");
        }
    }

    #[test]
    fn another_profile_with_our_lines_is_not_called_off() {
        let folder = tempfile::tempdir().unwrap();
        let host = authselect_host(folder.path(), "auth sufficient pam_domlogon.so\n");
        let text = "passwd: files domlogon\n";
        fs::write(host.at("/etc/authselect/nsswitch.conf"), text).unwrap();
        let error = beside_authselect(&host, false).unwrap_err();
        assert_eq!(error.exit(), crate::answer::Exit::No);
        let said = error.to_string();
        for part in [
            "/etc/pam.d/system-auth",
            "/etc/nsswitch.conf",
            "Nothing was changed.",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn names_of_a_hand_go_where_ours_is_not_selected() {
        let folder = tempfile::tempdir().unwrap();
        let host = authselect_host(folder.path(), "auth required pam_unix.so\n");
        fs::remove_file(host.nsswitch()).unwrap();
        fs::write(host.nsswitch(), "passwd: files domlogon\n").unwrap();
        let changes = beside_authselect(&host, false).unwrap();
        let change = changes.iter().find(|change| change.path == host.nsswitch());
        assert_eq!(change.unwrap().after, b"passwd: files\n");
        assert_eq!(beside_authselect(&host, true).unwrap().len(), 1);
    }
}
