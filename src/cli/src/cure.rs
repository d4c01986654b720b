//! What lifts a refusal: the command to type, or whom to ask.

use crate::right;
use crate::words::shell_word;
use domlogon_protocol::{Decision, Fact, LogonHours, Step, Timestamp, Verdict};
use domlogon_rules::hours;

/// A refusal to be cured.
pub(crate) struct Case<'a> {
    pub(crate) user: &'a str,
    pub(crate) service: &'a str,
    pub(crate) decision: &'a Decision,
    pub(crate) steps: &'a [Step],
    /// The instant that was judged.
    pub(crate) at: Timestamp,
}

/// The cure, one line for each way; none where nothing is refused.
pub(crate) fn cure(case: &Case<'_>) -> Vec<String> {
    let user = shell_word(case.user);
    let set = |option: &str| format!("domlogon user set {user} {option}");
    let new_password = || format!("domlogon user password {user}");
    let way = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    match case.decision.verdict {
        Verdict::Success
        | Verdict::StandaloneLogon
        | Verdict::NotExpired
        | Verdict::DatabaseUpToDate => Vec::new(),
        Verdict::UserNotFound | Verdict::AccountUndefined => {
            vec![format!("domlogon user add {user}")]
        }
        Verdict::BadUsername | Verdict::UserNotInResdom => {
            way(&["domlogon user list shows the names of this domain"])
        }
        Verdict::LogonFailure | Verdict::InvalidPassword => vec![new_password()],
        Verdict::LockedOut => vec![format!("domlogon user unlock {user}")],
        Verdict::Disabled => vec![
            set("--disabled no"),
            format!("if it has no password yet: {}", new_password()),
        ],
        Verdict::AccountExpired => vec![set("--expires never"), set("--expires +30d")],
        Verdict::InvalidLogonHours => vec![
            set(&format!("--hours {}", with_this_hour(case))),
            set("--hours always"),
        ],
        Verdict::InvalidWorkstation => vec![
            set(&format!("--workstations {}", with_this_host(case.steps))),
            set("--workstations any"),
        ],
        Verdict::LogonTypeNotGranted => missing_right(case),
        Verdict::InvalidLogonType => vec![right::closed(case.service)],
        Verdict::MustChange => vec![
            "The user sets a new password at this logon".to_owned(),
            format!("or take the demand back: {}", set("--must-change no")),
        ],
        Verdict::PasswordExpired => vec![
            "The user sets a new password at this logon".to_owned(),
            format!(
                "or never again for this account: {}",
                set("--password-never-expires yes")
            ),
        ],
        Verdict::MustChangeElsewhere => vec![
            "The user logs on at a console or by ssh and sets a new password there".to_owned(),
            format!("or take the demand back: {}", set("--must-change no")),
        ],
        Verdict::PasswordExpiredElsewhere => vec![
            "The user logs on at a console or by ssh and sets a new password there".to_owned(),
            format!("or set one: {}", new_password()),
            format!(
                "or, for an account that no person uses: {}",
                set("--password-never-expires yes")
            ),
        ],
        Verdict::ExpiredCantChange => vec![new_password(), set("--cannot-change no")],
        Verdict::AccountRestriction => vec![new_password()],
        Verdict::SmartcardRequired => way(&["The user logs on with the smart card"]),
        Verdict::InterdomainTrustAccount
        | Verdict::WorkstationTrustAccount
        | Verdict::ServerTrustAccount
        | Verdict::SpeGroupOp => way(&["Use a person's account instead"]),
        Verdict::AuthenticationFirewall
        | Verdict::ReasonHidden
        | Verdict::NetworkAccessDenied
        | Verdict::PasswordMismatch
        | Verdict::LogonServerConflict
        | Verdict::SyncRequired
        | Verdict::RootMayNotReset
        | Verdict::NotSupported
        | Verdict::RemoteOnly
        | Verdict::BadTransactConfig
        | Verdict::AuthTicketExpired => way(&["Ask the administrators of the directory"]),
        Verdict::LogonServerNotFound
        | Verdict::DcNotFound
        | Verdict::NotPrimary
        | Verdict::RegistryNotFound
        | Verdict::NetNotStarted
        | Verdict::BadNetpath
        | Verdict::InvalidComputer => way(&[
            "See that this host's network and names work, and that a server of the domain runs",
        ]),
        Verdict::TimeDiffAtDc => way(&["Correct this host's clock: timedatectl"]),
        Verdict::NetlogonNotStarted | Verdict::WkstaNotStarted => {
            way(&["systemctl start domlogond"])
        }
        Verdict::InvalidApi => way(&["systemctl restart domlogond"]),
        Verdict::AcfNotLoaded
        | Verdict::AcfNoRoom
        | Verdict::AcfFileIoFail
        | Verdict::InvalidDatabase
        | Verdict::CanNotGrowUasFile => way(&["domlogon status says what is wrong"]),
        Verdict::InternalError
        | Verdict::DceError
        | Verdict::DceErrorLogged
        | Verdict::ConversationFailed
        | Verdict::ChangeNotKnown
        | Verdict::Unmapped => way(&["journalctl -u domlogond says more"]),
        Verdict::Busy => way(&["Try again in a moment"]),
        Verdict::NotConfirmed => way(&["The user logs on again"]),
        Verdict::AccessDenied => way(&["Ask as root, or as an administrator of the domain"]),
        Verdict::LastAdmin => way(&["domlogon group add-member Administrators NAME"]),
        Verdict::PasswordCantChange => vec![set("--cannot-change no"), new_password()],
        Verdict::PasswordTooRecent => vec![
            format!(
                "an administrator may set one at any time: {}",
                new_password()
            ),
            format!("or let the user at once: {}", set("--must-change yes")),
        ],
        Verdict::PasswordTooShort
        | Verdict::PasswordTooLong
        | Verdict::PasswordNotComplexEnough
        | Verdict::PasswordHistConflict
        | Verdict::PasswordFilterError
        | Verdict::PasswordRestriction
        | Verdict::BadPassword
        | Verdict::IllFormedPassword
        | Verdict::EntriesDiffer => {
            way(&["Choose another password; domlogon policy show lists the rules"])
        }
    }
}

