//! Whether the host is joined as it should be: one line a check, each with its cure.

use super::account::Account;
use super::contact::Contact;
use super::error::Why;
use super::proof::verify;
use super::{Place, as_host_noting, look};
use crate::machine::{Machine, MachineError, Which};
use crate::queries;
use crate::rotation::Wire;
use crate::time;
use core::fmt;
use domlogon_protocol::Timestamp;

/// From here on a difference of clocks is told; from the second on Kerberos refuses.
const TOLD: u64 = 60;
const REFUSED: u64 = 300;

/// How much the two times of a password may differ: the clocks do.
const SAME: u64 = 600;

/// Gives the host another password, by somebody's right.
const TAKE_OVER: &str = "domlogon join REALM --take-over";

const DAY: u64 = 86_400;

/// AES128 and AES256 of msDS-SupportedEncryptionTypes.
const AES: u32 = 0x18;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The host's own file.
    Account,
    /// The controllers: found and reached.
    Controller,
    /// The clocks.
    Clock,
    /// The logon of the host by its password.
    LogOn,
    /// The keytab.
    Keytab,
    /// The account in the directory.
    Directory,
    /// The host's name there, and its services'.
    Names,
    /// The kinds of keys.
    Encryption,
    /// The age of the password.
    Password,
    /// The site.
    Site,
}

impl Subject {
    /// A short name for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Controller => "controller",
            Self::Clock => "clock",
            Self::LogOn => "logon",
            Self::Keytab => "keytab",
            Self::Directory => "directory",
            Self::Names => "names",
            Self::Encryption => "encryption",
            Self::Password => "password",
            Self::Site => "site",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Account => "this host's account",
            Self::Controller => "domain controller",
            Self::Clock => "clock",
            Self::LogOn => "logon of this host",
            Self::Keytab => "keytab",
            Self::Directory => "LDAP",
            Self::Names => "names of this host",
            Self::Encryption => "kinds of keys",
            Self::Password => "password of this host",
            Self::Site => "site",
        })
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub subject: Subject,
    /// How it came out.
    pub found: Found,
}

/// How a check came out, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// As it should be.
    Good(String),
    /// Not as it should be, and how to mend it.
    Bad(String, String),
    /// It could not be told, and why.
    Unknown(String),
}

impl Found {
    fn bad(what: impl fmt::Display, cure: impl fmt::Display) -> Self {
        Self::Bad(what.to_string(), cure.to_string())
    }
}

/// What to check beside the place.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// After how many seconds the host's password is changed; `None`: never.
    pub rotate: Option<u64>,
    /// Now.
    pub now: Timestamp,
}

/// Checks the join: all that can be checked, in the order in which one hangs on the other.
#[must_use]
pub fn report(place: &Place<'_>, expected: Expected) -> Vec<Check> {
    let mut checks = Checks(Vec::new());
    let machine = match Machine::load(place.state) {
        Ok(machine) => machine,
        Err(error) => {
            let found = match &error {
                MachineError::NotJoined(path) => Found::bad(
                    format!("not joined: there is no {}", path.display()),
                    "domlogon join REALM",
                ),
                _ => Found::bad(error, TAKE_OVER),
            };
            checks.add(Subject::Account, found);
            return checks.0;
        }
    };
    let is_ours = machine.realm == place.realm;
    let text = format!("{}, {}", machine.principal(), machine.host);
    checks.add(
        Subject::Account,
        if is_ours {
            Found::Good(text)
        } else {
            let what = format!("{text}; domlogon.toml is for {}", place.realm);
            Found::bad(what, "domlogon leave --local; domlogon join REALM")
        },
    );
    if !is_ours {
        return checks.0;
    }
    let (mut used, mut passed_over) = (Which::Current, Vec::new());
    match as_host_noting(place, &machine, &mut used, &mut passed_over) {
        Ok(mut contact) => {
            checks.reached(&contact, &passed_over);
            checks.logged_on(used);
            checks.keytab(place, &machine, &mut contact);
            checks.directory(place, &machine, &mut contact, expected);
        }
        Err(why) => checks.not_reached(&why, &passed_over),
    }
    checks.0
}

struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, subject: Subject, found: Found) {
        self.0.push(Check { subject, found });
    }

    fn not_reached(&mut self, why: &Why, passed_over: &[String]) {
        if !passed_over.is_empty() {
            self.add(
                Subject::Controller,
                Found::bad(unnamed(passed_over), to_be_named(None, passed_over)),
            );
        }
        match why {
            Why::NoMark(_) => {}
            Why::Skew(..) => {
                self.add(
                    Subject::Clock,
                    Found::bad(why, "timedatectl set-ntp true; chronyc makestep"),
                );
            }
            Why::Password => self.add(
                Subject::LogOn,
                Found::bad(
                    "the domain does not let this host in with its password: the account was \
                     reset or deleted, or this host was put back to an older state",
                    TAKE_OVER,
                ),
            ),
            Why::Unusable(_) => self.add(
                Subject::LogOn,
                Found::bad(
                    "the domain refuses this host's account: it is disabled or expired",
                    "have it enabled, or: domlogon join REALM --take-over",
                ),
            ),
            Why::Dns(_) => self.add(
                Subject::Controller,
                Found::bad(
                    why,
                    "a nameserver of the domain into /etc/resolv.conf, or the names of \
                     controllers to directory.servers in domlogon.toml",
                ),
            ),
            _ => self.add(Subject::Controller, Found::Unknown(why.to_string())),
        }
    }

    fn reached(&mut self, contact: &Contact, passed_over: &[String]) {
        let asked = asked(&contact.server, passed_over);
        self.add(Subject::Controller, Found::Good(asked));
        let Some(controller) = &contact.controller else {
            return;
        };
        let found = match &controller.client_site {
            None => Found::bad(
                format!(
                    "this host's address belongs to no site; {} is in {}",
                    contact.server, controller.site
                ),
                "have the subnet of this host put into a site (Active Directory Sites and Services)",
            ),
            Some(site) if *site == controller.site => Found::Good(site.clone()),
            Some(site) => Found::Good(format!(
                "{site}; {} is in {}",
                contact.server, controller.site
            )),
        };
        self.add(Subject::Site, found);
    }

    fn logged_on(&mut self, used: Which) {
        self.add(
            Subject::LogOn,
            match used {
                Which::Current => Found::Good("by the current password".to_owned()),
                Which::Pending => Found::Good(
                    "by the new password, of which this host did not know yet that it was taken"
                        .to_owned(),
                ),
                Which::Previous => Found::bad(
                    "only by the password before: this controller does not know the current one",
                    "see whether the controllers replicate: samba-tool drs showrepl, repadmin /showrepl",
                ),
            },
        );
    }

    fn keytab(&mut self, place: &Place<'_>, machine: &Machine, contact: &mut Contact) {
        let mut route = contact.route;
        let result = verify(
            &contact.context,
            machine,
            &contact.tgt,
            place.state,
            &mut |request| route.kdc(request),
        );
        let found = match result {
            Ok(()) => Found::Good("opens a ticket for this host".to_owned()),
            Err(why) => Found::bad(why, format!("domlogon join {} writes it anew", place.realm)),
        };
        self.add(Subject::Keytab, found);
    }

    fn directory(
        &mut self,
        place: &Place<'_>,
        machine: &Machine,
        contact: &mut Contact,
        expected: Expected,
    ) {
        let account = match look(place, contact) {
            Ok((_, Some(account))) => account,
            Ok((_, None)) => {
                let what = format!("{} is not there", machine.account);
                self.add(
                    Subject::Directory,
                    Found::bad(what, format!("domlogon join {} --take-over", place.realm)),
                );
                return;
            }
            Err(why) => {
                self.add(Subject::Directory, Found::Unknown(why.to_string()));
                return;
            }
        };
        self.add(Subject::Directory, Found::Good(account.dn.clone()));
        self.names(place, &account);
        self.encryption(place, &account);
        self.password(machine, &account, expected);
        match queries::server_state(contact.again()) {
            Ok(state) => self.clock(state.time, expected.now),
            Err(error) => self.add(Subject::Clock, Found::Unknown(error.to_string())),
        }
    }

    fn names(&mut self, place: &Place<'_>, account: &Account) {
        let missing = account.missing_services(place);
        let named = account.host.as_deref();
        let is_right = named.is_some_and(|name| name.eq_ignore_ascii_case(place.host));
        let mut wrong = Vec::new();
        if !is_right {
            wrong.push(format!(
                "dNSHostName is {}, this host is {}",
                named.unwrap_or("missing"),
                place.host
            ));
        }
        if !missing.is_empty() {
            wrong.push(format!("servicePrincipalName lacks {}", missing.join(", ")));
        }
        let found = if wrong.is_empty() {
            Found::Good(format!(
                "{}, {} services",
                place.host,
                account.services.len()
            ))
        } else {
            let join = format!("domlogon join {}", place.realm);
            Found::bad(
                wrong.join("; "),
                format!("{join}; if the host may not do that itself: {join} --take-over"),
            )
        };
        self.add(Subject::Names, found);
    }

    fn encryption(&mut self, place: &Place<'_>, account: &Account) {
        let found = match account.encryption {
            Some(kinds) if kinds & AES != 0 => Found::Good("AES".to_owned()),
            _ => Found::bad(
                "msDS-SupportedEncryptionTypes does not say AES: tickets may come with RC4, \
                 for which the keytab has no key",
                format!(
                    "domlogon join {}; or have it set to 24 for this host's account",
                    place.realm
                ),
            ),
        };
        self.add(Subject::Encryption, found);
    }

    fn password(&mut self, machine: &Machine, account: &Account, expected: Expected) {
        let age = expected.now.since(machine.current.set_at);
        let days = age.unsigned_abs() / DAY;
        let set = account.password_set.map(time::instant);
        let differs =
            set.is_some_and(|set| set.since(machine.current.set_at).unsigned_abs() > SAME);
        let found = match expected.rotate {
            _ if differs && machine.pending.is_none() => Found::bad(
                "the directory has another time for it than this host: somebody else has set it",
                TAKE_OVER,
            ),
            // Time enough for a daemon that was switched off over a holiday.
            Some(rotate) if age.unsigned_abs() > rotate + 14 * DAY => Found::bad(
                format!("{days} days old, and should have been changed"),
                "is domlogond running? journalctl -u domlogond says why it did not change it",
            ),
            Some(rotate) => Found::Good(format!(
                "{days} days old, changed after {} days",
                rotate / DAY
            )),
            None => Found::Good(format!("{days} days old, never changed")),
        };
        self.add(Subject::Password, found);
    }

    fn clock(&mut self, theirs: Option<Timestamp>, now: Timestamp) {
        let Some(theirs) = theirs else {
            self.add(
                Subject::Clock,
                Found::Unknown("the controller does not say its time".to_owned()),
            );
            return;
        };
        let difference = now.since(theirs);
        let text = format!("{difference} s from the controller's");
        let found = if difference.unsigned_abs() < TOLD {
            Found::Good(text)
        } else {
            Found::bad(
                format!("{text}; from {REFUSED} s on nobody can log on"),
                "timedatectl set-ntp true",
            )
        };
        self.add(Subject::Clock, found);
    }
}

