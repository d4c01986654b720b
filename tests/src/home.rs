//! Where the accounts of a world live: in the daemon's own database, or in a directory. What an
//! administrator does is said once, in the words of `domlogon user set` and `domlogon policy
//! set`, and done there with that home's own tools.

use crate::cli::{domlogon, domlogon_with, member, show_user};
use crate::directory::Directory;
use crate::failure::{Result, differs, ensure};
use crate::probe::Probe;
use crate::world::THRESHOLD;
use serde_json::{Map, Value, json};

/// Where accounts live.
#[derive(Clone, Debug)]
pub enum Home {
    /// In the daemon's own database; the administrator's tool is the command line.
    Embedded,
    /// In a domain controller; the administrator's tools are its own.
    Directory(Directory),
}

impl Home {
    /// The directory, if it is one.
    pub fn directory(&self) -> Option<&Directory> {
        match self {
            Home::Embedded => None,
            Home::Directory(directory) => Some(directory),
        }
    }

    /// Whether the password is looked at before an account is refused for another reason.
    ///
    /// # Errors
    /// When the controller cannot be asked.
    pub fn looks_at_the_password(&self) -> Result<bool> {
        match self {
            Home::Embedded => Ok(true),
            Home::Directory(directory) => directory.looks_at_the_password(),
        }
    }

    /// A new user.
    ///
    /// # Errors
    /// When it is refused.
    pub fn add_user(&self, name: &str, password: &str) -> Result<()> {
        match self {
            Home::Embedded => domlogon_with(
                &["user", "add", name, "--password-stdin"],
                &format!("{password}\n"),
            )?
            .exits(0)
            .map(drop),
            Home::Directory(directory) => directory.user(name, password),
        }
    }

    /// `domlogon user set`, or the same in the directory.
    ///
    /// # Errors
    /// When it is refused.
    pub fn set(&self, name: &str, settings: &[&str]) -> Result<()> {
        match self {
            Home::Embedded => {
                let mut arguments = vec!["user", "set", name];
                arguments.extend(settings);
                domlogon(&arguments)?.exits(0).map(drop)
            }
            Home::Directory(directory) => directory.set(name, translated(settings)?),
        }
    }

    /// An administrator's new password for a user.
    ///
    /// # Errors
    /// When it is refused.
    pub fn reset(&self, name: &str, password: &str) -> Result<()> {
        match self {
            Home::Embedded => domlogon_with(
                &["user", "password", name, "--stdin"],
                &format!("{password}\n"),
            )?
            .exits(0)
            .map(drop),
            Home::Directory(directory) => directory.set(name, json!({"password": password})),
        }
    }

    /// Unlock a user.
    ///
    /// # Errors
    /// When it is refused.
    pub fn unlock(&self, name: &str) -> Result<()> {
        match self {
            Home::Embedded => domlogon(&["user", "unlock", name])?.exits(0).map(drop),
            Home::Directory(directory) => directory.set(name, json!({"unlocked": true})),
        }
    }

    /// Lock a user, the way one gets locked: by wrong passwords, as many as the policy allows.
    ///
    /// # Errors
    /// When a wrong password is not answered as one.
    pub fn lock(&self, name: &str) -> Result<()> {
        match self {
            Home::Embedded => {
                for _ in 0..THRESHOLD {
                    Probe::bare("login", name)
                        .answer("wrong")
                        .run(&["auth"])?
                        .returns("auth", "AUTH_ERR")?;
                }
                Ok(())
            }
            Home::Directory(directory) => directory
                .ask("lock", json!({"name": name, "times": THRESHOLD}))
                .map(drop),
        }
    }

    /// Put a user or a group into a group, which is made if there is none.
    ///
    /// # Errors
    /// When it is refused.
    pub fn nest(&self, member: &str, group: &str) -> Result<()> {
        match self {
            Home::Embedded => {
                if domlogon(&["group", "show", group])?.code() != 0 {
                    domlogon(&["group", "add", group])?.exits(0)?;
                }
                domlogon(&["group", "add-member", group, member])?
                    .exits(0)
                    .map(drop)
            }
            Home::Directory(directory) => directory.group(group, &[member]),
        }
    }

    /// An account as its home has it: an object with at least `locked`, `locked_until`,
    /// `must_change` and `bad_password_count`.
    ///
    /// # Errors
    /// When there is none.
    pub fn show(&self, name: &str) -> Result<Value> {
        match self {
            Home::Embedded => show_user(name),
            Home::Directory(directory) => directory.show(name),
        }
    }

    /// Its counter of wrong passwords.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn wrong_passwords(&self, name: &str) -> Result<u64> {
        let shown = self.show(name)?;
        Ok(member(&shown, "bad_password_count")?
            .as_u64()
            .unwrap_or(u64::MAX))
    }

    /// Whether this is the account's password, as its home sees it; of an account that is not
    /// refused for another reason than the password's age.
    ///
    /// # Errors
    /// When the home cannot tell.
    pub fn takes(&self, name: &str, password: &str) -> Result<bool> {
        match self {
            Home::Embedded => {
                let report = Probe::bare("login", name).answer(password).run(&["auth"])?;
                match report.code("auth")? {
                    "SUCCESS" => Ok(true),
                    "AUTH_ERR" => Ok(false),
                    _ => Err(differs(
                        "authenticate",
                        "SUCCESS or AUTH_ERR",
                        report.text(),
                    )),
                }
            }
            // Right, and expired or to be changed, is right.
            Home::Directory(directory) => match directory.opinion(name, password)?.as_str() {
                "" | "532" | "773" => Ok(true),
                "52e" => Ok(false),
                other => Err(differs("the controller", "a yes or a no", other)),
            },
        }
    }

    /// `domlogon policy set`, or the same in the directory.
    ///
    /// # Errors
    /// When it is refused.
    pub fn policy(&self, settings: &[&str]) -> Result<()> {
        match self {
            Home::Embedded => {
                let mut arguments = vec!["policy", "set"];
                arguments.extend(settings);
                domlogon(&arguments)?.exits(0).map(drop)
            }
            Home::Directory(directory) => directory.ask("policy", policy(settings)?).map(drop),
        }
    }
}

