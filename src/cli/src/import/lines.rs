//! Lines of passwd(5) and shadow(5), and `name:password`.

use super::error::ImportError;
use super::fault::LineFault;
use super::password::{self, Field};
use super::{Found, numbered};
use domlogon_protocol::Timestamp;
use domlogon_protocol::admin::{ImportedUser, NewUser, UserChanges};
use std::collections::HashMap;

/// How many fields a line may have: name and password, passwd(5), shadow(5).
pub(crate) const FIELDS: [usize; 3] = [2, 7, 9];

const DAY: i64 = 86_400;

/// What the shadow file says of one account.
struct Shadow<'a> {
    line: u32,
    fields: Vec<&'a str>,
    /// The number of a second line of the same name.
    again: Option<u32>,
}

pub(crate) fn read(text: &[u8], shadow: Option<&[u8]>) -> Result<Found, ImportError> {
    let shadow = shadow.map(shadows);
    let mut found = Found::default();
    for (row, line) in numbered(text) {
        if line.trim_ascii().is_empty() || line.starts_with(b"#") {
            continue;
        }
        match user(row, line, shadow.as_ref()) {
            Ok(Some(user)) => found.users.push(user),
            Ok(None) => return Err(ImportError::NoShadow(row)),
            Err(fault) => found.faults.push((row, fault)),
        }
    }
    Ok(found)
}

/// The account of a line; `None` if its password is in a shadow file that was not named.
fn user(
    row: u32,
    line: &[u8],
    shadow: Option<&HashMap<&str, Shadow<'_>>>,
) -> Result<Option<ImportedUser>, LineFault> {
    let line = core::str::from_utf8(line).map_err(|_| LineFault::NotText)?;
    let fields: Vec<&str> = line.split(':').collect();
    let (name, field) = match fields.as_slice() {
        ["", ..] => return Err(LineFault::NoName),
        [name, field, ..] if FIELDS.contains(&fields.len()) => (*name, *field),
        other => {
            let wanted = "2 (name:password), 7 (passwd) or 9 (shadow)";
            return Err(LineFault::Fields(other.len(), wanted));
        }
    };
    let mut user = ImportedUser {
        row,
        new: NewUser {
            name: name.to_owned(),
            full_name: None,
            uid: None,
            home: None,
            shell: None,
            must_change: false,
            password: None,
        },
        changes: UserChanges::default(),
        groups: Vec::new(),
        hash: None,
    };
    match fields.as_slice() {
        [_, _, uid, _, gecos, home, shell] => {
            take_passwd(&mut user.new, uid, gecos, home, shell)?;
            if field != "x" {
                take_password(&mut user, field)?;
            } else {
                let Some(shadow) = shadow else {
                    return Ok(None);
                };
                let of_name = shadow.get(name).ok_or(LineFault::NoShadowLine)?;
                if let Some(again) = of_name.again {
                    return Err(LineFault::SameShadowName(again));
                }
                take_shadow(&mut user, &of_name.fields)
                    .map_err(|fault| at_shadow(fault, of_name.line))?;
            }
        }
        [_, _] => take_password(&mut user, field)?,
        whole => take_shadow(&mut user, whole)?,
    }
    Ok(Some(user))
}

fn take_passwd(
    new: &mut NewUser,
    uid: &str,
    gecos: &str,
    home: &str,
    shell: &str,
) -> Result<(), LineFault> {
    let number = uid.parse();
    let number =
        number.map_err(|_| LineFault::Value("the user id", uid.to_owned(), "a whole number"))?;
    new.uid = Some(number);
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    // Room and telephones follow the name, mostly empty.
    new.full_name = given(gecos.trim_end_matches(','));
    new.home = given(home);
    new.shell = given(shell);
    Ok(())
}

fn take_password(user: &mut ImportedUser, field: &str) -> Result<(), LineFault> {
    match password::read(field)? {
        Field::None => {}
        Field::Hash(secret) => user.hash = Some(secret),
        Field::Locked(secret) => {
            user.hash = Some(secret);
            user.changes.disabled = Some(true);
        }
    }
    Ok(())
}

/// The password, the day of its last change, and the day from which on the account is closed.
/// A last change on day 0 demands a new password [shadow(5)].
fn take_shadow(user: &mut ImportedUser, fields: &[&str]) -> Result<(), LineFault> {
    let [_, field, changed, _, _, _, _, end, _] = fields else {
        return Err(LineFault::Fields(fields.len(), "9 (shadow)"));
    };
    take_password(user, field)?;
    let day = |column, text: &str| match text {
        // -1 is how some programs write an empty one.
        "" | "-1" => Ok(None),
        digits => digits
            .parse::<u32>()
            .map(|day| Some(i64::from(day)))
            .map_err(|_| LineFault::Value(column, text.to_owned(), "a number of days")),
    };
    match day("the last change", changed)? {
        Some(0) => user.new.must_change = true,
        Some(at) if user.hash.is_some() => {
            user.changes.password_set_at = Some(Timestamp(at * DAY));
        }
        Some(_) | None => {}
    }
    if let Some(end) = day("the end of the account", end)? {
        user.changes.expires = Some(Some(Timestamp(end * DAY - 1)));
    }
    Ok(())
}

/// A fault in the shadow file, told of the line that it belongs to.
fn at_shadow(fault: LineFault, line: u32) -> LineFault {
    match fault {
        LineFault::Fields(..) | LineFault::Value(..) => LineFault::ShadowLine(line),
        other => other,
    }
}

/// The lines of a shadow file by their names. One that cannot be read is missed where it is
/// needed.
fn shadows(text: &[u8]) -> HashMap<&str, Shadow<'_>> {
    let mut lines: HashMap<&str, Shadow<'_>> = HashMap::new();
    for (number, line) in numbered(text) {
        let Ok(line) = core::str::from_utf8(line) else {
            continue;
        };
        let fields: Vec<&str> = line.split(':').collect();
        let Some(name) = fields.first().copied().filter(|name| !name.is_empty()) else {
            continue;
        };
        lines
            .entry(name)
            .and_modify(|first| first.again = Some(number))
            .or_insert(Shadow {
                line: number,
                fields,
                again: None,
            });
    }
    lines
}
