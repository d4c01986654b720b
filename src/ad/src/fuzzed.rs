//! Doors for `tests/fuzz`, to what a controller or a nameserver sends. Nothing of it is the
//! product's.

use crate::descriptor;
use crate::entry::{self, Person, Team};
use crate::ids::{self, Scheme};
use crate::ldap::fuzzed::Controller;
use crate::ldap::{Entry, LdapError};
use crate::machine::Machine;
use crate::policy;
use crate::queries::{self, DomainFacts};
use crate::site;
use crate::status::{Native, Refusal};
use crate::time;
use domlogon_krb5::KdcError;
use domlogon_protocol::{Policy, Sid, Timestamp, Verdict};
use domlogon_rules::Account;
use std::ops::ControlFlow;

pub use crate::dns::fuzzed::nameserver;

/// Reads LDAP messages, of the answer with this end to the request of this number: how many
/// entries there were, and the code at the end.
#[must_use]
pub fn messages(bytes: &[u8], id: i32, end: u8) -> Option<(usize, Option<u32>)> {
    let (entries, code) = Controller::messages(bytes, id, end)?;
    for entry in &entries {
        look_at(entry);
    }
    Some((entries.len(), code))
}

/// Asks a controller that answers with these bytes, whatever is asked; `which` says what.
#[must_use]
pub fn directory(which: u8, bytes: &[u8]) -> bool {
    let Some((_controller, mut connection)) = Controller::saying(bytes) else {
        return false;
    };
    let facts = DomainFacts {
        base: "DC=corp,DC=example".to_owned(),
        sid: Sid::domain(1, 2, 3),
        netbios: "CORP".to_owned(),
        dns_name: "corp.example".to_owned(),
    };
    let all = |_| ControlFlow::Continue(());
    let c = &mut connection;
    let asked: Result<(), LdapError> = match which % 12 {
        0 => queries::domain_facts(c).map(drop),
        1 => queries::server_state(c).map(drop),
        2 => policy::of_domain(c, &facts).map(drop),
        3 => site::ask(c, "corp.example", "ws1").map(drop),
        4 => queries::person_by_name(c, &facts, "alice").map(|found| {
            // Nobody else may come in as Alice.
            assert!(found.is_none_or(|person| person.name.eq_ignore_ascii_case("alice")));
        }),
        5 => queries::person_by_id(c, &facts, Scheme::Rfc2307, 2000).map(drop),
        6 => queries::all_persons(c, &facts, Some(7), &mut |_| all(())).map(drop),
        7 => queries::all_teams(c, &facts, None, &mut |_| all(())).map(drop),
        8 => queries::team_by_name(c, &facts, "alice").and_then(|team| match team {
            Some(team) => queries::members_of(c, &facts, &team).map(drop),
            None => Ok(()),
        }),
        9 => queries::person_by_name(c, &facts, "alice").and_then(|person| match person {
            Some(person) => {
                let groups = queries::groups_of(c, &person)?;
                assert!(!groups.is_empty());
                queries::memberships(c, &facts, &person, &groups)?;
                queries::teams_by_sids(c, &facts, &groups).map(drop)
            }
            None => Ok(()),
        }),
        10 => queries::person_by_name(c, &facts, "alice").and_then(|person| match person {
            Some(person) => policy::of_person(c, &person, &Policy::default()).map(drop),
            None => Ok(()),
        }),
        _ => queries::person_by_principal_name(c, &facts, "alice@corp.example").map(drop),
    };
    // What went wrong can be said, and the connection is then not used again for another.
    if let Err(error) = &asked {
        let _ = error.to_string();
    }
    asked.is_ok()
}

/// A person's entry, and the policy of the domain, as the rules see them.
#[derive(Debug)]
pub struct Read {
    /// The account.
    pub account: Account,
    /// Its policy.
    pub policy: Policy,
    /// Whether the directory says that it is locked now.
    pub locked: bool,
}

/// Reads an entry of these attributes, as that of a person and of much else.
#[must_use]
pub fn person(attributes: Vec<(String, Vec<Vec<u8>>)>) -> Option<Read> {
    let entry = Entry::new("CN=x,DC=corp,DC=example", attributes);
    let domain = policy::of_entry(&entry).unwrap_or_default();
    let person = look_at(&entry)?;
    Some(Read {
        policy: policy::guess(&person, &domain).policy,
        locked: person.is_locked(),
        account: person.account(),
    })
}

fn look_at(entry: &Entry) -> Option<Person> {
    let _ = entry::sid(entry);
    if let Some(value) = entry.value("nTSecurityDescriptor") {
        let _ = descriptor::cannot_change(value);
    }
    if let Some(value) = entry.value("Netlogon") {
        let _ = site::Controller::parse(value);
    }
    if let Some(text) = entry.text("currentTime") {
        let _ = time::generalized(text);
    }
    let schemes = [Scheme::Sid, Scheme::Rid { base: 10_000 }, Scheme::Rfc2307];
    if let Ok(team) = Team::read(entry) {
        for scheme in schemes {
            assert!(ids::gid_of(scheme, &team) != Some(0), "root's group");
        }
    }
    let person = Person::read(entry).ok()?;
    for scheme in schemes {
        let numbers = [
            ids::uid_of(scheme, &person),
            ids::primary_gid_of(scheme, &person),
        ];
        assert!(!numbers.contains(&Some(0)), "root's number");
    }
    assert!(!person.name.contains(['\n', ':', '/', '\\', '@', '\0']));
    let texts = [&person.unix_home, &person.login_shell, &person.gecos];
    for text in texts.into_iter().flatten() {
        assert!(!text.contains(|c: char| c.is_control() || c == ':'));
    }
    // A list of workstations that holds something never becomes one that allows every host.
    let written = entry.text("userWorkstations").unwrap_or_default();
    assert!(written.is_empty() || !person.workstations.is_empty());
    Some(person)
}

/// Whether an account may not change its own password, by its security descriptor.
#[must_use]
pub fn cannot_change(bytes: &[u8]) -> Option<bool> {
    descriptor::cannot_change(bytes)
}

/// The instant of a GeneralizedTime.
#[must_use]
pub fn generalized(text: &str) -> Option<Timestamp> {
    time::generalized(text)
}

/// What a controller's refusal is called, and whether it proves the password.
#[must_use]
pub fn refusal(error: &KdcError) -> Option<(Verdict, bool)> {
    match Native::of(error) {
        Native::Refusal(Refusal {
            verdict,
            proves_password,
            ..
        }) => Some((verdict, proves_password)),
        Native::Skew | Native::Unavailable => None,
    }
}

/// Reads the file with the host's own password, and gives what would be written.
#[must_use]
pub fn machine(bytes: &[u8]) -> Option<Vec<u8>> {
    let machine: Machine = serde_json::from_slice(bytes).ok()?;
    let _ = (machine.principals(), machine.salt(), machine.keys().count());
    serde_json::to_vec(&machine).ok()
}
