//! The files that the parts read, and those that the command edits.

use crate::Target;
use crate::cut::{Cut, text};
use crate::seed;
use domlogon_cli::fuzzed as cli;
use domlogon_daemon::fuzzed as daemon;
use domlogon_fuzz_nss::fuzzed as nss;
use domlogon_names::{About, Builder, COVER, GroupEntry, UserEntry};
use domlogon_protocol::RightName;
use std::io::Cursor;

/// domlogon.toml, and what `setup`, `join` and `leave` write into it.
pub(crate) const CONFIGURATION: Target = Target {
    name: "configuration",
    run: configuration,
    seeds: || {
        let shipped = include_bytes!("../../../packaging/domlogon.toml").to_vec();
        // Every option that is shown with its default, as it is in force then.
        let bare: String = include_str!("../../../packaging/domlogon.toml")
            .lines()
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| !rest.starts_with([' ', '#']))
                    .unwrap_or(line)
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let small: [&[u8]; 4] = [
            b"[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\nbackend = \"directory\"\n[directory]\nldap = \"ldaps\"\nca = \"/etc/ca.pem\"\nservers = [\n  \"dc1.corp.example\", # one\n]\n",
            b"[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n[ids]\nbase = 5000\nminimum = 2000\n[accounts]\nhome = \"/h/{user}\"\n",
            b"[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n[texts]\ncontact = \"ext. 4711\"\n[texts.sentences]\nDisabled = \"{user} is off. Ask {admin}.\"\nERROR_ACCOUNT_LOCKED_OUT = \"a { b\"\n",
            b"[domain]\nname = \"X\"\ndns_name = \"x.y\"\n#name = \"Y\"\n[directory]\ntickets = \"KEYRING:persistent:{uid}\"\nrotate = \"30d\"\noffline_age = \"never\"\n",
        ];
        let mut all: Vec<Vec<u8>> = small.map(<[u8]>::to_vec).to_vec();
        all.push(bare.into_bytes());
        all.push(shipped);
        all
    },
    words: &[
        "[domain]",
        "[ids]",
        "[accounts]",
        "[directory]",
        "[texts]",
        "[texts.sentences]",
        "name = ",
        "dns_name = ",
        "backend = ",
        "servers = ",
        "ldap = ",
        "ca = ",
        "\"\"\"",
        "'''",
        "\\u00e9",
        "{user}",
        "{uid}",
        "{admin}",
        "never",
        "30d",
    ],
    longest: 8192,
    smoke: 3_000,
};

fn configuration(bytes: &[u8]) {
    let Some(text) = text(bytes) else {
        return;
    };
    let read = daemon::configuration(text);
    if let Err([line, excerpt]) = &read {
        assert!(!line.contains('\n') || text.contains('\n'), "{line}");
        assert!(excerpt.starts_with(line.as_str()));
    }
    let servers = ["dc1.corp.example".to_owned(), "dc2.corp.example".to_owned()];
    if let Some((joined, left)) = cli::joined(text, "corp.example", &servers) {
        // What was right stays right, whatever was there.
        if read.is_ok() {
            assert!(daemon::configuration(&joined).is_ok(), "{joined}");
            assert!(daemon::configuration(&left).is_ok(), "{left}");
        }
    }
    if let Some(named) = cli::named(text, "ACME", "acme.example") {
        assert_eq!(cli::named(&named, "ACME", "acme.example"), None);
    }
}

/// rights.toml, as the daemon reads it.
pub(crate) const RIGHTS: Target = Target {
    name: "rights",
    run: rights,
    seeds: rights_seeds,
    words: RIGHTS_WORDS,
    longest: 4096,
    smoke: 5_000,
};

const RIGHTS_WORDS: &[&str] = &[
    "[rights]",
    "[services]",
    "[audit]",
    "rights.",
    "rights = {",
    "SeNetworkLogonRight",
    "SeDenyBatchLogonRight",
    "senetworklogonright",
    "\"Everyone\"",
    "'Users'",
    "# ",
    "\r\n",
    "\\\"",
    "type = ",
    "can_change = true",
    "[\n",
    ",\n]",
    "\u{feff}",
    "\"\"\"",
    "S-1-5-32-544",
];

