//! Taking a host out of its domain.

use super::account::{self, ABSENT, Account};
use super::contact::Contact;
use super::error::{JoinError, Why};
use super::{Authority, Place, as_host, as_user, look, user_of};
use crate::ldap::LdapError;
use crate::machine::{Machine, Which, new_password};
use crate::rotation::{CHANGE, Wire, credentials_for};
use domlogon_krb5::Changed;

/// notAllowedOnNonLeaf
const HAS_CHILDREN: u32 = 66;

/// What became of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It is deleted.
    Deleted,
    /// It is disabled.
    Disabled,
    /// It has a password that nobody knows. The host itself may do no more.
    Closed,
    /// There was none any more.
    Absent,
}

/// Deletes the account of this host by the right of a user, or puts it out of use by the
/// host's own. The host's files stay: see [`Machine::forget`].
///
/// # Errors
/// [`JoinError`]; the account is as it was.
pub fn leave(
    place: &Place<'_>,
    machine: &Machine,
    authority: Option<&Authority>,
) -> Result<Gone, JoinError> {
    leaving(place, machine, authority).map_err(Why::and_nothing_left)
}

fn leaving(
    place: &Place<'_>,
    machine: &Machine,
    authority: Option<&Authority>,
) -> Result<Gone, Why> {
    let mut contact = match authority {
        Some(Authority::Administrator { user, password }) => {
            as_user(place, &user_of(user, place)?, password)?
        }
        Some(Authority::OneTime(password)) => as_user(place, &place.account(), password)?,
        None => match as_host(place, machine, &mut Which::Current) {
            Err(Why::Password) => return Err(Why::Unknown),
            contact => contact?,
        },
    };
    let (_, found) = look(place, &mut contact)?;
    let Some(account) = found else {
        return Ok(Gone::Absent);
    };
    if account.is_controller() || !account.is_computer() {
        return Err(Why::IsNoComputer(account.dn));
    }
    if authority.is_some() {
        delete(&mut contact, &account)
    } else {
        put_out_of_use(&mut contact, machine, &account)
    }
}

fn delete(contact: &mut Contact, account: &Account) -> Result<Gone, Why> {
    match contact.again().delete(&account.dn) {
        Ok(()) => Ok(Gone::Deleted),
        Err(LdapError::Refused { code: ABSENT, .. }) => Ok(Gone::Absent),
        // Something is kept below it, such as keys for recovery: not ours to delete.
        Err(LdapError::Refused {
            code: HAS_CHILDREN, ..
        }) => {
            account::disable(contact.again(), account)?;
            Ok(Gone::Disabled)
        }
        Err(error) if account::is_denied(&error) => Err(Why::NoRightTo(account.dn.clone())),
        Err(error) => Err(error.into()),
    }
}

fn put_out_of_use(
    contact: &mut Contact,
    machine: &Machine,
    account: &Account,
) -> Result<Gone, Why> {
    match account::disable(contact.again(), account) {
        Ok(()) => return Ok(Gone::Disabled),
        Err(error) if error.is_outage() => return Err(error.into()),
        // Most domains do not let a computer do that to itself.
        Err(_) => {}
    }
    let mut route = contact.route;
    let context = &contact.context;
    let (ticket, _): (_, Which) = credentials_for(machine, context, Some(CHANGE), &mut |request| {
        route.kdc(request)
    })
    .map_err(Why::Kerberos)?;
    let changed = context
        .change_password(&ticket, &new_password()?, &mut |request| {
            route.kpasswd(request)
        })
        .map_err(Why::Kerberos)?;
    match changed {
        Changed::Done => Ok(Gone::Closed),
        Changed::Refused { code, text, .. } => Err(Why::Refused(code, text)),
    }
}
