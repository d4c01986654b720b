use super::*;
use crate::time::parse_expiry;
use domlogon_protocol::Timestamp;
use proptest::prelude::*;

const SHA: &str = "$6$saltsalt$8I.b4G3DjsLT2tP2xV/tNpOAXRUKAqL..YDmHbyFczmeC14E4dpuIzjIIXALLUQDxcn2hB2k6E28OEtgldO4A/";

fn table(text: &str) -> Found {
    csv::read(text.as_bytes()).unwrap()
}

fn passwd(text: &str, shadow: Option<&str>) -> Found {
    lines::read(text.as_bytes(), shadow.map(str::as_bytes)).unwrap()
}

fn names(found: &Found) -> Vec<(u32, &str)> {
    let users = found.users.iter();
    users
        .map(|user| (user.row, user.new.name.as_str()))
        .collect()
}

fn hash(user: &ImportedUser) -> Option<&str> {
    user.hash.as_ref().and_then(|hash| hash.text())
}

#[test]
fn every_column_of_a_table_arrives() {
    let found = table(&format!(
        "\u{feff}Name,Full Name,uid,home,shell,groups,password-hash,must_change,disabled,expires,\
         hours,workstations,cannot_change,password_never_expires,password_set\r\n\
         alice,\"Liddell, Alice\",5001,/srv/a,/bin/sh,Staff; Domain Admins,{SHA},yes,No,2026-12-31,\
         always,pc1;pc2,true,0,2026-01-31\r\n\
         \r\n\
         bob,,,,,,,,,,,,,,\n"
    ));
    assert_eq!(found.faults, []);
    assert_eq!(names(&found), [(2, "alice"), (4, "bob")]);
    let alice = &found.users[0];
    assert_eq!(alice.new.full_name.as_deref(), Some("Liddell, Alice"));
    assert_eq!(alice.new.uid, Some(5001));
    assert_eq!(alice.new.home.as_deref(), Some("/srv/a"));
    assert_eq!(alice.new.shell.as_deref(), Some("/bin/sh"));
    assert!(alice.new.must_change);
    assert_eq!(alice.groups, ["Staff", "Domain Admins"]);
    assert_eq!(hash(alice), Some(SHA));
    let changes = &alice.changes;
    assert_eq!(changes.disabled, Some(false));
    let Ok(crate::time::Expiry::At(end)) = parse_expiry("2026-12-31") else {
        panic!("no time");
    };
    assert_eq!(changes.expires, Some(Some(end)));
    assert_eq!(changes.hours, Some(None));
    let hosts = ["pc1".to_owned(), "pc2".to_owned()];
    assert_eq!(changes.workstations.as_deref(), Some(&hosts[..]));
    assert_eq!(changes.cannot_change, Some(true));
    assert_eq!(changes.password_never_expires, Some(false));
    assert!(changes.password_set_at.is_some());
    let bob = &found.users[1];
    assert!(bob.hash.is_none() && bob.groups.is_empty());
    assert_eq!(bob.changes, Default::default());
}

#[test]
fn every_bad_line_of_a_table_is_named() {
    let mut found = table(
        "name;uid;disabled;expires;hours\n\
         good;;;;\n\
         a;x;;;\n\
         b;1;perhaps;;\n\
         c;1;;soon;\n\
         d;1;;;whenever\n\
         e;1\n\
         ;1;;;\n\
         \"f;1;;;\n\
         GOOD;;;;\n\
         g;7;;;\n\
         h;7;;;\n",
    );
    found.find_doubles();
    let words: Vec<_> = found
        .faults
        .iter()
        .map(|(row, fault)| (*row, fault.word()))
        .collect();
    assert_eq!(
        words,
        [
            (3, "value"),
            (4, "value"),
            (5, "value"),
            (6, "value"),
            (7, "fields"),
            (8, "no_name"),
            (9, "quote"),
            (10, "same_name"),
            (12, "same_uid"),
        ]
    );
    assert_eq!(names(&found), [(2, "good"), (11, "g")]);
}

