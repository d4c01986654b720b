//! THE table: every condition of the two worlds, once.

use crate::{Hook, PamCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One condition of a logon or a password change.
///
/// [`Verdict::row`] says everything about it; the modules, the log, `explain`, the man
/// page and the tests all read that row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every step passed, or the password was changed.
    Success,
    /// A name of our domain without an account.
    UserNotFound,
    /// An id that was known, and whose account is gone.
    AccountUndefined,
    /// The password is wrong.
    LogonFailure,
    /// The caller may not do this.
    AccessDenied,
    /// Locked after too many wrong passwords; the password was not compared.
    LockedOut,
    /// The account is disabled.
    Disabled,
    /// The account's end has passed.
    AccountExpired,
    /// Outside the account's logon hours.
    InvalidLogonHours,
    /// This host is not among the account's workstations.
    InvalidWorkstation,
    /// The account lacks the logon right for this way into the host (Q97558).
    LogonTypeNotGranted,
    /// The site has closed this service.
    InvalidLogonType,
    /// A new password is demanded at the next logon, and the service can ask for one (Q175019).
    MustChange,
    /// A new password is demanded, and the service cannot ask for one (Q175019).
    MustChangeElsewhere,
    /// The password's greatest age has passed, and the service can ask for a new one.
    PasswordExpired,
    /// The password's greatest age has passed, and the service cannot ask for a new one.
    PasswordExpiredElsewhere,
    /// A new password is needed, and the account may not change its own.
    ExpiredCantChange,
    /// A restriction on the account, such as a blank password away from the console.
    AccountRestriction,
    /// The account must log on with a smart card.
    SmartcardRequired,
    /// A trust account, not a person's.
    InterdomainTrustAccount,
    /// A computer's account, not a person's.
    WorkstationTrustAccount,
    /// A server's account, not a person's.
    ServerTrustAccount,
    /// A user of a trusted domain whom selective trust keeps out.
    AuthenticationFirewall,
    /// No server of the domain answers.
    LogonServerNotFound,
    /// The domain's main server was not found.
    DcNotFound,
    /// Signed on with saved credentials.
    StandaloneLogon,
    /// Two servers claim to be the domain's main server.
    LogonServerConflict,
    /// The logon service of this host is not running.
    NetlogonNotStarted,
    /// The clocks of host and domain differ too much.
    TimeDiffAtDc,
    /// The replica is stale.
    SyncRequired,
    /// The replica was current; nothing was to do.
    DatabaseUpToDate,
    /// The domain does not know this host's own password.
    PasswordMismatch,
    /// An old server refused and hid the reason.
    ReasonHidden,
    /// An old server refused network access and hid the reason.
    NetworkAccessDenied,
    /// The backend cannot change passwords.
    NotSupported,
    /// The configured server's name does not resolve.
    BadNetpath,
    /// The current password, given for a change, is wrong.
    InvalidPassword,
    /// This host's network is down.
    NetNotStarted,
    /// Only a server can do this.
    RemoteOnly,
    /// The logon service of this host is not running, and a password was to be changed.
    WkstaNotStarted,
    /// A fault of our own.
    InternalError,
    /// The server has closed this call.
    BadTransactConfig,
    /// The other side speaks another version of the protocol.
    InvalidApi,
    /// The name is not well formed.
    BadUsername,
    /// The new password contains a character that cannot be used.
    BadPassword,
    /// A replica was asked, and the main server cannot be reached.
    NotPrimary,
    /// The account database is not open, or another program holds it.
    AcfNotLoaded,
    /// The account database has no room left.
    AcfNoRoom,
    /// The account database could not be read or written.
    AcfFileIoFail,
    /// The account is not a person's.
    SpeGroupOp,
    /// The account may not change its own password.
    PasswordCantChange,
    /// The new password is one of the last ones.
    PasswordHistConflict,
    /// The new password is blank or too short.
    PasswordTooShort,
    /// The password was changed too recently.
    PasswordTooRecent,
    /// The account database is damaged.
    InvalidDatabase,
    /// The configured server's name is malformed.
    InvalidComputer,
    /// The last administrator cannot be removed.
    LastAdmin,
    /// The disk that holds the account database is full.
    CanNotGrowUasFile,
    /// A foreign security service failed.
    DceError,
    /// A foreign security service failed, and the log says how.
    DceErrorLogged,
    /// The ticket ended during the change.
    AuthTicketExpired,
    /// The directory cannot be reached.
    RegistryNotFound,
    /// The name belongs to another domain than the one served.
    UserNotInResdom,
    /// The new password is not valid UTF-8.
    IllFormedPassword,
    /// The directory refused the new password and hid the reason.
    PasswordRestriction,
    /// The new password is too long.
    PasswordTooLong,
    /// The new password has too few kinds of character, or a part of the name.
    PasswordNotComplexEnough,
    /// A password filter of the site refused the new password.
    PasswordFilterError,
    /// The two entries of the new password differ.
    EntriesDiffer,
    /// The application gave no answer to a question.
    ConversationFailed,
    /// Only an expired password was to be changed, and it is not expired.
    NotExpired,
    /// The domain is administered elsewhere; root of this host cannot reset a password.
    RootMayNotReset,
    /// Too many requests are waiting.
    Busy,
    /// A verdict that this part does not know; it refuses.
    Unmapped,
}

