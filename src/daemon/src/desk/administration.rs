//! What administrators ask, and the log of what they changed.

use super::decisions::{fill, reference};
use super::{Caller, Desk};
use crate::clock;
use crate::log::Level;
use crate::record::Record;
use domlogon_protocol::admin::{
    self, AdminError, ImportedUser, NewUser, PolicyChanges, Request, UserChanges,
};
use domlogon_protocol::{LogonType, Reply, UserName};
use domlogon_rules::Place;
use domlogon_rules::backend::Outage;

impl Desk {
    pub(super) fn administer(&self, caller: Caller, request: Request) -> Reply {
        let allowed = caller.is_root() || {
            match self.backend.is_administrator(caller.uid, clock::now()) {
                Ok(is) => is,
                Err(Outage(verdict)) => return refused(AdminError::Store(verdict)),
            }
        };
        let mut records = records(caller, &request);
        if !allowed {
            records.truncate(1);
        }
        let name = name_in(&request).map(str::to_owned);
        let done = if allowed {
            self.carry_out(request)
        } else {
            Err(AdminError::NotAllowed)
        };
        let done = done.map_err(|mut error| {
            self.stamp(&mut error, name.as_deref());
            error
        });
        for record in records {
            self.note_change(record, done.as_ref().err());
        }
        match done {
            Ok(reply) => Reply::Admin(Box::new(reply)),
            Err(error) => refused(error),
        }
    }

    fn carry_out(&self, request: Request) -> Result<admin::Reply, AdminError> {
        let now = clock::now();
        let request = match self.about_rights(request, now) {
            Ok(done) => return done,
            Err(request) => request,
        };
        let changed = match &request {
            Request::UserAdd(new) => Some(new.name.clone()),
            Request::UserDelete { name, .. }
            | Request::GroupAdd(name)
            | Request::GroupDelete(name) => Some(name.clone()),
            _ => None,
        };
        let made_many = matches!(request, Request::UserImport { dry_run: false, .. });
        let has_changed_names = changes_names(&request);
        let done = self.backend.admin(request, now)?;
        // The rights come first: to publish takes up to a second, and who is kept out by a name
        // must not come in meanwhile.
        if made_many {
            // Once for all of them.
            self.rights.refresh(now);
        }
        if let Some(name) = changed {
            // An entry may have got a meaning, or lost it.
            self.rights.name_changed(&name, now);
        }
        if has_changed_names {
            self.publish();
        }
        Ok(done)
    }

    /// Gives a refused password the reference and the names that its sentence needs.
    fn stamp(&self, error: &mut AdminError, name: Option<&str>) {
        let AdminError::Password(decision) = error else {
            return;
        };
        decision.reference = reference();
        let now = self.in_force();
        let place = Place {
            service: "domlogon",
            logon_type: LogonType::Permit,
            can_change: false,
            host: &now.host,
            domain: &now.config.name,
            rights: &now.rights,
        };
        let user = name.and_then(|name| UserName::parse(name.as_bytes()).ok());
        if let Some(user) = user {
            fill(&mut decision.params, &user, &place);
        }
    }

    fn note_change(&self, record: Record, error: Option<&AdminError>) {
        let line = match error {
            None => record.field("result", "done").line(),
            Some(AdminError::Password(decision)) => record
                .field("result", word(&AdminError::Password(decision.clone())))
                .verdict(decision.verdict)
                .also(&decision.also)
                .field("ref", &decision.reference.to_string())
                .line(),
            Some(AdminError::Store(verdict)) => {
                record.field("result", "store").verdict(*verdict).line()
            }
            Some(error @ AdminError::Rights(problem)) => record
                .field("result", word(error))
                .field("reason", &problem.to_string())
                .line(),
            Some(error) => record.field("result", word(error)).line(),
        };
        self.log.write(Level::Notice, &line);
    }
}

/// Whether it may change what NSS shows.
const fn changes_names(request: &Request) -> bool {
    matches!(
        request,
        Request::UserAdd(_)
            | Request::UserSet { .. }
            | Request::UserDelete { .. }
            | Request::GroupAdd(_)
            | Request::GroupDelete(_)
            | Request::GroupAddMembers { .. }
            | Request::GroupRemoveMembers { .. }
            | Request::UserImport { dry_run: false, .. }
    )
}

