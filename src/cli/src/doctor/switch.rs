//! nsswitch.conf: who is asked for users and groups, and in which order.

use super::finding::{Finding, Report};
use super::host::Host;
use super::modules::Modules;
use crate::enable::nsswitch;

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
    /// The line as it stands in the file.
    pub(crate) text: String,
    pub(crate) name: String,
    pub(crate) services: Vec<Service>,
}

impl Database {
    /// The line with our name where `domlogon enable` puts it; `None` if it stands there.
    fn mended(&self) -> Option<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let mended = words(&nsswitch::placed(&self.text));
        (mended != words(&self.text)).then_some(mended)
    }

    /// The last of the local files, behind which `domlogon enable` puts our name.
    fn files(&self) -> Option<usize> {
        let is_files = |service: &Service| nsswitch::LOCAL.contains(&service.name.as_str());
        self.services.iter().rposition(is_files)
    }

    /// How to put our name right behind that; `None` if it stands there, or there is none.
    fn right_behind(&self) -> Option<String> {
        let files = self.services.get(self.files()?)?;
        let line = self.mended()?;
        Some(format!("write it right behind {}: {line}", files.name))
    }
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
            text: line.to_owned(),
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
            .mend(format!("write: {}", database.mended().unwrap_or_default())),
        ));
        return;
    };
    let before = database.services.get(..ours).unwrap_or_default();
    let mut is_reached = true;
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
                .mend(
                    database.right_behind().unwrap_or_else(|| {
                        format!("take the [..] right behind {} out", service.name)
                    }),
                ),
            ));
            is_reached = false;
        }
    }
    if is_reached {
        others_first(database, ours, report);
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
                .mend(database.right_behind().unwrap_or_else(|| {
                    format!(
                        "put domlogon after {}",
                        names.get(local).unwrap_or(&"files")
                    )
                })),
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

/// Sources between the local files and ours: the daemon and the PAM module know the files alone,
/// and take a name that such a source has, too, for the domain's.
fn others_first(database: &Database, ours: usize, report: &mut Report) {
    let between = database
        .files()
        .and_then(|files| database.services.get(files + 1..ours))
        .unwrap_or_default();
    let (Some(first), Some(line)) = (between.first(), database.right_behind()) else {
        return;
    };
    let other = &first.name;
    let why = match database.name.as_str() {
        "passwd" => format!(
            "whoever of the domain logs on by the name of a user of {other} gets that one's id"
        ),
        "group" => {
            format!("a group of the domain with the name of one of {other} is taken for that one")
        }
        // It is asked for no name.
        _ => return,
    };
    report.add(
        Finding::warning("nss-others-first", format!("domlogon comes after {other}"))
            .at(FILE, database.line)
            .because(why)
            .mend(format!(
                "{line} (where domlogon enable wrote it, run: domlogon disable, and then domlogon \
                 enable)"
            )),
    );
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
            ("passwd:\tfiles systemd domlogon\r", &["nss-others-first"]),
            ("passwd: files altfiles domlogon", &["nss-others-first"]),
            ("passwd: files systemd compat domlogon", &[]),
            ("passwd: systemd domlogon", &[]),
            ("initgroups: files systemd domlogon", &[]),
            (
                "passwd:files [SUCCESS=return NOTFOUND=continue] domlogon # sss",
                &[],
            ),
            (
                "group: files [SUCCESS=merge] systemd [SUCCESS=merge] domlogon",
                &["nss-others-first"],
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

    /// The line of every mend is what `domlogon enable` writes, and has no fault of its order.
    #[test]
    fn what_is_advised_is_no_fault() {
        for (text, line) in [
            ("passwd: files systemd", "passwd: files domlogon systemd"),
            (
                "group:  files [SUCCESS=merge] systemd # x",
                "group: files [SUCCESS=merge] domlogon systemd # x",
            ),
            (
                "passwd: files systemd [NOTFOUND=return] sss",
                "passwd: files domlogon systemd [NOTFOUND=return] sss",
            ),
            (
                "passwd: files [NOTFOUND=return] domlogon",
                "passwd: files domlogon [NOTFOUND=return]",
            ),
            (
                "passwd: files [!UNAVAIL=return] domlogon sss",
                "passwd: files domlogon [!UNAVAIL=return] sss",
            ),
            ("passwd: domlogon files", "passwd: files domlogon"),
            (
                "passwd:\tfiles systemd domlogon\r",
                "passwd: files domlogon systemd",
            ),
            (
                "group: files [SUCCESS=merge] systemd [SUCCESS=merge] domlogon",
                "group: files [SUCCESS=merge] domlogon systemd [SUCCESS=merge]",
            ),
        ] {
            let mut report = Report::default();
            order(&parse(text)[0], &mut report);
            let mend = &report.findings[0].mend;
            let (_, advised) = mend.split_once(": ").unwrap();
            let advised = advised.split(" (where").next().unwrap();
            assert_eq!(advised, line, "{text}");
            let left = findings(advised);
            assert!(
                left.iter().all(|code| *code == "nss-other-product"),
                "{line}: {left:?}"
            );
        }
        let mut report = Report::default();
        order(
            &parse("passwd: sss [NOTFOUND=return] domlogon")[0],
            &mut report,
        );
        assert_eq!(
            report.findings[0].mend,
            "take the [..] right behind sss out"
        );
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
