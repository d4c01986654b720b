use super::*;
use crate::enable::authselect;
use crate::enable::change::Direction;
use crate::enable::host::Host;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const ROOT: &str = "DOMLOGON_TEST_ROOT";
const STOP: &str = "DOMLOGON_TEST_STOP";
const WAY: &str = "DOMLOGON_TEST_WAY";

/// Ends the process at the step that the environment names, as kill -9 does.
pub(crate) fn step() {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    let stop = std::env::var(STOP).ok().and_then(|text| text.parse().ok());
    if stop == Some(STEPS.fetch_add(1, Ordering::SeqCst)) {
        std::process::abort();
    }
}

const WITH: &str = "auth required pam_domlogon.so\nauth required pam_unix.so\n";
const WITHOUT: &str = "auth required pam_unix.so\n";

fn host(root: &Path) -> Host {
    let host = Host::under(root);
    fs::create_dir_all(host.stacks()).unwrap();
    fs::create_dir_all(host.saved()).unwrap();
    fs::write(host.stacks().join("common-account"), WITHOUT).unwrap();
    fs::write(host.stacks().join("common-auth"), WITHOUT).unwrap();
    fs::write(host.nsswitch(), "passwd: files\n").unwrap();
    let mode = Permissions::from_mode(0o640);
    fs::set_permissions(host.stacks().join("common-auth"), mode).unwrap();
    host
}

fn plan(host: &Host) -> Plan {
    let change = |path: PathBuf, after: &str| {
        let before = read(&path).unwrap();
        Change::new(path, before, after.as_bytes().to_vec())
    };
    Plan::new(
        Direction::On,
        vec![
            change(host.stacks().join("common-account"), WITH),
            change(host.stacks().join("common-auth"), WITH),
            change(host.nsswitch(), "passwd: files domlogon\n"),
            change(host.saved().join("seen"), "domlogon\n"),
        ],
    )
}

fn take(host: &Host) -> Desk {
    Desk::take(host, Duration::from_secs(10)).unwrap()
}

/// Every file of the host with its mode; the journal's folder left out.
fn all(host: &Host) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    [host.at("/etc"), host.stacks(), host.saved()]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let mode = fs::metadata(&path).unwrap().mode() & 0o7777;
            (path.clone(), (fs::read(&path).unwrap(), mode))
        })
        .collect()
}

#[test]
fn applied_settled_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let before = all(&host);
    let desk = take(&host);
    let journal = apply(&desk, &plan(&host), || Ok(())).unwrap();
    settle(&desk, journal).unwrap();
    let after = all(&host);
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
    let auth = &after[&host.stacks().join("common-auth")];
    assert_eq!(*auth, (WITH.as_bytes().to_vec(), 0o640));
    assert_eq!(desk.journal().unwrap(), None);
    let last = desk.last();
    assert_eq!(last.len(), 3, "the file that was not there has no backup");
    assert!(last.iter().all(|(path, old, _)| before[path].0 == *old));
    let mode = fs::metadata(host.state()).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn rolled_back_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let before = all(&host);
    let inode = fs::metadata(host.nsswitch()).unwrap().ino();
    let desk = take(&host);
    let journal = apply(&desk, &plan(&host), || Ok(())).unwrap();
    assert_ne!(all(&host), before);
    assert_eq!(roll_back(&desk, &journal).unwrap(), Back::default());
    assert_eq!(all(&host), before);
    assert_eq!(fs::metadata(host.nsswitch()).unwrap().ino(), inode);
    assert_eq!(desk.journal().unwrap(), None);
}

#[test]
fn edits_meanwhile_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let desk = take(&host);
    let journal = apply(&desk, &plan(&host), || Ok(())).unwrap();
    let auth = host.stacks().join("common-auth");
    fs::write(&auth, format!("{WITH}auth optional pam_mine.so\n")).unwrap();
    fs::write(host.nsswitch(), "passwd: files domlogon mine\n").unwrap();
    let mut touched = roll_back(&desk, &journal).unwrap().touched;
    touched.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        touched,
        [
            (host.nsswitch(), Meanwhile::Edited),
            (auth.clone(), Meanwhile::Edited),
        ]
    );
    let text = fs::read_to_string(&auth).unwrap();
    assert_eq!(text, format!("{WITHOUT}auth optional pam_mine.so\n"));
    let text = fs::read_to_string(host.nsswitch()).unwrap();
    assert_eq!(text, "passwd: files mine\n");
}

