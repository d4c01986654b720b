//! A host as a fresh Debian has it: the stacks that pam-auth-update lays, our profiles
//! installed and not enabled, nothing of ours in nsswitch.conf. The sandbox's own files come
//! back when it is dropped.

use domlogon_tests::cli::Answer;
use domlogon_tests::program::everything;
use domlogon_tests::{Failure, Program, Result, domlogon, ensure, ensure_equal};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) const STATE: &str = "/var/lib/domlogon-enable";
pub(crate) const JOURNAL: &str = "/var/lib/domlogon-enable/journal.json";
pub(crate) const NSSWITCH: &str = "/etc/nsswitch.conf";
pub(crate) const AUTH: &str = "/etc/pam.d/common-auth";
pub(crate) const STACKS: [&str; 5] = [
    "auth",
    "account",
    "password",
    "session",
    "session-noninteractive",
];

const KEPT: &str = "/run/enable-kept";
const COPY: &str = "/run/enable-copy";
const CONFIGS: &str = "/usr/share/pam-configs";
const SAVED: &str = "/var/lib/pam";

/// Every file of /etc and of pam-auth-update's notes: content, mode and owner.
pub(crate) type Picture = BTreeMap<PathBuf, (Vec<u8>, u32, u32)>;

/// The host; the old one is back when this is dropped.
pub(crate) struct Stage {
    saved_was_link: Option<PathBuf>,
}

impl Stage {
    /// Makes the host fresh.
    pub(crate) fn set() -> Result<Stage> {
        shell(&format!(
            "rm -rf {KEPT} {COPY} {STATE}; mkdir {KEPT} && cp -a /etc/pam.d {NSSWITCH} {KEPT}/"
        ))?;
        let saved_was_link = fs::read_link(SAVED).ok();
        let stage = Stage { saved_was_link };
        let configs = root("packaging/pam-configs");
        shell(&format!(
            "set -e
            mkdir -p {COPY}/etc/pam.d {COPY}{SAVED} {COPY}{CONFIGS}
            cp {CONFIGS}/* {COPY}{CONFIGS}/
            # A fresh one is no client of another domain.
            cd {COPY}{CONFIGS} && rm -f krb5 sss winbind ldap pwquality && cd /
            printf '%s\\n' 'Config: c' 'Templates: t' '' 'Name: c' 'Driver: File' \
                'Filename: {COPY}/c' '' 'Name: t' 'Driver: File' 'Filename: {COPY}/t' >{COPY}/conf
            DEBIAN_FRONTEND=noninteractive DEBCONF_SYSTEMRC={COPY}/conf \
                pam-auth-update --root {COPY} --force
            cp {configs}/* {COPY}{CONFIGS}/
            mount --bind {COPY}{CONFIGS} {CONFIGS}
            cp {COPY}/etc/pam.d/common-* /etc/pam.d/
            if [ -L {SAVED} ]; then rm {SAVED}; mkdir {SAVED}; fi
            cp {COPY}{SAVED}/* {SAVED}/
            sed -i -e 's/ domlogon//' {NSSWITCH}"
        ))?;
        ensure(
            !is_on()?,
            "the fresh host",
            "nothing of domlogon",
            fs::read_to_string(AUTH).unwrap_or_default(),
        )?;
        Ok(stage)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let link = match &self.saved_was_link {
            Some(to) => format!("rm -rf {SAVED}; ln -s {} {SAVED}", to.display()),
            None => String::new(),
        };
        // What hangs on after a failed case is ended first: it would undo under the next one.
        let _ = shell(&format!(
            "for p in /proc/[0-9]*; do
                tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'enable-[g]uard' && kill -9 ${{p#/proc/}}
            done
            umount {CONFIGS}
            rm -rf {STATE} /etc/pam.d/common-* /etc/pam.d/.common-*
            cp -a {KEPT}/pam.d/. /etc/pam.d/
            rm -f {NSSWITCH} /etc/.nsswitch*
            cp -a {KEPT}/nsswitch.conf {NSSWITCH}
            {link}
            rm -rf {KEPT} {COPY}; true"
        ));
    }
}

/// A path of the checkout.
pub(crate) fn root(path: &str) -> String {
    let root = std::env::var("DOMLOGON_ROOT").unwrap_or_else(|_| ".".to_owned());
    format!("{root}/{path}")
}

/// Runs a script as root.
pub(crate) fn shell(script: &str) -> Result<String> {
    let output = Program::new("sh").args(&["-c", script]).run(b"")?;
    let text = everything(&output);
    ensure(output.status.success(), script, "success", &text)?;
    Ok(text)
}

/// All that must be as it was when nothing was changed.
pub(crate) fn picture() -> Result<Picture> {
    let mut picture = Picture::new();
    for folder in ["/etc", "/etc/pam.d", SAVED] {
        for entry in fs::read_dir(folder).map_err(Failure::harness("list the host's files"))? {
            let path = entry
                .map_err(Failure::harness("list the host's files"))?
                .path();
            let found = fs::symlink_metadata(&path).map_err(Failure::harness("look at a file"))?;
            if found.is_file() {
                let bytes = fs::read(&path).map_err(Failure::harness("read a file"))?;
                picture.insert(path, (bytes, found.mode(), found.uid()));
            }
        }
    }
    Ok(picture)
}

/// Two pictures must be the same; names what differs.
pub(crate) fn same(what: &str, now: &Picture, then: &Picture) -> Result<()> {
    let names = |one: &Picture, other: &Picture| -> Vec<String> {
        one.iter()
            .filter(|(path, content)| other.get(*path) != Some(content))
            .map(|(path, _)| path.display().to_string())
            .collect()
    };
    let mut differing = names(now, then);
    differing.extend(names(then, now));
    ensure_equal(what, differing, Vec::<String>::new())
}

/// Whether the host is as it was, or whole: never between.
pub(crate) fn is_on() -> Result<bool> {
    let mut count = 0;
    for name in STACKS {
        let path = format!("/etc/pam.d/common-{name}");
        let text = fs::read_to_string(&path).map_err(Failure::harness("read a stack"))?;
        count += usize::from(text.contains("pam_domlogon.so"));
    }
    let names = fs::read_to_string(NSSWITCH).map_err(Failure::harness("read nsswitch.conf"))?;
    count += usize::from(names.contains("domlogon"));
    ensure(
        count == 0 || count == STACKS.len() + 1,
        "domlogon is in",
        "all files, or none",
        format!("{count} of {}", STACKS.len() + 1),
    )?;
    Ok(count > 0)
}

/// Runs the command, and waits long: it proves.
pub(crate) fn command(arguments: &[&str]) -> Result<Answer> {
    domlogon_tests::cli::run(
        &Program::new("domlogon")
            .args(arguments)
            .patience(Duration::from_secs(60)),
        "",
    )
}

/// No account of the proofs is left.
pub(crate) fn no_guest_left() -> Result<()> {
    let text = domlogon(&["user", "list"])?.exits(0)?.text();
    ensure(
        !text.contains("proof-"),
        "domlogon user list",
        "no account of the proofs",
        text,
    )
}

/// Waits until the guard has done its work.
pub(crate) fn journal_gone(patience: Duration) -> Result<()> {
    let end = Instant::now() + patience;
    while Path::new(JOURNAL).exists() {
        ensure(
            Instant::now() < end,
            "the guard",
            format!("done within {patience:?}"),
            "the journal is still there",
        )?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
