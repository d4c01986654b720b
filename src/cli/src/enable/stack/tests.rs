use super::*;
use proptest::prelude::*;

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
auth required pam_c.so
";
    assert_eq!(
        without_ours(with).unwrap(),
        "auth [success=1 default=ignore] pam_a.so\nauth required pam_b.so\nauth required pam_c.so\n"
    );
}

#[test]
fn a_jump_over_nothing_leaves_the_result_as_it_is() {
    let with = "auth [success=1 default=ignore] pam_succeed_if.so uid < 1000\nauth required pam_domlogon.so\nauth required pam_c.so\n";
    assert_eq!(
        without_ours(with).unwrap(),
        "auth [success=ignore default=ignore] pam_succeed_if.so uid < 1000\nauth required pam_c.so\n"
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

/// The stacks that are shipped for putting in by hand lose every line of ours.
#[test]
fn the_shipped_stacks() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pam.d/debian");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        if names_ours(&text) {
            seen += 1;
            let without = without_ours(&text).unwrap();
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
