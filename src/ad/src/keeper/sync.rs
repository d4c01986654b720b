//! Reading the whole directory, where the site wants that.

use super::Stop;
use crate::directory::Directory;
use crate::members;
use crate::queries;
use crate::trouble::Trouble;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Reads all users and groups. What was not read to its end sweeps nobody away.
pub(super) fn sync(directory: &Directory, stop: &Stop) -> Result<(), Trouble> {
    const ENOUGH: Duration = Duration::from_secs(600);
    let now = (directory.clock)();
    let deadline = Instant::now() + ENOUGH;
    let server = directory.servers.best(deadline)?;
    let facts = directory.facts(&server, deadline, now)?;
    let session = &directory.session;
    let (known, _) = directory
        .noted(directory.cache.counts())
        .unwrap_or_default();
    let going_on = || {
        if stop.is_asked() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let (mut people, mut lost) = (0_u32, false);
    let teams = session.ldap(&server, deadline, now, |connection| {
        let mut teams = Vec::new();
        (people, lost) = (0, false);
        queries::all_persons(connection, &facts, None, &mut |person| {
            people = people.saturating_add(1);
            lost |= directory
                .noted(directory.keep(&person, None, now))
                .is_none();
            going_on()
        })?;
        queries::all_teams(connection, &facts, None, &mut |team| {
            lost |= directory
                .noted(directory.keep_team(&team, None, now))
                .is_none();
            teams.push(team);
            going_on()
        })?;
        Ok(teams)
    })?;
    let seen: HashSet<_> = teams.iter().map(|team| team.sid.clone()).collect();
    for team in teams {
        if stop.is_asked() {
            return Ok(());
        }
        match members::read(directory, &team, ENOUGH, now) {
            Err(trouble) if trouble.is_silence() => return Err(trouble),
            // One group that is too large, or gone by now, keeps no other from being read.
            Ok(_) | Err(_) => {}
        }
    }
    if people == 0 || people < known / 2 {
        return Err(Trouble::Odd(
            "it shows fewer than half of the users that were known",
        ));
    }
    if lost {
        // Where all of them are read nobody asks for a group that is known, and be it gone.
        directory.noted(directory.cache.doubt_teams_but(&seen));
        return Err(Trouble::Odd("not all of it could be kept"));
    }
    if directory.noted(directory.cache.sweep(now)).is_some() {
        directory.cache.news.note_all();
    }
    Ok(())
}
