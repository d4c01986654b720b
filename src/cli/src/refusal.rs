//! Why the daemon refused an administrator, in one place: what is wrong, and the way out.

use crate::rights::problem;
use crate::time::Clock;
use crate::words::shell_word;
use core::fmt;
use domlogon_protocol::admin::{AdminError, HashError, PolicySetting, Subordinate};
use domlogon_protocol::{Decision, Reference, Verdict, sentence};
use domlogon_rules::durations;

const UNCHANGED: &str = "Nothing was changed.";

/// Writes the sentences of a refusal.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, refused: &AdminError) -> fmt::Result {
    match refused {
        AdminError::NotAllowed => f.write_str(
            "Only root and members of the domain's group Administrators may do this. \
             Run the command with sudo.",
        ),
        AdminError::NoSuchUser(name) => write!(
            f,
            "There is no account {name}. Show all accounts with: domlogon user list"
        ),
        AdminError::NoSuchGroup(name) => write!(
            f,
            "There is no group {name}. Show all groups with: domlogon group list"
        ),
        AdminError::NoSuchName(name) => write!(
            f,
            "There is neither a user nor a group {name}. {UNCHANGED} \
             Show them with: domlogon user list, domlogon group list"
        ),
        AdminError::NameTaken(name) => write!(
            f,
            "The name {name} is taken by a user or group of the domain. Choose another name."
        ),
        AdminError::NameIsLocal(name) => write!(
            f,
            "The name {name} is in this host's own /etc/passwd or /etc/group, which always win. \
             Choose another name, or remove the local one first."
        ),
        AdminError::BadName(name, error) => {
            write!(
                f,
                "{name:?} cannot be a name: {error}. Choose another name."
            )
        }
        AdminError::NameTooLong(name) => write!(
            f,
            "The name {name} is too long: the login records of the system hold 32 bytes. \
             Choose a shorter name."
        ),
        AdminError::IdTaken(id, owner) => write!(
            f,
            "The id {id} belongs to {owner}. Choose another one, or leave out --uid."
        ),
        AdminError::IdTooLow(id, minimum) => write!(
            f,
            "The id {id} is too low: ids below {minimum} are not the domain's. \
             Choose a higher one, or leave out --uid."
        ),
        AdminError::IdTooHigh(id, maximum) => write!(
            f,
            "The id {id} is too high: some programs read ids above {maximum} as negative ones. \
             Choose a lower one, or leave out --uid."
        ),
        AdminError::BadText(text) => write!(
            f,
            "{text:?} cannot be kept. A text may hold no colon, comma of a list or control \
             character and at most 1024 bytes, and a path begins with a slash."
        ),
        AdminError::NotMember(member, group) => write!(
            f,
            "{member} is not a direct member of {group}. {UNCHANGED} \
             Show the members with: domlogon group show {}",
            shell_word(group)
        ),
        AdminError::AlreadyMember(member, group) => {
            write!(f, "{member} is a member of {group} already. {UNCHANGED}")
        }
        AdminError::Cycle(member, group) => write!(
            f,
            "{member} cannot go into {group}: the group would contain itself. {UNCHANGED}"
        ),
        AdminError::BuiltIn(name) => write!(
            f,
            "{name} was made with the domain and cannot be deleted. \
             An account can be disabled: domlogon user set {} --disabled yes",
            shell_word(name)
        ),
        AdminError::LastAdministrator(name) => write!(
            f,
            "{name} is the last administrator who can log on (NERR_LastAdmin 2452). {UNCHANGED} \
             Make somebody else an administrator first: \
             domlogon group add-member Administrators NAME. Or give --force: \
             then only root of this host can administer the domain."
        ),
        AdminError::Password(decision) => password(f, decision),
        AdminError::OutOfRange(setting, least, most) => write!(
            f,
            "{} must be between {} and {}. {UNCHANGED}",
            setting.word(),
            bound(*setting, *least),
            bound(*setting, *most)
        ),
        AdminError::AgesCross => write!(
            f,
            "min-age must be less than max-age, or nobody could change a password in time. \
             {UNCHANGED} Set both in one command, or max-age=never."
        ),
        AdminError::WindowTooLong => write!(
            f,
            "lockout-window must not be longer than lockout-duration. {UNCHANGED} \
             Set both in one command, or lockout-duration=forever."
        ),
        AdminError::LengthsCross => write!(
            f,
            "min-length must not be above max-length. {UNCHANGED} Set both in one command."
        ),
        AdminError::InFuture(at) => write!(
            f,
            "{} lies in the future. Give --password-set-at a time that has passed, or now.",
            Clock::system().both(*at)
        ),
        AdminError::NoPassword(name) => write!(
            f,
            "{name} has no password. Set one first: domlogon user password {}",
            shell_word(name)
        ),
        AdminError::Store(verdict) => store(f, *verdict),
        AdminError::Rights(problem) => write!(
            f,
            "The file of logon rights cannot be used: {}. The lists from before stay in force. \
             See: domlogon status",
            problem::line(problem)
        ),
        AdminError::BadHash(error) => f.write_str(bad_hash(*error)),
        AdminError::Import(refused) => write!(
            f,
            "{} of the accounts cannot be made, so none was made. {UNCHANGED}",
            refused.len()
        ),
        AdminError::InDirectory(domain) => write!(
            f,
            "The accounts are in the directory of {domain}, and are administered there, with its \
             own tools (samba-tool, or Active Directory Users and Computers). Nothing was changed"
        ),
        AdminError::ImportRuns => write!(
            f,
            "Another import runs. {UNCHANGED} Try again when it has ended."
        ),
        AdminError::Hidden(name, id, Some(owner)) => write!(
            f,
            "The account {name} exists, but is hidden on this host: its id {id} is that of the \
             local user {owner}. Give {owner} another id with usermod --uid, or make the account \
             anew with another one (in a directory: change its uidNumber)."
        ),
        AdminError::Hidden(name, id, None) => write!(
            f,
            "The account {name} exists, but is hidden on this host: the id {id} of its primary \
             group is that of a local group. Give the local group another id with groupmod --gid."
        ),
        AdminError::HiddenByRange(name, id, range) => {
            let (whose, kind) = match range.is_of_groups {
                false => ("its id", "subuids"),
                true => ("of its primary group the id", "subgids"),
            };
            let Subordinate {
                owner, first, last, ..
            } = range;
            write!(
                f,
                "The account {name} exists, but is hidden on this host: {whose} {id} is one that \
                 the local user {owner} may take, by {}. Give {owner} another range, with ids that \
                 nobody has: usermod --del-{kind} {first}-{last} --add-{kind} FIRST-LAST {}; \
                 domlogon doctor names all whom it hides.",
                range.path(),
                shell_word(owner)
            )
        }
    }
}

