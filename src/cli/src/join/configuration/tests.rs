use super::*;
use domlogon_ad::join::How;

fn joined() -> Joined {
    Joined {
        domain: "ACME".to_owned(),
        dns_name: "acme.example".to_owned(),
        account: "PC1$".to_owned(),
        dn: None,
        server: "dc1.acme.example".to_owned(),
        site: None,
        how: How::Created,
        cleared: Vec::new(),
        not_cleared: Vec::new(),
    }
}

fn with(text: Option<&str>) -> (tempfile::TempDir, Host) {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(Some(folder.path()));
    if let Some(text) = text {
        let path = host.at(FILE);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (folder, host)
}

fn join(host: &Host, servers: &[&str], site: Option<&str>) -> Result<bool, JoinError> {
    let configuration = Configuration::read(host)?;
    configuration.may_be_for("acme.example", host)?;
    let servers: Vec<String> = servers.iter().map(|&name| name.to_owned()).collect();
    let choice = Choice {
        servers: configuration.servers_or(&servers),
        site: configuration.site_or(site),
    };
    let mut done = Done::default();
    configuration.join(host, &joined(), &choice, &mut done)?;
    Ok(done.configuration_written)
}

fn said(host: &Host) -> Table {
    toml::from_str(&fs::read_to_string(host.at(FILE)).unwrap()).unwrap()
}

#[test]
fn the_example_gets_the_names_and_keeps_its_comments() {
    for text in [None, Some(EXAMPLE)] {
        let (_folder, host) = with(text);
        assert!(join(&host, &["dc1.acme.example"], Some("Berlin")).unwrap());
        assert!(!join(&host, &[], None).unwrap(), "said twice");
        let said = said(&host);
        assert_eq!(said["domain"]["name"].as_str(), Some("ACME"));
        assert_eq!(said["domain"]["backend"].as_str(), Some("directory"));
        assert_eq!(
            said["directory"]["servers"][0].as_str(),
            Some("dc1.acme.example")
        );
        assert_eq!(said["directory"]["site"].as_str(), Some("Berlin"));
        let written = fs::read_to_string(host.at(FILE)).unwrap();
        let comments = |text: &str| text.lines().filter(|l| l.starts_with("# ")).count();
        assert_eq!(comments(&written), comments(EXAMPLE));
        assert_eq!(written.lines().count(), EXAMPLE.lines().count());

        let configuration = Configuration::read(&host).unwrap();
        assert_eq!(configuration.dns_name(), Some("acme.example"));
        assert!(configuration.leave(&host).unwrap());
        let said = self::said(&host);
        assert!(said["domain"].get("backend").is_none());
        assert_eq!(said["directory"].as_table().unwrap().len(), 0);
        assert!(!Configuration::read(&host).unwrap().leave(&host).unwrap());
        assert!(join(&host, &[], None).unwrap());
    }
}

#[test]
fn a_file_of_ones_own_is_edited_where_it_has_to_be() {
    let text = "# ours\n[directory] \nservers = [ # two\n  \"dc1.acme.example\",\n  \
                \"dc2.acme.example\",\n] # end\nrotate = \"60d\"\n\n[domain]\n\
                dns_name = 'ACME.example'\nname = \"Acme\"\n[texts]\ncontact = \"[help]\"\n";
    let (_folder, host) = with(Some(text));
    assert!(join(&host, &["dc3.acme.example"], None).unwrap());
    let said = said(&host);
    assert_eq!(said["directory"]["servers"].as_array().unwrap().len(), 1);
    assert_eq!(said["directory"]["rotate"].as_str(), Some("60d"));
    assert_eq!(said["texts"]["contact"].as_str(), Some("[help]"));
    let written = fs::read_to_string(host.at(FILE)).unwrap();
    assert!(written.starts_with("# ours\n"));
    assert_eq!(Configuration::read(&host).unwrap().rotate(), Some("60d"));
}

#[test]
fn lists_over_several_lines_go_as_a_whole() {
    let text = "[domain]\nname = \"ACME\"\ndns_name = \"acme.example\"\n\
                backend = \"directory\"\n[directory]\nservers = [\n  \"a.b\",\n]\n";
    let (_folder, host) = with(Some(text));
    assert!(Configuration::read(&host).unwrap().leave(&host).unwrap());
    let written = fs::read_to_string(host.at(FILE)).unwrap();
    assert!(
        written.contains("#servers = [\n#  \"a.b\",\n#]\n"),
        "{written}"
    );
}

/// With TLS the controllers must be named, so the file would be refused without their names.
#[test]
fn tls_goes_with_the_names_of_the_controllers() {
    let text = "[domain]\nname = \"ACME\"\ndns_name = \"acme.example\"\n\
                backend = \"directory\"\n[directory]\nldap = \"ldaps\"\n\
                ca = \"/etc/ca.pem\"\nservers = [\"dc1.acme.example\"]\n";
    for (ldap, stays) in [("ldaps", false), ("sealed", true)] {
        let (_folder, host) = with(Some(&text.replace("ldaps", ldap)));
        assert!(Configuration::read(&host).unwrap().leave(&host).unwrap());
        let said = said(&host);
        assert_eq!(said["directory"].get("ldap").is_some(), stays);
        assert!(said["directory"].get("servers").is_none());
        assert!(said["directory"].get("ca").is_some());
    }
}

#[test]
fn another_domain_is_not_written_over() {
    let theirs = "[domain]\nname = \"OTHER\"\ndns_name = \"other.example\"\n";
    let (_folder, host) = with(Some(theirs));
    assert!(matches!(
        join(&host, &[], None),
        Err(JoinError::OtherDomain(..))
    ));
    for broken in ["[domain\n", "domain = 1\n", "[directory]\nservers = 1\n"] {
        let (_folder, host) = with(Some(broken));
        assert!(
            matches!(join(&host, &[], None), Err(JoinError::Unreadable)),
            "{broken}"
        );
    }
    // What cannot be edited line by line is left alone.
    let inline = "domain = { name = \"ACME\", dns_name = \"acme.example\" }\n";
    let (_folder, host) = with(Some(inline));
    assert!(matches!(join(&host, &[], None), Err(JoinError::Unreadable)));
    assert_eq!(fs::read_to_string(host.at(FILE)).unwrap(), inline);
}

#[test]
fn accounts_of_another_domain_are_not_given_a_new_name() {
    let (_folder, host) = with(Some(EXAMPLE));
    let configuration = Configuration::read(&host).unwrap();
    let state = configuration.state(&host);
    assert_eq!(state, host.at(STATE));
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join(DATABASE), "").unwrap();
    assert!(matches!(
        join(&host, &[], None),
        Err(JoinError::HasDatabase(_))
    ));
    configuration.may_be_for("CORP.example", &host).unwrap();
}
