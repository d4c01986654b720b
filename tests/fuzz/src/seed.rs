//! Values to begin with, of the kinds that several targets take.

use domlogon_protocol::admin::{self, AdminError, GroupRecord, ImportedUser, NewUser, UserRecord};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::frame;
use domlogon_protocol::rights::{Change, Loaded, Problem, ProblemKind, RightsStatus, Simulation};
use domlogon_protocol::{
    Basis, Decision, Explanation, Fact, LogonType, Notice, Origin, Outcome, Params, Policy, Reply,
    Request, Right, RightFact, RightName, Rule, Secret, Step, TicketBytes, Tickets, Timestamp,
    UserName, Verdict,
};
use serde::Serialize;

/// A message as it goes over a socket.
pub(crate) fn framed(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, message, frame::MAX_REPLY).unwrap_or_else(|error| panic!("{error}"));
    bytes
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn origin() -> Origin {
    Origin {
        service: "login".to_owned(),
        tty: Some("tty1".to_owned()),
        remote_host: None,
    }
}

/// A request of each kind.
pub(crate) fn requests() -> Vec<Request> {
    let (user, origin) = (name("alice"), origin());
    let secret = |text: &str| Secret::new(text.as_bytes());
    let mut all = vec![
        Request::UserByName("alice".to_owned()),
        Request::UserById(1_900_001_103),
        Request::GroupByName("CORP\\Domain Users".to_owned()),
        Request::GroupById(1_900_000_513),
        Request::GroupsOf("alice@corp.example".to_owned()),
        Request::Users(0),
        Request::Groups(1_900_000_512),
        Request::Logon {
            user: user.clone(),
            password: secret("right-1-Word"),
            origin: origin.clone(),
        },
        Request::Account {
            user: name("CORP\\alice"),
            origin: origin.clone(),
        },
        Request::Preliminary {
            user: user.clone(),
            old: Some(secret("right-1-Word")),
            origin: origin.clone(),
        },
        Request::Change {
            user: user.clone(),
            old: Some(secret("right-1-Word")),
            new: secret("another-2-Word"),
            origin: origin.clone(),
        },
        Request::Explain {
            user: user.clone(),
            service: "sshd".to_owned(),
            at: Some(Timestamp(1_795_417_200)),
        },
        Request::Status,
        Request::Tickets { user, origin },
    ];
    all.extend(administration().into_iter().map(Request::Admin));
    all
}

/// An administrator's request of each kind.
fn administration() -> Vec<admin::Request> {
    let new = NewUser {
        name: "dora".to_owned(),
        full_name: Some("Dora D.".to_owned()),
        uid: None,
        home: None,
        shell: Some("/bin/sh".to_owned()),
        must_change: false,
        password: Some(Secret::new(b"Some-3-thing")),
    };
    let changes = admin::UserChanges {
        disabled: Some(false),
        expires: Some(None),
        hours: Some(Some(domlogon_protocol::LogonHours([0x5A; 21]))),
        workstations: Some(vec!["ws1".to_owned()]),
        ..admin::UserChanges::default()
    };
    let imported = ImportedUser {
        row: 2,
        new: NewUser {
            name: "emil".to_owned(),
            password: None,
            ..new.clone()
        },
        changes: changes.clone(),
        groups: vec!["Users".to_owned()],
        hash: Some(Secret::new(HASH.as_bytes())),
    };
    let members = |group: &str| (group.to_owned(), vec!["alice".to_owned()]);
    let (group, added) = members("Staff");
    let (from, removed) = members("Staff");
    vec![
        admin::Request::UserAdd(Box::new(new)),
        admin::Request::UserSet {
            name: "alice".to_owned(),
            changes: Box::new(changes),
            force: false,
        },
        admin::Request::UserPassword {
            name: "bob".to_owned(),
            password: Secret::new(b"Some-4-thing"),
            must_change: true,
            unlock: true,
        },
        admin::Request::UserUnlock("alice".to_owned()),
        admin::Request::UserShow("alice".to_owned()),
        admin::Request::UserDelete {
            name: "carol".to_owned(),
            force: false,
        },
        admin::Request::UserList(0),
        admin::Request::GroupAdd("Staff".to_owned()),
        admin::Request::GroupShow("Domain Users".to_owned()),
        admin::Request::GroupDelete("Staff".to_owned()),
        admin::Request::GroupList(0),
        admin::Request::GroupAddMembers {
            group,
            members: added,
        },
        admin::Request::GroupRemoveMembers {
            group: from,
            members: removed,
            force: false,
        },
        admin::Request::PolicyShow,
        admin::Request::PolicySet(Box::new(admin::PolicyChanges {
            min_length: Some(12),
            ..admin::PolicyChanges::default()
        })),
        admin::Request::RightsShow,
        admin::Request::RightsCheck {
            text: RIGHTS.to_owned(),
            names: vec!["Everyone".to_owned(), "S-1-5-32-544".to_owned()],
        },
        admin::Request::RightsSimulate {
            text: RIGHTS.to_owned(),
            since: Timestamp(0),
        },
        admin::Request::RightsReload,
        admin::Request::UserImport {
            users: vec![imported],
            dry_run: true,
        },
        admin::Request::UserImportProgress,
    ]
}