fn rights_seeds() -> Vec<Vec<u8>> {
    let small: [&str; 8] = [
        seed::RIGHTS,
        "rights.SeNetworkLogonRight = [\"a\"]\n[services]\n",
        "rights = { \"SeNetworkLogonRight\" = [\"a\"], SeBatchLogonRight = [] }\n",
        "[rights]\r\nSeNetworkLogonRight = [\r\n  'a', # one\r\n  \"b\"\r\n]\r\n",
        "\u{feff}[ \"rights\" ]\n\tSeNetworkLogonRight = [\n    \"a\"\n  , \"b\"\n]\n#SeBatchLogonRight = []\n",
        "[rights]\nSENETWORKLOGONRIGHT = [ 'a' , ] # why\n[audit]\nSeBatchLogonRight = false\n",
        "[services]\nsshd = \"remote interactive\"\n\"x y\" = 1\n",
        "[rights]\n# SeNetworkLogonRight = [\"x\"]\nSeBatchLogonRight = \"\"\"\n[x]\"\"\"\n",
    ];
    let mut all: Vec<Vec<u8>> = small.map(|text| text.as_bytes().to_vec()).to_vec();
    all.push(include_bytes!("../../../packaging/rights.toml").to_vec());
    all
}

fn rights(bytes: &[u8]) {
    if let Err([line, excerpt]) = daemon::rights(bytes) {
        assert!(!line.is_empty() && (excerpt.is_empty() || excerpt.starts_with(&line)));
    }
}

/// rights.toml, as the command edits it and the daemon then reads it.
pub(crate) const RIGHTS_EDIT: Target = Target {
    name: "rights_edit",
    run: rights_edit,
    seeds: || {
        let mut all = Vec::new();
        for (index, text) in rights_seeds().into_iter().enumerate() {
            for entry in ["a", "new one", "CORP\\\"b\""] {
                let index = u8::try_from(index).unwrap_or(0);
                let mut input = vec![index % 4 + 2];
                input.extend(format!("{entry}\n").bytes());
                input.extend(&text);
                all.push(input);
            }
        }
        all
    },
    words: RIGHTS_WORDS,
    longest: 2048,
    smoke: 2_000,
};

/// Which list, an entry in a line, and the text.
fn rights_edit(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    let which = usize::from(cut.byte());
    let entry = String::from_utf8_lossy(cut.line()).into_owned();
    let (Some(right), Some(text)) = (RightName::ALL.get(which % 10), text(cut.0)) else {
        return;
    };
    let holders = ["Everyone".to_owned(), "a".to_owned()];
    let before = daemon::rights(text.as_bytes());
    let had = cli::entries(text, *right);
    let of = |text: &str| {
        let lists = daemon::rights(text.as_bytes()).ok()?;
        let mine = lists.iter().find(|(name, _)| name == right);
        let rest: Vec<_> = lists
            .iter()
            .filter(|(name, _)| name != right)
            .cloned()
            .collect();
        Some((mine.map(|(_, entries)| entries.clone()), rest))
    };
    let base = had.clone().unwrap_or_else(|| holders.to_vec());
    let new = [entry.clone(), "b".to_owned()];
    let rest = of(text).map(|(_, rest)| rest);
    if let Some(changed) = cli::grant(text, *right, &holders, &new) {
        let wanted: Vec<String> = base.iter().chain(&new).cloned().collect();
        assert_eq!(cli::entries(&changed, *right).as_ref(), Some(&wanted));
        // The daemon took the file before, and takes it now, with one list changed.
        if before.is_ok() {
            assert_eq!(
                of(&changed).map(|(mine, _)| mine),
                Some(Some(wanted)),
                "{changed}"
            );
            assert_eq!(
                of(&changed).map(|(_, rest)| names(&rest)),
                rest.as_deref().map(names)
            );
        }
        // And what was granted can be taken back.
        let back = cli::revoke(&changed, *right, &holders, &entry);
        if let Some(back) = back {
            let left: Vec<String> = base.iter().filter(|one| **one != entry).cloned().collect();
            let wanted = [
                left,
                if entry == "b" {
                    vec![]
                } else {
                    vec!["b".to_owned()]
                },
            ]
            .concat();
            assert_eq!(cli::entries(&back, *right), Some(wanted), "{changed}");
        }
    }
    if let Some(changed) = cli::revoke(text, *right, &holders, &entry) {
        let wanted: Vec<String> = base.into_iter().filter(|one| *one != entry).collect();
        assert_eq!(cli::entries(&changed, *right), Some(wanted));
        assert!(before.is_err() || of(&changed).is_some(), "{changed}");
    }
}