/// Why a password of another system cannot be taken over, and the way out.
const fn bad_hash(error: HashError) -> &'static str {
    match error {
        HashError::UnknownKind => {
            "The password hash is of a kind that cannot be taken over: it must begin with \
             $y$, $6$ or $5$. Put * in its place and set a new password after the import."
        }
        HashError::Malformed => {
            "The password hash is cut or damaged. Copy it again from the system that it comes \
             from, or put * in its place and set a new password after the import."
        }
        HashError::TooCostly => {
            "The password hash takes more memory or time than a logon may (above 256 MiB, or \
             1000000 rounds). Put * in its place and set a new password after the import."
        }
    }
}

/// Writes why a question was not answered at all.
pub(crate) fn not_answered(f: &mut fmt::Formatter<'_>, verdict: Verdict) -> fmt::Result {
    match verdict {
        Verdict::Busy => f.write_str("The daemon is too busy to answer. Try again in a moment."),
        Verdict::InvalidApi => f.write_str(
            "The daemon is of another version than this command. \
             Restart it after an upgrade: systemctl restart domlogond",
        ),
        other => store(f, other),
    }
}

/// The name of a refusal in JSON.
pub(crate) fn word(refused: &AdminError) -> &'static str {
    match refused {
        AdminError::NotAllowed => "not_allowed",
        AdminError::NoSuchUser(_) => "no_such_user",
        AdminError::NoSuchGroup(_) => "no_such_group",
        AdminError::NoSuchName(_) => "no_such_name",
        AdminError::NameTaken(_) => "name_taken",
        AdminError::NameIsLocal(_) => "name_is_local",
        AdminError::BadName(..) => "bad_name",
        AdminError::NameTooLong(_) => "name_too_long",
        AdminError::IdTaken(..) => "id_taken",
        AdminError::IdTooLow(..) => "id_too_low",
        AdminError::IdTooHigh(..) => "id_too_high",
        AdminError::BadText(_) => "bad_text",
        AdminError::NotMember(..) => "not_member",
        AdminError::AlreadyMember(..) => "already_member",
        AdminError::Cycle(..) => "cycle",
        AdminError::BuiltIn(_) => "built_in",
        AdminError::LastAdministrator(_) => "last_administrator",
        AdminError::Password(_) => "password",
        AdminError::OutOfRange(..) => "out_of_range",
        AdminError::AgesCross => "ages_cross",
        AdminError::WindowTooLong => "window_too_long",
        AdminError::LengthsCross => "lengths_cross",
        AdminError::InFuture(_) => "in_future",
        AdminError::NoPassword(_) => "no_password",
        AdminError::Store(_) => "store",
        AdminError::Rights(_) => "rights",
        AdminError::BadHash(_) => "bad_hash",
        AdminError::Import(_) => "import",
        AdminError::ImportRuns => "import_runs",
        AdminError::InDirectory(_) => "in_directory",
        AdminError::Hidden(..) => "hidden",
        AdminError::HiddenByRange(..) => "hidden_by_range",
    }
}

