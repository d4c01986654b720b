//! Changing the password of the host's own account, so that no failure at any moment loses
//! the host.
//!
//! The new password is on the disk before a controller hears of it, and stays there until a
//! controller has let the host in with it. Whatever happened in between, the next start finds
//! out by trying: see [`credentials`].

mod error;
pub(crate) mod kvno;

pub use error::RotationError;

use crate::machine::{Key, Machine, Which, new_password};
use domlogon_krb5 as krb5;
use domlogon_protocol::{Secret, Timestamp};
use krb5::{Changed, Context, Credentials, Exchange};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The service that changes passwords [RFC 3244].
pub const CHANGE: &str = krb5::CHANGEPW;

/// The password is not the right one.
const WRONG: [i32; 2] = [krb5::code::PREAUTH_FAILED, krb5::code::BAD_INTEGRITY];

/// The ways to the two services of one domain controller.
pub trait Wire {
    /// A request to the KDC and its reply.
    ///
    /// # Errors
    /// What the connection says.
    fn kdc(&mut self, request: &[u8]) -> io::Result<Vec<u8>>;

    /// A request to the password service and its reply.
    ///
    /// # Errors
    /// What the connection says.
    fn kpasswd(&mut self, request: &[u8]) -> io::Result<Vec<u8>>;
}

/// What a rotation has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The password was changed.
    Changed,
    /// An earlier change had arrived, and was only not known to have.
    Finished,
}

/// Logs the host on: with the password that should be right, or else with one of the others
/// that may be. Says which one it was.
///
/// A wrong password of a computer is counted, but never locks it out.
///
/// # Errors
/// The KDC's answer to the first of them, if it lets the host in with none.
pub fn credentials(
    machine: &Machine,
    context: &Context,
    kdc: &mut Exchange<'_>,
) -> Result<(Credentials, Which), krb5::Error> {
    credentials_for(machine, context, None, kdc)
}

