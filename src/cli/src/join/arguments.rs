//! What `domlogon join`, `leave` and `testjoin` are told.

use clap::Args;
use std::path::PathBuf;

/// How to join.
#[derive(Debug, Args)]
#[command(after_help = "\
The account is made by the right of a user of the domain, whose password is asked for. Or it
was made in advance, with a one-time password: then no administrator is needed, as for an
automated installation. It may be run again: what is done stays done. A join that fails takes
back what it has made, or says that the next one goes on from there.

Examples:
  domlogon join CORP.EXAMPLE
  domlogon join CORP.EXAMPLE --user joiner --ou OU=Servers,OU=Berlin
  cat password | domlogon join CORP.EXAMPLE --one-time-password --password-stdin --json")]
pub(crate) struct Join {
    /// The domain's DNS name, such as CORP.EXAMPLE.
    #[arg(value_name = "REALM")]
    pub(crate) realm: String,
    /// The user of the domain by whose right the host is joined.
    #[arg(long, value_name = "NAME", default_value = "Administrator")]
    pub(crate) user: String,
    /// The organizational unit for a new account, such as OU=Servers,OU=Berlin, if not the
    /// domain's container for computers.
    #[arg(long, value_name = "DN")]
    pub(crate) ou: Option<String>,
    /// The name of the computer's account, if not this host's own: at most 15 characters.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A domain controller, by its full name, and no other; may be given again for one more.
    /// It is kept in the configuration.
    #[arg(long, value_name = "FQDN")]
    pub(crate) server: Vec<String>,
    /// The site of this host, if not the one that a domain controller says. It is kept in
    /// the configuration.
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// The account was made in advance: what is asked for is its one-time password.
    #[arg(long, conflicts_with_all = ["user", "ou"])]
    pub(crate) one_time_password: bool,
    /// Take an account of this name that another host may be using, or that a user without
    /// rights of his own has made; where this host is joined already, give it another password.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Read the password from standard input: one line.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Another root tree.
    #[arg(long, hide = true, value_name = "PATH")]
    pub(crate) root: Option<PathBuf>,
}

/// How to leave.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --user the account is put out of use by the host's own right: it is disabled, or gets
a password that nobody knows. Turn domlogon off first: domlogon disable

Leave before the packages are removed: a purge tells the directory nothing, and the account
stays there.")]
pub(crate) struct Leave {
    /// A user of the domain by whose right the account is deleted.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Only forget the domain here; the account stays in the directory.
    #[arg(long, conflicts_with = "user")]
    pub(crate) local: bool,
    /// Read the password from standard input: one line.
    #[arg(long, requires = "user")]
    pub(crate) password_stdin: bool,
    /// Another root tree.
    #[arg(long, hide = true, value_name = "PATH")]
    pub(crate) root: Option<PathBuf>,
}

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 means that all is well, 1 that something is to be mended, 2 that something could
not be told, such as without a domain controller.")]
pub(crate) struct TestJoin {
    /// Another root tree.
    #[arg(long, hide = true, value_name = "PATH")]
    pub(crate) root: Option<PathBuf>,
}
