//! Each fault by itself: it is found, at its place, and as the first of its severity.

use super::*;

const ACCOUNT: &str = "/etc/pam.d/common-account";
const AUTH: &str = "/etc/pam.d/common-auth";
const PASSWORD: &str = "/etc/pam.d/common-password";
const SESSION: &str = "/etc/pam.d/common-session";
const SSHD: &str = "/etc/ssh/sshd_config";
const SWITCH: &str = "/etc/nsswitch.conf";
const STATE: &str = "/var/lib/domlogon/accounts.db";
const TIMES: &str = "/etc/security/time.conf";
/// As Debian ships it.
const VSFTPD: &str = "auth required pam_listfile.so item=user sense=deny file=/etc/ftpusers onerr=succeed\n\
     @include common-account\n@include common-session\n@include common-auth\nauth required pam_shells.so\n";
const KEYTAB: &str = "/var/lib/domlogon/machine.keytab";
const MACHINE: &str = "/var/lib/domlogon/machine.json";
const SAVED: &str = "/var/lib/domlogon/directory.db-wal";

/// A fault: its code, the file that it is told of, and how it comes about.
type Fault = (&'static str, &'static str, fn(&Tree));

const PAM: &[Fault] = &[
    ("pam-account-refusal-lost", ACCOUNT, |tree| {
        tree.replace(ACCOUNT, "user_unknown=ignore default=bad", "default=ignore");
    }),
    ("pam-account-refusal-lost", ACCOUNT, |tree| {
        tree.replace(ACCOUNT, "default=bad]", "perm_denied=ignore default=bad]");
    }),
    ("pam-account-outage-ignored", ACCOUNT, |tree| {
        tree.cut(ACCOUNT, "pam_domlogon");
        tree.before(
            ACCOUNT,
            "pam_unix",
            "account required pam_domlogon.so debug ignore_authinfo_unavail",
        );
    }),
    ("pam-account-outage-ignored", ACCOUNT, |tree| {
        tree.replace(
            ACCOUNT,
            "default=bad]    pam_domlogon.so",
            "ignore=ignore default=bad] pam_domlogon.so ignore_authinfo_unavail",
        );
    }),
    ("pam-deny-by-name", "/etc/pam.d/vsftpd", |tree| {
        tree.write("/etc/ftpusers", "# nobody else\n\nroot\nalice\n");
        tree.write("/etc/pam.d/vsftpd", VSFTPD);
    }),
    ("pam-deny-by-name", AUTH, |tree| {
        let line = "auth required pam_succeed_if.so quiet user notin root:alice";
        tree.before(AUTH, "pam_localuser", line);
    }),
    ("pam-deny-by-name", "/etc/pam.d/sshd", |tree| {
        tree.append(
            "/etc/pam.d/sshd",
            "account required pam_succeed_if.so user != alice\n",
        );
    }),
    ("pam-deny-by-name", "/etc/pam.d/sshd", |tree| {
        tree.write("/usr/lib/x86_64-linux-gnu/security/pam_time.so", "");
        tree.write(
            TIMES,
            "login;*;bob;Wk0900-1700\nsshd | ftp;*;!alice;Al # x\n",
        );
        tree.append("/etc/pam.d/sshd", "account required pam_time.so\n");
    }),
    ("pam-account-missing", ACCOUNT, |tree| {
        tree.cut(ACCOUNT, "pam_domlogon")
    }),
    ("pam-account-skipped", ACCOUNT, |tree| {
        tree.before(ACCOUNT, "pam_localuser", "account sufficient pam_unix.so");
    }),
    ("pam-account-skipped", ACCOUNT, |tree| {
        tree.before(
            ACCOUNT,
            "pam_localuser",
            "account [success=4 default=ignore] pam_unix.so",
        );
    }),
    ("pam-must-change-lost", ACCOUNT, |tree| {
        tree.replace(
            ACCOUNT,
            "success=ok new_authtok_reqd=ok",
            "success=ok new_authtok_reqd=ignore",
        );
    }),
    ("pam-local-locked-out", ACCOUNT, |tree| {
        tree.cut(ACCOUNT, "pam_localuser")
    }),
    ("pam-localuser-missing", AUTH, |tree| {
        tree.cut(AUTH, "pam_localuser")
    }),
    ("pam-open-door", AUTH, |tree| {
        tree.replace(
            AUTH,
            "[success=1 default=ignore]    pam_localuser",
            "[success=3 default=ignore] pam_localuser",
        );
    }),
    ("pam-local-locked-out", AUTH, |tree| {
        tree.replace(
            AUTH,
            "[success=1 default=ignore]    pam_localuser",
            "[success=2 default=ignore] pam_localuser",
        );
    }),
    ("pam-auth-missing", AUTH, |tree| {
        tree.cut(AUTH, "pam_domlogon");
        tree.cut(AUTH, "pam_localuser");
    }),
    ("pam-auth-refusal-ignored", AUTH, |tree| {
        tree.replace(AUTH, "module_unknown=ignore default=die", "default=ignore");
    }),
    ("pam-auth-refuses", AUTH, |tree| {
        tree.replace(AUTH, "[success=2 user_unknown", "[success=1 user_unknown");
    }),
    ("pam-order", AUTH, |tree| {
        tree.before(
            AUTH,
            "pam_localuser",
            "auth [success=3 default=ignore] pam_unix.so nullok",
        );
    }),
    ("pam-password-refuses", PASSWORD, |tree| {
        tree.before(PASSWORD, "pam_localuser", "password required pam_unix.so");
    }),
    ("pam-password-refusal-lost", PASSWORD, |tree| {
        tree.replace(PASSWORD, "module_unknown=ignore default=die", "default=2");
    }),
    ("pam-nobody-asks", PASSWORD, |tree| {
        tree.replace(
            PASSWORD,
            "obscure try_first_pass",
            "obscure use_authtok try_first_pass",
        );
    }),
    ("pam-password-missing", PASSWORD, |tree| {
        tree.cut(PASSWORD, "pam_domlogon");
        tree.cut(PASSWORD, "pam_localuser");
    }),
    ("pam-session-missing", SESSION, |tree| {
        tree.cut(SESSION, "pam_domlogon")
    }),
    ("pam-mkhomedir-missing", SESSION, |tree| {
        tree.cut(SESSION, "pam_mkhomedir")
    }),
    ("pam-service-outside", "/etc/pam.d/vsftpd", |tree| {
        tree.write(
            "/etc/pam.d/vsftpd",
            "auth required pam_unix.so\naccount required pam_unix.so\n",
        );
    }),
    ("pam-other-product", AUTH, |tree| {
        tree.write("/usr/lib/x86_64-linux-gnu/security/pam_sss.so", "");
        tree.before(AUTH, "pam_domlogon", "auth optional pam_sss.so");
        tree.replace(
            AUTH,
            "[success=1 default=ignore]    pam_localuser",
            "[success=2 default=ignore] pam_localuser",
        );
    }),
    ("pam-module-missing", ACCOUNT, |tree| {
        tree.append(ACCOUNT, "account required pam_krb5.so minimum_uid=1000\n");
    }),
    ("pam-module-missing", SESSION, |tree| {
        tree.append(SESSION, "session optional pam_winbind.so\n");
    }),
    ("pam-module-missing", ACCOUNT, |tree| {
        tree.remove("/usr/lib/x86_64-linux-gnu/security/pam_domlogon.so");
    }),
    ("pam-line-broken", AUTH, |tree| {
        tree.append(AUTH, "auth requird pam_cap.so\n")
    }),
    ("pam-include-missing", "/etc/pam.d/sshd", |tree| {
        tree.append("/etc/pam.d/sshd", "@include common-nothing\n");
    }),
    ("pam-carriage-return", ACCOUNT, |tree| {
        tree.replace(ACCOUNT, "\n", "\r\n")
    }),
    ("pam-not-turned-on", "/etc/pam.d", |tree| {
        for file in [
            ACCOUNT,
            AUTH,
            PASSWORD,
            SESSION,
            "/etc/pam.d/common-session-noninteractive",
        ] {
            tree.cut(file, "pam_domlogon");
        }
    }),
    ("pam-hand-edited", AUTH, |tree| {
        let text = std::fs::read_to_string(tree.path(AUTH)).unwrap();
        let laid: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("auth    "))
            .take(3)
            .collect();
        let saved = format!("Module: domlogon\n{}\n", laid.join("\n"));
        tree.write("/var/lib/pam/auth", &saved);
        assert!(report(tree).healthy, "{}", report(tree).text());
        tree.replace(AUTH, "pam_domlogon.so\n", "pam_domlogon.so debug\n");
    }),
];

