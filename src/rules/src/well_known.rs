//! The well-known groups: names that mean the same in every domain [MS-DTYP 2.4.2.4].

use domlogon_protocol::{Sid, UserName};

/// Names of the NT authority, S-1-5-n, and their numbers.
const NT_AUTHORITY: &[(u32, &str)] = &[
    (2, "Network"),
    (3, "Batch"),
    (4, "Interactive"),
    (6, "Service"),
    (7, "Anonymous Logon"),
    (9, "Enterprise Domain Controllers"),
    (11, "Authenticated Users"),
    (14, "Remote Interactive Logon"),
    (15, "This Organization"),
    (18, "System"),
    (19, "Local Service"),
    (20, "Network Service"),
];

/// Names of the BUILTIN domain, S-1-5-32-n, and their numbers.
const BUILTIN: &[(u32, &str)] = &[
    (544, "Administrators"),
    (545, "Users"),
    (546, "Guests"),
    (547, "Power Users"),
    (548, "Account Operators"),
    (549, "Server Operators"),
    (550, "Print Operators"),
    (551, "Backup Operators"),
    (554, "Pre-Windows 2000 Compatible Access"),
    (555, "Remote Desktop Users"),
    (559, "Performance Log Users"),
];

const EVERYONE: &str = "Everyone";

/// The well-known group that `text` names, in any case, alone or with its authority
/// (`NT AUTHORITY\Network`, `BUILTIN\Users`), and its own spelling.
#[must_use]
pub fn find(text: &str) -> Option<(Sid, &'static str)> {
    let (authority, name) = match text.split_once('\\') {
        Some((authority, name)) => (Some(UserName::fold(authority)), name),
        None => (None, text),
    };
    let name = UserName::fold(name);
    let is = |of: &str| authority.as_deref().is_none_or(|authority| authority == of);
    let among = |table: &[(u32, &'static str)]| {
        table
            .iter()
            .find(|(_, known)| UserName::fold(known) == name)
            .copied()
    };
    if authority.is_none() && UserName::fold(EVERYONE) == name {
        return Some((Sid::everyone(), EVERYONE));
    }
    if is("nt authority") {
        if let Some((rid, name)) = among(NT_AUTHORITY) {
            return Some((Sid::nt_authority(rid), name));
        }
    }
    if is("builtin") {
        if let Some((rid, name)) = among(BUILTIN) {
            return Some((Sid::builtin(rid), name));
        }
    }
    None
}

/// The name of a well-known group.
#[must_use]
pub fn name_of(sid: &Sid) -> Option<&'static str> {
    if *sid == Sid::everyone() {
        return Some(EVERYONE);
    }
    let of = |table: &[(u32, &'static str)], make: fn(u32) -> Sid| {
        table
            .iter()
            .find(|(rid, _)| make(*rid) == *sid)
            .map(|(_, name)| *name)
    };
    of(NT_AUTHORITY, Sid::nt_authority).or_else(|| of(BUILTIN, Sid::builtin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_identifiers_belong_together() {
        for (text, sid) in [
            ("everyone", "S-1-1-0"),
            ("NETWORK", "S-1-5-2"),
            ("nt authority\\network", "S-1-5-2"),
            ("Authenticated Users", "S-1-5-11"),
            ("users", "S-1-5-32-545"),
            ("BuiltIn\\Administrators", "S-1-5-32-544"),
            ("Remote Desktop Users", "S-1-5-32-555"),
        ] {
            let (found, name) = find(text).unwrap();
            assert_eq!(found.to_string(), sid, "{text}");
            assert_eq!(name_of(&found), Some(name));
            assert!(text.to_lowercase().ends_with(&name.to_lowercase()));
        }
        for nobody in [
            "",
            "alice",
            "CORP\\Users",
            "BUILTIN\\Everyone",
            "BUILTIN\\Network",
        ] {
            assert_eq!(find(nobody), None, "{nobody}");
        }
        assert_eq!(name_of(&Sid::domain(1, 2, 3).with_rid(545)), None);
    }
}
