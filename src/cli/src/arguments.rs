//! The command line as a person writes it.

use crate::doctor::Doctor;
use crate::enable::{Disable, Enable, Guard};
use crate::hours::{self, HoursSetting};
use crate::import::Import;
use crate::join::{Join, Leave, TestJoin};
use crate::policy::{self, Setting};
use crate::rights::Rights;
use crate::setup::Setup;
use crate::time::{self, Expiry};
use clap::{Args, Parser, Subcommand, ValueEnum};
use domlogon_protocol::Timestamp;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit status:
  0  yes: done, granted, found
  1  no: refused, not found
  2  could not tell: domlogond does not answer, or the command line is wrong";

/// Manage the accounts of a domain and who may log on here, and ask why a logon was refused.
///
/// Run it as root, or as a member of the group Administrators of the domain.
/// `status`, and `explain` and `rights test` about oneself, work for everybody.
#[derive(Debug, Parser)]
#[command(name = "domlogon", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    /// Answer in JSON: names in snake_case, times in RFC 3339 and UTC.
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,
    /// Where the daemon listens for administrators.
    #[arg(long, global = true, hide = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Where the daemon listens for everybody.
    #[arg(long, global = true, hide = true, value_name = "PATH")]
    pub(crate) plain_socket: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a domain and its first administrator on this host.
    Setup(Setup),
    /// Join this host to a domain of Active Directory or Samba AD.
    Join(Join),
    /// Take this host out of its domain again.
    Leave(Leave),
    /// See whether this host is joined as it should be, and how to mend what is not.
    ///
    /// One line a check: the controllers, the clock, the logon of the host by its password,
    /// its keytab, its account with its names, the age of the password, the site.
    Testjoin(TestJoin),
    /// Make, change, show and delete accounts.
    #[command(subcommand)]
    User(User),
    /// Make, show and delete groups, and change who is in them.
    #[command(subcommand)]
    Group(Group),
    /// Show and change the rules for passwords and lockouts.
    #[command(subcommand)]
    Policy(Policy),
    /// Show, give and take the rights to log on to this host, and try a change first.
    #[command(subcommand)]
    Rights(Rights),
    /// Show step by step what a logon would get, without a password and without any effect.
    Explain(Explain),
    /// Show how the daemon, its account database, its confinement and its logon rights are.
    ///
    /// Exit status 1 means that the daemon answers, but its database does not, or that it
    /// did not take the file of logon rights as it is now.
    Status,
    /// Judge a configuration file, or a file of logon rights, before the daemon uses it.
    ///
    /// Runs `domlogond --check FILE`, and exits as it does. A configuration is judged
    /// together with the rights.toml beside it; a rights.toml can be named itself.
    Check(Check),
    /// Turn domlogon on: put it into PAM's stacks and nsswitch.conf, prove that nobody is
    /// locked out, and go back if it is not so.
    Enable(Enable),
    /// Keep what `domlogon enable --confirm TIME` has turned on. Said from a new logon.
    Confirm,
    /// Turn domlogon off: take it out of PAM's stacks and nsswitch.conf again.
    Disable(Disable),
    #[command(hide = true)]
    EnableGuard(Guard),
    #[command(hide = true)]
    EnableTrial,
    /// Read this host, and say what is wrong and how to mend it. Changes nothing.
    ///
    /// PAM stacks, nsswitch.conf, sshd, owners and modes of files, clashes of names and
    /// ids, the clock, the daemon, its database and its units. One finding on a line, the
    /// most dangerous first.
    Doctor(Doctor),
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make an account. Without a password it is disabled until it has one.
    #[command(after_help = "\
Examples:
  domlogon user add alice --full-name 'Alice Liddell'
  domlogon user password alice
  generate-password | domlogon user add bob --must-change --password-stdin")]
    Add(Box<UserAdd>),
    /// Change settings of an account; what is not named stays as it is.
    #[command(after_help = "\
Examples:
  domlogon user set alice --disabled yes
  domlogon user set alice --expires 2026-12-31 --hours 'Mon-Fri 08:00-18:00'
  domlogon user set alice --workstations pc1,pc2

A TIME is 2026-12-31 or '2026-12-31 18:00' in local time, 2026-12-31T17:00:00Z,
now, +30d from now or -30d before now.")]
    Set(Box<UserSet>),
    /// Set a new password, without the old one.
    ///
    /// Asks for it twice, or reads it from standard input. Length and kinds of character
    /// are judged; age and history are not. This alone does not end a lockout.
    Password(UserPassword),
    /// End a lockout, and forget the wrong passwords that were counted.
    Unlock(Name),
    /// Show an account.
    Show(Name),
    /// Delete an account.
    Delete(NameForce),
    /// List all accounts.
    List,
    /// Make many accounts from a file, with their passwords: all of them, or on an error none.
    Import(Import),
}

