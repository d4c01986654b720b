//! A table: a line of column names, and a line for each account [RFC 4180].
//!
//! No value of an account can hold a line break, so each line stands for itself: a quote
//! that is not closed spoils its own line and no other.

use super::error::ImportError;
use super::fault::LineFault;
use super::password::{self, Field};
use super::{Found, numbered};
use crate::hours;
use crate::time::{self, Expiry};
use domlogon_protocol::admin::{ImportedUser, NewUser, UserChanges};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    FullName,
    Uid,
    Home,
    Shell,
    Groups,
    PasswordHash,
    MustChange,
    Disabled,
    Expires,
    Hours,
    Workstations,
    CannotChange,
    PasswordNeverExpires,
    PasswordSet,
}

const COLUMNS: [(Column, &str); 15] = [
    (Column::Name, "name"),
    (Column::FullName, "full_name"),
    (Column::Uid, "uid"),
    (Column::Home, "home"),
    (Column::Shell, "shell"),
    (Column::Groups, "groups"),
    (Column::PasswordHash, "password_hash"),
    (Column::MustChange, "must_change"),
    (Column::Disabled, "disabled"),
    (Column::Expires, "expires"),
    (Column::Hours, "hours"),
    (Column::Workstations, "workstations"),
    (Column::CannotChange, "cannot_change"),
    (Column::PasswordNeverExpires, "password_never_expires"),
    (Column::PasswordSet, "password_set"),
];

pub(crate) fn read(text: &[u8]) -> Result<Found, ImportError> {
    let mut lines = numbered(text).filter(|(_, line)| !line.trim_ascii().is_empty());
    let (_, header) = lines.next().ok_or(ImportError::NoNameColumn)?;
    let header = core::str::from_utf8(header).map_err(|_| ImportError::Header)?;
    let separator = [',', ';', '\t']
        .into_iter()
        .find(|separator| header.contains(*separator))
        .unwrap_or(',');
    let columns = columns(header, separator)?;
    let mut found = Found::default();
    for (row, line) in lines {
        match user(row, line, &columns, separator) {
            Ok(user) => found.users.push(user),
            Err(fault) => found.faults.push((row, fault)),
        }
    }
    Ok(found)
}

fn columns(header: &str, separator: char) -> Result<Vec<Column>, ImportError> {
    let names = fields(header, separator).map_err(|_| ImportError::Header)?;
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let word = name.to_lowercase().replace([' ', '-'], "_");
        let known = COLUMNS.iter().find(|(_, known)| **known == *word);
        match known {
            Some((column, _)) if !columns.contains(column) => columns.push(*column),
            Some(_) | None => return Err(ImportError::Column(name)),
        }
    }
    if columns.contains(&Column::Name) {
        Ok(columns)
    } else {
        Err(ImportError::NoNameColumn)
    }
}

