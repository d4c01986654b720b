//! A root tree as a host has it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const STACKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pam.d");

/// Debian's own stacks, as its packages lay them.
const FRESH: [(&str, &str); 9] = [
    (
        "common-auth",
        "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n\
         auth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\n\
         auth\toptional\t\t\tpam_cap.so \n",
    ),
    (
        "common-account",
        "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so \n\
         account\trequisite\t\t\tpam_deny.so\naccount\trequired\t\t\tpam_permit.so\n",
    ),
    (
        "common-password",
        "password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt\n\
         password\trequisite\t\t\tpam_deny.so\npassword\trequired\t\t\tpam_permit.so\n",
    ),
    (
        "common-session",
        "session\t[default=1]\t\t\tpam_permit.so\nsession\trequisite\t\t\tpam_deny.so\n\
         session\trequired\t\t\tpam_permit.so\nsession\trequired\tpam_unix.so \n\
         session\toptional\tpam_systemd.so \n",
    ),
    (
        "common-session-noninteractive",
        "session\t[default=1]\t\t\tpam_permit.so\nsession\trequisite\t\t\tpam_deny.so\n\
         session\trequired\t\t\tpam_permit.so\nsession\trequired\tpam_unix.so \n",
    ),
    (
        "other",
        "@include common-auth\n@include common-account\n@include common-password\n\
         @include common-session\n",
    ),
    (
        "runuser",
        "auth\t\tsufficient\tpam_rootok.so\nsession\t\toptional\tpam_keyinit.so revoke\n\
         session\t\trequired\tpam_limits.so\nsession\t\trequired\tpam_unix.so\n",
    ),
    (
        "chfn",
        "auth\t\tsufficient\tpam_rootok.so\n@include common-auth\n@include common-account\n\
         @include common-session\n",
    ),
    ("newusers", "@include common-password\n"),
];

const SERVICES: [&str; 8] = [
    "login", "sshd", "su", "su-l", "sudo", "sudo-i", "cron", "passwd",
];

const MODULES: [&str; 26] = [
    "pam_cap",
    "pam_deny",
    "pam_env",
    "pam_faildelay",
    "pam_group",
    "pam_keyinit",
    "pam_lastlog",
    "pam_limits",
    "pam_localuser",
    "pam_loginuid",
    "pam_mail",
    "pam_mkhomedir",
    "pam_motd",
    "pam_nologin",
    "pam_permit",
    "pam_rootok",
    "pam_selinux",
    "pam_succeed_if",
    "pam_systemd",
    "pam_umask",
    "pam_unix",
    "pam_listfile",
    "pam_shells",
    "pam_wheel",
    "pam_access",
    "pam_namespace",
];

const SECURITY: &str = "/usr/lib/x86_64-linux-gnu/security";

