//! Proving that the account works, and what the host does for it with its own password.

use super::account;
use super::contact::Contact;
use super::error::Why;
use super::{Place, System, look};
use crate::ldap::LdapError;
use crate::machine::{self, Machine, Which};
use crate::rotation::{self, Wire, kvno};
use domlogon_krb5::{self as krb5, Credentials};
use domlogon_protocol::Timestamp;
use std::path::Path;

/// Proves that the host can log on and open the tickets for it, and writes its files.
pub(super) fn finish(
    place: &Place<'_>,
    contact: &mut Contact,
    mut machine: Machine,
    now: Timestamp,
) -> Result<(), Why> {
    let told = number(place, contact);
    let mut route = contact.route;
    let mut kdc = |request: &[u8]| route.kdc(request);
    let context = &contact.context;
    let tgt = rotation::credentials(&machine, context, &mut kdc)
        .map_err(|error| Why::of_log_on(&contact.server, error))?
        .0;
    if let Some(kvno) = told.or_else(|| kvno::own(&machine, context, &tgt, &mut kdc)) {
        machine.current.kvno = kvno;
    }
    machine.current.set_at = now;
    machine.write_keytab(context, place.state)?;
    verify(context, &machine, &tgt, place.state, &mut kdc)?;
    machine.store(place.state)?;
    machine::remove(&place.unfinished())?;
    Ok(())
}

/// The number of the host's key, over a connection that nobody can write into: unlike the one
/// on a ticket.
fn number(place: &Place<'_>, contact: &mut Contact) -> Option<u32> {
    let (_, account) = look(place, contact).ok()?;
    account?.kvno
}

/// Proves that a ticket for the host opens with its keytab.
pub(super) fn verify(
    context: &krb5::Context,
    machine: &Machine,
    tgt: &Credentials,
    state: &Path,
    kdc: &mut krb5::Exchange<'_>,
) -> Result<(), Why> {
    let service = format!("host/{}@{}", machine.host, machine.realm);
    let ticket = context.ticket(tgt, &service, kdc).map_err(Why::Kerberos)?;
    context
        .verify(&ticket, &service, &Machine::keytab(state))
        .map_err(Why::NotVerified)
}

/// Mends what the host itself can of a join that was whole once.
pub(super) fn mend(
    place: &Place<'_>,
    contact: &mut Contact,
    mut machine: Machine,
    used: Which,
) -> Result<(), Why> {
    complete(place, contact, None)?;
    let told = match used {
        Which::Current => number(place, contact),
        Which::Pending | Which::Previous => None,
    };
    let mut route = contact.route;
    let mut kdc = |request: &[u8]| route.kdc(request);
    let (context, tgt) = (&contact.context, &contact.tgt);
    let is_right = told.is_none_or(|told| told == machine.current.kvno);
    if is_right && verify(context, &machine, tgt, place.state, &mut kdc).is_ok() {
        return Ok(());
    }
    match used {
        Which::Pending => {
            rotation::settle(context, &mut machine, place.state, (tgt, used), &mut kdc)?;
        }
        Which::Current => {
            if let Some(kvno) = told.or_else(|| kvno::own(&machine, context, tgt, &mut kdc)) {
                machine.current.kvno = kvno;
            }
            machine.write_keytab(context, place.state)?;
            machine.store(place.state)?;
        }
        Which::Previous => machine.write_keytab(context, place.state)?,
    }
    verify(context, &machine, tgt, place.state, &mut kdc)
}

/// Writes to the account, as the host itself, what it may write: the rest is not vital.
pub(super) fn complete(
    place: &Place<'_>,
    contact: &mut Contact,
    system: Option<&System>,
) -> Result<(), Why> {
    let (_, found) = look(place, contact)?;
    let Some(account) = found else {
        return Ok(());
    };
    let connection = contact.again();
    let allowed = |result: Result<(), LdapError>| match result {
        Err(error) if error.is_outage() => Err(Why::Ldap(error)),
        // `report` names what is still missing, and how to mend it.
        Ok(()) | Err(_) => Ok(()),
    };
    allowed(account::name_host(connection, place, &account))?;
    allowed(account::set_encryption(connection, &account.dn))?;
    if let Some(system) = system {
        allowed(account::set_system(connection, &account.dn, system))?;
    }
    Ok(())
}