fn refused(error: AdminError) -> Reply {
    Reply::AdminRefused(Box::new(error))
}

/// The beginnings of the lines for a change; none for a look. Who was put into a group, or
/// into which, is to be found in them whoever else was.
fn records(caller: Caller, request: &Request) -> Vec<Record> {
    let Some(record) = record(caller, request) else {
        return Vec::new();
    };
    match request {
        Request::GroupAddMembers { members, .. } | Request::GroupRemoveMembers { members, .. } => {
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            record.parts("members", &members)
        }
        Request::UserImport { users, .. } => record.parts("groups", &groups(users)),
        _ => vec![record],
    }
}

/// What a change is, but for a list of names.
fn record(caller: Caller, request: &Request) -> Option<Record> {
    let did = |what| {
        Record::new("admin")
            .number("caller", caller.uid)
            .word("did", what)
    };
    let flag = |record: Record, key, on| if on { record.field(key, "yes") } else { record };
    Some(match request {
        Request::UserAdd(new) => with(did("user add").field("user", &new.name), added(new)),
        Request::UserSet {
            name,
            changes,
            force,
        } => flag(
            with(did("user set").field("user", name), changed(changes)),
            "force",
            *force,
        ),
        Request::UserPassword {
            name,
            password: _,
            must_change,
            unlock,
        } => {
            let record = did("user password").field("user", name);
            let record = flag(record, "must_change", *must_change);
            flag(record, "unlock", *unlock)
        }
        Request::UserUnlock(name) => did("user unlock").field("user", name),
        Request::UserDelete { name, force } => {
            flag(did("user delete").field("user", name), "force", *force)
        }
        Request::GroupAdd(name) => did("group add").field("group", name),
        Request::GroupDelete(name) => did("group delete").field("group", name),
        Request::GroupAddMembers { group, .. } => did("group add-member").field("group", group),
        Request::GroupRemoveMembers { group, force, .. } => {
            let record = did("group remove-member").field("group", group);
            flag(record, "force", *force)
        }
        Request::PolicySet(changes) => with(did("policy set"), policy(changes)),
        Request::RightsReload => did("rights reload"),
        Request::UserImport {
            users,
            dry_run: false,
        } => import(did("user import"), users),
        Request::UserShow(_)
        | Request::UserList(_)
        | Request::GroupShow(_)
        | Request::GroupList(_)
        | Request::PolicyShow
        | Request::RightsShow
        | Request::RightsCheck { .. }
        | Request::RightsSimulate { .. }
        | Request::UserImport { dry_run: true, .. }
        | Request::UserImportProgress => return None,
    })
}

/// How many accounts.
fn import(record: Record, users: &[ImportedUser]) -> Record {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let hashes = users.iter().filter(|user| user.hash.is_some()).count();
    record
        .number("users", count(users.len()))
        .number("hashes", count(hashes))
}

