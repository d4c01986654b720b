//! nsswitch.conf: our name behind the local sources, and everything else as it stands.

/// The lists that name us, where the file has them. Where a list is missing, glibc has a
/// default for it; for `initgroups` that is the list of `group`.
const LISTS: [&str; 3] = ["passwd", "group", "initgroups"];

/// What must be asked before the domain: a local name is never the domain's. The other sources of
/// local names, such as systemd's, come after it. The daemon and the PAM module know the files
/// alone, and whoever logs on by a name that they take for the domain's must get the domain's id.
pub(crate) const LOCAL: [&str; 2] = ["files", "compat"];

const OURS: &str = "domlogon";

/// The file with our name in it.
pub(crate) fn with_ours(text: &str) -> String {
    let mut out = edit(text, |list, value| {
        if words(value).iter().any(|word| word.text == OURS) {
            return None;
        }
        LISTS.contains(&list).then(|| insert(value))
    });
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    for list in ["passwd", "group"] {
        let there = lists(text).any(|name| name == list);
        if !there {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push_str(end);
            }
            out.push_str(&format!("{list}: files {OURS}{end}"));
        }
    }
    out
}

/// The file without our name, however often it stands there.
pub(crate) fn without_ours(text: &str) -> String {
    let mut without = text.to_owned();
    loop {
        let less = without_one(&without);
        if less == without {
            return without;
        }
        without = less;
    }
}

fn without_one(text: &str) -> String {
    edit(text, |_, value| {
        let ours = words(value).into_iter().rfind(|word| word.text == OURS)?;
        let before = value[..ours.start].trim_end_matches([' ', '\t']);
        // The first of a list keeps the space behind the colon.
        let kept = if before.is_empty() {
            &value[..ours.start]
        } else {
            before
        };
        let rest = &value[ours.end..];
        let rest = if before.is_empty() {
            rest.trim_start_matches([' ', '\t'])
        } else {
            rest
        };
        Some(format!("{kept}{rest}"))
    })
}

/// One line of the file with our name where it belongs, whatever the place it has now.
pub(crate) fn placed(line: &str) -> String {
    let with = with_ours(&without_ours(line));
    with.lines().next().unwrap_or_default().to_owned()
}

/// Whether a list names us.
pub(crate) fn names_ours(text: &str) -> bool {
    without_one(text) != text
}

/// Gives each list's value to `change`; what that does not change stays byte for byte.
fn edit(text: &str, change: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    for line in text.split_inclusive('\n') {
        match parts(line) {
            Some((head, list, value, tail)) => {
                out.push_str(head);
                out.push_str(&change(list, value).unwrap_or_else(|| value.to_owned()));
                out.push_str(tail);
            }
            None => out.push_str(line),
        }
    }
    out
}

fn lists(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
        .filter_map(|line| parts(line).map(|(_, list, _, _)| list))
}

/// A line as what is up to the colon, the list's name, the sources, and the rest.
fn parts(line: &str) -> Option<(&str, &str, &str, &str)> {
    let code = line.find('#').unwrap_or(line.len());
    let colon = line.get(..code)?.find(':')?;
    let list = line.get(..colon)?.trim();
    let value = line.get(colon + 1..code)?;
    let length = value.trim_end().len();
    let end = colon + 1 + length;
    Some((
        line.get(..=colon)?,
        list,
        line.get(colon + 1..end)?,
        line.get(end..)?,
    ))
}

struct Word<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

/// The sources, and the actions in brackets, each as one word.
fn words(value: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    let mut bracket = false;
    for (at, c) in value.char_indices().chain([(value.len(), ' ')]) {
        let ends = (c.is_whitespace() && !bracket) || (c == '[' && start.is_some() && !bracket);
        if ends || (at == value.len() && start.is_some()) {
            if let Some(start) = start.take() {
                found.push(Word {
                    text: &value[start..at],
                    start,
                    end: at,
                });
            }
        }
        if at == value.len() {
            break;
        }
        if c == '[' && value[at..].contains(']') {
            bracket = true;
            start = Some(at);
        } else if c == ']' && bracket {
            bracket = false;
            let end = at + 1;
            if let Some(start) = start.take() {
                found.push(Word {
                    text: &value[start..end],
                    start,
                    end,
                });
            }
        } else if !c.is_whitespace() && start.is_none() {
            start = Some(at);
        }
    }
    found
}

fn insert(value: &str) -> String {
    let words = words(value);
    let Some(last) = words.iter().rposition(|word| LOCAL.contains(&word.text)) else {
        // No local source at all: then behind everything, for the same reason.
        let space = if value.trim().is_empty() {
            " files "
        } else {
            " "
        };
        return format!("{}{space}{OURS}", value.trim_end());
    };
    let mut end = words[last].end;
    if let Some(next) = words.get(last + 1) {
        // An action that ends the search would keep us from being asked: it is left behind us.
        if next.text.starts_with('[') && !ends_search(next.text) {
            end = next.end;
        }
    }
    let rest = &value[end..];
    // A source may stand right behind an action, and would run into our name.
    let is_apart =
        rest.is_empty() || rest.starts_with('[') || rest.starts_with(char::is_whitespace);
    let gap = if is_apart { "" } else { " " };
    format!("{} {OURS}{gap}{rest}", &value[..end])
}

