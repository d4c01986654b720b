//! When to renew.

use domlogon_krb5::{Error, code};

/// The times of a ticket, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) starts: i64,
    pub(crate) ends: i64,
    pub(crate) renew_until: Option<i64>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait so many seconds, and look again.
    Wait(u32),
    /// Renew.
    Renew,
    /// The ticket cannot be renewed any more.
    End,
}

/// The longest sleep: a host that was suspended, or whose clock was set, is noticed after it.
const LONGEST: i64 = 600;

/// A renewal that gains less than this is none.
const LEAST_GAIN: i64 = 60;

const FIRST_PAUSE: u32 = 30;
const LONGEST_PAUSE: u32 = 600;

/// What a ticket needs at `now`.
pub(crate) fn next(life: Life, now: i64) -> Next {
    let until = life.renew_until.unwrap_or(0);
    if now >= life.ends || now >= until || until - life.ends < LEAST_GAIN {
        return Next::End;
    }
    let half = life.starts + (life.ends - life.starts) / 2;
    if now >= half {
        return Next::Renew;
    }
    Next::Wait(u32::try_from((half - now).min(LONGEST)).unwrap_or(1).max(1))
}

/// The pause behind the attempt that failed for the `failures`th time, in seconds.
pub(crate) fn pause(failures: u32) -> u32 {
    FIRST_PAUSE
        .saturating_mul(1 << failures.saturating_sub(1).min(10))
        .min(LONGEST_PAUSE)
}

/// Whether it is of no use to try again.
pub(crate) fn is_final(error: &Error) -> bool {
    const POLICY_FORBIDS: [i32; 6] = [
        // KDC_ERR_BADOPTION: this one cannot be renewed, or no longer.
        13,
        code::CLIENT_UNKNOWN,
        code::POLICY,
        code::CLIENT_REVOKED,
        // KDC_ERR_TGT_REVOKED
        20,
        code::TICKET_EXPIRED,
    ];
    error
        .kdc()
        .is_some_and(|error| POLICY_FORBIDS.contains(&error.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Life = Life {
        starts: 1000,
        ends: 37_000,
        renew_until: Some(600_000),
    };

    #[test]
    fn at_half_of_its_life() {
        assert_eq!(next(LIFE, 1000), Next::Wait(600));
        assert_eq!(next(LIFE, 18_900), Next::Wait(100));
        assert_eq!(next(LIFE, 18_999), Next::Wait(1));
        assert_eq!(next(LIFE, 19_000), Next::Renew);
        assert_eq!(next(LIFE, 36_999), Next::Renew);
        assert_eq!(next(LIFE, 37_000), Next::End);
        // A clock that was set back.
        assert_eq!(next(LIFE, -5_000_000), Next::Wait(600));
    }

    #[test]
    fn not_for_ever() {
        assert_eq!(
            next(
                Life {
                    renew_until: None,
                    ..LIFE
                },
                20_000
            ),
            Next::End
        );
        assert_eq!(
            next(
                Life {
                    renew_until: Some(37_000),
                    ..LIFE
                },
                2000
            ),
            Next::End
        );
        assert_eq!(
            next(
                Life {
                    renew_until: Some(37_100),
                    ..LIFE
                },
                2000
            ),
            Next::Wait(600)
        );
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses: Vec<u32> = (1..8).map(pause).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(pause(u32::MAX), 600);
    }
}
