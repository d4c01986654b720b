use super::*;
use proptest::prelude::*;

fn without_ours(text: &str) -> Result<String, Unclear> {
    super::without_ours(text, false).map(|without| without.text)
}

#[test]
fn our_lines_go_and_the_rest_stays() {
    let with = "\
# hand written
auth\t[success=3 default=ignore]\tpam_other.so
auth\t[success=1 default=ignore]\tpam_localuser.so
auth\t[success=2 default=die]\tpam_domlogon.so # ours
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
session optional pam_mkhomedir.so umask=0077
session optional /usr/lib/security/pam_domlogon.so
session optional pam_mkhomedir.so
";
    let without = "\
# hand written
auth\t[success=1 default=ignore]\tpam_other.so
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
session optional pam_mkhomedir.so
";
    assert!(names_ours(with));
    assert_eq!(without_ours(with).unwrap(), without);
    assert!(!names_ours(without));
    assert_eq!(without_ours(without).unwrap(), without);
}

#[test]
fn other_stacks_do_not_count_for_a_jump() {
    let with = "\
auth [success=2 default=ignore] pam_a.so
account required pam_domlogon.so
auth required pam_b.so
auth required pam_domlogon.so
auth required pam_unix.so
";
    assert_eq!(
        without_ours(with).unwrap(),
        "auth [success=1 default=ignore] pam_a.so\nauth required pam_b.so\nauth required pam_unix.so\n"
    );
}

#[test]
fn a_jump_over_nothing_leaves_the_result_as_it_is() {
    let with = "auth [success=1 default=ignore] pam_succeed_if.so uid < 1000\nauth required pam_domlogon.so\nauth required pam_unix.so\n";
    assert_eq!(
        without_ours(with).unwrap(),
        "auth [success=ignore default=ignore] pam_succeed_if.so uid < 1000\nauth required pam_unix.so\n"
    );
}

#[test]
fn comments_joined_lines_and_dashes() {
    let with = "\
#auth required pam_domlogon.so
-auth \\
   required \\
   pam_domlogon.so debug
auth required pam_unix.so
@include common-account
";
    assert_eq!(
        without_ours(with).unwrap(),
        "#auth required pam_domlogon.so\nauth required pam_unix.so\n@include common-account\n"
    );
    assert!(!names_ours("# pam_domlogon.so\n"));
}

#[test]
fn a_jump_into_another_file_is_not_ours_to_change() {
    let with = "auth [success=3 default=ignore] pam_a.so\n@include x\nauth required pam_domlogon.so\nauth required pam_b.so\n";
    assert_eq!(without_ours(with), Err(Unclear { line: 1 }));
    // Ours comes before the other file: that is clear.
    let with = "auth [success=3 default=ignore] pam_a.so\nauth required pam_domlogon.so\n@include x\nauth required pam_b.so\n";
    assert_eq!(
        without_ours(with).unwrap(),
        "auth [success=2 default=ignore] pam_a.so\n@include x\nauth required pam_b.so\n"
    );
}

/// Without ours each of these would let everybody in with any password.
#[test]
fn a_file_that_nothing_else_guards_is_closed() {
    for (with, without) in [
        (
            "auth required pam_listfile.so item=user sense=deny file=/etc/ftpusers onerr=succeed\n\
             auth required pam_domlogon.so\n\
             auth required pam_shells.so\n\
             account required pam_domlogon.so\n\
             account required pam_unix.so\n",
            "auth required pam_listfile.so item=user sense=deny file=/etc/ftpusers onerr=succeed\n\
             auth required pam_deny.so\n\
             auth required pam_shells.so\n\
             account required pam_unix.so\n",
        ),
        // Debian's, with ours in the place of common-auth.
        (
            "@include common-account\n@include common-session\n\
             auth required pam_domlogon.so\nauth required pam_shells.so\n",
            "@include common-account\n@include common-session\n\
             auth required pam_deny.so\nauth required pam_shells.so\n",
        ),
        // Local users passed by pam_unix, all others by ours.
        (
            "auth sufficient pam_unix.so\nauth required pam_domlogon.so\nauth required pam_env.so\n",
            "auth sufficient pam_unix.so\nauth required pam_deny.so\nauth required pam_env.so\n",
        ),
        (
            "auth [success=2 default=ignore] pam_unix.so\n\
             auth [success=1 default=ignore] pam_localuser.so\n\
             auth required \\\n  pam_domlogon.so\n\
             auth required pam_env.so\n",
            "auth [success=1 default=ignore] pam_unix.so\n\
             auth required pam_deny.so\n\
             auth required pam_env.so\n",
        ),
    ] {
        let closed = super::without_ours(with, false).unwrap();
        assert_eq!(closed.text, without);
        assert!(closed.is_closed);
        let part = super::without_ours(with, true).unwrap();
        assert!(
            !part.is_closed && !part.text.contains("pam_deny"),
            "{part:?}"
        );
    }
}

