//! Every text that a person may read: the keys of the catalogues in `po/`.
//!
//! Each is one whole sentence with named places such as `{user}`, so that a translator
//! sees what he translates. `po/domlogon.pot` is printed from this list by a test
//! (`UPDATE=1 cargo test -p domlogon-protocol --test catalogues`).

use crate::{Message, Right};
use std::borrow::Cow;

/// Says a text in the person's language. English is the key.
pub trait Catalogue {
    /// The translation of `text`, or `text` itself where there is none.
    fn translate<'a>(&self, text: &'a str) -> Cow<'a, str>;

    /// The translation in the form that goes with the number `n`, or the English one.
    fn plural<'a>(&self, one: &'a str, many: &'a str, n: u32) -> Cow<'a, str> {
        self.translate(if n == 1 { one } else { many })
    }
}

/// The catalogue of those who read English, and of the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct English;

impl Catalogue for English {
    fn translate<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }
}

/// One text, in English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text; where a number is in it, the form for one.
    pub english: &'static str,
    /// The form for other numbers, if the number changes the text.
    pub many: Option<&'static str>,
    /// What a translator should know.
    pub note: &'static str,
}

impl Text {
    /// In the person's language; `n` is the number that is in it.
    #[must_use]
    pub fn of(self, catalogue: &dyn Catalogue, n: u32) -> Cow<'static, str> {
        match self.many {
            None => catalogue.translate(self.english),
            Some(many) => catalogue.plural(self.english, many, n),
        }
    }

    /// In the person's language, for a text without a number in it.
    #[must_use]
    pub fn plain(self, catalogue: &dyn Catalogue) -> Cow<'static, str> {
        self.of(catalogue, 1)
    }
}

impl Message {
    /// The text of a message, but for what a decision may have or lack.
    pub(crate) const fn text(self) -> Text {
        match self {
            Self::NameOrPassword => Text::NAME_OR_PASSWORD,
            Self::NotAllowed => Text::NOT_ALLOWED,
            Self::LockedOut => Text::LOCKED,
            Self::Disabled => Text::DISABLED,
            Self::AccountExpired => Text::ACCOUNT_EXPIRED,
            Self::LogonHours => Text::NO_HOURS,
            Self::Workstation => Text::WORKSTATION,
            Self::LogonRight => Text::WAY_CLOSED,
            Self::MustChange => Text::MUST_CHANGE,
            Self::MustChangeElsewhere => Text::MUST_CHANGE_ELSEWHERE,
            Self::PasswordExpired => Text::PASSWORD_EXPIRED,
            Self::ExpiredCantChange => Text::EXPIRED_CANT_CHANGE,
            Self::Restriction => Text::RESTRICTION,
            Self::Smartcard => Text::SMARTCARD,
            Self::DomainUnreachable => Text::DOMAIN_UNREACHABLE,
            Self::PrimaryUnreachable => Text::PRIMARY_UNREACHABLE,
            Self::Offline => Text::OFFLINE,
            Self::ServiceDown => Text::SERVICE_DOWN,
            Self::ServiceDownUnchanged => Text::SERVICE_DOWN_UNCHANGED,
            Self::ClockSkew => Text::CLOCK_SKEW,
            Self::Store => Text::STORE,
            Self::CurrentPassword => Text::CURRENT_WRONG,
            Self::CantChange => Text::CANT_CHANGE,
            Self::TooRecent => Text::TOO_RECENT,
            Self::TooShort => Text::BLANK,
            Self::TooLong => Text::TOO_LONG,
            Self::History => Text::HISTORY,
            Self::NotComplex => Text::NOT_COMPLEX,
            Self::TooEasy => Text::TOO_EASY,
            Self::AllRules => Text::SOME_RULE,
            Self::BadCharacter => Text::BAD_CHARACTER,
            Self::TicketExpired => Text::TICKET_EXPIRED,
            Self::OtherDomain => Text::OTHER_DOMAIN,
            Self::CannotChangeHere => Text::CANNOT_CHANGE_HERE,
            Self::EntriesDiffer => Text::ENTRIES_DIFFER,
            Self::RootMayNotReset => Text::ROOT_MAY_NOT_RESET,
            Self::Busy => Text::BUSY,
            Self::ChangeNotKnown => Text::CHANGE_NOT_KNOWN,
            Self::NotConfirmed => Text::NOT_CONFIRMED,
        }
    }
}

