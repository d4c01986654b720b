//! Logons while no controller answers, with what was saved at the last one.

use crate::cache::Saved;
use crate::settings::Offline;
use argon2::password_hash::{Output, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use domlogon_protocol::{Decision, Notice, Policy, Secret, Timestamp, Verdict};
use domlogon_rules::{Exempt, Judgement, Lockout};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// KiB and passes: the cost of the account database's own hashes.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes.
const LENGTH: usize = 32;

/// How long wrong passwords count together, and how long whoever made too many waits.
const WAIT: i64 = 30 * 60;

/// One hash at a time: only logons without a controller wait for them.
static TURN: Mutex<()> = Mutex::new(());

/// A slow hash of a password, as a PHC string; `None` without random bytes or memory.
pub(crate) fn verifier(password: &Secret) -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    let salt = SaltString::encode_b64(&bytes).ok()?;
    let output = hash(password, &bytes)?;
    Some(format!(
        "$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${}${output}",
        salt.as_str()
    ))
}

/// Whether the password is the one that the verifier was made of. One that was not made
/// here, at this cost, opens nothing: the next logon at a controller makes it anew.
pub(crate) fn opens(verifier: &str, password: &Secret) -> bool {
    let Ok(kept) = PasswordHash::new(verifier) else {
        return false;
    };
    let ours = kept.algorithm == Algorithm::Argon2id.ident()
        && kept.version == Some(Version::V0x13.into())
        && Params::try_from(&kept).is_ok_and(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY, PASSES, LANES)
        });
    let mut salt = [0; 64];
    let (Some(kept_salt), Some(expected), true) = (kept.salt, kept.hash, ours) else {
        return false;
    };
    let Ok(salt) = kept_salt.decode_b64(&mut salt) else {
        return false;
    };
    // `Output` compares in constant time.
    hash(password, salt).is_some_and(|made| made == expected)
}

fn hash(password: &Secret, salt: &[u8]) -> Option<Output> {
    let params = Params::new(MEMORY, PASSES, LANES, Some(LENGTH)).ok()?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Above glibc's largest threshold the block is given back as soon as it is freed.
    let mut memory = Vec::with_capacity(params.block_count().max(33 * 1024));
    memory.resize(params.block_count(), Block::default());
    let mut output = Zeroizing::new([0; LENGTH]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.expose(), salt, &mut *output, &mut memory[..])
        .ok()?;
    Output::new(&output[..]).ok()
}

/// Whether a password may be compared with what was saved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Yes, once this is kept: it is what a wrong one comes to.
    Free(Lockout),
    /// Too many were wrong; until then nothing is compared.
    Locked(Option<Timestamp>),
    /// The last logon at a controller is too long ago.
    TooOld,
}

/// Whether a password may be compared with what was saved, by the site's limits.
pub(crate) fn turn(saved: &Saved, limits: Offline, now: Timestamp) -> Turn {
    let age = now.since(saved.confirmed);
    // A clock that was set back must not make an old one new for ever.
    if limits.age <= 0 || age > limits.age || age < -limits.age {
        return Turn::TooOld;
    }
    let policy = waiting(limits);
    if saved.lockout.is_locked(&policy, now) {
        return Turn::Locked(saved.lockout.until(&policy));
    }
    Turn::Free(saved.lockout.after_bad(&policy, now, Exempt::No))
}

/// The lockout of offline logons, told in the domain's own terms.
fn waiting(limits: Offline) -> Policy {
    Policy {
        lockout_threshold: limits.tries,
        lockout_duration: Some(WAIT),
        lockout_window: WAIT,
        ..Policy::default()
    }
}

/// The judgement about somebody who is known from earlier alone: everything holds as ever,
/// but that nobody can be made to change a password that no controller would take.
pub(crate) fn softened(mut judgement: Judgement) -> Judgement {
    let decision = &mut judgement.decision;
    let due = matches!(
        decision.verdict,
        Verdict::MustChange
            | Verdict::MustChangeElsewhere
            | Verdict::PasswordExpired
            | Verdict::PasswordExpiredElsewhere
    );
    if due || decision.verdict == Verdict::Success {
        let mut notices = vec![Notice::Offline];
        if due {
            notices.push(Notice::ChangeBeforeNextLogon);
        } else {
            notices.append(&mut decision.notices);
        }
        *decision = Decision {
            verdict: Verdict::StandaloneLogon,
            notices,
            ..decision.clone()
        };
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::Rule;

    const LIMITS: Offline = Offline {
        age: 14 * 86_400,
        tries: 3,
    };

    fn saved(password: &str) -> Saved {
        Saved {
            verifier: verifier(&Secret::new(password.as_bytes())).unwrap(),
            password_set: 0,
            key_version: None,
            confirmed: Timestamp(1_000_000),
            lockout: Lockout::default(),
        }
    }

    #[test]
    fn too_often_wrong() {
        let mut kept = saved("Corr3ct-Horse");
        let now = Timestamp(1_000_100);
        for count in 1..=3 {
            let Turn::Free(lockout) = turn(&kept, LIMITS, now) else {
                panic!("not compared");
            };
            assert_eq!(lockout.count, count);
            kept.lockout = lockout;
        }
        let until = Some(now.plus(WAIT));
        assert_eq!(turn(&kept, LIMITS, now), Turn::Locked(until));
        let later = now.plus(WAIT + 1);
        assert!(matches!(turn(&kept, LIMITS, later), Turn::Free(_)));
    }

    #[test]
    fn right_and_wrong() {
        let kept = saved("Corr3ct-Horse");
        assert!(opens(&kept.verifier, &Secret::new(b"Corr3ct-Horse")));
        assert!(!opens(&kept.verifier, &Secret::new(b"guess")));
    }

    #[test]
    fn nothing_lasts_for_ever() {
        let kept = saved("x");
        let day = 86_400;
        for (days, lasts) in [(0, true), (14, true), (15, false), (-15, false)] {
            let found = turn(&kept, LIMITS, kept.confirmed.plus(days * day));
            assert_eq!(matches!(found, Turn::Free(_)), lasts, "{days}: {found:?}");
        }
        let never = Offline { age: 0, tries: 3 };
        assert_eq!(turn(&kept, never, kept.confirmed), Turn::TooOld);
    }

    #[test]
    fn a_damaged_verifier_opens_nothing() {
        let right = Secret::new(b"x");
        for damaged in [
            "",
            "x",
            "$argon2id$v=19$m=4294967295,t=3,p=1$c2FsdHNhbHQ$AAAA",
            "$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ",
        ] {
            assert!(!opens(damaged, &right), "{damaged}");
        }
    }

    #[test]
    fn a_change_that_is_due_waits_and_a_refusal_stays() {
        let judged = |verdict| Judgement::from(Decision::new(verdict, Rule::AllPassed));
        let decision = softened(judged(Verdict::Success)).decision;
        assert_eq!(decision.verdict, Verdict::StandaloneLogon);
        assert_eq!(decision.notices, [Notice::Offline]);
        for due in [Verdict::MustChange, Verdict::PasswordExpiredElsewhere] {
            let decision = softened(judged(due)).decision;
            assert_eq!(decision.verdict, Verdict::StandaloneLogon);
            assert_eq!(
                decision.notices,
                [Notice::Offline, Notice::ChangeBeforeNextLogon]
            );
        }
        for refusal in [
            Verdict::Disabled,
            Verdict::LockedOut,
            Verdict::LogonTypeNotGranted,
            Verdict::ExpiredCantChange,
        ] {
            assert_eq!(softened(judged(refusal)).decision.verdict, refusal);
        }
    }
}
