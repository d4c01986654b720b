//! nsswitch.conf: who is asked for users and groups, and in which order.

use super::finding::{Finding, Report};
use super::host::Host;
use super::modules::Modules;

const FILE: &str = "/etc/nsswitch.conf";
const OURS: &str = "domlogon";

/// The services that know this host's own names.
const LOCAL: [&str; 3] = ["files", "compat", "altfiles"];

/// The services of other products that know users of a domain.
const PRODUCTS: [&str; 9] = [
    "sss",
    "winbind",
    "ldap",
    "kanidm",
    "himmelblau",
    "authd",
    "lsass",
    "centrifydc",
    "vas4",
];

/// One line: a database and what is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) services: Vec<Service>,
}

/// One service, and what ends the search after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// Whether "it does not know the name" ends the search.
    pub(crate) not_found_returns: bool,
    /// Whether "it is not there" ends the search.
    pub(crate) unavailable_returns: bool,
}

/// Reads the file; of two lines for one database, glibc takes the last.
pub(crate) fn parse(text: &str) -> Vec<Database> {
    let mut databases: Vec<Database> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let Some((name, rest)) = code.split_once(':') else {
            continue;
        };
        let name = name.trim().to_owned();
        databases.retain(|database| database.name != name);
        databases.push(Database {
            line: index + 1,
            name,
            services: services(rest),
        });
    }
    databases
}

fn services(text: &str) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (criteria, after) = inside.split_once(']').unwrap_or((inside, ""));
            if let Some(service) = services.last_mut() {
                criteria
                    .split_whitespace()
                    .for_each(|one| apply(service, one));
            }
            rest = after.trim_start();
            continue;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || c == '[')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        services.push(Service {
            name: name.to_owned(),
            not_found_returns: false,
            unavailable_returns: false,
        });
        rest = after.trim_start();
    }
    services
}

/// One criterion such as `NOTFOUND=return` or `!UNAVAIL=return`.
fn apply(service: &mut Service, criterion: &str) {
    let Some((status, action)) = criterion.split_once('=') else {
        return;
    };
    let returns = action.eq_ignore_ascii_case("return");
    let (is_negated, status) = match status.strip_prefix('!') {
        Some(status) => (true, status),
        None => (false, status),
    };
    let is = |word: &str| status.eq_ignore_ascii_case(word) != is_negated;
    if is("notfound") {
        service.not_found_returns = returns;
    }
    if is("unavail") {
        service.unavailable_returns = returns;
    }
}

/// Whether domlogon is asked for anything.
pub(crate) fn is_ours(host: &Host) -> bool {
    host.read(FILE).is_some_and(|text| {
        parse(&text)
            .iter()
            .any(|database| database.services.iter().any(|service| service.name == OURS))
    })
}

/// Looks at the lines for users and groups.
pub(crate) fn check(host: &Host, modules: &Modules, report: &mut Report) {
    let Some(text) = host.read(FILE) else {
        if host.unread().iter().any(|path| path.starts_with(FILE)) {
            report.blind = true;
        } else {
            report.add(
                Finding::error("nss-missing", "the file is not there")
                    .at(FILE, None)
                    .because("glibc asks its own files alone, and nobody of the domain is known")
                    .mend("domlogon enable"),
            );
        }
        return;
    };
    let databases = parse(&text);
    for wanted in ["passwd", "group", "initgroups"] {
        match databases.iter().find(|database| database.name == wanted) {
            Some(database) => order(database, report),
            // Without a line, initgroups is what group is.
            None if wanted == "initgroups" => {}
            None => report.add(
                Finding::error("nss-line-missing", format!("there is no line {wanted}:"))
                    .at(FILE, None)
                    .because("nobody of the domain is known to this host")
                    .mend(format!("write: {wanted}: files domlogon")),
            ),
        }
    }
    plugins(host, modules, &databases, report);
}

