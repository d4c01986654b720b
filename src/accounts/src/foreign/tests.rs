use super::*;
use proptest::prelude::*;

/// Made by the crypt(3) of libxcrypt 4.4 (through perl) and by `openssl passwd`.
const MADE_ELSEWHERE: [(&str, &str); 9] = [
    (
        "Passw0rd-y",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$94JIwjzr0rdMxY4QWQtpoOjc4DYl0HiWkGamLndUkr0",
    ),
    (
        "Passw0rd-y",
        "$y$j75$F5Jx5fExrKuPp53xLKQ..1$VOUcEBr8qdOkN5yqDv05.0eFN7MbzDSE91TvVPR7PF1",
    ),
    (
        "x",
        "$y$j95$abcdefgh$blwbUlUuBe8Y3HhJSe87T4FtszMmsvzCfRxOZlbiVmB",
    ),
    (
        "x",
        "$y$jAT$abcdefgh$ToS5pNY.L9lkVCk0htwZooL7qfo0I2tHRxGFc8OtKy2",
    ),
    (
        "Passw0rd-6",
        "$6$saltsalt$8I.b4G3DjsLT2tP2xV/tNpOAXRUKAqL..YDmHbyFczmeC14E4dpuIzjIIXALLUQDxcn2hB2k6E28OEtgldO4A/",
    ),
    (
        "Passw0rd-6",
        "$6$rounds=1000$saltsalt$33QPUZHH62Nu7cdS5UdTn.K2OJABu3oyrCH9eQwnQg2G9qSN7Fw.KqD8ELbMQds0QDPxX9ybYqRRvB1.01cD.0",
    ),
    (
        "Passw0rd-6",
        "$6$ab$8x5CdpFNEjY39nefFltN0CAYUZfhyuXxS5rnSqMmASrHvWS79xxkJkh7MvTn2xj4pF0TnZ/M.MNelp2KY.FBH1",
    ),
    (
        "Passw0rd-5",
        "$5$saltsalt$Ge5TqXnJzcRbtvQzfvgi7RgK6MPg.gYWP13xCc5nk81",
    ),
    (
        "Ärger-x",
        "$6$x$K.GbzLIEiT21oUOEeAWOwbOxCjHT/sFhnIH01GhxKYDItr7RsC5tbvH2VDBg6KRSQ/Ou6c5DCGMFaEw6ULF3w.",
    ),
];

fn matches(password: &str, hash: &str) -> bool {
    let foreign = Foreign::parse(hash).unwrap();
    foreign.matches(&Secret::new(password.as_bytes())).unwrap()
}

#[test]
fn hashes_made_elsewhere_open_to_their_passwords_alone() {
    for (password, hash) in MADE_ELSEWHERE {
        assert!(matches(password, hash), "{password} {hash}");
        assert!(!matches("Passw0rd-Y", hash), "{hash}");
        assert!(!matches(&format!("{password} "), hash), "{hash}");
    }
}

#[test]
fn the_empty_and_the_far_too_long_match_nothing() {
    let (_, hash) = MADE_ELSEWHERE[4];
    assert!(!matches(&"x".repeat(LONGEST + 1), hash));
    assert!(!matches(&"x".repeat(2048), hash));
    // This one is the hash of the empty password.
    let blank = "$6$x$QSmr1Bx2g4O6BzKvdkgOcyU6H91X6I/XBv5pSalMhSPkwdH6Beo3F455xZJg0v//bxVK5F4OE5k1.0xuR26MK0";
    assert!(!matches("", blank));
}

#[test]
fn any_other_digit_is_another_hash_or_none() {
    for (password, hash) in [MADE_ELSEWHERE[1], MADE_ELSEWHERE[5], MADE_ELSEWHERE[7]] {
        let last = hash.rfind('$').unwrap();
        for at in [last - 1, last + 1, last + 20, hash.len() - 1] {
            let mut other = hash.to_owned();
            let digit = if hash.as_bytes()[at] == b'.' {
                "/"
            } else {
                "."
            };
            other.replace_range(at..=at, digit);
            if let Ok(foreign) = Foreign::parse(&other) {
                let secret = Secret::new(password.as_bytes());
                assert!(!foreign.matches(&secret).unwrap(), "{other}");
            }
        }
    }
}

