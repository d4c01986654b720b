//! From names to identifiers: what each entry means on this host, now.

use super::file::Written;
use super::kept::Lists;
use domlogon_protocol::rights::{Entry, Problem, ProblemKind};
use domlogon_protocol::{NameError, Qualifier, RightName, Sid, Side, UserName};
use domlogon_rules::LocalNames;
use domlogon_rules::backend::{Backend, Outage, Principal};
use domlogon_rules::well_known;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Whom to ask for names.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) backend: &'a dyn Backend,
    pub(super) local: &'a dyn LocalNames,
}

/// What a name or an identifier is.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// An identifier, and the name that belongs to it.
    Known {
        sid: Sid,
        name: Option<String>,
        /// Another one of this name, of the domain.
        other: Option<Principal>,
    },
    /// A user or a group of this host.
    LocalUser,
    LocalGroup,
    Nobody,
    /// Neither a name nor an identifier.
    Bad(NameError),
}

impl Names<'_> {
    /// Looks all names of a file up, and says what is wrong or odd about them.
    ///
    /// # Errors
    /// [`Outage`] if the accounts could not be asked.
    pub(super) fn resolve(self, written: &Written) -> Result<(Lists, Vec<Problem>), Outage> {
        let mut problems = Vec::new();
        let mut lists = Vec::with_capacity(written.lists.len());
        for (list, entries) in &written.lists {
            let mut resolved = Vec::with_capacity(entries.len());
            for entry in entries {
                let meaning = self.meaning(&entry.text)?;
                if let Some(kind) = problem(*list, &entry.text, &meaning) {
                    let place = Some(entry.place);
                    problems.push(Problem { place, kind });
                }
                if list.side == Side::Deny {
                    resolved.extend(meaning.other(&entry.text));
                }
                resolved.push(meaning.entry(&entry.text));
            }
            lists.push((*list, resolved));
        }
        let lists = Lists {
            lists,
            services: written.services.clone(),
            audit: written.audit.clone(),
        };
        Ok((lists, problems))
    }

    /// Whom the deny lists do not keep out yet, though their names mean him now; and
    /// [`Outage`] if the accounts could not be asked about all of them.
    pub(super) fn denied_too(self, lists: &Lists) -> (Vec<(RightName, Entry)>, Result<(), Outage>) {
        /// An outage may take as long as a question may. The others are asked about all the same.
        const ALL: Duration = Duration::from_secs(3);
        let end = Instant::now() + ALL;
        let (mut added, mut all) = (Vec::new(), Ok(()));
        for (list, entries) in lists.denied() {
            let sids = entries.iter().filter_map(|entry| entry.sid.clone());
            let mut known: HashSet<Sid> = sids.collect();
            let mut looked_up = HashSet::new();
            for Entry { written, .. } in entries {
                if !looked_up.insert(written) {
                    continue;
                }
                let meaning = match self.meaning(written) {
                    Ok(meaning) => meaning,
                    Err(outage) if Instant::now() < end => {
                        all = Err(outage);
                        continue;
                    }
                    Err(outage) => return (added, Err(outage)),
                };
                let other = meaning.other(written);
                for entry in other.into_iter().chain([meaning.entry(written)]) {
                    if entry.sid.clone().is_some_and(|sid| known.insert(sid)) {
                        added.push((list, entry));
                    }
                }
            }
        }
        (added, all)
    }

    /// What one name or identifier means.
    ///
    /// # Errors
    /// [`Outage`] if the accounts could not be asked.
    pub(super) fn entry(self, text: &str) -> Result<Entry, Outage> {
        Ok(self.meaning(text)?.entry(text))
    }

    fn meaning(self, text: &str) -> Result<Meaning, Outage> {
        // GptTmpl.inf marks an identifier with an asterisk [GPSB 2.2.6].
        if let Ok(sid) = text.strip_prefix('*').unwrap_or(text).parse::<Sid>() {
            let name = match well_known::name_of(&sid) {
                Some(name) => Some(name.to_owned()),
                None => self.backend.name_of(&sid)?,
            };
            return Ok(Meaning::Known {
                sid,
                name,
                other: None,
            });
        }
        let name = match UserName::parse(text.as_bytes()) {
            Ok(name) => name,
            Err(why) => return Ok(Meaning::Bad(why)),
        };
        let is_alone = *name.qualifier() == Qualifier::None;
        if let Some((sid, known)) = well_known::find(text) {
            let other = match is_alone {
                true => self.backend.principal(&name)?,
                false => None,
            };
            return Ok(Meaning::Known {
                other: other.filter(|other| other.sid != sid),
                sid,
                name: Some(known.to_owned()),
            });
        }
        Ok(match self.backend.principal(&name)? {
            Some(found) => Meaning::Known {
                sid: found.sid,
                name: Some(found.name),
                other: None,
            },
            None if is_alone && self.local.has_user(text) => Meaning::LocalUser,
            None if is_alone && self.local.has_group(text) => Meaning::LocalGroup,
            None => Meaning::Nobody,
        })
    }
}

impl Meaning {
    /// The other one of this name. A deny list means both: rather one too many is kept out
    /// than the one that was meant let in.
    fn other(&self, written: &str) -> Option<Entry> {
        let Self::Known { other, .. } = self else {
            return None;
        };
        other.as_ref().map(|other| Entry {
            written: written.to_owned(),
            sid: Some(other.sid.clone()),
            name: Some(other.name.clone()),
        })
    }

    fn entry(self, written: &str) -> Entry {
        let (sid, name) = match self {
            Self::Known { sid, name, .. } => (Some(sid), name),
            Self::LocalUser | Self::LocalGroup | Self::Nobody | Self::Bad(_) => (None, None),
        };
        Entry {
            written: written.to_owned(),
            sid,
            name,
        }
    }
}

/// What is wrong or odd about an entry of this list.
///
/// In a deny list a local name is an error like one that nobody has: users of the domain
/// may be in the local group, and when the local user is deleted one of the domain may
/// have the name. Neither would be kept out.
fn problem(list: RightName, text: &str, meaning: &Meaning) -> Option<ProblemKind> {
    let text = text.to_owned();
    match (meaning, list.side) {
        (Meaning::Known { other, .. }, _) => {
            other.as_ref().map(|_| ProblemKind::Ambiguous(list, text))
        }
        (Meaning::LocalUser | Meaning::LocalGroup, Side::Allow) => {
            Some(ProblemKind::LocalName(list, text))
        }
        (Meaning::Nobody, Side::Allow) => Some(ProblemKind::NobodyAllowed(list, text)),
        (Meaning::Nobody | Meaning::LocalUser | Meaning::LocalGroup, Side::Deny) => {
            Some(ProblemKind::NobodyDenied(list, text))
        }
        (Meaning::Bad(why), _) => Some(ProblemKind::BadName(text, *why)),
    }
}
