//! `domlogon rights`: who may log on here in which way.

mod arguments;
mod change;
pub(crate) mod edit;
mod error;
pub(crate) mod file;
mod layout;
mod list;
mod plan;
pub(crate) mod problem;
mod simulate;
pub(crate) mod state;
mod trial;

pub(crate) use arguments::Rights;
pub(crate) use error::RightsError;

use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::time::Clock;
use domlogon_protocol::admin::{Reply, Request};
use domlogon_protocol::rights::RightsShown;
use plan::Verb;

/// The file of rights as it is shipped: what a host without one begins with.
pub(crate) const SHIPPED: &str = include_str!("../../../packaging/rights.toml");

/// Where the file is, if nobody says otherwise.
pub(crate) const USUAL: &str = "/etc/domlogon/rights.toml";

pub(crate) fn run(command: Rights, daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    match command {
        Rights::List(asked) => list::run(asked.right, daemon, clock),
        Rights::Grant(asked) => change::run(Verb::Grant, &asked, daemon, clock),
        Rights::Revoke(asked) => change::run(Verb::Revoke, &asked, daemon, clock),
        Rights::Test(asked) => trial::run(&asked, daemon),
        Rights::Simulate(asked) => simulate::run(&asked, daemon, clock),
    }
}

/// The lists in force.
fn in_force(daemon: &Daemon) -> Result<RightsShown, Error> {
    match daemon.ask(Request::RightsShow)? {
        Reply::Rights(shown) => Ok(*shown),
        _ => Err(Error::OtherReply),
    }
}
