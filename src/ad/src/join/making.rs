//! Making the account, or taking one that is there.

use super::account::{self, Account, WaysIn};
use super::contact::Contact;
use super::error::{JoinError, Why};
use super::proof::{complete, finish};
use super::{How, Joined, Place, Wish, as_host, joined, look};
use crate::machine::{self, Key, Machine, Which, new_password};
use crate::queries::DomainFacts;
use crate::rotation::{CHANGE, Wire};
use domlogon_krb5::Changed;
use domlogon_protocol::Secret;

pub(super) fn by_administrator(
    place: &Place<'_>,
    wish: &Wish<'_>,
    contact: &mut Contact,
) -> Result<Joined, JoinError> {
    let (facts, found) = look(place, contact).map_err(Why::and_nothing_left)?;
    let stranger = match &found {
        Some(account) => account
            .stranger(contact.again(), &facts)
            .map_err(|error| Why::Ldap(error).and_nothing_left())?,
        None => None,
    };
    let container = match &found {
        Some(account) => {
            let free = wish.take_over || account.is_free_for(place.host);
            may_take(account, free).map_err(Why::and_nothing_left)?;
            if let (false, Some(maker)) = (wish.take_over, &stranger) {
                let why = Why::MadeBy(account.dn.clone(), maker.clone());
                return Err(why.and_nothing_left());
            }
            None
        }
        None => Some(
            account::container(contact.again(), &facts, wish.ou).map_err(Why::and_nothing_left)?,
        ),
    };
    let machine = prepare(place, wish, &facts).map_err(Why::and_nothing_left)?;
    let password = &machine.current.password;
    let mut ways = WaysIn::default();
    let (dn, how) = match (&found, container) {
        (Some(account), _) => {
            let strangers = stranger.is_some();
            ways = account::take_over(contact.again(), place, account, password, strangers)
                .map_err(|why| forget_unless_told(place, why))?;
            (account.dn.clone(), How::TakenOver)
        }
        (None, container) => {
            let container = container.unwrap_or_default();
            let dn = account::create(contact.again(), place, &container, password)
                .map_err(|why| forget_unless_told(place, why))?;
            (dn, How::Created)
        }
    };
    let finished = settle(place, wish, contact, machine, &dn);
    match finished {
        Ok(()) => joined(place, contact, Some(dn), how)
            .map(|joined| Joined {
                cleared: ways.cleared,
                not_cleared: ways.left,
                ..joined
            })
            .map_err(Why::and_account_left),
        Err(why) if how == How::Created && contact.again().delete(&dn).is_ok() => {
            forget(place);
            Err(why.and_nothing_left())
        }
        Err(why) => Err(why.and_account_left()),
    }
}

pub(super) fn by_one_time_password(
    place: &Place<'_>,
    wish: &Wish<'_>,
    contact: &mut Contact,
    one_time: &Secret,
) -> Result<Joined, JoinError> {
    let (facts, found) = look(place, contact).map_err(Why::and_nothing_left)?;
    let Some(found) = found else {
        return Err(Why::NotPrepared(place.account()).and_nothing_left());
    };
    may_take(&found, true).map_err(Why::and_nothing_left)?;
    let machine = prepare(place, wish, &facts).map_err(Why::and_nothing_left)?;
    let mut route = contact.route;
    let changed = contact
        .context
        .with_password(
            &place.account(),
            &place.realm,
            one_time,
            Some(CHANGE),
            &mut |request| route.kdc(request),
        )
        .and_then(|ticket| {
            let new = &machine.current.password;
            contact
                .context
                .change_password(&ticket, new, &mut |request| route.kpasswd(request))
        });
    match changed {
        Ok(Changed::Done) => {}
        // It may have been made all the same, by the same request before: see `rotation`.
        Ok(Changed::Refused { code, text, .. }) => {
            return Err(Why::Refused(code, text).and_account_left());
        }
        Err(error) => return Err(Why::Kerberos(error).and_account_left()),
    }
    complete(place, contact, Some(&wish.system)).map_err(Why::and_account_left)?;
    finish(place, contact, machine, wish.now).map_err(Why::and_account_left)?;
    joined(place, contact, Some(found.dn), How::Prepared).map_err(Why::and_account_left)
}

/// What follows once the account has its password, as an administrator.
fn settle(
    place: &Place<'_>,
    wish: &Wish<'_>,
    contact: &mut Contact,
    machine: Machine,
    dn: &str,
) -> Result<(), Why> {
    // Only for those who look at the list of computers.
    let _ = account::set_system(contact.again(), dn, &wish.system);
    if let Err(error) = account::set_encryption(contact.again(), dn) {
        if !account::is_denied(&error) {
            return Err(error.into());
        }
        // Whoever made it by the right that everybody has may not; the computer itself may.
        let mut own = as_host(place, &machine, &mut Which::Current)?;
        account::set_encryption(own.again(), dn)?;
    }
    finish(place, contact, machine, wish.now)
}

/// Writes down what the host's password is going to be.
fn prepare(place: &Place<'_>, wish: &Wish<'_>, facts: &DomainFacts) -> Result<Machine, Why> {
    let machine = Machine {
        account: place.account(),
        realm: place.realm.clone(),
        host: place.host.to_owned(),
        domain_sid: facts.sid.clone(),
        current: Key {
            password: new_password()?,
            kvno: 1,
            set_at: wish.now,
        },
        previous: None,
        pending: None,
    };
    machine.store_at(&place.unfinished())?;
    Ok(machine)
}

fn may_take(account: &Account, free: bool) -> Result<(), Why> {
    let dn = account.dn.clone();
    if account.is_controller() {
        Err(Why::IsController(dn))
    } else if !account.is_computer() {
        Err(Why::IsNoComputer(dn))
    } else if free {
        Ok(())
    } else {
        Err(Why::Exists(dn, account.host.clone()))
    }
}

/// After a refusal the directory knows nothing of the password that was written down; after
/// a connection that broke it may.
fn forget_unless_told(place: &Place<'_>, why: Why) -> JoinError {
    let unsure = matches!(&why, Why::Ldap(error) if error.is_outage());
    if unsure {
        return why.and_account_left();
    }
    forget(place);
    why.and_nothing_left()
}

/// What cannot be removed is written over by the next join.
fn forget(place: &Place<'_>) {
    let _ = machine::remove(&place.unfinished());
    if !Machine::file(place.state).exists() {
        let _ = machine::remove(&Machine::keytab(place.state));
    }
}
