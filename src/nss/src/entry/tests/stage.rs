//! A daemon's folder, with files of names and a socket, and a plugin that looks there.

use super::*;
use domlogon_names::{
    About, BASE_FILE, Builder, DELTA_FILE, GroupEntry, Id, LEFT, LEFT_AT, SUPERSEDED,
    SUPERSEDED_AT, UserEntry,
};
use domlogon_protocol::directory;
use domlogon_protocol::{Reply, Request, frame};
use std::ffi::CStr;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Stage {
    dir: tempfile::TempDir,
    pub(super) plugin: &'static Plugin,
}

pub(super) type Made = Builder<File>;

pub(super) const ABOUT: About<'static> = About {
    base: None,
    complete: true,
    lowest_id: 1500,
    short: "CORP",
    dns: "corp.example",
    created_at: 1_700_000_000,
};

/// What a call gave: its status, the errno that it left (77 before), and the line.
pub(super) type Got<T> = (c_int, c_int, Option<T>);

pub(super) const NOT_FOUND: (c_int, c_int) = (status::NOTFOUND, libc::ENOENT);

impl Stage {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = |path: PathBuf| -> &'static CStr {
            let text = CString::new(path.as_os_str().as_bytes()).unwrap();
            Box::leak(text.into_boxed_c_str())
        };
        let daemon = Daemon {
            folder: text(dir.path().to_owned()),
            socket: text(dir.path().join("socket")),
        };
        fs::write(
            dir.path().join("passwd"),
            "localuser:x:5000:5000::/:/bin/sh\n",
        )
        .unwrap();
        let plugin = Plugin::new(daemon, text(dir.path().join("passwd")));
        Self {
            plugin: Box::leak(Box::new(plugin)),
            dir,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A daemon that answers; how often it was asked.
    pub(super) fn serve(
        &self,
        answer: impl Fn(&Request) -> Option<Reply> + Send + 'static,
    ) -> Arc<AtomicUsize> {
        let listener = UnixListener::bind(self.path("socket")).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                count.fetch_add(1, Ordering::SeqCst);
                serve(&mut stream, &answer);
            }
        });
        asked
    }

    /// A base with what `fill` puts into it, and a delta with nothing.
    pub(super) fn publish(&self, fill: impl FnOnce(&mut Made)) -> Id {
        self.publish_as(&ABOUT, fill)
    }

    pub(super) fn publish_as(&self, about: &About<'_>, fill: impl FnOnce(&mut Made)) -> Id {
        let id = self.write("base.new", about, fill);
        let base = Some(id);
        self.write("delta.new", &About { base, ..*about }, |_| ());
        for name in [DELTA_FILE, BASE_FILE] {
            self.supersede(name);
        }
        fs::rename(self.path("base.new"), self.path(BASE_FILE)).unwrap();
        fs::rename(self.path("delta.new"), self.path(DELTA_FILE)).unwrap();
        id
    }

    /// Another delta of the base `id`.
    pub(super) fn publish_delta(&self, id: Id, fill: impl FnOnce(&mut Made)) {
        let base = Some(id);
        self.write("delta.new", &About { base, ..ABOUT }, fill);
        self.supersede(DELTA_FILE);
        fs::rename(self.path("delta.new"), self.path(DELTA_FILE)).unwrap();
    }

    pub(super) fn supersede(&self, name: &str) {
        if let Ok(old) = File::options().write(true).open(self.path(name)) {
            old.write_all_at(&SUPERSEDED, SUPERSEDED_AT).unwrap();
        }
    }

    /// The daemon stops.
    pub(super) fn leave(&self) {
        let base = File::options().write(true).open(self.path(BASE_FILE));
        base.unwrap().write_all_at(&LEFT, LEFT_AT).unwrap();
    }

    pub(super) fn write(&self, name: &str, about: &About<'_>, fill: impl FnOnce(&mut Made)) -> Id {
        let file = File::create(self.path(name)).unwrap();
        file.set_permissions(Permissions::from_mode(0o644)).unwrap();
        let mut builder = Builder::new(file, about).unwrap();
        fill(&mut builder);
        let id = builder.id();
        builder.finish().unwrap().flush().unwrap();
        id
    }

    pub(super) fn user(&self, name: &str) -> Got<directory::User> {
        user_in(1024, |room| self.plugin.user_by_name(name.as_bytes(), room))
    }

    pub(super) fn user_of(&self, uid: u32) -> Got<directory::User> {
        user_in(1024, |room| self.plugin.user_by_id(uid, room))
    }

    pub(super) fn next_user(&self) -> Got<directory::User> {
        let next = |room: UserRoom| {
            let give = |user: &User<'_>| room.put(user);
            self.plugin.users.next::<Users>(self.plugin, give)
        };
        user_in(1024, next)
    }

    pub(super) fn group(&self, name: &str) -> Got<directory::Group> {
        group_in(65536, |room| {
            self.plugin.group_by_name(name.as_bytes(), room)
        })
    }

    pub(super) fn group_of(&self, gid: u32) -> Got<directory::Group> {
        group_in(65536, |room| self.plugin.group_by_id(gid, room))
    }

    pub(super) fn next_group(&self) -> Got<directory::Group> {
        let next = |room: GroupRoom| {
            let give = |group: &Group<'_>| room.put(group);
            self.plugin.groups.next::<Groups>(self.plugin, give)
        };
        group_in(65536, next)
    }

    /// initgroups, with a list that has `present` already.
    pub(super) fn groups_of(&self, name: &str, skip: u32, present: &[u32]) -> Got<Vec<u32>> {
        let mut used = c_long::try_from(present.len()).unwrap();
        let mut size = used.max(1);
        // SAFETY: a plain allocation, and what is copied fits.
        let mut ids: *mut gid_t = unsafe {
            let ids = libc::malloc(usize::try_from(size).unwrap() * 4).cast();
            ptr::copy_nonoverlapping(present.as_ptr(), ids, present.len());
            ids
        };
        let mut errno = 77;
        // SAFETY: a list as glibc has it, and a place for errno.
        let status = unsafe {
            let (used, size, ids) = (&raw mut used, &raw mut size, &raw mut ids);
            answer(&raw mut errno, || {
                let list = IdList::new(used, size, ids, -1)?;
                self.plugin.groups_of(name.as_bytes(), skip, list)
            })
        };
        let used = usize::try_from(used).unwrap();
        // SAFETY: so many are set, and it came from malloc or realloc.
        let all = unsafe {
            let all = core::slice::from_raw_parts(ids, used).to_vec();
            libc::free(ids.cast());
            all
        };
        let found = (status == status::SUCCESS).then(|| all[present.len()..].to_vec());
        (status, errno, found)
    }
}

