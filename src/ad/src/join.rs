//! Joining a host to a domain, and taking it out again.
//!
//! The new password of the host is on its disk before the directory hears of it. So a join
//! that is cut off at any moment is gone on with by the next one: it finds by trying that the
//! account is this host's. A join that fails takes back what it made.

mod account;
mod contact;
mod error;
mod leave;
mod making;
mod proof;
mod report;

pub use contact::CACHE;
pub use error::{JoinError, Left, Unusable, Why};
pub use leave::{Gone, leave};
pub use report::{Check, Expected, Found, Subject, report};

use crate::dns::Resolver;
use crate::machine::{JOINING, Machine, MachineError, Unsafe, Which};
use crate::queries::{self, DomainFacts};
use crate::rotation;
use account::Account;
use contact::Contact;
use domlogon_krb5 as krb5;
use domlogon_protocol::{Secret, Timestamp};
use making::{by_administrator, by_one_time_password};
use proof::{complete, finish, mend};
use std::path::{Path, PathBuf};

const LDAP: u16 = 389;

/// Which host, which domain, and where things are.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The Kerberos realm: the domain's DNS name in capital letters.
    pub realm: String,
    /// The domain's DNS name in small letters.
    pub dns_name: String,
    /// The name of the computer's account without its `$`, in capital letters.
    pub name: &'a str,
    /// The host's full name in small letters.
    pub host: &'a str,
    /// Controllers by name; none: they are looked up in the DNS.
    pub servers: &'a [String],
    /// The site whose controllers are asked; `None`: the one that a controller says.
    pub site: Option<&'a str>,
    /// The folder with `machine.json` and the keytab.
    pub state: &'a Path,
    /// The Kerberos profile that GSSAPI reads in this process; it is written here.
    pub profile: &'a Path,
    /// Who is asked for names.
    pub resolver: &'a Resolver,
}

impl Place<'_> {
    fn account(&self) -> String {
        format!("{}$", self.name)
    }

    fn unfinished(&self) -> PathBuf {
        self.state.join(JOINING)
    }
}

/// What the host runs.
#[derive(Clone, Debug)]
pub struct System {
    /// Such as `Debian GNU/Linux`.
    pub name: String,
    /// Such as `12`.
    pub version: Option<String>,
}

/// By whose right a host is joined.
#[derive(Clone, Debug)]
pub enum Authority {
    /// A user of the domain who may make computers.
    Administrator {
        /// The user: `Administrator`, `administrator@corp.example`, `CORP\Administrator`.
        user: String,
        /// The password.
        password: Secret,
    },
    /// The account was made in advance, with this password.
    OneTime(Secret),
}

/// How the host is to be joined.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The organizational unit for a new account.
    pub ou: Option<&'a str>,
    /// Whether an account is taken that another host may be using.
    pub take_over: bool,
    /// What the host runs.
    pub system: System,
    /// Now.
    pub now: Timestamp,
}

/// A host that is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The domain's short (NetBIOS) name.
    pub domain: String,
    /// The domain's DNS name.
    pub dns_name: String,
    /// sAMAccountName.
    pub account: String,
    /// The account's entry, if it was found.
    pub dn: Option<String>,
    /// The controller that did it.
    pub server: String,
    /// The site of this host.
    pub site: Option<String>,
    /// What was done.
    pub how: How,
    /// Attributes of an account that was taken over by which others could have got in, and which
    /// were emptied.
    pub cleared: Vec<&'static str>,
    /// Those that are left: who has joined may not empty them, or they may be meant.
    pub not_cleared: Vec<&'static str>,
}

/// What a join has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The account was made.
    Created,
    /// An account that was there was taken.
    TakenOver,
    /// An account that was made in advance got its real password.
    Prepared,
    /// What an earlier join had left was finished.
    Finished,
    /// There was nothing to do.
    Already,
}

