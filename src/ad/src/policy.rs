//! The password policy: the domain's, and the fine-grained one of a person.

use crate::entry::{Flaw, PasswordExpiry, Person, number, small};
use crate::ldap::{Connection, Entry, Filter, LdapError, Scope, Search};
use crate::queries::DomainFacts;
use crate::time::{duration, instant, seconds};
use domlogon_protocol::Policy;

/// DOMAIN_PASSWORD_COMPLEX
const COMPLEX: u32 = 1;
/// DOMAIN_REFUSE_PASSWORD_CHANGE
const REFUSE_CHANGE: u32 = 32;
/// The greatest length that the directory takes [SAMR].
const LONGEST: u32 = 256;

const DOMAIN: &[&str] = &[
    "minPwdLength",
    "pwdHistoryLength",
    "maxPwdAge",
    "minPwdAge",
    "pwdProperties",
    "lockoutThreshold",
    "lockoutDuration",
    "lockOutObservationWindow",
];

const FINE_GRAINED: &[&str] = &[
    "msDS-MinimumPasswordLength",
    "msDS-PasswordHistoryLength",
    "msDS-MaximumPasswordAge",
    "msDS-MinimumPasswordAge",
    "msDS-PasswordComplexityEnabled",
    "msDS-LockoutThreshold",
    "msDS-LockoutDuration",
    "msDS-LockoutObservationWindow",
];

/// The domain's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DomainPolicy {
    /// Its numbers.
    pub(crate) policy: Policy,
    /// Nobody but an administrator may change a password (DOMAIN_REFUSE_PASSWORD_CHANGE).
    pub(crate) refuses_change: bool,
}

/// The policy for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    /// Its numbers; the end of the password is always the directory's own.
    pub(crate) policy: Policy,
    /// A fine-grained policy is in force that this host may not read: but for the end of
    /// the password the numbers are the domain's, and the real ones may be stricter.
    pub(crate) is_guess: bool,
}

/// Reads the domain's policy.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn of_domain(
    connection: &mut Connection,
    facts: &DomainFacts,
) -> Result<DomainPolicy, LdapError> {
    let entry = read(connection, &facts.base, DOMAIN)?;
    Ok(domain_policy(&entry)?)
}