impl Right {
    /// The title of a right.
    pub(crate) const fn title_text(self) -> Text {
        match self {
            Self::Interactive => Text::RIGHT_INTERACTIVE,
            Self::Network => Text::RIGHT_NETWORK,
            Self::Batch => Text::RIGHT_BATCH,
            Self::Service => Text::RIGHT_SERVICE,
            Self::RemoteInteractive => Text::RIGHT_REMOTE,
        }
    }
}

/// Makes one constant of each text, and the list of all.
macro_rules! texts {
    ($($(#[doc = $note:literal])+ $name:ident = $english:literal $(, $many:literal)?;)*) => {
        impl Text {
            $(
                $(#[doc = $note])+
                pub const $name: Self = Self {
                    english: $english,
                    many: texts!(@many $($many)?),
                    note: concat!($($note),+).trim_ascii_start(),
                };
            )*

            /// Every text, in the order of the catalogues.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
    (@many) => { None };
    (@many $many:literal) => { Some($many) };
}

texts! {
    /// Prompt. Ends with a blank.
    LOGIN = "login: ";
    /// Prompt. Ends with a blank. Write what Linux-PAM's own catalogue has for it: programs
    /// such as sudo look for that.
    PASSWORD = "Password: ";
    /// Prompt. Ends with a blank.
    CURRENT_PASSWORD = "Current password: ";
    /// Prompt. Ends with a blank.
    NEW_PASSWORD = "New password: ";
    /// Prompt. Ends with a blank.
    RETYPE = "Retype new password: ";
    /// After a password change.
    CHANGED = "Password changed.";

    /// Takes the place of {admin}, unless the site says whom to ask.
    ADMIN = "your administrator";
    /// Takes the place of {user} where there is no name.
    NO_NAME = "(no name)";
    /// Takes the place of {host} where there is no name.
    THIS_HOST = "this host";
    /// Takes the place of {service} where there is no name.
    THIS_SERVICE = "this service";
    /// A sentence, and the reference under which the log tells more.
    REFERENCE = "{sentence} (ref {reference})";

    /// The same for a wrong name and for a wrong password.
    NAME_OR_PASSWORD = "User name or password is not right.";
    /// Somebody asked for what only others may do.
    NOT_ALLOWED = "You may not do this.";
    /// min: minutes.
    LOCKED_FOR = "{user} is locked after too many wrong passwords. Try again in {minutes} min, or ask {admin} to unlock it.";
    /// Until an administrator ends it.
    LOCKED = "{user} is locked after too many wrong passwords. Ask {admin} to unlock it.";
    /// {user} is the name of an account.
    DISABLED = "The account {user} is disabled. Contact {admin}.";
    /// {until} is a date with the time of day.
    ACCOUNT_EXPIRED_ON = "The account {user} expired on {until}. Contact {admin}.";
    /// The date is not known.
    ACCOUNT_EXPIRED = "The account {user} expired. Contact {admin}.";
    /// {next_allowed} is a date with the time of day.
    LOGON_HOURS = "{user} may not log on at this time. Next allowed: {next_allowed}.";
    /// No hour of the week is allowed.
    NO_HOURS = "{user} may not log on at any time. Contact {admin}.";
    /// {host} is the name of a computer.
    WORKSTATION = "{user} may not log on from {host}. Allowed computers are set by {admin}.";
    /// {way} is one of the six texts after the next one, or the name of a service; {right}
    /// is the title of a right, the texts after them.
    RIGHT_MISSING = "{user} is not allowed to use {way} on {host}. Ask {admin} for the right \"{right}\".";
    /// {way}: see the text before.
    WAY_CLOSED = "{user} is not allowed to use {way} on {host}. Contact {admin}.";
    /// Takes the place of {way}.
    WAY_SSH = "ssh logon";
    /// Takes the place of {way}.
    WAY_CONSOLE = "console logon";
    /// Takes the place of {way}.
    WAY_BATCH = "scheduled jobs";
    /// Takes the place of {way}.
    WAY_SERVICE = "service logon";
    /// Takes the place of {way}.
    WAY_REMOTE = "remote logon";
    /// Takes the place of {way}.
    WAY_NETWORK = "network access";
    /// Takes the place of {right}: the title of SeInteractiveLogonRight in Windows' own tools.
    RIGHT_INTERACTIVE = "Log on locally";
    /// Takes the place of {right}: the title of SeNetworkLogonRight in Windows' own tools.
    RIGHT_NETWORK = "Access this computer from the network";
    /// Takes the place of {right}: the title of SeBatchLogonRight in Windows' own tools.
    RIGHT_BATCH = "Log on as a batch job";
    /// Takes the place of {right}: the title of SeServiceLogonRight in Windows' own tools.
    RIGHT_SERVICE = "Log on as a service";
    /// Takes the place of {right}: the title of SeRemoteInteractiveLogonRight in Windows' own
    /// tools.
    RIGHT_REMOTE = "Log on through Remote Desktop Services";
    /// Prompts for a new password follow.
    MUST_CHANGE = "You must set a new password before you can continue.";
    /// {command} is a command to be typed.
    MUST_CHANGE_ELSEWHERE = "Your password must be changed first, and {service} cannot ask for a new one. Log on at a console or by ssh, or run {command}, then try again.";
    /// {until} is a date with the time of day. Prompts for a new password follow.
    PASSWORD_EXPIRED_ON = "Your password expired on {until}. Set a new one now.";
    /// The date is not known. Prompts for a new password follow.
    PASSWORD_EXPIRED = "Your password expired. Set a new one now.";
    /// A new one is needed, and the account is one that may not set it.
    EXPIRED_CANT_CHANGE = "Your password expired, and this account may not change it. Contact {admin}.";
    /// The reason is not told.
    RESTRICTION = "A restriction on this account prevents this logon. Contact {admin}.";
    /// {user} is the name of an account.
    SMARTCARD = "{user} must log on with a smart card.";
    /// {domain} is the name of a domain, such as CORP.
    DOMAIN_UNREACHABLE = "The domain {domain} cannot be reached. Try again later, or use a local account.";
    /// The same where the domain has no name.
    A_DOMAIN_UNREACHABLE = "The domain cannot be reached. Try again later, or use a local account.";
    /// {domain} is the name of a domain.
    PRIMARY_UNREACHABLE = "Password changes are not possible now: the main server of the domain {domain} cannot be reached. Your password is unchanged.";
    /// The same where the domain has no name.
    A_PRIMARY_UNREACHABLE = "Password changes are not possible now: the main server of the domain cannot be reached. Your password is unchanged.";
    /// No server was asked.
    OFFLINE = "Working offline: signed on with saved credentials.";
    /// {host} is the name of a computer.
    SERVICE_DOWN = "The logon service on {host} is not running. Contact {admin}.";
    /// The same when a password was to be changed.
    SERVICE_DOWN_UNCHANGED = "The logon service on {host} is not running. Your password is unchanged.";
    /// {domain} is the name of a domain.
    CLOCK_SKEW = "The clock of {host} differs too much from the domain {domain}. Correct the time and try again.";
    /// The same where the domain has no name.
    A_CLOCK_SKEW = "The clock of {host} differs too much from the domain. Correct the time and try again.";
    /// A fault of the software or of its data.
    STORE = "The account database could not be used. Your password is unchanged. Contact {admin}.";
    /// Given for a password change.
    CURRENT_WRONG = "The current password is not right.";
    /// A setting of the account.
    CANT_CHANGE = "This account may not change its own password. Contact {admin}.";
    /// {next_change} is a date with the time of day.
    TOO_RECENT_UNTIL = "Your password was changed too recently. You can change it from {next_change}.";
    /// The date is not known.
    TOO_RECENT = "Your password was changed too recently.";
    /// {min_length} is the number.
    TOO_SHORT = "The new password needs at least {min_length} character.", "The new password needs at least {min_length} characters.";
    /// No character was typed.
    BLANK = "The new password may not be blank.";
    /// {max_length} is the number.
    TOO_LONG_FOR = "The new password may have at most {max_length} character.", "The new password may have at most {max_length} characters.";
    /// The number is not known.
    TOO_LONG = "The new password is too long.";
    /// {history} is the number.
    HISTORY_OF = "The new password was used before; your last {history} password cannot be used again.", "The new password was used before; your last {history} passwords cannot be used again.";
    /// It is the password that is in force.
    HISTORY_CURRENT = "The new password was used before; your current password cannot be used again.";
    /// The number is not known.
    HISTORY = "The new password was used before.";
    /// Other letters: those of scripts without capital and small ones.
    NOT_COMPLEX = "Use at least 3 of: capital letters, small letters, digits, symbols, other letters; and no part of your name.";
    /// Refused by a filter of the site.
    TOO_EASY = "The new password is too easy to guess.";
    /// Which one is not known.
    SOME_RULE = "The new password breaks a rule of the domain.";
    /// A rule, shown before the new password is asked for. {min_length} is the number.
    RULES_LONG_COMPLEX = "The new password needs at least {min_length} character, with 3 of: capital letters, small letters, digits, symbols, other letters, and no part of your name.", "The new password needs at least {min_length} characters, with 3 of: capital letters, small letters, digits, symbols, other letters, and no part of your name.";
    /// A rule, shown before the new password is asked for.
    RULES_COMPLEX = "The new password needs 3 of: capital letters, small letters, digits, symbols, other letters, and no part of your name.";
    /// A rule, shown before the new password is asked for. {history} is the number.
    RULES_HISTORY = "Your last {history} password cannot be used again.", "Your last {history} passwords cannot be used again.";
    /// A rule, shown before the new password is asked for.
    RULES_CURRENT = "Your current password cannot be used again.";
    /// In the new password.
    BAD_CHARACTER = "The new password contains a character that cannot be used.";
    /// Sign-on: the time for which the password that was typed holds.
    TICKET_EXPIRED = "Your sign-on ended during the change. Try again.";
    /// {user} is the name of an account.
    OTHER_DOMAIN = "{user} belongs to another domain; change the password there.";
    /// A server of the domain.
    CANNOT_CHANGE_HERE = "This server cannot change passwords. Contact {admin}.";
    /// The new password and its repetition.
    ENTRIES_DIFFER = "The two entries differ. Nothing was changed.";
    /// root is the name of an account.
    ROOT_MAY_NOT_RESET = "root cannot set this password here; use the domain's own tools.";
    /// Too many requests.
    BUSY = "{host} is too busy to answer. Try again in a moment.";
    /// No answer came in time. The new one: the new password.
    CHANGE_NOT_KNOWN = "No answer came. Your password may have been changed: try the new one first.";
    /// Such as that a new password is demanded; meanwhile it is gone, or nobody can be asked.
    NOT_CONFIRMED = "Something stood against this logon when the password was checked, and that cannot be confirmed now. Log on again; if that does not help, contact {admin}.";

    /// {count} is the number, {command} a command to be typed.
    EXPIRES_MINUTES = "Your password expires in {count} minute. Run {command} to change it.", "Your password expires in {count} minutes. Run {command} to change it.";
    /// {count} is the number, {command} a command to be typed.
    EXPIRES_HOURS = "Your password expires in {count} hour. Run {command} to change it.", "Your password expires in {count} hours. Run {command} to change it.";
    /// {count} is the number, {command} a command to be typed.
    EXPIRES_DAYS = "Your password expires in {count} day. Run {command} to change it.", "Your password expires in {count} days. Run {command} to change it.";
    /// {command} is a command to be typed.
    CHANGE_BEFORE_NEXT = "Your password must be changed before your next sign-on. Run {command} now.";
}