/// The settings of `domlogon user set` in the words of `tests/dc/accounts.py`.
fn translated(settings: &[&str]) -> Result<Value> {
    let mut words = Map::new();
    for pair in settings.chunks(2) {
        let &[option, value] = pair else {
            return Err(differs("settings", "pairs", settings.join(" ")));
        };
        let name = option.trim_start_matches('-').replace('-', "_");
        let value = match name.as_str() {
            "disabled" | "must_change" | "cannot_change" => json!(value == "yes"),
            "password_not_required" => {
                words.insert("not_required".to_owned(), json!(value == "yes"));
                continue;
            }
            "expires" | "password_set_at" => json!(seconds(value)?),
            "hours" => json!(hours(value)?),
            "workstations" => json!(value),
            _ => return Err(differs("a setting of a directory", "a known one", option)),
        };
        words.insert(name, value);
    }
    Ok(Value::Object(words))
}

/// The settings of `domlogon policy set` in the words of `tests/dc/accounts.py`.
fn policy(settings: &[&str]) -> Result<Value> {
    let mut words = Map::new();
    for setting in settings {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(differs("a policy", "NAME=VALUE", *setting));
        };
        let name = name.trim_start_matches("lockout-").replace('-', "_");
        let value = match name.as_str() {
            // Of this host, and not of the domain.
            "warn" => continue,
            "complexity" => json!(value == "yes"),
            "min_length" | "history" | "threshold" => json!(value.parse::<u32>().ok()),
            _ => json!(span(value)?),
        };
        words.insert(name, value);
    }
    Ok(Value::Object(words))
}

/// A span of time in seconds; none for ever.
fn span(text: &str) -> Result<Option<u64>> {
    if matches!(text, "forever" | "never") {
        return Ok(None);
    }
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text.strip_prefix(digits) {
        Some("d") => 86_400,
        Some("h") => 3_600,
        Some("m") => 60,
        Some("" | "s") => 1,
        _ => return Err(differs("a span of time", "a number and d, h, m or s", text)),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| differs("a span of time", "a number", text))?;
    Ok(Some(number * unit))
}

/// The seconds since 1970 of "2020-01-01T00:00:00Z", a midnight.
fn seconds(text: &str) -> Result<i64> {
    let bad = || differs("a date", "YYYY-MM-DDT00:00:00Z", text);
    let date = text.strip_suffix("T00:00:00Z").ok_or_else(bad)?;
    let numbers: Vec<i64> = date
        .split('-')
        .filter_map(|part| part.parse().ok())
        .collect();
    let &[year, month, day] = numbers.as_slice() else {
        return Err(bad());
    };
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Ok((days - 719_468) * 86_400)
}

/// The 168 hours of a week, Sunday's first one first: of "never", or "Sun-Tue 00:00-24:00".
fn hours(text: &str) -> Result<String> {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    if text == "never" {
        return Ok("0".repeat(168));
    }
    let bad = || differs("logon hours", "DAY-DAY HH:00-HH:00", text);
    let (days, times) = text.split_once(' ').ok_or_else(bad)?;
    let place = |name: &str| DAYS.iter().position(|day| *day == name);
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let (first, last) = (place(first).ok_or_else(bad)?, place(last).ok_or_else(bad)?);
    let (begin, end) = times.split_once('-').ok_or_else(bad)?;
    let hour = |time: &str| -> Option<usize> { time.strip_suffix(":00")?.parse().ok() };
    let (begin, end) = (hour(begin).ok_or_else(bad)?, hour(end).ok_or_else(bad)?);
    ensure(end <= 24, "logon hours", "up to 24:00", text)?;
    Ok((0..168)
        .map(|index| {
            let (day, hour) = (index / 24, index % 24);
            let inside = (first..=last).contains(&day) && (begin..end).contains(&hour);
            if inside { '1' } else { '0' }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_translated() {
        let words = translated(&["--expires", "2020-01-01T00:00:00Z", "--disabled", "yes"]);
        assert_eq!(
            words.unwrap(),
            json!({"expires": 1_577_836_800, "disabled": true})
        );
        assert!(translated(&["--no-such", "yes"]).is_err());
        assert_eq!(seconds("1970-01-01T00:00:00Z").unwrap(), 0);
        assert_eq!(seconds("2000-03-01T00:00:00Z").unwrap(), 951_868_800);
    }

    #[test]
    fn policies_are_translated() {
        let words = policy(&["min-age=1d", "lockout-duration=forever", "warn=14d"]);
        assert_eq!(words.unwrap(), json!({"min_age": 86_400, "duration": null}));
    }

    #[test]
    fn hours_are_translated() {
        let week = hours("Sun-Tue 00:00-24:00").unwrap();
        assert_eq!(week, format!("{}{}", "1".repeat(72), "0".repeat(96)));
        let day = hours("Mon 08:00-17:00").unwrap();
        assert_eq!(day.find('1'), Some(32));
        assert_eq!(day.matches('1').count(), 9);
    }
}
