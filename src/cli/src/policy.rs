//! `domlogon policy`.

use crate::answer::Answer;
use crate::arguments::Policy as Command;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::words::{Page, count, yes_no};
use core::fmt;
use domlogon_protocol::Policy;
use domlogon_protocol::admin::{PolicyChanges, Reply, Request};
use domlogon_rules::durations::{self, Span};
use serde::Serialize;

pub(crate) const SETTINGS_HELP: &str = "\
Settings:
  min-length=8            fewest characters of a new password; 0 for no limit
  max-length=256          most characters of a new password
  history=24              how many of the last passwords, the current one included,
                          cannot be used again; 0 for none
  max-age=42d             age at which a password must be changed; never
  min-age=1d              age before which a user cannot change it again; 0
  complexity=yes          3 of 5 kinds of character, and no part of the name; no
  lockout-threshold=10    wrong passwords that lock an account; never
  lockout-duration=30m    how long it stays locked; forever means until an
                          administrator unlocks it
  lockout-window=30m      time in which wrong passwords are counted together
  warn=14d                how long before its end the user is warned; never

Ages and times take s, m, h and d. All settings of one command are changed
together, or none.

Example:
  domlogon policy set min-length=12 max-age=never lockout-threshold=5";

pub(crate) fn run(command: Command, daemon: &Daemon) -> Result<Answer, Error> {
    let request = match command {
        Command::Show => Request::PolicyShow,
        Command::Set(arguments) => Request::PolicySet(Box::new(changes(&arguments.settings))),
    };
    let reply = match daemon.ask(request)? {
        Reply::Done => daemon.ask(Request::PolicyShow)?,
        reply => reply,
    };
    match reply {
        Reply::Policy(policy) => Ok(Answer::yes(page(&policy), &PolicyShown::new(&policy))),
        _ => Err(Error::OtherReply),
    }
}

/// One setting as given. Its bounds are the daemon's to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    MinLength(u32),
    MaxLength(u32),
    History(u32),
    MaxAge(Option<i64>),
    MinAge(i64),
    Complexity(bool),
    LockoutThreshold(u32),
    LockoutDuration(Option<i64>),
    LockoutWindow(i64),
    Warn(i64),
}

/// Why a setting cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingError {
    NoValue,
    Unknown,
    NotNumber,
    NotYesNo,
    NotSpan,
    NotThreshold,
    NotLockout,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoValue => "write the setting and its value with = between, such as max-age=42d",
            Self::Unknown => {
                "the settings are min-length, max-length, history, max-age, min-age, complexity, \
                 lockout-threshold, lockout-duration, lockout-window and warn"
            }
            Self::NotNumber => "the value is a whole number",
            Self::NotYesNo => "the value is yes or no",
            Self::NotSpan => "the value is a time such as 90s, 30m, 12h or 42d; or 0 or never",
            Self::NotThreshold => "the value is a number of wrong passwords; or 0 or never",
            Self::NotLockout => {
                "the value is a time such as 30m or 1d, or forever; \
                 to lock no account at all, set lockout-threshold=never"
            }
        })
    }
}

impl core::error::Error for SettingError {}

/// Reads `setting=value`.
pub(crate) fn parse_setting(text: &str) -> Result<Setting, SettingError> {
    let (name, value) = text.split_once('=').ok_or(SettingError::NoValue)?;
    let value = value.trim();
    match name.trim() {
        "min-length" => number(value).map(Setting::MinLength),
        "max-length" => number(value).map(Setting::MaxLength),
        "history" => number(value).map(Setting::History),
        "max-age" => Ok(Setting::MaxAge(Some(span(value)?).filter(|age| *age > 0))),
        "min-age" => span(value).map(Setting::MinAge),
        "complexity" => match value {
            "yes" => Ok(Setting::Complexity(true)),
            "no" => Ok(Setting::Complexity(false)),
            _ => Err(SettingError::NotYesNo),
        },
        "lockout-threshold" if value == "never" => Ok(Setting::LockoutThreshold(0)),
        "lockout-threshold" => number(value)
            .map(Setting::LockoutThreshold)
            .map_err(|_| SettingError::NotThreshold),
        "lockout-duration" if value == "forever" => Ok(Setting::LockoutDuration(None)),
        "lockout-duration" => match span(value) {
            Ok(seconds) if seconds > 0 => Ok(Setting::LockoutDuration(Some(seconds))),
            Ok(_) | Err(_) => Err(SettingError::NotLockout),
        },
        "lockout-window" => span(value).map(Setting::LockoutWindow),
        "warn" => span(value).map(Setting::Warn),
        _ => Err(SettingError::Unknown),
    }
}

fn number(value: &str) -> Result<u32, SettingError> {
    value.parse().map_err(|_| SettingError::NotNumber)
}

/// Seconds; 0 for `never`.
fn span(value: &str) -> Result<i64, SettingError> {
    match durations::parse(value) {
        Ok(Span::Seconds(seconds)) => Ok(seconds),
        Ok(Span::Never) => Ok(0),
        Ok(Span::Forever) | Err(_) => Err(SettingError::NotSpan),
    }
}

/// Of a setting given twice the last one counts, as with options.
fn changes(settings: &[Setting]) -> PolicyChanges {
    let mut changes = PolicyChanges::default();
    for setting in settings {
        match *setting {
            Setting::MinLength(n) => changes.min_length = Some(n),
            Setting::MaxLength(n) => changes.max_length = Some(n),
            Setting::History(n) => changes.history = Some(n),
            Setting::MaxAge(age) => changes.max_age = Some(age),
            Setting::MinAge(age) => changes.min_age = Some(age),
            Setting::Complexity(on) => changes.complexity = Some(on),
            Setting::LockoutThreshold(n) => changes.lockout_threshold = Some(n),
            Setting::LockoutDuration(span) => changes.lockout_duration = Some(span),
            Setting::LockoutWindow(span) => changes.lockout_window = Some(span),
            Setting::Warn(span) => changes.warn = Some(span),
        }
    }
    changes
}

