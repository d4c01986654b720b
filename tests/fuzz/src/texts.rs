//! Texts that people write: hours, times, names, identifiers, and hashes of other systems.

use crate::Target;
use crate::cut::{Cut, text};
use crate::seed;
use domlogon_cli::fuzzed as cli;
use domlogon_protocol::{LogonHours, Secret, Sid, Timestamp, UserName};
use domlogon_rules::durations::{self, Span};
use domlogon_rules::hours;

/// Logon hours, as written, in any zone; and as the domain stores them.
pub(crate) const HOURS: Target = Target {
    name: "hours",
    run: hours_text,
    seeds: || {
        [
            "Mon-Fri 08:00-18:00; Sat 09:00-12:00",
            "Mon, Wed 08:00-12:00",
            "Fri-Mon 22:00-06:00 UTC",
            "always",
            "NEVER",
            "mon-fri 8-18, 19-20; Sun 00:00-24:00",
            "Sun-Sat 0-24 0-24 0-24",
            "Mon Tue Wed Thu 05:30-06:30",
        ]
        .iter()
        .flat_map(|text| {
            [0_i16, 60, -300, 330].map(|offset| {
                let mut input = offset.to_le_bytes().to_vec();
                input.extend(1_795_417_200_i64.to_le_bytes());
                input.extend(text.bytes());
                input
            })
        })
        .collect()
    },
    words: &[
        "Mon",
        "-Fri",
        " 08:00-18:00",
        "; ",
        ", ",
        "UTC",
        "always",
        "24:00",
        "0-24",
    ],
    longest: 4096,
    smoke: 3_000,
};

/// The zone, an instant, and the text.
fn hours_text(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    let offset = i32::from(i16::from_le_bytes(cut.array()));
    let now = Timestamp(i64::from_le_bytes(cut.array()));
    if let Some(given) = text(cut.0) {
        match hours::parse(given, offset) {
            Ok(read) => same_again(&read, offset, now),
            Err(error) => drop(error.to_string()),
        }
    }
    if let Some(stored) = cut.0.first_chunk::<21>() {
        same_again(&LogonHours(*stored), offset % 1440, now);
    }
}

fn same_again(stored: &LogonHours, offset: i32, now: Timestamp) {
    let written = hours::format(stored, offset);
    // Every zone of the world, and some more; nobody writes hours of another.
    if offset.abs() <= 1440 {
        let read = hours::parse(&written, offset);
        assert_eq!(read.as_ref(), Ok(stored), "{written} in {offset}");
    }
    match hours::next_allowed(stored, now) {
        Some(next) => assert!(next >= now && hours::allowed(stored, next)),
        None => assert!(
            (0..LogonHours::UNITS).all(|hour| !stored.allows(hour)) || now.0 > i64::MAX - 700_000
        ),
    }
}