fn names(lists: &[(RightName, Vec<String>)]) -> Vec<(RightName, Vec<String>)> {
    let mut lists = lists.to_vec();
    lists.sort_by_key(|(name, _)| name.symbol());
    lists
}

/// The daemon's own files: lists and logons that were kept, the host's password, and the journal
/// of `enable`.
pub(crate) const STATE: Target = Target {
    name: "state",
    run: state,
    seeds: || {
        let texts: [&[u8]; 5] = [
            br#"0{"format":1,"version":7,"taken_at":7,"from_file":true,"lists":{"lists":[[{"right":"Network","side":"Deny"},[{"written":"CORP\\x","sid":{"authority":5,"sub":[21,1,2,3,1107]},"name":null}]]],"services":[["vsftpd","Deny",true]],"audit":[{"right":"Service","side":"Allow"}]}}"#,
            br#"1{"format":1,"since":7,"logons":[{"user":"alice","service":"sshd","granted":9,"refused":null},{"user":"bob","service":"login","granted":null,"refused":8},{"user":"eve","service":"x","granted":9223372036854775807,"refused":null}]}"#,
            br#"2{"domain":"CORP","dns_name":"corp.example","realm":"CORP.EXAMPLE","account":"WS1$","host":"ws1.corp.example","sid":"S-1-5-21-1-2-3","current":{"password":"x","kvno":2,"set_at":7},"pending":null,"previous":null}"#,
            br#"3{"phase":"pending","direction":"on","files":[{"path":"/etc/nsswitch.conf","existed":true,"mode":420,"uid":0,"gid":0}],"awaited":null,"account":null,"select":null}"#,
            b"3Module: domlogon\nx\nModule: unix\ny\n",
        ];
        texts.map(<[u8]>::to_vec).to_vec()
    },
    words: &[
        "\"format\":",
        "null",
        "true",
        "[]",
        "{}",
        "-1",
        "9223372036854775807",
        "Module: ",
    ],
    longest: 4096,
    smoke: 5_000,
};

fn state(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    match cut.byte() % 4 {
        0 => drop(daemon::kept_rights(cut.0)),
        1 => {
            let now = 1_795_417_200;
            if let Some(written) = daemon::kept_logons(cut.0, now) {
                assert!(daemon::kept_logons(&written, now).is_some());
            }
        }
        2 => {
            if let Some(written) = domlogon_ad::fuzzed::machine(cut.0) {
                assert_eq!(domlogon_ad::fuzzed::machine(&written), Some(written));
            }
        }
        _ => {
            if let Some(text) = text(cut.0) {
                cli::notes(text);
            }
        }
    }
}

/// The files of names, as the NSS plugin reads them.
pub(crate) const NAMES: Target = Target {
    name: "names",
    run: names_file,
    seeds: || {
        let files = [(3, None), (1, Some(domlogon_names::Id([7; 16]))), (0, None)];
        // Two numbers that lead to one another's records.
        let mut all = vec![[&[1], exchanged(names_of(3, None)).as_slice()].concat()];
        for (count, base) in files {
            let file = names_of(count, base);
            for how in [0, 1] {
                let mut input = vec![how];
                input.extend(file.get(COVER..).unwrap_or_default());
                all.push(input);
            }
        }
        all
    },
    words: &["user2000", "group5000", "alice"],
    longest: 8192,
    smoke: 5_000,
};