/// Tells the libraries in this process where the Kerberos profile of a [`Place`] is going to
/// be. To be called once, before there are other threads.
pub fn process_defaults(profile: &Path) {
    krb5::process_defaults(profile, CACHE);
}

/// Joins without anybody's right: where this host is joined already, or an earlier join was
/// cut off after the directory knew of it. `None`: somebody has to be asked.
///
/// With `take_over` a host that is joined gets another password, which needs somebody's right:
/// only a join that was cut off, and has given it one, is gone on with.
///
/// # Errors
/// [`JoinError`]; [`Why::JoinedTo`] if the host is joined to another domain.
pub fn resume(
    place: &Place<'_>,
    take_over: bool,
    now: Timestamp,
) -> Result<Option<Joined>, JoinError> {
    let resumed = if take_over {
        error::judge(place).and_then(|()| renewed(place, now))
    } else {
        error::judge(place).and_then(|()| resumed(place, now))
    };
    resumed.map_err(Why::and_nothing_left)
}

fn resumed(place: &Place<'_>, now: Timestamp) -> Result<Option<Joined>, Why> {
    if Machine::file(place.state).exists() {
        let machine = own(place)?;
        let mut used = Which::Current;
        match as_host(place, &machine, &mut used) {
            Ok(mut contact) => {
                mend(place, &mut contact, machine, used)?;
                return joined(place, &mut contact, None, How::Already).map(Some);
            }
            // Another join may have taken the account over, and been cut off.
            Err(Why::Password) => {}
            Err(why) => return Err(why),
        }
    }
    match begun(place) {
        Some(machine) => go_on(place, machine, now),
        None => Ok(None),
    }
}

/// Where the host is to get another password: what it has is as good as lost, also if its file
/// cannot be used or its account is disabled.
fn renewed(place: &Place<'_>, now: Timestamp) -> Result<Option<Joined>, Why> {
    let known = match own(place) {
        Ok(machine) => Some(machine),
        Err(Why::Machine(MachineError::NotJoined(_))) => None,
        // What an earlier join has left may be what this file held, and is to be given up.
        Err(Why::Machine(
            MachineError::Broken { .. } | MachineError::Unsafe(_, Unsafe::TooLong),
        )) => return Ok(None),
        Err(why) => return Err(why),
    };
    let Some(machine) = begun(place) else {
        return Ok(None);
    };
    let new = machine.current.password.expose();
    let mut keys = known.iter().flat_map(Machine::keys);
    if keys.any(|(_, key)| key.password.expose() == new) {
        // That join was whole: only its first file was left.
        return Ok(None);
    }
    match go_on(place, machine, now) {
        Err(Why::Unusable(_)) => Ok(None),
        result => result,
    }
}

/// The host's own file, if it is of this domain and this account.
fn own(place: &Place<'_>) -> Result<Machine, Why> {
    let machine = Machine::load(place.state)?;
    if machine.realm != place.realm || !machine.account.eq_ignore_ascii_case(&place.account()) {
        return Err(Why::JoinedTo(machine.realm, machine.account));
    }
    Ok(machine)
}

/// Finishes a join that was cut off. `None`: the directory never heard of it.
fn go_on(place: &Place<'_>, machine: Machine, now: Timestamp) -> Result<Option<Joined>, Why> {
    match as_host(place, &machine, &mut Which::Current) {
        Ok(mut contact) => {
            complete(place, &mut contact, None)?;
            finish(place, &mut contact, machine, now)?;
            Ok(Some(joined(place, &mut contact, None, How::Finished)?))
        }
        Err(Why::Password) => Ok(None),
        Err(why) => Err(why),
    }
}

