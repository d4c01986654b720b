//! The six functions that libpam calls.
//!
//! pamsm's macro exports them and reads the arguments; everything after that is behind
//! the guard. An argument that is not UTF-8 never arrives here: the macro answers
//! PAM_SERVICE_ERR for such a line.

use crate::arguments::Arguments;
use crate::flow::{self, Flags, Host, Level};
#[cfg(not(planted))]
use crate::handle::Handle as World;
use crate::handle::Undisturbed;
#[cfg(planted)]
use crate::planted::Planted as World;
use domlogon_protocol::{PamCode, guard};
use pamsm::{Pam, PamError, PamFlags, PamServiceModule};

/// What `pam_module!` exports.
struct Domlogon;

mod exports {
    use super::Domlogon;
    use pamsm::PamServiceModule as _;
    pamsm::pam_module!(Domlogon);
}

impl PamServiceModule for Domlogon {
    fn authenticate(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        guarded("authenticate", flow::authenticate, pam, flags, &words)
    }

    fn acct_mgmt(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        guarded("acct_mgmt", flow::account, pam, flags, &words)
    }

    fn chauthtok(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        guarded("chauthtok", flow::change, pam, flags, &words)
    }

    fn setcred(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        guarded("setcred", flow::credentials, pam, flags, &words)
    }

    fn open_session(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        guarded("open_session", flow::open_session, pam, flags, &words)
    }

    fn close_session(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        guarded("close_session", flow::close_session, pam, flags, &words)
    }
}

type Flow = fn(&World, Flags, Arguments) -> PamCode;

/// The whole of an exported function. A fault in it is PAM_SYSTEM_ERR, and a line of the log.
fn guarded(hook: &str, flow: Flow, pam: Pam, flags: PamFlags, words: &[String]) -> PamError {
    let _whole = Undisturbed::begin();
    let handle = World::new(pam);
    guard(
        PamError::SYSTEM_ERR,
        |place| handle.log_fault(hook, place),
        || run(flow, &handle, flags, words),
    )
}

fn run(flow: Flow, handle: &World, flags: PamFlags, words: &[String]) -> PamError {
    let (arguments, unused) = Arguments::parse(words);
    for argument in unused {
        handle.log(Level::Warning, &argument.to_string());
    }
    pam_error(flow(handle, Flags(flags.bits()), arguments))
}

const fn pam_error(code: PamCode) -> PamError {
    match code {
        PamCode::Success => PamError::SUCCESS,
        PamCode::ServiceErr => PamError::SERVICE_ERR,
        PamCode::SystemErr => PamError::SYSTEM_ERR,
        PamCode::PermDenied => PamError::PERM_DENIED,
        PamCode::AuthErr => PamError::AUTH_ERR,
        PamCode::AuthinfoUnavail => PamError::AUTHINFO_UNAVAIL,
        PamCode::UserUnknown => PamError::USER_UNKNOWN,
        PamCode::MaxTries => PamError::MAXTRIES,
        PamCode::NewAuthtokReqd => PamError::NEW_AUTHTOK_REQD,
        PamCode::AcctExpired => PamError::ACCT_EXPIRED,
        PamCode::ConvErr => PamError::CONV_ERR,
        PamCode::AuthtokErr => PamError::AUTHTOK_ERR,
        PamCode::AuthtokLockBusy => PamError::AUTHTOK_LOCK_BUSY,
        PamCode::TryAgain => PamError::TRY_AGAIN,
        PamCode::Ignore => PamError::IGNORE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_number_the_codes_alike() {
        for code in PamCode::ALL {
            assert_eq!(pam_error(code) as i32, code.number(), "{code:?}");
        }
    }
}
