//! What programs read is what the backend answers, after every change, and whatever goes wrong.

mod times;
mod view;

use super::*;
use crate::backend::Accounts;
use crate::desk::{Caller, Desk, Door, fake};
use crate::local::Local;
use crate::rights::RightsFile;
use domlogon_accounts::Cost;
use domlogon_names::{BASE_FILE, DELTA_FILE, LEFT_AT, Reader, SUPERSEDED_AT};
use domlogon_protocol::admin::{ImportedUser, NewUser, Request, UserChanges};
use domlogon_protocol::{Origin, Reply, UserName, Verdict};
use domlogon_rules::backend::Backend;
use proptest::prelude::*;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use tempfile::TempDir;
use view::{Seen, View};

const CHEAP: Cost = Cost {
    memory: 16,
    passes: 1,
    lanes: 1,
};

struct World {
    folder: TempDir,
    accounts: Arc<Accounts>,
    local: Arc<Local>,
    log: Arc<Log>,
    publisher: Arc<Publisher>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        fs::write(folder.path().join("passwd"), "user3:x:5:5::/:/bin/sh\n").unwrap();
        fs::write(folder.path().join("group"), "group3:x:5:\n").unwrap();
        let local = Arc::new(Local::of_files(
            folder.path().join("passwd"),
            folder.path().join("group"),
        ));
        let mut config = fake::config();
        config.database = folder.path().join("data/accounts.db");
        let log = Arc::new(Log::kept());
        let names = Arc::clone(&local) as Arc<dyn domlogon_rules::LocalNames>;
        let accounts = Accounts::open(&config, names, CHEAP, Arc::clone(&log)).unwrap();
        let accounts = Arc::new(accounts);
        let publisher = publish(&accounts, folder.path(), &local, &log);
        Self {
            folder,
            accounts,
            local,
            log,
            publisher,
        }
    }

    /// As at the desk: done, published, answered.
    fn ask(&self, request: Request) -> bool {
        let done = self.accounts.admin(request, clock::now()).is_ok();
        self.publisher.catch_up();
        done
    }

    fn add(&self, name: &str) {
        assert!(
            self.ask(Request::UserAdd(Box::new(new_user(name)))),
            "{name}"
        );
    }

    fn import(&self, count: u32) {
        let users = (0..count).map(|row| ImportedUser {
            row,
            new: new_user(&format!("many{row}")),
            changes: UserChanges::default(),
            groups: Vec::new(),
            hash: None,
        });
        assert!(self.ask(Request::UserImport {
            users: users.collect(),
            dry_run: false,
        }));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("run").join(name)
    }

    fn open(&self, name: &str) -> File {
        File::open(self.path(name)).unwrap()
    }

    fn held(&self) -> [File; 2] {
        [BASE_FILE, DELTA_FILE].map(|name| self.open(name))
    }

    fn view(&self) -> View {
        View {
            base: fs::read(self.path(BASE_FILE)).unwrap(),
            delta: fs::read(self.path(DELTA_FILE)).unwrap(),
        }
    }

    /// Starts anew, as after the end of the daemon.
    fn restart(&mut self) {
        self.publisher.stop();
        self.publisher = publish(&self.accounts, self.folder.path(), &self.local, &self.log);
    }

    fn lines(&self, about: &str) -> usize {
        let lines = self.log.lines();
        lines.iter().filter(|line| line.contains(about)).count()
    }
}

fn publish(
    accounts: &Arc<Accounts>,
    folder: &Path,
    local: &Arc<Local>,
    log: &Arc<Log>,
) -> Arc<Publisher> {
    let roster = Arc::clone(accounts) as Arc<dyn Roster>;
    let (local, log) = (Arc::clone(local), Arc::clone(log));
    let publisher = Publisher::start(roster, &folder.join("run"), local, log).unwrap();
    publisher.wait(Duration::from_secs(10));
    publisher
}

impl Drop for World {
    fn drop(&mut self) {
        self.publisher.stop();
    }
}

fn new_user(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        full_name: None,
        uid: None,
        home: None,
        shell: None,
        must_change: false,
        password: None,
    }
}

