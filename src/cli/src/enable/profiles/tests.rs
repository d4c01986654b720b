use super::*;
use std::collections::BTreeMap;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Profiles that a plain Debian has. What else a host has installed would lie in the stacks too.
const PLAIN: [&str; 4] = ["capability", "mkhomedir", "systemd", "unix"];

/// A root with the stacks of a plain Debian as pam-auth-update lays them, and our profiles;
/// `None` where there is no pam-auth-update to try.
fn root() -> Option<(tempfile::TempDir, Host)> {
    const TEMPLATES: &str = "/usr/share/pam";
    if !Path::new(PROGRAM).exists() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let host = Host::under(folder.path());
    for (from, to) in [
        ("/etc/pam.d", host.stacks()),
        (CONFIGS, host.at(CONFIGS)),
        (TEMPLATES, host.at(TEMPLATES)),
    ] {
        copy_folder(Path::new(from), &to).unwrap();
    }
    fs::create_dir_all(host.saved()).unwrap();
    for name in STACKS {
        fs::remove_file(host.stacks().join(name)).unwrap();
    }
    for entry in fs::read_dir(host.at(CONFIGS)).unwrap() {
        let path = entry.unwrap().path();
        if !PLAIN.iter().any(|plain| path.ends_with(plain)) {
            fs::remove_file(path).unwrap();
        }
    }
    lay_afresh(folder.path());
    for profile in PROFILES {
        fs::copy(
            format!("{REPOSITORY}/packaging/pam-configs/{profile}"),
            host.at(CONFIGS).join(profile),
        )
        .unwrap();
    }
    Some((folder, host))
}

