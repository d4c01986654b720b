//! The module's arguments, as they stand in a file of `/etc/pam.d`.
#![forbid(unsafe_code)]

use core::fmt;

/// The arguments of one line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Log what is asked and answered, without secrets.
    pub(crate) debug: bool,
    /// Show no message; prompts are still shown.
    pub(crate) quiet: bool,
    /// Take the password of an earlier module, and never prompt.
    pub(crate) use_first_pass: bool,
    /// Take the password of an earlier module, and prompt if there is none or it is wrong.
    pub(crate) try_first_pass: bool,
    /// Take the new password of an earlier module, and never prompt for one.
    pub(crate) use_authtok: bool,
    /// How often a new password is asked for in all.
    pub(crate) retry: u32,
    /// PAM_IGNORE instead of PAM_USER_UNKNOWN.
    pub(crate) ignore_unknown_user: bool,
    /// PAM_IGNORE where nobody could be asked.
    pub(crate) ignore_authinfo_unavail: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            debug: false,
            quiet: false,
            use_first_pass: false,
            try_first_pass: false,
            use_authtok: false,
            retry: 3,
            ignore_unknown_user: false,
            ignore_authinfo_unavail: false,
        }
    }
}

/// An argument that is not used: the line goes on without it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unused(String);

impl fmt::Display for Unused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the argument {:?} is not known, and is ignored", self.0)
    }
}

impl Arguments {
    /// Reads the arguments of a line, and gives back those that are not used.
    pub(crate) fn parse(words: &[String]) -> (Self, Vec<Unused>) {
        let mut arguments = Self::default();
        let mut unused = Vec::new();
        for word in words {
            match word.as_str() {
                "debug" => arguments.debug = true,
                "quiet" => arguments.quiet = true,
                "use_first_pass" => arguments.use_first_pass = true,
                "try_first_pass" => arguments.try_first_pass = true,
                "use_authtok" => arguments.use_authtok = true,
                "ignore_unknown_user" => arguments.ignore_unknown_user = true,
                "ignore_authinfo_unavail" => arguments.ignore_authinfo_unavail = true,
                other => match other.strip_prefix("retry=").and_then(tries) {
                    Some(retry) => arguments.retry = retry,
                    None => unused.push(Unused(other.chars().take(64).collect())),
                },
            }
        }
        (arguments, unused)
    }
}

fn tries(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| (1..=99).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn parse(line: &str) -> (Arguments, Vec<String>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (arguments, unused) = Arguments::parse(&words);
        (arguments, unused.into_iter().map(|u| u.0).collect())
    }

    #[test]
    fn each_argument_sets_its_own_field() {
        let (arguments, unused) = parse(
            "debug quiet use_first_pass try_first_pass use_authtok retry=5 ignore_unknown_user ignore_authinfo_unavail",
        );
        assert_eq!(unused, [""; 0]);
        assert_eq!(
            arguments,
            Arguments {
                debug: true,
                quiet: true,
                use_first_pass: true,
                try_first_pass: true,
                use_authtok: true,
                retry: 5,
                ignore_unknown_user: true,
                ignore_authinfo_unavail: true,
            }
        );
        assert_eq!(parse("quiet").0.retry, 3);
        assert!(!parse("quiet").0.debug);
    }

    #[test]
    fn what_is_not_understood_is_given_back_and_changes_nothing() {
        for bad in [
            "nullok",
            "retry=",
            "retry=0",
            "retry=-1",
            "retry=x",
            "retry=100",
            "Debug",
            "debug=1",
        ] {
            let (arguments, unused) = parse(bad);
            assert_eq!(arguments, Arguments::default(), "{bad}");
            assert_eq!(unused, [bad]);
        }
    }

    /// The fields are the arguments, so what prints the fields names all of them.
    #[test]
    fn manual_page_has_every_argument() {
        let page = include_str!("../../../packaging/man/pam_domlogon.8");
        let (_, options) = page.split_once("\n.Sh OPTIONS\n").unwrap();
        let (options, _) = options.split_once("\n.Sh ").unwrap();
        let told: Vec<&str> = options
            .lines()
            .filter_map(|line| line.strip_prefix(".It Cm "))
            .map(|item| item.split(' ').next().unwrap())
            .collect();
        let shown = format!("{:?}", Arguments::default());
        let fields: Vec<&str> = shown
            .split([',', '{'])
            .filter_map(|field| Some(field.split_once(':')?.0.trim()))
            .collect();
        let (told, fields): (BTreeSet<&str>, BTreeSet<&str>) =
            (told.into_iter().collect(), fields.into_iter().collect());
        assert_eq!(told, fields);
        let default = format!("If it is not given: {}.", Arguments::default().retry);
        assert!(options.contains(&default), "{default}");
    }
}