/// A hash of the word "word", as crypt(5) writes it with a thousand rounds.
pub(crate) const HASH: &str =
    "$5$rounds=1000$saltstring$8kNEJMbVIpyg6J1.5Pw0EopEbXPT4R3LOeUz6nr38V0";

/// A file of rights.
pub(crate) const RIGHTS: &str = "# who may come in\n[rights]\nSeNetworkLogonRight = [\"Everyone\", \
     \"CORP\\\\alice\"] # why\nSeDenyBatchLogonRight = [\n    \"S-1-5-32-546\",\n]\n[services]\nsshd = \
     \"network\"\nvsftpd = { type = \"network\", can_change = true }\n[audit]\nSeNetworkLogonRight = true\n";

/// A decision with everything in it.
pub(crate) fn decision(verdict: Verdict) -> Decision {
    let mut decision = Decision::new(verdict, Rule::LogonHours);
    decision.also = vec![Verdict::PasswordTooShort];
    decision.notices = vec![Notice::ExpiresIn(86_400), Notice::Offline];
    decision.params = Params {
        user: "alice".to_owned(),
        domain: "CORP".to_owned(),
        host: "ws1".to_owned(),
        service: "login".to_owned(),
        logon_type: Some(LogonType::Network),
        locked_until: Some(Timestamp(1_795_417_200)),
        minutes: Some(30),
        until: Some(Timestamp(1_795_417_200)),
        next_allowed: Some(Timestamp(1_795_417_200)),
        next_change: Some(Timestamp(1_795_417_200)),
        min_length: Some(8),
        max_length: Some(256),
        history: Some(24),
        complexity: Some(true),
        contact: Some("ext. 4711".to_owned()),
        sentences: vec![(verdict, "No, {user}, at {next_allowed}.".to_owned())],
    };
    decision
}

/// Replies of many kinds.
pub(crate) fn replies() -> Vec<Reply> {
    let user = User {
        name: "alice".to_owned(),
        uid: 1_900_001_103,
        gid: 1_900_000_513,
        full_name: "Alice A.".to_owned(),
        home: "/home/alice".to_owned(),
        shell: "/bin/bash".to_owned(),
    };
    let group = Group {
        name: "Domain Users".to_owned(),
        gid: 1_900_000_513,
        members: vec!["alice".to_owned(), "bob".to_owned()],
    };
    let step = Step {
        rule: Rule::Lockout,
        outcome: Outcome::Passed,
        fact: Fact::Lockout {
            count: 1,
            threshold: 10,
            since: Some(Timestamp(7)),
            until: None,
        },
    };
    let mut all = vec![
        Reply::User(Some(user.clone())),
        Reply::Group(Some(group.clone())),
        Reply::GroupIds(Some(vec![1_900_000_513, 1_900_001_200])),
        Reply::Users(Page {
            entries: vec![user],
            next: Some(1_900_001_103),
        }),
        Reply::Groups(Page {
            entries: vec![group],
            next: None,
        }),
        Reply::Preliminary {
            decision: Box::new(decision(Verdict::Success)),
            rules: Some(Box::new(decision(Verdict::Success).params)),
        },
        Reply::Explanation(Box::new(Explanation {
            at: Timestamp(1_795_417_200),
            logon_type: LogonType::Network,
            can_change: true,
            steps: vec![step],
            with_password: decision(Verdict::InvalidLogonHours),
            without_password: decision(Verdict::Success),
        })),
        Reply::Refused(Verdict::Busy),
        Reply::Tickets(Some(Box::new(Tickets {
            cache: "FILE:/tmp/krb5cc_1900001103_XXXXXX".to_owned(),
            credentials: TicketBytes::new(b"ticket").unwrap_or_else(|| panic!("too long")),
            uid: 1_900_001_103,
            gid: 1_900_000_513,
        }))),
        Reply::AdminRefused(Box::new(AdminError::NotAllowed)),
        Reply::AdminRefused(Box::new(AdminError::OutOfRange(
            admin::PolicySetting::History,
            0,
            24,
        ))),
        Reply::Status(Box::new(status())),
    ];
    for verdict in [
        Verdict::Success,
        Verdict::MustChange,
        Verdict::LogonFailure,
        Verdict::LockedOut,
        Verdict::InvalidLogonHours,
        Verdict::LogonTypeNotGranted,
        Verdict::PasswordTooShort,
    ] {
        all.push(Reply::Decision(Box::new(decision(verdict))));
    }
    let shown = [
        admin::Reply::Done,
        admin::Reply::User(Box::new(record())),
        admin::Reply::Users(vec![record()], Some(1103)),
        admin::Reply::Group(team()),
        admin::Reply::Groups(vec![team()], None),
        admin::Reply::Policy(Policy::default()),
        admin::Reply::RightsSimulated(Box::new(simulation())),
        admin::Reply::Imported(admin::Imported::default()),
        admin::Reply::ImportProgress(3, 7),
    ];
    all.extend(shown.map(|shown| Reply::Admin(Box::new(shown))));
    all
}

