//! What is done with what a module returns.

/// The name of a return code, in the spelling of a control.
pub(crate) type Code = &'static str;

pub(crate) const SUCCESS: Code = "success";

/// All return codes, as [pam.conf(5)] spells them.
const CODES: [Code; 32] = [
    SUCCESS,
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Ignore,
    Ok,
    Done,
    Bad,
    Die,
    Reset,
    Jump(u32),
}

impl Action {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "ignore" => Self::Ignore,
            "ok" => Self::Ok,
            "done" => Self::Done,
            "bad" => Self::Bad,
            "die" => Self::Die,
            "reset" => Self::Reset,
            _ => match word.parse().ok()? {
                0 => Self::Ignore,
                n => Self::Jump(n),
            },
        })
    }

    /// Whether the stack cannot succeed any more.
    pub(crate) fn refuses(self) -> bool {
        matches!(self, Self::Bad | Self::Die)
    }
}

/// The second word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    written: Vec<(Code, Action)>,
    default: Action,
}

impl Control {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let simple = |written: &[(Code, Action)], default| {
            let written = written.to_vec();
            Some(Self { written, default })
        };
        let reqd = "new_authtok_reqd";
        let ignore = ("ignore", Action::Ignore);
        let ok = [(SUCCESS, Action::Ok), (reqd, Action::Ok)];
        match text.to_ascii_lowercase().as_str() {
            "required" => simple(&[ok[0], ok[1], ignore], Action::Bad),
            "requisite" => simple(&[ok[0], ok[1], ignore], Action::Die),
            "optional" => simple(&ok, Action::Ignore),
            "sufficient" => simple(
                &[(SUCCESS, Action::Done), (reqd, Action::Done)],
                Action::Ignore,
            ),
            other => Self::parse_brackets(other.strip_prefix('[')?.strip_suffix(']')?),
        }
    }

    fn parse_brackets(text: &str) -> Option<Self> {
        // Not named and without a default: a refusal.
        let mut control = Self {
            written: Vec::new(),
            default: Action::Bad,
        };
        // Blanks may stand around the sign.
        let joined = text.split('=').map(str::trim).collect::<Vec<_>>().join("=");
        for pair in joined.split_whitespace() {
            let (code, action) = pair.split_once('=')?;
            let action = Action::parse(action)?;
            if code == "default" {
                control.default = action;
            } else {
                let code = CODES.into_iter().find(|known| *known == code)?;
                control.written.push((code, action));
            }
        }
        Some(control)
    }

    pub(crate) fn action(&self, code: Code) -> Action {
        let last = self.written.iter().rev().find(|(known, _)| *known == code);
        last.map_or(self.default, |(_, action)| *action)
    }

    /// Whether a success ends the stack or leaps over a part of it.
    pub(crate) fn leaps(&self) -> bool {
        matches!(self.action(SUCCESS), Action::Done | Action::Jump(_))
    }

    /// How far it may leap.
    pub(crate) fn jumps(&self) -> impl Iterator<Item = u32> {
        let written = self.written.iter().map(|(_, action)| *action);
        written
            .chain([self.default])
            .filter_map(|action| match action {
                Action::Jump(n) => Some(n),
                _ => None,
            })
    }

    /// Whether a word was written for this code, so that it is not the default's matter.
    pub(crate) fn names(&self, code: Code) -> bool {
        self.written.iter().any(|(known, _)| *known == code)
    }
}
