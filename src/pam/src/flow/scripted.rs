//! A host that follows a script, for the tests of the flow.

use super::host::{Host, Item, Kept, KeptWhat, Level, NoAnswer, Token};
use super::session::Cache;
use crate::arguments::Arguments;
use crate::helper::{HelperError, Owner};
use domlogon_protocol::client::CallError;
use domlogon_protocol::{
    Calendar, Catalogue, Decision, Params, Reply, Request, Rule, Secret, TicketBytes, Timestamp,
    Verdict, admin, rights,
};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;

pub(super) const SILENT: i32 = 0x8000;
pub(super) const NO_BLANK: i32 = 0x1;
pub(super) const PRELIM: i32 = 0x4000;
pub(super) const UPDATE: i32 = 0x2000;
pub(super) const EXPIRED: i32 = 0x20;

/// What the daemon does with one request, or when it is only looked for.
pub(super) enum Answer {
    IsThere,
    Says(Reply),
    IsAway,
    IsFull,
    IsSilent,
    IsNewer,
}

/// What the helper answers.
pub(super) type HelperSays = fn() -> Result<String, HelperError>;

/// The user id of somebody in /etc/passwd.
pub(super) const LOCAL_ID: u32 = 5000;

/// The world of one transaction. Every question that the script has no answer for fails
/// the test, and so does an answer that nobody asked for ([`Scripted::done`]).
pub(super) struct Scripted {
    pub(super) user: RefCell<Option<Vec<u8>>>,
    pub(super) service: &'static str,
    pub(super) uid: u32,
    /// Whether the process acts as root.
    pub(super) root: Cell<bool>,
    /// KRB5CCNAME.
    pub(super) in_use: RefCell<Option<String>>,
    /// Files that are private, and whose.
    pub(super) private: Vec<(&'static str, u32)>,
    /// What the helper did, or was told in vain.
    pub(super) helped: RefCell<Vec<String>>,
    /// What the helper answers from now on; it does what it is told if there is nothing.
    pub(super) helper: Cell<Option<HelperSays>>,
    cache: RefCell<Option<Cache>>,
    pub(super) renewing: Cell<bool>,
    /// Every text is put between « and »: translated, as it were.
    foreign: bool,
    pub(super) password: RefCell<Option<Secret>>,
    pub(super) old_password: RefCell<Option<Secret>>,
    kept: RefCell<Option<Kept>>,
    typed: RefCell<VecDeque<Option<Vec<u8>>>>,
    replies: RefCell<VecDeque<Answer>>,
    /// What the person saw: `?` hidden question, `!` shown question, `I`, `E`.
    pub(super) seen: RefCell<Vec<String>>,
    /// What the daemon was asked, with the passwords in clear.
    pub(super) asked: RefCell<Vec<String>>,
    pub(super) logged: RefCell<Vec<String>>,
    pub(super) delays: Cell<u32>,
    /// How often the host's own names were read.
    pub(super) read: Cell<u32>,
}

impl Scripted {
    pub(super) fn new(user: &str) -> Self {
        Self {
            user: RefCell::new(Some(user.as_bytes().to_vec())),
            service: "login",
            uid: 1001,
            root: Cell::new(true),
            in_use: RefCell::default(),
            private: Vec::new(),
            helped: RefCell::default(),
            helper: Cell::default(),
            cache: RefCell::default(),
            renewing: Cell::default(),
            foreign: false,
            password: RefCell::default(),
            old_password: RefCell::default(),
            kept: RefCell::default(),
            typed: RefCell::default(),
            replies: RefCell::default(),
            seen: RefCell::default(),
            asked: RefCell::default(),
            logged: RefCell::default(),
            delays: Cell::default(),
            read: Cell::default(),
        }
    }

    pub(super) fn service(mut self, service: &'static str) -> Self {
        self.service = service;
        self
    }

    pub(super) fn uid(mut self, uid: u32) -> Self {
        self.uid = uid;
        self
    }

    /// Somebody who does not read English.
    pub(super) fn foreign(mut self) -> Self {
        self.foreign = true;
        self
    }