fn record() -> UserRecord {
    UserRecord {
        name: "alice".to_owned(),
        sid: "S-1-5-21-1-2-3-1103".to_owned(),
        rid: 1103,
        uid: 1_900_001_103,
        gid: 1_900_000_513,
        full_name: "Alice A.".to_owned(),
        home: "/home/alice".to_owned(),
        shell: "/bin/bash".to_owned(),
        has_password: true,
        disabled: false,
        locked: true,
        locked_until: Some(Timestamp(1_795_417_200)),
        must_change: true,
        cannot_change: false,
        password_never_expires: false,
        password_not_required: false,
        bad_password_count: 10,
        bad_password_at: Some(Timestamp(1_795_417_200)),
        password_set_at: Some(Timestamp(1_795_417_200)),
        password_expires_at: Some(Timestamp(1_795_417_200)),
        expires_at: None,
        hours: Some(domlogon_protocol::LogonHours([0x5A; 21])),
        workstations: vec!["ws1".to_owned()],
        last_logon_at: Some(Timestamp(1_795_417_200)),
        groups: vec!["Staff".to_owned()],
        passed_over_home: Some("/etc".to_owned()),
    }
}

fn team() -> GroupRecord {
    GroupRecord {
        name: "Staff".to_owned(),
        sid: "S-1-5-21-1-2-3-1200".to_owned(),
        rid: 1200,
        gid: 1_900_001_200,
        built_in: false,
        users: vec!["alice".to_owned()],
        groups: vec!["Users".to_owned()],
    }
}

fn status() -> admin::Status {
    admin::Status {
        version: "0.1.0".to_owned(),
        domain: "CORP".to_owned(),
        dns_name: "corp.example".to_owned(),
        domain_sid: "S-1-5-21-1-2-3".to_owned(),
        host: "ws1".to_owned(),
        backend: "directory".to_owned(),
        store: Verdict::Success,
        users: 2,
        groups: 3,
        started_at: Timestamp(1_795_417_200),
        configured_at: Timestamp(1_795_417_200),
        reload_refused: true,
        granted: 7,
        refused: 8,
        confined: admin::Confined {
            to: vec!["system calls by seccomp".to_owned()],
            not: vec!["not confined to its files: this kernel has no Landlock".to_owned()],
        },
        rights: RightsStatus {
            file: "/etc/domlogon/rights.toml".to_owned(),
            loaded: Loaded::LastGood,
            version: 7,
            loaded_at: Timestamp(1_795_417_200),
            refused: Some(problem()),
            warnings: vec![problem()],
            audit: vec![RightName::ALL[1]],
        },
        directory: Some(admin::DirectoryStatus {
            server: None,
            since: Timestamp(1_795_417_200),
            why: Some("no controller answers".to_owned()),
            servers: vec![("dc1.corp.example".to_owned(), Some("silent".to_owned()))],
            machine_password_set_at: Some(Timestamp(1_795_417_200)),
            offline_age: 86_400,
            passed_over: vec!["rodc1.corp.example".to_owned()],
        }),
    }
}

fn problem() -> Problem {
    Problem {
        place: Some((3, 7)),
        kind: ProblemKind::NobodyDenied(RightName::ALL[1], "bob".to_owned()),
    }
}

fn simulation() -> Simulation {
    let fact = RightFact {
        logon_type: LogonType::Network,
        right: Some(Right::Network),
        basis: Basis::NoLists,
        version: 7,
    };
    Simulation {
        since: Timestamp(0),
        remembered_since: Some(Timestamp(7)),
        judged: 2,
        gone: 1,
        changes: vec![Change {
            user: "alice".to_owned(),
            service: "sshd".to_owned(),
            last: Timestamp(1_795_417_200),
            now: (fact.clone(), true),
            then: (fact, false),
        }],
        more: 1,
        warnings: vec![problem()],
    }
}