/// All that is known of a verdict.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The number on the wire: never reused, never changed.
    pub wire: u16,
    /// The symbol in the headers of LAN Manager, Windows or Linux-PAM.
    pub symbol: &'static str,
    /// The Win32 or NERR number.
    pub number: u32,
    /// Other symbols and numbers for the same condition.
    pub also: &'static [(&'static str, u32)],
    /// The NTSTATUS, where the sources name one `[ERREF]`.
    pub ntstatus: Option<u32>,
    /// The PAM code in each hook.
    pub codes: Codes,
    /// What a person is told.
    pub message: Option<Message>,
    /// Who may be told.
    pub told: Told,
    /// What raises it.
    pub raised: Raised,
}

/// The PAM codes of a verdict; a hook without one cannot meet the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    /// pam_sm_authenticate
    pub authenticate: AuthCode,
    /// pam_sm_acct_mgmt
    pub account: Option<PamCode>,
    /// pam_sm_chauthtok, preliminary check
    pub preliminary: Option<PamCode>,
    /// pam_sm_chauthtok, update
    pub update: Option<PamCode>,
}

/// What authenticate returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthCode {
    /// authenticate cannot meet this verdict.
    Never,
    /// This code, for every service.
    Now(PamCode),
    /// This code; but sshd is told success, and account management refuses with the
    /// live state. sshd drops the messages of a failed authenticate, shows those of
    /// account management, and always calls it. Only for what account management finds
    /// again without the password.
    SshdDefers(PamCode),
}

/// The sentence of a verdict; what it says is in [`crate::sentence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named after what it says")]
pub enum Message {
    NameOrPassword,
    NotAllowed,
    LockedOut,
    Disabled,
    AccountExpired,
    LogonHours,
    Workstation,
    LogonRight,
    MustChange,
    MustChangeElsewhere,
    PasswordExpired,
    ExpiredCantChange,
    Restriction,
    Smartcard,
    DomainUnreachable,
    PrimaryUnreachable,
    Offline,
    ServiceDown,
    ServiceDownUnchanged,
    ClockSkew,
    Store,
    CurrentPassword,
    CantChange,
    TooRecent,
    TooShort,
    TooLong,
    History,
    NotComplex,
    TooEasy,
    AllRules,
    BadCharacter,
    TicketExpired,
    OtherDomain,
    CannotChangeHere,
    EntriesDiffer,
    RootMayNotReset,
    Busy,
}

/// Who may be told of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Anyone at the prompt.
    Anyone,
    /// Only somebody who has proved who he is: by the password, a key, or as root.
    Proven,
}

/// What raises a verdict in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The embedded account database or the modules; a scenario of the suites shows it.
    Embedded,
    /// Decoded from a directory's answer only.
    Directory,
    /// A fault of our own only; injected by tests.
    Fault,
    /// It has its place in the evaluation, and nothing raises it yet.
    NotYet,
}

