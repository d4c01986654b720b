use super::*;
use domlogon_protocol::Right;
use proptest::prelude::*;

fn wrong(text: &str) -> String {
    let problem = parse(text).unwrap_err().problem(text);
    assert!(!problem.kind.is_warning());
    problem.to_string()
}

#[test]
fn a_file_is_read_as_it_is_written() {
    let text = "\u{feff}# who may come in\r\n\
        [rights]\r\n\
        SENETWORKLOGONRIGHT = [\"Everyone\",\r\n  'CORP\\contractors', # those\r\n  \"*S-1-5-11\",\r\n]\r\n\
        sedenybatchlogonright = []\r\n\
        [services]\r\n\
        VSFTPD = \"Network\"\r\n\
        cockpit = { type = \"remote-interactive\", can_change = false }\r\n\
        other = \"deny\"\r\n\
        [audit]\r\n\
        SeNetworkLogonRight = true\r\n\
        SeServiceLogonRight = false\r\n";
    let written = parse(text).unwrap();
    let network = RightName::allow(Right::Network);
    let entry = |text: &str, place| WrittenEntry {
        text: text.to_owned(),
        place,
    };
    assert_eq!(
        written,
        Written {
            lists: vec![
                (
                    network,
                    vec![
                        entry("Everyone", (3, 24)),
                        entry("CORP\\contractors", (4, 3)),
                        entry("*S-1-5-11", (5, 3)),
                    ]
                ),
                (RightName::deny(Right::Batch), vec![]),
            ],
            services: vec![
                ("vsftpd".to_owned(), LogonType::Network, None),
                (
                    "cockpit".to_owned(),
                    LogonType::RemoteInteractive,
                    Some(false)
                ),
                ("other".to_owned(), LogonType::Deny, None),
            ],
            audit: vec![network],
        }
    );
}

#[test]
fn nothing_said_is_nothing_written() {
    for text in [
        "",
        "\n# x\n",
        "\u{feff}",
        "[rights]\n[services]\n[audit]\n",
        "[rights]\r\n",
    ] {
        assert_eq!(parse(text).unwrap(), Written::default(), "{text:?}");
    }
}

#[test]
fn the_shipped_file_says_nothing_and_what_it_shows_is_right() {
    let text = include_str!("../../../../../packaging/rights.toml");
    assert_eq!(parse(text).unwrap(), Written::default());
    let all: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(option) if option.contains(" = ") && !option.starts_with(' ') => option,
            _ => line,
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let written = parse(&all).unwrap();
    let built_in = domlogon_rules::Rights::default().shown();
    assert_eq!(written.lists.len(), built_in.len());
    for (name, entries) in written.lists {
        let shown = built_in.iter().find(|list| list.name == name).unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| &*entry.text).collect();
        let holders: Vec<&str> = shown.entries.iter().map(|entry| entry.shown()).collect();
        assert_eq!(names, holders, "{name}");
    }
    assert!(!written.services.is_empty() && !written.audit.is_empty());
}

#[test]
fn an_error_names_the_place_and_what_was_expected() {
    for (text, said) in [
        ("[rights", "1:8: "),
        ("x = 1", "1:1: unknown key `x` before the first section"),
        (
            "senetworklogonright = []",
            "1:1: SeNetworkLogonRight stands in no section, expected [rights] above it",
        ),
        ("rights = []", "1:1: expected a section [rights]"),
        ("[[audit]]", "1:3: expected a section [audit]"),
        (
            "[Rights]\n",
            "1:2: unknown section [Rights], expected [rights], [services] or [audit]",
        ),
        (
            "[rights]\nSeTcbPrivilege = []",
            "2:1: there is no right \"SeTcbPrivilege\"",
        ),
        (
            "[audit]\nnetwork = true",
            "2:1: there is no right \"network\"",
        ),
        (
            "[rights]\nSeNetworkLogonRight = \"Everyone\"",
            "2:23: expected a list of names, such as [\"Everyone\"]",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\"a\", 1]",
            "2:29: expected a name or an identifier in quotes",
        ),
        (
            "[rights]\nSeNetworkLogonRight = []\nSENetworkLogonRight = []",
            "3:1: SENetworkLogonRight stands here for the second time",
        ),
        (
            "[rights]\nSeNetworkLogonRight = []\nSeNetworkLogonRight = []",
            "3:1: duplicate key",
        ),
        ("[rights]\n[rights]", "2:"),
        (
            "[services]\nsshd = \"ssh\"",
            "2:8: there is no logon type \"ssh\"",
        ),
        ("[services]\nsshd = 3", "2:8: expected a logon type"),
        (
            "[services]\n\"a/b\" = \"deny\"",
            "2:1: \"a/b\" is not the name of a service",
        ),
        (
            "[services]\n\"\" = \"deny\"",
            "2:1: \"\" is not the name of a service",
        ),
        (
            "[services]\n\"..\" = \"deny\"",
            "2:1: \"..\" is not the name of a service",
        ),
        (
            "[services]\nsshd = \"deny\"\nSSHD = \"permit\"",
            "3:1: SSHD stands here",
        ),
        ("[services]\nsshd = {}", "2:8: missing key `type`"),
        (
            "[services]\nsshd = { type = \"network\", change = true }",
            "2:28: unknown key `change`, expected `type` or `can_change`",
        ),
        (
            "[services]\nsshd = { type = \"network\", can_change = 1 }",
            "2:41: expected true or false",
        ),
        (
            "[audit]\nSeNetworkLogonRight = \"true\"",
            "2:23: expected true or false",
        ),
        (
            "[audit]\nSeNetworkLogonRight = true\nsenetworklogonright = false",
            "3:1: senetworklogonright stands here",
        ),
        // The first one in the file, whatever the order of its keys.
        ("[services]\nz = 1\n[rights]\na = 1", "2:5: "),
        ("[rights]\nz = 1\na = 1", "2:1: there is no right \"z\""),
    ] {
        let found = wrong(text);
        assert!(found.starts_with(said), "{text:?}: {found}");
        assert!(!found.contains('\n'), "{found}");
        assert_eq!(
            wrong(&format!("\u{feff}{}", text.replace('\n', "\r\n"))),
            found
        );
    }
}

