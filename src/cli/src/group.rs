//! `domlogon group`.

use crate::answer::Answer;
use crate::arguments::{Group, Members, RemoveMembers};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::words::{Page, count, list, table, yes_no};
use domlogon_protocol::admin::{GroupRecord, Reply, Request};
use serde::Serialize;
use serde_json::json;

pub(crate) fn run(command: Group, daemon: &Daemon) -> Result<Answer, Error> {
    match command {
        Group::Add(which) => {
            let name = which.name;
            let reply = daemon.ask(Request::GroupAdd(name.clone()))?;
            done(reply, |group| match group {
                Some(group) => format!(
                    "The group {} is made: gid {}, {}.\n",
                    group.name, group.gid, group.sid
                ),
                None => format!("The group {name} is made.\n"),
            })
        }
        Group::Show(which) => match daemon.ask(Request::GroupShow(which.name))? {
            Reply::Group(group) => Ok(Answer::yes(page(&group), &GroupShown::new(&group))),
            _ => Err(Error::OtherReply),
        },
        Group::Delete(which) => {
            let reply = daemon.ask(Request::GroupDelete(which.name.clone()))?;
            done(reply, |_| format!("The group {} is deleted.\n", which.name))
        }
        Group::List => all(daemon),
        Group::AddMember(Members { group, members }) => {
            let reply = daemon.ask(Request::GroupAddMembers {
                group: group.clone(),
                members: members.clone(),
            })?;
            done(reply, |_| {
                format!("Now in {group}: {}.\n", list(&members, "nobody more"))
            })
        }
        Group::RemoveMember(RemoveMembers { which, force }) => {
            let Members { group, members } = which;
            let reply = daemon.ask(Request::GroupRemoveMembers {
                group: group.clone(),
                members: members.clone(),
                force,
            })?;
            done(reply, |_| {
                format!("No longer in {group}: {}.\n", list(&members, "nobody"))
            })
        }
    }
}

fn all(daemon: &Daemon) -> Result<Answer, Error> {
    let mut groups = Vec::new();
    let mut after = Some(0);
    while let Some(rid) = after {
        match daemon.ask(Request::GroupList(rid))? {
            Reply::Groups(page, next) => {
                groups.extend(page);
                // A page that does not lead on would be asked for again for ever.
                after = next.filter(|next| *next > rid);
            }
            _ => return Err(Error::OtherReply),
        }
    }
    let rows: Vec<[String; 3]> = groups
        .iter()
        .map(|group| {
            [
                group.name.clone(),
                group.gid.to_string(),
                members_in_short(group),
            ]
        })
        .collect();
    let text = if rows.is_empty() {
        "There are no groups.\n".to_owned()
    } else {
        table(["NAME", "GID", "DIRECT MEMBERS"], &rows)
    };
    let shown: Vec<GroupShown> = groups.iter().map(GroupShown::new).collect();
    Ok(Answer::yes(text, &shown))
}

fn members_in_short(group: &GroupRecord) -> String {
    let number = |names: &[String]| u32::try_from(names.len()).unwrap_or(u32::MAX);
    match (number(&group.users), number(&group.groups)) {
        (0, 0) => "none".to_owned(),
        (users, 0) => count(users, "user"),
        (0, groups) => count(groups, "group"),
        (users, groups) => format!("{}, {}", count(users, "user"), count(groups, "group")),
    }
}

fn done(reply: Reply, text: impl FnOnce(Option<&GroupRecord>) -> String) -> Result<Answer, Error> {
    match reply {
        Reply::Group(group) => Ok(Answer::yes(text(Some(&group)), &GroupShown::new(&group))),
        Reply::Done => Ok(Answer::yes(text(None), &json!({"done": true}))),
        _ => Err(Error::OtherReply),
    }
}

fn page(group: &GroupRecord) -> String {
    let mut page = Page::new(&group.name);
    page.row("SID", &group.sid);
    page.row("Group id", &group.gid.to_string());
    page.row("Made with the domain", yes_no(group.built_in));
    page.row("Users", &list(&group.users, "none"));
    page.row("Groups in it", &list(&group.groups, "none"));
    page.text()
}

/// A group in JSON.
#[derive(Debug, Serialize)]
struct GroupShown<'a> {
    name: &'a str,
    gid: u32,
    sid: &'a str,
    built_in: bool,
    users: &'a [String],
    groups: &'a [String],
}

impl<'a> GroupShown<'a> {
    fn new(group: &'a GroupRecord) -> Self {
        Self {
            name: &group.name,
            gid: group.gid,
            sid: &group.sid,
            built_in: group.built_in,
            users: &group.users,
            groups: &group.groups,
        }
    }
}