/// As [`credentials`], for a service other than the ticket-granting one.
///
/// # Errors
/// As there.
pub fn credentials_for(
    machine: &Machine,
    context: &Context,
    service: Option<&str>,
    kdc: &mut Exchange<'_>,
) -> Result<(Credentials, Which), krb5::Error> {
    let mut first = None;
    for (which, key) in machine.keys() {
        match log_on(context, machine, &key.password, service, kdc) {
            Ok(credentials) => return Ok((credentials, which)),
            Err(error) if is_wrong_password(&error) => first = first.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(first.unwrap_or(krb5::Error::EmptyPassword))
}

/// Whether the password of the host is to be changed: one that is old enough, or whose change
/// was begun and not finished.
#[must_use]
pub fn is_due(machine: &Machine, every: Option<Duration>, now: Timestamp) -> bool {
    let Some(every) = every else {
        return machine.pending.is_some();
    };
    let age = now.since(machine.current.set_at);
    // A time far in the future is one that a wrong clock wrote down.
    machine.pending.is_some() || age.unsigned_abs() >= every.as_secs()
}

/// Changes the password of the host, or finishes a change that was begun.
///
/// # Errors
/// [`RotationError`]; the host is let in as before, and the next attempt goes on from here.
pub fn rotate(
    context: &Context,
    machine: &mut Machine,
    state: &Path,
    wire: &mut dyn Wire,
    now: Timestamp,
) -> Result<Rotated, RotationError> {
    let mut kdc = |request: &[u8]| wire.kdc(request);
    let (ticket, which) = credentials_for(machine, context, Some(CHANGE), &mut kdc)?;
    if which == Which::Pending {
        let (tgt, _) = credentials(machine, context, &mut kdc)?;
        let kvno = kvno::own(machine, context, &tgt, &mut kdc);
        adopt(context, machine, state, Which::Current, kvno).map_err(RotationError::afterwards)?;
        return Ok(Rotated::Finished);
    }
    // One that was begun is gone on with: another controller may have been told of it, and
    // the two must not learn different ones.
    let pending = prepare(context, machine, state, now)?;
    let changed = context.change_password(&ticket, &pending, &mut |request| wire.kpasswd(request));
    match changed? {
        Changed::Done => {}
        // Sealed, and yet no word on whether it was made: whoever stands between can give the same
        // request to the controller twice, and hand on what it says of the second. So it stays
        // pending, and which of the two is right shows at the next logon of the host.
        Changed::Refused { code, text, .. } => {
            return Err(RotationError::Refused { code, text });
        }
    }
    finish(context, machine, state, (&pending, which), wire).map_err(RotationError::afterwards)?;
    Ok(Rotated::Changed)
}

/// What comes after a change: `old` is the one that was right before it.
fn finish(
    context: &Context,
    machine: &mut Machine,
    state: &Path,
    (pending, old): (&Secret, Which),
    wire: &mut dyn Wire,
) -> Result<(), RotationError> {
    let mut kdc = |request: &[u8]| wire.kdc(request);
    let tgt = log_on(context, machine, pending, None, &mut kdc)?;
    let kvno = kvno::own(machine, context, &tgt, &mut kdc);
    adopt(context, machine, state, old, kvno)
}

/// Takes up an earlier change that has arrived: to be called with what [`credentials`] said
/// for a ticket-granting ticket.
///
/// # Errors
/// [`RotationError`]; it can be tried again.
pub fn settle(
    context: &Context,
    machine: &mut Machine,
    state: &Path,
    (tgt, which): (&Credentials, Which),
    kdc: &mut Exchange<'_>,
) -> Result<(), RotationError> {
    if which == Which::Pending {
        let kvno = kvno::own(machine, context, tgt, kdc);
        adopt(context, machine, state, Which::Current, kvno).map_err(RotationError::afterwards)?;
    }
    Ok(())
}

/// Writes the password down that is going to be set, with its keys, before anybody is told.
fn prepare(
    context: &Context,
    machine: &mut Machine,
    state: &Path,
    now: Timestamp,
) -> Result<Secret, RotationError> {
    if let Some(pending) = &mut machine.pending {
        pending.set_at = now;
        let password = pending.password.clone();
        // The attempt that wrote it down may have had no room for its keys. Once the directory
        // knows it, nobody is let in without them.
        machine.write_keytab(context, state)?;
        return Ok(password);
    }
    let password = new_password()?;
    // What directories do. The number that it gets is read from a ticket later.
    let kvno = machine.keys().map(|(_, key)| key.kvno).max().unwrap_or(0);
    let mut planned = machine.clone();
    planned.pending = Some(Key {
        password: password.clone(),
        kvno: kvno.wrapping_add(1),
        set_at: now,
    });
    planned.store(state)?;
    *machine = planned;
    machine.write_keytab(context, state)?;
    Ok(password)
}

/// Makes the pending password the current one. `old` is the one that was right before it.
fn adopt(
    context: &Context,
    machine: &mut Machine,
    state: &Path,
    old: Which,
    kvno: Option<u32>,
) -> Result<(), RotationError> {
    let mut settled = machine.clone();
    let Some(mut pending) = settled.pending.take() else {
        return Ok(());
    };
    if let Some(kvno) = kvno {
        pending.kvno = kvno;
    }
    let before = std::mem::replace(&mut settled.current, pending);
    if old != Which::Previous {
        settled.previous = Some(before);
    }
    settled.write_keytab(context, state)?;
    settled.store(state)?;
    *machine = settled;
    Ok(())
}

fn log_on(
    context: &Context,
    machine: &Machine,
    password: &Secret,
    service: Option<&str>,
    kdc: &mut Exchange<'_>,
) -> Result<Credentials, krb5::Error> {
    context.with_password(&machine.account, &machine.realm, password, service, kdc)
}

fn is_wrong_password(error: &krb5::Error) -> bool {
    matches!(error, krb5::Error::Kdc(kdc) if WRONG.contains(&kdc.code))
}

#[cfg(test)]
mod tests;
