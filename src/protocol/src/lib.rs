//! What the parts of domlogon say to each other, and nothing else.
//!
//! Floor 0 of the house: the vocabulary ([`Verdict`], THE table), the values that
//! cross the socket, the framing, and the blocking client that the PAM module, the
//! NSS plugin and the command line share. No rule is decided here, and no file is
//! read but the host's own list of names ([`local`]).
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod admin;
pub mod client;
mod decision;
pub mod directory;
mod explain;
pub mod frame;
mod guard;
mod hours;
pub mod local;
mod logon_type;
mod name;
mod own_words;
mod pam;
mod policy;
mod request;
pub mod rights;
mod secret;
mod sentence;
mod sid;
pub mod template;
mod text;
mod time;
mod verdict;

pub use decision::{Decision, Notice, Params, Reference};
pub use explain::{Explanation, Fact, Outcome, Rule, Step};
pub use guard::guard;
pub use hours::LogonHours;
pub use logon_type::{LogonType, Right};
pub use name::{NameError, Qualifier, UserName};
pub use own_words::OwnWords;
pub use pam::{Hook, PamCode};
pub use policy::Policy;
pub use request::{Origin, Reply, Request, Tickets};
pub use rights::{Basis, RightFact, RightName, Side};
pub use secret::{Secret, TicketBytes};
pub use sentence::{
    Calendar, notice_sentence, notice_sentence_in, password_rules, password_rules_in, sentence,
    sentence_in,
};
pub use sid::{Sid, SidError};
pub use text::{Catalogue, English, Text};
pub use time::Timestamp;
pub use verdict::{AuthCode, Codes, Message, Raised, Row, Told, Verdict};

/// Where any local caller reaches the daemon.
pub const SOCKET: &str = "/run/domlogon/socket";

/// Where root and the domain's administrators reach the daemon.
pub const ADMIN_SOCKET: &str = "/run/domlogon/admin";

/// Ids below this belong to the system and to local users on every distribution.
/// The modules answer "not found" for them without asking anybody, and the daemon
/// never hands out or answers for one, whatever its configuration says.
pub const LOWEST_ID: u32 = 1000;

/// The highest id that every program understands: one that keeps ids in a signed number reads
/// a higher one as less than root's. Nobody is given a higher one, or answered for.
pub const HIGHEST_ID: u32 = i32::MAX.unsigned_abs();
