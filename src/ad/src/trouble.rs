//! Why the directory could not be asked, and what that is called.
//!
//! Every native error becomes a condition of the table here and nowhere else.

use crate::cache::CacheError;
use crate::dns::DnsError;
use crate::ldap::LdapError;
use crate::machine::MachineError;
use crate::rotation::RotationError;
use crate::servers::Why;
use domlogon_krb5 as krb5;
use domlogon_protocol::Verdict;
use domlogon_rules::backend::Outage;
use std::fmt;
use std::io;

/// KRB_AP_ERR_SKEW [RFC 4120 7.5.9].
const SKEW: i32 = 37;
/// KDC_ERR_S_PRINCIPAL_UNKNOWN, KDC_ERR_C_PRINCIPAL_UNKNOWN, KDC_ERR_CLIENT_REVOKED,
/// KDC_ERR_PREAUTH_FAILED: said of the host itself.
const OURSELVES: [i32; 4] = [6, 7, 18, 24];

/// The directory could not be asked.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// This host has no account in the domain, or its file cannot be read.
    NotJoined(MachineError),
    /// No controller is known.
    NoServers(DnsError),
    /// All that are known were found down, the last one for this reason.
    AllDown(Why),
    /// The connection failed, or was too slow.
    Network(io::Error),
    /// The connection failed after a proof of a password was sent: nobody knows whether it was
    /// counted.
    Interrupted(io::Error),
    /// The same of whatever else went wrong then.
    Sent(Box<Self>),
    /// The password service did not take a connection. It says nothing of the controller's
    /// other services, and nothing was sent.
    NoPasswordService(io::Error),
    /// The clocks differ too much.
    Skew,
    /// The domain does not know this host by its password.
    HostRefused(krb5::Error),
    /// The same, said by LDAP.
    HostNotBound(LdapError),
    /// Whoever answered could not show that it knows this host's key.
    FalseController(krb5::Error),
    /// The ticket for its LDAP is not that of a writable controller.
    NoMark,
    /// The password is right but old, and a controller without FAST cannot show that it is a
    /// true one that says so.
    Unvouched,
    /// LDAP failed.
    Ldap(LdapError),
    /// Kerberos failed in another way.
    Kerberos(krb5::Error),
    /// The host's own password could not be changed.
    Rotation(Box<RotationError>),
    /// The password was changed, or may have been; what came after that failed.
    Changed(Box<Self>),
    /// The directory has somebody no more, and this host cannot forget him.
    NotForgotten(CacheError),
    /// The directory said something that cannot be.
    Odd(&'static str),
}

impl Trouble {
    /// What a failed exchange of the host itself means.
    pub(crate) fn of_host(error: krb5::Error) -> Self {
        match error {
            krb5::Error::Transport(error) => Self::Network(error),
            krb5::Error::Kdc(ref kdc) if kdc.code == SKEW => Self::Skew,
            krb5::Error::Kdc(ref kdc) if OURSELVES.contains(&kdc.code) => Self::HostRefused(error),
            error => Self::Kerberos(error),
        }
    }

    /// A connection that failed in the exchange for a person. The first message has no proof of
    /// the password in it; after an answer to it one may have been sent.
    pub(crate) fn of_attempt(error: io::Error, answered: bool) -> Self {
        if answered {
            Self::Interrupted(error)
        } else {
            Self::Network(error)
        }
    }

    /// Whether another controller, or the same one later, may answer better.
    pub(crate) fn is_of_the_server(&self) -> bool {
        matches!(
            self,
            Self::Network(_)
                | Self::Interrupted(_)
                | Self::Skew
                | Self::FalseController(_)
                | Self::NoMark
                | Self::HostRefused(_)
                | Self::HostNotBound(_)
        ) || match self {
            Self::Sent(trouble) => trouble.is_of_the_server(),
            Self::Ldap(error) => error.is_outage(),
            // What the library says of one account or one password says nothing of the
            // controller.
            Self::Kerberos(error) => matches!(
                error,
                krb5::Error::Kdc(_) | krb5::Error::Transport(_) | krb5::Error::Reply(_)
            ),
            _ => false,
        }
    }

    /// Whether the proof of a password may have been counted: it must not be sent to another
    /// controller.
    pub(crate) const fn may_be_counted(&self) -> bool {
        matches!(self, Self::Interrupted(_) | Self::Sent(_))
    }