/// Whether the checksums are made good, and what follows the cover.
fn names_file(bytes: &[u8]) {
    let Some((how, contents)) = bytes.split_first() else {
        return;
    };
    let mut contents = contents.to_vec();
    if how % 2 == 1 {
        domlogon_names::fuzzed::seal(&mut contents);
    }
    let keys: [&[u8]; 5] = [b"user2000", b"user2001", b"group5000", b"gone", b""];
    let ids = [0, 999, 2000, 2001, 2002, 5000, 5001, u32::MAX];
    let _ = nss::names(&contents, &keys, &ids);
}

/// What follows the cover of a file in which the first two of a table by number lead to one
/// another.
fn exchanged(file: Vec<u8>) -> Vec<u8> {
    const TABLE_OF_IDS: usize = 96 + 16;
    let mut contents = file.get(COVER..).unwrap_or_default().to_vec();
    let table = contents
        .get(TABLE_OF_IDS..)
        .and_then(|rest| rest.first_chunk());
    let table = table.map_or(0, |table| u64::from_le_bytes(*table));
    let table = usize::try_from(table).unwrap_or(0);
    let places: Vec<usize> = (table..contents.len())
        .step_by(8)
        .map(|slot| slot + 4)
        .filter(|at| {
            contents
                .get(*at..at + 4)
                .is_some_and(|place| place != [0; 4])
        })
        .collect();
    if let [one, other, ..] = places[..] {
        (0..4).for_each(|byte| contents.swap(one + byte, other + byte));
    }
    contents
}

fn names_of(count: u32, base: Option<domlogon_names::Id>) -> Vec<u8> {
    let about = About {
        base,
        complete: true,
        lowest_id: 1000,
        short: "CORP",
        dns: "corp.example",
        created_at: 1_700_000_000,
    };
    let mut out = Cursor::new(Vec::new());
    let built = Builder::with_random(&mut out, &about, [9; 32]).and_then(|mut builder| {
        for uid in 2000..2000 + count {
            builder.user(&UserEntry {
                name: &format!("User{uid}"),
                uid,
                gid: 5000,
                full_name: "Some One",
                home: "/home/x",
                shell: "/bin/sh",
                expires_at: 0,
                groups: Some(&[5000, 5001]),
                groups_expire_at: 0,
            })?;
        }
        for gid in 5000..5000 + count.min(2) {
            builder.group(&GroupEntry {
                name: &format!("Group{gid}"),
                gid,
                members: &["User2000".to_owned(), "x".to_owned()],
                expires_at: 0,
            })?;
        }
        builder.finish()
    });
    built.unwrap_or_else(|error| panic!("{error}"));
    out.into_inner()
}

