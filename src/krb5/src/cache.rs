//! Credential caches.

use crate::context::Context;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::principal::Principal;
use crate::raw::{self, Cache};
use std::path::Path;

/// More tickets than a person's cache has; a bound for reading one.
const MOST_TICKETS: usize = 1000;

impl Context {
    /// Puts credentials into a cache (`MEMORY:`, `FILE:`, `KEYRING:`, `KCM:`), and returns the full name of the
    /// cache really used: a collection chooses one of its members.
    ///
    /// With `initialize` the cache becomes that of the first one's client, and what was in it goes. The member that
    /// a collection chose becomes its primary.
    ///
    /// # Errors
    /// [`Error::Library`] if the cache cannot be made or written.
    pub fn store(
        &self,
        cache: &str,
        credentials: &[&Credentials],
        initialize: bool,
    ) -> Result<String, Error> {
        let library = |code| self.library(code);
        let name = cache;
        let cache = Cache::open(self.handle(), name).map_err(library)?;
        if let Some(first) = credentials.first().filter(|_| initialize) {
            cache
                .initialize(&self.principal(first.client())?)
                .map_err(library)?;
        }
        for credentials in credentials {
            cache.store(&self.creds(credentials)?).map_err(library)?;
        }
        let full_name = cache.full_name().map_err(library)?;
        // Whoever names one member of a collection does not ask for another choice.
        if initialize && full_name != name {
            cache.make_primary().map_err(library)?;
        }
        Ok(full_name)
    }

    /// Puts credentials into a cache that is there, in the place of those for the same service: of two, whoever looks
    /// for one takes the older.
    ///
    /// # Errors
    /// [`Error::Library`] if there is none, or if it cannot be read or written.
    pub fn replace(&self, cache: &str, credentials: &Credentials) -> Result<(), Error> {
        let known = self.tickets_in(cache)?;
        let is_other = |known: &&Credentials| known.server() != credentials.server();
        let others = known.iter().filter(is_other);
        let all: Vec<&Credentials> = [credentials].into_iter().chain(others).collect();
        if all.len() > known.len() {
            return self.store(cache, &[credentials], false).map(drop);
        }
        self.store(cache, &all, true).map(drop)
    }

    /// Removes a cache with all that is in it.
    ///
    /// # Errors
    /// [`Error::Library`] if there is none, or if it cannot be removed.
    pub fn destroy(&self, cache: &str) -> Result<(), Error> {
        let library = |code| self.library(code);
        Cache::open(self.handle(), cache)
            .map_err(library)?
            .destroy()
            .map_err(library)
    }

    /// Whose cache it is.
    ///
    /// # Errors
    /// [`Error::Library`] if there is none.
    pub fn cache_owner(&self, cache: &str) -> Result<Principal, Error> {
        let library = |code| self.library(code);
        let cache = Cache::open(self.handle(), cache).map_err(library)?;
        cache.owner().map_err(library)?.name().ok_or(Error::Name)
    }

    /// The tickets in a cache, at most a thousand; those with names that are not text are left out.
    ///
    /// # Errors
    /// [`Error::Library`] if there is none, or if it cannot be read.
    pub fn tickets_in(&self, cache: &str) -> Result<Vec<Credentials>, Error> {
        let library = |code| self.library(code);
        let cache = Cache::open(self.handle(), cache).map_err(library)?;
        let tickets = cache.tickets(MOST_TICKETS).map_err(library)?;
        Ok(tickets
            .into_iter()
            .filter_map(|bytes| Credentials::new(self, bytes).ok())
            .collect())
    }
}

/// Sets what GSSAPI uses inside this process: `KRB5_CONFIG` and `KRB5CCNAME`.
///
/// To be called first in `main`, before there is any other thread: the environment belongs to all of them.
pub fn process_defaults(profile: &Path, cache: &str) {
    raw::set_defaults(profile.as_os_str(), cache.as_ref());
}
