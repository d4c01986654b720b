use super::*;
use crate::wire;
use domlogon_names::{About, Builder, Found, GroupEntry, Reader};
use domlogon_protocol::{Reply, directory};
use std::io::Cursor;

const MARK: u8 = 0xA5;
/// Bytes on each side of the caller's buffer that must stay as they are.
const MARGIN: usize = 16;

/// A caller's buffer that starts `offset` bytes behind an aligned place, with margins.
struct Caller {
    memory: Vec<u64>,
    offset: usize,
    size: usize,
}

impl Caller {
    fn new(offset: usize, size: usize) -> Self {
        let words = (2 * MARGIN + offset + size).div_ceil(8);
        let memory = vec![u64::from_ne_bytes([MARK; 8]); words];
        Self {
            memory,
            offset,
            size,
        }
    }

    fn start(&mut self) -> *mut c_char {
        let memory: *mut u8 = self.memory.as_mut_ptr().cast();
        // SAFETY: inside the memory, which is larger than that.
        unsafe { memory.add(MARGIN + self.offset).cast() }
    }

    fn put_user(&mut self, user: &User<'_>, line: &mut passwd) -> Result<(), Failure> {
        // SAFETY: so many bytes follow, and margins behind them; the line can be written.
        unsafe { UserRoom::new(self.start(), self.size, line) }?.put(user)
    }

    fn put_group(&mut self, entry: &Group<'_>, line: &mut group) -> Result<(), Failure> {
        // SAFETY: so many bytes follow, and margins behind them; the line can be written.
        unsafe { GroupRoom::new(self.start(), self.size, line) }?.put(entry)
    }

    fn bytes(&self) -> Vec<u8> {
        self.memory.iter().flat_map(|w| w.to_ne_bytes()).collect()
    }

    fn is_untouched(&self) -> bool {
        self.bytes().iter().all(|b| *b == MARK)
    }

    fn margins_are_untouched(&self) -> bool {
        let bytes = self.bytes();
        let start = MARGIN + self.offset;
        let (before, rest) = bytes.split_at(start);
        let after = &rest[self.size..];
        before.iter().chain(after).all(|b| *b == MARK)
    }

    fn holds<T>(&mut self, pointer: *mut T) -> bool {
        let start = self.start().addr();
        (start..start + self.size).contains(&pointer.addr())
    }
}

fn alice() -> User<'static> {
    User {
        name: b"alice",
        uid: 1_900_001_000,
        gid: 1_900_000_513,
        full_name: "Alice Ärmel".as_bytes(),
        home: b"/home/alice",
        shell: b"/bin/bash",
    }
}

fn empty_user() -> passwd {
    // SAFETY: zeros are a valid value of it.
    unsafe { core::mem::zeroed() }
}

fn empty_group() -> group {
    // SAFETY: zeros are a valid value of it.
    unsafe { core::mem::zeroed() }
}

fn names(members: usize) -> Vec<String> {
    (0..members).map(|i| format!("user{i}")).collect()
}

