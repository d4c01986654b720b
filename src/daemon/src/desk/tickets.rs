//! The tickets of a logon, for the program that makes the person's session.

use super::{Caller, Desk};
use crate::clock;
use crate::log::Level;
use crate::record::Record;
use domlogon_protocol::{Origin, Reply, UserName, Verdict};

impl Desk {
    /// For root alone: his programs change into the person, and nobody else's do.
    pub(super) fn tickets(&self, caller: Caller, user: &UserName, origin: &Origin) -> Reply {
        if !caller.is_root() {
            return Reply::Refused(Verdict::AccessDenied);
        }
        let ours = self.own_name(&user.to_string());
        let tickets =
            ours.and_then(|user| self.backend.tickets(&user, &origin.service, clock::now()));
        if let Some(tickets) = &tickets {
            let line = Record::new("tickets")
                .field("user", &user.to_string())
                .number("uid", tickets.uid)
                .field("service", &origin.service)
                .field("cache", &tickets.cache)
                .line();
            self.log.write(Level::Info, &line);
        }
        Reply::Tickets(tickets.map(Box::new))
    }
}
