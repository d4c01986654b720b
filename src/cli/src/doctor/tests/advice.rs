//! What is advised does what it is to do, and harms nobody else.

use super::report;
use super::tree::Tree;

/// A stack in which pam_unix is `sufficient`, and the rest refuses: whatever is advised, root and
/// the local users get in by it.
#[test]
fn whoever_lays_the_lines_that_are_advised_keeps_root_and_the_local_users() {
    const AUTH: &str = "/etc/pam.d/common-auth";
    const PASSWORD: &str = "/etc/pam.d/common-password";
    let page = |kind: &str| {
        let jump = "user_unknown=ignore open_err=ignore symbol_err=ignore module_unknown=ignore";
        let ignored = match kind {
            "auth" => {
                format!("authinfo_unavail=ignore system_err=ignore service_err=ignore {jump}")
            }
            _ => jump.to_owned(),
        };
        format!(
            "{kind} [success=1 default=ignore] pam_localuser.so\n\
             {kind} [success=2 {ignored} default=die] pam_domlogon.so\n\
             {kind} [success=1 default=ignore] pam_unix.so\n\
             {kind} requisite pam_deny.so\n{kind} required pam_permit.so\n"
        )
    };
    let red_hat = "auth required pam_env.so\nauth sufficient pam_unix.so nullok\n";
    let uid = "auth requisite pam_succeed_if.so uid >= 1000 quiet_success\n";
    let deny = "auth required pam_deny.so\n";
    for (file, text, code) in [
        (AUTH, format!("{red_hat}{deny}"), "pam-auth-missing"),
        (AUTH, format!("{red_hat}{uid}{deny}"), "pam-auth-missing"),
        // The end of its file, and its yes ends the stack of whoever includes it.
        (AUTH, red_hat.to_owned(), "pam-auth-missing"),
        (
            AUTH,
            format!("auth sufficient pam_domlogon.so\n{red_hat}{deny}"),
            "pam-auth-refusal-ignored",
        ),
        // A jump that would lead into the middle of them.
        (
            AUTH,
            "auth [success=1 default=ignore] pam_localuser.so\nauth required pam_unix.so\n".into(),
            "pam-auth-missing",
        ),
        (
            PASSWORD,
            "password requisite pam_pwquality.so\npassword sufficient pam_unix.so use_authtok\n\
             password required pam_deny.so\n"
                .to_owned(),
            "pam-password-missing",
        ),
        (
            AUTH,
            "auth required pam_unix.so\n".to_owned(),
            "pam-auth-missing",
        ),
    ] {
        let tree = Tree::debian();
        for module in ["pam_env", "pam_succeed_if", "pam_pwquality"] {
            let path = format!("/usr/lib/x86_64-linux-gnu/security/{module}.so");
            tree.write(&path, "");
        }
        tree.write(file, &text);
        let found = report(&tree);
        let Some(finding) = found.findings.iter().find(|one| one.code == code) else {
            panic!("{text}{}", found.text())
        };
        let mend = &finding.mend;
        let is_unix = |line: &&str| line.contains("pam_unix");
        let unix = text.lines().find(is_unix).unwrap();
        if mend.contains("in the place of pam_unix") {
            let kind = unix.split_whitespace().next().unwrap();
            tree.write(file, &text.replace(&format!("{unix}\n"), &page(kind)));
        } else {
            assert_eq!(mend, "domlogon enable", "{text}");
            assert!(text != "auth required pam_unix.so\n");
            continue;
        }
        let after = report(&tree);
        let harm = ["pam-local-locked-out", "pam-open-door", "pam-auth-refuses"];
        let harmed = after.findings.iter().find(|one| harm.contains(&one.code));
        assert!(harmed.is_none(), "{text}{mend}\n{}", after.text());
        assert!(unix.starts_with("auth required"), "{text}{mend}");
    }
}