/// A group of so many, once as the daemon tells it and once as it is published.
fn with_staff(members: usize, check: impl Fn(&Group<'_>, &[String])) {
    let names = names(members);
    let told = Reply::Group(Some(directory::Group {
        name: "staff".to_owned(),
        gid: 1_900_001_001,
        members: names.clone(),
    }));
    let mut frame = Vec::new();
    domlogon_protocol::frame::write(&mut frame, &told, 1 << 20).unwrap();
    match wire::Reply::read(&frame[wire::HEADER..]) {
        Some(wire::Reply::Group(Some(group))) => check(&group, &names),
        other => panic!("{other:?}"),
    }
    let about = About {
        base: None,
        complete: true,
        lowest_id: 1000,
        short: "CORP",
        dns: "corp.example",
        created_at: 0,
    };
    let mut builder = Builder::new(Cursor::new(Vec::new()), &about).unwrap();
    let entry = GroupEntry {
        name: "staff",
        gid: 1_900_001_001,
        members: &names,
        expires_at: 0,
    };
    builder.group(&entry).unwrap();
    let file = builder.finish().unwrap().into_inner();
    match Reader::of_file(&file).unwrap().group_by_name(b"staff") {
        Found::Here(record) => check(&Group::from(record), &names),
        other => panic!("{other:?}"),
    }
}

fn text(pointer: *const c_char) -> String {
    // SAFETY: a text that was packed, which ends with a zero.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().unwrap().to_owned()
}

fn members(entry: &group) -> Vec<String> {
    assert_eq!(entry.gr_mem.addr() % align_of::<*mut c_char>(), 0);
    let mut found = Vec::new();
    let mut at = entry.gr_mem;
    loop {
        // SAFETY: in a list that was packed, no further than its null pointer.
        let member = unsafe { at.read() };
        if member.is_null() {
            break;
        }
        found.push(text(member));
        // SAFETY: the null pointer was not reached.
        at = unsafe { at.add(1) };
    }
    found
}

#[test]
fn a_user_fits_exactly_and_nothing_less_does() {
    let user = alice();
    let needed = "alice\0*\0Alice Ärmel\0/home/alice\0/bin/bash\0".len();
    for offset in 0..8 {
        for size in 0..needed {
            let mut caller = Caller::new(offset, size);
            let mut line = empty_user();
            let done = caller.put_user(&user, &mut line);
            assert_eq!(done, Err(Failure::TooSmall), "offset {offset} size {size}");
            assert!(caller.is_untouched(), "offset {offset} size {size}");
            assert!(line.pw_name.is_null());
        }
        let mut caller = Caller::new(offset, needed);
        let mut line = empty_user();
        assert_eq!(caller.put_user(&user, &mut line), Ok(()));
        assert!(caller.margins_are_untouched());
        assert!(caller.holds(line.pw_name) && caller.holds(line.pw_shell));
        assert_eq!(text(line.pw_name), "alice");
        assert_eq!(text(line.pw_passwd), "*");
        assert_eq!(text(line.pw_gecos), "Alice Ärmel");
        assert_eq!(text(line.pw_dir), "/home/alice");
        assert_eq!(text(line.pw_shell), "/bin/bash");
        assert_eq!((line.pw_uid, line.pw_gid), (1_900_001_000, 1_900_000_513));
    }
}

#[test]
fn a_group_fits_exactly_wherever_the_buffer_starts() {
    for (count, offset) in (0..4).flat_map(|count| (0..8).map(move |offset| (count, offset))) {
        let needed = (8 - offset) % 8 + 8 * (count + 1) + 6 * count + "staff\0*\0".len();
        with_staff(count, |entry, names| {
            for size in 0..=needed {
                let mut caller = Caller::new(offset, size);
                let mut line = empty_group();
                let done = caller.put_group(entry, &mut line);
                if size < needed {
                    assert_eq!(done, Err(Failure::TooSmall), "{count} {offset} {size}");
                    assert!(caller.is_untouched() && line.gr_name.is_null());
                    continue;
                }
                assert_eq!(done, Ok(()), "{count} {offset} {size}");
                assert!(caller.margins_are_untouched());
                assert_eq!(
                    (text(line.gr_name), text(line.gr_passwd)),
                    ("staff".into(), "*".into())
                );
                assert_eq!(line.gr_gid, 1_900_001_001);
                assert_eq!(members(&line), names);
            }
        });
    }
}

#[test]
fn a_group_of_ten_thousand_fits_a_large_buffer() {
    with_staff(10_000, |entry, names| {
        let mut caller = Caller::new(3, 1 << 20);
        let mut line = empty_group();
        caller.put_group(entry, &mut line).unwrap();
        assert_eq!(members(&line), names);
    });
}

#[test]
fn null_pointers_are_refused() {
    let mut caller = Caller::new(0, 4096);
    // SAFETY: null is allowed here.
    let refused = unsafe {
        [
            UserRoom::new(ptr::null_mut(), 100, &mut empty_user()).is_err(),
            UserRoom::new(caller.start(), 4096, ptr::null_mut()).is_err(),
            GroupRoom::new(ptr::null_mut(), 100, &mut empty_group()).is_err(),
            GroupRoom::new(caller.start(), 4096, ptr::null_mut()).is_err(),
            IdList::new(ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0).is_err(),
        ]
    };
    assert_eq!(refused, [true; 5]);
    assert!(caller.is_untouched());
}

/// glibc's side of the list of ids.
struct Ids {
    used: c_long,
    size: c_long,
    ids: *mut gid_t,
}

impl Ids {
    fn new(present: &[gid_t], size: usize) -> Self {
        // SAFETY: a plain allocation.
        let ids: *mut gid_t = unsafe { libc::malloc(size.max(1) * 4) }.cast();
        // SAFETY: `size` is no less than what is present.
        unsafe { ptr::copy_nonoverlapping(present.as_ptr(), ids, present.len()) };
        Self {
            used: c_long::try_from(present.len()).unwrap(),
            size: c_long::try_from(size).unwrap(),
            ids,
        }
    }

    fn append(&mut self, new: &[gid_t], limit: c_long) -> Result<(), Failure> {
        let Self { used, size, ids } = self;
        // SAFETY: as allocated above.
        let list = unsafe { IdList::new(used, size, ids, limit) }?;
        list.append(0, new.iter().copied(), false)
    }

    fn all(&mut self) -> Vec<gid_t> {
        let Self { used, size, ids } = self;
        // SAFETY: as allocated above.
        unsafe { IdList::new(used, size, ids, 0) }
            .unwrap()
            .present()
            .to_vec()
    }
}

impl Drop for Ids {
    fn drop(&mut self) {
        // SAFETY: from malloc or realloc.
        unsafe { libc::free(self.ids.cast()) };
    }
}

#[test]
fn the_list_of_ids_grows_as_far_as_it_must() {
    let mut list = Ids::new(&[100], 1);
    list.append(&[2000, 2001, 2002], -1).unwrap();
    assert_eq!(list.all(), [100, 2000, 2001, 2002]);
    assert_eq!((list.used, list.size), (4, 4));
    list.append(&[2003], 0).unwrap();
    assert_eq!(list.all(), [100, 2000, 2001, 2002, 2003]);
    assert_eq!(list.size, 8);
    list.append(&[], -1).unwrap();
    assert_eq!(list.used, 5);
    let mut roomy = Ids::new(&[100], 10);
    let before = roomy.ids;
    roomy.append(&[2000, 2001], -1).unwrap();
    assert_eq!((roomy.ids, roomy.size), (before, 10));
}

#[test]
fn the_list_of_ids_stops_at_the_limit() {
    let new: Vec<gid_t> = (2000..2100).collect();
    let mut list = Ids::new(&[100, 101], 2);
    list.append(&new, 32).unwrap();
    assert_eq!((list.used, list.size), (32, 32));
    assert_eq!(list.all()[2..], new[..30]);
    // Full, and even more than full, is not an error.
    list.append(&new, 32).unwrap();
    list.append(&new, 3).unwrap();
    assert_eq!((list.used, list.size), (32, 32));
}

#[test]
fn a_list_that_cannot_grow_stays_as_it_was() {
    let mut list = Ids::new(&[], 4);
    let real = list.ids;
    for most in [c_long::MAX / 4, c_long::MAX] {
        (list.used, list.size) = (most, most);
        let Ids { used, size, ids } = &mut list;
        // SAFETY: as allocated above; what is not there is not read before the list has grown.
        let given = unsafe { IdList::new(used, size, ids, -1) }.unwrap();
        assert_eq!(given.push(2000), Err(Failure::NoMemory));
        assert_eq!((list.used, list.size, list.ids), (most, most, real));
    }
    for (used, size) in [(-1, 4), (5, 4)] {
        (list.used, list.size) = (used, size);
        assert_eq!(list.append(&[2000], -1), Err(Failure::BadCall));
    }
}

#[test]
fn ids_are_added_once_and_not_if_they_are_there() {
    for are_distinct in [false, true] {
        let mut list = Ids::new(&[100, 2001], 2);
        let Ids { used, size, ids } = &mut list;
        // SAFETY: as allocated above.
        let given = unsafe { IdList::new(used, size, ids, -1) }.unwrap();
        let new = [2000, 2001, 100, 2002, 2003];
        given.append(2002, new.into_iter(), are_distinct).unwrap();
        if !are_distinct {
            given
                .append(2002, new.into_iter().chain(new), false)
                .unwrap();
        }
        assert_eq!(list.all(), [100, 2001, 2000, 2003]);
    }
}
