use super::*;

const SHORTEST: &str = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("t.toml"), text)
}

#[test]
fn the_shortest_configuration_has_every_default() {
    let config = parse(SHORTEST).unwrap();
    assert_eq!(
        config,
        Config {
            name: "CORP".into(),
            dns_name: "corp.example".into(),
            base: 1_900_000_000,
            minimum: 1000,
            database: "/var/lib/domlogon/accounts.db".into(),
            home: "/home/{user}".into(),
            shell: "/bin/bash".into(),
            directory: None,
            texts: Texts::default(),
            confinement: Confinement::Enforce,
        }
    );
}

#[test]
fn the_shipped_configuration_shows_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/domlogon.toml");
    let shipped = Config::read(&path).unwrap();
    assert_eq!(shipped, parse(SHORTEST).unwrap());
    // And with every commented option taken in, still the same.
    let text = fs::read_to_string(&path).unwrap();
    let all: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(option) if option.contains(" = ") && !option.starts_with(' ') => option,
            Some(section) if section.starts_with('[') => section,
            _ => line,
        })
        .map(|line| format!("{line}\n"))
        .collect();
    for option in ["base", "minimum", "database", "home", "shell", "contact"] {
        assert!(all.contains(&format!("\n{option} = ")), "{option}");
    }
    assert_eq!(parse(&all).unwrap(), shipped);
}

#[test]
fn an_error_names_the_place_and_what_was_expected() {
    for (lines, place, expected) in [
        ("[ids]\nbase = \"x\"", "t.toml:5:8", "a whole number"),
        ("[ids]\nbase = 999", "t.toml:5:8", "1000 to 2000000000"),
        ("[ids]\nbase = -1", "t.toml:5:8", "1000 to 2000000000"),
        ("[ids]\nbase = 4000000000", "t.toml:5:8", "1000 to"),
        ("[ids]\nminimum = 0", "t.toml:5:11", "1000 to"),
        (
            "[ids]\nminimum = 5000\nbase = 4000",
            "t.toml:6:8",
            "5000 to",
        ),
        ("[ids]\nbas = 1", "t.toml:5:1", "`base`"),
        ("[accounts]\nhome = \"/home\"", "t.toml:5:8", "{user}"),
        (
            "[accounts]\nhome = \"/home/{domain}/{user}\"",
            "t.toml:5:8",
            "{user}",
        ),
        ("[accounts]\nshell = \"bash\"", "t.toml:5:9", "full path"),
        (
            "[accounts]\nshell = \"/bin/a:b\"",
            "t.toml:5:9",
            "full path",
        ),
        ("[accounts]\ndatabase = 1", "t.toml:5:12", "a string"),
        ("[account]\n", "t.toml:4:2", "`accounts`"),
        ("[ids\n", "t.toml:4:5", "]"),
        ("ids = 1", "t.toml:4:1", "unknown field"),
    ] {
        let error = parse(&format!("{SHORTEST}{lines}\n")).unwrap_err();
        let shown = error.to_string();
        assert!(shown.starts_with(place), "{lines:?}: {shown}");
        assert!(shown.contains(expected), "{lines:?}: {shown}");
        assert!(!shown.contains('\n'), "{lines:?}: {shown}");
        assert_eq!(format!("{error:#}").matches('^').count().min(1), 1);
    }
}

