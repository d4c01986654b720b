use super::control::Action;
use super::library::{Library, Step};
use super::simulate::run;
use super::*;
use proptest::prelude::*;

fn modules(text: &str) -> Vec<(usize, String)> {
    let (lines, _) = parse(text);
    lines
        .into_iter()
        .map(|line| match line.directive {
            Directive::Module(rule) => {
                (line.number, format!("{} {}", rule.kind.word(), rule.module))
            }
            other => (line.number, format!("{other:?}")),
        })
        .collect()
}

#[test]
fn odd_lines_are_read_as_libpam_reads_them() {
    for (text, expected) in [
        ("auth required pam_x.so", vec![(1, "auth pam_x.so")]),
        (
            "\n  AUTH\tRequired\tpam_x.so # why\n",
            vec![(2, "auth pam_x.so")],
        ),
        ("#auth required pam_x.so\n", vec![]),
        ("-session optional pam_x.so", vec![(1, "session pam_x.so")]),
        (
            "account \\\n  [success=1 \\\n default=ignore] pam_x.so\naccount required pam_y.so",
            vec![(1, "account pam_x.so"), (4, "account pam_y.so")],
        ),
        (
            "auth [ success = 2 default = die ] pam_x.so a [b c]",
            vec![(1, "auth pam_x.so")],
        ),
        ("auth required pam_x.so\\", vec![(1, "auth pam_x.so")]),
    ] {
        let expected: Vec<(usize, String)> = expected
            .into_iter()
            .map(|(number, text)| (number, text.to_owned()))
            .collect();
        assert_eq!(modules(text), expected, "{text:?}");
    }
}

#[test]
fn arguments_in_brackets_are_one() {
    let (lines, _) = parse("auth required pam_x.so one [two \\] three] four");
    let Directive::Module(rule) = &lines[0].directive else {
        panic!("{lines:?}");
    };
    assert_eq!(rule.arguments, ["one", "[two \\] three]", "four"]);
    assert_eq!(rule.name(), "pam_x");
}

#[test]
fn what_libpam_cannot_read_is_broken() {
    for text in [
        "@include",
        "authz required pam_x.so",
        "auth",
        "auth required",
        "auth need pam_x.so",
        "auth [success=sure] pam_x.so",
        "auth [succes=1] pam_x.so",
        "auth [success] pam_x.so",
        "auth [success=1 default=ignore pam_x.so y",
    ] {
        let (lines, _) = parse(text);
        assert!(
            matches!(lines[0].directive, Directive::Broken { .. }),
            "{text}: {lines:?}"
        );
    }
}

#[test]
fn carriage_returns_are_told_and_left_out() {
    let (lines, carriage) = parse("auth required pam_x.so\naccount required pam_y.so\r\n");
    assert_eq!(carriage, Some(2));
    assert_eq!(lines.len(), 2);
    assert_eq!(parse("auth required pam_x.so\n").1, None);
}

#[test]
fn controls() {
    let control = |text| Control::parse(text).unwrap();
    assert_eq!(control("required").action("auth_err"), Action::Bad);
    assert_eq!(control("requisite").action("auth_err"), Action::Die);
    assert_eq!(control("Sufficient").action("success"), Action::Done);
    assert_eq!(control("optional").action("auth_err"), Action::Ignore);
    assert_eq!(control("[success=3]").action("success"), Action::Jump(3));
    assert_eq!(control("[success=0]").action("success"), Action::Ignore);
    assert_eq!(control("[success=ok]").action("perm_denied"), Action::Bad);
    assert_eq!(
        control("[default=reset]").action("perm_denied"),
        Action::Reset
    );
    assert!(!control("[default=ignore]").names("perm_denied"));
}

fn stack(files: &[(&str, &str)]) -> Vec<Step> {
    let mut library = Library::default();
    for (name, text) in files {
        library.add(name, format!("/etc/pam.d/{name}"), text);
    }
    library.stack("s", Kind::Auth)
}