    /// Whether somebody may log on with saved credentials: nobody of the domain can be asked.
    ///
    /// A wrong clock, and a domain that does not know this host any more, are told instead:
    /// both are to be mended, and the cached hours and rights of a wrong clock mean nothing.
    pub(crate) fn opens_offline(&self) -> bool {
        self.verdict() == Verdict::LogonServerNotFound && self.is_silence()
    }

    /// Whether an account may be judged by what is known of it: no controller has said
    /// anything about it.
    pub(crate) fn is_silence(&self) -> bool {
        self.is_of_the_server()
            || matches!(
                self,
                Self::NotJoined(_) | Self::NoServers(_) | Self::AllDown(_) | Self::Unvouched
            )
    }

    /// The condition for somebody who logs on.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Skew => Verdict::TimeDiffAtDc,
            Self::HostRefused(_)
            | Self::HostNotBound(_)
            | Self::FalseController(_)
            | Self::NotJoined(_) => Verdict::PasswordMismatch,
            Self::AllDown(why) => why.verdict,
            Self::Changed(trouble) | Self::Sent(trouble) => trouble.verdict(),
            Self::Odd(_) | Self::NotForgotten(_) => Verdict::DceErrorLogged,
            // It answers, and what it says cannot be used.
            Self::Ldap(error) if !error.is_outage() => Verdict::DceErrorLogged,
            Self::NoServers(_)
            | Self::NoPasswordService(_)
            | Self::Rotation(_)
            | Self::NoMark
            | Self::Unvouched
            | Self::Network(_)
            | Self::Interrupted(_)
            | Self::Ldap(_)
            | Self::Kerberos(_) => Verdict::LogonServerNotFound,
        }
    }

    /// The condition for somebody who changes a password.
    pub(crate) fn verdict_of_change(&self) -> Verdict {
        match self {
            // It may have been changed or not: the sentence must not say which. All others
            // came before anything was sent to the password service.
            Self::Changed(_) => Verdict::ChangeNotKnown,
            _ => match self.verdict() {
                Verdict::LogonServerNotFound => Verdict::RegistryNotFound,
                other => other,
            },
        }
    }
}

impl From<Trouble> for Outage {
    fn from(trouble: Trouble) -> Self {
        Self(trouble.verdict())
    }
}

impl From<LdapError> for Trouble {
    fn from(error: LdapError) -> Self {
        match error {
            // Only the host itself binds.
            LdapError::Refused { code: 49, .. } => Self::HostNotBound(error),
            error => Self::Ldap(error),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJoined(error) => error.fmt(f),
            Self::NoServers(error) => write!(f, "no domain controller is known: {error}"),
            Self::AllDown(why) => f.write_str(&why.text),
            Self::Network(error) | Self::Interrupted(error) => write!(f, "no answer: {error}"),
            Self::NoPasswordService(error) => {
                write!(
                    f,
                    "its password service (port 464) cannot be reached: {error}"
                )
            }
            Self::Skew => f.write_str("the clocks of this host and of the domain differ too much"),
            Self::HostRefused(error) => {
                write!(
                    f,
                    "the domain does not know this host by its password ({error})"
                )
            }
            Self::HostNotBound(error) => {
                write!(
                    f,
                    "the domain does not know this host by its password ({error})"
                )
            }
            Self::FalseController(error) => {
                write!(
                    f,
                    "it does not know this host's key, and was not believed ({error})"
                )
            }
            Self::NoMark => f.write_str(
                "its account is not trusted for delegation, as those of all writable domain \
                 controllers are; where it is one all the same, or a read-only one that is to be \
                 asked, name it: servers = [\"NAME\"] in domlogon.toml",
            ),
            Self::Unvouched => f.write_str(
                "the password is to be changed, and the controller has no FAST to show itself by",
            ),
            Self::Ldap(error) => error.fmt(f),
            Self::Rotation(error) => error.fmt(f),
            Self::Kerberos(error) => error.fmt(f),
            Self::Sent(trouble) => trouble.fmt(f),
            Self::Changed(trouble) => {
                write!(f, "the password may have been changed, but then: {trouble}")
            }
            Self::NotForgotten(error) => {
                write!(f, "the directory has no such account any more; {error}")
            }
            Self::Odd(what) => write!(f, "the directory answered oddly: {what}"),
        }
    }
}

impl std::error::Error for Trouble {}