#[test]
fn the_names_of_the_domain_are_judged() {
    for (name, dns, right) in [
        ("CORP", "corp.example", true),
        ("A-1", "a", true),
        ("", "corp.example", false),
        ("ABCDEFGHIJKLMNOP", "corp.example", false),
        ("CO RP", "corp.example", false),
        ("CO.RP", "corp.example", false),
        ("CO/RP", "corp.example", false),
        ("CORP", "", false),
        ("CORP", "corp..example", false),
        ("CORP", ".corp.example", false),
        ("CORP", "-corp.example", false),
        ("CORP", "corp example", false),
    ] {
        let text = format!("[domain]\nname = {name:?}\ndns_name = {dns:?}\n");
        assert_eq!(parse(&text).is_ok(), right, "{name} {dns}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (text, missing) in [
        ("", "`domain`"),
        ("[domain]\nname = \"CORP\"\n", "`dns_name`"),
        ("[domain]\ndns_name = \"corp.example\"\n", "`name`"),
    ] {
        let shown = parse(text).unwrap_err().to_string();
        assert!(shown.contains(missing), "{text:?}: {shown}");
    }
    let none = Config::read(Path::new("/nonexistent/x.toml")).unwrap_err();
    assert!(none.to_string().starts_with("/nonexistent/x.toml: "));
}

#[test]
fn the_caret_stands_under_the_value() {
    let error = parse(&format!("{SHORTEST}[ids]\n\tbase = \"x\" # ü\n")).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "t.toml:5:9: invalid type: string \"x\", expected a whole number\n  |\n\
         5 | \tbase = \"x\" # ü\n  | \t       ^^^"
    );
}

#[test]
fn a_reload_keeps_what_needs_a_restart() {
    let old = parse(SHORTEST).unwrap();
    let text = "[domain]\nname = \"OTHER\"\ndns_name = \"corp.example\"\n\
                [accounts]\ndatabase = \"/x.db\"\nshell = \"/bin/sh\"\n";
    let (config, waiting) = old.reloaded(parse(text).unwrap());
    assert_eq!(waiting, ["domain.name", "accounts.database"]);
    let shell = "/bin/sh".to_owned();
    assert_eq!(config, Config { shell, ..old });
}

#[test]
fn the_daemon_is_confined_unless_it_is_said() {
    for (text, confinement) in [
        ("", Confinement::Enforce),
        ("[daemon]\nconfine = \"enforce\"\n", Confinement::Enforce),
        ("[daemon]\nconfine = \"log\"\n", Confinement::Log),
        ("[daemon]\nconfine = \"off\"\n", Confinement::Off),
    ] {
        let config = parse(&format!("{SHORTEST}{text}")).unwrap();
        assert_eq!(config.confinement, confinement, "{text}");
        let (after, waiting) = config.reloaded(parse(SHORTEST).unwrap());
        assert_eq!(after.confinement, confinement);
        let waits = confinement != Confinement::Enforce;
        assert_eq!(
            waiting,
            if waits {
                vec!["daemon.confine"]
            } else {
                vec![]
            }
        );
    }
    let wrong = parse(&format!("{SHORTEST}[daemon]\nconfine = true\n"));
    assert!(wrong.is_err());
    let wrong = parse(&format!("{SHORTEST}[daemon]\nconfine = \"no\"\n")).unwrap_err();
    let expected = "expected \"enforce\" or \"log\" or \"off\"";
    assert!(wrong.to_string().contains(expected), "{wrong}");
}

const DIRECTORY: &str = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n\
                         backend = \"directory\"\n";

#[test]
fn a_directorys_ids_and_accounts_wait_for_a_restart_and_are_named() {
    let old = parse(DIRECTORY).unwrap();
    let (same, waiting) = old.reloaded(parse(DIRECTORY).unwrap());
    assert_eq!((&same, waiting), (&old, vec![]));
    let text = "[ids]\nminimum = 20000\n\
                [accounts]\nhome = \"/srv/{user}\"\nshell = \"/bin/sh\"\n";
    let (after, waiting) = old.reloaded(parse(&format!("{DIRECTORY}{text}")).unwrap());
    assert_eq!(waiting, ["ids.minimum", "accounts.home", "accounts.shell"]);
    assert_eq!(after, old);
    // In the account database they are in force at once.
    let old = parse(SHORTEST).unwrap();
    let new = parse(&format!("{SHORTEST}{text}")).unwrap();
    assert_eq!(old.reloaded(new.clone()), (new, vec![]));
}

fn directory(text: &str) -> Options {
    parse(&format!("{DIRECTORY}[directory]\n{text}"))
        .unwrap()
        .directory
        .unwrap()
}