/// All broken rules together; the reference is for the log, which the administrator has.
fn password(f: &mut fmt::Formatter<'_>, decision: &Decision) -> fmt::Result {
    let told = Decision {
        reference: Reference::default(),
        ..decision.clone()
    };
    f.write_str("The password was not set. ")?;
    if let Some(text) = sentence(&told, &Clock::system()) {
        f.write_str(&text)?;
    }
    f.write_str(" (")?;
    for (index, verdict) in core::iter::once(&told.verdict)
        .chain(&told.also)
        .enumerate()
    {
        let row = verdict.row();
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{} {}", row.symbol, row.number)?;
    }
    f.write_str(")")
}

/// The condition of the account database.
fn store(f: &mut fmt::Formatter<'_>, verdict: Verdict) -> fmt::Result {
    f.write_str(store_sentence(verdict))?;
    let row = verdict.row();
    write!(f, " ({} {})", row.symbol, row.number)
}

/// What is wrong with the account database, and what to do.
pub(crate) fn store_sentence(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Success => "The account database answers.",
        Verdict::AcfNotLoaded => {
            "The account database is not open, or another program holds it. \
             See that one domlogond runs: systemctl status domlogond"
        }
        Verdict::AcfNoRoom => {
            "No id is left for a new account or group: the next one would be above 2147483647. \
             Nothing was changed. Lower base in [ids] of /etc/domlogon/domlogon.toml."
        }
        Verdict::CanNotGrowUasFile => {
            "The disk that holds the account database is full. Nothing was changed. Free some room."
        }
        Verdict::AcfFileIoFail => {
            "The account database could not be read or written. \
             See journalctl -u domlogond, and that its file system is not read-only."
        }
        Verdict::InvalidDatabase => {
            "The account database is damaged, and every logon is refused. \
             See journalctl -u domlogond, and put a copy of it back."
        }
        _ => "The daemon could not answer. See journalctl -u domlogond.",
    }
}