#[derive(Debug, Args)]
pub(crate) struct Name {
    /// The name, in any case.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct NameForce {
    /// The name, in any case.
    pub(crate) name: String,
    /// Go on even if no administrator is left who is enabled, not expired, and has a password
    /// and logon hours.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// The name to log on with.
    pub(crate) name: String,
    /// The person's name. No part of it may be in the password.
    #[arg(long, value_name = "TEXT")]
    pub(crate) full_name: Option<String>,
    /// The user id, if not the next one of the configured range.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) uid: Option<u32>,
    /// The home directory, if not the configured one.
    #[arg(long, value_name = "PATH")]
    pub(crate) home: Option<String>,
    /// The login shell, if not the configured one.
    #[arg(long, value_name = "PATH")]
    pub(crate) shell: Option<String>,
    /// Demand a new password at the next logon.
    #[arg(long)]
    pub(crate) must_change: bool,
    /// Read the password from standard input: one line.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UserSet {
    /// The name, in any case.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Go on even if no administrator is left who is enabled, not expired, and has a password
    /// and logon hours.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Settings {
    /// Whether every logon is refused.
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    pub(crate) disabled: Option<YesNo>,
    /// When the account ends: TIME (a date means the end of that day) or never.
    #[arg(long, value_name = "TIME", value_parser = time::parse_expiry, allow_hyphen_values = true)]
    pub(crate) expires: Option<Expiry>,
    /// When logons are allowed: such as 'Mon-Fri 08:00-18:00', always or never.
    ///
    /// Whole hours, in local time; or in UTC with UTC at the end. They are kept in UTC,
    /// so what was given in local time moves by an hour when the clocks change.
    #[arg(long, value_name = "HOURS", value_parser = hours::parse_setting)]
    pub(crate) hours: Option<HoursSetting>,
    /// The hosts that allow this account: names with commas between, or any.
    #[arg(long, value_name = "HOST,HOST|any", value_parser = parse_workstations)]
    pub(crate) workstations: Option<Workstations>,
    /// Whether a new password is demanded at the next logon.
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    pub(crate) must_change: Option<YesNo>,
    /// Whether the user is kept from changing the password.
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    pub(crate) cannot_change: Option<YesNo>,
    /// Whether the greatest age of the policy is not for this password.
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    pub(crate) password_never_expires: Option<YesNo>,
    /// Whether the account may have a short or blank password (blank: at the console only).
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    pub(crate) password_not_required: Option<YesNo>,
    /// When the password counts as set: TIME, not in the future.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start, allow_hyphen_values = true)]
    pub(crate) password_set_at: Option<Timestamp>,
    /// The person's name.
    #[arg(long, value_name = "TEXT")]
    pub(crate) full_name: Option<String>,
    /// The home directory.
    #[arg(long, value_name = "PATH")]
    pub(crate) home: Option<String>,
    /// The login shell.
    #[arg(long, value_name = "PATH")]
    pub(crate) shell: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

impl YesNo {
    pub(crate) fn is_yes(self) -> bool {
        self == Self::Yes
    }
}

/// The hosts of `--workstations`; none means any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workstations(pub(crate) Vec<String>);

#[derive(Debug, Args)]
pub(crate) struct UserPassword {
    /// The name, in any case.
    pub(crate) name: String,
    /// Read the password from standard input: one line.
    #[arg(long)]
    pub(crate) stdin: bool,
    /// Demand another password at the next logon.
    #[arg(long)]
    pub(crate) must_change: bool,
    /// End a lockout too.
    #[arg(long)]
    pub(crate) unlock: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Make a group.
    Add(Name),
    /// Show a group and its direct members.
    Show(Name),
    /// Delete a group; its members stay.
    Delete(Name),
    /// List all groups.
    List,
    /// Put users and groups into a group: all of them, or on an error none.
    #[command(after_help = "\
Examples:
  domlogon group add-member Administrators alice
  domlogon group add-member Engineers alice bob 'Domain Admins'")]
    AddMember(Members),
    /// Take users and groups out of a group: all of them, or on an error none.
    RemoveMember(RemoveMembers),
}

#[derive(Debug, Args)]
pub(crate) struct Members {
    /// The group.
    pub(crate) group: String,
    /// Names of users or groups.
    #[arg(required = true, value_name = "MEMBER")]
    pub(crate) members: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveMembers {
    #[command(flatten)]
    pub(crate) which: Members,
    /// Go on even if no administrator is left who is enabled, not expired, and has a password
    /// and logon hours.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Show the policy.
    Show,
    /// Change settings of the policy; what is not named stays as it is.
    #[command(after_help = policy::SETTINGS_HELP)]
    Set(PolicySet),
}

#[derive(Debug, Args)]
pub(crate) struct PolicySet {
    /// A setting and its value, such as max-age=42d.
    #[arg(required = true, value_name = "SETTING=VALUE", value_parser = policy::parse_setting)]
    pub(crate) settings: Vec<Setting>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 means that a logon with the right password is granted, 1 that it is refused.

Examples:
  domlogon explain alice --service sshd
  domlogon explain alice --service login --at '2026-12-31 07:30'

A TIME is 2026-12-31 or '2026-12-31 18:00' in local time, 2026-12-31T17:00:00Z,
now, +30d from now or -30d before now.")]
pub(crate) struct Explain {
    /// Who: alice, CORP\alice or alice@corp.example.
    pub(crate) user: String,
    /// By which PAM service, such as login, sshd, su, sudo or cron.
    #[arg(long)]
    pub(crate) service: String,
    /// As of when, if not now: TIME.
    #[arg(long, value_name = "TIME", value_parser = time::parse_start, allow_hyphen_values = true)]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file.
    #[arg(default_value = "/etc/domlogon/domlogon.toml")]
    pub(crate) file: PathBuf,
}

/// Why a list of workstations cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkstationsError;

impl core::fmt::Display for WorkstationsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("write the names of hosts with commas between, such as pc1,pc2; or any")
    }
}

impl core::error::Error for WorkstationsError {}

fn parse_workstations(text: &str) -> Result<Workstations, WorkstationsError> {
    if text.trim().eq_ignore_ascii_case("any") {
        return Ok(Workstations(Vec::new()));
    }
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    let good = |name: &String| {
        !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if names.iter().all(good) {
        Ok(Workstations(names))
    } else {
        Err(WorkstationsError)
    }
}