/// Every group that one of the accounts is put into: whom an import gives rights to is not to
/// be found out from the accounts one by one.
fn groups(users: &[ImportedUser]) -> Vec<&str> {
    let groups = users.iter().flat_map(|user| &user.groups);
    let mut groups: Vec<&str> = groups.map(String::as_str).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The account that a password in the request is for.
fn name_in(request: &Request) -> Option<&str> {
    match request {
        Request::UserAdd(new) => Some(&new.name),
        Request::UserPassword { name, .. } | Request::UserSet { name, .. } => Some(name),
        _ => None,
    }
}

/// Settings and their new values; none of them is secret, and absent ones are not set.
type Settings = Vec<(&'static str, Option<String>)>;

fn with(record: Record, settings: Settings) -> Record {
    settings
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .fold(record, |record, (key, value)| record.field(key, &value))
}

fn added(new: &NewUser) -> Settings {
    vec![
        ("uid", new.uid.map(|uid| uid.to_string())),
        ("home", new.home.clone()),
        ("shell", new.shell.clone()),
        ("must_change", new.must_change.then(|| "yes".to_owned())),
        ("password", new.password.as_ref().map(|_| "set".to_owned())),
    ]
}

fn changed(changes: &UserChanges) -> Settings {
    let flag = |on: Option<bool>| on.map(|on| if on { "yes" } else { "no" }.to_owned());
    let hours = changes.hours.as_ref().map(|hours| match hours {
        Some(_) => "set".to_owned(),
        None => "always".to_owned(),
    });
    vec![
        ("disabled", flag(changes.disabled)),
        (
            "expires",
            changes
                .expires
                .map(|at| number_or(at.map(|at| at.0), "never")),
        ),
        ("hours", hours),
        (
            "workstations",
            changes.workstations.as_ref().map(|list| list.join(",")),
        ),
        ("must_change", flag(changes.must_change)),
        ("cannot_change", flag(changes.cannot_change)),
        (
            "password_never_expires",
            flag(changes.password_never_expires),
        ),
        ("password_not_required", flag(changes.password_not_required)),
        (
            "password_set_at",
            changes.password_set_at.map(|at| at.0.to_string()),
        ),
        ("full_name", changes.full_name.clone()),
        ("home", changes.home.clone()),
        ("shell", changes.shell.clone()),
    ]
}

fn policy(changes: &PolicyChanges) -> Settings {
    let number = |n: Option<u32>| n.map(|n| n.to_string());
    let seconds = |n: Option<i64>| n.map(|n| n.to_string());
    vec![
        ("min_length", number(changes.min_length)),
        ("max_length", number(changes.max_length)),
        ("history", number(changes.history)),
        (
            "max_age",
            changes.max_age.map(|age| number_or(age, "never")),
        ),
        ("min_age", seconds(changes.min_age)),
        (
            "complexity",
            changes
                .complexity
                .map(|on| if on { "yes" } else { "no" }.to_owned()),
        ),
        ("lockout_threshold", number(changes.lockout_threshold)),
        (
            "lockout_duration",
            changes
                .lockout_duration
                .map(|time| number_or(time, "forever")),
        ),
        ("lockout_window", seconds(changes.lockout_window)),
        ("warn", seconds(changes.warn)),
    ]
}

fn number_or(number: Option<i64>, word: &str) -> String {
    number.map_or_else(|| word.to_owned(), |number| number.to_string())
}

/// The word for a refusal in the log.
const fn word(error: &AdminError) -> &'static str {
    match error {
        AdminError::NotAllowed => "not-allowed",
        AdminError::NoSuchUser(_) => "no-such-user",
        AdminError::NoSuchGroup(_) => "no-such-group",
        AdminError::NoSuchName(_) => "no-such-name",
        AdminError::NameTaken(_) => "name-taken",
        AdminError::NameIsLocal(_) => "name-is-local",
        AdminError::BadName(..) => "bad-name",
        AdminError::NameTooLong(_) => "name-too-long",
        AdminError::IdTaken(..) => "id-taken",
        AdminError::IdTooLow(..) => "id-too-low",
        AdminError::IdTooHigh(..) => "id-too-high",
        AdminError::BadText(_) => "bad-text",
        AdminError::NotMember(..) => "not-member",
        AdminError::AlreadyMember(..) => "already-member",
        AdminError::Cycle(..) => "cycle",
        AdminError::BuiltIn(_) => "built-in",
        AdminError::LastAdministrator(_) => "last-administrator",
        AdminError::Password(_) => "password-refused",
        AdminError::OutOfRange(..) => "out-of-range",
        AdminError::AgesCross => "ages-cross",
        AdminError::WindowTooLong => "window-too-long",
        AdminError::LengthsCross => "lengths-cross",
        AdminError::InFuture(_) => "in-future",
        AdminError::NoPassword(_) => "no-password",
        AdminError::Store(_) => "store",
        AdminError::Rights(_) => "rights-refused",
        AdminError::BadHash(_) => "bad-hash",
        AdminError::Import(_) => "import-refused",
        AdminError::ImportRuns => "import-runs",
        AdminError::InDirectory(_) => "in-directory",
        AdminError::Hidden(..) => "hidden",
        AdminError::HiddenByRange(..) => "hidden-by-range",
    }
}
