//! What the daemon answers about a logon or a password change.

use crate::{LogonType, Rule, Timestamp, Verdict};
use core::fmt;
use serde::{Deserialize, Serialize};

/// One decision: the verdict, what else failed, the rule that decided, and the numbers
/// that the sentence needs. No prose crosses the socket but the site's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// Other conditions of a new password that failed together with the first.
    pub also: Vec<Verdict>,
    /// The step of the evaluation that decided.
    pub rule: Rule,
    /// What the sentence needs.
    pub params: Params,
    /// What the person should be told beside the verdict.
    pub notices: Vec<Notice>,
    /// The reference that stands in the daemon's log line too.
    pub reference: Reference,
}

impl Decision {
    /// A decision with nothing but its verdict and the rule.
    #[must_use]
    pub fn new(verdict: Verdict, rule: Rule) -> Self {
        Self {
            verdict,
            also: Vec::new(),
            rule,
            params: Params::default(),
            notices: Vec::new(),
            reference: Reference::default(),
        }
    }

    /// A decision made where the daemon was not asked: by a module, about itself.
    #[must_use]
    pub fn local(verdict: Verdict) -> Self {
        Self::new(verdict, Rule::Local)
    }
}

/// The values that sentences may name. What is absent drops its clause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// The account's own spelling of its name, or the name as given.
    pub user: String,
    /// The domain's short name.
    pub domain: String,
    /// This host.
    pub host: String,
    /// The PAM service.
    pub service: String,
    /// The way in that the service is.
    pub logon_type: Option<LogonType>,
    /// The end of a lockout; absent while locked means: until an administrator ends it.
    pub locked_until: Option<Timestamp>,
    /// Whole minutes until then, at least 1.
    pub minutes: Option<u32>,
    /// When the account or the password ended.
    pub until: Option<Timestamp>,
    /// The next instant inside the logon hours.
    pub next_allowed: Option<Timestamp>,
    /// The earliest instant of the next password change.
    pub next_change: Option<Timestamp>,
    /// Fewest characters of a new password.
    pub min_length: Option<u32>,
    /// Most characters of a new password.
    pub max_length: Option<u32>,
    /// How many of the last passwords cannot be used again.
    pub history: Option<u32>,
    /// Whether the complexity rule is on.
    pub complexity: Option<bool>,
    /// Whom to ask, in the site's own words; in place of "your administrator".
    pub contact: Option<String>,
    /// The site's own sentences for conditions of this decision, with places such as
    /// `{user}`.
    pub sentences: Vec<(Verdict, String)>,
}

/// Something to tell a person whose request was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The password ends in so many seconds.
    ExpiresIn(i64),
    /// The password must be changed before the next sign-on, but not now.
    ChangeBeforeNextLogon,
    /// Signed on with saved credentials.
    Offline,
}

/// The short name of one decision, shown to the person and written in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference(String);

impl Reference {
    /// Makes a reference of 30 random bits: six characters that cannot be misread
    /// when spoken over a telephone (no I, L, O, U, 0 or 1).
    #[must_use]
    pub fn from_random(bits: u32) -> Self {
        const LETTERS: &[u8] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut rest = bits;
        let text = (0..6)
            .filter_map(|_| {
                let letter = LETTERS.get(usize::try_from(rest % 30).ok()?)?;
                rest /= 30;
                Some(char::from(*letter))
            })
            .collect();
        Self(text)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
