//! The domain's rules, pure: what an account's state means for a logon and for a
//! password change.
//!
//! Floor 1 of the house. Time is a parameter, nothing is random, no file is read and
//! nothing is stored: a backend ([`backend::Backend`]) reads an [`Account`] and the
//! domain's policy, asks here what they mean, and stores what follows.
#![forbid(unsafe_code)]

mod account;
pub mod backend;
mod case;
mod change;
mod complexity;
pub mod durations;
pub mod hours;
mod local;
mod lockout;
mod logon;
mod place;
mod rights;
pub mod roster;
mod service;
mod text;
mod token;
pub mod well_known;

pub use account::{Account, Flags, PasswordEnd};
pub use change::{
    change_rules, decide_new, judge_change, judge_new, judge_reset, n_minus_two_entries,
    new_history_needed,
};
pub use local::{FewLocalNames, LocalNames, is_root};
pub use lockout::{Exempt, Lockout};
pub use logon::{
    Judgement, Proof, decide_unknown, decide_wrong_old_password, decide_wrong_password, explain,
    judge, locked,
};
pub use place::{Host, Place};
pub use rights::{Grant, OTHER, Rights};
pub use service::{
    SERVICES, ServiceClass, Services, is_a_users_locker, may_be_a_locked_screen, service,
};
pub use text::TextError;
pub use token::{Membership, Token};