impl Verdict {
    /// Every verdict, in the order of the table.
    pub const ALL: [Self; 74] = [
        Self::Success,
        Self::UserNotFound,
        Self::AccountUndefined,
        Self::LogonFailure,
        Self::AccessDenied,
        Self::LockedOut,
        Self::Disabled,
        Self::AccountExpired,
        Self::InvalidLogonHours,
        Self::InvalidWorkstation,
        Self::LogonTypeNotGranted,
        Self::InvalidLogonType,
        Self::MustChange,
        Self::MustChangeElsewhere,
        Self::PasswordExpired,
        Self::PasswordExpiredElsewhere,
        Self::ExpiredCantChange,
        Self::AccountRestriction,
        Self::SmartcardRequired,
        Self::InterdomainTrustAccount,
        Self::WorkstationTrustAccount,
        Self::ServerTrustAccount,
        Self::AuthenticationFirewall,
        Self::LogonServerNotFound,
        Self::DcNotFound,
        Self::StandaloneLogon,
        Self::LogonServerConflict,
        Self::NetlogonNotStarted,
        Self::TimeDiffAtDc,
        Self::SyncRequired,
        Self::DatabaseUpToDate,
        Self::PasswordMismatch,
        Self::ReasonHidden,
        Self::NetworkAccessDenied,
        Self::NotSupported,
        Self::BadNetpath,
        Self::InvalidPassword,
        Self::NetNotStarted,
        Self::RemoteOnly,
        Self::WkstaNotStarted,
        Self::InternalError,
        Self::BadTransactConfig,
        Self::InvalidApi,
        Self::BadUsername,
        Self::BadPassword,
        Self::NotPrimary,
        Self::AcfNotLoaded,
        Self::AcfNoRoom,
        Self::AcfFileIoFail,
        Self::SpeGroupOp,
        Self::PasswordCantChange,
        Self::PasswordHistConflict,
        Self::PasswordTooShort,
        Self::PasswordTooRecent,
        Self::InvalidDatabase,
        Self::InvalidComputer,
        Self::LastAdmin,
        Self::CanNotGrowUasFile,
        Self::DceError,
        Self::DceErrorLogged,
        Self::AuthTicketExpired,
        Self::RegistryNotFound,
        Self::UserNotInResdom,
        Self::IllFormedPassword,
        Self::PasswordRestriction,
        Self::PasswordTooLong,
        Self::PasswordNotComplexEnough,
        Self::PasswordFilterError,
        Self::EntriesDiffer,
        Self::ConversationFailed,
        Self::NotExpired,
        Self::RootMayNotReset,
        Self::Busy,
        Self::Unmapped,
    ];