fn page(policy: &Policy) -> String {
    let some = |n: u32, noun: &str, none: &str| {
        if n == 0 {
            none.to_owned()
        } else {
            count(n, noun)
        }
    };
    let span = |seconds: i64, none: &str| {
        if seconds == 0 {
            none.to_owned()
        } else {
            durations::format(seconds)
        }
    };
    let mut page = Page::new("The domain's policy (s seconds, m minutes, h hours, d days)");
    page.row(
        "min-length",
        &some(policy.min_length, "character", "0 (no limit)"),
    );
    page.row("max-length", &count(policy.max_length, "character"));
    page.row(
        "history",
        &some(policy.history, "password", "0 (none remembered)"),
    );
    let max_age = policy.max_age.map(|age| span(age, "never"));
    page.row("max-age", max_age.as_deref().unwrap_or("never"));
    page.row("min-age", &span(policy.min_age, "0 (none)"));
    page.row("complexity", yes_no(policy.complexity));
    page.row(
        "lockout-threshold",
        &some(policy.lockout_threshold, "wrong password", "never"),
    );
    let duration = policy.lockout_duration.map_or_else(
        || "forever (until an administrator unlocks)".to_owned(),
        durations::format,
    );
    page.row("lockout-duration", &duration);
    page.row("lockout-window", &durations::format(policy.lockout_window));
    page.row("warn", &span(policy.warn, "never"));
    page.text()
}

/// The policy in JSON.
#[derive(Debug, Serialize)]
struct PolicyShown {
    min_length: u32,
    max_length: u32,
    history: u32,
    max_age_seconds: Option<i64>,
    min_age_seconds: i64,
    complexity: bool,
    lockout_threshold: u32,
    lockout_duration_seconds: Option<i64>,
    lockout_window_seconds: i64,
    warn_seconds: i64,
}

impl PolicyShown {
    fn new(policy: &Policy) -> Self {
        Self {
            min_length: policy.min_length,
            max_length: policy.max_length,
            history: policy.history,
            max_age_seconds: policy.max_age,
            min_age_seconds: policy.min_age,
            complexity: policy.complexity,
            lockout_threshold: policy.lockout_threshold,
            lockout_duration_seconds: policy.lockout_duration,
            lockout_window_seconds: policy.lockout_window,
            warn_seconds: policy.warn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_their_units() {
        for (text, expected) in [
            ("min-length=12", Setting::MinLength(12)),
            ("max-length=256", Setting::MaxLength(256)),
            ("history=0", Setting::History(0)),
            ("max-age=42d", Setting::MaxAge(Some(42 * 86_400))),
            ("max-age=never", Setting::MaxAge(None)),
            ("max-age=0", Setting::MaxAge(None)),
            ("min-age=1d", Setting::MinAge(86_400)),
            ("min-age=never", Setting::MinAge(0)),
            ("complexity=no", Setting::Complexity(false)),
            ("lockout-threshold=10", Setting::LockoutThreshold(10)),
            ("lockout-threshold=never", Setting::LockoutThreshold(0)),
            ("lockout-duration=forever", Setting::LockoutDuration(None)),
            ("lockout-duration=30m", Setting::LockoutDuration(Some(1800))),
            ("lockout-window=90s", Setting::LockoutWindow(90)),
            ("warn=never", Setting::Warn(0)),
        ] {
            assert_eq!(parse_setting(text), Ok(expected), "{text}");
        }
        for (text, why) in [
            ("min-length", SettingError::NoValue),
            ("min_length=8", SettingError::Unknown),
            ("min-length=-1", SettingError::NotNumber),
            ("history=never", SettingError::NotNumber),
            ("complexity=on", SettingError::NotYesNo),
            ("max-age=42", SettingError::NotSpan),
            ("max-age=forever", SettingError::NotSpan),
            ("lockout-duration=0", SettingError::NotLockout),
            ("lockout-duration=never", SettingError::NotLockout),
            ("lockout-threshold=x", SettingError::NotThreshold),
        ] {
            assert_eq!(parse_setting(text), Err(why), "{text}");
        }
    }

    #[test]
    fn only_what_is_named_is_changed() {
        let made = changes(&[
            Setting::MinLength(9),
            Setting::MaxAge(None),
            Setting::MinLength(10),
        ]);
        assert_eq!(
            made,
            PolicyChanges {
                min_length: Some(10),
                max_age: Some(None),
                ..PolicyChanges::default()
            }
        );
    }

    #[test]
    fn each_setting_is_shown_with_its_unit() {
        assert_eq!(
            page(&Policy::default()),
            "The domain's policy (s seconds, m minutes, h hours, d days)\n\
             \x20 min-length         8 characters\n\
             \x20 max-length         256 characters\n\
             \x20 history            24 passwords\n\
             \x20 max-age            42d\n\
             \x20 min-age            1d\n\
             \x20 complexity         yes\n\
             \x20 lockout-threshold  10 wrong passwords\n\
             \x20 lockout-duration   30m\n\
             \x20 lockout-window     30m\n\
             \x20 warn               14d\n"
        );
    }

    #[test]
    fn every_setting_of_the_help_can_be_read() {
        let words: Vec<&str> = SETTINGS_HELP
            .lines()
            .filter_map(|line| line.trim_start().split(' ').next())
            .filter(|word| word.contains('='))
            .collect();
        assert_eq!(words.len(), 10);
        for word in words {
            parse_setting(word).unwrap();
        }
    }
}