#[test]
fn a_file_that_still_asks_is_not_closed() {
    for rest in [
        "auth required pam_unix.so",
        "auth sufficient pam_sss.so",
        "auth [success=1 default=ignore] pam_winbind.so",
        "auth requisite pam_deny.so",
        "auth substack password-auth",
        "auth include system-auth",
        "@include common-auth",
    ] {
        let ours = "auth sufficient pam_domlogon.so";
        for with in [
            format!("{ours}\n{rest}\nauth required pam_env.so\n"),
            format!("{ours}\nauth required pam_env.so\n{rest}\n"),
        ] {
            let without = super::without_ours(&with, false).unwrap();
            assert!(!without.is_closed, "{with}");
            assert_eq!(without.text, with.replace(&format!("{ours}\n"), ""));
        }
    }
    // Both are asked of everybody; and ours is in other stacks only.
    for with in [
        "auth required pam_unix.so\nauth required pam_domlogon.so\n",
        "auth required pam_permit.so\nsession optional pam_domlogon.so\n",
    ] {
        assert!(!super::without_ours(with, false).unwrap().is_closed);
    }
}

#[test]
fn a_part_of_other_files_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a", "auth required pam_domlogon.so\n");
    write("b", "auth required pam_domlogon.so\n#@include b\n");
    write("c", "auth required pam_domlogon.so\n");
    write("x", "@include a\n");
    write("y", "auth required pam_b.so c\nauth substack c\n");
    write("d-real", "auth required pam_domlogon.so\n");
    std::os::unix::fs::symlink("d-real", folder.path().join("d")).unwrap();
    write("z", "auth include d\n");
    for (name, part) in [("a", true), ("b", false), ("c", true), ("d-real", true)] {
        assert_eq!(is_part(&folder.path().join(name)), part, "{name}");
    }
}