#[test]
fn a_directory_has_every_default() {
    let config = parse(DIRECTORY).unwrap();
    let options = config.directory.unwrap();
    assert_eq!(options, directory(""));
    assert_eq!(options.servers, [""; 0]);
    assert_eq!(options.ids, domlogon_ad::Scheme::Sid);
    assert_eq!(options.channel, domlogon_ad::Channel::Sealed);
    assert_eq!(
        options.tickets.as_deref(),
        Some("FILE:/tmp/krb5cc_{uid}_XXXXXX")
    );
    assert_eq!(
        (options.offline.age, options.offline.tries),
        (14 * 86_400, 5)
    );
    // What is said of a directory that is not used is judged all the same.
    assert!(parse(SHORTEST).unwrap().directory.is_none());
    assert!(parse(&format!("{SHORTEST}[directory]\nids = \"x\"\n")).is_err());
}

#[test]
fn the_options_of_a_directory() {
    let options = directory(
        "servers = [\"dc1.corp.example\"]\nids = \"rid\"\nldap = \"starttls\"\n\
         ca = \"/etc/ssl/ca.pem\"\ntickets = \"none\"\nrotate = \"never\"\n\
         offline_age = \"never\"\nnames = \"qualified\"\nsync = true\nsite = \"Hamburg\"\n\
         homes = [\"/export/home/{user}\", \"/home/{initial}/{user}\"]\n",
    );
    let base = 1_900_000_000;
    assert_eq!(options.ids, domlogon_ad::Scheme::Rid { base });
    assert_eq!(options.channel, domlogon_ad::Channel::StartTls);
    assert_eq!((options.tickets, options.rotate), (None, None));
    assert_eq!(options.offline.age, 0);
    assert_eq!(options.site.as_deref(), Some("Hamburg"));
    assert_eq!(
        options.homes,
        ["/export/home/{user}", "/home/{initial}/{user}"]
    );
    for cache in [
        "KEYRING:persistent:{uid}",
        "KCM:",
        "FILE:/run/user/{uid}/krb5cc",
    ] {
        let options = directory(&format!("tickets = \"{cache}\"\n"));
        assert_eq!(options.tickets.as_deref(), Some(cache));
    }
}

#[test]
fn what_is_wrong_with_a_directory_is_named() {
    let many_homes = format!("homes = [{}]", "\"/home/{user}\",".repeat(17));
    for (text, expected) in [
        ("ids = \"x\"", "expected \"sid\" or \"rid\" or \"rfc2307\""),
        ("ldap = \"plain\"", "expected \"sealed\""),
        ("ldap = \"ldaps\"", "need ca"),
        ("ldap = \"ldaps\"\nca = \"/ca.pem\"", "need servers"),
        (
            "servers = [\"dc1\"]",
            "the full name of a domain controller",
        ),
        ("tickets = \"FILE:/tmp/krb5cc\"", "with {uid} in it"),
        ("tickets = \"MEMORY:{uid}\"", "credential cache"),
        ("rotate = \"5\"", "a length of time"),
        ("offline_age = \"1000d\"", "\"365d\""),
        ("offline_tries = 0", "from 1 to 100"),
        ("site = \"a.b\"", "the name of a site"),
        ("homes = [\"/export/home\"]", "with {user} in it"),
        ("homes = [\"/home/{initial}\"]", "with {user} in it"),
        ("homes = [\"/home/{initial}{user}\"]", "{initial}/{user}"),
        ("homes = [\"/home/{ini{user}tial}/x\"]", "no other braces"),
        ("homes = [\"{initial}/home/{user}\"]", "a full path"),
        ("homes = [\"/home/{user}/{letter}\"]", "no other braces"),
        (&*many_homes, "at most 16 forms"),
    ] {
        let error = parse(&format!("{DIRECTORY}[directory]\n{text}\n")).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.contains(":6:"), "{text}: {error}");
    }
    let error = parse(&DIRECTORY.replace("directory", "ldap")).unwrap_err();
    assert!(error.to_string().contains("\"accounts\" or \"directory\""));
}
