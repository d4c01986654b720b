//! Logon rights: who may come in which way (Q97558).
//!
//! Five rights, each with a deny twin. Deny wins, whatever the path of membership. A list
//! that is absent has its built-in holders, those of a member server; one that is there
//! and empty admits nobody.

use crate::{ServiceClass, Token, service, well_known};
use domlogon_protocol::rights::{Entry, ListShown, ServiceShown, Source};
use domlogon_protocol::{Basis, LogonType, Right, RightFact, RightName, Sid, Side};
use std::collections::{BTreeMap, HashMap};

/// The name that stands for every service that is not in the map, as in /etc/pam.d.
pub const OTHER: &str = "other";

/// The ten lists of a host, and its map of services.
#[derive(Clone, Debug)]
pub struct Rights {
    /// In the order of [`RightName::ALL`]; empty when there are no lists to ask.
    lists: Vec<List>,
    services: BTreeMap<String, ServiceClass>,
    version: u64,
}

/// How a right was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The account has the right.
    Granted,
    /// It does not, and audit mode lets it pass.
    Audited,
    /// It does not.
    Refused,
}

#[derive(Clone, Debug)]
struct List {
    name: RightName,
    source: Source,
    audit: bool,
    entries: Vec<Entry>,
    /// Which entry has this identifier.
    by_sid: HashMap<Sid, usize>,
}

impl Default for Rights {
    /// The built-in holders of every right.
    fn default() -> Self {
        Self::new(0)
    }
}

impl Rights {
    /// Lists of this version, all absent yet.
    #[must_use]
    pub fn new(version: u64) -> Self {
        let list = |name| List::new(name, Source::Default, default_holders(name));
        Self {
            lists: RightName::ALL.into_iter().map(list).collect(),
            services: BTreeMap::new(),
            version,
        }
    }

    /// No lists at all, where those of the host cannot be read: nobody has any right.
    #[must_use]
    pub fn none(version: u64) -> Self {
        Self {
            lists: Vec::new(),
            ..Self::new(version)
        }
    }

    /// Lists in which Everyone has every right.
    #[must_use]
    pub fn everybody() -> Self {
        let mut rights = Self::new(0);
        for right in Right::ALL {
            let entries = vec![well_known_entry(&Sid::everyone())];
            rights.set(RightName::allow(right), entries);
        }
        rights
    }

    /// Sets a list. Entries without an identifier match nobody.
    pub fn set(&mut self, name: RightName, entries: Vec<Entry>) {
        if let Some(list) = self.list_mut(name) {
            *list = List {
                audit: list.audit,
                ..List::new(name, Source::File, entries)
            };
        }
    }

    /// Lets pass what a list would refuse, or refuses it.
    pub fn set_audit(&mut self, name: RightName, on: bool) {
        if let Some(list) = self.list_mut(name) {
            list.audit = on;
        }
    }

    /// Maps a PAM service. Without `can_change` it is as in the built-in map; a service
    /// that is not in that can ask for a new password if somebody sits in front of it.
    pub fn map_service(&mut self, name: &str, logon_type: LogonType, can_change: Option<bool>) {
        let built_in = service(name);
        let assumed = if built_in.known {
            built_in.can_change
        } else {
            matches!(
                logon_type,
                LogonType::Interactive | LogonType::RemoteInteractive
            )
        };
        let class = ServiceClass {
            logon_type,
            can_change: can_change.unwrap_or(assumed),
            known: true,
        };
        self.services.insert(name.to_ascii_lowercase(), class);
    }

    /// The class of a PAM service, in any case: as the site maps it, else as built in,
    /// else as the site maps [`OTHER`].
    #[must_use]
    pub fn service(&self, name: &str) -> ServiceClass {
        if let Some(class) = self.services.get(&name.to_ascii_lowercase()) {
            return *class;
        }
        let built_in = service(name);
        match self.services.get(OTHER) {
            Some(other) if !built_in.known => ServiceClass {
                known: false,
                ..*other
            },
            _ => built_in,
        }
    }

