//! Panics, for the suites: only the crate in `tests/planted/pam` is built with it.
//!
//! A file says where: `ORDER KIND`. The order is a number (that passage, counted from 1, of
//! all that this copy of the module makes), the name of a place, or `each`. Where there is a
//! panic, its place is written into another file, so that a suite knows that it was there.
#![forbid(unsafe_code)]

use crate::flow::{Cache, Host, Item, Kept, Level, NoAnswer, Token};
use crate::handle::Handle;
use crate::helper::{HelperError, Owner};
use domlogon_protocol::client::CallError;
use domlogon_protocol::{Calendar, Catalogue, Reply, Request, Secret, TicketBytes, Timestamp};
use pamsm::Pam;
use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::ops::Deref;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};

const ORDERS: &str = "/run/domlogon-planted";
const DONE: &str = "/run/domlogon-planted.done";

/// A place: panics if that is what is wanted here.
pub(crate) fn here(place: &str) {
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    let passed = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
    let Ok(orders) = fs::read_to_string(ORDERS) else {
        return;
    };
    let mut words = orders.split_whitespace();
    let order = words.next().unwrap_or_default();
    if order == "each" || order == place || order.parse() == Ok(passed) {
        note(place);
        end(words.next().unwrap_or_default());
    }
}

fn note(place: &str) {
    let file = OpenOptions::new().create(true).append(true).open(DONE);
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{place}");
    }
}

/// What is thrown panics once more when it is dropped.
struct Bomb;

impl Drop for Bomb {
    #[allow(clippy::panic)]
    fn drop(&mut self) {
        panic!("planted: the second one");
    }
}

#[allow(clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]
fn end(kind: &str) {
    match kind {
        "bomb" => panic_any(Bomb),
        // As one that is no plant: the library's own texts and frames.
        "bounds" => drop(kind.as_bytes()[kind.len()]),
        "unwrap" => "planted".parse::<u8>().map(drop).unwrap(),
        _ => panic!("planted: a text with a marked-pa55word in it"),
    }
}

/// The world of one call, with a place before and after everything that is asked of it.
pub(crate) struct Planted(Handle);

impl Planted {
    pub(crate) fn new(pam: Pam) -> Self {
        Self(Handle::new(pam))
    }
}

impl Deref for Planted {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.0
    }
}

macro_rules! with_places {
    ($($(<$life:lifetime>)? $name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(fn $name$(<$life>)?(&self, $($argument: $kind),*) -> $result {
            here(stringify!($name));
            let result = self.0.$name($($argument),*);
            here(stringify!($name));
            result
        })*
    };
}

impl Host for Planted {
    with_places! {
        ask_hidden(prompt: &str) -> Result<Secret, NoAnswer>;
        ask_shown(prompt: &str) -> Result<Secret, NoAnswer>;
        inform(text: &str) -> ();
        complain(text: &str) -> ();
        item(item: Item) -> Option<Vec<u8>>;
        set_user(name: &[u8]) -> ();
        token(token: Token) -> Option<Secret>;
        set_token(token: Token, secret: &Secret) -> ();
        keep(kept: Kept) -> ();
        kept() -> Option<Kept>;
        keep_cache(cache: Option<Cache>) -> ();
        cache() -> Option<Cache>;
        cache_in_use() -> Option<String>;
        set_cache_in_use(name: &str) -> ();
        is_private_file_of(path: &str, uid: u32) -> bool;
        store_tickets(cache: &str, owner: Owner, tickets: &TicketBytes) -> Result<String, HelperError>;
        destroy_tickets(cache: &Cache) -> Result<(), HelperError>;
        renew_tickets(cache: &Cache) -> Result<(), HelperError>;
        stop_renewing() -> ();
        reach() -> Result<(), CallError>;
        ask(request: &Request) -> Result<Reply, CallError>;
        is_local(names: &[&str]) -> bool;
        is_local_id(uid: u32) -> bool;
        host_name() -> String;
        real_uid() -> u32;
        acts_as_root() -> bool;
        delay_failure() -> ();
        log(level: Level, text: &str) -> ();
    }
}

impl Calendar for Planted {
    with_places! {
        show(at: Timestamp) -> String;
    }
}

impl Catalogue for Planted {
    with_places! {
        <'a> translate(text: &'a str) -> Cow<'a, str>;
        <'a> plural(one: &'a str, many: &'a str, n: u32) -> Cow<'a, str>;
    }
}
