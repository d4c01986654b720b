//! `domlogon rights` as a person writes it.

use super::USUAL;
use crate::time;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Args, Command, Subcommand};
use core::str::FromStr as _;
use domlogon_protocol::{RightName, Timestamp};
use std::ffi::OsStr;
use std::path::PathBuf;

const RIGHTS_HELP: &str = "\
A RIGHT is the name of its list in rights.toml, its title, or in short:
  interactive           SeInteractiveLogonRight, log on locally: login, su, desktops
  network               SeNetworkLogonRight, access from the network: ssh, ftp, imap
  batch                 SeBatchLogonRight, jobs: cron, at
  service               SeServiceLogonRight
  'remote interactive'  SeRemoteInteractiveLogonRight: xrdp, cockpit
and each with deny before it, such as 'deny network': who is in that list is kept out,
whatever else lets him in.";

const CHANGE_HELP: &str = "\
Examples:
  domlogon rights grant network alice 'Domain Users'
  domlogon rights grant 'deny network' 'CORP\\contractors'
  domlogon rights revoke network Everyone

A RIGHT is one of interactive, network, batch, service and 'remote interactive', each also
with deny before it. A PRINCIPAL is a user, a group, a well-known name such as Everyone, or
a SID. A right that the file does not name has its built-in holders; with the first change
they are written into the file, so that they keep it.";

#[derive(Debug, Subcommand)]
#[command(after_help = RIGHTS_HELP)]
pub(crate) enum Rights {
    /// Show who has which right, and where each list comes from.
    #[command(after_help = RIGHTS_HELP)]
    List(RightsList),
    /// Give a right: put users and groups into its list in rights.toml.
    ///
    /// All of them, or on an error none. Comments, order and layout of the file stay. The
    /// change is in force at the next logon; who is logged on stays so.
    #[command(after_help = CHANGE_HELP)]
    Grant(RightsChange),
    /// Take a right away: take users and groups out of its list in rights.toml.
    ///
    /// All of them, or on an error none. Another entry of the list may still let them in:
    /// the list is shown as it is then. Also takes out names that nobody has any more.
    #[command(after_help = CHANGE_HELP)]
    Revoke(RightsChange),
    /// Show by which entry, and through which groups, somebody has a right or has not.
    ///
    /// Everybody may ask about himself. Exit status 0 means that the right is there, 1
    /// that it is not. The right alone is no logon yet: domlogon explain shows all of it.
    #[command(after_help = "\
Example:
  domlogon rights test alice --service sshd")]
    Test(RightsTest),
    /// Try a changed rights.toml against the logons of the last days, before it is in force.
    ///
    /// Shows by service who would newly be refused or admitted. Nothing is changed. Exit
    /// status 1 means that somebody would newly be refused, or that the file has an error.
    #[command(after_help = "\
Example:
  cp /etc/domlogon/rights.toml new.toml
  editor new.toml
  domlogon rights simulate new.toml --since 30d")]
    Simulate(RightsSimulate),
}

#[derive(Debug, Args)]
pub(crate) struct RightsList {
    /// Only this list.
    #[arg(value_parser = RightParser, hide_possible_values = true)]
    pub(crate) right: Option<RightName>,
}

#[derive(Debug, Args)]
pub(crate) struct RightsChange {
    /// Which list, such as network or 'deny network'.
    #[arg(value_parser = RightParser, hide_possible_values = true)]
    pub(crate) right: RightName,
    /// Users, groups, well-known names, SIDs.
    #[arg(required = true, value_name = "PRINCIPAL")]
    pub(crate) principals: Vec<String>,
    /// Go on even if no administrator could log on locally any more.
    #[arg(long)]
    pub(crate) force: bool,
    /// The file, where domlogond was started with another configuration: its rights.toml
    /// is beside that.
    #[arg(long, value_name = "FILE", default_value = USUAL)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RightsTest {
    /// Who: alice, CORP\alice or alice@corp.example.
    pub(crate) user: String,
    /// By which PAM service, such as login, sshd or cron.
    #[arg(long)]
    pub(crate) service: String,
}

#[derive(Debug, Args)]
pub(crate) struct RightsSimulate {
    /// The file as it would be.
    pub(crate) file: PathBuf,
    /// Since when: so long ago, such as 7d or 12h, or a TIME such as 2026-12-31.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time::parse_since)]
    pub(crate) since: Timestamp,
}

/// Reads the name of a list in any of its forms, and offers to complete those without blanks.
#[derive(Clone, Copy, Debug)]
struct RightParser;

impl TypedValueParser for RightParser {
    type Value = RightName;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<RightName, clap::Error> {
        RightName::from_str.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let words = RightName::ALL.into_iter().map(RightName::word);
        let symbols = RightName::ALL.into_iter().map(RightName::symbol);
        // The completion of bash divides at blanks.
        let names = words.filter(|word| !word.contains(' ')).chain(symbols);
        Some(Box::new(names.map(PossibleValue::new)))
    }
}