    /// The version of the lists.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The lists in audit mode.
    pub fn audited(&self) -> impl Iterator<Item = RightName> + '_ {
        self.lists
            .iter()
            .filter(|list| list.audit)
            .map(|list| list.name)
    }

    /// All ten lists; none where there are no lists to ask.
    #[must_use]
    pub fn shown(&self) -> Vec<ListShown> {
        let shown = |list: &List| ListShown {
            name: list.name,
            source: list.source,
            audit: list.audit,
            entries: list.entries.clone(),
        };
        self.lists.iter().map(shown).collect()
    }

    /// The services that the site maps.
    #[must_use]
    pub fn services_shown(&self) -> Vec<ServiceShown> {
        let shown = |(name, class): (&String, &ServiceClass)| ServiceShown {
            service: name.clone(),
            logon_type: class.logon_type,
            can_change: class.can_change,
        };
        self.services.iter().map(shown).collect()
    }

    /// Whether whoever carries `token` has the right that `logon_type` needs.
    ///
    /// A type that needs none is granted, and the one that is closed to everybody refused.
    #[must_use]
    pub fn judge(&self, token: &Token, logon_type: LogonType) -> (Grant, RightFact) {
        let (grant, basis) = match logon_type.right() {
            Some(right) => self.judge_right(token, logon_type, right),
            None if logon_type == LogonType::Deny => (Grant::Refused, Basis::NotAsked),
            None => (Grant::Granted, Basis::NotAsked),
        };
        let fact = RightFact {
            logon_type,
            right: logon_type.right(),
            basis,
            version: self.version,
        };
        (grant, fact)
    }

    fn judge_right(&self, token: &Token, logon_type: LogonType, right: Right) -> (Grant, Basis) {
        let (Some(deny), Some(allow)) = (
            self.list(RightName::deny(right)),
            self.list(RightName::allow(right)),
        ) else {
            return (Grant::Refused, Basis::NoLists);
        };
        let denied = deny.basis(token, logon_type);
        if let Some(basis) = &denied {
            if !deny.audit {
                return (Grant::Refused, basis.clone());
            }
        }
        match (allow.basis(token, logon_type), denied) {
            // Only audit mode came this far with an entry that denies.
            (Some(_), Some(denied)) => (Grant::Audited, denied),
            (Some(allowed), None) => (Grant::Granted, allowed),
            (None, Some(denied)) if allow.audit => (Grant::Audited, denied),
            (None, _) => {
                let grant = if allow.audit {
                    Grant::Audited
                } else {
                    Grant::Refused
                };
                (grant, allow.not_listed())
            }
        }
    }

    fn list(&self, name: RightName) -> Option<&List> {
        self.lists.iter().find(|list| list.name == name)
    }

    fn list_mut(&mut self, name: RightName) -> Option<&mut List> {
        self.lists.iter_mut().find(|list| list.name == name)
    }
}

impl List {
    fn new(name: RightName, source: Source, entries: Vec<Entry>) -> Self {
        let mut by_sid = HashMap::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            if let Some(sid) = &entry.sid {
                by_sid.entry(sid.clone()).or_insert(index);
            }
        }
        Self {
            name,
            source,
            audit: false,
            entries,
            by_sid,
        }
    }

    /// The entry that is the account or one of its groups, if there is one: the account
    /// itself before its groups, and those before the well-known groups.
    fn basis(&self, token: &Token, logon_type: LogonType) -> Option<Basis> {
        if self.by_sid.is_empty() {
            return None;
        }
        let sid = token.find(logon_type, |sid| self.by_sid.contains_key(sid))?;
        let entry = self.entries.get(*self.by_sid.get(&sid)?)?.clone();
        Some(Basis::Entry {
            list: self.name,
            source: self.source,
            chain: token.chain_to(&sid, entry.shown()),
            entry,
        })
    }

    fn not_listed(&self) -> Basis {
        Basis::NotListed {
            source: self.source,
            entries: u32::try_from(self.entries.len()).unwrap_or(u32::MAX),
        }
    }
}

/// Who holds a right where no list says otherwise: the defaults of a member server.
fn default_holders(name: RightName) -> Vec<Entry> {
    const ADMINISTRATORS: u32 = 544;
    const USERS: u32 = 545;
    const BACKUP_OPERATORS: u32 = 551;
    const REMOTE_DESKTOP_USERS: u32 = 555;
    const PERFORMANCE_LOG_USERS: u32 = 559;
    const NETWORK_SERVICE: u32 = 20;
    let aliases = |rids: &[u32]| rids.iter().map(|rid| Sid::builtin(*rid)).collect();
    let holders: Vec<Sid> = match (name.side, name.right) {
        (Side::Deny, _) => Vec::new(),
        (Side::Allow, Right::Interactive) => aliases(&[ADMINISTRATORS, USERS, BACKUP_OPERATORS]),
        (Side::Allow, Right::Network) => {
            let mut holders = vec![Sid::everyone()];
            let others: Vec<Sid> = aliases(&[ADMINISTRATORS, USERS, BACKUP_OPERATORS]);
            holders.extend(others);
            holders
        }
        (Side::Allow, Right::Batch) => {
            aliases(&[ADMINISTRATORS, BACKUP_OPERATORS, PERFORMANCE_LOG_USERS])
        }
        (Side::Allow, Right::Service) => vec![Sid::nt_authority(NETWORK_SERVICE)],
        (Side::Allow, Right::RemoteInteractive) => aliases(&[ADMINISTRATORS, REMOTE_DESKTOP_USERS]),
    };
    holders.iter().map(well_known_entry).collect()
}

fn well_known_entry(sid: &Sid) -> Entry {
    let name = well_known::name_of(sid);
    Entry {
        written: name.map_or_else(|| sid.to_string(), str::to_owned),
        sid: Some(sid.clone()),
        name: name.map(str::to_owned),
    }
}