    pub(super) fn with_password(self, password: &str) -> Self {
        self.password
            .replace(Some(Secret::new(password.as_bytes())));
        self
    }

    pub(super) fn with_old_password(self, password: &str) -> Self {
        self.old_password
            .replace(Some(Secret::new(password.as_bytes())));
        self
    }

    /// The person types these.
    pub(super) fn types(self, words: &[&str]) -> Self {
        let words = words.iter().map(|w| Some(w.as_bytes().to_vec()));
        self.typed.borrow_mut().extend(words);
        self
    }

    /// The application has no answer.
    pub(super) fn fails_to_answer(self) -> Self {
        self.typed.borrow_mut().push_back(None);
        self
    }

    pub(super) fn answer(self, answer: Answer) -> Self {
        self.replies.borrow_mut().push_back(answer);
        self
    }

    pub(super) fn replies(self, reply: Reply) -> Self {
        self.answer(Answer::Says(reply))
    }

    /// The daemon is found to be there.
    pub(super) fn alive(self) -> Self {
        self.answer(Answer::IsThere)
    }

    /// The daemon knows the name.
    pub(super) fn known(self) -> Self {
        self.replies(Reply::User(Some(user())))
    }

    /// The accounts can be asked.
    pub(super) fn ready(self) -> Self {
        self.stores(Verdict::Success)
    }

    /// The condition of the accounts.
    pub(super) fn stores(self, store: Verdict) -> Self {
        self.replies(Reply::Status(Box::new(status(store))))
    }

    pub(super) fn decides(self, verdict: Verdict) -> Self {
        self.replies(Reply::Decision(Box::new(decision(verdict))))
    }

    /// The preliminary check ends so.
    pub(super) fn checks(self, verdict: Verdict) -> Self {
        let rules = verdict.grants().then(|| Box::new(rules()));
        self.replies(Reply::Preliminary {
            decision: Box::new(decision(verdict)),
            rules,
        })
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.take()
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.take()
    }

    pub(super) fn helped(&self) -> Vec<String> {
        self.helped.take()
    }

    fn help(&self, told: String, made: &str) -> Result<String, HelperError> {
        self.helped.borrow_mut().push(told);
        match self.helper.get() {
            Some(answer) => answer(),
            None => Ok(made.to_owned()),
        }
    }

    pub(super) fn has_kept(&self) -> bool {
        self.kept.borrow().is_some() && !self.is_held_up()
    }

    pub(super) fn is_held_up(&self) -> bool {
        let kept = self.kept.borrow();
        matches!(kept.as_ref(), Some(kept) if matches!(kept.what, KeptWhat::Deferred))
    }

    pub(super) fn password(&self) -> Option<String> {
        text(self.password.borrow().as_ref())
    }

    pub(super) fn old_password(&self) -> Option<String> {
        text(self.old_password.borrow().as_ref())
    }

    pub(super) fn user(&self) -> String {
        String::from_utf8(self.user.borrow().clone().unwrap()).unwrap()
    }

    /// The whole script was played.
    pub(super) fn done(&self) {
        assert_eq!(
            self.typed.borrow().len(),
            0,
            "typed words that nobody asked for"
        );
        assert_eq!(
            self.replies.borrow().len(),
            0,
            "replies that nobody asked for"
        );
    }

    fn next(&self, told: String) -> Result<Option<Reply>, CallError> {
        let next = self.replies.borrow_mut().pop_front();
        let answer = next.unwrap_or_else(|| panic!("no reply to {told}"));
        self.asked.borrow_mut().push(told);
        match answer {
            Answer::IsThere => Ok(None),
            Answer::Says(reply) => Ok(Some(reply)),
            Answer::IsAway => Err(CallError::NotRunning(io::ErrorKind::NotFound.into())),
            Answer::IsFull => Err(CallError::NotTaken),
            Answer::IsSilent => Err(CallError::Timeout),
            Answer::IsNewer => Err(CallError::Frame(
                domlogon_protocol::frame::FrameError::Version(9),
            )),
        }
    }