fn serve(stream: &mut UnixStream, answer: &impl Fn(&Request) -> Option<Reply>) {
    let Ok(request) = frame::read::<Request>(stream, frame::MAX_REQUEST) else {
        return;
    };
    if let Some(reply) = answer(&request) {
        let _gone = frame::write(stream, &reply, frame::MAX_REPLY);
    }
}

/// A call for a user with a buffer of so many bytes.
pub(super) fn user_in(
    size: usize,
    call: impl FnOnce(UserRoom) -> Result<(), Failure>,
) -> Got<directory::User> {
    let mut line = MaybeUninit::<passwd>::zeroed();
    let mut buffer = vec![0 as c_char; size];
    let mut errno = 77;
    // SAFETY: a buffer of its size, a line that can be written, and a place for errno.
    let status = unsafe {
        let (at, line) = (buffer.as_mut_ptr(), line.as_mut_ptr());
        answer(&raw mut errno, || call(UserRoom::new(at, size, line)?))
    };
    if status != status::SUCCESS {
        return (status, errno, None);
    }
    // SAFETY: filled in.
    let line = unsafe { line.assume_init() };
    let user = directory::User {
        name: text(line.pw_name),
        uid: line.pw_uid,
        gid: line.pw_gid,
        full_name: text(line.pw_gecos),
        home: text(line.pw_dir),
        shell: text(line.pw_shell),
    };
    assert_eq!(text(line.pw_passwd), "*");
    (status, errno, Some(user))
}

/// A call for a group with a buffer of so many bytes.
pub(super) fn group_in(
    size: usize,
    call: impl FnOnce(GroupRoom) -> Result<(), Failure>,
) -> Got<directory::Group> {
    let mut line = MaybeUninit::<group>::zeroed();
    let mut buffer = vec![0 as c_char; size];
    let mut errno = 77;
    // SAFETY: a buffer of its size, a line that can be written, and a place for errno.
    let status = unsafe {
        let (at, line) = (buffer.as_mut_ptr(), line.as_mut_ptr());
        answer(&raw mut errno, || call(GroupRoom::new(at, size, line)?))
    };
    if status != status::SUCCESS {
        return (status, errno, None);
    }
    // SAFETY: filled in.
    let line = unsafe { line.assume_init() };
    let mut members = Vec::new();
    let mut at = line.gr_mem;
    loop {
        // SAFETY: in a list that was packed, no further than its null pointer.
        let member = unsafe { at.read() };
        if member.is_null() {
            break;
        }
        members.push(text(member));
        // SAFETY: the null pointer was not reached.
        at = unsafe { at.add(1) };
    }
    let group = directory::Group {
        name: text(line.gr_name),
        gid: line.gr_gid,
        members,
    };
    (status, errno, Some(group))
}

fn text(pointer: *const c_char) -> String {
    // SAFETY: a text that was packed, which ends with a zero.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().unwrap().to_owned()
}

pub(super) fn user(name: &str, uid: u32) -> directory::User {
    directory::User {
        name: name.to_owned(),
        uid,
        gid: 5000,
        full_name: "Some One".to_owned(),
        home: format!("/home/{name}"),
        shell: "/bin/bash".to_owned(),
    }
}

pub(super) fn group(name: &str, gid: u32, members: &[&str]) -> directory::Group {
    directory::Group {
        name: name.to_owned(),
        gid,
        members: members.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Puts a user into a file, with the groups 5000 and 5001.
pub(super) fn put(builder: &mut Made, user: &directory::User) {
    put_until(builder, user, 0);
}

pub(super) fn put_until(builder: &mut Made, user: &directory::User, expires_at: u32) {
    let entry = UserEntry {
        name: &user.name,
        uid: user.uid,
        gid: user.gid,
        full_name: &user.full_name,
        home: &user.home,
        shell: &user.shell,
        expires_at,
        groups: Some(&[5001, 5000]),
        groups_expire_at: expires_at,
    };
    builder.user(&entry).unwrap();
}

pub(super) fn put_group(builder: &mut Made, group: &directory::Group) {
    let entry = GroupEntry {
        name: &group.name,
        gid: group.gid,
        members: &group.members,
        expires_at: 0,
    };
    builder.group(&entry).unwrap();
}

/// Open descriptors of this process that lead into a folder.
pub(super) fn descriptors_into(folder: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.starts_with(folder)).count()
}

/// Mappings of this process of files in a folder.
pub(super) fn mappings_of(folder: &Path) -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let folder = folder.to_str().unwrap();
    maps.lines().filter(|line| line.contains(folder)).count()
}
