//! The two environment variables that GSSAPI reads.

use std::ffi::OsStr;

/// Sets `KRB5_CONFIG` and `KRB5CCNAME` of this process.
pub(crate) fn set_defaults(profile: &OsStr, cache: &OsStr) {
    // SAFETY: the caller is told to do this before there is any other thread, so that nobody reads
    // the environment meanwhile.
    unsafe {
        std::env::set_var("KRB5_CONFIG", profile);
        std::env::set_var("KRB5CCNAME", cache);
    }
}