/// The list as it is, and this host.
fn with_this_host(steps: &[Step]) -> String {
    steps
        .iter()
        .find_map(|step| match &step.fact {
            Fact::Workstations { allowed, host } => {
                let mut names = allowed.clone();
                names.push(host.clone());
                Some(shell_word(&names.join(",")))
            }
            _ => None,
        })
        .unwrap_or_else(|| "HOST,HOST".to_owned())
}

/// The hours as they are, and the one that was judged; in UTC, which never moves.
fn with_this_hour(case: &Case<'_>) -> String {
    let mut allowed = case
        .steps
        .iter()
        .find_map(|step| match &step.fact {
            Fact::Hours { hours, .. } => *hours,
            _ => None,
        })
        .unwrap_or(LogonHours::NEVER);
    // 1970-01-01 was a Thursday: four days into a week that begins on Sunday.
    let hour = (case.at.0.div_euclid(3_600) + 4 * 24).rem_euclid(i64::from(LogonHours::UNITS));
    allowed.allow(u32::try_from(hour).unwrap_or(0));
    shell_word(&format!("{} UTC", hours::format(&allowed, 0)))
}

/// By the entry that decided; in general words where that is not known.
fn missing_right(case: &Case<'_>) -> Vec<String> {
    let fact = case.steps.iter().find_map(|step| match &step.fact {
        Fact::Right(fact) => Some(fact),
        _ => None,
    });
    let lines = fact.map(|fact| right::cure(fact, case.user));
    lines.filter(|lines| !lines.is_empty()).unwrap_or_else(|| {
        vec![format!(
            "domlogon rights test {} --service {} shows the right that is missing",
            shell_word(case.user),
            shell_word(case.service)
        )]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::Rule;

    fn lines(verdict: Verdict) -> Vec<String> {
        cure(&Case {
            user: "Alice Liddell",
            service: "sshd",
            decision: &Decision::new(verdict, Rule::Local),
            steps: &[],
            at: Timestamp(1_795_417_200),
        })
    }

    #[test]
    fn every_refusal_has_a_cure() {
        for verdict in Verdict::ALL {
            if !verdict.grants() && verdict != Verdict::DatabaseUpToDate {
                assert!(!lines(verdict).is_empty(), "{verdict:?}");
            }
        }
    }

    #[test]
    fn cures_can_be_pasted_into_a_shell() {
        assert_eq!(
            lines(Verdict::LockedOut),
            ["domlogon user unlock 'Alice Liddell'"]
        );
        assert_eq!(
            lines(Verdict::InvalidLogonHours).first().unwrap(),
            "domlogon user set 'Alice Liddell' --hours 'Mon 07:00-08:00 UTC'"
        );
    }
}
