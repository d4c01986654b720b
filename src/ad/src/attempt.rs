//! One password of one person, put to the test at one controller.
//!
//! A wrong password is one wrong password in the directory's own count. And a controller
//! that says "right" is believed when it has shown that it is a true one: whoever typed the
//! password may have set up a false one that knows it, too.
//!
//! There are two ways to show it. With FAST (RFC 6113) the whole exchange is inside an armour
//! that only who knows this host's own ticket can open; that is tried first, and costs no
//! further message. A controller without FAST is asked for a ticket to this host, which has
//! to open with the host's key.

mod answers;

use crate::directory::{Directory, Live};
use crate::journal::Level;
use crate::machine::Machine;
use crate::queries;
use crate::servers::Server;
use crate::session::ARMOUR;
use crate::status::{Native, Refusal};
use crate::transport::{KERBEROS, Wire};
use crate::trouble::Trouble;
use answers::{WRONG, after, another_reason, bare, has_reason, known, says_enough};
use domlogon_krb5::{CHANGEPW, Context, Credentials, Error, KdcError, ReplyFault, code};
use domlogon_protocol::{Secret, UserName};
use std::io;
use std::time::Instant;

/// What a controller is asked for with a password.
#[derive(Clone, Copy)]
enum Wanted {
    /// The ticket of somebody who logs on. It says whose password it was.
    Logon,
    /// The ticket for a change: also of a password that has expired.
    Change,
    /// The same, and whose password it is, where the controller tells it.
    Owner,
}

impl Wanted {
    /// The service that the ticket is for, other than the ticket-granting one.
    const fn service(self) -> Option<&'static str> {
        match self {
            Self::Logon => None,
            Self::Change | Self::Owner => Some(CHANGEPW),
        }
    }
}

/// What a controller says of a password.
enum Said {
    Yes(Credentials, Armour),
    No(KdcError, Armour),
}

/// Whether it was said in an armour, where a true controller alone can speak.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Armour {
    On,
    Off,
}

/// Whether both of two answers were said in one.
fn both(one: Armour, other: Armour) -> bool {
    one == Armour::On && other == Armour::On
}

/// What came of a password that was put to the test.
pub(crate) enum Tried {
    /// It is right, and these are what it opens.
    Right(Box<Credentials>),
    /// It is right and has expired, and this is the ticket for its change: by the word of a
    /// controller that has not shown to be a true one. It may be anybody's, and no password at all.
    Unvouched(Box<Credentials>),
    /// It is right, and the controller refuses for another reason.
    Proven {
        refusal: Refusal,
        /// Whether a true controller said so: if not, nobody has shown to know the password.
        vouched: bool,
    },
    /// The controller refuses, and the password was not shown to be right.
    Refused(Refusal),
}

pub(crate) struct Attempt<'a> {
    directory: &'a Directory,
    server: &'a Server,
    live: &'a Live,
    password: &'a Secret,
    kerberos: Context,
    realm: String,
    wire: Wire,
    deadline: Instant,
}

