//! The PAM return codes that domlogon uses, and the places where it returns them.

/// A PAM return code, with Linux-PAM's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum PamCode {
    /// PAM_SUCCESS
    Success = 0,
    /// PAM_SERVICE_ERR: the module was called with arguments that cannot work.
    ServiceErr = 3,
    /// PAM_SYSTEM_ERR: a fault of our own, never a refusal.
    SystemErr = 4,
    /// PAM_PERM_DENIED
    PermDenied = 6,
    /// PAM_AUTH_ERR
    AuthErr = 7,
    /// PAM_AUTHINFO_UNAVAIL: nobody could be asked.
    AuthinfoUnavail = 9,
    /// PAM_USER_UNKNOWN
    UserUnknown = 10,
    /// PAM_MAXTRIES: do not try again.
    MaxTries = 11,
    /// PAM_NEW_AUTHTOK_REQD: let the user change the password, then go on.
    NewAuthtokReqd = 12,
    /// PAM_ACCT_EXPIRED
    AcctExpired = 13,
    /// PAM_CONV_ERR
    ConvErr = 19,
    /// PAM_AUTHTOK_ERR: the password was not changed.
    AuthtokErr = 20,
    /// PAM_AUTHTOK_LOCK_BUSY
    AuthtokLockBusy = 22,
    /// PAM_TRY_AGAIN: the preliminary check of a change failed for now.
    TryAgain = 24,
    /// PAM_IGNORE
    Ignore = 25,
}

impl PamCode {
    /// Every code above, for tests and tables.
    pub const ALL: [Self; 15] = [
        Self::Success,
        Self::ServiceErr,
        Self::SystemErr,
        Self::PermDenied,
        Self::AuthErr,
        Self::AuthinfoUnavail,
        Self::UserUnknown,
        Self::MaxTries,
        Self::NewAuthtokReqd,
        Self::AcctExpired,
        Self::ConvErr,
        Self::AuthtokErr,
        Self::AuthtokLockBusy,
        Self::TryAgain,
        Self::Ignore,
    ];

    /// Linux-PAM's number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The symbol in `security/_pam_types.h`.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Success => "PAM_SUCCESS",
            Self::ServiceErr => "PAM_SERVICE_ERR",
            Self::SystemErr => "PAM_SYSTEM_ERR",
            Self::PermDenied => "PAM_PERM_DENIED",
            Self::AuthErr => "PAM_AUTH_ERR",
            Self::AuthinfoUnavail => "PAM_AUTHINFO_UNAVAIL",
            Self::UserUnknown => "PAM_USER_UNKNOWN",
            Self::MaxTries => "PAM_MAXTRIES",
            Self::NewAuthtokReqd => "PAM_NEW_AUTHTOK_REQD",
            Self::AcctExpired => "PAM_ACCT_EXPIRED",
            Self::ConvErr => "PAM_CONV_ERR",
            Self::AuthtokErr => "PAM_AUTHTOK_ERR",
            Self::AuthtokLockBusy => "PAM_AUTHTOK_LOCK_BUSY",
            Self::TryAgain => "PAM_TRY_AGAIN",
            Self::Ignore => "PAM_IGNORE",
        }
    }
}

/// The four places in which a verdict meets PAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// pam_sm_authenticate
    Authenticate,
    /// pam_sm_acct_mgmt
    Account,
    /// pam_sm_chauthtok with PAM_PRELIM_CHECK
    Preliminary,
    /// pam_sm_chauthtok with PAM_UPDATE_AUTHTOK
    Update,
}

impl Hook {
    /// The hooks in the order in which an application calls them.
    pub const ALL: [Self; 4] = [
        Self::Authenticate,
        Self::Account,
        Self::Preliminary,
        Self::Update,
    ];
}
