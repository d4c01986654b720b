//! Every layout that a sysadmin may have given the file.

use super::*;
use domlogon_protocol::Right;
use proptest::prelude::*;

const NETWORK: RightName = RightName::allow(Right::Network);
const DENY: RightName = RightName::deny(Right::Network);

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn granted(text: &str, new: &[&str]) -> String {
    grant(text, NETWORK, &words(&["Everyone", "Users"]), &words(new)).unwrap()
}

fn revoked(text: &str, gone: &str) -> String {
    let holders = words(&["Everyone", "Users"]);
    revoke(text, NETWORK, &holders, |entry| {
        entry.eq_ignore_ascii_case(gone)
    })
    .unwrap()
}

#[test]
fn a_grant_keeps_the_layout() {
    for (before, after) in [
        // On one line.
        (
            "[rights]\nSeNetworkLogonRight = [\"a\"] # why\nSeBatchLogonRight=[]\n",
            "[rights]\nSeNetworkLogonRight = [\"a\", \"new\"] # why\nSeBatchLogonRight=[]\n",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [ 'a' , ]",
            "[rights]\nSeNetworkLogonRight = [ 'a' , \"new\", ]",
        ),
        (
            "[rights]\nSeNetworkLogonRight = []\n",
            "[rights]\nSeNetworkLogonRight = [\"new\"]\n",
        ),
        // On several.
        (
            "[rights]\nSeNetworkLogonRight = [\n\t\"a\", # one\n\t# two\n]\n",
            "[rights]\nSeNetworkLogonRight = [\n\t\"a\", # one\n\t\"new\",\n\t# two\n]\n",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\n  \"a\",\n  \"b\" # no, comma\n]\n",
            "[rights]\nSeNetworkLogonRight = [\n  \"a\",\n  \"b\", # no, comma\n  \"new\"\n]\n",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\"a\",\n                       \"b\"]\n",
            "[rights]\nSeNetworkLogonRight = [\"a\",\n                       \"b\",\n                       \
             \"new\"]\n",
        ),
        (
            "[rights]\n  SeNetworkLogonRight = [\n    # nobody\n  ]\n",
            "[rights]\n  SeNetworkLogonRight = [\n    # nobody\n      \"new\",\n  ]\n",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\n  \"a\", \"b\",\n  \"c\", \"d\",\n]\n",
            "[rights]\nSeNetworkLogonRight = [\n  \"a\", \"b\",\n  \"c\", \"d\", \"new\",\n]\n",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\n    \"a\"\n  , \"b\"\n]\n",
            "[rights]\nSeNetworkLogonRight = [\n    \"a\"\n  , \"b\", \"new\"\n]\n",
        ),
        (
            "[rights]\r\nSeNetworkLogonRight = [\r\n  \"a\",\r\n]\r\n",
            "[rights]\r\nSeNetworkLogonRight = [\r\n  \"a\",\r\n  \"new\",\r\n]\r\n",
        ),
        // Other ways to write the key.
        (
            "[rights]\nSENETWORKLOGONRIGHT = [\"a\"]\n",
            "[rights]\nSENETWORKLOGONRIGHT = [\"a\", \"new\"]\n",
        ),
        (
            "rights.senetworklogonright = [\"a\"]\n[services]\n",
            "rights.senetworklogonright = [\"a\", \"new\"]\n[services]\n",
        ),
        (
            "rights = { \"SeNetworkLogonRight\" = [\"a\"] }\n",
            "rights = { \"SeNetworkLogonRight\" = [\"a\", \"new\"] }\n",
        ),
        (
            "\u{feff}[ \"rights\" ]\nSeNetworkLogonRight = [\"é\"]\n",
            "\u{feff}[ \"rights\" ]\nSeNetworkLogonRight = [\"é\", \"new\"]\n",
        ),
    ] {
        assert_eq!(granted(before, &["new"]), after, "{before}");
    }
}

#[test]
fn several_are_granted_in_their_order() {
    assert_eq!(
        granted(
            "[rights]\nSeNetworkLogonRight = [\n  \"a\"\n]\n",
            &["CORP\\b", "c \"d\""]
        ),
        "[rights]\nSeNetworkLogonRight = [\n  \"a\",\n  \"CORP\\\\b\",\n  \"c \\\"d\\\"\"\n]\n"
    );
}

