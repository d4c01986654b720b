//! What each hook does, told in terms of a [`Host`]; nothing here knows libpam.
#![forbid(unsafe_code)]

mod account;
mod authenticate;
mod change;
mod host;
mod preliminary;
#[cfg(test)]
mod scripted;
mod session;
#[cfg(test)]
mod spoken;

pub(crate) use account::account;
pub(crate) use authenticate::authenticate;
pub(crate) use change::change;
pub(crate) use host::{Flags, Host, Item, Kept, Level, NoAnswer, Token};
pub(crate) use session::{Cache, close_session, credentials, open_session};

use crate::arguments::Arguments;
use domlogon_protocol::client::CallError;
use domlogon_protocol::frame::FrameError;
use domlogon_protocol::{
    AuthCode, Decision, Hook, Notice, Origin, PamCode, Reply, Request, Text, UserName, Verdict,
    notice_sentence_in, sentence_in,
};

/// Most notices of one decision: there are not so many kinds.
const MOST_NOTICES: usize = 4;

/// One call of a hook.
struct Call<'a, H> {
    host: &'a H,
    hook: Hook,
    flags: Flags,
    arguments: Arguments,
    service: String,
}

impl<'a, H: Host> Call<'a, H> {
    fn new(host: &'a H, hook: Hook, flags: Flags, arguments: Arguments) -> Self {
        Self {
            host,
            hook,
            flags,
            arguments,
            service: text_item(host, Item::Service).unwrap_or_default(),
        }
    }

    /// The person, or the code that ends the call. A name of this host ends it at once:
    /// nobody is asked, and nothing is said.
    fn person(&self, may_ask: bool) -> Result<UserName, PamCode> {
        let name = match self.host.item(Item::User).filter(|name| !name.is_empty()) {
            Some(name) => name,
            None if may_ask => self.asked_name()?,
            None => return Err(self.unknown("no user name is set")),
        };
        let text = core::str::from_utf8(&name).unwrap_or_default();
        let parsed = UserName::parse(&name);
        let account = parsed.as_ref().map_or(text, UserName::account);
        if name.len() <= UserName::MAX_BYTES && self.host.is_local(&[text, account]) {
            return Err(self.unknown("the name is this host's own"));
        }
        match parsed {
            Ok(user) => Ok(user),
            Err(error) => {
                self.debug(&error.to_string());
                let name: String = String::from_utf8_lossy(&name).chars().take(64).collect();
                Err(self.finish(&self.own(Verdict::BadUsername, &name)))
            }
        }
    }

    fn asked_name(&self) -> Result<Vec<u8>, PamCode> {
        let prompt = text_item(self.host, Item::UserPrompt)
            .unwrap_or_else(|| Text::LOGIN.plain(self.host).into_owned());
        match self.host.ask_shown(&prompt) {
            Ok(answer) => {
                self.host.set_user(answer.expose());
                Ok(answer.expose().to_vec())
            }
            Err(NoAnswer) => Err(self.no_answer()),
        }
    }

    /// Where the person comes from. Bounded, so that no item can make a request too long.
    fn origin(&self) -> Origin {
        Origin {
            service: self.service.clone(),
            tty: text_item(self.host, Item::Tty),
            remote_host: text_item(self.host, Item::RemoteHost),
        }
    }

    /// The daemon's decision, or our own where there is none.
    fn decide(&self, user: &UserName, request: &Request) -> Decision {
        match self.ask(user, request) {
            Ok(Reply::Decision(decision)) => *decision,
            Ok(other) => self.odd(user, other),
            Err(decision) => *decision,
        }
    }

    /// The daemon's reply, or our own decision that it could not be asked.
    fn ask(&self, user: &UserName, request: &Request) -> Result<Reply, Box<Decision>> {
        let reply = self.host.ask(request);
        reply.map_err(|error| {
            let mut decision = self.could_not_ask(user, &error);
            if matches!(request, Request::Change { .. }) && may_have_arrived(&error) {
                decision.verdict = Verdict::ChangeNotKnown;
            }
            Box::new(decision)
        })
    }

    fn could_not_ask(&self, user: &UserName, error: &CallError) -> Decision {
        self.host.log(Level::Error, &format!("{user}: {error}"));
        let verdict = match error {
            CallError::Frame(FrameError::Version(_)) => Verdict::InvalidApi,
            _ => self.outage(),
        };
        self.own(verdict, &user.to_string())
    }