fn is_superseded(file: &File) -> bool {
    is_set(file, SUPERSEDED_AT)
}

fn is_set(file: &File, at: u64) -> bool {
    let mut word = [0; 4];
    file.read_exact_at(&mut word, at).unwrap();
    word != [0; 4]
}

/// Every name and every id that ever was, and what the backend says of it.
fn compare(world: &World) {
    let view = world.view();
    let backend = &world.accounts;
    let keys: Vec<String> = (0..16)
        .flat_map(|n| [user(n), group(n)])
        .chain(["administrator", "domain admins", "root", "nobody-here"].map(str::to_owned))
        .map(|name| UserName::fold(&name))
        .collect();
    let line = |user: domlogon_protocol::directory::User| {
        let texts = [user.full_name, user.home, user.shell];
        (user.name, user.uid, user.gid, texts)
    };
    let team = |group: domlogon_protocol::directory::Group| {
        let mut members = group.members;
        members.sort();
        (group.name, group.gid, members)
    };
    for key in &keys {
        view.user(key)
            .expect(backend.user_by_name(key).unwrap().map(line));
        view.group(key)
            .expect(backend.group_by_name(key).unwrap().map(team));
        let gids = backend.group_ids(key).unwrap().map(|mut gids| {
            gids.sort_unstable();
            gids
        });
        view.groups_of(key).expect(gids);
    }
    for id in (1_900_000_500..1_900_000_560).chain(1_900_000_999..1_900_001_080) {
        view.user_by_id(id)
            .expect(backend.user_by_id(id).unwrap().map(line));
        view.group_by_id(id)
            .expect(backend.group_by_id(id).unwrap().map(team));
    }
}

fn user(number: u8) -> String {
    format!("User{}", number % 8)
}

fn group(number: u8) -> String {
    match number % 11 {
        8 => "Administrators".to_owned(),
        9 => "Users".to_owned(),
        10 => "Domain Users".to_owned(),
        number => format!("Group{number}"),
    }
}

#[derive(Clone, Debug)]
enum Edit {
    AddUser(u8, Option<u32>),
    DeleteUser(u8),
    Rewrite(u8, String),
    AddGroup(u8),
    DeleteGroup(u8),
    Join(u8, u8, bool),
    Leave(u8, u8, bool),
    Local(u8),
    Renew,
    Restart,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (0..8u8, prop::option::of(1_900_001_040..1_900_001_044u32))
            .prop_map(|(user, uid)| Edit::AddUser(user, uid)),
        3 => (0..8u8).prop_map(Edit::DeleteUser),
        2 => (0..8u8, "[a-z]{0,6}").prop_map(|(user, text)| Edit::Rewrite(user, text)),
        6 => (0..8u8).prop_map(Edit::AddGroup),
        3 => (0..8u8).prop_map(Edit::DeleteGroup),
        12 => (0..11u8, 0..11u8, any::<bool>()).prop_map(|(to, who, is)| Edit::Join(to, who, is)),
        6 => (0..11u8, 0..11u8, any::<bool>()).prop_map(|(to, who, is)| Edit::Leave(to, who, is)),
        1 => (0..8u8).prop_map(Edit::Local),
        1 => Just(Edit::Renew),
        1 => Just(Edit::Restart),
    ]
}

