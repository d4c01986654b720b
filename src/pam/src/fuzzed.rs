//! A door for `tests/fuzz`: the hooks, before a daemon and an application that say whatever
//! they like. Not in the module that is shipped.
#![allow(clippy::panic)]

use crate::arguments::Arguments;
use crate::flow::{self, Cache, Flags, Host, Item, Kept, Level, NoAnswer, Token};
use crate::helper::{HelperError, Owner};
use domlogon_protocol::client::CallError;
use domlogon_protocol::frame::{self, FrameError};
use domlogon_protocol::{
    AuthCode, Calendar, Catalogue, LOWEST_ID, PamCode, Reply, Request, Secret, TicketBytes,
    Timestamp, Verdict,
};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};

/// Somebody of the host's own list.
const LOCAL_ID: u32 = 1002;

/// What the application and the daemon say.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// PAM_SERVICE
    pub service: &'a str,
    /// PAM_USER
    pub user: &'a [u8],
    /// The arguments of the module's line.
    pub arguments: &'a str,
    /// What a person types, one word for each question; then there is no answer.
    pub typed: &'a [&'a [u8]],
    /// Whether an earlier module has asked for passwords.
    pub tokens: bool,
    /// Whether the process is root's.
    pub root: bool,
    /// Which hooks are called, in their order, and with which flags.
    pub calls: &'a [(u8, i32)],
    /// What comes over the daemon's socket, one frame for each request.
    pub replies: &'a [u8],
}

/// Plays a script. No hook may succeed but by what the daemon said in this call.
pub fn play(script: Script<'_>) {
    let host = Stage::new(script);
    for (hook, flags) in script.calls.iter().take(8) {
        let words: Vec<String> = script.arguments.split(' ').map(str::to_owned).collect();
        let (arguments, _) = Arguments::parse(&words);
        let ignores = arguments.ignore_unknown_user || arguments.ignore_authinfo_unavail;
        host.heard.borrow_mut().clear();
        let flags = Flags(*flags);
        let code = match hook % 6 {
            0 => flow::authenticate(&host, flags, arguments),
            1 => flow::account(&host, flags, arguments),
            2 => flow::change(&host, flags, arguments),
            3 => flow::credentials(&host, flags, arguments),
            4 => flow::open_session(&host, flags, arguments),
            _ => flow::close_session(&host, flags, arguments),
        };
        assert!(
            code != PamCode::Ignore || ignores,
            "ignored without being told to"
        );
        host.judge(hook % 6, flags, code);
    }
}

/// A host that reads its lines off the script.
struct Stage<'a> {
    script: Script<'a>,
    replies: RefCell<&'a [u8]>,
    typed: Cell<usize>,
    user: RefCell<Vec<u8>>,
    kept: RefCell<Option<Kept>>,
    /// The last change that the first pass let through, or that needs none.
    ready: Cell<bool>,
    cache: RefCell<Option<Cache>>,
    token: RefCell<Option<Secret>>,
    /// The verdicts of this call that came as decisions, and whether that of a preliminary check.
    heard: RefCell<Vec<(Verdict, bool)>>,
    said: Cell<usize>,
}

impl<'a> Stage<'a> {
    fn new(script: Script<'a>) -> Self {
        Self {
            script,
            replies: RefCell::new(script.replies),
            typed: Cell::new(0),
            user: RefCell::new(script.user.to_vec()),
            kept: RefCell::default(),
            ready: Cell::new(false),
            cache: RefCell::default(),
            token: RefCell::default(),
            heard: RefCell::default(),
            said: Cell::new(0),
        }
    }

    /// Success needs a decision that grants; of the hooks of a session it says nothing.
    fn judge(&self, hook: u8, flags: Flags, code: PamCode) {
        if !matches!(code, PamCode::Success | PamCode::NewAuthtokReqd) || hook > 2 {
            return;
        }
        let heard = self.heard.borrow();
        let last = heard.last().copied();
        let granted = |verdict: Verdict| verdict.grants();
        let good = match (hook, last) {
            (0, Some((verdict, false))) => {
                let deferred = matches!(verdict.row().codes.authenticate, AuthCode::SshdDefers(_));
                granted(verdict) || (deferred && self.script.service == "sshd")
            }
            (1, Some((verdict, false))) => {
                granted(verdict) || verdict == Verdict::SmartcardRequired
            }
            // The first pass, or an update that makes it now: nothing to do, or the check.
            (2, Some((verdict, preliminary))) if flags.preliminary() => {
                let good = granted(verdict) && (preliminary || flags.only_expired());
                self.ready.set(good);
                good
            }
            (2, Some((verdict, preliminary))) => {
                granted(verdict) && (!preliminary || flags.only_expired())
            }
            // Nothing was asked: the first pass has found that there is nothing to do.
            (2, None) => !flags.preliminary() && self.ready.get(),
            _ => false,
        };
        assert!(good, "{hook} {flags:?} is {code:?} after {heard:?}");
    }

