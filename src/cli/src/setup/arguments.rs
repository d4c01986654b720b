//! What `domlogon setup` is told.

use clap::Args;

/// The answers that were given beforehand.
#[derive(Debug, Args)]
#[command(after_help = "\
What is not given is asked for on the terminal. With --domain, --administrator and
--password-stdin nothing is asked. It may be run again: what is done stays done, and the
password of an account that has one is not touched. In JSON, `changed` says whether
anything was done.

Example:
  generate-password | domlogon setup --domain CORP --dns-name corp.example \\
      --administrator alice --password-stdin --json")]
pub(crate) struct Setup {
    /// The domain's short name, as in CORP\alice: at most 15 characters, no blank, no dot.
    #[arg(long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
    /// The domain's DNS name, if not the one that is guessed from this host's.
    #[arg(long, value_name = "NAME")]
    pub(crate) dns_name: Option<String>,
    /// The first administrator; no user of this host's own.
    #[arg(long, value_name = "NAME")]
    pub(crate) administrator: Option<String>,
    /// Read the administrator's password from standard input: one line.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}