fn bound(setting: PolicySetting, value: i64) -> String {
    match setting {
        PolicySetting::MinLength
        | PolicySetting::MaxLength
        | PolicySetting::History
        | PolicySetting::LockoutThreshold => value.to_string(),
        PolicySetting::MaxAge
        | PolicySetting::MinAge
        | PolicySetting::LockoutDuration
        | PolicySetting::LockoutWindow
        | PolicySetting::Warn => durations::format(value),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::error::Error;
    use domlogon_protocol::rights::{Problem, ProblemKind};
    use domlogon_protocol::{NameError, Rule, Timestamp};
    use std::collections::HashSet;

    /// One of each.
    pub(crate) fn all() -> Vec<AdminError> {
        let name = || "alice".to_owned();
        let group = || "Staff".to_owned();
        let mut decision = Decision::new(Verdict::PasswordTooShort, Rule::Form);
        decision.also = vec![Verdict::PasswordNotComplexEnough];
        decision.params.min_length = Some(8);
        decision.reference = Reference::from_random(7);
        vec![
            AdminError::NotAllowed,
            AdminError::NoSuchUser(name()),
            AdminError::NoSuchGroup(group()),
            AdminError::NoSuchName(name()),
            AdminError::NameTaken(name()),
            AdminError::NameIsLocal(name()),
            AdminError::BadName("a:b".to_owned(), NameError::Character(':')),
            AdminError::NameTooLong("a".repeat(33)),
            AdminError::IdTaken(5000, name()),
            AdminError::IdTooLow(5, 1000),
            AdminError::IdTooHigh(1 << 31, (1 << 31) - 1),
            AdminError::BadText("a\nb".to_owned()),
            AdminError::NotMember(name(), group()),
            AdminError::AlreadyMember(name(), group()),
            AdminError::Cycle(group(), "Everyone else".to_owned()),
            AdminError::BuiltIn("Users".to_owned()),
            AdminError::LastAdministrator(name()),
            AdminError::Password(Box::new(decision)),
            AdminError::OutOfRange(PolicySetting::MinAge, 0, 998 * 86_400),
            AdminError::AgesCross,
            AdminError::WindowTooLong,
            AdminError::LengthsCross,
            AdminError::InFuture(Timestamp(1_795_417_200)),
            AdminError::NoPassword(name()),
            AdminError::Store(Verdict::InvalidDatabase),
            AdminError::Rights(Box::new(Problem {
                place: Some((3, 7)),
                kind: ProblemKind::UnknownRight("SeX".to_owned()),
            })),
            AdminError::BadHash(HashError::Malformed),
            AdminError::Import(vec![(3, AdminError::NameTaken(name()))]),
            AdminError::ImportRuns,
            AdminError::Hidden(name(), 2000, Some("bob".to_owned())),
            AdminError::HiddenByRange(name(), 100_007, range(false)),
        ]
    }

    fn range(is_of_groups: bool) -> Subordinate {
        Subordinate {
            owner: "b;ob".to_owned(),
            first: 100_000,
            last: 165_535,
            is_of_groups,
        }
    }

    #[test]
    fn a_range_has_another_way_out_than_an_id() {
        for (is_of_groups, kind) in [(false, "uid"), (true, "gid")] {
            let refused =
                AdminError::HiddenByRange("alice".to_owned(), 100_007, range(is_of_groups));
            let text = Error::from(refused).to_string();
            let way = format!(
                "usermod --del-sub{kind}s 100000-165535 --add-sub{kind}s FIRST-LAST 'b;ob'"
            );
            assert!(text.contains(&way), "{text}");
            assert!(text.contains(&format!(", by /etc/sub{kind}.")), "{text}");
            assert!(!text.contains("local group"), "{text}");
        }
    }

    #[test]
    fn every_refusal_has_its_own_sentence_and_word() {
        let mut sentences = HashSet::new();
        let mut words = HashSet::new();
        for refused in all() {
            let error = Error::from(refused);
            let text = error.to_string();
            assert!(
                text.ends_with(['.', ')', '!']) || text.contains("domlogon "),
                "{text}"
            );
            assert!(!text.contains('\n'), "{text}");
            assert!(words.insert(error.word()), "{text}");
            assert!(sentences.insert(text));
        }
    }

    #[test]
    fn all_broken_rules_of_a_password_are_told() {
        let refused = all()
            .into_iter()
            .find(|e| matches!(e, AdminError::Password(_)));
        let text = Error::from(refused.unwrap()).to_string();
        assert!(text.contains("at least 8 characters"), "{text}");
        assert!(text.contains("3 of: capital letters"), "{text}");
        assert!(
            text.ends_with("(NERR_PasswordTooShort 2245, NERR_PasswordNotComplexEnough 2704)"),
            "{text}"
        );
        assert!(!text.contains("ref "), "{text}");
    }

    #[test]
    fn bounds_have_their_units() {
        let text = Error::from(AdminError::OutOfRange(
            PolicySetting::MinAge,
            0,
            998 * 86_400,
        ));
        assert_eq!(
            text.to_string(),
            "min-age must be between 0 and 998d. Nothing was changed."
        );
    }
}