/// The code of a stack whose modules return what they are called.
fn played(files: &[(&str, &str)]) -> &'static str {
    let steps = stack(files);
    run(&steps, &|step| {
        Some(match step.rule().map(Rule::name) {
            Some("yes") => "success",
            Some("no") => "auth_err",
            Some("new") => "new_authtok_reqd",
            Some("nobody") => "user_unknown",
            _ => "ignore",
        })
    })
    .code
}

#[test]
fn stacks_end_as_in_libpam() {
    for (text, code) in [
        ("", "perm_denied"),
        ("auth required yes", "success"),
        (
            "auth required yes\nauth required no\nauth required nobody",
            "auth_err",
        ),
        ("auth optional no", "perm_denied"),
        ("auth sufficient yes\nauth required no", "success"),
        ("auth required no\nauth sufficient yes", "auth_err"),
        ("auth requisite no\nauth required nobody", "auth_err"),
        (
            "auth [success=1] yes\nauth required no\nauth required yes",
            "success",
        ),
        // A jump alone is no yes, and one past the end is a no.
        ("auth [success=1] yes\nauth required no", "perm_denied"),
        (
            "auth required yes\nauth [success=2] yes\nauth required yes",
            "perm_denied",
        ),
        (
            "auth required yes\nauth required new\nauth required yes",
            "new_authtok_reqd",
        ),
        (
            "auth required no\nauth [default=reset] nobody\nauth required yes",
            "success",
        ),
        ("auth required ignored", "perm_denied"),
    ] {
        assert_eq!(played(&[("s", text)]), code, "{text}");
    }
}

#[test]
fn a_substack_ends_among_itself_and_is_one_step_for_a_jump() {
    let inner = ("t", "auth sufficient yes\nauth required no");
    let after = "auth substack t\nauth required no";
    assert_eq!(played(&[("s", after), inner]), "auth_err");
    assert_eq!(
        played(&[("s", "auth include t\nauth required no"), inner]),
        "success"
    );
    let jump = "auth [success=1] yes\nauth substack t\nauth required nobody";
    assert_eq!(played(&[("s", jump), inner]), "user_unknown");
    let jump = "auth [success=1] yes\nauth include t\nauth required yes";
    assert_eq!(
        played(&[("s", jump), inner]),
        "auth_err",
        "into the included lines"
    );
    let dies = ("t", "auth requisite no");
    assert_eq!(
        played(&[("s", "auth substack t\nauth required yes"), dies]),
        "auth_err"
    );
}

#[test]
fn a_kind_without_lines_is_that_of_other() {
    let files = [
        ("s", "account required no"),
        ("other", "auth required nobody"),
    ];
    assert_eq!(played(&files), "user_unknown");
}

#[test]
fn rings_end_in_a_refusal() {
    assert_eq!(
        played(&[("s", "@include s\n@include s\nauth required yes")]),
        "perm_denied"
    );
    assert_eq!(
        played(&[("s", "auth substack t"), ("t", "auth include s")]),
        "perm_denied"
    );
    assert_eq!(
        played(&[("s", "auth include nowhere\nauth required yes")]),
        "perm_denied"
    );
}

proptest! {
    #[test]
    fn no_file_is_too_odd(text in "[a-z@\\[\\]=\\\\ #\n\r\t\u{0}-\u{ff}]{0,200}", more in ".{0,200}") {
        for text in [&text, &more] {
            let steps = stack(&[("s", text), ("t", "@include s"), ("other", "@include t")]);
            let outcome = run(&steps, &|_| Some("success"));
            prop_assert!(outcome.ran.len() <= 2000);
        }
    }

    #[test]
    fn no_stack_of_real_words_is_too_odd(words in prop::collection::vec(
        prop::sample::select(vec![
            "auth", "-auth", "account", "@include", "include", "substack", "s", "t", "required",
            "sufficient", "[success=1 default=ignore]", "[default=99999999999]", "[success=4294967295]",
            "pam_unix.so", "\n", "\\\n", "#", "[",
        ]),
        0..80,
    )) {
        let text = words.join(" ");
        let steps = stack(&[("s", &text), ("t", &text)]);
        let outcome = run(&steps, &|_| Some("success"));
        prop_assert!(outcome.ran.len() <= 2000);
    }
}
