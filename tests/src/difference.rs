//! What a directory forces to be different from the embedded database: THE list. The suites take
//! what they expect from here; everything that is not here is the same in both. The README's
//! table is printed from it: `UPDATE=1 cargo test -p domlogon-tests difference`.

use crate::account::Condition;
use crate::failure::Result;
use crate::home::Home;

/// Something that a directory forces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// root runs `passwd NAME`.
    ResetByRoot,
    /// A member of the accounts' own Administrators comes in where these alone may.
    Administrator,
    /// The account has, and may have, a blank password.
    BlankPassword,
    /// The right password of an account that the controller refuses before it looks at the
    /// password. Not every controller does.
    Unseen,
}

/// What comes out: the code that PAM gives, and words that the person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Without "PAM_".
    pub code: &'static str,
    /// None: empty.
    pub words: &'static str,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub difference: Difference,
    /// What somebody does.
    pub what: &'static str,
    /// What comes of it with the embedded database.
    pub embedded: Expected,
    /// What comes of it with a directory.
    pub directory: Expected,
    /// Why the directory forces that.
    pub why: &'static str,
}

const fn expected(code: &'static str, words: &'static str) -> Expected {
    Expected { code, words }
}

/// All of them.
pub const ALL: &[Row] = &[
    Row {
        difference: Difference::ResetByRoot,
        what: "root runs `passwd NAME`",
        embedded: expected("SUCCESS", "Password changed."),
        directory: expected("PERM_DENIED", "root cannot set this password here"),
        why: "root of one host does not administer the directory; its own administrators reset passwords",
    },
    Row {
        difference: Difference::Administrator,
        what: "a member of the domain's group Administrators comes in where only Administrators may",
        embedded: expected("SUCCESS", ""),
        directory: expected("PERM_DENIED", "is not allowed to use"),
        why: "a directory's Administrators are those of its controllers; on a host they are the Domain Admins",
    },
    Row {
        difference: Difference::BlankPassword,
        what: "a blank password at the console, of an account that may have one",
        embedded: expected("SUCCESS", ""),
        directory: expected("AUTH_ERR", "User name or password is not right."),
        why: "a blank password is never sent: many directories answer it as an anonymous success",
    },
    Row {
        difference: Difference::Unseen,
        what: "the right password of an account that is disabled, has expired or is outside its hours, where the controller refuses such an account before it looks at the password (Samba 4.22 does, 4.17 does not)",
        embedded: expected("PERM_DENIED", "is disabled"),
        directory: expected("AUTH_ERR", "User name or password is not right."),
        why: "a reason is told to who has proven the password alone; the log and `domlogon explain` have it, and so has a logon by key",
    },
];

impl Home {
    /// The group whose members are administrators of each host.
    pub fn administrators(&self) -> &'static str {
        match self {
            Home::Embedded => "Administrators",
            Home::Directory(_) => "Domain Admins",
        }
    }

    /// What this home makes of it.
    pub fn expects(&self, difference: Difference) -> Expected {
        // Each has its row; a test sees to that.
        ALL.iter()
            .find(|row| row.difference == difference)
            .map_or(expected("", ""), |row| match self {
                Home::Embedded => row.embedded,
                Home::Directory(_) => row.directory,
            })
    }

    /// What the right password of an account in this condition comes to. `otherwise` is what it
    /// comes to where the controller looks at the password first.
    ///
    /// # Errors
    /// When the controller cannot be asked which it does.
    pub fn comes_to(&self, condition: Condition, otherwise: Expected) -> Result<Expected> {
        let refused = matches!(
            condition,
            Condition::Disabled | Condition::AccountExpired | Condition::NoHours
        );
        if refused && !self.looks_at_the_password()? {
            return Ok(self.expects(Difference::Unseen));
        }
        Ok(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const START: &str = "<!-- differences: start (printed from tests/src/difference.rs) -->\n";
    const END: &str = "<!-- differences: end -->\n";

    #[test]
    fn each_difference_has_its_row() {
        for difference in [
            Difference::ResetByRoot,
            Difference::Administrator,
            Difference::BlankPassword,
            Difference::Unseen,
        ] {
            assert!(!Home::Embedded.expects(difference).code.is_empty());
        }
    }

    #[test]
    fn the_table_of_differences_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(path).expect("README.md is beside tests");
        let (before, rest) = readme.split_once(START).expect("the start mark");
        let (printed, after) = rest.split_once(END).expect("the end mark");
        let table = table();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, format!("{before}{START}{table}{END}{after}")).expect("written");
        } else {
            assert_eq!(printed, table, "run with UPDATE=1 to print it anew");
        }
    }

    fn table() -> String {
        let mut text = String::from(
            "| | with the accounts of the host | with a directory | because |\n|---|---|---|---|\n",
        );
        for row in ALL {
            writeln!(
                text,
                "| {} | {} | {} | {} |",
                row.what,
                shown(row.embedded),
                shown(row.directory),
                row.why
            )
            .expect("writing to a string");
        }
        text
    }

    fn shown(expected: Expected) -> String {
        if expected.words.is_empty() {
            expected.code.to_owned()
        } else {
            format!("{}: “{}”", expected.code, expected.words)
        }
    }
}
