//! The pairs of a user and a service, bounded.

use super::Came;
use domlogon_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Most pairs. Those that were not seen for longest go when more come.
pub(crate) const MOST: usize = 20_000;

/// Most pairs of one user, of whom none can push the others out.
pub(crate) const EACH: usize = 50;

/// How many go at once, so that not every pair that comes has to look for the oldest.
const BATCH: usize = MOST / 20;

/// Seconds after which a pair is forgotten: 90 days.
pub(crate) const AGE: i64 = 90 * 86_400;

/// When each user came by each service, or was refused there for want of the right.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Since when nothing is missing, but for what one user has too much.
    since: Option<Timestamp>,
    /// By user and service.
    users: HashMap<String, HashMap<String, Times>>,
    /// Pairs in it.
    pairs: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    granted: Option<Timestamp>,
    refused: Option<Timestamp>,
}

impl Times {
    fn set(&mut self, came: Came, now: Timestamp) {
        match came {
            Came::Granted => self.granted = Some(now),
            Came::Refused => self.refused = Some(now),
        }
    }

    fn last(self) -> Timestamp {
        self.granted
            .max(self.refused)
            .unwrap_or(Timestamp(i64::MIN))
    }
}

/// The table as it is kept in a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    format: u32,
    since: Option<Timestamp>,
    logons: Vec<Pair>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    user: String,
    service: String,
    granted: Option<Timestamp>,
    refused: Option<Timestamp>,
}

/// The one format of [`Kept`] so far.
const FORMAT: u32 = 1;

/// The services of one user, and when he last came by each.
pub(crate) type Visits = Vec<(String, Timestamp)>;

impl Table {
    pub(super) fn remember(&mut self, user: &str, service: &str, came: Came, now: Timestamp) {
        self.since.get_or_insert(now);
        let known = self
            .users
            .get_mut(user)
            .and_then(|services| services.get_mut(service));
        if let Some(times) = known {
            times.set(came, now);
            return;
        }
        let mut times = Times::default();
        times.set(came, now);
        self.add(user, service, times);
        if self.pairs > MOST {
            self.forget_oldest();
        }
    }

    fn add(&mut self, user: &str, service: &str, times: Times) {
        let services = self.users.entry(user.to_owned()).or_default();
        if services.len() >= EACH {
            let oldest = services.iter().min_by_key(|(_, times)| times.last());
            if let Some(oldest) = oldest.map(|(service, _)| service.clone()) {
                services.remove(&oldest);
                self.pairs -= 1;
            }
        }
        if services.insert(service.to_owned(), times).is_none() {
            self.pairs += 1;
        }
    }

    fn forget_oldest(&mut self) {
        let mut all: Vec<_> = self
            .users
            .iter()
            .flat_map(|(user, services)| {
                services
                    .iter()
                    .map(move |(service, times)| (times.last(), user.clone(), service.clone()))
            })
            .collect();
        all.sort_unstable();
        for (last, user, service) in all.into_iter().take(BATCH) {
            if let Some(services) = self.users.get_mut(&user) {
                self.pairs -= usize::from(services.remove(&service).is_some());
                if services.is_empty() {
                    self.users.remove(&user);
                }
            }
            self.since = self.since.max(Some(last));
        }
    }

    /// Forgets what is too old at `now`.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        let first = now.plus(-AGE);
        self.since = self.since.map(|since| since.max(first));
        self.users.retain(|_, services| {
            services.retain(|_, times| times.last() >= first);
            !services.is_empty()
        });
        self.pairs = self.users.values().map(HashMap::len).sum();
        if self.pairs == 0 {
            self.since = None;
        }
    }

    /// Whoever came or was refused at `first` or later.
    pub(super) fn from(&self, first: Timestamp) -> Vec<(String, Visits)> {
        let visits = |services: &HashMap<String, Times>| -> Visits {
            services
                .iter()
                .map(|(service, times)| (service.clone(), times.last()))
                .filter(|(_, last)| *last >= first)
                .collect()
        };
        self.users
            .iter()
            .map(|(user, services)| (user.clone(), visits(services)))
            .filter(|(_, visits)| !visits.is_empty())
            .collect()
    }

    /// Since when pairs are remembered; `None` if there is none.
    pub(super) const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    pub(super) fn kept(&self) -> Kept {
        let pair = |user: &str, service: &str, times: &Times| Pair {
            user: user.to_owned(),
            service: service.to_owned(),
            granted: times.granted,
            refused: times.refused,
        };
        Kept {
            format: FORMAT,
            since: self.since,
            logons: self
                .users
                .iter()
                .flat_map(|(user, services)| services.iter().map(move |(s, t)| pair(user, s, t)))
                .collect(),
        }
    }

    /// The table that was kept, or `None` if that is not in this format. No instant in it
    /// is after `now`: a clock that was wrong once would keep its pairs for ever.
    pub(super) fn of(kept: Kept, now: Timestamp) -> Option<Self> {
        if kept.format != FORMAT || (kept.since.is_none() && !kept.logons.is_empty()) {
            return None;
        }
        let mut table = Self {
            since: kept.since.map(|since| since.min(now)),
            ..Self::default()
        };
        for pair in kept.logons {
            let times = Times {
                granted: pair.granted.map(|at| at.min(now)),
                refused: pair.refused.map(|at| at.min(now)),
            };
            table.add(&pair.user, &pair.service, times);
            if table.pairs > MOST {
                table.forget_oldest();
            }
        }
        table.forget_old(now);
        Some(table)
    }
}
