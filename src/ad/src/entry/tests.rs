use super::*;
use crate::time::filetime;
use domlogon_rules::PasswordEnd;
use proptest::prelude::*;

const DAY: i64 = 86_400;
/// Long after 1601, long before now.
const SET: Timestamp = Timestamp(1_700_000_000);

/// S-1-5-21-1-2-3-1104
fn sid_bytes() -> Vec<u8> {
    Sid::domain(1, 2, 3).with_rid(1104).to_bytes()
}

fn attributes() -> Vec<(String, Vec<Vec<u8>>)> {
    let set = filetime(SET).to_string();
    let end = filetime(SET.plus(42 * DAY)).to_string();
    let texts = [
        ("sAMAccountName", "alice"),
        ("displayName", "Alice Example"),
        ("cn", "alice"),
        ("userAccountControl", "512"),
        ("msDS-User-Account-Control-Computed", "0"),
        ("accountExpires", "9223372036854775807"),
        ("pwdLastSet", &set),
        ("msDS-UserPasswordExpiryTimeComputed", &end),
        ("primaryGroupID", "513"),
        ("uSNChanged", "3900"),
    ];
    let mut all: Vec<(String, Vec<Vec<u8>>)> = texts
        .iter()
        .map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()]))
        .collect();
    all.push(("objectSid".to_owned(), vec![sid_bytes()]));
    all
}

/// Alice with these attributes changed; a value of `None` takes one away.
fn alice(changes: &[(&str, Option<&[u8]>)]) -> Result<Person, Flaw> {
    let mut all = attributes();
    for (name, value) in changes {
        all.retain(|(found, _)| found != name);
        if let Some(value) = value {
            all.push(((*name).to_owned(), vec![value.to_vec()]));
        }
    }
    Person::read(&Entry::new("CN=alice,DC=corp,DC=example", all))
}

fn with(name: &str, value: impl AsRef<[u8]>) -> Person {
    alice(&[(name, Some(value.as_ref()))]).unwrap()
}

fn time(instant: Timestamp) -> String {
    filetime(instant).to_string()
}

#[test]
fn an_ordinary_account_has_no_restriction() {
    let person = alice(&[]).unwrap();
    let mut expected = Account::new("alice", Sid::domain(1, 2, 3).with_rid(1104));
    expected.full_name = "Alice Example".to_owned();
    expected.has_password = true;
    expected.password_set = Some(SET);
    assert_eq!(person.account(), expected);
    assert_eq!(person.primary_group, 513);
    let bytes = serde_json::to_vec(&person).unwrap();
    assert_eq!(serde_json::from_slice::<Person>(&bytes).unwrap(), person);
    assert_eq!(
        alice(&[("displayName", None)]).unwrap().full_name,
        "alice",
        "without a display name it is the cn"
    );
}

#[test]
fn what_every_account_has_must_be_there_and_be_right() {
    for name in [
        "objectSid",
        "sAMAccountName",
        "userAccountControl",
        "pwdLastSet",
        "primaryGroupID",
    ] {
        for value in [None, Some(&b""[..]), Some(b"x:y"), Some(b"\xFF\xFE")] {
            assert!(alice(&[(name, value)]).is_err(), "{name} {value:?}");
        }
        let mut twice = attributes();
        let (_, values) = twice.iter_mut().find(|(found, _)| found == name).unwrap();
        values.push(values[0].clone());
        let flaw = Person::read(&Entry::new("CN=alice", twice)).unwrap_err();
        assert_eq!(flaw.0, name);
    }
    for name in [
        "accountExpires",
        "msDS-User-Account-Control-Computed",
        "lockoutTime",
    ] {
        assert!(alice(&[(name, None)]).is_ok(), "{name}");
        assert_eq!(alice(&[(name, Some(b"soon"))]), Err(Flaw(name)));
    }
    for bad in ["a@b", "CORP\\a", "a\nb", "a:b", ""] {
        assert!(alice(&[("sAMAccountName", Some(bad.as_bytes()))]).is_err());
    }
}