fn order(database: &Database, report: &mut Report) {
    let names: Vec<&str> = database
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let line = |finding: Finding| finding.at(FILE, database.line);
    let Some(ours) = names.iter().position(|name| *name == OURS) else {
        let why = match database.name.as_str() {
            "passwd" => "no user of the domain is known to this host",
            "group" => "no group of the domain is known to this host",
            _ => "users of the domain are in none of their groups",
        };
        report.add(line(
            Finding::error(
                "nss-domlogon-missing",
                format!("{}: does not ask domlogon", database.name),
            )
            .because(why)
            .mend(format!(
                "write: {}: {} domlogon",
                database.name,
                names.join(" ")
            )),
        ));
        return;
    };
    let before = database.services.get(..ours).unwrap_or_default();
    for service in before {
        if service.not_found_returns || (service.unavailable_returns && service.name != "files") {
            let criterion = if service.not_found_returns {
                "NOTFOUND"
            } else {
                "UNAVAIL"
            };
            report.add(line(
                Finding::error(
                    "nss-not-reached",
                    format!(
                        "{criterion}=return after {} ends the search before domlogon",
                        service.name
                    ),
                )
                .because("no name of the domain is found")
                .mend(format!(
                    "put domlogon before {}, or take the [..] out",
                    service.name
                )),
            ));
        }
    }
    if let Some(local) = names.iter().position(|name| LOCAL.contains(name)) {
        if ours < local {
            report.add(line(
                Finding::warning(
                    "nss-order",
                    format!(
                        "domlogon comes before {}",
                        names.get(local).unwrap_or(&"files")
                    ),
                )
                .because("every look-up of a local name waits for the daemon")
                .mend(format!(
                    "put domlogon after {}",
                    names.get(local).unwrap_or(&"files")
                )),
            ));
        }
    }
    if let Some(other) = names.iter().find(|name| PRODUCTS.contains(name)) {
        report.add(line(
            Finding::warning(
                "nss-other-product",
                format!("{}: asks {other} of another product as well", database.name),
            )
            .because("one name may be two people, and each look-up waits for both")
            .mend(format!(
                "take {other} out if that product is not used any more"
            )),
        ));
    }
}

fn plugins(host: &Host, modules: &Modules, databases: &[Database], report: &mut Report) {
    if !modules.are_known() {
        report.skip("whether the NSS plugin is installed: there are no libraries here");
        return;
    }
    let is_installed = !modules.plugin(host, OURS).is_empty();
    let used = databases
        .iter()
        .find(|database| database.services.iter().any(|service| service.name == OURS));
    if let Some(database) = used.filter(|_| !is_installed) {
        report.add(
            Finding::error(
                "nss-plugin-missing",
                "libnss_domlogon.so.2 is not installed",
            )
            .at(FILE, database.line)
            .because("nobody of the domain is known to this host")
            .mend("install libnss-domlogon, or run: domlogon disable"),
        );
    }
}

/// nscd keeps answers that domlogon has since taken back.
pub(crate) fn cache(host: &Host, report: &mut Report) {
    const CONFIGURATION: &str = "/etc/nscd.conf";
    let Some(text) = host.read(CONFIGURATION) else {
        return;
    };
    let caches = text.lines().enumerate().find(|(_, line)| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words == ["enable-cache", "passwd", "yes"]
    });
    let Some((index, _)) = caches else { return };
    let runs = if host.live {
        ["/run/nscd/socket", "/var/run/nscd/socket"]
            .iter()
            .any(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok())
    } else {
        let wants = "/etc/systemd/system/multi-user.target.wants";
        ["nscd.service", "unscd.service"]
            .iter()
            .any(|unit| host.link(&format!("{wants}/{unit}")).is_some())
    };
    if runs {
        report.add(
            Finding::warning("nscd-caches-users", "nscd keeps what it has heard of users")
                .at(CONFIGURATION, index + 1)
                .because(
                    "a deleted account stays known, and its ssh key works, until nscd forgets it",
                )
                .mend("write: enable-cache passwd no (and: systemctl restart nscd)"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<&'static str> {
        let mut report = Report::default();
        for database in parse(text) {
            order(&database, &mut report);
        }
        report.findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn orders() {
        for (text, codes) in [
            ("passwd: files domlogon", &[][..]),
            ("passwd:\tfiles systemd domlogon\r", &[]),
            (
                "passwd:files [SUCCESS=return NOTFOUND=continue] domlogon # sss",
                &[],
            ),
            (
                "group: files [SUCCESS=merge] systemd [SUCCESS=merge] domlogon",
                &[],
            ),
            ("passwd: files", &["nss-domlogon-missing"]),
            ("passwd: domlogon files", &["nss-order"]),
            (
                "passwd: files systemd [notfound=RETURN] domlogon",
                &["nss-not-reached"],
            ),
            (
                "passwd: files[NOTFOUND=return]domlogon",
                &["nss-not-reached"],
            ),
            (
                "passwd: files systemd [!UNAVAIL=return] domlogon",
                &["nss-not-reached"],
            ),
            (
                "passwd: files systemd [!NOTFOUND=return] domlogon",
                &["nss-not-reached"],
            ),
            (
                "passwd: files sss [UNAVAIL=return] domlogon",
                &["nss-not-reached", "nss-other-product"],
            ),
            ("passwd: files domlogon winbind", &["nss-other-product"]),
            ("passwd: sss\npasswd: files domlogon", &[]),
            ("passwd: files [NOTFOUND=return", &["nss-domlogon-missing"]),
        ] {
            assert_eq!(findings(text), codes, "{text}");
        }
    }

    #[test]
    fn lines_that_mean_nothing() {
        for text in [
            "",
            "passwd",
            "#passwd: files",
            "[x]: [",
            ":",
            "\u{0}:\u{0}[",
        ] {
            let _ = parse(text);
        }
        assert!(parse("# passwd: domlogon\n\npasswd files").is_empty());
    }
}