/// Instants and lengths of time.
pub(crate) const TIMES: Target = Target {
    name: "times",
    run: times,
    seeds: || {
        [
            "2026-12-31",
            "2026-12-31 18:00",
            "2026-12-31T17:00:00Z",
            "now",
            "+30d",
            "-30d",
            "never",
            "1d12h30m5s",
            "forever",
            "0",
            "max-age=42d",
            "2026-12-31T18:00:00-05:00[America/New_York]",
            "+9223372036854775807s",
            "-106751991167300d",
            "9999-12-31T23:59:59Z",
            "-009999-01-01",
            "20261231120000.0Z",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
    words: &[
        "2026-",
        "12-31",
        "T",
        "Z",
        "+",
        "never",
        "d",
        "h",
        "9223372036854775807",
        "max-age=",
    ],
    longest: 256,
    smoke: 5_000,
};

fn times(bytes: &[u8]) {
    let Some(given) = text(bytes) else {
        return;
    };
    for at in cli::instants(given).into_iter().flatten() {
        assert!(cli::shown(at).iter().all(|shown| !shown.is_empty()));
    }
    if let Some(number) = bytes.first_chunk::<8>() {
        let _ = cli::shown(Timestamp(i64::from_le_bytes(*number)));
    }
    if let Ok(Span::Seconds(seconds)) = durations::parse(given) {
        assert!(seconds >= 0);
        let written = durations::format(seconds);
        assert_eq!(
            durations::parse(&written),
            Ok(Span::Seconds(seconds)),
            "{written}"
        );
    }
    let _ = domlogon_ad::fuzzed::generalized(given);
}

/// Names of users, as everybody reads them and as the NSS plugin does.
pub(crate) const USER_NAMES: Target = Target {
    name: "user_names",
    run: user_names,
    seeds: || {
        [
            "alice",
            "CORP\\Alice",
            "alice@corp.example",
            "a@b@c",
            "a\\b@c",
            "root",
            "\u{1e9e}X",
            "İ",
            "ΣΑΣ",
            " ",
            "a:b",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
    words: &["\\", "@", "CORP", "root", "\u{212a}", "\u{130}"],
    longest: 512,
    smoke: 20_000,
};

fn user_names(bytes: &[u8]) {
    domlogon_fuzz_nss::fuzzed::name(bytes);
    let Ok(name) = UserName::parse(bytes) else {
        return;
    };
    assert_eq!(
        UserName::parse(name.to_string().as_bytes()),
        Ok(name.clone())
    );
    let shown = name.to_string();
    assert!(!shown.contains(['\n', ':', '/', '\0']), "{shown:?}");
    // One spelling for all: what is folded stays as it is.
    let key = name.key();
    assert_eq!(UserName::fold(&key), key);
    let _ = name.belongs_to("CORP", "corp.example");
}

/// Security identifiers, in both forms.
pub(crate) const SIDS: Target = Target {
    name: "sids",
    run: sids,
    seeds: || {
        let binary = [
            1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xF4, 1, 0, 0,
        ];
        let mut all = vec![binary.to_vec()];
        all.extend(
            ["S-1-5-32-544", "s-1-1-0", "S-1-5-21-1-2-3-1000"].map(|text| text.as_bytes().to_vec()),
        );
        all
    },
    words: &["S-1-", "-4294967295", "281474976710655"],
    longest: 256,
    smoke: 20_000,
};

fn sids(bytes: &[u8]) {
    if let Some(sid) = Sid::from_bytes(bytes) {
        assert_eq!(sid.to_bytes(), bytes);
        assert_eq!(sid.to_string().parse(), Ok(sid.clone()));
        if let (Some(domain), Some(rid)) = (sid.domain_part(), sid.rid()) {
            assert_eq!(domain.with_rid(rid), sid);
        }
    }
    if let Some(sid) = text(bytes).and_then(|text| text.parse::<Sid>().ok()) {
        assert_eq!(Sid::from_bytes(&sid.to_bytes()), Some(sid.clone()));
        assert_eq!(sid.to_string().parse(), Ok(sid));
    }
}

/// Password hashes as crypt(5) writes them.
pub(crate) const HASHES: Target = Target {
    name: "hashes",
    run: hashes,
    seeds: || {
        [
            seed::HASH,
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1",
            "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.",
            "$y$j7T$abcdefgh$dHTGzAA3IGAZ0LHGVf4iGEE0ZJwGzvGZBkVt6A4bbBC",
            "$y$j75$zz$dHTGzAA3IGAZ0LHGVf4iGEE0ZJwGzvGZBkVt6A4bbBC",
            "$2b$05$x",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
    words: &["$y$j", "$6$", "$5$", "rounds=", "$", "1000"],
    longest: 256,
    smoke: 300,
};

fn hashes(bytes: &[u8]) {
    let Some(text) = text(bytes) else {
        return;
    };
    let Ok(compare) = domlogon_accounts::fuzzed::hash(text) else {
        return;
    };
    // A thousand rounds, or the memory of the least yescrypt: more would only cost time.
    let cheap = text.contains("$rounds=1000$") || text.starts_with("$y$j7");
    if cheap && text.len() < 200 {
        let wrong = compare(&Secret::new(b"not the word"));
        assert_eq!(wrong, Some(false), "{text} was taken");
        assert_eq!(compare(&Secret::new(b"")), Some(false));
    }
}
