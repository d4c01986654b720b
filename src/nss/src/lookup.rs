//! What is asked, in which order, and what is refused without asking.
//!
//! 1. Root, the system's ids, and what can be nobody's name: nobody is asked.
//! 2. The files of names. What they have is given, unless it is too old; what a complete pair
//!    does not have is nobody's.
//! 3. The daemon.
//! 4. If the daemon cannot be asked: what the files have, however old.

use crate::buffer::{GroupRoom, IdList, UserRoom};
use crate::daemon::{Daemon, Kept};
use crate::enumeration::Enumeration;
use crate::failure::Failure;
use crate::line::{Entry, Group, User, is_possible_id};
use crate::local;
use crate::name::{Folded, Name};
use crate::published;
use crate::shared::{Pinned, Shared};
use crate::system;
use crate::wire::{Reply, Request};
use core::ffi::CStr;
use domlogon_names::{Found, GroupIds, GroupRecord, Reader, UserRecord};

/// All that the plugin keeps from one call to the next.
pub(crate) struct Plugin {
    pub(crate) daemon: Daemon,
    /// The host's own accounts.
    passwd: &'static CStr,
    shared: Shared,
    /// A group that did not fit, for the call with a larger buffer that follows at once: glibc
    /// starts with a kilobyte and doubles it, nine times for ten thousand members.
    large: Kept,
    pub(crate) users: Enumeration,
    pub(crate) groups: Enumeration,
}

impl Plugin {
    pub(crate) const fn new(daemon: Daemon, passwd: &'static CStr) -> Self {
        Self {
            daemon,
            passwd,
            shared: Shared::new(),
            large: Kept::new(),
            users: Enumeration::new(),
            groups: Enumeration::new(),
        }
    }

    /// getpwnam
    pub(crate) fn user_by_name(&self, name: &[u8], room: UserRoom) -> Result<(), Failure> {
        let name = Name::parse(name)?;
        let folded = Folded::new(name.account);
        let key = Key::Name(&name, &folded);
        self.answer(&AUser {
            request: Request::UserByName(name.whole),
            key,
            room,
        })
    }

    /// getpwuid
    pub(crate) fn user_by_id(&self, uid: u32, room: UserRoom) -> Result<(), Failure> {
        self.answer(&AUser {
            key: Key::of_id(uid)?,
            request: Request::UserById(uid),
            room,
        })
    }

    /// getgrnam
    pub(crate) fn group_by_name(&self, name: &[u8], room: GroupRoom) -> Result<(), Failure> {
        let name = Name::parse(name)?;
        let folded = Folded::new(name.account);
        let key = Key::Name(&name, &folded);
        self.answer(&AGroup {
            request: Request::GroupByName(name.whole),
            key,
            room,
            large: &self.large,
        })
    }

    /// getgrgid
    pub(crate) fn group_by_id(&self, gid: u32, room: GroupRoom) -> Result<(), Failure> {
        self.answer(&AGroup {
            key: Key::of_id(gid)?,
            request: Request::GroupById(gid),
            room,
            large: &self.large,
        })
    }

    /// initgroups: adds the groups of a user beside `skip` (his first group, which the caller
    /// has already) and those that are in the list.
    pub(crate) fn groups_of(&self, name: &[u8], skip: u32, list: IdList) -> Result<(), Failure> {
        let name = Name::parse(name)?;
        let folded = Folded::new(name.account);
        let key = Key::Name(&name, &folded);
        self.answer(&Groups {
            name: &name,
            key,
            passwd: self.passwd,
            skip,
            list,
        })
    }

    /// The newest pair of files.
    pub(crate) fn newest(&self) -> Option<Pinned<'_>> {
        published::newest(&self.shared, self.daemon.folder)
    }

    /// The pair that was the newest once.
    pub(crate) fn last(&self) -> Option<Pinned<'_>> {
        self.shared.pin()
    }

    fn answer<Q: Question>(&self, question: &Q) -> Result<(), Failure> {
        if let Some(pair) = self.newest() {
            match find(&pair, question) {
                Standing::Here(found, expires_at) if is_fresh(&pair, expires_at) => {
                    return give(&pair, question, found);
                }
                Standing::Nobody => return Err(Failure::NotFound),
                Standing::Here(..) | Standing::NotSaid => {}
            }
        }
        match question.ask(&self.daemon) {
            Err(failure) if failure.is_outage() => {
                self.old_answer(question).unwrap_or(Err(failure))
            }
            done => done,
        }
    }

    /// What is known already is better than nothing, however old it is.
    #[cold]
    fn old_answer<Q: Question>(&self, question: &Q) -> Option<Result<(), Failure>> {
        let pair = self.last()?;
        match find(&pair, question) {
            Standing::Here(found, _) => Some(give(&pair, question, found)),
            Standing::Nobody | Standing::NotSaid => None,
        }
    }
}