    fn ask_person(&self, mark: char, prompt: &str) -> Result<Secret, NoAnswer> {
        self.seen.borrow_mut().push(format!("{mark} {prompt}"));
        let next = self.typed.borrow_mut().pop_front();
        match next.unwrap_or_else(|| panic!("nothing to type at {prompt:?}")) {
            Some(word) => Ok(Secret::new(&word)),
            None => Err(NoAnswer),
        }
    }
}

impl Calendar for Scripted {
    fn show(&self, at: Timestamp) -> String {
        format!("<{}>", at.0)
    }
}

impl Catalogue for Scripted {
    fn translate<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.foreign {
            Cow::Owned(format!("«{text}»"))
        } else {
            Cow::Borrowed(text)
        }
    }
}

impl Host for Scripted {
    fn ask_hidden(&self, prompt: &str) -> Result<Secret, NoAnswer> {
        self.ask_person('?', prompt)
    }

    fn ask_shown(&self, prompt: &str) -> Result<Secret, NoAnswer> {
        self.ask_person('!', prompt)
    }

    fn inform(&self, text: &str) {
        self.seen.borrow_mut().push(format!("I {text}"));
    }

    fn complain(&self, text: &str) {
        self.seen.borrow_mut().push(format!("E {text}"));
    }

    fn item(&self, item: Item) -> Option<Vec<u8>> {
        match item {
            Item::Service => Some(self.service.as_bytes().to_vec()),
            Item::User => self.user.borrow().clone(),
            Item::UserPrompt => None,
            Item::Tty => Some(b"tty1".to_vec()),
            Item::RemoteHost => Some(vec![b'h'; 5_000]),
        }
    }

    fn set_user(&self, name: &[u8]) {
        self.user.replace(Some(name.to_vec()));
    }

    fn token(&self, token: Token) -> Option<Secret> {
        match token {
            Token::Password => self.password.borrow().clone(),
            Token::OldPassword => self.old_password.borrow().clone(),
        }
    }

    fn set_token(&self, token: Token, secret: &Secret) {
        match token {
            Token::Password => self.password.replace(Some(secret.clone())),
            Token::OldPassword => self.old_password.replace(Some(secret.clone())),
        };
    }

    fn keep(&self, kept: Kept) {
        self.kept.replace(Some(kept));
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.take()
    }

    fn keep_cache(&self, cache: Option<Cache>) {
        self.cache.replace(cache);
    }

    fn cache(&self) -> Option<Cache> {
        self.cache.borrow().clone()
    }

    fn cache_in_use(&self) -> Option<String> {
        self.in_use.borrow().clone()
    }

    fn set_cache_in_use(&self, name: &str) {
        self.in_use.replace(Some(name.to_owned()));
    }

    fn is_private_file_of(&self, path: &str, uid: u32) -> bool {
        self.private.contains(&(path, uid))
    }

    fn store_tickets(
        &self,
        cache: &str,
        owner: Owner,
        tickets: &TicketBytes,
    ) -> Result<String, HelperError> {
        let text = core::str::from_utf8(tickets.expose()).unwrap();
        let told = format!("store {cache} {} {} {text}", owner.uid, owner.gid);
        self.help(told, &cache.replace("XXXXXX", "a1b2c3"))
    }

    fn destroy_tickets(&self, cache: &Cache) -> Result<(), HelperError> {
        assert!(!self.renewing.get(), "destroyed while it is renewed");
        let told = format!("destroy {} {}", cache.name, cache.owner.uid);
        self.help(told, "").map(drop)
    }

    fn renew_tickets(&self, cache: &Cache) -> Result<(), HelperError> {
        let told = format!("renew {} {}", cache.name, cache.owner.uid);
        self.help(told, "")?;
        self.renewing.set(true);
        Ok(())
    }

    fn stop_renewing(&self) {
        if self.renewing.take() {
            self.helped.borrow_mut().push("stop".to_owned());
        }
    }

