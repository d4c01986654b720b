//! Whole requests to a daemon with an account database, from every kind of caller.

use crate::Target;
use crate::cut::Cut;
use crate::scratch;
use crate::seed;
use domlogon_daemon::fuzzed::Office;
use domlogon_protocol::admin;
use domlogon_protocol::frame::{self, MAX_REPLY, MAX_REQUEST};
use domlogon_protocol::{Reply, Request, Secret, UserName, Verdict};
use std::cell::RefCell;
use std::collections::HashMap;

/// Requests one after the other, each as it is sent.
pub(crate) const DESK: Target = Target {
    name: "desk",
    run: desk,
    seeds: || {
        let requests = seed::requests();
        let mut all = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            let next = requests
                .get((index + 7) % requests.len())
                .unwrap_or(request);
            for caller in [0_u8, 1, 2, 3] {
                let mut input = vec![caller];
                input.extend(seed::framed(request));
                input.push((caller + 1) % 4);
                input.extend(seed::framed(next));
                all.push(input);
            }
        }
        all
    },
    words: &[
        "alice",
        "bob",
        "carol",
        "right-1-Word",
        "CORP\\",
        "@corp.example",
        "login",
        "sshd",
        "Staff",
    ],
    longest: 4096,
    smoke: 1_500,
};

/// A new daemon after so many inputs: what they leave behind has an end.
const RENEWED: u32 = 2_000;

/// The ids of the accounts that are made at the start, in their order; see `domlogon_rules`.
const FIRST: u32 = 1_900_001_000;

thread_local! {
    static SCENE: RefCell<Option<Scene>> = const { RefCell::new(None) };
}

struct Scene {
    office: Office,
    /// All passwords that an account of this key ever had.
    passwords: HashMap<String, Vec<Vec<u8>>>,
    inputs: u32,
    strangers: u32,
}

fn desk(bytes: &[u8]) {
    SCENE.with(|scene| {
        let mut scene = scene.borrow_mut();
        if scene.as_ref().is_none_or(|scene| scene.inputs >= RENEWED) {
            *scene = None;
            *scene = Some(Scene::new());
        }
        if let Some(scene) = scene.as_mut() {
            scene.inputs += 1;
            scene.input(bytes);
        }
    });
}

impl Scene {
    fn new() -> Self {
        let folder = scratch::folder().join("desk");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
        for file in ["passwd", "group"] {
            let text = "root:x:0:0::/root:/bin/sh\nlarry:x:1001:1001::/:/bin/sh\n";
            std::fs::write(folder.join(file), text).unwrap_or_else(|error| panic!("{error}"));
        }
        let mut scene = Self {
            office: Office::open(
                &folder,
                "[rights]\nSeInteractiveLogonRight = [\"Everyone\"]\n",
            ),
            passwords: HashMap::new(),
            inputs: 0,
            strangers: 100_000,
        };
        for (name, password) in [
            ("alice", Some("right-1-Word")),
            ("bob", None),
            ("carol", Some("Other-2-Word")),
        ] {
            let request = admin::Request::UserAdd(Box::new(admin::NewUser {
                name: name.to_owned(),
                full_name: None,
                uid: None,
                home: None,
                shell: None,
                must_change: name == "carol",
                password: password.map(|password| Secret::new(password.as_bytes())),
            }));
            let reply = scene.ask(true, 0, Request::Admin(request));
            assert!(matches!(reply, Some(Reply::Admin(_))), "{reply:?}");
        }
        scene
    }

    /// Each request has a byte before it that says from whom it is.
    fn input(&mut self, bytes: &[u8]) {
        let mut cut = Cut(bytes);
        for _ in 0..4 {
            let who = cut.byte();
            let Ok(request) = frame::read::<Request>(&mut cut.0, MAX_REQUEST) else {
                return;
            };
            let is_judged = matches!(
                request,
                Request::Logon { .. }
                    | Request::Account { .. }
                    | Request::Preliminary { .. }
                    | Request::Change { .. }
            );
            let (at_admin_door, uid) = match who % 4 {
                0 => (false, 0),
                1 => (true, 0),
                // Alice herself, but where she would have to wait for her turn.
                2 if !is_judged => (who & 4 != 0, FIRST),
                _ => {
                    self.strangers += 1;
                    (who & 4 != 0, self.strangers)
                }
            };
            self.ask(at_admin_door, uid, request);
        }
    }