const REST: &[Fault] = &[
    ("nss-domlogon-missing", SWITCH, |tree| {
        tree.replace(SWITCH, "group: files domlogon", "group: files systemd");
    }),
    ("nss-not-reached", SWITCH, |tree| {
        tree.replace(
            SWITCH,
            "passwd: files domlogon",
            "passwd: files systemd [NOTFOUND=return] domlogon",
        );
    }),
    ("nss-others-first", SWITCH, |tree| {
        let line = "passwd: files systemd domlogon";
        tree.replace(SWITCH, "passwd: files domlogon", line);
    }),
    ("nss-order", SWITCH, |tree| {
        tree.replace(SWITCH, "passwd: files domlogon", "passwd: domlogon files");
    }),
    ("nss-other-product", SWITCH, |tree| {
        tree.replace(
            SWITCH,
            "passwd: files domlogon",
            "passwd: files domlogon sss",
        );
    }),
    ("nss-missing", SWITCH, |tree| tree.remove(SWITCH)),
    ("nss-line-missing", SWITCH, |tree| {
        tree.cut(SWITCH, "passwd:")
    }),
    ("nss-plugin-missing", SWITCH, |tree| {
        tree.remove("/usr/lib/x86_64-linux-gnu/libnss_domlogon.so.2");
    }),
    ("nscd-caches-users", "/etc/nscd.conf", |tree| {
        tree.write("/etc/nscd.conf", "# x\n\tenable-cache\t\tpasswd\t\tyes\n");
        tree.link(
            "/usr/lib/systemd/system/nscd.service",
            "/etc/systemd/system/multi-user.target.wants/nscd.service",
        );
    }),
    ("sshd-no-pam", SSHD, |tree| {
        tree.replace(SSHD, "UsePAM yes", "UsePAM no")
    }),
    ("sshd-no-pam", SSHD, |tree| tree.cut(SSHD, "UsePAM")),
    ("sshd-no-pam", "/etc/ssh/sshd_config.d/10.conf", |tree| {
        tree.write("/etc/ssh/sshd_config.d/10.conf", "usepam=no\n");
    }),
    ("sshd-empty-passwords", SSHD, |tree| {
        tree.append(SSHD, "PermitEmptyPasswords yes\n")
    }),
    ("sshd-empty-passwords", SSHD, |tree| {
        tree.append(SSHD, "Match User guest\n  PermitEmptyPasswords yes\n");
    }),
    ("sshd-kerberos-names", SSHD, |tree| {
        tree.write("/etc/krb5.keytab", "");
        tree.append(SSHD, "GSSAPIAuthentication yes\n");
    }),
    ("sshd-match-user", SSHD, |tree| {
        tree.append(SSHD, "Match User alice\n  ForceCommand internal-sftp\n");
    }),
    (
        "sshd-match-user",
        "/etc/ssh/sshd_config.d/10.conf",
        |tree| {
            tree.write(
                "/etc/ssh/sshd_config.d/10.conf",
                "Match Address 10.0.0.0/8 User root,corp-*\n  ChrootDirectory /srv\n",
            );
        },
    ),
    ("sshd-user-list", SSHD, |tree| {
        tree.append(SSHD, "DenyUsers root alice@Corp.Example\n");
    }),
    ("sshd-user-list", SSHD, |tree| {
        tree.append(SSHD, "Match Address 10.*\n  AllowUsers corp\\alice\n");
    }),
    ("sshd-user-list", SSHD, |tree| {
        tree.append(
            "/etc/domlogon/domlogon.toml",
            "[directory]\nnames = \"qualified\"\n",
        );
        tree.append(SSHD, "DenyUsers alice localuser\n");
    }),
    ("sshd-no-way-in", SSHD, |tree| {
        tree.write(SSHD, "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication no\n");
    }),
    ("file-exposed", "/etc/domlogon/rights.toml", |tree| {
        tree.mode("/etc/domlogon/rights.toml", 0o664)
    }),
    ("file-exposed", "/etc/domlogon/domlogon.toml", |tree| {
        tree.mode("/etc/domlogon/domlogon.toml", 0o666)
    }),
    ("file-exposed", "/etc/domlogon", |tree| {
        tree.mode("/etc/domlogon", 0o777)
    }),
    (
        "file-exposed",
        "/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
        |tree| {
            tree.mode("/usr/lib/x86_64-linux-gnu/security/pam_unix.so", 0o666);
        },
    ),
    ("file-exposed", AUTH, |tree| tree.mode(AUTH, 0o646)),
    ("state-exposed", STATE, |tree| tree.mode(STATE, 0o644)),
    ("state-exposed", "/var/lib/domlogon", |tree| {
        tree.mode("/var/lib/domlogon", 0o777)
    }),
    ("state-exposed", "/var/lib/domlogon", |tree| {
        tree.mode("/var/lib/domlogon", 0o750)
    }),
    ("state-exposed", KEYTAB, |tree| {
        tree.write(KEYTAB, "");
        tree.mode(KEYTAB, 0o644);
    }),
    ("state-exposed", MACHINE, |tree| {
        tree.write(MACHINE, "");
        tree.mode(MACHINE, 0o640);
    }),
    ("state-exposed", SAVED, |tree| {
        tree.write(SAVED, "");
        tree.mode(SAVED, 0o604);
    }),
    ("configuration-missing", "/etc/domlogon", |tree| {
        tree.remove("/etc/domlogon")
    }),
    (
        "configuration-missing",
        "/etc/domlogon/domlogon.toml",
        |tree| tree.remove("/etc/domlogon/domlogon.toml"),
    ),
    (
        "configuration-unreadable",
        "/etc/domlogon/rights.toml",
        |tree| {
            tree.append("/etc/passwd", "domlogon:x:990:990::/:/usr/sbin/nologin\n");
            tree.mode("/etc/domlogon/rights.toml", 0o600);
        },
    ),
    (
        "unit-not-enabled",
        "/usr/lib/systemd/system/domlogond.service",
        |tree| {
            tree.remove("/etc/systemd/system/multi-user.target.wants");
        },
    ),
    (
        "unit-masked",
        "/etc/systemd/system/domlogond.service",
        |tree| {
            tree.link("/dev/null", "/etc/systemd/system/domlogond.service");
        },
    ),
    (
        "unit-user-missing",
        "/usr/lib/systemd/system/domlogond.service",
        |tree| {
            tree.append(
                "/usr/lib/systemd/system/domlogond.service",
                "User=domlogon\n",
            );
        },
    ),
    ("state-owner", "/var/lib/domlogon", |tree| {
        tree.append(
            "/usr/lib/systemd/system/domlogond.service",
            "User=domlogon\n",
        );
        tree.append("/etc/passwd", "domlogon:x:990:990::/:/usr/sbin/nologin\n");
    }),
    ("clock-behind", "/etc/domlogon/domlogon.toml", |tree| {
        tree.put_in_the_future("/etc/domlogon/domlogon.toml")
    }),
    ("id-in-domain-range", "/etc/passwd", |tree| {
        tree.append("/etc/passwd", "big:x:1900000500:100::/:/bin/sh\n");
    }),
    ("subordinate-range", "/etc/subuid", |tree| {
        tree.append("/etc/subuid", "localuser:1899999999:65536\n");
    }),
    ("login-defs-range", "/etc/login.defs", |tree| {
        tree.append("/etc/domlogon/domlogon.toml", "[ids]\nbase = 50000\n");
        tree.remove("/etc/subuid");
        tree.replace("/etc/login.defs", "SUB_UID_MAX 600100000", "");
    }),
    ("home-parent-missing", "/net/homes", |tree| {
        tree.append(
            "/etc/domlogon/domlogon.toml",
            "[accounts]\nhome = \"/net/homes/{user}\"\n",
        );
    }),
    ("shell-missing", "/bin/fish", |tree| {
        tree.append(
            "/etc/domlogon/domlogon.toml",
            "[accounts]\nshell = \"/bin/fish\"\n",
        );
    }),
    ("shell-not-listed", "/etc/shells", |tree| {
        tree.write("/etc/shells", "/bin/sh\n")
    }),
    (
        "enable-unfinished",
        "/var/lib/domlogon-enable/journal.json",
        |tree| {
            tree.write(
                "/var/lib/domlogon-enable/journal.json",
                "{\"phase\": \"applying\"}",
            );
            tree.mode("/var/lib/domlogon-enable", 0o700);
        },
    ),
    (
        "enable-not-confirmed",
        "/var/lib/domlogon-enable/journal.json",
        |tree| {
            tree.write(
                "/var/lib/domlogon-enable/journal.json",
                "{\"phase\": \"pending\"}",
            );
            tree.mode("/var/lib/domlogon-enable", 0o700);
        },
    ),
    ("state-exposed", "/var/lib/domlogon-enable", |tree| {
        tree.write("/var/lib/domlogon-enable/backup", "");
        tree.mode("/var/lib/domlogon-enable", 0o755);
    }),
];

