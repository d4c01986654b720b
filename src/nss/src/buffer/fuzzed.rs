//! Lines packed into buffers of every size, as glibc calls again with a larger one: see
//! [`crate::fuzzed`].

use super::{GroupRoom, UserRoom};
use crate::failure::Failure;
use crate::line::{Group, Members, User};
use core::ffi::CStr;
use core::mem::MaybeUninit;

/// Sizes beyond which no line of a test goes.
const MOST: usize = 1 << 20;

/// What stands in the buffer where nothing was written.
const NOTHING: u8 = 0xAA;

/// Packs a user into a buffer that is too small, and into larger ones until it fits: the line
/// says what the entry says, and nothing is written before.
pub(crate) fn user_lines(user: &User<'_>) {
    let mut size = 1;
    while size <= MOST {
        let mut buffer = vec![NOTHING; size];
        let mut line = MaybeUninit::<libc::passwd>::uninit();
        // SAFETY: both are ours, and live as long as the room.
        let room = unsafe { UserRoom::new(buffer.as_mut_ptr().cast(), size, line.as_mut_ptr()) };
        match room.and_then(|room| room.put(user)) {
            Ok(()) => {
                // SAFETY: it was put, so the line is written.
                let line = unsafe { line.assume_init() };
                assert_eq!((line.pw_uid, line.pw_gid), (user.uid, user.gid));
                for (text, wanted) in [
                    (line.pw_name, user.name),
                    (line.pw_gecos, user.full_name),
                    (line.pw_dir, user.home),
                    (line.pw_shell, user.shell),
                ] {
                    // SAFETY: it was put, so each is a C string in the buffer.
                    let text = unsafe { CStr::from_ptr(text) };
                    assert_eq!(text.to_bytes(), wanted);
                }
                return;
            }
            Err(failure) => {
                assert_eq!(failure, Failure::TooSmall);
                assert!(buffer.iter().all(|byte| *byte == NOTHING));
            }
        }
        size += size / 3 + 1;
    }
}

/// The same of a group.
pub(crate) fn group_lines(group: &Group<'_>) {
    let mut size = 1;
    while size <= MOST {
        // Also where a pointer may not stand.
        let mut buffer = vec![NOTHING; size + 1];
        let mut line = MaybeUninit::<libc::group>::uninit();
        // SAFETY: both are ours, and live as long as the room.
        let room =
            unsafe { GroupRoom::new(buffer.as_mut_ptr().add(1).cast(), size, line.as_mut_ptr()) };
        match room.and_then(|room| room.put(group)) {
            Ok(()) => {
                // SAFETY: it was put, so the line is written.
                let line = unsafe { line.assume_init() };
                assert_eq!(line.gr_gid, group.gid);
                // SAFETY: it was put, so this is a C string in the buffer.
                let name = unsafe { CStr::from_ptr(line.gr_name) };
                assert_eq!(name.to_bytes(), group.name);
                let mut count = 0;
                // SAFETY: the list ends with a null pointer, and each before it is a C string.
                unsafe {
                    while !(*line.gr_mem.add(count)).is_null() {
                        let _ = CStr::from_ptr(*line.gr_mem.add(count)).to_bytes();
                        count += 1;
                    }
                }
                let wanted = match group.members {
                    Members::Published(record) => record.count(),
                    Members::Told(members) => members.count(),
                };
                assert_eq!(count, wanted);
                return;
            }
            Err(failure) => {
                assert_eq!(failure, Failure::TooSmall);
                assert!(buffer.iter().all(|byte| *byte == NOTHING));
            }
        }
        size += size / 3 + 1;
    }
}