fn carry_out(world: &mut World, edit: &Edit) {
    let member = |number, is_user| if is_user { user(number) } else { group(number) };
    let request = match edit {
        Edit::AddUser(number, uid) => Request::UserAdd(Box::new(NewUser {
            uid: *uid,
            ..new_user(&user(*number))
        })),
        Edit::DeleteUser(number) => Request::UserDelete {
            name: user(*number),
            force: true,
        },
        Edit::Rewrite(number, text) => Request::UserSet {
            name: user(*number),
            changes: Box::new(UserChanges {
                full_name: Some(text.clone()),
                home: Some(format!("/{text}")),
                ..UserChanges::default()
            }),
            force: true,
        },
        Edit::AddGroup(number) => Request::GroupAdd(group(*number)),
        Edit::DeleteGroup(number) => Request::GroupDelete(group(*number)),
        Edit::Join(to, who, is_user) => Request::GroupAddMembers {
            group: group(*to),
            members: vec![member(*who, *is_user)],
        },
        Edit::Leave(to, who, is_user) => Request::GroupRemoveMembers {
            group: group(*to),
            members: vec![member(*who, *is_user)],
            force: true,
        },
        Edit::Local(number) => {
            let folder = world.folder.path();
            let (user, group) = (user(*number), group(*number));
            fs::write(folder.join("passwd"), format!("{user}:x:5:5::/:/bin/sh\n")).unwrap();
            fs::write(folder.join("group"), format!("{group}:x:5:\n")).unwrap();
            world.publisher.renew();
            return world.publisher.wait(Duration::from_secs(10));
        }
        Edit::Renew => {
            world.publisher.renew();
            return world.publisher.wait(Duration::from_secs(10));
        }
        Edit::Restart => return world.restart(),
    };
    world.ask(request);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn programs_read_what_the_backend_answers(edits in prop::collection::vec(edit(), 1..60)) {
        let mut world = World::new();
        compare(&world);
        for edit in &edits {
            carry_out(&mut world, edit);
            compare(&world);
        }
        world.publisher.renew();
        world.publisher.wait(Duration::from_secs(10));
        compare(&world);
    }
}

