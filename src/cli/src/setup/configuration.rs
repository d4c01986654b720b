//! /etc/domlogon/domlogon.toml: read, judged, and written where it is still the example.

use super::error::SetupError;
use crate::doctor::daemon_reads;
use crate::rights::file::dress;
use domlogon_protocol::UserName;
use serde::Deserialize;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The configuration.
pub(crate) const FILE: &str = "/etc/domlogon/domlogon.toml";

/// What packages install: every option with its default, and names that stand for nobody's.
const EXAMPLE: &str = include_str!("../../../../packaging/domlogon.toml");

/// The names of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Its short (NetBIOS) name.
    pub(crate) short: String,
    /// Its DNS name.
    pub(crate) dns: String,
}

/// The file as it was found.
#[derive(Debug)]
pub(crate) struct Existing {
    text: Option<String>,
    names: Option<Names>,
}

/// What is to be done with the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// It is for this domain already.
    Keep,
    /// Put this there.
    Write(String),
}

/// The part of the file that matters here; the daemon judges all of it.
#[derive(Deserialize)]
struct Part {
    domain: Option<Domain>,
}

#[derive(Deserialize)]
struct Domain {
    name: Option<String>,
    dns_name: Option<String>,
}

impl Existing {
    pub(crate) fn read(path: &Path) -> Result<Self, SetupError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::parse(None),
            Err(error) => Err(SetupError::File(path.to_owned(), error)),
        }
    }

    pub(super) fn parse(text: Option<String>) -> Result<Self, SetupError> {
        let Some(text) = text else {
            return Ok(Self {
                text: None,
                names: None,
            });
        };
        let part: Part = toml::from_str(&text).map_err(|_| SetupError::Unreadable)?;
        let names = match part.domain {
            Some(Domain {
                name: Some(short),
                dns_name: Some(dns),
            }) => Some(Names { short, dns }),
            // One name without the other is half of somebody's work.
            Some(Domain {
                name: None,
                dns_name: None,
            })
            | None => None,
            Some(_) => return Err(SetupError::Unreadable),
        };
        Ok(Self {
            text: Some(text),
            names,
        })
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The domain that somebody has chosen. The example's is nobody's choice.
    pub(crate) fn chosen(&self) -> Option<&Names> {
        let is_example = self.text.as_deref() == Some(EXAMPLE);
        self.names.as_ref().filter(|_| !is_example)
    }

    pub(crate) fn plan(&self, names: &Names, database: Option<&Path>) -> Result<Plan, SetupError> {
        let same = |a: &str, b: &str| UserName::fold(a) == UserName::fold(b);
        if let Some(found) = &self.names {
            if same(&found.short, &names.short) && same(&found.dns, &names.dns) {
                return Ok(Plan::Keep);
            }
        }
        if let Some(found) = self.chosen() {
            return Err(SetupError::OtherDomain(
                found.short.clone(),
                found.dns.clone(),
            ));
        }
        if let Some(database) = database {
            return Err(SetupError::HasDatabase(database.to_owned()));
        }
        let text = self.text.as_deref().unwrap_or(EXAMPLE);
        with_names(text, names).map(Plan::Write)
    }
}

/// The text with the names in it, and all else as it was.
fn with_names(text: &str, names: &Names) -> Result<String, SetupError> {
    let string = |name: &str| toml::Value::from(name).to_string();
    let [short, dns] = [string(&names.short), string(&names.dns)];
    let mut wanted = [
        ("[domain]", Some("[domain]".to_owned())),
        ("name", Some(format!("name = {short}"))),
        ("dns_name", Some(format!("dns_name = {dns}"))),
    ];
    let mut lines = Vec::new();
    for line in text.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line).trim();
        let key = bare.split('=').next().unwrap_or_default().trim();
        let found = wanted
            .iter_mut()
            .find(|(word, _)| *word == key)
            .and_then(|(_, line)| line.take());
        lines.push(found.unwrap_or_else(|| line.to_owned()));
    }
    let mut written = lines.join("\n") + "\n";
    if wanted.iter().any(|(_, line)| line.is_some()) {
        // Not laid out as the example: a section of its own, at the end.
        written = format!("{text}\n[domain]\nname = {short}\ndns_name = {dns}\n");
    }
    // Whatever was there before, the result has to say what was asked for.
    let check = Existing::parse(Some(written.clone()))?;
    if check.names.as_ref() == Some(names) {
        Ok(written)
    } else {
        Err(SetupError::Unreadable)
    }
}

