//! Why there is no answer, and how glibc is told: a status, and an errno beside it.

use libc::c_int;

/// The values of `enum nss_status` in <nss.h>. An integer that is none of these makes
/// glibc end the host program.
pub(crate) mod status {
    use libc::c_int;
    pub(crate) const TRYAGAIN: c_int = -2;
    pub(crate) const UNAVAIL: c_int = -1;
    pub(crate) const NOTFOUND: c_int = 0;
    pub(crate) const SUCCESS: c_int = 1;
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such entry, or no further one.
    NotFound,
    /// The caller's buffer is too small; glibc calls again with a larger one.
    TooSmall,
    /// The daemon has too much to do.
    Busy,
    /// The caller's list of groups could not grow, or there is no memory for a reply.
    NoMemory,
    /// Nobody is there to ask.
    NotReachable,
    /// This process ran out of what a connection needs; the errno says of what.
    Exhausted(c_int),
    /// The daemon did not answer in time.
    Timeout,
    /// Somebody else holds the daemon's socket.
    Impostor,
    /// The reply was broken, or refused the question.
    Broken,
    /// The caller gave a null pointer where there must not be one.
    BadCall,
}

impl Failure {
    /// What the function returns, and what it leaves in `errno` (glibc's manual, "NSS
    /// Module Function Internals").
    ///
    /// Of a daemon that is not there, errno is ENOENT ("a necessary file cannot be
    /// found") and not ECONNREFUSED: installers that look whether a system user exists
    /// already take any other errno for a reason to stop.
    pub(crate) const fn report(self) -> (c_int, c_int) {
        match self {
            Self::NotFound => (status::NOTFOUND, libc::ENOENT),
            Self::TooSmall => (status::TRYAGAIN, libc::ERANGE),
            Self::Busy => (status::TRYAGAIN, libc::EAGAIN),
            Self::NoMemory => (status::TRYAGAIN, libc::ENOMEM),
            Self::NotReachable => (status::UNAVAIL, libc::ENOENT),
            Self::Exhausted(errno) => (status::UNAVAIL, errno),
            Self::Timeout => (status::UNAVAIL, libc::ETIMEDOUT),
            Self::Impostor => (status::UNAVAIL, libc::EACCES),
            Self::Broken => (status::UNAVAIL, libc::EIO),
            Self::BadCall => (status::UNAVAIL, libc::EINVAL),
        }
    }

    /// Whether the daemon could not be asked, or did not say: then what is known already is
    /// better than nothing, however old it is.
    pub(crate) const fn is_outage(self) -> bool {
        match self {
            Self::Busy
            | Self::NotReachable
            | Self::Exhausted(_)
            | Self::Timeout
            | Self::Impostor
            | Self::Broken => true,
            Self::NotFound | Self::TooSmall | Self::NoMemory | Self::BadCall => false,
        }
    }

    /// Why a connection could not be made.
    pub(crate) const fn of_connection(errno: c_int) -> Self {
        match errno {
            libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS | libc::EINTR => {
                Self::Exhausted(errno)
            }
            // The queue of connections stayed full until the time was up.
            libc::EAGAIN => Self::Timeout,
            _ => Self::NotReachable,
        }
    }
}