    fn reach(&self) -> Result<(), CallError> {
        match self.next("reach".to_owned())? {
            None => Ok(()),
            Some(reply) => panic!("looked for, and not asked for {reply:?}"),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        let told = told(request);
        let reply = self.next(told.clone())?;
        Ok(reply.unwrap_or_else(|| panic!("asked {told}, and not looked for")))
    }

    fn is_local(&self, names: &[&str]) -> bool {
        self.read.set(self.read.get() + 1);
        let own = ["root", "backup", "odd+name"];
        names
            .iter()
            .any(|name| own.contains(&name.to_lowercase().as_str()))
    }

    fn is_local_id(&self, uid: u32) -> bool {
        uid == LOCAL_ID
    }

    fn host_name(&self) -> String {
        "ws1".to_owned()
    }

    fn real_uid(&self) -> u32 {
        self.uid
    }

    fn acts_as_root(&self) -> bool {
        self.root.get()
    }

    fn delay_failure(&self) {
        self.delays.set(self.delays.get() + 1);
    }

    fn log(&self, level: Level, text: &str) {
        self.logged.borrow_mut().push(format!("{level:?} {text}"));
    }
}

pub(super) fn arguments(line: &str) -> Arguments {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let (arguments, unused) = Arguments::parse(&words);
    assert!(unused.is_empty(), "{unused:?}");
    arguments
}

pub(super) fn decision(verdict: Verdict) -> Decision {
    let mut decision = Decision::new(verdict, Rule::AllPassed);
    decision.params = rules();
    decision.params.user = "alice".to_owned();
    decision.params.host = "ws1".to_owned();
    decision
}

fn rules() -> Params {
    Params {
        min_length: Some(8),
        ..Params::default()
    }
}

fn text(secret: Option<&Secret>) -> Option<String> {
    secret.map(|s| String::from_utf8(s.expose().to_vec()).unwrap())
}

/// One line for each request, the account's part of the origin left out.
fn told(request: &Request) -> String {
    let old_text = |old: &Option<Secret>| text(old.as_ref()).unwrap_or_else(|| "-".to_owned());
    match request {
        Request::UserByName(name) => format!("name {name}"),
        Request::Logon {
            user,
            password,
            origin,
        } => {
            assert_eq!(origin.tty.as_deref(), Some("tty1"));
            assert_eq!(origin.remote_host.as_ref().unwrap().len(), 256);
            format!(
                "logon {user} {} {}",
                text(Some(password)).unwrap(),
                origin.service
            )
        }
        Request::Account { user, origin } => format!("account {user} {}", origin.service),
        Request::Status => "status".to_owned(),
        Request::Tickets { user, origin } => format!("tickets {user} {}", origin.service),
        Request::Preliminary { user, old, .. } => format!("check {user} {}", old_text(old)),
        Request::Change { user, old, new, .. } => format!(
            "change {user} {} {}",
            old_text(old),
            text(Some(new)).unwrap()
        ),
        other => panic!("unexpected {other:?}"),
    }
}

fn user() -> domlogon_protocol::directory::User {
    domlogon_protocol::directory::User {
        name: "alice".to_owned(),
        uid: 1_900_001_104,
        gid: 1_900_000_513,
        full_name: String::new(),
        home: String::new(),
        shell: String::new(),
    }
}

fn status(store: Verdict) -> admin::Status {
    admin::Status {
        version: String::new(),
        domain: "CORP".to_owned(),
        dns_name: String::new(),
        domain_sid: String::new(),
        host: String::new(),
        backend: String::new(),
        store,
        users: 0,
        groups: 0,
        started_at: Timestamp(0),
        configured_at: Timestamp(0),
        reload_refused: false,
        granted: 0,
        refused: 0,
        confined: admin::Confined::default(),
        rights: rights::RightsStatus {
            file: String::new(),
            loaded: rights::Loaded::Default,
            version: 0,
            loaded_at: Timestamp(0),
            refused: None,
            warnings: Vec::new(),
            audit: Vec::new(),
        },
        directory: None,
    }
}