#[test]
fn flags_are_read_with_their_sign_and_the_access_list_decides_about_changes() {
    let flags = |value: &str| with("userAccountControl", value).account().flags;
    assert!(flags("514").contains(Flags::ACCOUNTDISABLE));
    assert!(flags("66048").contains(Flags::DONT_EXPIRE_PASSWD));
    assert!(flags("4096").contains(Flags::WORKSTATION_TRUST_ACCOUNT));
    assert_eq!(flags("-2147483136").bits(), 0x8000_0200);
    assert_eq!(flags("2147484160").bits(), 0x8000_0200);
    // The stored bit means nothing in a directory.
    assert!(!flags("576").contains(Flags::PASSWD_CANT_CHANGE));
    let mut person = alice(&[]).unwrap();
    person.cannot_change = true;
    assert!(person.account().flags.contains(Flags::PASSWD_CANT_CHANGE));
}

#[test]
fn the_account_ends_when_the_directory_says() {
    for never in ["0", "9223372036854775807"] {
        assert_eq!(with("accountExpires", never).account().expires, None);
    }
    let end = Timestamp(1_800_000_000);
    let account = with("accountExpires", time(end)).account();
    assert_eq!(account.expires, Some(end));
}

#[test]
fn the_password_ends_when_the_directory_says() {
    const ATTRIBUTE: &str = "msDS-UserPasswordExpiryTimeComputed";
    let domain = Policy::default();
    let end_of = |person: &Person| person.account().password_end(&person.policy(&domain));
    let end = |days: i64| PasswordEnd::After(SET.plus(days * DAY));
    assert_eq!(end_of(&alice(&[]).unwrap()), end(42));
    // A fine-grained policy of 20 days.
    let short = with(ATTRIBUTE, time(SET.plus(20 * DAY)));
    assert_eq!(end_of(&short), end(20));
    assert_eq!(
        end_of(&with(ATTRIBUTE, "9223372036854775807")),
        PasswordEnd::Never
    );
    assert_eq!(end_of(&with(ATTRIBUTE, "0")), PasswordEnd::Demanded);
    assert_eq!(end_of(&with("pwdLastSet", "0")), PasswordEnd::Demanded);
    assert_eq!(end_of(&with("pwdLastSet", "-1")), PasswordEnd::Demanded);
    // Where the directory does not say, the domain's age counts.
    assert_eq!(end_of(&alice(&[(ATTRIBUTE, None)]).unwrap()), end(42));
    // Odd, and over in any case.
    let early = with(ATTRIBUTE, time(SET.plus(-5)));
    assert_eq!(end_of(&early), PasswordEnd::After(SET.plus(1)));
    // DONT_EXPIRE wins over a demand.
    let person = alice(&[
        ("pwdLastSet", Some(b"0")),
        (ATTRIBUTE, Some(b"9223372036854775807")),
        ("userAccountControl", Some(b"66048")),
    ]);
    assert_eq!(end_of(&person.unwrap()), PasswordEnd::Never);
}

#[test]
fn a_lockout_counts_while_the_directory_says_so() {
    let locked = |computed: Option<&str>| {
        let at = time(SET);
        let person = alice(&[
            ("lockoutTime", Some(at.as_bytes())),
            ("badPwdCount", Some(b"5")),
            ("badPasswordTime", Some(at.as_bytes())),
            (
                "msDS-User-Account-Control-Computed",
                computed.map(str::as_bytes),
            ),
        ]);
        person.unwrap().account().lockout
    };
    assert_eq!(locked(Some("16")).since, Some(SET));
    assert_eq!(locked(Some("8388624")).since, Some(SET));
    assert_eq!(locked(Some("0")).since, None);
    assert_eq!(locked(None).since, Some(SET), "nobody says that it is over");
    assert_eq!(
        (locked(Some("0")).count, locked(Some("0")).last_bad),
        (5, Some(SET))
    );
    assert_eq!(
        with("lockoutTime", "0").account().lockout,
        Lockout::default()
    );
}