/// What the packages do where the command cannot: run by the host's sh on files of a hand.
#[test]
fn what_the_packages_leave() {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../packaging/deb/parts/leave-pam"
    );
    let script = std::fs::read_to_string(script).unwrap();
    let files = [
        (
            "vsftpd",
            "auth required pam_listfile.so item=user\nauth required pam_domlogon.so\nauth required pam_shells.so\n",
            "auth required pam_listfile.so item=user\nauth required pam_deny.so\nauth required pam_shells.so\n",
        ),
        (
            "vsftpd-debian",
            "@include common-account\n@include common-session\nauth required pam_domlogon.so\n",
            "@include common-account\n@include common-session\nauth required pam_deny.so\n",
        ),
        (
            "unix-first",
            "auth sufficient pam_unix.so\nauth required pam_domlogon.so\nauth required pam_env.so\n",
            "auth sufficient pam_unix.so\nauth required pam_deny.so\nauth required pam_env.so\n",
        ),
        (
            "unix-jumps",
            "auth [success=1 default=ignore] pam_unix.so nullok\nauth [success=ok default=die] pam_domlogon.so\nauth required pam_permit.so\n",
            "auth [success=1 default=ignore] pam_unix.so nullok\nauth required pam_deny.so\nauth required pam_permit.so\n",
        ),
        (
            "unix-sufficient",
            "auth [success=done new_authtok_reqd=done default=ignore] pam_unix.so\nauth required pam_domlogon.so\nauth required pam_env.so\n",
            "auth [success=done new_authtok_reqd=done default=ignore] pam_unix.so\nauth required pam_deny.so\nauth required pam_env.so\n",
        ),
        (
            "unix-requisite",
            "auth [success=1 default=die] pam_unix.so\nauth required pam_domlogon.so\nauth required pam_env.so\n",
            "auth [success=1 default=die] pam_unix.so\nauth [default=ignore] pam_permit.so\nauth required pam_env.so\n",
        ),
        (
            "unix-last",
            "auth sufficient pam_domlogon.so\nauth required pam_unix.so\n",
            "auth [default=ignore] pam_permit.so\nauth required pam_unix.so\n",
        ),
        (
            "login",
            "account required pam_domlogon.so\nauth required pam_domlogon.so\n@include common-auth\n",
            "account [default=ignore] pam_permit.so\nauth [default=ignore] pam_permit.so\n@include common-auth\n",
        ),
        // Others bring this one in, and ask themselves.
        (
            "part",
            "auth required pam_domlogon.so\n",
            "auth [default=ignore] pam_permit.so\n",
        ),
        (
            "whole",
            "auth include \\\n part\nauth required pam_unix.so\n",
            "auth include \\\n part\nauth required pam_unix.so\n",
        ),
        (
            "joined",
            "auth \\\n  [success=1 \\\n default=ignore] \\\n  pam_domlogon.so \\\n  debug\nauth requisite pam_deny.so\n",
            "auth [default=ignore] pam_permit.so\nauth requisite pam_deny.so\n",
        ),
        (
            "joined-half",
            "# a comment \\\nauth required pam_unix.so # not joined \\\nauth required pam_domlogon.so \\\n  debug\nsession optional pam_domlogon.so \\",
            "# a comment \\\nauth required pam_unix.so # not joined \\\nauth [default=ignore] pam_permit.so\nsession [default=ignore] pam_permit.so",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let stacks = folder.path().to_str().unwrap();
    for (name, with, _) in files {
        std::fs::write(folder.path().join(name), with).unwrap();
    }
    let ran = std::process::Command::new("sh")
        .args([
            "-ec",
            &format!("{script}\nleave_pam").replace("/etc/pam.d", stacks),
        ])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let said = String::from_utf8(ran.stderr).unwrap();
    for (name, _, wanted) in files {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let text: String = text
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("# domlogon was removed"))
            .collect();
        assert_eq!(text, wanted, "{name}");
        let is_told = said.contains(&format!("{stacks}/{name} refuses everybody now"));
        assert_eq!(
            is_told,
            wanted.contains("required pam_deny"),
            "{name}: {said}"
        );
    }
    assert_eq!(std::fs::read_dir(stacks).unwrap().count(), files.len());
}

/// The stacks that are shipped for putting in by hand lose every line of ours.
#[test]
fn the_shipped_stacks() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pam.d/debian");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        if names_ours(&text) {
            seen += 1;
            let whole = super::without_ours(&text, false).unwrap();
            assert!(!whole.is_closed);
            let without = whole.text;
            assert!(!names_ours(&without));
            assert!(!rules(&without).iter().any(Rule::is_guard), "{without}");
            assert_eq!(without.matches('#').count(), text.matches('#').count());
        }
    }
    assert!(seen >= 5, "{seen}");
}

proptest! {
    #[test]
    fn any_text_survives(text in "((-?auth|session|@include|#)( |\t)?(\\[success=[0-9] default=ignore\\]|required|include|\\[)? ?(pam_domlogon.so|pam_localuser.so|é)?( |\\\\)?\r?\n){0,12}") {
        if let Ok(without) = without_ours(&text) {
            prop_assert!(!names_ours(&without));
            prop_assert_eq!(without_ours(&without).unwrap(), without.clone());
        }
    }
}
