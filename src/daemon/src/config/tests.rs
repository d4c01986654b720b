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
            texts: Texts::default(),
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