/// A root tree; gone when dropped.
pub(super) struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    /// Debian with its own stacks and nothing of ours.
    pub(super) fn fresh_debian() -> Self {
        let tree = Self::bare();
        for (name, text) in FRESH {
            tree.write(&format!("/etc/pam.d/{name}"), text);
        }
        for service in SERVICES {
            tree.copy("debian", service);
        }
        tree.write(
            "/etc/nsswitch.conf",
            "passwd:  files systemd\ngroup:   files systemd\n",
        );
        tree.write(
            "/etc/ssh/sshd_config",
            "UsePAM yes\nKbdInteractiveAuthentication no\n",
        );
        tree
    }

    /// Debian, with domlogon installed and turned on.
    pub(super) fn debian() -> Self {
        let tree = Self::fresh_debian();
        for part in [
            "auth",
            "account",
            "password",
            "session",
            "session-noninteractive",
        ] {
            tree.copy("debian", &format!("common-{part}"));
        }
        tree.turn_on();
        tree
    }

    /// The Red Hat family, with domlogon installed and turned on.
    pub(super) fn redhat() -> Self {
        let tree = Self::bare();
        for entry in fs::read_dir(format!("{STACKS}/redhat")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            tree.copy("redhat", &name);
        }
        let other = ["auth", "account", "password", "session"]
            .map(|kind| format!("{kind} required pam_deny.so\n"))
            .concat();
        tree.write("/etc/pam.d/other", &other);
        tree.turn_on();
        tree
    }

    fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let tree = Self { dir };
        for module in MODULES {
            tree.write(&format!("{SECURITY}/{module}.so"), "");
        }
        symlink("usr/lib", tree.path("/lib")).unwrap();
        tree.write("/bin/bash", "");
        tree.write("/bin/sh", "");
        tree.write("/etc/shells", "/bin/sh\n/bin/bash\n");
        tree.write(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nlocaluser:x:5000:5000::/home/localuser:/bin/bash\n",
        );
        tree.write("/etc/group", "root:x:0:\nusers:x:100:\nlocaluser:x:5000:\n");
        tree.write("/etc/subuid", "localuser:100000:65536\n");
        tree.write(
            "/etc/login.defs",
            "UID_MIN 1000\nUID_MAX 60000\nSUB_UID_MIN 100000\nSUB_UID_MAX 600100000\n",
        );
        fs::create_dir(tree.path("/home")).unwrap();
        tree
    }

    fn turn_on(&self) {
        self.write(&format!("{SECURITY}/pam_domlogon.so"), "");
        self.write("/usr/lib/x86_64-linux-gnu/libnss_domlogon.so.2", "");
        self.write("/usr/sbin/domlogond", "");
        self.write(
            "/etc/nsswitch.conf",
            "passwd: files domlogon\ngroup: files domlogon\n",
        );
        self.write(
            "/etc/ssh/sshd_config",
            "Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication yes\nUsePAM yes\n",
        );
        self.write(
            "/etc/domlogon/domlogon.toml",
            "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n",
        );
        self.write("/etc/domlogon/rights.toml", "[rights]\n");
        self.write("/var/lib/domlogon/accounts.db", "");
        self.mode("/var/lib/domlogon/accounts.db", 0o600);
        self.mode("/var/lib/domlogon", 0o700);
        self.write(
            "/usr/lib/systemd/system/domlogond.service",
            "[Service]\nType=notify\n",
        );
        let wants = "/etc/systemd/system/multi-user.target.wants/domlogond.service";
        self.link("/usr/lib/systemd/system/domlogond.service", wants);
    }

    fn copy(&self, family: &str, name: &str) {
        let text = fs::read_to_string(format!("{STACKS}/{family}/{name}")).unwrap();
        self.write(&format!("/etc/pam.d/{name}"), &text);
    }

    pub(super) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let place = self.path(path);
        let parent = place.parent().unwrap();
        if !parent.exists() {
            fs::create_dir_all(parent).unwrap();
        }
        fs::write(&place, text).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
    }

    pub(super) fn append(&self, path: &str, text: &str) {
        let before = fs::read_to_string(self.path(path)).unwrap();
        self.write(path, &format!("{before}{text}"));
    }

    /// Replaces a text that must be there once or more.
    pub(super) fn replace(&self, path: &str, old: &str, new: &str) {
        let before = fs::read_to_string(self.path(path)).unwrap();
        assert!(before.contains(old), "{path}: no {old:?} in\n{before}");
        self.write(path, &before.replace(old, new));
    }

    /// Takes the lines out that are no comment and have this text.
    pub(super) fn cut(&self, path: &str, part: &str) {
        let before = fs::read_to_string(self.path(path)).unwrap();
        let is_cut = |line: &&str| !line.starts_with('#') && line.contains(part);
        assert!(
            before.lines().any(|line| is_cut(&line)),
            "{path}: no {part}"
        );
        let after: Vec<&str> = before.lines().filter(|line| !is_cut(line)).collect();
        self.write(path, &(after.join("\n") + "\n"));
    }

    /// Puts a line before the first one that is no comment and has this text.
    pub(super) fn before(&self, path: &str, part: &str, line: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        let place = lines
            .iter()
            .position(|line| !line.starts_with('#') && line.contains(part))
            .unwrap();
        lines.insert(place, line);
        self.write(path, &(lines.join("\n") + "\n"));
    }

    pub(super) fn remove(&self, path: &str) {
        let place = self.path(path);
        if place.is_dir() {
            fs::remove_dir_all(place).unwrap();
        } else {
            fs::remove_file(place).unwrap();
        }
    }

    pub(super) fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn link(&self, target: &str, path: &str) {
        let place = self.path(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(target, place).unwrap();
    }

    /// Says of a file that it was changed in some years.
    pub(super) fn put_in_the_future(&self, path: &str) {
        let file = fs::File::options()
            .write(true)
            .open(self.path(path))
            .unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(100_000_000);
        file.set_modified(later).unwrap();
    }
}