/// Reads what is in force for a person.
///
/// # Errors
/// [`LdapError`]. That the fine-grained policy cannot be read is none.
pub(crate) fn of_person(
    connection: &mut Connection,
    person: &Person,
    domain: &Policy,
) -> Result<Effective, LdapError> {
    if let Some(dn) = &person.resultant_pso {
        match read(connection, dn, FINE_GRAINED) {
            Ok(entry) => {
                if let Ok(policy) = fine_grained(&entry, domain.warn) {
                    return Ok(Effective {
                        policy: person.policy(&policy),
                        is_guess: false,
                    });
                }
            }
            // It was deleted, or it is not for us to see.
            Err(LdapError::Refused { .. } | LdapError::Malformed) if !connection.is_broken() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(guess(person, domain))
}

/// What can be said without the fine-grained policy.
#[must_use]
pub(crate) fn guess(person: &Person, domain: &Policy) -> Effective {
    let mut policy = person.policy(domain);
    let is_guess = person.resultant_pso.is_some() || disagrees(person, domain);
    if is_guess && person.is_locked() {
        // How long it lasts nobody has told us. The directory says that it has not ended.
        policy.lockout_duration = None;
    }
    Effective { policy, is_guess }
}

/// Whether the password ends at another time than the domain's policy would have it: then
/// some other policy is in force.
fn disagrees(person: &Person, domain: &Policy) -> bool {
    let PasswordExpiry::After(end) = person.password_expiry else {
        return false;
    };
    let by_domain = domain.max_age.filter(|age| *age > 0);
    // Both ends are cut to the second.
    by_domain.is_none_or(|age| {
        instant(person.pwd_last_set)
            .plus(age)
            .since(end)
            .unsigned_abs()
            > 1
    })
}

fn read(connection: &mut Connection, dn: &str, attributes: &[&str]) -> Result<Entry, LdapError> {
    let mut found = connection.search(&Search {
        base: dn,
        scope: Scope::Base,
        filter: Filter::Present("objectClass"),
        attributes,
        limit: 1,
    })?;
    found.pop().ok_or(LdapError::Malformed)
}

fn domain_policy(entry: &Entry) -> Result<DomainPolicy, Flaw> {
    let properties = required_small(entry, "pwdProperties")?;
    let defaults = Policy::default();
    Ok(DomainPolicy {
        policy: Policy {
            min_length: required_small(entry, "minPwdLength")?,
            max_length: LONGEST,
            history: required_small(entry, "pwdHistoryLength")?,
            max_age: duration(required(entry, "maxPwdAge")?),
            min_age: seconds(required(entry, "minPwdAge")?),
            complexity: properties & COMPLEX != 0,
            lockout_threshold: required_small(entry, "lockoutThreshold")?,
            lockout_duration: duration(required(entry, "lockoutDuration")?),
            lockout_window: seconds(required(entry, "lockOutObservationWindow")?),
            warn: defaults.warn,
        },
        refuses_change: properties & REFUSE_CHANGE != 0,
    })
}

fn fine_grained(entry: &Entry, warn: i64) -> Result<Policy, Flaw> {
    const COMPLEXITY: &str = "msDS-PasswordComplexityEnabled";
    Ok(Policy {
        min_length: required_small(entry, "msDS-MinimumPasswordLength")?,
        max_length: LONGEST,
        history: required_small(entry, "msDS-PasswordHistoryLength")?,
        max_age: duration(required(entry, "msDS-MaximumPasswordAge")?),
        min_age: seconds(required(entry, "msDS-MinimumPasswordAge")?),
        complexity: match entry.text(COMPLEXITY) {
            Some("TRUE") => true,
            Some("FALSE") => false,
            _ => return Err(Flaw(COMPLEXITY)),
        },
        lockout_threshold: required_small(entry, "msDS-LockoutThreshold")?,
        lockout_duration: duration(required(entry, "msDS-LockoutDuration")?),
        lockout_window: seconds(required(entry, "msDS-LockoutObservationWindow")?),
        warn,
    })
}

/// Either of the two that an entry has: see [`crate::fuzzed`].
pub(crate) fn of_entry(entry: &Entry) -> Option<Policy> {
    let domain = domain_policy(entry).map(|read| read.policy);
    domain.or_else(|_| fine_grained(entry, 0)).ok()
}

fn required(entry: &Entry, attribute: &'static str) -> Result<i64, Flaw> {
    number(entry, attribute)?.ok_or(Flaw(attribute))
}

fn required_small(entry: &Entry, attribute: &'static str) -> Result<u32, Flaw> {
    small(entry, attribute)?.ok_or(Flaw(attribute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &str)]) -> Entry {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()]))
            .collect();
        Entry::new("DC=corp,DC=example", attributes)
    }

    const ANSWER: [(&str, &str); 8] = [
        ("minPwdLength", "8"),
        ("pwdHistoryLength", "24"),
        ("maxPwdAge", "-36288000000000"),
        ("minPwdAge", "0"),
        ("pwdProperties", "1"),
        ("lockoutThreshold", "5"),
        ("lockoutDuration", "-18000000000"),
        ("lockOutObservationWindow", "-18000000000"),
    ];

    #[test]
    fn the_domains_numbers() {
        let read = domain_policy(&entry(&ANSWER)).unwrap();
        let expected = Policy {
            min_age: 0,
            lockout_threshold: 5,
            ..Policy::default()
        };
        assert_eq!(read.policy, expected);
        assert!(!read.refuses_change);
        let mut answer = ANSWER;
        answer[4].1 = "32";
        answer[6].1 = "-9223372036854775808";
        let read = domain_policy(&entry(&answer)).unwrap();
        assert!(read.refuses_change && !read.policy.complexity);
        assert_eq!(read.policy.lockout_duration, None);
        for at in 0..ANSWER.len() {
            for bad in ["", "x", "99999999999999999999"] {
                let mut answer = ANSWER;
                answer[at].1 = bad;
                let flaw = domain_policy(&entry(&answer)).unwrap_err();
                assert_eq!(flaw, Flaw(ANSWER[at].0));
            }
        }
    }

    #[test]
    fn a_fine_grained_one() {
        let answer = [
            ("msDS-MinimumPasswordLength", "12"),
            ("msDS-PasswordHistoryLength", "3"),
            ("msDS-MaximumPasswordAge", "-9223372036854775808"),
            ("msDS-MinimumPasswordAge", "-864000000000"),
            ("msDS-PasswordComplexityEnabled", "FALSE"),
            ("msDS-LockoutThreshold", "0"),
            ("msDS-LockoutDuration", "0"),
            ("msDS-LockoutObservationWindow", "-600000000"),
        ];
        let read = fine_grained(&entry(&answer), 5).unwrap();
        let expected = Policy {
            min_length: 12,
            max_length: 256,
            history: 3,
            max_age: None,
            min_age: 86_400,
            complexity: false,
            lockout_threshold: 0,
            lockout_duration: None,
            lockout_window: 60,
            warn: 5,
        };
        assert_eq!(read, expected);
        assert!(fine_grained(&entry(&answer[1..]), 5).is_err());
    }
}
