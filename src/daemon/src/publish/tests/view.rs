//! The files as a program reads them: the delta, and of what that does not say, the base.

use domlogon_names::{Found, Reader};

/// What a program sees.
pub(super) struct View {
    pub(super) base: Vec<u8>,
    pub(super) delta: Vec<u8>,
}

/// Name, uid, gid, texts.
pub(super) type User = (String, u32, u32, [String; 3]);

/// What is found: something, or nothing, or that the daemon is to be asked.
#[derive(Debug, PartialEq)]
pub(super) enum Seen<T> {
    Here(T),
    Nobody,
    Ask,
}

impl<T> Seen<T> {
    pub(super) fn expect(&self, answer: Option<T>)
    where
        T: PartialEq + std::fmt::Debug,
    {
        assert_eq!(*self, answer.map_or(Self::Nobody, Self::Here));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

macro_rules! user {
    ($record:expr) => {{
        let record = $record;
        let texts = [record.full_name, record.home, record.shell].map(text);
        Some((text(record.name), record.uid, record.gid, texts))
    }};
}

macro_rules! group {
    ($record:expr) => {{
        let record = $record;
        let mut members: Vec<String> = record.members().map(text).collect();
        members.sort();
        (record.expires_at == 0).then(|| (text(record.name), record.gid, members))
    }};
}

impl View {
    fn with<T>(&self, look: impl Fn(&Reader<'_>, &Reader<'_>) -> T) -> T {
        let base = Reader::of_file(&self.base).unwrap();
        let delta = Reader::of_file(&self.delta).unwrap();
        assert!(base.is_base_of(&delta));
        look(&base, &delta)
    }

    pub(super) fn user(&self, key: &str) -> Seen<User> {
        self.with(|base, delta| {
            let found = match delta.user_by_name(key.as_bytes()) {
                Found::Unknown => base.user_by_name(key.as_bytes()),
                found => found,
            };
            seen(base, found, |record| user!(record))
        })
    }

    pub(super) fn user_by_id(&self, id: u32) -> Seen<User> {
        self.with(|base, delta| {
            let found = match delta.user_by_id(id) {
                Found::Unknown => base.user_by_id(id),
                found => found,
            };
            seen(base, found, |record| user!(record))
        })
    }

    pub(super) fn group(&self, key: &str) -> Seen<(String, u32, Vec<String>)> {
        self.with(|base, delta| {
            let found = match delta.group_by_name(key.as_bytes()) {
                Found::Unknown => base.group_by_name(key.as_bytes()),
                found => found,
            };
            seen(base, found, |record| group!(record))
        })
    }

    pub(super) fn group_by_id(&self, id: u32) -> Seen<(String, u32, Vec<String>)> {
        self.with(|base, delta| {
            let found = match delta.group_by_id(id) {
                Found::Unknown => base.group_by_id(id),
                found => found,
            };
            seen(base, found, |record| group!(record))
        })
    }

    pub(super) fn groups_of(&self, key: &str) -> Seen<Vec<u32>> {
        self.with(|base, delta| {
            let found = match delta.groups_of(key.as_bytes()) {
                Found::Unknown => base.groups_of(key.as_bytes()),
                found => found,
            };
            seen(base, found, |ids| Some(ids.iter().collect()))
        })
    }
}

fn seen<T, U>(base: &Reader<'_>, found: Found<T>, read: impl Fn(T) -> Option<U>) -> Seen<U> {
    match found {
        Found::Here(record) => read(record).map_or(Seen::Ask, Seen::Here),
        Found::Gone => Seen::Nobody,
        Found::Unknown if base.is_complete() => Seen::Nobody,
        Found::Unknown => Seen::Ask,
        Found::Damaged => panic!("damaged"),
    }
}
