//! Kerberos for domlogon: the few calls of MIT libkrb5 that it needs, made safe.
//!
//! The library never opens a socket here. Every exchange runs message by message, and each request goes to a
//! closure of the caller's, which sends it to the server that it chose and keeps its own deadline.
//!
//! Nothing is asked of anybody: no prompts, no `/etc/krb5.conf`, no environment. A [`Context`] is made from one
//! profile file. [`Credentials`] are plain memory that is wiped: they belong to no context and to no thread.
//!
//! Floor 1 of the house. Unsafe code is in `raw` alone.
#![deny(unsafe_code)]

mod cache;
mod context;
mod credentials;
mod der;
mod error;
mod exchange;
#[doc(hidden)]
pub mod fuzzed;
mod initial;
mod keytab;
mod kpasswd;
mod ntstatus;
mod policy;
mod principal;
mod raw;
mod ticket;

pub use cache::process_defaults;
pub use context::Context;
pub use credentials::Credentials;
pub use error::{Error, KdcError, ReplyFault, code};
pub use exchange::Exchange;
pub use initial::CHANGEPW;
pub use keytab::{Enctype, KeytabEntry, load_ciphers};
pub use kpasswd::{Changed, result};
pub use policy::KpasswdPolicy;
pub use principal::Principal;