#[test]
fn hours_of_another_length_are_no_restriction() {
    assert_eq!(with("logonHours", [0; 21]).hours, Some(LogonHours::NEVER));
    for length in [0, 20, 22] {
        assert_eq!(with("logonHours", vec![0; length]).hours, None);
    }
}

#[test]
fn a_list_of_workstations_never_becomes_empty() {
    let list = |text: &str| with("userWorkstations", text).workstations;
    assert_eq!(list("WS1, ws2 ,,WS3"), ["WS1", "ws2", "WS3"]);
    // The rules find no host of such a name: nobody gets in by it.
    assert_eq!(list("+admins"), ["+admins"]);
    assert_eq!(list(" , "), [","]);
    assert!(alice(&[]).unwrap().workstations.is_empty());
    let long = "w,".repeat(2000);
    assert!(alice(&[("userWorkstations", Some(long.as_bytes()))]).is_err());
}

#[test]
fn texts_are_lines_and_fields_are_fields() {
    let person = alice(&[
        ("displayName", Some("A\nB\u{1b}[31m".as_bytes())),
        ("loginShell", Some(b"/bin/sh:x")),
        ("unixHomeDirectory", Some(b"/home/a\n")),
        ("gecos", Some("Älice, 1".as_bytes())),
        ("uidNumber", Some(b"10001")),
    ]);
    let person = person.unwrap();
    assert_eq!(person.full_name, "AB[31m");
    assert_eq!((person.login_shell, person.unix_home), (None, None));
    assert_eq!(person.gecos.as_deref(), Some("Älice, 1"));
    assert_eq!(person.uid_number, Some(10_001));
    let long = "ä".repeat(5000);
    assert!(with("displayName", &long).full_name.len() <= LONGEST);
    assert_eq!(with("loginShell", &long).login_shell, None);
    assert_eq!(with("uidNumber", "-1").uid_number, None, "then he has none");
}

#[test]
fn a_group() {
    let mut all = attributes();
    all.push(("groupType".to_owned(), vec![b"-2147483646".to_vec()]));
    all.push(("gidNumber".to_owned(), vec![b"10600".to_vec()]));
    let team = Team::read(&Entry::new("CN=team", all)).unwrap();
    assert_eq!(
        (team.group_type, team.gid_number),
        (0x8000_0002, Some(10_600))
    );
    assert_eq!(
        Team::read(&Entry::new("CN=team", attributes())),
        Err(Flaw("groupType"))
    );
}

proptest! {
    #[test]
    fn any_value_is_read_or_refused(
        at in 0_usize..25,
        value in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            any::<i64>().prop_map(|number| number.to_string().into_bytes()),
            "\\PC{0,40}".prop_map(String::into_bytes),
        ],
    ) {
        let name = PERSON[at];
        if let Ok(person) = alice(&[(name, Some(&value))]) {
            let policy = person.policy(&Policy::default());
            let _ = person.account().password_end(&policy);
        }
    }
}

#[test]
fn no_two_accounts_have_one_name() {
    let read = |text: &str| {
        let attributes = vec![("sAMAccountName".to_owned(), vec![text.as_bytes().to_vec()])];
        name(&Entry::new("CN=x", attributes))
    };
    for good in [
        "mike",
        "MIKE",
        "J\u{f6}rg",
        "\u{c5}sa",
        "\u{3a9}",
        "Ивáн",
        "漢字",
    ] {
        assert_eq!(read(good).as_deref(), Ok(good));
    }
    // The signs for kelvin, angstrom and ohm become the small letters k, å and ω.
    for double in ["mi\u{212a}e", "\u{212b}sa", "\u{2126}"] {
        assert!(read(double).is_err(), "{double}");
    }
}
