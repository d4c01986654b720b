//! pam-auth-update: whether the stacks are still what it laid.

use super::super::finding::{Finding, Report};
use super::super::host::Host;

/// Where pam-auth-update keeps what it laid.
const SAVED: &str = "/var/lib/pam";

const STACKS: [&str; 5] = [
    "auth",
    "account",
    "password",
    "session",
    "session-noninteractive",
];

pub(super) fn check(host: &Host, report: &mut Report) {
    for stack in STACKS {
        let Some(saved) = host.read(&format!("{SAVED}/{stack}")) else {
            continue;
        };
        let is_on = saved
            .lines()
            .any(|line| line.trim_end().starts_with("Module: domlogon"));
        let path = format!("/etc/pam.d/common-{stack}");
        if !is_on {
            continue;
        }
        let Some(current) = host.read(&path) else {
            continue;
        };
        let kind = stack.split('-').next().unwrap_or(stack);
        let current: Vec<(usize, String)> = current
            .lines()
            .enumerate()
            .filter_map(|(index, line)| Some((index + 1, managed(line, kind)?)))
            .collect();
        for line in saved.lines().filter(|line| !line.starts_with("Module: ")) {
            let wanted = shape(line);
            if wanted.is_empty() || current.iter().any(|(_, found)| *found == wanted) {
                continue;
            }
            let module = wanted.split(' ').find(|word| word.ends_with(".so"));
            let module = module.unwrap_or("a module");
            let changed = current
                .iter()
                .find(|(_, found)| found.split(' ').any(|word| word == module));
            let what = match changed {
                Some(_) => format!("the line of {module} is not as pam-auth-update laid it"),
                None => format!("the line of {module} that pam-auth-update laid is gone"),
            };
            report.add(
                Finding::warning("pam-hand-edited", what)
                    .at(&path, changed.map(|(line, _)| *line))
                    .because("the next pam-auth-update keeps the edit, or refuses to work at all")
                    .mend("make it as it was, or run: pam-auth-update --force"),
            );
        }
    }
}

/// A line of this kind, without the kind.
fn managed(line: &str, kind: &str) -> Option<String> {
    let line = line.trim();
    let rest = line.strip_prefix(kind)?;
    rest.starts_with(char::is_whitespace).then(|| shape(rest))
}

/// A line without what differs anyway: blanks, where jumps go, and the options of others,
/// which pam-auth-update leaves to the administrator.
fn shape(line: &str) -> String {
    let mut shape = String::new();
    let mut in_brackets = false;
    for word in line.split_whitespace() {
        in_brackets |= word.starts_with('[');
        let mut word_shape = word.to_owned();
        if in_brackets {
            if let Some((code, action)) = word.split_once('=') {
                let bare = action.trim_end_matches(']');
                if bare == "end" || bare.chars().all(|c| c.is_ascii_digit()) {
                    let close = if action.ends_with(']') { "]" } else { "" };
                    word_shape = format!("{code}=@{close}");
                }
            }
        }
        in_brackets &= !word.ends_with(']');
        if !shape.is_empty() {
            shape.push(' ');
        }
        shape.push_str(&word_shape);
        if word.ends_with(".so") && word != "pam_domlogon.so" {
            break;
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_forget_blanks_and_jumps() {
        let saved = "[success=end new_authtok_reqd=done default=ignore]\tpam_unix.so  nullok";
        let laid =
            "account\t[success=1 new_authtok_reqd=done default=ignore]   pam_unix.so nullok ";
        assert_eq!(managed(laid, "account").unwrap(), shape(saved));
        assert_eq!(
            shape("required pam_unix.so 3"),
            shape("required pam_unix.so")
        );
        assert_ne!(
            shape("required pam_domlogon.so 3"),
            shape("required pam_domlogon.so")
        );
        assert_ne!(shape("required pam_unix.so"), shape("optional pam_unix.so"));
        assert_eq!(managed("# account required x", "account"), None);
        assert_eq!(managed("accounts required x", "account"), None);
    }
}