#[test]
fn files_are_everybodys_to_read_and_stay() {
    let mut world = World::new();
    world.add("alice");
    let [base, delta] = world.held();
    for file in [&base, &delta] {
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o644);
    }
    assert!(!is_set(&base, LEFT_AT));
    world.publisher.stop();
    assert!(!is_superseded(&base) && !is_superseded(&delta));
    assert!(is_set(&base, LEFT_AT));
    assert!(matches!(world.view().user("alice"), Seen::Here(_)));
    world.restart();
    assert!(is_superseded(&base) && is_superseded(&delta));
    let [base, _] = world.held();
    assert!(!is_set(&base, LEFT_AT));
    assert!(matches!(world.view().user("alice"), Seen::Here(_)));
    let left: Vec<_> = fs::read_dir(world.path("")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_change_replaces_the_delta_and_many_the_base() {
    let world = World::new();
    let [base, delta] = world.held();
    world.add("alice");
    assert!(!is_superseded(&base) && is_superseded(&delta));
    assert!(matches!(world.view().user("alice"), Seen::Here(_)));
    let [_, delta] = world.held();
    world.import(1200);
    assert!(is_superseded(&base) && is_superseded(&delta));
    let view = world.view();
    assert!(matches!(view.user("many1199"), Seen::Here(_)));
    let Seen::Here((_, _, members)) = view.group("domain users") else {
        panic!("a base knows all");
    };
    assert_eq!(members.len(), 1202);
    world.add("bob");
    let view = world.view();
    assert!(matches!(view.user("bob"), Seen::Here(_)));
    assert_eq!(
        view.group("domain users"),
        Seen::Ask,
        "too large for a delta"
    );
    assert!(matches!(view.groups_of("bob"), Seen::Here(_)));
}

#[test]
fn there_is_always_a_file_and_the_newest_is_never_marked() {
    let world = World::new();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            let end = Instant::now() + Duration::from_secs(60);
            while !stop.load(Ordering::Relaxed) && Instant::now() < end {
                let delta = world.open(DELTA_FILE);
                let bytes = fs::read(world.path(DELTA_FILE)).unwrap();
                Reader::of_file(&bytes).unwrap();
                let base = fs::read(world.path(BASE_FILE)).unwrap();
                Reader::of_file(&base).unwrap();
                // Marked means replaced, not about to be.
                if is_superseded(&delta) {
                    let inode = |file: &File| file.metadata().unwrap().ino();
                    assert_ne!(inode(&delta), inode(&world.open(DELTA_FILE)));
                }
                looks += 1;
            }
            looks
        });
        for number in 0..40 {
            world.add(&format!("person{number}"));
            if number % 10 == 0 {
                world.publisher.renew();
                world.publisher.wait(Duration::from_secs(10));
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
}

#[test]
fn what_a_killed_daemon_has_not_marked_the_next_one_does() {
    let mut world = World::new();
    let delta = world.open(DELTA_FILE);
    world.publisher.stop();
    // Exchanged, and not marked yet.
    fs::rename(world.path(DELTA_FILE), world.path("names.delta.next")).unwrap();
    fs::write(world.path("names.next"), "half a base").unwrap();
    world.restart();
    assert!(is_superseded(&delta));
    assert!(!world.path("names.delta.next").exists() && !world.path("names.next").exists());
    compare(&world);
}

#[test]
fn what_cannot_be_published_is_withdrawn_and_published_later() {
    let world = World::new();
    let [base, delta] = world.held();
    // A folder that is not empty cannot be replaced by a file.
    fs::create_dir_all(world.path("names.delta.next/in-the-way")).unwrap();
    world.add("alice");
    world.add("bob");
    assert!(is_superseded(&base) && is_superseded(&delta));
    assert!(!world.path(BASE_FILE).exists() && !world.path(DELTA_FILE).exists());
    assert_eq!(world.lines("not published"), 1);
    fs::remove_dir_all(world.path("names.delta.next")).unwrap();
    world.publisher.wait(Duration::from_secs(20));
    compare(&world);
    assert!(matches!(world.view().user("bob"), Seen::Here(_)));
    assert_eq!(world.lines("published again"), 1);
}

#[test]
fn a_store_that_is_away_takes_nothing_away() {
    let world = World::new();
    world.add("alice");
    let [base, delta] = world.held();
    world.accounts.close();
    world.publisher.shared.tasks.base();
    thread::sleep(Duration::from_millis(300));
    assert!(!is_superseded(&base) && !is_superseded(&delta));
    assert!(matches!(world.view().user("alice"), Seen::Here(_)));
    assert_eq!(world.lines("not published"), 0);
}

#[test]
fn a_name_that_has_become_the_hosts_is_the_domains_no_more() {
    let world = World::new();
    world.add("alice");
    let watch = Watch::start(Arc::clone(&world.publisher)).unwrap();
    let seen = |expected: bool| {
        let end = Instant::now() + Duration::from_secs(10);
        while matches!(world.view().user("alice"), Seen::Here(_)) != expected {
            assert!(Instant::now() < end, "in time");
            thread::sleep(Duration::from_millis(10));
        }
    };
    let write = |text: &str| {
        let (new, passwd) = (
            world.folder.path().join("passwd+"),
            world.folder.path().join("passwd"),
        );
        fs::write(&new, text).unwrap();
        fs::rename(new, passwd).unwrap();
    };
    write("Alice:x:1000:1000::/:/bin/sh\n");
    seen(false);
    write("carol:x:1000:1000::/:/bin/sh\n");
    seen(true);
    let [base, _] = world.held();
    write("carol:x:1000:1000::/home/carol:/bin/sh\n");
    thread::sleep(Duration::from_millis(300));
    assert!(!is_superseded(&base), "the same names");
    // A local user may take her id.
    let alice = Backend::user_by_name(&*world.accounts, "alice").unwrap();
    let uid = alice.unwrap().uid;
    fs::write(
        world.folder.path().join("subuid"),
        format!("carol:{uid}:1\n"),
    )
    .unwrap();
    seen(false);
    fs::write(world.folder.path().join("subuid"), "carol:100000:1\n").unwrap();
    seen(true);
    watch.stop();
}

/// The desk, before the same accounts.
fn desk(world: &World) -> Desk {
    let mut config = fake::config();
    config.database = world.folder.path().join("data/accounts.db");
    let local = || Arc::clone(&world.local) as Arc<dyn domlogon_rules::LocalNames>;
    let backend = || Arc::clone(&world.accounts) as Arc<dyn Backend>;
    let rights = RightsFile::open(
        world.folder.path().join("rights.toml"),
        world.folder.path().join("rights.last-good.json"),
        backend(),
        local(),
        Arc::new(Log::kept()),
    );
    let log = Arc::clone(&world.log);
    let desk = Desk::new(
        backend(),
        local(),
        log,
        Arc::new(rights),
        config,
        fake::host(),
    );
    desk.tell(Arc::clone(&world.publisher));
    desk
}

#[test]
fn nobody_is_unknown_at_a_logon_whom_programs_still_see() {
    let world = World::new();
    world.add("alice");
    let alice = Backend::user_by_name(&*world.accounts, "alice").unwrap();
    let alice = alice.unwrap();
    // Nobody is told of what happens to a file that a link leads to.
    let path = |name: &str| world.folder.path().join(name);
    fs::create_dir(path("far")).unwrap();
    for name in ["passwd", "group", "subuid", "subgid"] {
        let _ = fs::remove_file(path(name));
        fs::write(path("far").join(name), "").unwrap();
        std::os::unix::fs::symlink(path("far").join(name), path(name)).unwrap();
    }
    let watch = Watch::start(Arc::clone(&world.publisher)).unwrap();
    let desk = desk(&world);
    let verdict = || {
        let request = domlogon_protocol::Request::Account {
            user: UserName::parse(b"alice").unwrap(),
            origin: Origin::default(),
        };
        match desk.answer(Door::Main, Caller::of(0), request) {
            Reply::Decision(decision) => decision.verdict,
            other => panic!("not a decision: {other:?}"),
        }
    };
    let is_shown = || {
        let there = world.path(BASE_FILE).exists() && world.path(DELTA_FILE).exists();
        there && matches!(world.view().user("alice"), Seen::Here(_))
    };
    for (name, text) in [
        ("passwd", "alice:x:1000:1000::/:/bin/sh\n".to_owned()),
        ("passwd", format!("bob:x:{}:1000::/:/bin/sh\n", alice.uid)),
        ("group", format!("crew:x:{}:\n", alice.gid)),
        ("subuid", format!("bob:{}:1\n", alice.uid)),
        ("subgid", format!("bob:{}:1\n", alice.gid)),
    ] {
        assert!(is_shown(), "{name}");
        assert_ne!(verdict(), Verdict::UserNotFound);
        fs::write(path("far").join(name), text).unwrap();
        assert_eq!(verdict(), Verdict::UserNotFound, "{name}");
        assert!(!is_shown(), "{name}");
        fs::write(path("far").join(name), "").unwrap();
        world.publisher.look();
        world.publisher.wait(Duration::from_secs(10));
    }
    watch.stop();
}

#[test]
fn changes_of_many_at_once_go_together() {
    let world = World::new();
    world.add("first");
    thread::scope(|scope| {
        for hand in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for number in 0..20 {
                    let name = format!("hand{hand}-{number}");
                    world.add(&name);
                    assert!(matches!(world.view_anyhow().user(&name), Seen::Here(_)));
                }
            });
        }
    });
    compare(&world);
}