fn user(
    row: u32,
    line: &[u8],
    columns: &[Column],
    separator: char,
) -> Result<ImportedUser, LineFault> {
    let line = core::str::from_utf8(line).map_err(|_| LineFault::NotText)?;
    let fields = fields(line, separator)?;
    if fields.len() != columns.len() {
        let wanted = "as many as there are columns";
        return Err(LineFault::Fields(fields.len(), wanted));
    }
    let mut user = ImportedUser {
        row,
        new: NewUser {
            name: String::new(),
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
    for (column, field) in columns.iter().zip(fields) {
        // An empty field says nothing.
        if !field.is_empty() {
            take(&mut user, *column, field)?;
        }
    }
    if user.new.name.is_empty() {
        return Err(LineFault::NoName);
    }
    if user.hash.is_none() {
        // The date of a password that the line does not have; and without one an account is
        // disabled until it gets one, whatever the line says.
        user.changes.password_set_at = None;
        user.changes.disabled = user.changes.disabled.filter(|disabled| *disabled);
    }
    Ok(user)
}

fn take(user: &mut ImportedUser, column: Column, field: String) -> Result<(), LineFault> {
    let ImportedUser {
        new,
        changes,
        groups,
        hash,
        ..
    } = user;
    match column {
        Column::Name => new.name = field,
        Column::FullName => new.full_name = Some(field),
        Column::Uid => {
            let wanted = "a whole number";
            let uid = field.parse();
            new.uid = Some(uid.map_err(|_| LineFault::Value("uid", field, wanted))?);
        }
        Column::Home => new.home = Some(field),
        Column::Shell => new.shell = Some(field),
        Column::Groups => *groups = list(&field),
        Column::PasswordHash => match password::read(&field)? {
            Field::None => {}
            Field::Hash(secret) => *hash = Some(secret),
            Field::Locked(secret) => {
                *hash = Some(secret);
                changes.disabled = Some(true);
            }
        },
        Column::MustChange => {
            new.must_change = flag("must_change", field)?;
        }
        Column::Disabled => {
            // A hash that was set aside stays so, whatever this says.
            let disabled = flag("disabled", field)?;
            changes.disabled = Some(disabled || changes.disabled == Some(true));
        }
        Column::Expires => {
            let wanted = "never, or a time such as 2026-12-31";
            let expiry = time::parse_expiry(&field);
            let expiry = expiry.map_err(|_| LineFault::Value("expires", field, wanted))?;
            changes.expires = Some(match expiry {
                Expiry::Never => None,
                Expiry::At(at) => Some(at),
            });
        }
        Column::Hours => {
            let wanted = "always, never, or hours such as 'Mon-Fri 08:00-18:00'";
            let hours = hours::parse_setting(&field);
            let hours = hours.map_err(|_| LineFault::Value("hours", field, wanted))?;
            changes.hours = Some(hours.0);
        }
        Column::Workstations => {
            let is_any = field.eq_ignore_ascii_case("any");
            changes.workstations = Some(if is_any { Vec::new() } else { list(&field) });
        }
        Column::CannotChange => changes.cannot_change = Some(flag("cannot_change", field)?),
        Column::PasswordNeverExpires => {
            changes.password_never_expires = Some(flag("password_never_expires", field)?);
        }
        Column::PasswordSet => {
            let wanted = "a time such as 2026-01-31";
            let at = time::parse_start(&field);
            let at = at.map_err(|_| LineFault::Value("password_set", field, wanted))?;
            changes.password_set_at = Some(at);
        }
    }
    Ok(())
}

/// Names with `;` or `,` between: no name of a group or a host may have either in it.
fn list(field: &str) -> Vec<String> {
    field
        .split([';', ','])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn flag(column: &'static str, field: String) -> Result<bool, LineFault> {
    match field.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Ok(true),
        "no" | "n" | "false" | "0" => Ok(false),
        _ => Err(LineFault::Value(column, field, "yes or no")),
    }
}

/// The fields of a line, without blanks around them that are not quoted.
pub(super) fn fields(line: &str, separator: char) -> Result<Vec<String>, LineFault> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        // A tab that separates is not a blank before a field.
        let blank = |c: char| c != separator && c.is_whitespace();
        let (field, after) = match rest.trim_start_matches(blank).strip_prefix('"') {
            Some(quoted) => {
                let (field, after) = unquoted(quoted).ok_or(LineFault::Quote)?;
                (field, after.trim_start_matches(blank))
            }
            None => {
                let end = rest.find(separator).unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                (field.trim().to_owned(), after)
            }
        };
        fields.push(field);
        if after.is_empty() {
            return Ok(fields);
        }
        rest = after.strip_prefix(separator).ok_or(LineFault::Quote)?;
    }
}

/// What is inside the quotes, and what follows them.
fn unquoted(mut rest: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    loop {
        let (inside, after) = rest.split_once('"')?;
        field.push_str(inside);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Some((field, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        fields(line, ',').unwrap()
    }

    #[test]
    fn fields_and_quotes() {
        assert_eq!(split("a,b,c"), ["a", "b", "c"]);
        assert_eq!(split(" a , b ,"), ["a", "b", ""]);
        assert_eq!(split(r#""a,b", "c ""d""" ,e"#), ["a,b", r#"c "d""#, "e"]);
        assert_eq!(split(r#"Al "x" B,"""#), [r#"Al "x" B"#, ""]);
        assert_eq!(fields("a\t\tb", '\t').unwrap(), ["a", "", "b"]);
        assert_eq!(split(""), [""]);
        for bad in [r#""a"#, r#""a"b,c"#, r#"a,"b"#] {
            assert_eq!(fields(bad, ','), Err(LineFault::Quote), "{bad}");
        }
    }

    #[test]
    fn the_help_names_every_column() {
        use clap::CommandFactory;
        let mut command = crate::arguments::Arguments::command();
        let user = command.find_subcommand_mut("user").unwrap();
        let help = user.find_subcommand_mut("import").unwrap();
        let help = help.render_help().to_string();
        for (_, name) in COLUMNS {
            assert!(help.contains(name), "{name}");
        }
    }
}