/// Joins the host.
///
/// # Errors
/// [`JoinError`] tells the cause, and whether anything is left behind.
pub fn join(
    place: &Place<'_>,
    wish: &Wish<'_>,
    authority: &Authority,
) -> Result<Joined, JoinError> {
    error::judge(place).map_err(Why::and_nothing_left)?;
    match authority {
        Authority::Administrator { user, password } => {
            let mut contact = user_of(user, place)
                .and_then(|user| as_user(place, &user, password))
                .map_err(Why::and_nothing_left)?;
            by_administrator(place, wish, &mut contact)
        }
        Authority::OneTime(password) => {
            let account = place.account();
            let mut contact = as_user(place, &account, password).map_err(|why| {
                match why {
                    Why::Password => Why::NotPrepared(account.clone()),
                    why => why,
                }
                .and_nothing_left()
            })?;
            by_one_time_password(place, wish, &mut contact, password)
        }
    }
}

/// What an earlier join of this host to this domain has written down.
fn begun(place: &Place<'_>) -> Option<Machine> {
    // One that cannot be read is of no use, and the next join writes another.
    let machine = Machine::load_at(&place.unfinished()).ok()?;
    let is_ours = machine.realm == place.realm && machine.account == place.account();
    is_ours.then_some(machine)
}

fn look(place: &Place<'_>, contact: &mut Contact) -> Result<(DomainFacts, Option<Account>), Why> {
    let facts = queries::domain_facts(contact.again())?;
    if !facts.dns_name.eq_ignore_ascii_case(&place.dns_name) {
        return Err(Why::OtherName(facts.dns_name.to_uppercase()));
    }
    let found = Account::find(contact.again(), &facts, &place.account())?;
    Ok((facts, found))
}

fn joined(
    place: &Place<'_>,
    contact: &mut Contact,
    dn: Option<String>,
    how: How,
) -> Result<Joined, Why> {
    let (facts, found) = look(place, contact)?;
    let site = contact
        .controller
        .as_ref()
        .and_then(|controller| controller.client_site.clone());
    Ok(Joined {
        domain: facts.netbios,
        dns_name: place.dns_name.clone(),
        account: place.account(),
        dn: dn.or_else(|| found.map(|account| account.dn)),
        server: contact.server.clone(),
        site,
        how,
        cleared: Vec::new(),
        not_cleared: Vec::new(),
    })
}

fn as_user(place: &Place<'_>, user: &str, password: &Secret) -> Result<Contact, Why> {
    Contact::open(place, &mut |context, kdc| {
        context.with_password(user, &place.realm, password, None, kdc)
    })
}

/// `used` says by which of its passwords.
fn as_host(place: &Place<'_>, machine: &Machine, used: &mut Which) -> Result<Contact, Why> {
    as_host_noting(place, machine, used, &mut Vec::new())
}

/// The same; notes the controllers that were passed over because nobody has named them.
fn as_host_noting(
    place: &Place<'_>,
    machine: &Machine,
    used: &mut Which,
    passed_over: &mut Vec<String>,
) -> Result<Contact, Why> {
    let mut log_on = |context: &krb5::Context, kdc: &mut krb5::Exchange<'_>| {
        let (tgt, which) = rotation::credentials(machine, context, kdc)?;
        *used = which;
        Ok(tgt)
    };
    Contact::open_noting(place, &mut log_on, passed_over)
}

/// The account's name of a user who may be written with his domain.
fn user_of(user: &str, place: &Place<'_>) -> Result<String, Why> {
    let first_label = place.dns_name.split('.').next().unwrap_or_default();
    let is_ours = |domain: &str| {
        domain.eq_ignore_ascii_case(&place.dns_name) || domain.eq_ignore_ascii_case(first_label)
    };
    let (name, domain) = match (user.split_once('\\'), user.rsplit_once('@')) {
        (Some((domain, name)), _) => (name, Some(domain)),
        (None, Some((name, domain))) => (name, Some(domain)),
        (None, None) => (user, None),
    };
    if name.is_empty() || domain.is_some_and(|domain| !is_ours(domain)) {
        return Err(Why::OtherDomain(user.to_owned()));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