/// The controller that is asked, and those that are not before somebody names them.
fn asked(server: &str, passed_over: &[String]) -> String {
    if passed_over.is_empty() {
        return server.to_owned();
    }
    format!(
        "{server}; {}. To have them asked: {}",
        unnamed(passed_over),
        to_be_named(Some(server), passed_over)
    )
}

fn unnamed(passed_over: &[String]) -> String {
    format!(
        "passed over, as read-only domain controllers or none at all: {}",
        distinct(passed_over).join(", ")
    )
}

/// The one that is asked is in front: those are asked first, and no others are looked up.
fn to_be_named(server: Option<&str>, passed_over: &[String]) -> String {
    let others = distinct(passed_over).into_iter();
    let others = others.filter(|name| Some(*name) != server);
    let named: Vec<&str> = server.into_iter().chain(others).collect();
    format!(
        "if their accounts are in the OU Domain Controllers, name them in [directory] of \
         /etc/domlogon/domlogon.toml, with all others that are to be asked, those to ask first \
         in front: servers = [\"{}\"], and: systemctl restart domlogond",
        named.join("\", \"")
    )
}

/// One name may have several addresses.
fn distinct(names: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_that_are_passed_over_are_named_with_the_way_out() {
        assert_eq!(asked("dc1.corp.example", &[]), "dc1.corp.example");
        let names = ["b.corp.example", "a.corp.example", "b.corp.example"].map(str::to_owned);
        let line = "servers = [\"dc1.corp.example\", \"a.corp.example\", \"b.corp.example\"], \
                    and: systemctl restart domlogond";
        let told = asked("dc1.corp.example", &names);
        assert!(told.starts_with("dc1.corp.example; passed over"), "{told}");
        assert!(told.ends_with(line), "{told}");

        let not_reached = |why| {
            let mut checks = Checks(Vec::new());
            checks.not_reached(&why, &names[..1]);
            checks.0
        };
        let lost = || Why::NoMark("b.corp.example".to_owned());
        for (why, count) in [(lost(), 1), (Why::NoTime, 2)] {
            let checks = not_reached(why);
            assert_eq!(checks.len(), count, "{checks:?}");
            let Found::Bad(what, cure) = &checks[0].found else {
                panic!("{checks:?}");
            };
            assert!(what.ends_with(": b.corp.example"), "{what}");
            let line = ": servers = [\"b.corp.example\"], and: systemctl restart domlogond";
            assert!(cure.ends_with(line), "{cure}");
        }
    }
}
