//! pam_sm_setcred, pam_sm_open_session and pam_sm_close_session: a person's tickets, where
//! the domain has any.
//!
//! The daemon hands the tickets of a logon out once, to whichever of the first two comes
//! first. sshd makes the session in another process than it asks for the password in. If
//! the person typed it in sshd's dialogue, that process has never run the auth stack, where
//! the line of pam_localuser then jumps over ours: setcred does not reach us, and
//! open_session does. Where nobody has logged on with a password (cron, an ssh key, root's
//! su) there are no tickets, and nothing happens.
//!
//! Nobody is ever refused for want of a ticket.

use super::{Call, Flags, Host, Level};
use crate::arguments::Arguments;
use crate::helper::Owner;
use domlogon_protocol::{Hook, LOWEST_ID, PamCode, Reply, Request, Tickets, UserName};

/// Hands the tickets out, or destroys what was made of them.
pub(crate) fn credentials<H: Host>(host: &H, flags: Flags, arguments: Arguments) -> PamCode {
    // These hooks have account management's codes for a name that is not ours.
    let call = Call::new(host, Hook::Account, flags, arguments);
    if flags.deletes() {
        call.end_session_cache();
    }
    call.for_person(|user| {
        if flags.refreshes() {
            call.refresh(user);
        } else if !flags.deletes() && call.cache_of(user).is_none() {
            call.establish(user);
        }
    })
}

/// Has the tickets renewed for as long as the session lives.
pub(crate) fn open_session<H: Host>(host: &H, flags: Flags, arguments: Arguments) -> PamCode {
    let call = Call::new(host, Hook::Account, flags, arguments);
    call.for_person(|user| {
        let cache = call.cache_of(user).or_else(|| call.establish(user));
        if let Some(cache) = cache {
            if let Err(error) = host.renew_tickets(&cache) {
                call.warn(user, &format!("tickets will not be renewed: {error}"));
            }
        }
    })
}

/// Ends the renewal, and the cache with it if it was this session's alone.
pub(crate) fn close_session<H: Host>(host: &H, flags: Flags, arguments: Arguments) -> PamCode {
    let call = Call::new(host, Hook::Account, flags, arguments);
    host.stop_renewing();
    call.end_session_cache();
    call.for_person(|_| {})
}

/// A credential cache that this transaction has put tickets into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cache {
    /// The key of the account that it belongs to.
    pub(crate) user: String,
    /// Its name, for KRB5CCNAME.
    pub(crate) name: String,
    /// The person, for the helper.
    pub(crate) owner: Owner,
    /// Whether it was made for this session alone, and ends with it.
    pub(crate) is_sessions_own: bool,
}