    /// What a reply that is no decision comes to. It never opens anything: neither where this
    /// hook would leave a refusal to the next one, nor where it has nothing against a verdict.
    fn odd(&self, user: &UserName, reply: Reply) -> Decision {
        let opens = |verdict: Verdict| {
            let code = verdict.pam_code(self.hook, &self.service);
            verdict.grants() || matches!(code, PamCode::Success | PamCode::NewAuthtokReqd)
        };
        let verdict = match reply {
            Reply::Refused(verdict) if !opens(verdict) => verdict,
            _ => {
                self.host
                    .log(Level::Error, "domlogond answered another question");
                self.outage()
            }
        };
        self.own(verdict, &user.to_string())
    }

    /// "Could not ask", in the words of this hook.
    const fn outage(&self) -> Verdict {
        match self.hook {
            Hook::Authenticate | Hook::Account => Verdict::NetlogonNotStarted,
            Hook::Preliminary | Hook::Update => Verdict::WkstaNotStarted,
        }
    }

    /// A decision of the module itself.
    fn own(&self, verdict: Verdict, user: &str) -> Decision {
        let mut decision = Decision::local(verdict);
        user.clone_into(&mut decision.params.user);
        decision.params.host = self.host.host_name();
        self.service.clone_into(&mut decision.params.service);
        decision
    }

    /// Says what a decision has to say, and gives its code.
    fn finish(&self, decision: &Decision) -> PamCode {
        let code = self.code(decision.verdict);
        self.tell(decision, code);
        let guess = matches!(
            code,
            PamCode::AuthErr | PamCode::UserUnknown | PamCode::MaxTries
        );
        if guess && self.hook != Hook::Account {
            self.host.delay_failure();
        }
        self.debug(&format!(
            "{} {} (rule {}, ref {}) is {}",
            decision.verdict.row().symbol,
            decision.verdict.row().number,
            decision.rule.word(),
            decision.reference,
            code.symbol()
        ));
        code
    }

    /// Refuses where this decision would let somebody by, against whom something was found before:
    /// that it is gone now, or that nobody can be asked about it, is no proof of the password.
    fn not_confirmed(&self, user: &UserName, decision: &Decision) -> PamCode {
        let line = format!(
            "{user}: refused: what stood against the logon when the password was checked cannot \
             be confirmed; now it would be {}",
            decision.verdict.row().symbol
        );
        self.host.log(Level::Warning, &line);
        let mut refused = self.own(Verdict::NotConfirmed, &user.to_string());
        refused.params.contact.clone_from(&decision.params.contact);
        self.finish(&refused)
    }

    /// Whether this code lets a stack go on as if there were nothing.
    const fn passes(code: PamCode) -> bool {
        matches!(
            code,
            PamCode::Success | PamCode::Ignore | PamCode::UserUnknown
        )
    }

    /// The code of a verdict in this hook, after the arguments.
    fn code(&self, verdict: Verdict) -> PamCode {
        let code = verdict.pam_code(self.hook, &self.service);
        let ignored = (code == PamCode::UserUnknown && self.arguments.ignore_unknown_user)
            || (could_not_ask(verdict) && self.arguments.ignore_authinfo_unavail);
        if ignored { PamCode::Ignore } else { code }
    }

    /// One message for a refusal; on a grant the notices, and only in account management.
    fn tell(&self, decision: &Decision, code: PamCode) {
        if self.silent() {
            return;
        }
        match code {
            PamCode::Ignore => {}
            PamCode::UserUnknown if self.hook == Hook::Account => {}
            PamCode::Success | PamCode::NewAuthtokReqd => {
                if self.hook == Hook::Account {
                    self.inform(decision, code);
                }
            }
            _ => {
                if let Some(text) = self.refusal(decision) {
                    self.host.complain(&text);
                }
            }
        }
    }

    fn inform(&self, decision: &Decision, code: PamCode) {
        let offline = decision.verdict == Verdict::StandaloneLogon;
        if offline || code == PamCode::NewAuthtokReqd {
            if let Some(text) = self.sentence(decision) {
                self.host.inform(&text);
            }
        }
        let told = |notice: &&Notice| !(offline && **notice == Notice::Offline);
        for notice in decision.notices.iter().filter(told).take(MOST_NOTICES) {
            self.host.inform(&notice_sentence_in(self.host, *notice));
        }
    }