/// Whether an action ends the search for a name that the source does not have.
fn ends_search(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    action
        .trim_matches(['[', ']'])
        .split_whitespace()
        .filter_map(|one| one.strip_suffix("=return"))
        .any(|status| match status.strip_prefix('!') {
            Some(other) => other != "notfound",
            None => status == "notfound",
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn both_ways(text: &str, wanted: &str) {
        assert_eq!(with_ours(text), wanted);
        assert_eq!(without_ours(wanted), text);
        assert_eq!(with_ours(wanted), wanted, "twice is once");
        assert_eq!(without_ours(text), text);
        assert!(names_ours(wanted) && !names_ours(text));
    }

    #[test]
    fn behind_the_local_sources() {
        both_ways(
            "# c\npasswd:         files systemd\ngroup:          files systemd\nshadow: files\n",
            "# c\npasswd:         files domlogon systemd\ngroup:          files domlogon systemd\nshadow: files\n",
        );
        both_ways(
            "passwd: files sss\ngroup:files  ldap # here\ninitgroups: files sss\n",
            "passwd: files domlogon sss\ngroup:files domlogon  ldap # here\ninitgroups: files domlogon sss\n",
        );
        both_ways(
            "passwd: db\ngroup: nis\n",
            "passwd: db domlogon\ngroup: nis domlogon\n",
        );
    }

    #[test]
    fn line_ends_and_odd_layouts_stay() {
        both_ways(
            "passwd:\tfiles\t\r\ngroup :  compat\r\nhosts: files dns\r\n",
            "passwd:\tfiles domlogon\t\r\ngroup :  compat domlogon\r\nhosts: files dns\r\n",
        );
        both_ways(
            "passwd: files\ngroup: files",
            "passwd: files domlogon\ngroup: files domlogon",
        );
        both_ways(
            "#passwd: x\n passwd: files\ngroup: files#x",
            "#passwd: x\n passwd: files domlogon\ngroup: files domlogon#x",
        );
    }

    #[test]
    fn actions() {
        both_ways(
            "passwd: files [NOTFOUND=return] sss\ngroup: files [SUCCESS=merge] systemd\n",
            "passwd: files domlogon [NOTFOUND=return] sss\ngroup: files [SUCCESS=merge] domlogon systemd\n",
        );
        both_ways(
            "passwd: files[SUCCESS=continue] sss\ngroup: files [ !SUCCESS=return ] x\n",
            "passwd: files[SUCCESS=continue] domlogon sss\ngroup: files domlogon [ !SUCCESS=return ] x\n",
        );
        both_ways(
            "passwd: files [!UNAVAIL=return] x\ngroup: files [!NOTFOUND=return UNAVAIL=return] x\n",
            "passwd: files domlogon [!UNAVAIL=return] x\ngroup: files [!NOTFOUND=return UNAVAIL=return] domlogon x\n",
        );
    }

    #[test]
    fn a_source_right_behind_an_action_keeps_its_name() {
        let with = with_ours("passwd: files[SUCCESS=continue]sss\ngroup: files\n");
        assert_eq!(
            with,
            "passwd: files[SUCCESS=continue] domlogon sss\ngroup: files domlogon\n"
        );
        assert_eq!(with_ours(&with), with);
    }

    #[test]
    fn missing_lists_are_written_out() {
        assert_eq!(
            with_ours(""),
            "passwd: files domlogon\ngroup: files domlogon\n"
        );
        assert_eq!(
            with_ours("group: files"),
            "group: files domlogon\npasswd: files domlogon\n"
        );
        assert_eq!(
            with_ours("passwd:\ngroup: files\n"),
            "passwd: files domlogon\ngroup: files domlogon\n"
        );
    }

    #[test]
    fn ours_alone_or_first() {
        assert_eq!(without_ours("passwd: domlogon files\n"), "passwd: files\n");
        assert_eq!(without_ours("passwd: domlogon\n"), "passwd: \n");
        let twice = "passwd: domlogon files domlogon sss domlogon\n";
        assert_eq!(without_ours(twice), "passwd: files sss\n");
    }

    proptest! {
        #[test]
        fn any_text_survives(text in "(passwd|group|x)?:?( ?(files|sss|\\[|\\]|#|domlogon|é|\r|\n|\t)){0,12}") {
            let with = with_ours(&text);
            prop_assert_eq!(with_ours(&with), with.clone());
            let _ = without_ours(&text);
        }

        #[test]
        fn what_goes_in_comes_out(text in "(passwd|group):( (files|sss|ldap|systemd|\\[NOTFOUND=return\\])){1,5}\n") {
            let text = format!("{text}passwd: files\ngroup: files\n");
            prop_assert_eq!(without_ours(&with_ours(&text)), text);
        }
    }
}
