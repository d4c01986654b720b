//! What goes over the daemon's two sockets, both ways, and who reads it.

use crate::Target;
use crate::cut::{Cut, text};
use crate::scratch;
use crate::seed;
use domlogon_cli::fuzzed as cli;
use domlogon_fuzz_nss::fuzzed as nss;
use domlogon_fuzz_pam::fuzzed as pam;
use domlogon_protocol::frame::{self, FrameError, MAX_REPLY, MAX_REQUEST};
use domlogon_protocol::{Reply, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The bytes of a frame: what they say, said again, is read as the same.
fn there_and_back<T: Serialize + DeserializeOwned>(bytes: &[u8], most: usize) -> Option<T> {
    let mut rest = bytes;
    let read: Result<T, FrameError> = frame::read(&mut rest, most);
    let message = match read {
        Ok(message) => message,
        Err(error) => {
            let _ = error.to_string();
            return None;
        }
    };
    let once = seed::framed(&message);
    let again: T = frame::read(&mut once.as_slice(), MAX_REPLY)
        .unwrap_or_else(|error| panic!("not read again: {error}"));
    assert_eq!(seed::framed(&again), once);
    Some(message)
}

/// Requests, as the daemon reads them.
pub(crate) const REQUESTS: Target = Target {
    name: "requests",
    run: requests,
    seeds: || {
        let requests = seed::requests();
        let behind = requests.iter().map(|request| by(request, 1000));
        requests.iter().map(seed::framed).chain(behind).collect()
    },
    words: &["alice", "CORP\\", "@corp.example", "\x01\0"],
    longest: 4096,
    smoke: 20_000,
};

/// A request with somebody behind it.
fn by(request: &Request, real_uid: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write_behind(&mut bytes, request, MAX_REPLY, real_uid)
        .unwrap_or_else(|error| panic!("{error}"));
    bytes
}

fn requests(bytes: &[u8]) {
    let plain = there_and_back::<Request>(bytes, MAX_REQUEST);
    let read = frame::read_behind::<Request>(&mut &*bytes, MAX_REQUEST);
    if plain.is_some() {
        assert!(matches!(read, Ok((_, 0))), "nobody is behind it");
    }
    if let Ok((request, real_uid)) = read {
        let again = by(&request, real_uid);
        let (_, same) = frame::read_behind::<Request>(&mut again.as_slice(), MAX_REPLY)
            .unwrap_or_else(|error| panic!("not read again: {error}"));
        assert_eq!(same, real_uid);
        // Whatever is in it, a log that shows it shows no password.
        let shown = format!("{request:?}");
        if let Request::Logon { password, .. } = &request {
            assert!(
                shown.contains("Secret(not shown)"),
                "{}",
                password.expose().len()
            );
        }
    }
}

/// Replies, as the PAM module and the command read them, and as the NSS plugin does.
pub(crate) const REPLIES: Target = Target {
    name: "replies",
    run: replies,
    seeds: || seed::replies().iter().map(seed::framed).collect(),
    words: &["alice", "/home/", "\x01\0"],
    longest: 4096,
    smoke: 20_000,
};

fn replies(bytes: &[u8]) {
    let theirs = there_and_back::<Reply>(bytes, MAX_REPLY);
    let length = bytes
        .first_chunk::<4>()
        .map(|length| u32::from_le_bytes(*length));
    let body = length.and_then(|length| bytes.get(6..)?.get(..usize::try_from(length).ok()?));
    let Some(body) = body.filter(|_| bytes.get(4..6) == Some(&[1, 0])) else {
        return;
    };
    // The plugin has a reader of its own. What it takes, the protocol takes for the same; and
    // what the protocol takes of its kinds, it takes too.
    match (nss::reply(body), theirs) {
        (Ok(Some(ours)), theirs) => assert_eq!(Some(ours), theirs),
        (Ok(None), Some(theirs)) => assert!(!is_for_nss(&theirs), "{theirs:?}"),
        (Err(nss::Unreadable), Some(theirs)) => panic!("the plugin does not understand {theirs:?}"),
        (Ok(None) | Err(nss::Unreadable), None) => {}
    }
}

const fn is_for_nss(reply: &Reply) -> bool {
    matches!(
        reply,
        Reply::User(_) | Reply::Group(_) | Reply::GroupIds(_) | Reply::Users(_) | Reply::Groups(_)
    )
}

/// The PAM module's hooks before a daemon and an application that say whatever they like.
pub(crate) const PAM: Target = Target {
    name: "pam",
    run: pam_hooks,
    seeds: pam_seeds,
    words: &[
        "use_first_pass",
        "try_first_pass",
        "use_authtok",
        "sshd",
        "login",
        "\n",
    ],
    longest: 4096,
    smoke: 20_000,
};

/// Flags of a call, the calls, and lines: the service, the user, the arguments, what is typed;
/// then what comes from the daemon.
fn pam_hooks(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    let how = cut.byte();
    let calls: Vec<(u8, i32)> = (0..how % 5)
        .map(|_| {
            let [hook, low, high] = cut.array();
            (hook, i32::from(u16::from_le_bytes([low, high])))
        })
        .collect();
    let (service, user, arguments) = (cut.line(), cut.line(), cut.line());
    let typed: Vec<&[u8]> = (0..4).map(|_| cut.line()).collect();
    let (Some(service), Some(arguments)) = (text(service), text(arguments)) else {
        return;
    };
    pam::play(pam::Script {
        service,
        user,
        arguments,
        typed: typed.get(..usize::from(how / 8 % 5)).unwrap_or_default(),
        tokens: how & 0x40 != 0,
        root: how & 0x80 != 0,
        calls: &calls,
        replies: cut.0,
    });
}

fn pam_seeds() -> Vec<Vec<u8>> {
    // One call of each hook, and the two passes of a change, before each reply.
    let calls: [&[u8]; 6] = [
        &[1 + 8, 0, 0, 0],
        &[1, 1, 0, 0],
        &[2 + 8 * 4, 2, 0, 0x40, 2, 0, 0x20],
        &[2 + 8 * 4 + 0x40, 2, 0x20, 0x40, 2, 0x20, 0x20],
        &[3 + 0x80, 3, 2, 0, 4, 0, 0, 5, 0, 0],
        &[2 + 8, 0, 0, 0, 1, 0, 0],
    ];
    let mut all = Vec::new();
    for (index, reply) in seed::replies().iter().enumerate() {
        for call in calls.iter().skip(index % 2).step_by(2) {
            for service in ["login", "sshd"] {
                let mut input = call.to_vec();
                input.extend(format!("{service}\nalice\nretry=2\nold\nnew\nnew\nx\n").bytes());
                for _ in 0..3 {
                    input.extend(seed::framed(reply));
                }
                all.push(input);
            }
        }
    }
    all
}

/// The arguments of a line in /etc/pam.d.
pub(crate) const PAM_ARGUMENTS: Target = Target {
    name: "pam_arguments",
    run: pam_arguments,
    seeds: || {
        let lines: [&[u8]; 3] = [
            b"debug quiet use_first_pass try_first_pass use_authtok retry=5",
            b"ignore_unknown_user ignore_authinfo_unavail retry=0 retry=100 retry=+7",
            b"nullok retry= \xff\x1b[31m",
        ];
        lines.map(<[u8]>::to_vec).to_vec()
    },
    words: &["retry=", "debug", "use_authtok"],
    longest: 512,
    smoke: 20_000,
};

fn pam_arguments(bytes: &[u8]) {
    let words: Vec<String> = bytes
        .split(|byte| *byte == b' ')
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let (unused, retry) = pam::arguments(&words);
    assert!(unused <= words.len() && (1..=99).contains(&retry));
}

/// The command before a daemon that says whatever it likes.
pub(crate) const COMMAND: Target = Target {
    name: "command",
    run: command,
    seeds: || {
        let replies = seed::replies();
        let with = |(index, reply): (usize, &Reply)| {
            // Each reply before each command that might take it.
            let kinds = 0..u8::try_from(COMMANDS.len()).unwrap_or(0);
            let picked = kinds.filter(move |kind| (usize::from(*kind) + index) % 3 == 0);
            let framed = seed::framed(reply);
            picked.map(move |kind| [&[kind], framed.as_slice()].concat())
        };
        replies.iter().enumerate().flat_map(with).collect()
    },
    words: &["alice", "S-1-5-21-"],
    longest: 4096,
    smoke: 3_000,
};

/// Commands that ask the daemon and change nothing else.
const COMMANDS: [&[&str]; 18] = [
    &["user", "show", "alice"],
    &["user", "list"],
    &[
        "user",
        "set",
        "alice",
        "--disabled",
        "no",
        "--must-change",
        "yes",
    ],
    &["user", "unlock", "alice"],
    &["user", "delete", "alice"],
    &["user", "add", "alice"],
    &["group", "show", "staff"],
    &["group", "list"],
    &["group", "add", "staff"],
    &["group", "add-member", "staff", "alice"],
    &["policy", "show"],
    &["policy", "set", "min-length=8"],
    &["rights", "list"],
    &["rights", "test", "alice", "--service", "sshd"],
    &["explain", "alice", "--service", "sshd"],
    &[
        "explain",
        "alice",
        "--service",
        "login",
        "--at",
        "2026-01-01",
    ],
    &["status"],
    &["group", "delete", "staff"],
];

fn command(bytes: &[u8]) {
    let Some((kind, reply)) = bytes.split_first() else {
        return;
    };
    let server = FalseDaemon::the();
    reply.clone_into(&mut server.reply.lock().unwrap_or_else(PoisonError::into_inner));
    let socket = server.socket.to_string_lossy();
    let mut words = vec!["domlogon", "--socket", &socket];
    let command = COMMANDS.get(usize::from(*kind) % COMMANDS.len());
    words.extend(command.copied().unwrap_or_default());
    let Some((said, json, exit)) = cli::run(&words) else {
        panic!("{words:?} is no command line");
    };
    assert!(!said.is_empty() && !json.is_empty());
    let understood = frame::read::<Reply>(&mut &*reply, MAX_REPLY);
    let good = match &understood {
        Ok(Reply::Explanation(explained)) => explained.with_password.verdict.grants(),
        Ok(Reply::Admin(_) | Reply::Status(_)) => true,
        // Neither a refusal nor garbage is ever a yes.
        _ => false,
    };
    assert!(exit != 0 || good, "{words:?}: yes to {understood:?}");
}

/// Gives every caller the same bytes.
struct FalseDaemon {
    socket: PathBuf,
    reply: Mutex<Vec<u8>>,
}

impl FalseDaemon {
    fn the() -> &'static Self {
        static THE: OnceLock<FalseDaemon> = OnceLock::new();
        THE.get_or_init(|| {
            let folder = scratch::folder();
            let socket = folder.join("daemon");
            let listener = UnixListener::bind(&socket)
                .unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    // Whoever is gone needs no answer.
                    let _ = Self::the().answer(stream);
                }
            });
            Self {
                socket,
                reply: Mutex::default(),
            }
        })
    }

    fn answer(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let mut header = [0; 6];
        stream.read_exact(&mut header)?;
        let [a, b, c, d, ..] = header;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        // What is not read would be a broken connection to whoever asked.
        std::io::copy(&mut (&mut stream).take(length), &mut std::io::sink())?;
        stream.write_all(&self.reply.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