fn plant(faults: &[Fault]) {
    let mut wrong = Vec::new();
    for (index, (code, file, plant)) in faults.iter().enumerate() {
        let tree = Tree::debian();
        plant(&tree);
        let found = report(&tree);
        let Some(position) = found.findings.iter().position(|one| one.code == *code) else {
            wrong.push(format!("{index} {code}: not found\n{}", found.text()));
            continue;
        };
        let finding = &found.findings[position];
        let first = found
            .findings
            .iter()
            .position(|one| one.severity == finding.severity);
        if first != Some(position) || finding.file.as_deref() != Some(file) {
            wrong.push(format!(
                "{index} {code}: not first, or not at {file}\n{}",
                found.text()
            ));
        }
        if finding.why.is_empty() || finding.mend.is_empty() {
            wrong.push(format!("{index} {code}: without why or how to mend it"));
        }
        if found.findings.len() > 2 {
            wrong.push(format!(
                "{index} {code}: hidden by what follows from it\n{}",
                found.text()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_of_the_stacks_are_found() {
    plant(PAM);
}

#[test]
fn other_faults_are_found() {
    plant(REST);
}

/// Local names have one spelling; groups go by the account; and behind our line, but at sshd, the
/// name is the account's own.
#[test]
fn a_deny_that_holds_is_no_fault() {
    let tree = Tree::debian();
    tree.write("/etc/ftpusers", "# users\nroot\nlocaluser\n");
    tree.write("/etc/pam.d/vsftpd", VSFTPD);
    tree.write("/usr/lib/x86_64-linux-gnu/security/pam_time.so", "");
    tree.write(
        TIMES,
        "# alice\nlogin;*;bob;Wk0900-1700\n*;*;@staff|*;Al\nsshd;*;local*;Al\n",
    );
    tree.append("/etc/pam.d/sshd", "account required pam_time.so\n");
    tree.append("/etc/pam.d/login", "account required pam_time.so\n");
    tree.append(AUTH, "auth required pam_succeed_if.so user in alice:bob\n");
    tree.append(
        "/etc/pam.d/su",
        "auth required pam_succeed_if.so user != alice\n",
    );
    tree.before(
        AUTH,
        "pam_localuser",
        "auth required pam_succeed_if.so user != root uid >= 1000 user notingroup team",
    );
    let found = report(&tree);
    assert!(found.healthy, "{}", found.text());
    // Who comes in by a finger has not been given his own spelling.
    tree.write("/usr/lib/x86_64-linux-gnu/security/pam_fprintd.so", "");
    tree.before(
        "/etc/pam.d/login",
        "common-auth",
        "auth sufficient pam_fprintd.so",
    );
    let found = report(&tree);
    assert!(
        found.text().contains("pam_time compares bob"),
        "{}",
        found.text()
    );
}

/// Whoever names a file is not the one who runs the command for it.
#[test]
fn names_are_single_words_of_the_commands() {
    let mend = |path: &str, plant: fn(&Tree, &str)| {
        let tree = Tree::debian();
        plant(&tree, path);
        let found = report(&tree);
        found.findings[0].mend.clone()
    };
    let exposed: fn(&Tree, &str) = |tree, path| {
        tree.write(path, "");
        tree.mode(path, 0o666);
    };
    assert_eq!(
        mend("/var/lib/domlogon/accounts.db x;$(id)", exposed),
        "chmod 0600 '/var/lib/domlogon/accounts.db x;$(id)'"
    );
    let key = mend("/var/lib/domlogon/machine.json", exposed);
    assert!(key.starts_with("chmod 0600 /var/lib/domlogon/machine.json; then"));
    assert!(key.ends_with("domlogon join REALM --take-over"), "{key}");
    // Closed, it would be gone on with.
    let begun = mend("/var/lib/domlogon/machine.joining", exposed);
    assert!(begun.starts_with("rm /var/lib/domlogon/machine.joining; then"));
    assert!(
        begun.ends_with("domlogon join REALM --take-over"),
        "{begun}"
    );
    assert_eq!(
        mend("/etc/pam.d/it's", exposed),
        "chown root:root '/etc/pam.d/it'\\''s' && chmod go-w '/etc/pam.d/it'\\''s'"
    );
    let shell: fn(&Tree, &str) = |tree, path| {
        tree.write(path, "");
        let line = format!("[accounts]\nshell = \"{path}\"\n");
        tree.append("/etc/domlogon/domlogon.toml", &line);
    };
    assert_eq!(
        mend("/bin/a `id`", shell),
        "echo '/bin/a `id`' >> /etc/shells"
    );
}

/// What holds no secret may be read, as it may be wherever it lies.
#[test]
fn what_only_the_daemon_writes_may_be_read() {
    let tree = Tree::debian();
    tree.write("/var/lib/domlogon/rights.last-good.json", "");
    tree.write("/var/lib/domlogon/machine.json", "");
    tree.mode("/var/lib/domlogon/machine.json", 0o600);
    let found = report(&tree);
    assert!(found.healthy, "{}", found.text());
}

/// A command for a link would change what it leads to.
#[test]
fn what_is_no_file_of_the_daemons_is_not_mended() {
    const LINK: &str = "/var/lib/domlogon/accounts.db-journal";
    let tree = Tree::debian();
    tree.link("/etc/passwd", LINK);
    std::fs::hard_link(tree.path("/etc/group"), tree.path("/var/lib/domlogon/x")).unwrap();
    std::fs::create_dir(tree.path("/var/lib/domlogon/old")).unwrap();
    let found = report(&tree);
    let codes: Vec<_> = found.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["state-not-a-file"; 2], "{}", found.text());
    assert_eq!(found.findings[0].file.as_deref(), Some(LINK));
    assert!(
        found
            .findings
            .iter()
            .all(|one| one.mend.starts_with("look"))
    );
}

/// Whoever has the other name of a file reads it as well, and a command for it changes both.
#[test]
fn what_others_can_read_under_two_names_is_told_with_both() {
    let tree = Tree::debian();
    std::fs::hard_link(tree.path(STATE), tree.path("/srv.db")).unwrap();
    tree.mode(STATE, 0o644);
    let found = report(&tree);
    let codes: Vec<_> = found.findings.iter().map(|one| one.code).collect();
    assert_eq!(
        codes,
        ["state-exposed", "state-not-a-file"],
        "{}",
        found.text()
    );
    assert_eq!(found.findings[0].severity, Severity::Danger);
    assert!(
        found
            .findings
            .iter()
            .all(|one| one.mend.starts_with("look"))
    );
}

/// As Debian's pam-auth-update lays it: pam_unix first, which asks no user of the domain.
#[test]
fn the_password_stack_of_pam_auth_update_is_no_fault() {
    let tree = Tree::debian();
    tree.write(
        PASSWORD,
        "password [success=3 default=ignore] pam_unix.so obscure yescrypt\n\
         password [success=1 default=ignore] pam_localuser.so\n\
         password [success=1 user_unknown=ignore open_err=ignore symbol_err=ignore \
         module_unknown=ignore default=die] pam_domlogon.so\n\
         password requisite pam_deny.so\npassword required pam_permit.so\n",
    );
    let found = report(&tree);
    assert!(found.healthy, "{}", found.text());
}

#[test]
fn a_jump_that_was_thought_of_is_no_fault() {
    let tree = Tree::debian();
    tree.append(SESSION, "-session optional pam_gnome_keyring.so\n");
    tree.append(
        SESSION,
        "session [success=ok module_unknown=ignore default=bad] pam_apparmor.so\n",
    );
    tree.write(
        "/etc/pam.d/lightdm-greeter",
        "auth required pam_permit.so\naccount required pam_permit.so\n",
    );
    tree.write("/etc/pam.d/common-auth.pam-old", "auth nonsense\n");
    tree.write("/etc/pam.d/sshd.dpkg-old", "auth nonsense\n");
    let found = report(&tree);
    assert!(found.healthy, "{}", found.text());
}

/// Where PAM_IGNORE is a refusal, or only authenticate goes on, the argument opens nothing.
#[test]
fn an_outage_that_opens_nothing_is_no_fault() {
    for (file, line) in [(ACCOUNT, "default=bad]"), (AUTH, "default=die]")] {
        let tree = Tree::debian();
        let ours = format!("{line}    pam_domlogon.so");
        tree.replace(file, &ours, &format!("{ours} ignore_authinfo_unavail"));
        let found = report(&tree);
        assert!(found.healthy, "{file}: {}", found.text());
    }
}

#[test]
fn what_a_vendors_file_would_like_to_have_is_no_fault() {
    const FILE: &str = "/usr/lib/pam.d/systemd-user";
    let tree = Tree::debian();
    let text = "account required pam_permit.so\n\
                session required pam_permit.so\nsession optional pam_nowhere.so\n";
    tree.write(FILE, text);
    let found = report(&tree);
    assert!(found.healthy, "{}", found.text());

    tree.write(FILE, "account required pam_nowhere.so\n");
    let found = report(&tree);
    assert!(!found.healthy, "what refuses everybody is one there too");
}

#[test]
fn the_profile_of_authselect_is_no_fault() {
    let profile = include_str!("../../../../../packaging/authselect/system-auth");
    let features = ["with-faillock", "with-pamaccess", "with-pwhistory"];
    for on in [&[][..], &features[..]] {
        let tree = Tree::redhat();
        for module in ["faillock", "pwquality", "pwhistory"] {
            let path = format!("/usr/lib/x86_64-linux-gnu/security/pam_{module}.so");
            tree.write(&path, "");
        }
        let lines = crate::enable::filled(profile, on);
        let text: Vec<String> = lines.iter().map(|line| line.join(" ")).collect();
        tree.write("/etc/pam.d/domlogon-auth", &(text.join("\n") + "\n"));
        let found = report(&tree);
        assert!(found.findings.is_empty(), "{on:?}: {}", found.text());
    }
}

#[test]
fn the_layout_of_sssd_with_our_module_is_no_danger() {
    let tree = Tree::redhat();
    tree.write(
        "/etc/pam.d/domlogon-auth",
        "auth required pam_env.so\n\
         auth [success=1 default=ignore] pam_localuser.so\n\
         auth [success=2 user_unknown=ignore authinfo_unavail=ignore default=die] pam_domlogon.so\n\
         auth sufficient pam_unix.so\nauth required pam_deny.so\nauth required pam_permit.so\n\
         account required pam_unix.so\naccount sufficient pam_localuser.so\n\
         account [default=bad success=ok new_authtok_reqd=ok user_unknown=ignore] pam_domlogon.so\n\
         account required pam_permit.so\n\
         password [success=1 default=ignore] pam_localuser.so\n\
         password sufficient pam_domlogon.so\npassword sufficient pam_unix.so\n\
         password required pam_deny.so\n\
         session optional pam_mkhomedir.so\nsession required pam_unix.so\n\
         session optional pam_domlogon.so\n",
    );
    let found = report(&tree);
    let worst = found.findings.iter().map(|one| one.severity).min();
    assert_eq!(worst, Some(Severity::Warning), "{}", found.text());
}