    /// The verdict's row in the table.
    #[must_use]
    pub const fn row(self) -> Row {
        use AuthCode::{Never, Now, SshdDefers};
        use PamCode as P;
        use Raised::{Directory, Embedded, Fault, NotYet};
        use Told::{Anyone, Proven};
        match self {
            Self::Success => row(
                0,
                ("NERR_Success", 0),
                Some(0),
                codes(
                    Now(P::Success),
                    Some(P::Success),
                    Some(P::Success),
                    Some(P::Success),
                ),
                None,
                Anyone,
                Embedded,
            ),
            Self::UserNotFound => row(
                1,
                ("NERR_UserNotFound", 2221),
                Some(0xC000_0064),
                codes(
                    Now(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                ),
                Some(Message::NameOrPassword),
                Anyone,
                Embedded,
            )
            .also(&[("ERROR_NO_SUCH_USER", 1317)]),
            Self::AccountUndefined => row(
                2,
                ("NERR_AccountUndefined", 2238),
                None,
                codes(
                    Now(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                ),
                Some(Message::NameOrPassword),
                Anyone,
                Directory,
            ),
            Self::LogonFailure => row(
                3,
                ("ERROR_LOGON_FAILURE", 1326),
                Some(0xC000_006D),
                codes(Now(P::AuthErr), None, Some(P::AuthErr), Some(P::AuthErr)),
                Some(Message::NameOrPassword),
                Anyone,
                Embedded,
            )
            .also(&[("ERROR_WRONG_PASSWORD", 1323)]),
            Self::AccessDenied => row(
                4,
                ("ERROR_ACCESS_DENIED", 5),
                Some(0xC000_0022),
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::NotAllowed),
                Anyone,
                Embedded,
            ),
            Self::LockedOut => row(
                5,
                ("ERROR_ACCOUNT_LOCKED_OUT", 1909),
                Some(0xC000_0234),
                codes(
                    Now(P::MaxTries),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::LockedOut),
                Anyone,
                Embedded,
            )
            .also(&[("NERR_AccountLockedOut", 2702)]),
            Self::Disabled => row(
                6,
                ("ERROR_ACCOUNT_DISABLED", 1331),
                Some(0xC000_0072),
                codes(
                    SshdDefers(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::Disabled),
                Proven,
                Embedded,
            ),
            Self::AccountExpired => row(
                7,
                ("NERR_AccountExpired", 2239),
                Some(0xC000_0193),
                codes(
                    SshdDefers(P::AcctExpired),
                    Some(P::AcctExpired),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::AccountExpired),
                Proven,
                Embedded,
            )
            .also(&[("ERROR_ACCOUNT_EXPIRED", 1793)]),
            Self::InvalidLogonHours => row(
                8,
                ("NERR_InvalidLogonHours", 2241),
                Some(0xC000_006F),
                codes(
                    SshdDefers(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::LogonHours),
                Proven,
                Embedded,
            )
            .also(&[("ERROR_INVALID_LOGON_HOURS", 1328)]),
            Self::InvalidWorkstation => row(
                9,
                ("NERR_InvalidWorkstation", 2240),
                Some(0xC000_0070),
                codes(
                    SshdDefers(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::Workstation),
                Proven,
                Embedded,
            )
            .also(&[("ERROR_INVALID_WORKSTATION", 1329)]),
            Self::LogonTypeNotGranted => row(
                10,
                ("ERROR_LOGON_TYPE_NOT_GRANTED", 1385),
                Some(0xC000_015B),
                codes(SshdDefers(P::PermDenied), Some(P::PermDenied), None, None),
                Some(Message::LogonRight),
                Proven,
                NotYet,
            )
            .also(&[("ERROR_LOGON_NOT_GRANTED", 1380)]),
            Self::InvalidLogonType => row(
                11,
                ("ERROR_INVALID_LOGON_TYPE", 1367),
                Some(0xC000_010B),
                codes(
                    Now(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::LogonRight),
                Proven,
                NotYet,
            ),
            Self::MustChange => row(
                12,
                ("ERROR_PASSWORD_MUST_CHANGE", 1907),
                Some(0xC000_0224),
                codes(
                    Now(P::Success),
                    Some(P::NewAuthtokReqd),
                    Some(P::Success),
                    Some(P::Success),
                ),
                Some(Message::MustChange),
                Proven,
                Embedded,
            )
            .also(&[("NERR_PasswordMustChange", 2701)]),
            Self::MustChangeElsewhere => row(
                13,
                ("ERROR_PASSWORD_MUST_CHANGE", 1907),
                Some(0xC000_0224),
                codes(SshdDefers(P::PermDenied), Some(P::PermDenied), None, None),
                Some(Message::MustChangeElsewhere),
                Proven,
                Embedded,
            )
            .also(&[("NERR_PasswordMustChange", 2701)]),
            Self::PasswordExpired => row(
                14,
                ("NERR_PasswordExpired", 2242),
                Some(0xC000_0071),
                codes(
                    Now(P::Success),
                    Some(P::NewAuthtokReqd),
                    Some(P::Success),
                    Some(P::Success),
                ),
                Some(Message::PasswordExpired),
                Proven,
                Embedded,
            )
            .also(&[("ERROR_PASSWORD_EXPIRED", 1330)]),
            Self::PasswordExpiredElsewhere => row(
                15,
                ("NERR_PasswordExpired", 2242),
                Some(0xC000_0071),
                codes(SshdDefers(P::PermDenied), Some(P::PermDenied), None, None),
                Some(Message::MustChangeElsewhere),
                Proven,
                Embedded,
            )
            .also(&[("ERROR_PASSWORD_EXPIRED", 1330)]),
            Self::ExpiredCantChange => row(
                16,
                ("NERR_PasswordExpired", 2242),
                Some(0xC000_0071),
                codes(
                    SshdDefers(P::AcctExpired),
                    Some(P::AcctExpired),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::ExpiredCantChange),
                Proven,
                Embedded,
            ),
            Self::AccountRestriction => row(
                17,
                ("ERROR_ACCOUNT_RESTRICTION", 1327),
                Some(0xC000_006E),
                codes(
                    Now(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::Restriction),
                Proven,
                Embedded,
            ),
            Self::SmartcardRequired => row(
                18,
                ("STATUS_SMARTCARD_LOGON_REQUIRED", 1327),
                Some(0xC000_02FA),
                codes(
                    Now(P::PermDenied),
                    Some(P::Success),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::Smartcard),
                Proven,
                Directory,
            ),
            Self::InterdomainTrustAccount => row(
                19,
                ("ERROR_NOLOGON_INTERDOMAIN_TRUST_ACCOUNT", 1807),
                Some(0xC000_0198),
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::Restriction),
                Proven,
                Directory,
            ),
            Self::WorkstationTrustAccount => row(
                20,
                ("ERROR_NOLOGON_WORKSTATION_TRUST_ACCOUNT", 1808),
                Some(0xC000_0199),
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::Restriction),
                Proven,
                Directory,
            ),
            Self::ServerTrustAccount => row(
                21,
                ("ERROR_NOLOGON_SERVER_TRUST_ACCOUNT", 1809),
                Some(0xC000_019A),
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::Restriction),
                Proven,
                Directory,
            ),
            Self::AuthenticationFirewall => row(
                22,
                ("ERROR_AUTHENTICATION_FIREWALL_FAILED", 1935),
                Some(0xC000_0413),
                codes(
                    Now(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::LogonRight),
                Proven,
                Directory,
            ),
            Self::LogonServerNotFound => row(
                23,
                ("NERR_LogonServerNotFound", 2215),
                Some(0xC000_005E),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::DomainUnreachable),
                Anyone,
                Directory,
            )
            .also(&[("ERROR_NO_LOGON_SERVERS", 1311)]),
            Self::DcNotFound => row(
                24,
                ("NERR_DCNotFound", 2453),
                Some(0xC000_0233),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::PrimaryUnreachable),
                Anyone,
                Directory,
            )
            .also(&[("ERROR_DOMAIN_CONTROLLER_NOT_FOUND", 1908)]),
            Self::StandaloneLogon => row(
                25,
                ("NERR_StandaloneLogon", 2214),
                None,
                codes(
                    Now(P::Success),
                    Some(P::Success),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Offline),
                Anyone,
                Directory,
            )
            .also(&[("NERR_NonValidatedLogon", 2217)]),
            Self::LogonServerConflict => row(
                26,
                ("NERR_LogonServerConflict", 2210),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Directory,
            )
            .also(&[("NERR_BadUasConfig", 2450)]),
            Self::NetlogonNotStarted => row(
                27,
                ("NERR_NetlogonNotStarted", 2455),
                Some(0xC000_0192),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::ServiceDown),
                Anyone,
                Embedded,
            )
            .also(&[("ERROR_NETLOGON_NOT_STARTED", 1792)]),
            Self::TimeDiffAtDc => row(
                28,
                ("NERR_TimeDiffAtDC", 2457),
                Some(0xC000_0133),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::ClockSkew),
                Anyone,
                Directory,
            )
            .also(&[("ERROR_TIME_SKEW", 1398)]),
            Self::SyncRequired => row(
                29,
                ("NERR_SyncRequired", 2249),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::DomainUnreachable),
                Anyone,
                Directory,
            ),
            Self::DatabaseUpToDate => row(
                30,
                ("NERR_DatabaseUpToDate", 2248),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::DomainUnreachable),
                Anyone,
                Directory,
            ),
            Self::PasswordMismatch => row(
                31,
                ("NERR_PasswordMismatch", 2458),
                Some(0xC000_0190),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Directory,
            )
            .also(&[
                ("ERROR_NO_TRUST_LSA_SECRET", 1786),
                ("ERROR_NO_TRUST_SAM_ACCOUNT", 1787),
                ("ERROR_TRUSTED_DOMAIN_FAILURE", 1788),
                ("ERROR_TRUSTED_RELATIONSHIP_FAILURE", 1789),
                ("ERROR_TRUST_FAILURE", 1790),
            ]),
            Self::ReasonHidden => row(
                32,
                ("ERROR_UNEXP_NET_ERR", 59),
                None,
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Restriction),
                Proven,
                Directory,
            )
            .also(&[("ERROR_BAD_NET_RESP", 58), ("ERROR_GEN_FAILURE", 31)]),
            Self::NetworkAccessDenied => row(
                33,
                ("ERROR_NETWORK_ACCESS_DENIED", 65),
                None,
                codes(
                    Now(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Restriction),
                Proven,
                Directory,
            ),
            Self::NotSupported => row(
                34,
                ("ERROR_NOT_SUPPORTED", 50),
                Some(0xC000_00BB),
                codes(Never, None, Some(P::PermDenied), Some(P::PermDenied)),
                Some(Message::CannotChangeHere),
                Anyone,
                Directory,
            ),
            Self::BadNetpath => row(
                35,
                ("ERROR_BAD_NETPATH", 53),
                Some(0xC000_00BE),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::PrimaryUnreachable),
                Anyone,
                Directory,
            ),
            Self::InvalidPassword => row(
                36,
                ("ERROR_INVALID_PASSWORD", 86),
                Some(0xC000_006A),
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::AuthErr),
                    Some(P::AuthErr),
                ),
                Some(Message::CurrentPassword),
                Anyone,
                Embedded,
            ),
            Self::NetNotStarted => row(
                37,
                ("NERR_NetNotStarted", 2102),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::PrimaryUnreachable),
                Anyone,
                Directory,
            ),
            Self::RemoteOnly => row(
                38,
                ("NERR_RemoteOnly", 2106),
                None,
                codes(Never, None, Some(P::PermDenied), Some(P::PermDenied)),
                Some(Message::CannotChangeHere),
                Anyone,
                Directory,
            ),
            Self::WkstaNotStarted => row(
                39,
                ("NERR_WkstaNotStarted", 2138),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::ServiceDownUnchanged),
                Anyone,
                Embedded,
            ),
            Self::InternalError => row(
                40,
                ("NERR_InternalError", 2140),
                Some(0xC000_00E5),
                codes(
                    Now(P::SystemErr),
                    Some(P::SystemErr),
                    Some(P::SystemErr),
                    Some(P::SystemErr),
                ),
                Some(Message::Store),
                Anyone,
                Fault,
            ),
            Self::BadTransactConfig => row(
                41,
                ("NERR_BadTransactConfig", 2141),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Directory,
            ),
            Self::InvalidApi => row(
                42,
                ("NERR_InvalidAPI", 2142),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Embedded,
            ),
            Self::BadUsername => row(
                43,
                ("NERR_BadUsername", 2202),
                None,
                codes(
                    Now(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                ),
                Some(Message::NameOrPassword),
                Anyone,
                Embedded,
            ),
            Self::BadPassword => row(
                44,
                ("NERR_BadPassword", 2203),
                Some(0xC000_006B),
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::AuthErr),
                    Some(P::AuthtokErr),
                ),
                Some(Message::BadCharacter),
                Anyone,
                Embedded,
            ),
            Self::NotPrimary => row(
                45,
                ("NERR_NotPrimary", 2226),
                Some(0xC000_0187),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::PrimaryUnreachable),
                Anyone,
                Directory,
            ),
            Self::AcfNotLoaded => row(
                46,
                ("NERR_ACFNotLoaded", 2227),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokLockBusy),
                ),
                Some(Message::Store),
                Anyone,
                Embedded,
            ),
            Self::AcfNoRoom => row(
                47,
                ("NERR_ACFNoRoom", 2228),
                Some(0xC000_007F),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::AuthtokErr),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Embedded,
            ),
            Self::AcfFileIoFail => row(
                48,
                ("NERR_ACFFileIOFail", 2229),
                Some(0xC000_0185),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::AuthtokErr),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Embedded,
            ),
            Self::SpeGroupOp => row(
                49,
                ("NERR_SpeGroupOp", 2234),
                None,
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                    Some(P::PermDenied),
                ),
                Some(Message::CannotChangeHere),
                Anyone,
                Directory,
            ),
            Self::PasswordCantChange => row(
                50,
                ("NERR_PasswordCantChange", 2243),
                Some(0xC000_006E),
                codes(Never, None, Some(P::PermDenied), Some(P::PermDenied)),
                Some(Message::CantChange),
                Proven,
                Embedded,
            ),
            Self::PasswordHistConflict => row(
                51,
                ("NERR_PasswordHistConflict", 2244),
                Some(0xC000_025C),
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::History),
                Proven,
                Embedded,
            ),
            Self::PasswordTooShort => row(
                52,
                ("NERR_PasswordTooShort", 2245),
                Some(0xC000_025A),
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::TooShort),
                Proven,
                Embedded,
            ),
            Self::PasswordTooRecent => row(
                53,
                ("NERR_PasswordTooRecent", 2246),
                Some(0xC000_025B),
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::TooRecent),
                Proven,
                Embedded,
            ),
            Self::InvalidDatabase => row(
                54,
                ("NERR_InvalidDatabase", 2247),
                Some(0xC000_00E4),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Embedded,
            ),
            Self::InvalidComputer => row(
                55,
                ("NERR_InvalidComputer", 2351),
                Some(0xC000_0122),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Directory,
            ),
            Self::LastAdmin => row(
                56,
                ("NERR_LastAdmin", 2452),
                None,
                codes(Never, None, Some(P::PermDenied), Some(P::PermDenied)),
                Some(Message::CannotChangeHere),
                Anyone,
                Embedded,
            ),
            Self::CanNotGrowUasFile => row(
                57,
                ("NERR_CanNotGrowUASFile", 2456),
                Some(0xC000_007F),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::AuthtokErr),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Embedded,
            ),
            Self::DceError => row(
                58,
                ("NERR_DCEError", 7500),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::AuthtokErr),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Directory,
            ),
            Self::DceErrorLogged => row(
                59,
                ("NERR_DCEErrorLogged", 7501),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::AuthtokErr),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Store),
                Anyone,
                Directory,
            ),
            Self::AuthTicketExpired => row(
                60,
                ("NERR_AuthTicketExpired", 7511),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::TicketExpired),
                Anyone,
                Directory,
            ),
            Self::RegistryNotFound => row(
                61,
                ("NERR_RegistryNotFound", 7512),
                Some(0xC000_005E),
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::PrimaryUnreachable),
                Anyone,
                Directory,
            ),
            Self::UserNotInResdom => row(
                62,
                ("NERR_UserNotInResdom", 7513),
                None,
                codes(
                    Now(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                    Some(P::UserUnknown),
                ),
                Some(Message::OtherDomain),
                Anyone,
                Embedded,
            ),
            Self::IllFormedPassword => row(
                63,
                ("ERROR_ILL_FORMED_PASSWORD", 1324),
                Some(0xC000_006B),
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::BadCharacter),
                Anyone,
                Embedded,
            ),
            Self::PasswordRestriction => row(
                64,
                ("ERROR_PASSWORD_RESTRICTION", 1325),
                Some(0xC000_006C),
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::AllRules),
                Proven,
                Directory,
            ),
            Self::PasswordTooLong => row(
                65,
                ("NERR_PasswordTooLong", 2703),
                None,
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::TooLong),
                Proven,
                Embedded,
            ),
            Self::PasswordNotComplexEnough => row(
                66,
                ("NERR_PasswordNotComplexEnough", 2704),
                None,
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::NotComplex),
                Proven,
                Embedded,
            ),
            Self::PasswordFilterError => row(
                67,
                ("NERR_PasswordFilterError", 2705),
                None,
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                Some(Message::TooEasy),
                Proven,
                Directory,
            ),
            Self::EntriesDiffer => row(
                68,
                ("PAM_AUTHTOK_ERR", 1323),
                None,
                codes(Never, None, None, Some(P::AuthtokErr)),
                Some(Message::EntriesDiffer),
                Anyone,
                Embedded,
            ),
            Self::ConversationFailed => row(
                69,
                ("PAM_CONV_ERR", 1223),
                None,
                codes(Never, None, Some(P::AuthtokErr), Some(P::AuthtokErr)),
                None,
                Anyone,
                Embedded,
            ),
            Self::NotExpired => row(
                70,
                ("NERR_Success", 0),
                Some(0),
                codes(Never, None, Some(P::Success), Some(P::Success)),
                None,
                Anyone,
                Embedded,
            ),
            Self::RootMayNotReset => row(
                71,
                ("ERROR_ACCESS_DENIED", 5),
                Some(0xC000_0022),
                codes(Never, None, Some(P::PermDenied), Some(P::PermDenied)),
                Some(Message::RootMayNotReset),
                Anyone,
                Directory,
            ),
            Self::Busy => row(
                72,
                ("ERROR_BUSY", 170),
                None,
                codes(
                    Now(P::AuthinfoUnavail),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokLockBusy),
                ),
                Some(Message::Busy),
                Anyone,
                Embedded,
            ),
            Self::Unmapped => row(
                73,
                ("ERROR_UNKNOWN", 0xFFFF),
                None,
                codes(
                    Now(P::AuthErr),
                    Some(P::PermDenied),
                    Some(P::TryAgain),
                    Some(P::AuthtokErr),
                ),
                Some(Message::Restriction),
                Proven,
                Fault,
            ),
        }
    }

    /// The PAM code in `hook` for `service`. A hook that the table says cannot meet
    /// the verdict refuses.
    #[must_use]
    pub fn pam_code(self, hook: Hook, service: &str) -> PamCode {
        let codes = self.row().codes;
        match hook {
            Hook::Authenticate => match codes.authenticate {
                AuthCode::SshdDefers(_) if service == "sshd" => PamCode::Success,
                AuthCode::Now(code) | AuthCode::SshdDefers(code) => code,
                AuthCode::Never => PamCode::AuthErr,
            },
            Hook::Account => codes.account.unwrap_or(PamCode::PermDenied),
            Hook::Preliminary => codes.preliminary.unwrap_or(PamCode::TryAgain),
            Hook::Update => codes.update.unwrap_or(PamCode::AuthtokErr),
        }
    }

    /// Whether this verdict lets somebody in, or lets a change through.
    #[must_use]
    pub fn grants(self) -> bool {
        matches!(
            self,
            Self::Success
                | Self::StandaloneLogon
                | Self::MustChange
                | Self::PasswordExpired
                | Self::NotExpired
        )
    }

    /// The verdict with this number on the wire. An unknown number refuses.
    #[must_use]
    pub fn from_wire(wire: u16) -> Self {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.row().wire == wire)
            .unwrap_or(Self::Unmapped)
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.row().wire)
    }
}

impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u16::deserialize(deserializer).map(Self::from_wire)
    }
}

impl Row {
    const fn also(mut self, also: &'static [(&'static str, u32)]) -> Self {
        self.also = also;
        self
    }
}

const fn row(
    wire: u16,
    (symbol, number): (&'static str, u32),
    ntstatus: Option<u32>,
    codes: Codes,
    message: Option<Message>,
    told: Told,
    raised: Raised,
) -> Row {
    Row {
        wire,
        symbol,
        number,
        also: &[],
        ntstatus,
        codes,
        message,
        told,
        raised,
    }
}

const fn codes(
    authenticate: AuthCode,
    account: Option<PamCode>,
    preliminary: Option<PamCode>,
    update: Option<PamCode>,
) -> Codes {
    Codes {
        authenticate,
        account,
        preliminary,
        update,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn wire_numbers_are_unique_and_survive() {
        let wires: HashSet<u16> = Verdict::ALL.iter().map(|v| v.row().wire).collect();
        assert_eq!(wires.len(), Verdict::ALL.len());
        for verdict in Verdict::ALL {
            let bytes = postcard::to_allocvec(&verdict).unwrap();
            assert_eq!(postcard::from_bytes::<Verdict>(&bytes).unwrap(), verdict);
        }
        let bytes = postcard::to_allocvec(&60_000u16).unwrap();
        assert_eq!(
            postcard::from_bytes::<Verdict>(&bytes).unwrap(),
            Verdict::Unmapped
        );
    }

    #[test]
    fn only_grants_pass_a_hook() {
        for verdict in Verdict::ALL {
            for hook in Hook::ALL {
                let code = verdict.pam_code(hook, "login");
                let smart_card_proved_otherwise =
                    verdict == Verdict::SmartcardRequired && hook == Hook::Account;
                if matches!(code, PamCode::Success | PamCode::NewAuthtokReqd) {
                    assert!(
                        verdict.grants() || smart_card_proved_otherwise,
                        "{verdict:?} passes {hook:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_sshd_defers_account_management_refuses() {
        for verdict in Verdict::ALL {
            if let AuthCode::SshdDefers(code) = verdict.row().codes.authenticate {
                assert_eq!(verdict.row().codes.account, Some(code), "{verdict:?}");
                assert_eq!(
                    verdict.pam_code(Hook::Authenticate, "sshd"),
                    PamCode::Success
                );
                assert_eq!(verdict.pam_code(Hook::Authenticate, "sshd2"), code);
            }
        }
    }

    #[test]
    fn every_refusal_has_a_sentence() {
        for verdict in Verdict::ALL {
            let silent = matches!(
                verdict,
                Verdict::Success | Verdict::NotExpired | Verdict::ConversationFailed
            );
            assert_eq!(verdict.row().message.is_none(), silent, "{verdict:?}");
        }
    }

    #[test]
    fn the_codes_of_net_user_password_set_are_all_there() {
        // NetUserPasswordSet's own list of return codes.
        let numbers = [
            0, 50, 53, 86, 2102, 2106, 2138, 2140, 2141, 2142, 2221, 2226, 2227, 2228, 2229, 2239,
            2242, 2243, 2244, 2245, 2246, 2247, 2351, 2456, 7500, 7501, 7511, 7512, 7513,
        ];
        assert_eq!(numbers.len(), 29);
        for number in numbers {
            assert!(
                Verdict::ALL.iter().any(|v| v.row().number == number),
                "{number}"
            );
        }
    }
}