/// Files for `user import`: passwd(5) with or without shadow(5), and tables.
pub(crate) const IMPORT: Target = Target {
    name: "import",
    run: import,
    seeds: || {
        let hash = seed::HASH;
        [
            "0alice:x:1000:1000:Alice A.,,,:/home/alice:/bin/bash\nbob:x:1001:1001::/h:/bin/sh\n\0alice:$6$a$b:19000:0:99999:7:::\nbob:!:0::::::\n".to_owned(),
            format!("1alice:{hash}:19000:0:99999:7::20000:\nbob:!{hash}:-1::::::\n# x\n\ncarol:*:::::::\n"),
            format!("1alice:{hash}\nbob:!!\nalice:x\n"),
            format!("1name,full_name,uid,home,shell,groups,password_hash,must_change,disabled,expires,hours,workstations,cannot_change,password_never_expires,password_set\nalice,\"A, \"\"B\"\"\",2000,/h,/bin/sh,Staff;Users,!{hash},yes,no,2026-12-31,Mon-Fri 08:00-18:00,ws1;ws2,1,0,2026-01-31\n"),
            "1\u{feff}Name;Full Name;Hours\r\nalice;\"x\";always\r\n;;\r\nbob;y;Mon-Fri 8-18\r\n".to_owned(),
            "1name\tuid\n\"a\tb\"\t+7\n\"open\t1\n".to_owned(),
            "1name,hours\na,Mon Tue Wed 8-18 9-20 Sat-Sun 1-2\n".to_owned(),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
    words: &[
        "name",
        "uid",
        "groups",
        "password_hash",
        "expires",
        "hours",
        "workstations",
        "$y$j9T$",
        "$6$",
        "rounds=",
        "always",
        "never",
        "Mon-Fri 08:00-18:00",
        "2026-12-31",
        "\"\"",
        ":::",
    ],
    longest: 4096,
    smoke: 3_000,
};

/// Whether there is a shadow file behind a zero, and the file.
fn import(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    let has_shadow = cut.byte() % 2 == 0;
    let mut files = cut.0.splitn(2, |byte| *byte == 0);
    let (passwd, shadow) = if has_shadow {
        (files.next().unwrap_or_default(), files.next())
    } else {
        (cut.0, None)
    };
    let Some((users, faults)) = cli::import(passwd, shadow) else {
        return;
    };
    let lines = passwd.split(|byte| *byte == b'\n').count();
    assert!(users.len() + faults.len() <= lines);
    for user in &users {
        let row = usize::try_from(user.row).unwrap_or(usize::MAX);
        assert!((1..=lines).contains(&row));
        // No file opens an account by leaving something out.
        assert!(user.hash.as_ref().is_none_or(|hash| !hash.is_empty()));
        assert!(user.new.password.is_none());
    }
    for (_, fault) in &faults {
        assert!(!fault.contains('\n') && !fault.contains("$5$"), "{fault}");
    }
}

/// Files of the host: nsswitch.conf, /etc/pam.d, sshd_config.
pub(crate) const HOST: Target = Target {
    name: "host_files",
    run: host,
    seeds: || {
        let texts: [&[u8]; 6] = [
            b"# c\npasswd:         files systemd\ngroup:files  ldap # here\ninitgroups: files [NOTFOUND=return] sss\nshadow: files\n",
            b"passwd: domlogon files[SUCCESS=continue]sss\r\ngroup :  compat\r\n",
            b"auth [success=2 default=ignore] pam_localuser.so\n-auth  required  pam_x.so a \\\n b\naccount [success=1 default=ignore] pam_localuser.so\naccount requisite /lib/pam_domlogon.so quiet\n@include common-auth\nauth substack y\n",
            b"session optional pam_mkhomedir.so umask=0077\nsession optional pam_domlogon.so\npassword [success=3 user_unknown=ignore default=die] pam_domlogon.so use_authtok [a b]\npassword sufficient pam_unix.so\npassword requisite pam_deny.so\n",
            b"UsePAM yes\nMatch User \"a b\" Address *\n  ChallengeResponseAuthentication=no\nInclude /etc/ssh/*.conf\n",
            b"passwd: files [",
        ];
        texts.map(<[u8]>::to_vec).to_vec()
    },
    words: &[
        "passwd:",
        "group:",
        "initgroups:",
        "files",
        "systemd",
        "domlogon",
        "[NOTFOUND=return]",
        "auth",
        "account",
        "[success=1 default=ignore]",
        "pam_localuser.so",
        "pam_domlogon.so",
        "@include",
        "\\\n",
        "#",
        "requisite",
        "UsePAM",
        "Match",
    ],
    longest: 4096,
    smoke: 5_000,
};

fn host(bytes: &[u8]) {
    let Some(text) = text(bytes) else {
        return;
    };
    let edited = cli::name_services(text);
    assert!(edited.again.len() <= edited.with.len() && edited.without.len() <= text.len());
    if let Some(without) = cli::pam_without_ours(text) {
        // The text may be longer: a jump becomes "ignore", and our line a refusal.
        assert!(cli::pam_stack(&without) <= cli::pam_stack(text));
        assert_eq!(
            cli::pam_without_ours(&without).as_deref(),
            Some(without.as_str())
        );
    }
    assert!(cli::pam_stack(text) <= text.lines().count() + 1);
    for line in text.lines() {
        let _ = cli::sshd(line);
    }
}