/// What a name or an id is looked up by.
pub(crate) enum Key<'a> {
    Name(&'a Name<'a>, &'a Folded),
    Id(u32),
}

impl Key<'_> {
    fn of_id(id: u32) -> Result<Self, Failure> {
        if is_possible_id(id) {
            Ok(Self::Id(id))
        } else {
            Err(Failure::NotFound)
        }
    }
}

/// One look-up.
trait Question {
    /// What stands in a file of names.
    type Record<'r>;

    fn key(&self) -> &Key<'_>;
    fn by_name<'r>(reader: &Reader<'r>, key: &[u8]) -> Found<(Self::Record<'r>, u32)>;
    fn by_id<'r>(reader: &Reader<'r>, id: u32) -> Found<(Self::Record<'r>, u32)>;
    /// Gives it to the caller.
    fn give(&self, record: Self::Record<'_>) -> Result<(), Failure>;
    /// Asks the daemon, and gives what it says to the caller.
    fn ask(&self, daemon: &Daemon) -> Result<(), Failure>;
    /// Refuses a local user's, where no daemon has seen to that.
    fn is_not_local(&self) -> Result<(), Failure> {
        Ok(())
    }
}

fn give<Q: Question>(
    pair: &Pinned<'_>,
    question: &Q,
    record: Q::Record<'_>,
) -> Result<(), Failure> {
    if pair.are_left() {
        question.is_not_local()?;
    }
    question.give(record)
}

/// What a pair of files says.
enum Standing<T> {
    /// This, and until when it is taken as it is.
    Here(T, u32),
    /// It is nobody's.
    Nobody,
    /// The daemon must be asked.
    NotSaid,
}

fn find<'a, Q: Question>(pair: &'a Pinned<'_>, question: &Q) -> Standing<Q::Record<'a>> {
    let Some(base) = pair.base() else {
        return Standing::NotSaid;
    };
    let (found, is_exact) = match question.key() {
        Key::Id(id) if *id < base.lowest_id() => return Standing::Nobody,
        Key::Id(id) => (pair.find(|reader| Q::by_id(reader, *id)), true),
        Key::Name(name, folded) => {
            if let Some(domain) = name.domain {
                let domain = Folded::new(domain);
                if !base.is_domain(domain.bytes()) {
                    // The daemon's lower case may be another one.
                    return if domain.is_exact {
                        Standing::Nobody
                    } else {
                        Standing::NotSaid
                    };
                }
            }
            let found = pair.find(|reader| Q::by_name(reader, folded.bytes()));
            (found, folded.is_exact)
        }
    };
    match found {
        Found::Here((record, expires_at)) => Standing::Here(record, expires_at),
        Found::Gone | Found::Unknown if is_exact && base.is_complete() => Standing::Nobody,
        Found::Gone | Found::Unknown | Found::Damaged => Standing::NotSaid,
    }
}

/// Whether something of this pair is taken as it is. After the clock was set back nothing is
/// that ever expires.
fn is_fresh(pair: &Pinned<'_>, expires_at: u32) -> bool {
    if expires_at == 0 {
        return true;
    }
    let now = system::seconds();
    let made_at = pair.base().map_or(0, Reader::created_at);
    (made_at..u64::from(expires_at)).contains(&now)
}

// ---------------------------------------------------------------- users

struct AUser<'a> {
    key: Key<'a>,
    request: Request<'a>,
    room: UserRoom,
}

impl Question for AUser<'_> {
    type Record<'r> = UserRecord<'r>;

    fn key(&self) -> &Key<'_> {
        &self.key
    }

    fn by_name<'r>(reader: &Reader<'r>, key: &[u8]) -> Found<(UserRecord<'r>, u32)> {
        reader.user_by_name(key).map(|user| (user, user.expires_at))
    }

    fn by_id<'r>(reader: &Reader<'r>, id: u32) -> Found<(UserRecord<'r>, u32)> {
        reader.user_by_id(id).map(|user| (user, user.expires_at))
    }

    fn give(&self, record: UserRecord<'_>) -> Result<(), Failure> {
        self.room.put(&sound(User::from(record))?)
    }

    #[cold]
    fn ask(&self, daemon: &Daemon) -> Result<(), Failure> {
        match daemon.ask(self.request)?.reply() {
            Some(Reply::User(Some(user))) => self.room.put(&sound(user)?),
            Some(Reply::User(None)) => Err(Failure::NotFound),
            other => Err(not_an_answer(other)),
        }
    }
}