impl<'a> Attempt<'a> {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`Trouble::Kerberos`] if the profile cannot be used.
    pub(crate) fn new(
        directory: &'a Directory,
        server: &'a Server,
        deadline: Instant,
        live: &'a Live,
        password: &'a Secret,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            directory,
            server,
            live,
            password,
            kerberos: directory.session.kerberos()?,
            realm: directory.settings.realm(),
            wire: Wire::new(server.port(KERBEROS), deadline),
            deadline,
        })
    }

    /// Logs the person on, at a controller that has shown to be a true one.
    ///
    /// # Errors
    /// [`Trouble`]. After one that [may be counted](Trouble::may_be_counted) it must not be sent to
    /// another controller.
    pub(crate) fn log_on(&mut self) -> Result<Tried, Trouble> {
        match self.ask(Wanted::Logon)? {
            Said::Yes(credentials, Armour::On) => Ok(self.right(credentials)),
            Said::Yes(credentials, Armour::Off) => {
                Ok(match self.prove_controller(&credentials)? {
                    None => self.right(credentials),
                    Some(refusal) => Tried::Refused(refusal),
                })
            }
            Said::No(error, armour) => self.refused(&error, armour),
        }
    }

    /// Proves the password for a change of it, which an expired one does, too: by the ticket
    /// for the change. Whoever gets the new password next has to be the true controller: in
    /// armour it has shown that, and otherwise by an ordinary ticket, as at a logon.
    ///
    /// An expired password gets no ordinary ticket. There, without FAST, the controller shows
    /// itself at the end alone, by the new password.
    ///
    /// The ticket for the change has the name that was asked for, whosever password it was.
    ///
    /// # Errors
    /// As [`Attempt::log_on`].
    pub(crate) fn for_change(&mut self) -> Result<Tried, Trouble> {
        if self.is_anothers_name()? {
            return Ok(Tried::Refused(Refusal::WRONG_PASSWORD));
        }
        match self.ask(Wanted::Change)? {
            Said::Yes(ticket, Armour::On) => Ok(self
                .is_anothers(Armour::On)
                .unwrap_or_else(|| self.right(ticket))),
            Said::Yes(ticket, Armour::Off) => match self.plain(Wanted::Logon) {
                (Ok(tgt), _) => Ok(match self.prove_controller(&tgt)? {
                    None => match self.right(tgt) {
                        Tried::Right(_) => Tried::Right(Box::new(ticket)),
                        other => other,
                    },
                    Some(refusal) => Tried::Refused(refusal),
                }),
                (Err(Error::Kdc(error)), _) if error.code == code::KEY_EXPIRED => {
                    let other = self.is_anothers(Armour::Off);
                    Ok(other.unwrap_or_else(|| Tried::Unvouched(Box::new(ticket))))
                }
                (Err(error), sent) => Err(self.failed(error, sent)),
            },
            Said::No(error, armour) => self.refused(&error, armour),
        }
    }

    /// What a refusal means, and whether it shows that the password was right.
    fn refused(&mut self, error: &KdcError, armour: Armour) -> Result<Tried, Trouble> {
        let refusal = match armour {
            Armour::On if has_reason(error) => self.reason(error)?,
            Armour::On | Armour::Off => known(error)?,
        };
        // One whose age is all that is wrong leads in: whose it is does not stand in a refusal.
        // Nor may it have been looked at; for the service that changes it, it has to be.
        let is_asked_for = if refusal.proves_password {
            refusal.is_about_age()
        } else {
            error.code == code::KEY_EXPIRED && !error.after_preauth
        };
        if !is_asked_for {
            return Ok(if refusal.proves_password {
                Tried::Proven {
                    refusal,
                    vouched: armour == Armour::On,
                }
            } else {
                Tried::Refused(refusal)
            });
        }
        if self.is_anothers_name()? {
            return Ok(Tried::Refused(Refusal::WRONG_PASSWORD));
        }
        let vouched = if refusal.proves_password {
            armour
        } else {
            // It calls a password old that it has not looked at. For the service that changes it,
            // it has to look.
            match self.ask(Wanted::Change)? {
                Said::Yes(_, second) => second,
                Said::No(error, second) if error.after_preauth && !says_enough(error.code) => {
                    return Ok(Tried::Proven {
                        refusal: another_reason(&error)?,
                        vouched: both(armour, second),
                    });
                }
                Said::No(error, _) => return Ok(Tried::Refused(known(&error)?)),
            }
        };
        Ok(self.is_anothers(vouched).unwrap_or(Tried::Proven {
            refusal,
            vouched: both(armour, vouched),
        }))
    }

    /// What follows if the controller says that a password that was right is another account's:
    /// some take one by its userPrincipalName, which the directory may not show to this host.
    /// What it does not say counts for nothing: not every one answers that question.
    fn is_anothers(&mut self, armour: Armour) -> Option<Tried> {
        let said = match armour {
            Armour::On => self.armoured(Wanted::Owner).0,
            Armour::Off => self.plain(Wanted::Owner).0,
        };
        match self.right(said.ok()?) {
            Tried::Right(_) => None,
            other => Some(other),
        }
    }

    /// Whether somebody else has the name that is asked for as his other one
    /// (userPrincipalName). A controller may take his password for it, and neither a refusal nor
    /// the ticket for a change says whose it was.
    fn is_anothers_name(&self) -> Result<bool, Trouble> {
        let (directory, server, deadline) = (self.directory, self.server, self.deadline);
        let now = (directory.clock)();
        let facts = directory.facts(server, deadline, now)?;
        let person = &self.live.person;
        let name = format!("{}@{}", person.name, self.realm);
        let other = directory
            .session
            .ldap(server, deadline, now, |connection| {
                queries::another_with_principal_name(connection, &facts, &name, &person.sid)
            })?;
        if let Some(other) = &other {
            let line = format!(
                "{name} is the other name of {other}, too: his password may not be told from that \
                 of {}, which is not taken where it has to be changed",
                person.name
            );
            directory.journal.note(Level::Warning, &line);
        }
        Ok(other.is_some())
    }

    /// Why the controller refuses says the NTSTATUS alone, and that is lost inside the armour.
    /// The password is right, or was not looked at: asking again counts nothing. What is said
    /// outside the armour is believed as the reason for the same refusal, and for no other.
    ///
    /// A controller that looks at the password first gets a proof of it outside the armour.
    fn reason(&mut self, error: &KdcError) -> Result<Refusal, Trouble> {
        match self.plain(Wanted::Logon) {
            (Err(Error::Kdc(plain)), _) if plain.code == error.code => {
                let refusal = known(&plain)?;
                Ok(Refusal {
                    // Both times: the answer outside may be a forged one.
                    proves_password: refusal.proves_password && error.after_preauth,
                    ..refusal
                })
            }
            (Err(error @ Error::Transport(_)), sent) => Err(self.failed(error, sent)),
            _ => known(error),
        }
    }

    /// Asks for a ticket, in armour where the controller has it.
    fn ask(&mut self, wanted: Wanted) -> Result<Said, Trouble> {
        let session = &self.directory.session;
        if session.may_have_fast(self.server) {
            let (said, sent) = self.armoured(wanted);
            match said {
                Ok(credentials) => {
                    session.fast.met(&self.server.name);
                    return Ok(Said::Yes(credentials, Armour::On));
                }
                Err(Error::Kdc(error)) if error.armored => {
                    session.fast.met(&self.server.name);
                    return Ok(Said::No(error, Armour::On));
                }
                Err(error @ Error::Transport(_)) => return Err(self.failed(error, sent)),
                // Nothing was sent; it says nothing of the controller.
                Err(error) if sent == 0 => return self.said(error, sent),
                // The account needs no pre-authentication: the first answer is sealed with its
                // password, and ours does not open it.
                Err(error @ Error::Reply(ReplyFault::Undecryptable)) if sent == 1 => {
                    return self.said(error, sent);
                }
                Err(error) if session.fast.is_with(&self.server.name) => {
                    session.doubt_tickets();
                    return Err(bare(error, sent));
                }
                Err(Error::Kdc(error)) if error.after_preauth => {
                    return Ok(Said::No(error, Armour::Off));
                }
                // The proof may have been counted: it is not sent once more.
                Err(_) if sent > 1 => {
                    return Err(Trouble::Interrupted(io::ErrorKind::InvalidData.into()));
                }
                Err(_) => session.fast.missed(&self.server.name),
            }
        }
        match self.plain(wanted) {
            (Ok(credentials), _) => Ok(Said::Yes(credentials, Armour::Off)),
            (Err(error), sent) => self.said(error, sent),
        }
    }

    fn said(&self, error: Error, sent: u32) -> Result<Said, Trouble> {
        match error {
            Error::Kdc(error) => Ok(Said::No(error, Armour::Off)),
            // No password can be like that, or (without pre-authentication) it is not the one
            // that the reply was sealed with.
            Error::EmptyPassword
            | Error::UnusablePassword
            | Error::Reply(ReplyFault::Undecryptable) => Ok(Said::No(WRONG, Armour::Off)),
            error => Err(self.failed(error, sent)),
        }
    }

    fn failed(&self, error: Error, sent: u32) -> Trouble {
        match error {
            Error::Transport(error) => Trouble::of_attempt(error, self.wire.has_answered()),
            error => after(sent, Trouble::Kerberos(error)),
        }
    }

    /// Also says how many messages were sent: the first has no proof of the password in it.
    fn armoured(&mut self, wanted: Wanted) -> (Result<Credentials, Error>, u32) {
        let (wire, name) = (&mut self.wire, &self.live.person.name);
        let mut sent = 0;
        let mut exchange = |request: &[u8]| {
            sent += 1;
            wire.exchange(request)
        };
        let (realm, password) = (&self.realm, self.password);
        let kerberos = &self.kerberos;
        let said = match wanted {
            Wanted::Owner => {
                kerberos.owner_of_password(name, realm, password, Some(ARMOUR), &mut exchange)
            }
            Wanted::Logon | Wanted::Change => kerberos.with_password_armored(
                name,
                realm,
                password,
                wanted.service(),
                ARMOUR,
                &mut exchange,
            ),
        };
        (said, sent)
    }

    /// As [`armoured`](Self::armoured), without one.
    fn plain(&mut self, wanted: Wanted) -> (Result<Credentials, Error>, u32) {
        let (wire, name) = (&mut self.wire, &self.live.person.name);
        let mut sent = 0;
        let mut exchange = |request: &[u8]| {
            sent += 1;
            wire.exchange(request)
        };
        let (realm, password, kerberos) = (&self.realm, self.password, &self.kerberos);
        let said = match wanted {
            Wanted::Owner => kerberos.owner_of_password(name, realm, password, None, &mut exchange),
            Wanted::Logon | Wanted::Change => {
                kerberos.with_password(name, realm, password, wanted.service(), &mut exchange)
            }
        };
        (said, sent)
    }

    /// A ticket of the person for this host has to open with the host's key. The controller may
    /// also refuse the ticket to this person alone (an authentication policy).
    fn prove_controller(&mut self, tgt: &Credentials) -> Result<Option<Refusal>, Trouble> {
        let machine = self.directory.session.machine()?;
        let service = format!("host/{}", machine.host);
        let wire = &mut self.wire;
        let mut exchange = |request: &[u8]| wire.exchange(request);
        let ticket = match self.kerberos.ticket(tgt, &service, &mut exchange) {
            Ok(ticket) => ticket,
            Err(Error::Kdc(error)) if matches!(error.code, code::POLICY | code::CLIENT_REVOKED) => {
                return match Native::of(&error) {
                    Native::Refusal(refusal) => Ok(Some(refusal)),
                    Native::Skew | Native::Unavailable => Err(Trouble::Kerberos(Error::Kdc(error))),
                };
            }
            Err(Error::Transport(error)) => return Err(Trouble::Interrupted(error)),
            Err(error) => return Err(Trouble::FalseController(error)),
        };
        let keytab = Machine::keytab(&self.directory.settings.state);
        self.kerberos
            .verify(&ticket, &service, &keytab)
            .map_err(Trouble::FalseController)?;
        Ok(None)
    }

    fn right(&self, credentials: Credentials) -> Tried {
        let name = &self.live.person.name;
        let account = credentials.client().account().map(UserName::fold);
        if account.is_some_and(|account| account == UserName::fold(name)) {
            return Tried::Right(Box::new(credentials));
        }
        // Somebody else has this name for another one (userPrincipalName), and his password
        // is not this person's.
        let line = format!("a controller took {name} for {}", credentials.client());
        self.directory.journal.note(Level::Warning, &line);
        Tried::Refused(Refusal::WRONG_PASSWORD)
    }
}