#[test]
fn a_header_must_be_understood() {
    let error = |text: &[u8]| csv::read(text).unwrap_err().to_string();
    assert!(error(b"").contains("`name`"));
    assert!(error(b"uid,home\n1,/a\n").contains("`name`"));
    assert!(error(b"name,password\n").contains("\"password\""));
    assert!(error(b"name,uid,Name\n").contains("\"Name\""));
    assert!(error(b"\xff\n").contains("cannot be read"));
}

#[test]
fn passwd_lines_with_their_shadow_file() {
    let text = "# comment\n\
        alice:x:5001:100:Alice Liddell,,,:/home/alice:/bin/zsh\n\
        locked:x:5002:100::/home/locked:\n\
        none:*:5003:100:::\n\
        old:$5$s$t:5004:100:::\n\
        +::::::\n";
    let shadow = format!(
        "root:*:19700:0:99999:7:::\n\
         alice:{SHA}:19700:0:99999:7::20000:\n\
         locked:!{SHA}:0::::::\n"
    );
    let found = passwd(text, Some(&shadow));
    assert_eq!(
        names(&found),
        [(2, "alice"), (3, "locked"), (4, "none"), (5, "old")]
    );
    assert_eq!(
        found.faults[..],
        [(
            6,
            LineFault::Value("the user id", String::new(), "a whole number")
        )]
    );
    let [alice, locked, none, old] = &found.users[..] else {
        panic!("not four");
    };
    assert_eq!(alice.new.full_name.as_deref(), Some("Alice Liddell"));
    assert_eq!((alice.new.uid, hash(alice)), (Some(5001), Some(SHA)));
    let at = |day: i64| Timestamp(day * 86_400);
    assert_eq!(alice.changes.password_set_at, Some(at(19_700)));
    // Closed from the first second of day 20000 on [shadow(5)].
    assert_eq!(alice.changes.expires, Some(Some(at(20_000).plus(-1))));
    assert_eq!(hash(locked), Some(SHA));
    assert_eq!(locked.changes.disabled, Some(true));
    assert!(locked.new.must_change && locked.new.shell.is_none());
    assert!(none.hash.is_none() && none.changes.disabled.is_none());
    assert_eq!(hash(old), Some("$5$s$t"));
}

#[test]
fn shadow_lines_and_pairs_stand_alone() {
    let found = passwd(&format!("a:{SHA}:19700:0:99999:7:::\nb:{SHA}\n"), None);
    assert_eq!(names(&found), [(1, "a"), (2, "b")]);
    assert!(found.users.iter().all(|user| hash(user) == Some(SHA)));
    assert!(found.users.iter().all(|user| user.new.uid.is_none()));
}

#[test]
fn every_bad_passwd_line_is_named() {
    let text = "a:x:5001:1:::\n\
        b:x:5002:1:::\n\
        c:x:5003:1:::\n\
        d::5004:1:::\n\
        e:*:many:1:::\n\
        f:*:1\n\
        :*:5005:1:::\n";
    let shadow = "b:*:soon::::::\nc:*:1::::::\nc:*:1::::::\n";
    let mut text = text.as_bytes().to_vec();
    text.extend_from_slice(b"\xff:*:5006:1:::\n");
    let found = lines::read(&text, Some(shadow.as_bytes())).unwrap();
    let faults: Vec<_> = found
        .faults
        .iter()
        .map(|(row, fault)| (*row, fault.word()))
        .collect();
    assert_eq!(
        faults,
        [
            (1, "no_shadow_line"),
            (2, "shadow_line"),
            (3, "same_shadow_name"),
            (4, "empty_password"),
            (5, "value"),
            (6, "fields"),
            (7, "no_name"),
            (8, "not_text"),
        ]
    );
    let missing = lines::read(b"a:x:5001:1:::\n", None).unwrap_err();
    assert!(missing.to_string().contains("--shadow"), "{missing}");
}

