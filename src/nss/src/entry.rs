//! The functions that glibc calls.
//!
//! Their names, arguments and results are those of glibc's manual, "NSS Module
//! Functions". Each is one call of `answer`. Only integers and pointers cross this border.
//!
//! What each of them needs of its caller (`# Safety`): a name is null or ends with a
//! zero; a result is null or valid for a write; a buffer is null or valid for writes of
//! its size; `errnop` is null or valid for a read and a write. glibc promises that.

use crate::buffer::{GroupRoom, IdList, UserRoom};
use crate::daemon::Daemon;
use crate::enumeration::{Groups, Users};
use crate::failure::{Failure, status};
use crate::line::{Group, User};
use crate::lookup::Plugin;
use crate::name::MOST_BYTES;
use core::ffi::{c_char, c_int, c_long};
use libc::{gid_t, group, passwd, size_t, uid_t};

static PLUGIN: Plugin = Plugin::new(
    Daemon {
        folder: c"/run/domlogon",
        socket: c"/run/domlogon/socket",
    },
    c"/etc/passwd",
);

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
            let room = UserRoom::new(buffer, size, result)?;
            PLUGIN.user_by_name(text(name)?, room)
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
            let room = UserRoom::new(buffer, size, result)?;
            PLUGIN.user_by_id(uid, room)
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
            let room = GroupRoom::new(buffer, size, result)?;
            PLUGIN.group_by_name(text(name)?, room)
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
            let room = GroupRoom::new(buffer, size, result)?;
            PLUGIN.group_by_id(gid, room)
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
            let list = IdList::new(start, size, groups, limit)?;
            PLUGIN.groups_of(text(name)?, skip, list)
        })
    }
}

/// setpwent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_setpwent(_stay_open: c_int) -> c_int {
    PLUGIN.users.restart();
    status::SUCCESS
}

/// endpwent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_endpwent() -> c_int {
    PLUGIN.users.restart();
    status::SUCCESS
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
            let room = UserRoom::new(buffer, size, result)?;
            let give = |user: &User<'_>| room.put(user);
            PLUGIN.users.next::<Users>(&PLUGIN, give)
        })
    }
}

/// setgrent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_setgrent(_stay_open: c_int) -> c_int {
    PLUGIN.groups.restart();
    status::SUCCESS
}

/// endgrent
#[unsafe(no_mangle)]
pub extern "C" fn _nss_domlogon_endgrent() -> c_int {
    PLUGIN.groups.restart();
    status::SUCCESS
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
            let room = GroupRoom::new(buffer, size, result)?;
            let give = |group: &Group<'_>| room.put(group);
            PLUGIN.groups.next::<Groups>(&PLUGIN, give)
        })
    }
}

/// Runs the body of a function and tells glibc how it ended. `errno` is left as it was
/// unless there is something to say.
///
/// # Safety
/// `errnop` is null, or valid for a read and a write.
unsafe fn answer(errnop: *mut c_int, body: impl FnOnce() -> Result<(), Failure>) -> c_int {
    // Only the crate in tests/planted/nss is built with it: a panic that looks harmless.
    #[cfg(planted)]
    assert!(!errnop.is_null());
    let (status, errno) = match body() {
        Ok(()) => return status::SUCCESS,
        Err(failure) => failure.report(),
    };
    if !errnop.is_null() {
        // SAFETY: valid for a write if it is not null.
        unsafe { *errnop = errno };
    }
    status
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
    let length = unsafe { libc::strnlen(name, MOST_BYTES + 1) };
    // SAFETY: so many bytes were just read.
    Ok(unsafe { core::slice::from_raw_parts(name.cast(), length) })
}

#[cfg(test)]
mod tests;