    fn next_typed(&self) -> Result<Secret, NoAnswer> {
        let at = self.typed.get();
        self.typed.set(at + 1);
        self.script
            .typed
            .get(at)
            .map(|word| Secret::new(word))
            .ok_or(NoAnswer)
    }

    fn say(&self, text: &str) {
        self.said.set(self.said.get() + text.len());
    }
}

impl Calendar for Stage<'_> {
    fn show(&self, at: Timestamp) -> String {
        crate::handle::fuzzed_instant(at)
    }
}

impl Catalogue for Stage<'_> {
    fn translate<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }
}

impl Host for Stage<'_> {
    fn ask_hidden(&self, prompt: &str) -> Result<Secret, NoAnswer> {
        self.say(prompt);
        self.next_typed()
    }

    fn ask_shown(&self, prompt: &str) -> Result<Secret, NoAnswer> {
        self.say(prompt);
        self.next_typed()
    }

    fn inform(&self, text: &str) {
        self.say(text);
    }

    fn complain(&self, text: &str) {
        self.say(text);
    }

    fn item(&self, item: Item) -> Option<Vec<u8>> {
        match item {
            Item::Service => Some(self.script.service.as_bytes().to_vec()),
            Item::User => Some(self.user.borrow().clone()),
            Item::UserPrompt | Item::Tty => None,
            Item::RemoteHost => Some(self.script.user.to_vec()),
        }
    }

    fn set_user(&self, name: &[u8]) {
        self.user.replace(name.to_vec());
    }

    fn token(&self, _: Token) -> Option<Secret> {
        let given = self.script.tokens.then(|| Secret::new(b"earlier"));
        self.token.borrow().clone().or(given)
    }

    fn set_token(&self, _: Token, secret: &Secret) {
        self.token.replace(Some(secret.clone()));
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
        Some("FILE:/tmp/krb5cc_1001".to_owned())
    }

    fn set_cache_in_use(&self, name: &str) {
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
    }

    fn is_private_file_of(&self, _: &str, uid: u32) -> bool {
        uid == 1001
    }

    fn store_tickets(
        &self,
        cache: &str,
        owner: Owner,
        _: &TicketBytes,
    ) -> Result<String, HelperError> {
        assert!(
            owner.uid >= LOWEST_ID && owner.gid >= LOWEST_ID && owner.uid != LOCAL_ID,
            "{owner:?}"
        );
        Ok(cache.replace("XXXXXX", "abcdef"))
    }

    fn destroy_tickets(&self, cache: &Cache) -> Result<(), HelperError> {
        assert!(cache.is_sessions_own && cache.owner.uid >= LOWEST_ID);
        Ok(())
    }

    fn renew_tickets(&self, cache: &Cache) -> Result<(), HelperError> {
        assert!(cache.owner.uid >= LOWEST_ID);
        Ok(())
    }

    fn stop_renewing(&self) {}

    fn reach(&self) -> Result<(), CallError> {
        Ok(())
    }

    fn ask(&self, _: &Request) -> Result<Reply, CallError> {
        let mut replies = self.replies.borrow_mut();
        let reply: Result<Reply, FrameError> = frame::read(&mut *replies, frame::MAX_REPLY);
        match &reply {
            Ok(Reply::Decision(decision)) => {
                self.heard.borrow_mut().push((decision.verdict, false));
            }
            Ok(Reply::Preliminary { decision, .. }) => {
                self.heard.borrow_mut().push((decision.verdict, true));
            }
            // Whatever it is: the last thing that was said is no decision.
            _ => self.heard.borrow_mut().push((Verdict::Unmapped, false)),
        }
        reply.map_err(CallError::Frame)
    }

    fn is_local_id(&self, uid: u32) -> bool {
        uid == LOCAL_ID
    }

    fn is_local(&self, names: &[&str]) -> bool {
        names.iter().any(|name| name.eq_ignore_ascii_case("root"))
    }

    fn host_name(&self) -> String {
        "ws1".to_owned()
    }

    fn real_uid(&self) -> u32 {
        if self.script.root { 0 } else { 1001 }
    }

    fn acts_as_root(&self) -> bool {
        self.script.root
    }

    fn delay_failure(&self) {}

    fn log(&self, _: Level, text: &str) {
        assert!(!text.contains("earlier"), "a password in the log");
    }
}

/// Reads the arguments of a line: how many are not used, and how often a new password is asked
/// for.
#[must_use]
pub fn arguments(words: &[String]) -> (usize, u32) {
    let (arguments, unused) = Arguments::parse(words);
    for unused in &unused {
        assert!(!unused.to_string().contains('\n'), "{unused}");
    }
    (unused.len(), arguments.retry)
}