/// What the installer of a system does.
fn lay_afresh(root: &Path) {
    let settings = root.join("debconf.conf");
    let text = format!(
        "Config: config\nTemplates: templates\n\n\
         Name: config\nDriver: File\nMode: 600\nFilename: {0}/config.dat\n\n\
         Name: templates\nDriver: File\nMode: 600\nFilename: {0}/templates.dat\n",
        root.display()
    );
    fs::write(&settings, text).unwrap();
    let output = Command::new(PROGRAM)
        .arg("--root")
        .arg(root)
        .args(["--package", "--force"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("DEBCONF_SYSTEMRC", &settings)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn write(changes: &[Change]) {
    for change in changes {
        fs::write(&change.path, &change.after).unwrap();
    }
}

fn contents(host: &Host) -> BTreeMap<PathBuf, Vec<u8>> {
    [host.stacks(), host.saved()]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// The rules of one stack, each as its words; jumps out of the primary part as "end".
fn rules(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn laid(changes: &[Change], name: &str) -> Vec<String> {
    let change = changes
        .iter()
        .find(|change| change.path.ends_with(name))
        .unwrap();
    rules(std::str::from_utf8(&change.after).unwrap())
}

fn shipped(name: &str) -> Vec<String> {
    rules(&fs::read_to_string(format!("{REPOSITORY}/pam.d/debian/{name}")).unwrap())
}

/// What pam-auth-update makes of our profiles is what pam.d/debian says by hand.
#[test]
fn the_profiles_lay_the_shipped_stacks() {
    let Some((_folder, host)) = root() else {
        return;
    };
    let changes = changes(&host, Direction::On).unwrap();
    // What other packages put there is not compared.
    let known = |rules: Vec<String>| -> Vec<String> {
        rules
            .into_iter()
            .map(|rule| rule.trim_start_matches('-').to_owned())
            .filter(|rule| {
                [
                    "localuser",
                    "domlogon",
                    "unix",
                    "deny",
                    "permit",
                    "mkhomedir",
                ]
                .iter()
                .any(|name| rule.contains(&format!("pam_{name}.so")))
            })
            .collect()
    };
    for name in ["common-auth", "common-account"] {
        assert_eq!(
            known(laid(&changes, name)),
            known(shipped(name)),
            "{name}: order and jumps"
        );
    }
    // The order among these lines means nothing: none of them decides.
    for name in ["common-session", "common-session-noninteractive"] {
        let (mut laid, mut shipped) = (known(laid(&changes, name)), known(shipped(name)));
        laid.sort();
        shipped.sort();
        assert_eq!(laid, shipped, "{name}");
    }
    // pam_unix first, see PROFILES: so the jumps differ, and try_first_pass is not needed.
    let password = laid(&changes, "common-password");
    assert_eq!(
        password,
        [
            "password [success=3 default=ignore] pam_unix.so obscure yescrypt",
            "password [success=1 default=ignore] pam_localuser.so",
            "password [success=1 user_unknown=ignore open_err=ignore symbol_err=ignore \
             module_unknown=ignore default=die] pam_domlogon.so",
            "password requisite pam_deny.so",
            "password required pam_permit.so",
        ]
    );
    let ours = |rules: &[String]| -> Vec<String> {
        rules
            .iter()
            .filter(|rule| rule.contains("localuser") || rule.contains("domlogon"))
            .map(|rule| rule.replace("success=2", "success=1"))
            .collect()
    };
    assert_eq!(ours(&password), ours(&shipped("common-password")));
}

/// Edits outside the marks and added options stay, both ways; what went in comes out.
#[test]
fn on_and_off_again_is_nothing() {
    let Some((_folder, host)) = root() else {
        return;
    };
    let auth = host.stacks().join("common-auth");
    let edited = fs::read_to_string(&auth)
        .unwrap()
        .replace("pam_unix.so nullok", "pam_unix.so nullok audit")
        + "auth optional pam_group.so # by hand\n";
    fs::write(&auth, &edited).unwrap();
    let before = contents(&host);
    assert!(!remembers_ours(&host));
    write(&changes(&host, Direction::On).unwrap());
    assert!(remembers_ours(&host));
    let text = fs::read_to_string(&auth).unwrap();
    assert!(
        text.contains("pam_group.so # by hand") && text.contains(" audit"),
        "{text}"
    );
    write(&changes(&host, Direction::Off).unwrap());
    assert!(!remembers_ours(&host));
    let now = contents(&host);
    // pam-auth-update writes its options in an order of its own.
    for (path, old) in &before {
        let words = |bytes: &[u8]| -> Vec<Vec<String>> {
            String::from_utf8_lossy(bytes)
                .lines()
                .map(|line| {
                    let mut words: Vec<String> =
                        line.split_whitespace().map(str::to_owned).collect();
                    words.sort();
                    words
                })
                .collect()
        };
        assert_eq!(words(old), words(&now[path]), "{}", path.display());
    }
    assert_eq!(before.len(), now.len());
}

/// A line of somebody's between the marks: pam-auth-update does nothing, and that is said.
#[test]
fn edited_by_hand_is_noticed() {
    let Some((_folder, host)) = root() else {
        return;
    };
    let auth = host.stacks().join("common-auth");
    let text = fs::read_to_string(&auth).unwrap().replace(
        "# here's the fallback",
        "auth sufficient pam_other.so\n# here's the fallback",
    );
    fs::write(&auth, text).unwrap();
    assert!(matches!(
        changes(&host, Direction::On),
        Err(EnableError::EditedByHand)
    ));
    fs::remove_file(host.at(CONFIGS).join(PROFILES[1])).unwrap();
    assert!(matches!(
        changes(&host, Direction::On),
        Err(EnableError::NoProfile(_))
    ));
}

#[test]
fn notes_without_ours() {
    let with = "Module: domlogon\n[a]\tx.so\n[b]\ty.so\nModule: unix\nz.so\nModule: domlogon-password\nq.so\n";
    assert_eq!(saved_without_ours(with), "Module: unix\nz.so\n");
    assert_eq!(
        saved_without_ours("domlogon\nunix\ndomlogon-password\n"),
        "unix\n"
    );
}