impl<H: Host> Call<'_, H> {
    /// Does something for a person of the domain. This host's own names are told apart, and
    /// everything else is success.
    fn for_person(&self, act: impl FnOnce(&UserName)) -> PamCode {
        match self.person(false) {
            Ok(user) => {
                act(&user);
                PamCode::Success
            }
            Err(code) => code,
        }
    }

    /// What this transaction has made for the person.
    fn cache_of(&self, user: &UserName) -> Option<Cache> {
        self.host.cache().filter(|cache| cache.user == user.key())
    }

    /// Puts the tickets of the logon, if there are any, where the domain's settings say.
    fn establish(&self, user: &UserName) -> Option<Cache> {
        let tickets = self.tickets(user)?;
        self.put(user, &tickets)
    }

    /// Puts new tickets into the cache that the session has; or else as [`Self::establish`].
    fn refresh(&self, user: &UserName) {
        let Some(tickets) = self.tickets(user) else {
            return;
        };
        let in_use = self.host.cache_in_use();
        match in_use.filter(|name| self.is_persons(name, &tickets)) {
            Some(name) => match self.stored(&name, &tickets) {
                Ok(name) => self.host.set_cache_in_use(&name),
                Err(why) => self.warn(user, &why),
            },
            None => drop(self.put(user, &tickets)),
        }
    }

    /// The tickets of the person's last logon.
    fn tickets(&self, user: &UserName) -> Option<Tickets> {
        // A program that is not root's can become nobody else.
        if !self.host.acts_as_root() {
            return None;
        }
        let request = Request::Tickets {
            user: user.clone(),
            origin: self.origin(),
        };
        match self.host.ask(&request) {
            // The daemon has no rights, and gets none by naming somebody of this host.
            Ok(Reply::Tickets(Some(tickets)))
                if tickets.uid >= LOWEST_ID
                    && tickets.gid >= LOWEST_ID
                    && !self.host.is_local_id(tickets.uid) =>
            {
                Some(*tickets)
            }
            Ok(Reply::Tickets(None)) => {
                self.debug("no tickets");
                None
            }
            Ok(Reply::Refused(verdict)) => {
                self.warn(user, &format!("no tickets: {}", verdict.row().symbol));
                None
            }
            Ok(_) => {
                self.warn(user, "domlogond answered another question");
                None
            }
            Err(error) => {
                self.warn(user, &format!("no tickets: {error}"));
                None
            }
        }
    }

    fn put(&self, user: &UserName, tickets: &Tickets) -> Option<Cache> {
        match self.stored(&tickets.cache, tickets) {
            Ok(name) => {
                self.host.set_cache_in_use(&name);
                let cache = Cache {
                    user: user.key(),
                    name,
                    owner: owner(tickets),
                    is_sessions_own: tickets.is_for_one_session(),
                };
                self.host.keep_cache(Some(cache.clone()));
                Some(cache)
            }
            Err(why) => {
                self.warn(user, &why);
                None
            }
        }
    }

    /// Has the helper put tickets into a cache; the name that it has then, or what to log.
    fn stored(&self, cache: &str, tickets: &Tickets) -> Result<String, String> {
        let name = self
            .host
            .store_tickets(cache, owner(tickets), &tickets.credentials)
            .map_err(|error| format!("the tickets are lost: {error}"))?;
        if is_made_of(&name, cache) {
            return Ok(name);
        }
        Err(format!("{cache:?} is not the cache {name:?}"))
    }

    /// Whether a name out of the environment is one of a cache into which this person's
    /// tickets may go. The helper writes as the person; this keeps it away from what is his
    /// and is no cache.
    fn is_persons(&self, name: &str, tickets: &Tickets) -> bool {
        let uid = tickets.uid;
        let is_or_is_below = |whole: String| {
            name.strip_prefix(&whole)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        if !is_plain(name) {
            return false;
        }
        if let Some(path) = name.strip_prefix("FILE:") {
            let file = path.rsplit('/').next().unwrap_or_default();
            let looks_like_one = file.starts_with("krb5cc") || is_made_of(name, &tickets.cache);
            return path.starts_with('/')
                && looks_like_one
                && self.host.is_private_file_of(path, uid);
        }
        name == "KCM:"
            || is_or_is_below(format!("KCM:{uid}"))
            || is_or_is_below(format!("KEYRING:persistent:{uid}"))
    }

    /// Destroys the cache that this transaction has made, if no other session may use it.
    fn end_session_cache(&self) {
        let Some(cache) = self.host.cache().filter(|cache| cache.is_sessions_own) else {
            return;
        };
        // First, or it would be told that its tickets are gone.
        self.host.stop_renewing();
        self.host.keep_cache(None);
        if let Err(error) = self.host.destroy_tickets(&cache) {
            let text = format!("{}: {} was not destroyed: {error}", cache.user, cache.name);
            self.host.log(Level::Warning, &text);
        }
    }

    fn warn(&self, user: &UserName, text: &str) {
        self.host.log(Level::Warning, &format!("{user}: {text}"));
    }
}

const fn owner(tickets: &Tickets) -> Owner {
    Owner {
        uid: tickets.uid,
        gid: tickets.gid,
    }
}

/// Whether a cache's name is what the helper may make of the one that was asked for: a file
/// that is to be unique gets its last letters, and other kinds may choose a part of theirs.
fn is_made_of(name: &str, asked: &str) -> bool {
    let named = match (
        asked.starts_with("FILE:"),
        asked.strip_suffix(Tickets::UNIQUE),
    ) {
        (true, Some(stem)) => name
            .strip_prefix(stem)
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('/')),
        (true, None) => name == asked,
        (false, _) => name.starts_with(asked),
    };
    named && is_plain(name)
}

/// Whether a name can stand in an environment and on a command line and be read there.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 512 && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
