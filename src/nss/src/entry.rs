//! The functions that glibc calls.
//!
//! Their names, arguments and results are those of glibc's manual, "NSS Module
//! Functions". Each is one call of `answer`, which no panic leaves, and which a thread
//! that is being cancelled finishes first. Only integers and pointers cross this border.
//!
//! What each of them needs of its caller (`# Safety`): a name is null or ends with a
//! zero; a result is null or valid for a write; a buffer is null or valid for writes of
//! its size; `errnop` is null or valid for a read and a write. glibc promises that.

use crate::again::{Again, Question};
use crate::buffer::{IdList, Room};
use crate::enumeration::Enumeration;
use crate::failure::{Failure, status};
use crate::lookup;
use crate::source::Daemon;
use core::ffi::{c_char, c_int, c_long};
use core::ptr;
use domlogon_protocol::directory::{Group, User};
use domlogon_protocol::{SOCKET, UserName, guard, local};
use libc::{gid_t, group, passwd, size_t, uid_t};
use std::path::Path;

static USERS: Enumeration<User> = Enumeration::new();
static GROUPS: Enumeration<Group> = Enumeration::new();
static LARGE: Again = Again::new();

/// getpwnam
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_domlogon_getpwnam_r(
    name: *const c_char,
    result: *mut passwd,
    buffer: *mut c_char,
    size: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        answer(errnop, || {
            let room = Room::new(buffer, size)?;
            room.put_user(&lookup::user_by_name(&daemon(), text(name)?)?, result)
        })
    }
}

/// getpwuid
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_domlogon_getpwuid_r(
    uid: uid_t,
    result: *mut passwd,
    buffer: *mut c_char,
    size: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        answer(errnop, || {
            let room = Room::new(buffer, size)?;
            room.put_user(&lookup::user_by_id(&daemon(), uid)?, result)
        })
    }
}

/// getgrnam
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_domlogon_getgrnam_r(
    name: *const c_char,
    result: *mut group,
    buffer: *mut c_char,
    size: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        answer(errnop, || {
            let (room, name) = (Room::new(buffer, size)?, text(name)?);
            let ask = || lookup::group_by_name(&daemon(), name);
            let give = |group: &Group| room.put_group(group, result);
            LARGE.answer(Question::Name(name.to_vec()), ask, give)
        })
    }
}

/// getgrgid
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_domlogon_getgrgid_r(
    gid: gid_t,
    result: *mut group,
    buffer: *mut c_char,
    size: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        answer(errnop, || {
            let room = Room::new(buffer, size)?;
            let ask = || lookup::group_by_id(&daemon(), gid);
            let give = |group: &Group| room.put_group(group, result);
            LARGE.answer(Question::Id(gid), ask, give)
        })
    }
}

/// getgrouplist and initgroups: adds the user's groups to the list in `groups`, of which
/// `start` are set and `size` allocated. A `limit` above 0 is the most it may hold.
///
/// # Safety
/// See the module; and `groups` points to memory from malloc for `size` ids.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_domlogon_initgroups_dyn(
    name: *const c_char,
    skip: gid_t,
    start: *mut c_long,
    size: *mut c_long,
    groups: *mut *mut gid_t,
    limit: c_long,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        answer(errnop, || {
            let mut list = IdList::new(start, size, groups)?;
            let (passwd, name) = (Path::new(local::PASSWD), text(name)?);
            let new = lookup::groups_of(&daemon(), passwd, name, skip, &list.present())?;
            list.append(&new, limit)
        })
    }
}

/// setpwent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_setpwent(_stay_open: c_int) -> c_int {
    restart(&USERS)
}

/// endpwent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_endpwent() -> c_int {
    restart(&USERS)
}

/// getpwent
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_domlogon_getpwent_r(
    result: *mut passwd,
    buffer: *mut c_char,
    size: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        answer(errnop, || {
            let give = |user: &User| Room::new(buffer, size)?.put_user(user, result);
            USERS.next(&daemon(), give)
        })
    }
}

/// setgrent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_setgrent(_stay_open: c_int) -> c_int {
    restart(&GROUPS)
}

/// endgrent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_endgrent() -> c_int {
    restart(&GROUPS)
}

/// getgrent
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _nss_domlogon_getgrent_r(
    result: *mut group,
    buffer: *mut c_char,
    size: size_t,
    errnop: *mut c_int,
) -> c_int {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        answer(errnop, || {
            let give = |group: &Group| Room::new(buffer, size)?.put_group(group, result);
            GROUPS.next(&daemon(), give)
        })
    }
}

/// Runs the body of a function and tells glibc how it ended. `errno` is left as it was
/// unless there is something to say.
///
/// # Safety
/// `errnop` is null, or valid for a read and a write.
unsafe fn answer(errnop: *mut c_int, body: impl FnOnce() -> Result<(), Failure>) -> c_int {
    // SAFETY: null, or valid for a read.
    let before = unsafe { errnop.as_ref() }.copied().unwrap_or(0);
    let (status, errno) = guard((status::UNAVAIL, libc::EIO), || {
        let _until_done = Uncancelled::begin();
        match body() {
            Ok(()) => (status::SUCCESS, before),
            Err(failure) => failure.report(),
        }
    });
    if !errnop.is_null() {
        // SAFETY: valid for a write if it is not null.
        unsafe { *errnop = errno };
    }
    status
}

fn restart<T: crate::enumeration::Listed>(list: &Enumeration<T>) -> c_int {
    guard(status::UNAVAIL, || {
        list.restart();
        status::SUCCESS
    })
}

fn daemon() -> Daemon<'static> {
    Daemon {
        socket: Path::new(SOCKET),
    }
}

/// The bytes of a name, one more than the longest allowed name at most: no more are
/// read, however long the caller's text is.
///
/// # Safety
/// `name` is null, or ends with a zero and stays as it is for `'a`.
unsafe fn text<'a>(name: *const c_char) -> Result<&'a [u8], Failure> {
    if name.is_null() {
        return Err(Failure::BadCall);
    }
    // SAFETY: not null, so readable up to its zero; strnlen stops there.
    let length = unsafe { libc::strnlen(name, UserName::MAX_BYTES + 1) };
    // SAFETY: so many bytes were just read.
    Ok(unsafe { core::slice::from_raw_parts(name.cast(), length) })
}

/// While this lives, the thread is not cancelled.
///
/// A thread that is cancelled while it waits for the daemon is unwound by glibc, and
/// an unwinding that is not Rust's own ends the whole process when it meets `guard`.
/// So the cancellation waits until the function has returned, which it does soon.
struct Uncancelled {
    before: c_int,
}

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// PTHREAD_CANCEL_DISABLE in glibc's and musl's <pthread.h>.
const DISABLE: c_int = 1;

impl Uncancelled {
    fn begin() -> Self {
        let mut before = 0;
        // SAFETY: a valid state, and a place for the old one.
        unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
        Self { before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: the state that it had; the old one is not wanted.
        unsafe { pthread_setcancelstate(self.before, ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests;