    fn ask(&mut self, at_admin_door: bool, uid: u32, request: Request) -> Option<Reply> {
        let asked = request.clone();
        self.learn(&asked);
        let reply = self.office.answer(at_admin_door, uid, request);
        let Some(reply) = reply else {
            assert!(at_admin_door && uid != 0, "root is let in everywhere");
            return None;
        };
        let wire = seed::framed(&reply);
        let read = frame::read::<Reply>(&mut wire.as_slice(), MAX_REPLY);
        assert_eq!(read.ok().as_ref(), Some(&reply));
        self.judge(at_admin_door, uid, &asked, &reply);
        self.read_the_log(&asked);
        Some(reply)
    }

    /// Whatever password somebody was to get, whether or not he got it.
    fn learn(&mut self, asked: &Request) {
        let (name, password) = match asked {
            Request::Change { user, new, .. } => (user.account(), new),
            Request::Admin(admin::Request::UserAdd(new)) => match &new.password {
                Some(password) => (new.name.as_str(), password),
                None => return,
            },
            Request::Admin(admin::Request::UserPassword { name, password, .. }) => {
                (name.as_str(), password)
            }
            _ => return,
        };
        // Any of the ways to say whose it is.
        let key = UserName::parse(name.as_bytes())
            .map_or_else(|_| name.to_lowercase(), |name| name.key());
        let known = self.passwords.entry(key).or_default();
        known.push(password.expose().to_vec());
    }

    fn judge(&self, at_admin_door: bool, uid: u32, asked: &Request, reply: &Reply) {
        let is_root = uid == 0;
        match (asked, reply) {
            (Request::Logon { user, password, .. }, Reply::Decision(decision))
                if decision.verdict.grants() =>
            {
                let known = self.passwords.get(&user.key());
                let is_one =
                    known.is_some_and(|known| known.iter().any(|known| known == password.expose()));
                assert!(is_one, "{user} came in with {:?}", password.expose());
                assert!(is_root, "a stranger was told");
            }
            (Request::Logon { .. }, Reply::Decision(_)) => {}
            (Request::Account { .. } | Request::Change { .. }, Reply::Decision(decision))
            | (Request::Preliminary { .. }, Reply::Preliminary { decision, .. }) => {
                assert!(is_root || !decision.verdict.grants(), "{uid}: {asked:?}");
            }
            (Request::Admin(_), Reply::Admin(_)) => {
                assert!(is_root && at_admin_door, "{uid}: {asked:?}");
            }
            (Request::Tickets { .. }, Reply::Tickets(tickets)) => assert!(tickets.is_none()),
            (
                Request::Logon { .. }
                | Request::Account { .. }
                | Request::Preliminary { .. }
                | Request::Change { .. },
                other,
            ) => panic!("no decision: {other:?}"),
            (_, Reply::Refused(verdict)) => assert!(*verdict != Verdict::Success),
            _ => {}
        }
    }

    /// No line can be two, and none has a password in it.
    fn read_the_log(&self, asked: &Request) {
        let password = match asked {
            Request::Logon { password, .. } => Some(password),
            Request::Change { new, .. } => Some(new),
            _ => None,
        };
        let elsewhere = |password: &[u8]| {
            let shown = format!("{asked:?}");
            let text = String::from_utf8_lossy(password).into_owned();
            shown.contains(&text) || password.len() < 8
        };
        let password = password
            .map(Secret::expose)
            .filter(|password| !elsewhere(password));
        for line in self.office.lines() {
            let text = String::from_utf8_lossy(&line);
            assert!(!text.contains(char::is_control), "{text:?}");
            if let Some(password) = password {
                let theirs = theirs(&text);
                let inside = theirs.windows(password.len()).any(|part| part == password);
                assert!(!inside, "a password: {text:?}");
            }
        }
    }
}

/// A line of the log without what is the daemon's own in it, which a password may look like.
fn theirs(line: &str) -> Vec<u8> {
    const OURS: [&str; 5] = ["ntstatus=", "verdict=", "ref=", "caller=", "type="];
    let is_theirs = |word: &&str| !OURS.iter().any(|ours| word.starts_with(ours));
    let words: Vec<&str> = line.split(' ').filter(is_theirs).collect();
    words.join(" ").into_bytes()
}
