//! What administrators ask. They may look; accounts of a directory are changed with its own
//! tools.

use crate::directory::{Directory, LOGON, Live};
use crate::ids;
use crate::queries;
use domlogon_protocol::admin::{AdminError, GroupRecord, Reply, Request, UserRecord};
use domlogon_protocol::directory::User;
use domlogon_protocol::{Timestamp, UserName};
use domlogon_rules::backend::Outage;
use domlogon_rules::{Flags, PasswordEnd};

/// Accounts or groups of one page.
const PAGE: usize = 200;

pub(crate) fn answer(
    directory: &Directory,
    request: Request,
    now: Timestamp,
) -> Result<Reply, AdminError> {
    match request {
        Request::UserShow(name) => user(directory, &name, now),
        Request::UserList(after) => users(directory, after, now),
        Request::GroupShow(name) => group(directory, &name, now),
        Request::GroupList(after) => groups(directory, after, now),
        Request::PolicyShow => policy(directory, now),
        Request::UserImportProgress => Ok(Reply::ImportProgress(0, 0)),
        Request::UserAdd(_)
        | Request::UserSet { .. }
        | Request::UserPassword { .. }
        | Request::UserUnlock(_)
        | Request::UserDelete { .. }
        | Request::GroupAdd(_)
        | Request::GroupDelete(_)
        | Request::GroupAddMembers { .. }
        | Request::GroupRemoveMembers { .. }
        | Request::PolicySet(_)
        | Request::UserImport { .. }
        // Those about rights are not the backend's.
        | Request::RightsShow
        | Request::RightsCheck { .. }
        | Request::RightsSimulate { .. }
        | Request::RightsReload => {
            Err(AdminError::InDirectory(directory.settings.dns_name.clone()))
        }
    }
}

fn user(directory: &Directory, name: &str, now: Timestamp) -> Result<Reply, AdminError> {
    let nobody = || AdminError::NoSuchUser(name.to_owned());
    let parsed = UserName::parse(name.as_bytes())
        .map_err(|error| AdminError::BadName(name.to_owned(), error))?;
    if !directory.settings.owns(&parsed) || !directory.is_visible_user(parsed.account()) {
        return Err(nobody());
    }
    let asked = directory.ask(LOGON, now, |server, deadline| {
        directory.live(server, deadline, &parsed, now)
    });
    let live = asked.map_err(|trouble| AdminError::Store(Outage::from(trouble).0))?;
    let record = live.and_then(|live| {
        let user = directory.user(&live.person)?;
        record(directory, &live, user, now)
    });
    let record = record.ok_or_else(nobody)?;
    Ok(Reply::User(Box::new(record)))
}

/// The users that this host knows, by their RIDs; also those whose ids are its own.
fn users(directory: &Directory, after: u32, now: Timestamp) -> Result<Reply, AdminError> {
    let known = directory
        .noted(directory.cache.people_after(0, usize::MAX))
        .unwrap_or_default();
    let mut people: Vec<_> = known
        .into_iter()
        .filter(|known| !known.is_doubted)
        .filter(|known| known.person.sid.rid().is_some_and(|rid| rid > after))
        .collect();
    people.sort_by_key(|known| known.person.sid.rid());
    let is_more = people.len() > PAGE;
    people.truncate(PAGE);
    let next = people.last().and_then(|known| known.person.sid.rid());
    let records = people.into_iter().filter_map(|known| {
        let policy = directory.remembered_policy(&known.person);
        let live = Live {
            groups: known.groups.map(|(groups, _)| groups).unwrap_or_default(),
            person: known.person,
            policy,
            is_guess: false,
            refuses_change: false,
        };
        record(directory, &live, directory.numbered(&live.person)?, now)
    });
    Ok(Reply::Users(records.collect(), next.filter(|_| is_more)))
}