    fn refusal(&self, decision: &Decision) -> Option<String> {
        let elsewhere = decision.verdict == Verdict::UserNotInResdom;
        if elsewhere && self.hook == Hook::Authenticate {
            // Where to change the password is no answer to somebody who logs on. The site's
            // words stay, so that this is told like any other name that is not right.
            let mut unknown = Decision::local(Verdict::UserNotFound);
            unknown.params = decision.params.clone();
            return self.sentence(&unknown);
        }
        let own_words = &decision.params.sentences;
        match self.unreachable(decision.verdict) {
            Some(verdict) if own_words.iter().all(|(of, _)| *of != decision.verdict) => {
                let mut told = decision.clone();
                told.verdict = verdict;
                self.sentence(&told)
            }
            _ => self.sentence(decision),
        }
    }

    /// The verdict whose sentence fits this hook where a server of the domain cannot be
    /// reached: somebody who logs on has no password that stays unchanged, and to somebody
    /// who changes his password a local account is no help.
    const fn unreachable(&self, verdict: Verdict) -> Option<Verdict> {
        match (self.hook, verdict) {
            (
                Hook::Authenticate | Hook::Account,
                Verdict::DcNotFound
                | Verdict::BadNetpath
                | Verdict::NetNotStarted
                | Verdict::NotPrimary
                | Verdict::RegistryNotFound,
            ) => Some(Verdict::LogonServerNotFound),
            (
                Hook::Preliminary | Hook::Update,
                Verdict::LogonServerNotFound
                | Verdict::StandaloneLogon
                | Verdict::SyncRequired
                | Verdict::DatabaseUpToDate,
            ) => Some(Verdict::DcNotFound),
            _ => None,
        }
    }

    /// In the person's language.
    fn sentence(&self, decision: &Decision) -> Option<String> {
        sentence_in(self.host, decision, self.host)
    }

    /// PAM_USER_UNKNOWN at once and without a word: the name is not ours to judge.
    fn unknown(&self, why: &str) -> PamCode {
        let code = self.code(Verdict::UserNotFound);
        self.debug(&format!("{why}: {}", code.symbol()));
        code
    }

    /// The application gave no answer: pam_unix's code in authenticate, the table's elsewhere.
    fn no_answer(&self) -> PamCode {
        self.debug("the application gave no answer");
        match self.hook {
            Hook::Authenticate | Hook::Account => PamCode::ConvErr,
            Hook::Preliminary | Hook::Update => self.code(Verdict::ConversationFailed),
        }
    }

    const fn silent(&self) -> bool {
        self.arguments.quiet || self.flags.silent()
    }

    fn debug(&self, text: &str) {
        if self.arguments.debug {
            let hook = match self.hook {
                Hook::Authenticate => "authenticate",
                Hook::Account => "account",
                Hook::Preliminary => "preliminary",
                Hook::Update => "update",
            };
            self.host.log(Level::Debug, &format!("{hook}: {text}"));
        }
    }
}

/// Whether the daemon may be doing, or have done, what it was asked for. Another version does
/// nothing.
const fn may_have_arrived(error: &CallError) -> bool {
    match error {
        CallError::NotRunning(_)
        | CallError::Forbidden
        | CallError::Impostor(_)
        | CallError::NotTaken => false,
        CallError::Frame(error) => !matches!(error, FrameError::Version(_)),
        CallError::Timeout => true,
    }
}

/// Whether the verdict says that nobody could be asked, rather than what the answer was.
fn could_not_ask(verdict: Verdict) -> bool {
    verdict.row().codes.authenticate == AuthCode::Now(PamCode::AuthinfoUnavail)
}

fn unknown_here(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::UserNotFound | Verdict::AccountUndefined)
}

/// An item as text of at most 256 characters; `None` if it is missing or empty.
fn text_item<H: Host>(host: &H, item: Item) -> Option<String> {
    const MOST: usize = 256;
    let bytes = host.item(item)?;
    let text: String = String::from_utf8_lossy(&bytes).chars().take(MOST).collect();
    (!text.is_empty()).then_some(text)
}