#[test]
fn a_list_that_is_absent_is_made_of_its_holders() {
    let made = "SeNetworkLogonRight = [\"Everyone\", \"Users\", \"new\"]";
    let title = "# Access this computer from the network";
    for (before, after) in [
        (String::new(), format!("[rights]\n{title}\n{made}\n")),
        (
            "# mine\n\n[services]\nsshd = \"deny\"".to_owned(),
            format!("# mine\n\n[services]\nsshd = \"deny\"\n\n[rights]\n{title}\n{made}\n"),
        ),
        (
            "[rights]".to_owned(),
            format!("[rights]\n{title}\n{made}\n"),
        ),
        (
            "[rights]\r\nSeBatchLogonRight = [] # none\r\n\r\n# map\r\n[services]\r\n".to_owned(),
            format!(
                "[rights]\r\nSeBatchLogonRight = [] # none\r\n{title}\r\n{made}\r\n\r\n# map\r\n\
                 [services]\r\n"
            ),
        ),
        (
            "rights.SeBatchLogonRight = []\n\n[audit]\n".to_owned(),
            format!("rights.SeBatchLogonRight = []\n{title}\nrights.{made}\n\n[audit]\n"),
        ),
        (
            "rights = { SeBatchLogonRight = [] }\n".to_owned(),
            format!("rights = {{ SeBatchLogonRight = [], {made} }}\n"),
        ),
        (
            "rights = {}\n".to_owned(),
            format!("rights = {{ {made} }}\n"),
        ),
        // Where the file shows the key in a comment it is set under that, and not under the
        // one of another section.
        (
            "[rights]\n# ssh:\n  #SeNetworkLogonRight = []\n  #SeBatchLogonRight = []\n\n[audit]\n"
                .to_owned(),
            format!(
                "[rights]\n# ssh:\n  #SeNetworkLogonRight = []\n  {made}\n  #SeBatchLogonRight = \
                 []\n\n[audit]\n"
            ),
        ),
        (
            "[rights]\n[audit]\n#SeNetworkLogonRight = true\n".to_owned(),
            format!("[rights]\n{title}\n{made}\n[audit]\n#SeNetworkLogonRight = true\n"),
        ),
    ] {
        assert_eq!(granted(&before, &["new"]), after, "{before}");
    }
}

#[test]
fn long_new_lists_get_a_line_for_each_entry() {
    let new: Vec<String> = (0..20).map(|n| format!("user{n}")).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let made = granted("", &new);
    assert!(made.contains("= [\n    \"Everyone\",\n"), "{made}");
    assert!(made.ends_with("    \"user19\",\n]\n"), "{made}");
}

#[test]
fn the_shipped_file_shows_each_list_where_it_is_described() {
    let shipped = crate::rights::SHIPPED;
    for name in RightName::ALL {
        let made = grant(shipped, name, &[], &words(&["alice"])).unwrap();
        let lines: Vec<&str> = made.lines().collect();
        let key = format!("{name} = [\"alice\"]");
        let at = lines.iter().position(|line| *line == key).unwrap();
        let above = lines.get(at - 1).unwrap();
        assert!(above.starts_with(&format!("#{name} = [")), "{above}");
        let rest: Vec<&str> = lines.iter().filter(|l| **l != key).copied().collect();
        assert_eq!(rest, shipped.lines().collect::<Vec<_>>());
    }
}

#[test]
fn a_revoke_takes_the_entry_and_its_line() {
    for (before, after) in [
        ("[\"a\", \"gone\"] # why", "[\"a\"] # why"),
        ("[\"gone\", \"a\"]", "[\"a\"]"),
        ("[\"a\", 'Gone', \"b\"]", "[\"a\", \"b\"]"),
        ("[\"gone\"]", "[]"),
        ("[ \"gone\", ]", "[  ]"),
        ("[\"a\", \"gone\",]", "[\"a\",]"),
        ("[\"gone\", \"gone\", \"GONE\"]", "[]"),
        (
            "[\n  \"a\",\n  \"gone\", # left in May\n  # keep\n  \"b\",\n]",
            "[\n  \"a\",\n  # keep\n  \"b\",\n]",
        ),
        ("[\n  \"a\",\n  \"gone\"\n]", "[\n  \"a\"\n]"),
        (
            "[\n  \"a\", # one\n  \"gone\" # two\n]",
            "[\n  \"a\" # one\n]",
        ),
        ("[\r\n  \"gone\",\r\n  \"a\",\r\n]", "[\r\n  \"a\",\r\n]"),
        ("[\n  \"gone\",\n]", "[\n]"),
        ("[\"a\",\n \"gone\"]", "[\"a\"]"),
        ("[\"gone\",\n \"a\"]", "[\n \"a\"]"),
        ("[\"a\", # why\n \"gone\"]", "[\"a\", # why\n ]"),
        ("[\"gone\", # why\n \"a\"]", "[ # why\n \"a\"]"),
        ("[\n  \"gone\"\n, \"a\"\n]", "[\n  \"a\"\n]"),
        ("[\n  \"a\"\n, \"gone\"\n]", "[\n  \"a\"\n]"),
    ] {
        let file = |list: &str| format!("[rights]\nSeNetworkLogonRight = {list}\n# end");
        assert_eq!(revoked(&file(before), "gone"), file(after), "{before}");
    }
}

#[test]
fn a_revoke_from_the_built_in_holders_writes_the_others() {
    assert_eq!(
        revoked("", "everyone"),
        "[rights]\n# Access this computer from the network\nSeNetworkLogonRight = [\"Users\"]\n"
    );
}

