use super::*;
use core::mem::MaybeUninit;

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

    fn room(&mut self) -> Room {
        // SAFETY: so many bytes follow, and margins behind them.
        unsafe { Room::new(self.start(), self.size) }.unwrap()
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

fn alice() -> User {
    User {
        name: "alice".to_owned(),
        uid: 1_900_001_000,
        gid: 1_900_000_513,
        full_name: "Alice Ärmel".to_owned(),
        home: "/home/alice".to_owned(),
        shell: "/bin/bash".to_owned(),
    }
}

fn staff(members: usize) -> Group {
    Group {
        name: "staff".to_owned(),
        gid: 1_900_001_001,
        members: (0..members).map(|i| format!("user{i}")).collect(),
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
    let needed = "alice".len()
        + "*".len()
        + "Alice Ärmel".len()
        + "/home/alice".len()
        + "/bin/bash".len()
        + 5;
    for offset in 0..8 {
        for size in 0..needed {
            let mut caller = Caller::new(offset, size);
            let mut result = MaybeUninit::<passwd>::zeroed();
            // SAFETY: valid for a write.
            let done = unsafe { caller.room().put_user(&user, result.as_mut_ptr()) };
            assert_eq!(done, Err(Failure::TooSmall), "offset {offset} size {size}");
            assert!(caller.is_untouched(), "offset {offset} size {size}");
            // SAFETY: zeroed is a valid value of it.
            let result = unsafe { result.assume_init() };
            assert!(result.pw_name.is_null());
        }
        let mut caller = Caller::new(offset, needed);
        let mut result = MaybeUninit::<passwd>::zeroed();
        // SAFETY: valid for a write.
        let done = unsafe { caller.room().put_user(&user, result.as_mut_ptr()) };
        assert_eq!(done, Ok(()));
        // SAFETY: written.
        let result = unsafe { result.assume_init() };
        assert!(caller.margins_are_untouched());
        assert!(caller.holds(result.pw_name) && caller.holds(result.pw_shell));
        assert_eq!(text(result.pw_name), "alice");
        assert_eq!(text(result.pw_passwd), "*");
        assert_eq!(text(result.pw_gecos), "Alice Ärmel");
        assert_eq!(text(result.pw_dir), "/home/alice");
        assert_eq!(text(result.pw_shell), "/bin/bash");
        assert_eq!(result.pw_uid, 1_900_001_000);
        assert_eq!(result.pw_gid, 1_900_000_513);
    }
}

#[test]
fn a_group_fits_exactly_wherever_the_buffer_starts() {
    for (count, offset) in (0..4).flat_map(|count| (0..8).map(move |offset| (count, offset))) {
        let entry = staff(count);
        let needed = (8 - offset) % 8 + 8 * (count + 1) + 6 * count + "staff\0*\0".len();
        for size in 0..=needed {
            let mut caller = Caller::new(offset, size);
            let mut result = MaybeUninit::<group>::zeroed();
            // SAFETY: valid for a write.
            let done = unsafe { caller.room().put_group(&entry, result.as_mut_ptr()) };
            // SAFETY: zeroed is a valid value of it.
            let result = unsafe { result.assume_init() };
            if size < needed {
                assert_eq!(done, Err(Failure::TooSmall), "{count} {offset} {size}");
                assert!(caller.is_untouched() && result.gr_name.is_null());
                continue;
            }
            assert_eq!(done, Ok(()), "{count} {offset} {size}");
            assert!(caller.margins_are_untouched());
            assert_eq!(text(result.gr_name), "staff");
            assert_eq!(text(result.gr_passwd), "*");
            assert_eq!(result.gr_gid, 1_900_001_001);
            assert_eq!(members(&result), entry.members);
        }
    }
}

#[test]
fn a_group_of_ten_thousand_fits_a_large_buffer() {
    let entry = staff(if cfg!(miri) { 300 } else { 10_000 });
    let mut caller = Caller::new(3, 1 << 20);
    let mut result = MaybeUninit::<group>::zeroed();
    // SAFETY: valid for a write.
    unsafe { caller.room().put_group(&entry, result.as_mut_ptr()) }.unwrap();
    // SAFETY: written.
    let result = unsafe { result.assume_init() };
    assert_eq!(members(&result), entry.members);
}

#[test]
fn null_pointers_are_refused() {
    // SAFETY: null is allowed here.
    assert!(unsafe { Room::new(ptr::null_mut(), 100) }.is_err());
    let mut caller = Caller::new(0, 4096);
    // SAFETY: null is allowed here.
    let user = unsafe { caller.room().put_user(&alice(), ptr::null_mut()) };
    assert_eq!(user, Err(Failure::BadCall));
    // SAFETY: null is allowed here.
    let entry = unsafe { caller.room().put_group(&staff(2), ptr::null_mut()) };
    assert_eq!(entry, Err(Failure::BadCall));
    assert!(caller.is_untouched());
    // SAFETY: null is allowed here.
    let list = unsafe { IdList::new(ptr::null_mut(), ptr::null_mut(), ptr::null_mut()) };
    assert!(list.is_err());
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
        let mut list = unsafe { IdList::new(used, size, ids) }?;
        list.append(new, limit)
    }

    fn all(&mut self) -> Vec<gid_t> {
        let Self { used, size, ids } = self;
        // SAFETY: as allocated above.
        unsafe { IdList::new(used, size, ids) }.unwrap().present()
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
    list.used = c_long::MAX / 4;
    list.size = c_long::MAX / 4;
    assert_eq!(list.append(&[2000], -1), Err(Failure::NoMemory));
    assert_eq!((list.used, list.ids), (c_long::MAX / 4, real));
    list.used = c_long::MAX;
    list.size = c_long::MAX;
    assert_eq!(list.append(&[2000], -1), Err(Failure::NoMemory));
    for (used, size) in [(-1, 4), (5, 4)] {
        (list.used, list.size) = (used, size);
        assert_eq!(list.append(&[2000], -1), Err(Failure::BadCall));
    }
}