// ---------------------------------------------------------------- groups

struct AGroup<'a> {
    key: Key<'a>,
    request: Request<'a>,
    room: GroupRoom,
    large: &'a Kept,
}

impl Question for AGroup<'_> {
    type Record<'r> = GroupRecord<'r>;

    fn key(&self) -> &Key<'_> {
        &self.key
    }

    fn by_name<'r>(reader: &Reader<'r>, key: &[u8]) -> Found<(GroupRecord<'r>, u32)> {
        reader
            .group_by_name(key)
            .map(|group| (group, group.expires_at))
    }

    fn by_id<'r>(reader: &Reader<'r>, id: u32) -> Found<(GroupRecord<'r>, u32)> {
        reader
            .group_by_id(id)
            .map(|group| (group, group.expires_at))
    }

    fn give(&self, record: GroupRecord<'_>) -> Result<(), Failure> {
        self.room.put(&sound(Group::from(record))?)
    }

    #[cold]
    fn ask(&self, daemon: &Daemon) -> Result<(), Failure> {
        let kept = self.large.take_answer_to(self.request);
        let answer = match kept {
            Some(answer) => answer,
            None => daemon.ask(self.request)?,
        };
        let given = match answer.reply() {
            Some(Reply::Group(Some(group))) => self.room.put(&sound(group)?),
            Some(Reply::Group(None)) => Err(Failure::NotFound),
            other => Err(not_an_answer(other)),
        };
        if given == Err(Failure::TooSmall) {
            self.large.put(answer);
        }
        given
    }
}

// ---------------------------------------------------------------- the groups of a user

struct Groups<'a> {
    name: &'a Name<'a>,
    key: Key<'a>,
    passwd: &'a CStr,
    skip: u32,
    list: IdList,
}

impl Question for Groups<'_> {
    type Record<'r> = GroupIds<'r>;

    fn key(&self) -> &Key<'_> {
        &self.key
    }

    fn by_name<'r>(reader: &Reader<'r>, key: &[u8]) -> Found<(GroupIds<'r>, u32)> {
        match reader
            .user_by_name(key)
            .map(|user| (user.groups, user.groups_expire_at))
        {
            Found::Here((Some(groups), expires_at)) => Found::Here((groups, expires_at)),
            Found::Gone => Found::Gone,
            Found::Unknown => Found::Unknown,
            // One who is here without them, and not elsewhere with them.
            Found::Here((None, _)) | Found::Damaged => Found::Damaged,
        }
    }

    fn by_id<'r>(_: &Reader<'r>, _: u32) -> Found<(GroupIds<'r>, u32)> {
        Found::Damaged
    }

    fn give(&self, ids: GroupIds<'_>) -> Result<(), Failure> {
        self.append(ids.iter(), true)
    }

    #[cold]
    fn ask(&self, daemon: &Daemon) -> Result<(), Failure> {
        self.is_not_local()?;
        match daemon.ask(Request::GroupsOf(self.name.whole))?.reply() {
            Some(Reply::GroupIds(Some(ids))) => self.append(ids.iter(), false),
            Some(Reply::GroupIds(None)) => Err(Failure::NotFound),
            other => Err(not_an_answer(other)),
        }
    }

    /// A name of `passwd` is answered here, before the daemon is asked: glibc asks every
    /// service for the groups of every user, at each logon of a local one, too, and he would
    /// wait for a daemon that hangs. The look-ups of users need no such thing: `files` stands
    /// before us in nsswitch.conf, and ends them. The files of names have no local names, as
    /// long as a daemon looks after them.
    fn is_not_local(&self) -> Result<(), Failure> {
        if local::is_local(self.passwd, [self.name.whole, self.name.account]) {
            Err(Failure::NotFound)
        } else {
            Ok(())
        }
    }
}

impl Groups<'_> {
    fn append(&self, ids: impl Iterator<Item = u32>, are_distinct: bool) -> Result<(), Failure> {
        let possible = ids.filter(|id| is_possible_id(*id));
        self.list.append(self.skip, possible, are_distinct)
    }
}

/// What a reply of the wrong kind means: a refusal, or a daemon that is not ours.
pub(crate) const fn not_an_answer(reply: Option<Reply<'_>>) -> Failure {
    match reply {
        // Of the refusals, only "busy" is worth another try.
        Some(Reply::Busy) => Failure::Busy,
        _ => Failure::Broken,
    }
}

fn sound<T: Entry>(entry: T) -> Result<T, Failure> {
    if entry.is_sound() {
        Ok(entry)
    } else {
        Err(Failure::NotFound)
    }
}