#[test]
fn what_cannot_be_changed_is_told() {
    for (text, error) in [
        ("[rights", EditError::Syntax(Some(7))),
        (
            "[rights]\nSeNetworkLogonRight = \"a\"\n",
            EditError::NotAList(31),
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\"a\", 1]\n",
            EditError::NotAList(37),
        ),
        (
            "[rights]\nSeNetworkLogonRight = []\nsenetworklogonright = []\n",
            EditError::Twice(34),
        ),
        ("rights = 1\n", EditError::Layout),
        ("[rights.x]\n", EditError::Layout),
    ] {
        let refused = grant(text, NETWORK, &[], &words(&["new"]));
        assert_eq!(refused, Err(error), "{text}");
    }
}

/// A list in some layout, with these entries.
fn laid_out() -> impl Strategy<Value = (Vec<String>, String)> {
    let entry = prop_oneof![
        4 => "[A-Za-z][a-z]{0,6}",
        1 => Just("CORP\\x y".to_owned()),
        1 => Just("S-1-5-32-545".to_owned()),
        1 => Just("a \"b\" # c, d]".to_owned()),
    ];
    let gap = prop_oneof![
        Just(""),
        Just(" "),
        Just("\n  "),
        Just(" # a, comment]\n\t"),
        Just("\n\n# \"x\"\n  "),
    ];
    (
        proptest::collection::vec((entry, gap.clone(), gap.clone(), gap.clone()), 0..6),
        gap,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(entries, end, trailing, crlf)| {
            let mut list = String::from("[");
            for (index, (entry, before, behind, _)) in entries.iter().enumerate() {
                let last = index + 1 == entries.len();
                let comma = if last && !trailing { "" } else { "," };
                list.push_str(&format!("{before}{}{behind}{comma}", quoted(entry)));
            }
            list.push_str(&format!("{end}]"));
            if crlf {
                list = list.replace('\n', "\r\n");
            }
            (entries.into_iter().map(|(entry, ..)| entry).collect(), list)
        })
}

/// What stands around the list, with comments that look like keys.
const BEFORE: &str =
    "# top\n[services]\nsshd = 'network' # x\n\n[rights]\n# SeX = 1\nSeBatchLogonRight = [ ]\n";
const AFTER: &str = " # end of the list\n\tSeServiceLogonRight=['y'  ,'z']\n\n[audit]\n# SeNetworkLogonRight = true\n";

fn around(list: &str) -> String {
    format!("{BEFORE}SeNetworkLogonRight = {list}{AFTER}")
}

/// The list of a file that kept what is around it byte for byte.
fn between(text: &str) -> &str {
    text.strip_prefix(BEFORE)
        .and_then(|rest| rest.strip_suffix(AFTER))
        .unwrap_or_else(|| panic!("what is around the list was changed:\n{text}"))
}

/// The comments of a list, in their order.
fn comments(list: &str) -> Vec<&str> {
    ["# a, comment]", "# \"x\""]
        .into_iter()
        .flat_map(|comment| list.matches(comment))
        .collect()
}

proptest! {
    #[test]
    fn a_grant_changes_one_list_and_nothing_else(
        (entries_before, list) in laid_out(),
        new in proptest::collection::vec("[a-z]{1,5}|CORP\\\\[a-z]", 1..4),
    ) {
        let before = around(&list);
        let after = grant(&before, NETWORK, &[], &new).unwrap();
        let meant: Vec<String> = entries_before.iter().chain(&new).cloned().collect();
        prop_assert_eq!(entries(&after, NETWORK).unwrap(), Some(meant));
        prop_assert_eq!(comments(between(&after)), comments(&list));
        // And back again, by a revoke of what was granted.
        let back = revoke(&after, NETWORK, &[], |entry| new.iter().any(|n| n == entry)).unwrap();
        let left: Vec<String> =
            entries_before.iter().filter(|e| !new.contains(e)).cloned().collect();
        prop_assert_eq!(entries(&back, NETWORK).unwrap(), Some(left));
        between(&back);
    }

    #[test]
    fn a_revoke_changes_one_list_and_nothing_else((all, list) in laid_out(), which in 0..6_usize) {
        prop_assume!(which < all.len());
        let gone = all.get(which).cloned().unwrap_or_default();
        let after = revoke(&around(&list), NETWORK, &[], |entry| entry == gone).unwrap();
        let meant: Vec<String> = all.iter().filter(|e| **e != gone).cloned().collect();
        prop_assert_eq!(entries(&after, NETWORK).unwrap(), Some(meant));
        between(&after);
    }

    #[test]
    fn a_new_list_leaves_every_line_as_it_was((_, list) in laid_out(), holder in "[a-z]{1,5}") {
        let before = around(&list);
        let after = grant(&before, DENY, &[], std::slice::from_ref(&holder)).unwrap();
        prop_assert_eq!(entries(&after, DENY).unwrap(), Some(vec![holder.clone()]));
        let lines = |text: &str| -> Vec<String> {
            text.split_inclusive('\n').map(str::to_owned).collect()
        };
        let mut left = lines(&after);
        left.retain(|line| {
            !line.starts_with("SeDenyNetworkLogonRight") && !line.contains("# Deny access")
        });
        prop_assert_eq!(left, lines(&before));
    }
}