#[test]
fn what_cannot_be_taken_says_why() {
    let hash43 = "94JIwjzr0rdMxY4QWQtpoOjc4DYl0HiWkGamLndUkr0";
    let hash86 = format!("{hash43}{}", &hash43[..43]);
    let malformed = HashError::Malformed;
    for (text, why) in [
        (String::new(), HashError::UnknownKind),
        ("*".to_owned(), HashError::UnknownKind),
        ("!".to_owned(), HashError::UnknownKind),
        (
            "$1$abc$3vXhNHZHuzCQtcVRbGzdo1".to_owned(),
            HashError::UnknownKind,
        ),
        ("$2b$12$x".to_owned(), HashError::UnknownKind),
        ("$gy$j9T$x$y".to_owned(), HashError::UnknownKind),
        ("$argon2id$v=19$x".to_owned(), HashError::UnknownKind),
        ("ab8HsX1L6q2Fw".to_owned(), HashError::UnknownKind),
        ("$y$".to_owned(), malformed),
        (format!("$y$j9T$salt${}", &hash43[1..]), malformed),
        (format!("$y$j9T$salt${}z", &hash43[1..]), malformed),
        (format!("$y$j9T$salts${hash43}"), malformed),
        (format!("$y$j9T$${hash43}"), malformed),
        (format!("$y$j9T$salt${hash43}$"), malformed),
        (format!("$y$j.5$salt${hash43}"), malformed),
        (format!("$y$j9/$salt${hash43}"), malformed),
        (format!("$y$/9T$salt${hash43}"), malformed),
        (format!("$y$jFT$salt${hash43}"), HashError::TooCostly),
        (format!("$y$jkk$salt${hash43}"), HashError::TooCostly),
        (format!("$y$jzz$salt${hash43}"), HashError::TooCostly),
        (format!("$5$salt${}", &hash43[1..]), malformed),
        (format!("$5$sal t${hash43}"), malformed),
        (format!("$5$saltsaltsaltsalts${hash43}"), malformed),
        (format!("$5$$${hash43}"), malformed),
        (format!("$5$rounds=$salt${hash43}"), malformed),
        (format!("$5$rounds=+5000$salt${hash43}"), malformed),
        (format!("$5$rounds=05000$salt${hash43}"), malformed),
        (format!("$5$rounds=999$salt${hash43}"), malformed),
        (
            format!("$5$rounds=1000001$salt${hash43}"),
            HashError::TooCostly,
        ),
        (
            format!("$5$rounds=99999999999$salt${hash43}"),
            HashError::TooCostly,
        ),
        (format!("$6$salt${hash43}"), malformed),
        (format!("$5$salt${hash86}"), malformed),
    ] {
        assert_eq!(Foreign::parse(&text).err(), Some(why), "{text}");
    }
    // The dearest that is taken.
    assert!(Foreign::parse(&format!("$y$jDT$salt${hash43}")).is_ok());
    assert!(Foreign::parse(&format!("$5$rounds=1000000$salt${hash43}")).is_ok());
}

proptest! {
    #[test]
    fn whatever_is_taken_can_be_compared(
        kind in prop::sample::select(vec!["$y$j75$", "$y$j85$", "$6$", "$5$", "$6$rounds=1000$"]),
        rest in "[./0-9A-Za-z]{0,22}\\$[./0-9A-Za-z]{42,44}",
        longer in "[./0-9A-Za-z]{43}",
        is_longer in any::<bool>(),
    ) {
        let text = format!("{kind}{rest}{}", if is_longer { &longer } else { "" });
        if let Ok(foreign) = Foreign::parse(&text) {
            prop_assert!(!foreign.matches(&Secret::new(b"x")).unwrap());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\$[y56]\\$.{0,90}", other in any::<String>()) {
        let _ = Foreign::parse(&text);
        let _ = Foreign::parse(&other);
    }
}
