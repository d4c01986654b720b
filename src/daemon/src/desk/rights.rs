//! What administrators ask about logon rights. The lists are the host's own, so no backend
//! is asked but for names and groups.

use super::Desk;
use crate::history::Visits;
use domlogon_protocol::admin::{self, AdminError, Request};
use domlogon_protocol::rights::{Change, Problem, Simulation};
use domlogon_protocol::{RightFact, Timestamp, UserName};
use domlogon_rules::backend::Outage;
use domlogon_rules::{Grant, Rights, Token};

/// Most changes that one answer names.
const MOST: usize = 2_000;

impl Desk {
    /// Answers what is about rights, and gives back what is not.
    pub(super) fn about_rights(
        &self,
        request: Request,
        now: Timestamp,
    ) -> Result<Result<admin::Reply, AdminError>, Request> {
        let shown = || admin::Reply::Rights(Box::new(self.rights.shown()));
        Ok(match request {
            Request::RightsShow => Ok(shown()),
            Request::RightsCheck { text, names } => self
                .rights
                .check(&text, &names, now)
                .map(|checked| admin::Reply::RightsChecked(Box::new(checked)))
                .map_err(refused),
            Request::RightsSimulate { text, since } => self
                .simulate(&text, since, now)
                .map(|simulation| admin::Reply::RightsSimulated(Box::new(simulation))),
            Request::RightsReload => self.rights.reload(now).map(|()| shown()).map_err(refused),
            other => return Err(other),
        })
    }

    /// What the lists in `text` would change for those who came at `since` or later, each
    /// with the groups that he has now.
    fn simulate(
        &self,
        text: &str,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Simulation, AdminError> {
        let (then, warnings) = self.rights.compile(text).map_err(refused)?;
        let in_force = self.rights.in_force();
        let (remembered, remembered_since) = self.history.from(since, now);
        let (mut judged, mut gone) = (0_usize, 0_usize);
        let mut changes = Vec::new();
        for (user, visits) in remembered {
            match self.token_of(&user)? {
                Some(token) => {
                    judged += visits.len();
                    changes.extend(changes_of(&token, visits, &in_force, &then));
                }
                None => gone += 1,
            }
        }
        changes.sort_by_cached_key(|change| (change.service.clone(), UserName::fold(&change.user)));
        let more = changes.len().saturating_sub(MOST);
        changes.truncate(MOST);
        Ok(Simulation {
            warnings,
            since,
            remembered_since,
            judged: number(judged),
            gone: number(gone),
            changes,
            more: number(more),
        })
    }

    fn token_of(&self, key: &str) -> Result<Option<Token>, AdminError> {
        let Ok(name) = UserName::parse(key.as_bytes()) else {
            return Ok(None);
        };
        self.backend
            .token(&name)
            .map_err(|Outage(verdict)| AdminError::Store(verdict))
    }
}

/// The services at which somebody would be judged otherwise.
fn changes_of<'a>(
    token: &'a Token,
    visits: Visits,
    now: &'a Rights,
    then: &'a Rights,
) -> impl Iterator<Item = Change> + 'a {
    visits.into_iter().filter_map(move |(service, last)| {
        let now = judged(token, &service, now);
        let then = judged(token, &service, then);
        (now.1 != then.1).then(|| Change {
            user: token.name().to_owned(),
            service,
            last,
            now,
            then,
        })
    })
}

/// What decides, and whether it lets in; audit mode does.
fn judged(token: &Token, service: &str, rights: &Rights) -> (RightFact, bool) {
    let class = rights.service(service);
    let (grant, fact) = rights.judge(token, class.logon_type);
    (fact, grant != Grant::Refused)
}

fn refused(problem: Problem) -> AdminError {
    AdminError::Rights(Box::new(problem))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