impl World {
    /// As [`view`](Self::view), while others replace the files.
    fn view_anyhow(&self) -> View {
        loop {
            let view = self.view();
            let base = Reader::of_file(&view.base).unwrap();
            let delta = Reader::of_file(&view.delta).unwrap();
            if base.is_base_of(&delta) {
                return view;
            }
        }
    }
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn on_a_full_disk() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let world = World::new();
    world.import(1200);
    let held = world.held();
    let flag = Arc::default();
    signal_hook::flag::register(nix::libc::SIGXFSZ, flag).unwrap();
    let (_, most) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 50_000, most).unwrap();
    world.publisher.renew();
    let end = Instant::now() + Duration::from_secs(10);
    while world.path(BASE_FILE).exists() {
        assert!(Instant::now() < end, "withdrawn in time");
        thread::sleep(Duration::from_millis(10));
    }
    world.publisher.catch_up();
    setrlimit(Resource::RLIMIT_FSIZE, most, most).unwrap();
    assert!(held.iter().all(is_superseded));
    assert_eq!(
        fs::read_dir(world.path("")).unwrap().count(),
        0,
        "no room is taken"
    );
    world.publisher.wait(Duration::from_secs(20));
    compare(&world);
    assert_eq!(world.lines("not published"), 1);
    assert_eq!(world.lines("published again"), 1);
}

#[test]
fn a_full_disk_takes_the_files_away_until_there_is_room() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "publish::tests::on_a_full_disk"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}