#[test]
fn what_was_removed_meanwhile_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let desk = take(&host);
    let journal = apply(&desk, &plan(&host), || Ok(())).unwrap();
    let auth = host.stacks().join("common-auth");
    fs::remove_file(&auth).unwrap();
    let touched = roll_back(&desk, &journal).unwrap().touched;
    assert_eq!(touched, [(auth.clone(), Meanwhile::Removed)]);
    assert!(!auth.exists());
}

#[test]
fn edits_from_which_our_lines_cannot_be_told_are_not_undone() {
    let jump = format!("auth [success=2 default=ignore] a.so\nauth include b\n{WITH}");
    let mut no_text = WITH.as_bytes().to_vec();
    no_text.extend(b"# caf\xe9\n");
    for (edit, why) in [
        (jump.as_bytes(), "common-auth:1 jumps over"),
        (&no_text, "common-auth is not UTF-8"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let host = host(folder.path());
        let before = all(&host);
        let desk = take(&host);
        let journal = apply(&desk, &plan(&host), || Ok(())).unwrap();
        let auth = host.stacks().join("common-auth");
        fs::write(&auth, edit).unwrap();
        let error = roll_back(&desk, &journal).unwrap_err();
        assert!(matches!(error, EnableError::NotUndone(_)), "{error}");
        let said = error.to_string();
        assert!(said.contains(why), "{said}");
        assert!(said.contains("then run: domlogon disable"), "{said}");
        assert_eq!(fs::read(&auth).unwrap(), edit);
        let nsswitch = fs::read(host.nsswitch()).unwrap();
        assert_eq!(nsswitch, before[&host.nsswitch()].0, "the others are");
        assert_eq!(desk.journal().unwrap().as_ref(), Some(&journal));
        // Taken out by hand, as it says.
        fs::write(&auth, WITHOUT).unwrap();
        assert_eq!(roll_back(&desk, &journal).unwrap(), Back::default());
    }
}

#[test]
fn what_is_no_text_and_has_nothing_of_ours_stays() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let desk = take(&host);
    let journal = apply(&desk, &plan(&host), || Ok(())).unwrap();
    let mine = b"passwd: files\n# caf\xe9\n";
    fs::write(host.nsswitch(), mine).unwrap();
    let touched = roll_back(&desk, &journal).unwrap().touched;
    assert_eq!(touched, [(host.nsswitch(), Meanwhile::Edited)]);
    assert_eq!(fs::read(host.nsswitch()).unwrap(), mine);
}

/// A host that was turned on, and the plan of turning it off.
fn turned_on(root: &Path) -> (Host, Plan) {
    let host = host(root);
    let on = plan(&host);
    let desk = take(&host);
    settle(&desk, apply(&desk, &on, || Ok(())).unwrap()).unwrap();
    let off = on.changes.into_iter().map(|change| {
        let before = change.before.unwrap_or_default();
        Change::new(change.path, Some(change.after), before)
    });
    let off = Plan::new(Direction::Off, off.collect());
    (host, off)
}

#[test]
fn what_was_to_be_off_comes_back_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (host, off) = turned_on(folder.path());
    let before = all(&host);
    let desk = take(&host);
    let journal = apply(&desk, &off, || Ok(())).unwrap();
    assert_ne!(all(&host), before);
    let said = back(&desk, &journal, EnableError::Unproved(Vec::new())).to_string();
    assert!(said.ends_with("the host is as it was before."), "{said}");
    assert_eq!(all(&host), before);
}

