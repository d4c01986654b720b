//! THE table: every condition of the two worlds, once.

use crate::{Hook, PamCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Makes the enum and its one exhaustive match out of the table.
macro_rules! table {
    ($(
        #[doc = $meaning:literal]
        $wire:literal $name:ident $symbol:literal $number:literal, $status:expr,
        [$auth:ident $when:ident, $account:ident, $preliminary:ident, $update:ident],
        $message:expr, $told:ident, $raised:ident, [$($also:literal $also_number:literal),*];
    )*) => {
        /// One condition of a logon or a password change.
        ///
        /// [`Verdict::row`] says everything about it; the modules, the log, `explain`, the
        /// README's table and the tests all read that row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Verdict {
            $(#[doc = $meaning] $name,)*
        }

        impl Verdict {
            /// Every verdict, in the order of the table.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$name,)*];

            const COUNT: usize = [$($wire),*].len();

            /// The verdict's row in the table.
            #[must_use]
            pub const fn row(self) -> Row {
                use Message::*;
                match self {
                    $(Self::$name => Row {
                        wire: $wire,
                        meaning: $meaning.trim_ascii_start(),
                        symbol: $symbol,
                        number: $number,
                        also: &[$(($also, $also_number)),*],
                        ntstatus: $status,
                        codes: Codes {
                            authenticate: when::$when(code::$auth),
                            account: code::$account,
                            preliminary: code::$preliminary,
                            update: code::$update,
                        },
                        message: $message,
                        told: Told::$told,
                        raised: Raised::$raised,
                    },)*
                }
            }
        }
    };
}

// One verdict in two lines:
//
//     /// what it means
//     wire-number Name "SYMBOL" number, NTSTATUS,
//         [authenticate when, account, preliminary, update], sentence, told, raised, [other numbers];
//
// The wire number is never reused and never changed; a new verdict takes the next one.
// Codes: OK SUCCESS · PD PERM_DENIED · AE AUTH_ERR · AIU AUTHINFO_UNAVAIL · UU USER_UNKNOWN ·
// MT MAXTRIES · NR NEW_AUTHTOK_REQD · AX ACCT_EXPIRED · TE AUTHTOK_ERR · LB AUTHTOK_LOCK_BUSY ·
// TA TRY_AGAIN · SYS SYSTEM_ERR · no: the hook cannot meet it, and refuses if it does.
// When: `now` for every service; `sshd_later`: see [`AuthCode::SshdDefers`]; `never`.
table! {
    /// Every step passed, or the password was changed.
    0 Success "NERR_Success" 0, Some(0), [OK now, OK, OK, OK], None, Anyone, Embedded, [];
    /// A name of our domain without an account.
    1 UserNotFound "NERR_UserNotFound" 2221, Some(0xC000_0064), [UU now, UU, UU, UU], Some(NameOrPassword), Anyone, Embedded, ["ERROR_NO_SUCH_USER" 1317];
    /// An id that was known, and whose account is gone.
    2 AccountUndefined "NERR_AccountUndefined" 2238, None, [UU now, UU, UU, UU], Some(NameOrPassword), Anyone, Directory, [];
    /// The password is wrong.
    3 LogonFailure "ERROR_LOGON_FAILURE" 1326, Some(0xC000_006D), [AE now, no, AE, AE], Some(NameOrPassword), Anyone, Embedded, ["ERROR_WRONG_PASSWORD" 1323];
    /// The caller may not do this.
    4 AccessDenied "ERROR_ACCESS_DENIED" 5, Some(0xC000_0022), [AE now, PD, PD, PD], Some(NotAllowed), Anyone, Embedded, [];
    /// Locked after too many wrong passwords; the password was not compared.
    5 LockedOut "ERROR_ACCOUNT_LOCKED_OUT" 1909, Some(0xC000_0234), [MT now, PD, PD, PD], Some(LockedOut), Anyone, Embedded, ["NERR_AccountLockedOut" 2702];
    /// The account is disabled.
    6 Disabled "ERROR_ACCOUNT_DISABLED" 1331, Some(0xC000_0072), [PD sshd_later, PD, PD, PD], Some(Disabled), Proven, Embedded, [];
    /// The account's end has passed.
    7 AccountExpired "NERR_AccountExpired" 2239, Some(0xC000_0193), [AX sshd_later, AX, PD, PD], Some(AccountExpired), Proven, Embedded, ["ERROR_ACCOUNT_EXPIRED" 1793];
    /// Outside the account's logon hours.
    8 InvalidLogonHours "NERR_InvalidLogonHours" 2241, Some(0xC000_006F), [PD sshd_later, PD, PD, PD], Some(LogonHours), Proven, Embedded, ["ERROR_INVALID_LOGON_HOURS" 1328];
    /// This host is not among the account's workstations.
    9 InvalidWorkstation "NERR_InvalidWorkstation" 2240, Some(0xC000_0070), [PD sshd_later, PD, PD, PD], Some(Workstation), Proven, Embedded, ["ERROR_INVALID_WORKSTATION" 1329];
    /// The account lacks the logon right for this way into the host (Q97558).
    10 LogonTypeNotGranted "ERROR_LOGON_TYPE_NOT_GRANTED" 1385, Some(0xC000_015B), [PD sshd_later, PD, no, no], Some(LogonRight), Proven, Embedded, ["ERROR_LOGON_NOT_GRANTED" 1380];
    /// The site has closed this service.
    11 InvalidLogonType "ERROR_INVALID_LOGON_TYPE" 1367, Some(0xC000_010B), [PD now, PD, PD, PD], Some(LogonRight), Proven, Embedded, [];
    /// A new password is demanded at the next logon, and the service can ask for one (Q175019).
    12 MustChange "ERROR_PASSWORD_MUST_CHANGE" 1907, Some(0xC000_0224), [OK now, NR, OK, OK], Some(MustChange), Proven, Embedded, ["NERR_PasswordMustChange" 2701];
    /// A new password is demanded, and the service cannot ask for one (Q175019).
    13 MustChangeElsewhere "ERROR_PASSWORD_MUST_CHANGE" 1907, Some(0xC000_0224), [PD sshd_later, PD, no, no], Some(MustChangeElsewhere), Proven, Embedded, ["NERR_PasswordMustChange" 2701];
    /// The password's greatest age has passed, and the service can ask for a new one.
    14 PasswordExpired "NERR_PasswordExpired" 2242, Some(0xC000_0071), [OK now, NR, OK, OK], Some(PasswordExpired), Proven, Embedded, ["ERROR_PASSWORD_EXPIRED" 1330];
    /// The password's greatest age has passed, and the service cannot ask for a new one.
    15 PasswordExpiredElsewhere "NERR_PasswordExpired" 2242, Some(0xC000_0071), [PD sshd_later, PD, no, no], Some(MustChangeElsewhere), Proven, Embedded, ["ERROR_PASSWORD_EXPIRED" 1330];
    /// A new password is needed, and the account may not change its own.
    16 ExpiredCantChange "NERR_PasswordExpired" 2242, Some(0xC000_0071), [AX sshd_later, AX, PD, PD], Some(ExpiredCantChange), Proven, Embedded, [];
    /// A restriction on the account, such as a blank password away from the console.
    17 AccountRestriction "ERROR_ACCOUNT_RESTRICTION" 1327, Some(0xC000_006E), [PD now, PD, PD, PD], Some(Restriction), Proven, Embedded, [];
    /// The account must log on with a smart card.
    18 SmartcardRequired "STATUS_SMARTCARD_LOGON_REQUIRED" 1327, Some(0xC000_02FA), [PD now, OK, PD, PD], Some(Smartcard), Proven, Directory, [];
    /// A trust account, not a person's.
    19 InterdomainTrustAccount "ERROR_NOLOGON_INTERDOMAIN_TRUST_ACCOUNT" 1807, Some(0xC000_0198), [AE now, PD, PD, PD], Some(Restriction), Proven, Directory, [];
    /// A computer's account, not a person's.
    20 WorkstationTrustAccount "ERROR_NOLOGON_WORKSTATION_TRUST_ACCOUNT" 1808, Some(0xC000_0199), [AE now, PD, PD, PD], Some(Restriction), Proven, Directory, [];
    /// A server's account, not a person's.
    21 ServerTrustAccount "ERROR_NOLOGON_SERVER_TRUST_ACCOUNT" 1809, Some(0xC000_019A), [AE now, PD, PD, PD], Some(Restriction), Proven, Directory, [];
    /// A user of a trusted domain whom selective trust keeps out.
    22 AuthenticationFirewall "ERROR_AUTHENTICATION_FIREWALL_FAILED" 1935, Some(0xC000_0413), [PD now, PD, PD, PD], Some(LogonRight), Proven, Directory, [];
    /// No server of the domain answers.
    23 LogonServerNotFound "NERR_LogonServerNotFound" 2215, Some(0xC000_005E), [AIU now, PD, TA, TE], Some(DomainUnreachable), Anyone, Directory, ["ERROR_NO_LOGON_SERVERS" 1311];
    /// The domain's main server was not found.
    24 DcNotFound "NERR_DCNotFound" 2453, Some(0xC000_0233), [AIU now, PD, TA, TE], Some(PrimaryUnreachable), Anyone, Directory, ["ERROR_DOMAIN_CONTROLLER_NOT_FOUND" 1908];
    /// Signed on with saved credentials.
    25 StandaloneLogon "NERR_StandaloneLogon" 2214, None, [OK now, OK, TA, TE], Some(Offline), Anyone, Directory, ["NERR_NonValidatedLogon" 2217];
    /// Two servers claim to be the domain's main server.
    26 LogonServerConflict "NERR_LogonServerConflict" 2210, None, [AIU now, PD, TA, TE], Some(Store), Anyone, Directory, ["NERR_BadUasConfig" 2450];
    /// The logon service of this host is not running.
    27 NetlogonNotStarted "NERR_NetlogonNotStarted" 2455, Some(0xC000_0192), [AIU now, PD, TA, TE], Some(ServiceDown), Anyone, Embedded, ["ERROR_NETLOGON_NOT_STARTED" 1792];
    /// The clocks of host and domain differ too much.
    28 TimeDiffAtDc "NERR_TimeDiffAtDC" 2457, Some(0xC000_0133), [AIU now, PD, TA, TE], Some(ClockSkew), Anyone, Directory, ["ERROR_TIME_SKEW" 1398];
    /// The replica is stale.
    29 SyncRequired "NERR_SyncRequired" 2249, None, [AIU now, PD, TA, TE], Some(DomainUnreachable), Anyone, Directory, [];
    /// The replica was current; nothing was to do.
    30 DatabaseUpToDate "NERR_DatabaseUpToDate" 2248, None, [AIU now, PD, TA, TE], Some(DomainUnreachable), Anyone, Directory, [];
    /// The domain does not know this host's own password.
    31 PasswordMismatch "NERR_PasswordMismatch" 2458, Some(0xC000_0190), [AIU now, PD, TA, TE], Some(Store), Anyone, Directory, ["ERROR_NO_TRUST_LSA_SECRET" 1786, "ERROR_NO_TRUST_SAM_ACCOUNT" 1787, "ERROR_TRUSTED_DOMAIN_FAILURE" 1788, "ERROR_TRUSTED_RELATIONSHIP_FAILURE" 1789, "ERROR_TRUST_FAILURE" 1790];
    /// An old server refused and hid the reason.
    32 ReasonHidden "ERROR_UNEXP_NET_ERR" 59, None, [AE now, PD, PD, TE], Some(Restriction), Proven, Directory, ["ERROR_BAD_NET_RESP" 58, "ERROR_GEN_FAILURE" 31];
    /// An old server refused network access and hid the reason.
    33 NetworkAccessDenied "ERROR_NETWORK_ACCESS_DENIED" 65, None, [PD now, PD, PD, TE], Some(Restriction), Proven, Directory, [];
    /// The backend cannot change passwords.
    34 NotSupported "ERROR_NOT_SUPPORTED" 50, Some(0xC000_00BB), [no never, no, PD, PD], Some(CannotChangeHere), Anyone, Directory, [];
    /// The configured server's name does not resolve.
    35 BadNetpath "ERROR_BAD_NETPATH" 53, Some(0xC000_00BE), [AIU now, PD, TA, TE], Some(PrimaryUnreachable), Anyone, Directory, [];
    /// The current password, given for a change, is wrong.
    36 InvalidPassword "ERROR_INVALID_PASSWORD" 86, Some(0xC000_006A), [AE now, PD, AE, AE], Some(CurrentPassword), Anyone, Embedded, [];
    /// This host's network is down.
    37 NetNotStarted "NERR_NetNotStarted" 2102, None, [AIU now, PD, TA, TE], Some(PrimaryUnreachable), Anyone, Directory, [];
    /// Only a server can do this.
    38 RemoteOnly "NERR_RemoteOnly" 2106, None, [no never, no, PD, PD], Some(CannotChangeHere), Anyone, Directory, [];
    /// The logon service of this host is not running, and a password was to be changed.
    39 WkstaNotStarted "NERR_WkstaNotStarted" 2138, None, [AIU now, PD, TA, TE], Some(ServiceDownUnchanged), Anyone, Embedded, [];
    /// A fault of our own.
    40 InternalError "NERR_InternalError" 2140, Some(0xC000_00E5), [SYS now, SYS, SYS, SYS], Some(Store), Anyone, Fault, [];
    /// The server has closed this call.
    41 BadTransactConfig "NERR_BadTransactConfig" 2141, None, [AIU now, PD, TA, TE], Some(Store), Anyone, Directory, [];
    /// The other side speaks another version of the protocol.
    42 InvalidApi "NERR_InvalidAPI" 2142, None, [AIU now, PD, TA, TE], Some(Store), Anyone, Embedded, [];
    /// The name is not well formed.
    43 BadUsername "NERR_BadUsername" 2202, None, [UU now, UU, UU, UU], Some(NameOrPassword), Anyone, Embedded, [];
    /// The new password contains a character that cannot be used.
    44 BadPassword "NERR_BadPassword" 2203, Some(0xC000_006B), [AE now, PD, AE, TE], Some(BadCharacter), Anyone, Embedded, [];
    /// A replica was asked, and the main server cannot be reached.
    45 NotPrimary "NERR_NotPrimary" 2226, Some(0xC000_0187), [AIU now, PD, TA, TE], Some(PrimaryUnreachable), Anyone, Directory, [];
    /// The account database is not open, or another program holds it.
    46 AcfNotLoaded "NERR_ACFNotLoaded" 2227, None, [AIU now, PD, TA, LB], Some(Store), Anyone, Embedded, [];
    /// The account database has no room left.
    47 AcfNoRoom "NERR_ACFNoRoom" 2228, Some(0xC000_007F), [AIU now, PD, TE, TE], Some(Store), Anyone, Embedded, [];
    /// The account database could not be read or written.
    48 AcfFileIoFail "NERR_ACFFileIOFail" 2229, Some(0xC000_0185), [AIU now, PD, TE, TE], Some(Store), Anyone, Embedded, [];
    /// The account is not a person's.
    49 SpeGroupOp "NERR_SpeGroupOp" 2234, None, [AE now, PD, PD, PD], Some(CannotChangeHere), Anyone, Directory, [];
    /// The account may not change its own password.
    50 PasswordCantChange "NERR_PasswordCantChange" 2243, Some(0xC000_006E), [no never, no, PD, PD], Some(CantChange), Proven, Embedded, [];
    /// The new password is one of the last ones.
    51 PasswordHistConflict "NERR_PasswordHistConflict" 2244, Some(0xC000_025C), [no never, no, TE, TE], Some(History), Proven, Embedded, [];
    /// The new password is blank or too short.
    52 PasswordTooShort "NERR_PasswordTooShort" 2245, Some(0xC000_025A), [no never, no, TE, TE], Some(TooShort), Proven, Embedded, [];
    /// The password was changed too recently.
    53 PasswordTooRecent "NERR_PasswordTooRecent" 2246, Some(0xC000_025B), [no never, no, TE, TE], Some(TooRecent), Proven, Embedded, [];
    /// The account database is damaged.
    54 InvalidDatabase "NERR_InvalidDatabase" 2247, Some(0xC000_00E4), [AIU now, PD, TA, TE], Some(Store), Anyone, Embedded, [];
    /// The configured server's name is malformed.
    55 InvalidComputer "NERR_InvalidComputer" 2351, Some(0xC000_0122), [AIU now, PD, TA, TE], Some(Store), Anyone, Directory, [];
    /// The last administrator cannot be removed.
    56 LastAdmin "NERR_LastAdmin" 2452, None, [no never, no, PD, PD], Some(CannotChangeHere), Anyone, Embedded, [];
    /// The disk that holds the account database is full.
    57 CanNotGrowUasFile "NERR_CanNotGrowUASFile" 2456, Some(0xC000_007F), [AIU now, PD, TE, TE], Some(Store), Anyone, Embedded, [];
    /// A foreign security service failed.
    58 DceError "NERR_DCEError" 7500, None, [AIU now, PD, TE, TE], Some(Store), Anyone, Directory, [];
    /// A foreign security service failed, and the log says how.
    59 DceErrorLogged "NERR_DCEErrorLogged" 7501, None, [AIU now, PD, TE, TE], Some(Store), Anyone, Directory, [];
    /// The ticket ended during the change.
    60 AuthTicketExpired "NERR_AuthTicketExpired" 7511, None, [AIU now, PD, TA, TE], Some(TicketExpired), Anyone, Directory, [];
    /// The directory cannot be reached.
    61 RegistryNotFound "NERR_RegistryNotFound" 7512, Some(0xC000_005E), [AIU now, PD, TA, TE], Some(PrimaryUnreachable), Anyone, Directory, [];
    /// The name belongs to another domain than the one served.
    62 UserNotInResdom "NERR_UserNotInResdom" 7513, None, [UU now, UU, UU, UU], Some(OtherDomain), Anyone, Embedded, [];
    /// The new password is not valid UTF-8.
    63 IllFormedPassword "ERROR_ILL_FORMED_PASSWORD" 1324, Some(0xC000_006B), [no never, no, TE, TE], Some(BadCharacter), Anyone, Embedded, [];
    /// The directory refused the new password and hid the reason.
    64 PasswordRestriction "ERROR_PASSWORD_RESTRICTION" 1325, Some(0xC000_006C), [no never, no, TE, TE], Some(AllRules), Proven, Directory, [];
    /// The new password is too long.
    65 PasswordTooLong "NERR_PasswordTooLong" 2703, None, [no never, no, TE, TE], Some(TooLong), Proven, Embedded, [];
    /// The new password has too few kinds of character, or a part of the name.
    66 PasswordNotComplexEnough "NERR_PasswordNotComplexEnough" 2704, None, [no never, no, TE, TE], Some(NotComplex), Proven, Embedded, [];
    /// A password filter of the site refused the new password.
    67 PasswordFilterError "NERR_PasswordFilterError" 2705, None, [no never, no, TE, TE], Some(TooEasy), Proven, Directory, [];
    /// The two entries of the new password differ.
    68 EntriesDiffer "PAM_AUTHTOK_ERR" 1323, None, [no never, no, no, TE], Some(EntriesDiffer), Anyone, Embedded, [];
    /// The application gave no answer to a question.
    69 ConversationFailed "PAM_CONV_ERR" 1223, None, [no never, no, TE, TE], None, Anyone, Embedded, [];
    /// Only an expired password was to be changed, and it is not expired.
    70 NotExpired "NERR_Success" 0, Some(0), [no never, no, OK, OK], None, Anyone, Embedded, [];
    /// The domain is administered elsewhere; root of this host cannot reset a password.
    71 RootMayNotReset "ERROR_ACCESS_DENIED" 5, Some(0xC000_0022), [no never, no, PD, PD], Some(RootMayNotReset), Anyone, Directory, [];
    /// Too many requests are waiting.
    72 Busy "ERROR_BUSY" 170, None, [AIU now, PD, TA, LB], Some(Busy), Anyone, Embedded, [];
    /// A verdict that this part does not know; it refuses.
    73 Unmapped "ERROR_UNKNOWN" 0xFFFF, None, [AE now, PD, TA, TE], Some(Restriction), Proven, Fault, [];
    /// A password change was asked for, and no answer came: nobody knows what became of it.
    74 ChangeNotKnown "ERROR_TIMEOUT" 1460, Some(0xC000_00B5), [no never, no, no, TE], Some(ChangeNotKnown), Anyone, Embedded, [];
    /// Something stood against the logon when the password was checked; now it is gone, or nobody can be asked about it.
    75 NotConfirmed "ERROR_RETRY" 1237, Some(0xC000_022D), [no never, PD, TA, TE], Some(NotConfirmed), Anyone, Embedded, [];
}

/// All that is known of a verdict.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The number on the wire: never reused, never changed.
    pub wire: u16,
    /// What the verdict means, in a sentence.
    pub meaning: &'static str,
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
    ChangeNotKnown,
    NotConfirmed,
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

/// The codes of the table, by the letters used there.
#[expect(non_upper_case_globals, reason = "`no` is not a code")]
mod code {
    use crate::PamCode;

    pub(super) const OK: Option<PamCode> = Some(PamCode::Success);
    pub(super) const SYS: Option<PamCode> = Some(PamCode::SystemErr);
    pub(super) const PD: Option<PamCode> = Some(PamCode::PermDenied);
    pub(super) const AE: Option<PamCode> = Some(PamCode::AuthErr);
    pub(super) const AIU: Option<PamCode> = Some(PamCode::AuthinfoUnavail);
    pub(super) const UU: Option<PamCode> = Some(PamCode::UserUnknown);
    pub(super) const MT: Option<PamCode> = Some(PamCode::MaxTries);
    pub(super) const NR: Option<PamCode> = Some(PamCode::NewAuthtokReqd);
    pub(super) const AX: Option<PamCode> = Some(PamCode::AcctExpired);
    pub(super) const TE: Option<PamCode> = Some(PamCode::AuthtokErr);
    pub(super) const LB: Option<PamCode> = Some(PamCode::AuthtokLockBusy);
    pub(super) const TA: Option<PamCode> = Some(PamCode::TryAgain);
    pub(super) const no: Option<PamCode> = None;
}

/// The second word of the authenticate column.
mod when {
    use super::AuthCode;
    use crate::PamCode;

    pub(super) const fn now(code: Option<PamCode>) -> AuthCode {
        match code {
            Some(code) => AuthCode::Now(code),
            None => AuthCode::Never,
        }
    }

    pub(super) const fn sshd_later(code: Option<PamCode>) -> AuthCode {
        match code {
            Some(code) => AuthCode::SshdDefers(code),
            None => AuthCode::Never,
        }
    }

    pub(super) const fn never(_: Option<PamCode>) -> AuthCode {
        AuthCode::Never
    }
}

impl Verdict {
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