#[test]
fn what_is_too_long_or_no_text_is_not_read() {
    let longest = format!("#{}\n", "x".repeat(MOST - 2));
    assert!(parse(&longest).is_ok());
    assert_eq!(
        wrong(&format!("{longest} ")),
        "the file is longer than 1048576 bytes"
    );
    let problem = text(b"[rights]\n# \xc3\xbc \xff").unwrap_err();
    assert_eq!(problem.to_string(), "2:5: expected text in UTF-8");
    assert_eq!(text("ü".as_bytes()), Ok("ü"));
}

#[test]
fn nothing_is_nested_too_deep() {
    let deep = |open: &str, close: &str| {
        let text = format!(
            "[rights]\nSeNetworkLogonRight = {}{}",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        assert!(parse(&text).is_err());
    };
    deep("[", "]");
    deep("{a=", "}");
    let dotted = format!("{} = 1", vec!["a"; 200_000].join("."));
    assert!(parse(&dotted).is_err());
}

#[test]
fn the_places_of_many_entries_in_one_line_are_found_in_time() {
    let entries = "\"a\",".repeat(200_000);
    let text = format!("[rights]\nSeNetworkLogonRight = [{entries}]\n");
    let start = std::time::Instant::now();
    let written = parse(&text).unwrap();
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    let (_, list) = &written.lists[0];
    assert_eq!(list.len(), 200_000);
    assert_eq!(list[199_999].place, (2, 24 + 4 * 199_999));
}

#[test]
fn many_services_are_read_in_time() {
    let services: String = (0..60_000).map(|n| format!("s{n}=\"deny\"\n")).collect();
    let start = std::time::Instant::now();
    let written = parse(&format!("[services]\n{services}")).unwrap();
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    assert_eq!(written.services.len(), 60_000);
}

#[test]
fn the_sections_tell_the_two_files_apart() {
    for (text, found) in [
        ("", Some((false, false))),
        ("[rights]\n", Some((true, false))),
        ("\u{feff}[audit]\n", Some((true, false))),
        ("[domain]\nname = 1\n", Some((false, true))),
        ("[domain]\n[services]\n", Some((true, true))),
        ("[rights", None),
    ] {
        assert_eq!(sections(text), found, "{text:?}");
    }
}

/// Pieces that a file is made of, so that more than the first error is reached.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "[rights]",
        "[services]",
        "[audit]",
        "[domain]",
        "\n",
        "\r\n",
        "\r",
        " = ",
        "[",
        "]",
        "{ type = ",
        "}",
        ", ",
        "can_change = true",
        "\"",
        "'",
        "\"\"\"",
        "#",
        ".",
        "\\",
        "\\u",
        "SeNetworkLogonRight",
        "seDENYbatchLogonRight",
        "sshd",
        "other",
        "\"Everyone\"",
        "\"CORP\\\\x\"",
        "\"*S-1-5-11\"",
        "[\"a\", 'b']",
        "\"network\"",
        "true",
        "false",
        "1",
        "1979-05-27",
        "\u{feff}",
        "\0",
        "ü",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_text_panics_the_parser(pieces in prop::collection::vec(piece(), 0..25)) {
        let text = pieces.concat();
        let lines = text.matches('\n').count() + 1;
        sections(&text);
        match parse(&text) {
            Ok(written) => for (_, entries) in written.lists {
                for entry in entries {
                    prop_assert!((entry.place.0 as usize) <= lines);
                }
            },
            Err(wrong) => {
                let shown = format!("{:#}", wrong.error(Path::new("x"), &text));
                prop_assert!(shown.starts_with("x:"));
                let problem = parse(&text).unwrap_err().problem(&text);
                prop_assert!(!problem.kind.is_warning());
            }
        }
    }

    #[test]
    fn no_bytes_panic_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = text(&bytes) {
            let _ = parse(text);
        }
    }
}