/// Somebody has written a stack anew while the logons were tried: nobody of the domain is known
/// whom it does not judge, and what is said is what is so.
#[test]
fn a_stack_that_was_written_without_us_lets_nobody_be_known() {
    let theirs = format!("{WITHOUT}account optional pam_mine.so\n");
    let ours = format!("{WITH}account optional pam_mine.so\n");
    for (account, is_replaced, edited) in [
        (
            Some(&theirs),
            true,
            "edited meanwhile, and was left as it is",
        ),
        // Killed before nsswitch.conf was replaced.
        (
            Some(&ours),
            false,
            "edited meanwhile, and was left as it is",
        ),
        (None, true, "removed meanwhile"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (host, off) = turned_on(folder.path());
        let before = all(&host);
        let desk = take(&host);
        let journal = apply(&desk, &off, || Ok(())).unwrap();
        let path = host.stacks().join("common-account");
        match account {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        if !is_replaced {
            fs::write(host.nsswitch(), &before[&host.nsswitch()].0).unwrap();
        }
        let said = back(&desk, &journal, EnableError::Unproved(Vec::new())).to_string();
        for part in [
            &format!("/etc/pam.d/common-account had been {edited}"),
            "domlogon stays out of /etc/nsswitch.conf",
            "run domlogon disable again, or domlogon enable.",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("as it was before"), "{said}");
        assert_eq!(fs::read(host.nsswitch()).unwrap(), b"passwd: files\n");
        let now = fs::read_to_string(&path).ok();
        assert_eq!(now.as_ref(), account);
        // Local users log on as before.
        let auth = host.stacks().join("common-auth");
        assert_eq!(all(&host)[&auth], before[&auth]);
        assert_eq!(desk.journal().unwrap(), None);
    }
}

/// The same where authselect writes nsswitch.conf, and a service of its own was written anew.
#[test]
fn with_authselect_too_nobody_is_known_whom_a_stack_does_not_judge() {
    for (is_edited, is_selected) in [(false, true), (true, true), (true, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (host, mut off) = turned_on(folder.path());
        off.changes.retain(|change| is_stack(&change.path));
        let tool = tempfile::tempdir().unwrap();
        authselect::tests::pretend(tool.path(), "domlogon with-faillock\n");
        let select = r#"{"from":"domlogon with-faillock","to":"local with-faillock","backup":"b"}"#;
        off.select = serde_json::from_str(select).unwrap();
        let desk = take(&host);
        let journal = apply(&desk, &off, || Ok(())).unwrap();
        let now = || fs::read_to_string(tool.path().join("now")).unwrap();
        assert_eq!(now(), "local with-faillock\n");
        if !is_selected {
            // Killed before authselect was asked.
            authselect::tests::pretend(tool.path(), "domlogon with-faillock\n");
        }
        let path = host.stacks().join("common-account");
        if is_edited {
            fs::write(&path, format!("{WITHOUT}account optional pam_mine.so\n")).unwrap();
        }
        let said = back(&desk, &journal, EnableError::Unproved(Vec::new())).to_string();
        if !is_edited {
            assert!(said.ends_with("the host is as it was before."), "{said}");
            assert_eq!(now(), "domlogon\n");
            continue;
        }
        assert_eq!(now(), "local with-faillock\n", "{said}");
        for part in [
            "authselect selects local with-faillock still",
            "run domlogon disable again, or domlogon enable.",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(desk.journal().unwrap(), None);
    }
}

#[test]
fn edits_before_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let plan = plan(&host);
    fs::write(host.nsswitch(), "passwd: files mine\n").unwrap();
    let before = all(&host);
    let desk = take(&host);
    let error = apply(&desk, &plan, || Ok(())).unwrap_err();
    assert!(matches!(error, EnableError::Edited(_)), "{error}");
    assert_eq!(all(&host), before);
    assert_eq!(desk.journal().unwrap(), None);

    // Edited between the look and the replacing, when the first file is replaced already.
    fs::write(host.nsswitch(), "passwd: files\n").unwrap();
    let before = all(&host);
    let nsswitch = host.nsswitch();
    let mine = b"passwd: mine\n";
    let error = apply(&desk, &plan, || {
        fs::write(&nsswitch, mine).map_err(about(&nsswitch))
    })
    .unwrap_err();
    let EnableError::Undone(inner, _) = &error else {
        panic!("{error}")
    };
    let part = "/etc/nsswitch.conf had been edited meanwhile: only";
    assert!(error.to_string().contains(part), "{error}");
    assert!(matches!(**inner, EnableError::Edited(_)), "{error}");
    let mut wanted = before;
    wanted.get_mut(&host.nsswitch()).unwrap().0 = mine.to_vec();
    assert_eq!(all(&host), wanted);
}

#[test]
fn links_and_folders_are_refused() {
    for (make, name) in [
        ("link", "a link to a file"),
        ("dangling", "a link to nothing"),
        ("folder", "a folder"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let host = host(folder.path());
        let plan = plan(&host);
        fs::remove_file(host.nsswitch()).unwrap();
        match make {
            "link" => std::os::unix::fs::symlink("pam.d/common-auth", host.nsswitch()).unwrap(),
            "dangling" => std::os::unix::fs::symlink("nowhere", host.nsswitch()).unwrap(),
            _ => fs::create_dir(host.nsswitch()).unwrap(),
        }
        let desk = take(&host);
        let error = apply(&desk, &plan, || Ok(())).unwrap_err();
        assert!(matches!(error, EnableError::NotAFile(_)), "{name}: {error}");
        assert_eq!(desk.journal().unwrap(), None);
        let account = fs::read_to_string(host.stacks().join("common-account")).unwrap();
        assert_eq!(account, WITHOUT);
    }
}

#[test]
fn one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let desk = take(&host);
    let other = Desk::take(&host, Duration::ZERO);
    assert!(matches!(other, Err(EnableError::Busy)));
    drop(desk);
    assert!(Desk::take(&host, Duration::ZERO).is_ok());
}

/// What a child of the tests below does until it is stopped.
#[test]
#[ignore = "run by the tests that kill it"]
fn victim() {
    let host = Host::under(Path::new(&std::env::var_os(ROOT).unwrap()));
    let desk = take(&host);
    match std::env::var(WAY).unwrap().as_str() {
        "settle" => {
            let journal = apply(&desk, &plan(&host), || Ok(())).unwrap();
            settle(&desk, journal).unwrap();
        }
        "roll back" => {
            let journal = desk.journal().unwrap().unwrap();
            roll_back(&desk, &journal).unwrap();
        }
        other => panic!("{other}"),
    }
}

fn kill_at(host: &Host, way: &str, stop: usize) -> ExitStatus {
    let name = "enable::transaction::tests::victim";
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(ROOT, host.at("/"))
        .env(WAY, way)
        .env(STOP, stop.to_string())
        .output()
        .unwrap()
        .status
}

/// What the next command does with what it finds.
fn mend(host: &Host) {
    let desk = take(host);
    if let Some(journal) = desk.journal().unwrap() {
        match journal.phase {
            Phase::Done => settle(&desk, journal).unwrap(),
            _ => drop(roll_back(&desk, &journal).unwrap()),
        }
    }
}

fn is_left_over(path: &Path) -> bool {
    path.to_string_lossy().contains(".domlogon-")
}

#[test]
fn killed_at_each_step_it_is_as_before_or_whole() {
    let mut outcomes = BTreeMap::new();
    for stop in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let host = host(folder.path());
        let before = all(&host);
        let status = kill_at(&host, "settle", stop);
        // Nobody may be known or let in while the account stack does not judge.
        let now = all(&host);
        let has = |name: &str| {
            let path = host.stacks().join(name);
            now[&path].0 == WITH.as_bytes()
        };
        let known = now[&host.nsswitch()].0.ends_with(b"domlogon\n");
        assert!(
            has("common-account") || !known && !has("common-auth"),
            "{stop}"
        );
        mend(&host);
        let after = all(&host);
        assert!(
            !after.keys().any(|path| is_left_over(path)),
            "{stop}: {after:?}"
        );
        let whole = after[&host.stacks().join("common-auth")].0 == WITH.as_bytes();
        if whole {
            assert_eq!(after[&host.nsswitch()].0, b"passwd: files domlogon\n");
            assert!(after.contains_key(&host.saved().join("seen")));
        } else {
            assert_eq!(after, before, "{stop}");
        }
        *outcomes.entry(whole).or_insert(0) += 1;
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(6), "stopped at {stop}");
    }
    assert!(
        outcomes[&false] >= 8 && outcomes[&true] >= 2,
        "{outcomes:?}"
    );
}

#[test]
fn killed_at_each_step_of_rolling_back_it_is_as_before() {
    for stop in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let host = host(folder.path());
        let before = all(&host);
        let desk = take(&host);
        apply(&desk, &plan(&host), || Ok(())).unwrap();
        drop(desk);
        let status = kill_at(&host, "roll back", stop);
        mend(&host);
        assert_eq!(all(&host), before, "{stop}");
        if status.success() {
            assert!(stop >= 4);
            break;
        }
        assert_eq!(status.signal(), Some(6), "stopped at {stop}");
    }
}
