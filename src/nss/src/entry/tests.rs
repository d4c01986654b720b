mod files;
mod lists;
mod socket;
mod stage;
mod threads;

use super::*;
use core::ptr;
use std::ffi::CString;
use std::mem::MaybeUninit;

#[test]
fn null_pointers_are_survived() {
    // SAFETY: null is allowed.
    let status = unsafe { answer(ptr::null_mut(), || Err(Failure::NotFound)) };
    assert_eq!(status, status::NOTFOUND);
    let mut errno = 0;
    let name = CString::new("alice").unwrap();
    let (none, size) = (ptr::null_mut::<c_char>(), 1024);
    let mut result = MaybeUninit::<passwd>::zeroed();
    let mut buffer = [0 as c_char; 64];
    // SAFETY: null is allowed for each of these pointers.
    let statuses = unsafe {
        [
            _nss_domlogon_getpwnam_r(name.as_ptr(), ptr::null_mut(), none, size, &raw mut errno),
            _nss_domlogon_getpwnam_r(ptr::null(), ptr::null_mut(), none, size, ptr::null_mut()),
            _nss_domlogon_getgrnam_r(ptr::null(), ptr::null_mut(), none, size, ptr::null_mut()),
            _nss_domlogon_getpwnam_r(
                ptr::null(),
                result.as_mut_ptr(),
                buffer.as_mut_ptr(),
                buffer.len(),
                ptr::null_mut(),
            ),
            _nss_domlogon_initgroups_dyn(
                name.as_ptr(),
                0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                -1,
                ptr::null_mut(),
            ),
        ]
    };
    assert_eq!(statuses, [status::UNAVAIL; 5]);
    assert_eq!(errno, libc::EINVAL);
}

#[test]
fn the_exported_functions_answer_locally_what_needs_nobody() {
    let root = CString::new("root").unwrap();
    let long = CString::new(vec![b'a'; 5000]).unwrap();
    let mut result = MaybeUninit::<passwd>::zeroed();
    let mut entry = MaybeUninit::<group>::zeroed();
    let mut buffer = [0 as c_char; 64];
    let mut errno = 0;
    let (at, size) = (buffer.as_mut_ptr(), buffer.len());
    // SAFETY: all pointers are valid.
    let statuses = unsafe {
        [
            _nss_domlogon_getpwnam_r(root.as_ptr(), result.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getpwnam_r(long.as_ptr(), result.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getpwuid_r(0, result.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getgrnam_r(root.as_ptr(), entry.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getgrgid_r(0, entry.as_mut_ptr(), at, size, &raw mut errno),
        ]
    };
    assert_eq!(statuses, [status::NOTFOUND; 5]);
    assert_eq!(_nss_domlogon_setpwent(0), status::SUCCESS);
    assert_eq!(_nss_domlogon_endpwent(), status::SUCCESS);
    assert_eq!(_nss_domlogon_setgrent(1), status::SUCCESS);
    assert_eq!(_nss_domlogon_endgrent(), status::SUCCESS);
}