#[test]
fn the_first_line_shows_the_format() {
    for (text, format) in [
        ("", Format::Csv),
        ("name\nalice\n", Format::Csv),
        ("name,full_name\n", Format::Csv),
        ("# x\n\nalice:x:1:1:::\n", Format::Passwd),
        ("alice:$6$a$b\n", Format::Passwd),
        ("alice:*:1::::::\n", Format::Passwd),
        ("a:b:c\n", Format::Csv),
    ] {
        assert_eq!(format_of(text.as_bytes()), format, "{text}");
    }
}

#[test]
fn other_ids_are_left_out() {
    use clap::Parser;
    let arguments = ["domlogon", "user", "import", "f", "--uids", "1000-2000"];
    let parsed = crate::arguments::Arguments::try_parse_from(arguments).unwrap();
    let crate::arguments::Command::User(crate::arguments::User::Import(asked)) = parsed.command
    else {
        panic!("another command");
    };
    let mut found = passwd("a:*:999:1:::\nb:*:1000:1:::\nc:*:2001:1:::\nd:*\n", None);
    found.keep(asked.uids.unwrap());
    assert_eq!(names(&found), [(2, "b"), (4, "d")]);
    assert_eq!(found.left_out, 2);
}

#[test]
fn every_fault_has_a_sentence() {
    for fault in [
        LineFault::NotText,
        LineFault::Quote,
        LineFault::Fields(3, "7"),
        LineFault::NoName,
        LineFault::Value("uid", "x\u{1b}".to_owned(), "a whole number"),
        LineFault::SameName(3),
        LineFault::SameUid(3),
        LineFault::EmptyPassword,
        LineFault::NoShadowLine,
        LineFault::SameShadowName(3),
        LineFault::ShadowLine(3),
        LineFault::Refused(Box::new(AdminError::IdTooLow(5, 1000))),
        LineFault::Refused(Box::new(AdminError::NameTaken("a".to_owned()))),
        LineFault::Refused(Box::new(AdminError::NoSuchGroup(
            "\u{1b}]0;x\u{7}".to_owned(),
        ))),
        LineFault::Refused(Box::new(AdminError::IdTaken(5, "\u{1b}[2J".to_owned()))),
    ] {
        let text = fault.to_string();
        assert!(
            text.ends_with('.') || text.ends_with("domlogon group list"),
            "{text}"
        );
        assert!(!text.contains(char::is_control), "{text}");
    }
}

/// Each line is either an account or a fault, but for empty ones and comments.
fn nothing_is_lost(found: &Found, lines: usize) -> bool {
    found.users.len() + found.faults.len() == lines
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = csv::read(&bytes);
        let _ = lines::read(&bytes, None);
        let _ = lines::read(b"a:x:1:1:::\n", Some(&bytes));
        let _ = format_of(&bytes);
    }

    #[test]
    fn no_line_of_a_table_is_lost(lines in prop::collection::vec("[a-c,;\":\\$ é]{1,12}", 0..12)) {
        let lines: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let mut found = csv::read(format!("name,full_name\n{text}").as_bytes()).unwrap();
        prop_assert!(nothing_is_lost(&found, lines.len()));
        found.find_doubles();
        prop_assert!(nothing_is_lost(&found, lines.len()));
    }

    #[test]
    fn no_passwd_line_is_lost(lines in prop::collection::vec("[a-c:*!\\$0-9,é]{1,14}", 0..12)) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let mut found = self::lines::read(text.as_bytes(), Some(b"")).unwrap();
        prop_assert!(nothing_is_lost(&found, lines.len()));
        found.find_doubles();
        prop_assert!(nothing_is_lost(&found, lines.len()));
    }

    #[test]
    fn what_is_quoted_comes_back(fields in prop::collection::vec("[a-c,; \"é]{0,8}", 1..5)) {
        let quoted: Vec<String> = fields
            .iter()
            .map(|field| format!("\"{}\"", field.replace('"', "\"\"")))
            .collect();
        prop_assert_eq!(csv::fields(&quoted.join(","), ','), Ok(fields));
    }
}