/// Puts the file there whole, or leaves what is there: also where that is not what was read any
/// more, `None` for no file.
pub(crate) fn write(path: &Path, text: &str, read: Option<&str>) -> Result<(), SetupError> {
    let failed = |error| SetupError::File(path.to_owned(), error);
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(SetupError::NotAFile),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(_) | Err(_) => {}
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    make_folder(folder).map_err(failed)?;
    let unfinished = path.with_extension("toml.new");
    let put = || -> Result<(), SetupError> {
        fill(&unfinished, text, path).map_err(failed)?;
        if !is_still(path, read).map_err(failed)? {
            return Err(SetupError::ChangedMeanwhile);
        }
        fs::rename(&unfinished, path)
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(failed)
    };
    let result = put();
    if result.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    result
}

fn is_still(path: &Path, read: Option<&str>) -> io::Result<bool> {
    match fs::read(path) {
        Ok(now) => Ok(read.map(str::as_bytes) == Some(&*now)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(read.is_none()),
        Err(error) => Err(error),
    }
}

/// The daemon has to come to the file, whatever the umask is.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

fn fill(path: &Path, text: &str, old: &Path) -> io::Result<()> {
    // One that an earlier run left unfinished.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    dress(&file, old)?;
    // As it was, the daemon could not start with it.
    let etc = old.parent().and_then(Path::parent);
    let passwd = etc.map(|etc| fs::read_to_string(etc.join("passwd")));
    let passwd = passwd.and_then(Result::ok).unwrap_or_default();
    if !daemon_reads(&file.metadata()?, &passwd) {
        file.set_permissions(Permissions::from_mode(0o644))?;
    }
    file.sync_all()
}

/// A NetBIOS name that is also the part before the backslash of a user name.
pub(crate) fn is_short_name(name: &str) -> bool {
    (1..=15).contains(&name.chars().count())
        && !name.contains(|c: char| c == '.' || c.is_whitespace())
        && UserName::parse(format!("{name}\\x").as_bytes()).is_ok()
}

/// Labels of letters, digits, hyphens and underscores (which Windows admits).
pub(crate) fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(short: &str, dns: &str) -> Names {
        Names {
            short: short.to_owned(),
            dns: dns.to_owned(),
        }
    }

    fn plan(text: Option<&str>, names: &Names) -> Result<Plan, SetupError> {
        Existing::parse(text.map(str::to_owned))?.plan(names, None)
    }

    #[test]
    fn the_example_gets_the_names_and_keeps_its_comments() {
        let chosen = names("ACME", "acme.example");
        for text in [None, Some(EXAMPLE)] {
            let Ok(Plan::Write(text)) = plan(text, &chosen) else {
                panic!("not written");
            };
            assert_eq!(text.lines().count(), EXAMPLE.lines().count());
            let other = |line: &&str| !line.contains("name = ");
            let before: Vec<&str> = EXAMPLE.lines().filter(other).collect();
            let after: Vec<&str> = text.lines().filter(other).collect();
            assert_eq!(before.len(), after.len());
            assert_eq!(plan(Some(&text), &chosen).unwrap(), Plan::Keep);
        }
    }

    #[test]
    fn a_file_without_a_domain_gets_one() {
        let chosen = names("ACME", "acme.example");
        for text in [
            "",
            "[ids]\nminimum = 5000\n",
            "#[domain]\n#name = \"X\"\n#dns_name = \"x\"\n[ids]\nminimum = 5000\n",
            "[domain]\n# name\n",
        ] {
            let result = plan(Some(text), &chosen);
            if text.starts_with("[domain]") {
                assert!(result.is_err(), "a section must not be there twice");
                continue;
            }
            let Ok(Plan::Write(written)) = result else {
                panic!("{text}: {result:?}");
            };
            assert_eq!(written.contains("minimum = 5000"), text.contains("5000"));
            assert_eq!(plan(Some(&written), &chosen).unwrap(), Plan::Keep);
        }
    }

    #[test]
    fn what_somebody_chose_is_never_written_over() {
        let theirs = "[domain]\nname = \"ACME\"\ndns_name = \"acme.example\"\n";
        let same = plan(Some(theirs), &names("acme", "ACME.example"));
        assert_eq!(same.unwrap(), Plan::Keep);
        for other in [names("OTHER", "acme.example"), names("ACME", "other")] {
            let refused = plan(Some(theirs), &other);
            assert!(matches!(refused, Err(SetupError::OtherDomain(..))));
        }
        for broken in ["[domain\n", "[domain]\nname = \"ACME\"\n", "domain = 1\n"] {
            let refused = plan(Some(broken), &names("ACME", "acme.example"));
            assert!(matches!(refused, Err(SetupError::Unreadable)), "{broken}");
        }
    }

    #[test]
    fn a_database_without_its_configuration_is_not_given_another_name() {
        let existing = Existing::parse(Some(EXAMPLE.to_owned())).unwrap();
        let database = Some(Path::new("/var/lib/domlogon/accounts.db"));
        let refused = existing.plan(&names("ACME", "acme.example"), database);
        assert!(matches!(refused, Err(SetupError::HasDatabase(_))));
        assert_eq!(existing.chosen(), None);
    }

    #[test]
    fn it_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/domlogon.toml");
        write(&path, "a = 1\n", None).unwrap();
        fs::write(path.with_extension("toml.new"), "left over").unwrap();
        write(&path, "a = 2\n", Some("a = 1\n")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a = 2\n");
        assert!(!path.with_extension("toml.new").exists());
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(
            write(&link, "x", Some("a = 2\n")),
            Err(SetupError::NotAFile)
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "a = 2\n");
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("domlogon.toml");
        fs::write(&path, "by hand\n").unwrap();
        for read in [None, Some("as it was\n")] {
            let refused = write(&path, "ours\n", read);
            assert!(
                matches!(refused, Err(SetupError::ChangedMeanwhile)),
                "{refused:?}"
            );
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "by hand\n");
        fs::remove_file(&path).unwrap();
        assert!(write(&path, "ours\n", Some("by hand\n")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn it_keeps_its_owner_and_its_mode() {
        use std::os::unix::fs::{MetadataExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/domlogon.toml");
        let dress = |path: &Path| {
            let found = fs::metadata(path).unwrap();
            (found.mode() & 0o7777, found.gid())
        };
        write(&path, "a = 1\n", None).unwrap();
        assert_eq!(dress(&path).0, 0o644);
        assert_eq!(dress(path.parent().unwrap()).0, 0o755);
        // Not everywhere may a test give a file away.
        let _ = chown(&path, None, Some(12));
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let before = dress(&path);
        write(&path, "a = 2\n", Some("a = 1\n")).unwrap();
        assert_eq!((dress(&path), before.0), (before, 0o640));
    }

    #[test]
    fn one_that_the_daemon_cannot_read_is_opened() {
        use std::os::unix::fs::{MetadataExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/domlogon/domlogon.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let uid = fs::metadata(folder.path()).unwrap().uid();
        for (daemon, mode, owner, expected) in [
            (Some("991:990"), 0o600, None, 0o644),
            (Some("991:990"), 0o640, None, 0o644),
            (Some("991:990"), 0o640, Some((0, 990)), 0o640),
            (Some("991:990"), 0o600, Some((991, 0)), 0o600),
            (Some("991:990"), 0o664, None, 0o664),
            // Nobody knows whom the daemon will be: what root alone reads, it does not.
            (None, 0o600, Some((0, 0)), 0o644),
            (None, 0o640, Some((0, 990)), 0o640),
        ] {
            let line = daemon.map(|ids| format!("domlogon:x:{ids}::/:/bin/false\n"));
            let text = format!("root:x:0:0::/root:/bin/sh\n{}", line.unwrap_or_default());
            fs::write(folder.path().join("etc/passwd"), text).unwrap();
            fs::write(&path, "a = 1\n").unwrap();
            if owner.is_some() && uid != 0 {
                // Only root gives a file away.
                continue;
            }
            let (uid, gid) = owner.unwrap_or((uid, 0));
            chown(&path, Some(uid), owner.map(|_| gid)).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            write(&path, "a = 2\n", Some("a = 1\n")).unwrap();
            let found = fs::metadata(&path).unwrap();
            assert_eq!(
                (found.mode() & 0o7777, found.uid()),
                (expected, uid),
                "{daemon:?} {mode:o} {owner:?}"
            );
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn names_of_domains() {
        for good in ["CORP", "a", "ÄRZTE", "FIFTEEN-LETTERS"] {
            assert!(is_short_name(good), "{good}");
        }
        for bad in ["", "SIXTEEN-LETTERS!", "a.b", "a b", "a\\b", "a:b", "a\n"] {
            assert!(!is_short_name(bad), "{bad}");
        }
        assert!(is_dns_name("corp.example") && is_dns_name("a_b.c-d"));
        for bad in ["", ".", "a..b", "-a", "a-", "a b", "ä.example", "a.b."] {
            assert!(!is_dns_name(bad), "{bad}");
        }
    }
}