fn record(directory: &Directory, live: &Live, user: User, now: Timestamp) -> Option<UserRecord> {
    let account = live.account();
    let end = account.password_end(&live.policy);
    let locked = account.is_locked(&live.policy, now);
    let mut groups: Vec<String> = live
        .groups
        .iter()
        .filter_map(|sid| directory.cached(directory.cache.team_by_sid(sid)))
        .map(|known| known.team.name)
        .collect();
    groups.sort();
    Some(UserRecord {
        sid: account.sid.to_string(),
        rid: account.sid.rid()?,
        uid: user.uid,
        gid: user.gid,
        full_name: account.full_name.clone(),
        home: user.home,
        shell: user.shell,
        has_password: account.has_password,
        disabled: account.flags.contains(Flags::ACCOUNTDISABLE),
        locked,
        locked_until: account.lockout.until(&live.policy).filter(|_| locked),
        must_change: end == PasswordEnd::Demanded,
        cannot_change: account.flags.contains(Flags::PASSWD_CANT_CHANGE),
        password_never_expires: account.flags.contains(Flags::DONT_EXPIRE_PASSWD),
        password_not_required: account.flags.contains(Flags::PASSWD_NOTREQD),
        bad_password_count: account.lockout.effective_count(&live.policy, now),
        bad_password_at: account.lockout.last_bad,
        password_set_at: account.password_set,
        password_expires_at: match end {
            PasswordEnd::After(end) => Some(end),
            PasswordEnd::Never | PasswordEnd::Demanded => None,
        },
        expires_at: account.expires,
        hours: account.hours,
        workstations: account.workstations.clone(),
        last_logon_at: None,
        groups,
        passed_over_home: directory.passed_over_home(&live.person).map(str::to_owned),
        name: account.name,
    })
}

fn group(directory: &Directory, name: &str, now: Timestamp) -> Result<Reply, AdminError> {
    let found = directory.look_up(LOGON, now, |connection, facts| {
        let Some(team) = queries::team_by_name(connection, facts, name)? else {
            return Ok(None);
        };
        let members = queries::members_of(connection, facts, &team)?;
        Ok(Some((team, members)))
    });
    let found = found.map_err(|trouble| AdminError::Store(Outage::from(trouble).0))?;
    let (team, members) = found.ok_or_else(|| AdminError::NoSuchGroup(name.to_owned()))?;
    let gid = ids::gid_of(directory.settings.ids, &team)
        .ok_or_else(|| AdminError::NoSuchGroup(name.to_owned()))?;
    Ok(Reply::Group(GroupRecord {
        rid: team.sid.rid().unwrap_or_default(),
        sid: team.sid.to_string(),
        gid,
        built_in: false,
        users: members,
        groups: Vec::new(),
        name: team.name,
    }))
}

fn groups(directory: &Directory, after: u32, _: Timestamp) -> Result<Reply, AdminError> {
    let known = directory
        .noted(directory.cache.teams_after(0, usize::MAX))
        .unwrap_or_default();
    let mut teams: Vec<_> = known
        .into_iter()
        .filter(|known| !known.is_doubted)
        .filter(|known| known.team.sid.rid().is_some_and(|rid| rid > after))
        .collect();
    teams.sort_by_key(|known| known.team.sid.rid());
    let is_more = teams.len() > PAGE;
    teams.truncate(PAGE);
    let next = teams.last().and_then(|known| known.team.sid.rid());
    let records = teams.into_iter().filter_map(|known| {
        Some(GroupRecord {
            rid: known.team.sid.rid()?,
            sid: known.team.sid.to_string(),
            gid: ids::gid_of(directory.settings.ids, &known.team)?,
            built_in: false,
            users: known
                .members
                .map(|(members, _)| members)
                .unwrap_or_default(),
            groups: Vec::new(),
            name: known.team.name,
        })
    });
    Ok(Reply::Groups(records.collect(), next.filter(|_| is_more)))
}

fn policy(directory: &Directory, now: Timestamp) -> Result<Reply, AdminError> {
    let found = directory.ask(LOGON, now, |server, deadline| {
        let facts = directory.facts(server, deadline, now)?;
        directory.domain_policy(server, deadline, &facts, now)
    });
    let policy = found.map_err(|trouble| AdminError::Store(Outage::from(trouble).0))?;
    Ok(Reply::Policy(policy.policy))
}
