//! Active Directory and Samba AD as the backend: accounts that outgrow one host.
//!
//! Floor 2 of the house. Passwords go to a domain controller by Kerberos, everything else
//! is asked for by LDAP as the host itself; what the controllers do not check (the
//! workstation, the logon rights), [`domlogon_rules`] checks from the account's attributes,
//! as it does for the account database.
//!
//! Where to find what:
//!
//! | module | what |
//! |---|---|
//! | `settings` | what the backend is told |
//! | `backend`, `directory` | the questions of the daemon, and who answers them |
//! | `servers`, `keeper` | which controller is asked; who is down, and who is back |
//! | `session`, `transport`, `ldap` | how the host speaks with a controller |
//! | `queries`, `entry`, `policy`, `descriptor`, `time` | what is asked, and what the answers mean |
//! | `ids`, `names`, `members`, `principals` | numbers and names of users and groups |
//! | `visible` | which of these this host takes |
//! | `attempt`, `status` | one password at one controller; what its refusal is called |
//! | `logon`, `change` | a logon; a change of the password |
//! | `cache`, `offline`, `saver` | what is known while no controller answers |
//! | `tickets` | tickets that wait for their session |
//! | `machine`, `rotation`, `join`, `dns`, `site` | the host's own account, and how it comes by one |
//! | `roster`, `news` | what is known, for what is published of it, and what of that is new |
//! | `trouble` | why the directory could not be asked |
//!
//! Every wait has a deadline, and every byte from the network is looked at with suspicion.
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod administration;
mod attempt;
mod backend;
mod cache;
mod change;
mod descriptor;
mod directory;
pub mod dns;
mod entry;
mod fast;
#[doc(hidden)]
pub mod fuzzed;
mod homes;
mod ids;
pub mod join;
mod journal;
mod keeper;
mod ldap;
mod logon;
pub mod machine;
mod members;
mod names;
mod news;
mod offline;
mod policy;
mod principals;
mod queries;
mod roster;
pub mod rotation;
mod saver;
mod servers;
mod session;
mod settings;
pub mod site;
mod status;
mod tickets;
mod time;
mod transport;
mod trouble;
mod visible;

pub use cache::CacheError;
pub use directory::Directory;
pub use ids::Scheme;
pub use journal::{Journal, Level};
pub use keeper::Keeper;
pub use session::PROCESS_CACHE;
pub use settings::{Channel, Naming, Offline, Settings};

/// Has the libraries in this process load what they load late, before it gives up what that
/// takes.
pub fn load_libraries() {
    domlogon_krb5::load_ciphers();
}

/// Tells the libraries in this process of the domain: where the Kerberos profile is, and in
/// which cache the host's tickets are. To be called once, before there are other threads.
pub fn process_defaults(settings: &Settings) {
    domlogon_krb5::process_defaults(&settings.profile(), PROCESS_CACHE);
}
