//! The directory's times: units of 100 ns since 1601-01-01 00:00:00 UTC (FILETIME).

use domlogon_protocol::Timestamp;

/// Units in a second.
const UNITS: i64 = 10_000_000;
/// Seconds from 1601-01-01 to 1970-01-01.
const EPOCH: i64 = 11_644_473_600;

/// The FILETIME that stands for "never" in times and for "for ever" in durations.
pub(crate) const NEVER: i64 = i64::MAX;

/// The instant of a FILETIME, cut to the second.
pub(crate) const fn instant(filetime: i64) -> Timestamp {
    Timestamp(filetime.div_euclid(UNITS) - EPOCH)
}

/// The FILETIME of an instant; it ends before [`NEVER`].
#[cfg(test)]
pub(crate) const fn filetime(instant: Timestamp) -> i64 {
    instant.0.saturating_add(EPOCH).saturating_mul(UNITS)
}

/// A stored duration (negative) in seconds, rounded up; `None` for one that never ends:
/// the directory writes 0 or -2^63 for that, and an upgraded domain may have -1.
pub(crate) fn duration(stored: i64) -> Option<i64> {
    match stored {
        i64::MIN | -1 | 0 => None,
        _ => Some(seconds(stored)),
    }
}

/// The seconds of a stored duration, rounded up, whatever its sign; 0 for none.
pub(crate) fn seconds(stored: i64) -> i64 {
    let units = stored.unsigned_abs();
    i64::try_from(units.div_ceil(UNITS.unsigned_abs())).unwrap_or(i64::MAX)
}

/// The seconds since 1970 of a GeneralizedTime such as `20260102030405.0Z`, which must
/// be UTC [RFC 4517 3.3.13]; `None` if it is none.
pub(crate) fn generalized(text: &str) -> Option<Timestamp> {
    let digits = text.get(..14).filter(|part| part.is_ascii())?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !text.ends_with('Z') {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let fits = (1601..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    fits.then(|| {
        let days = days(year, month, day);
        Timestamp(days * 86_400 + hour * 3_600 + minute * 60 + second)
    })
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Counted from March, so that the leap day is the last one of a year.
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let in_year = (153 * from_march + 2) / 5 + day - 1;
    let leaps = year / 4 - year / 100 + year / 400;
    // 719468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leaps + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_epoch_and_back() {
        assert_eq!(instant(116_444_736_000_000_000), Timestamp(0));
        assert_eq!(instant(116_444_735_999_999_999), Timestamp(-1));
        assert_eq!(filetime(Timestamp(0)), 116_444_736_000_000_000);
    }

    #[test]
    fn durations_are_negative_and_some_never_end() {
        assert_eq!(duration(-36_288_000_000_000), Some(42 * 86_400));
        for never in [i64::MIN, 0, -1] {
            assert_eq!(duration(never), None);
        }
        assert_eq!(seconds(0), 0);
        assert_eq!(seconds(-1), 1);
        assert_eq!(seconds(i64::MIN), 922_337_203_686);
    }

    #[test]
    fn the_time_of_a_server() {
        assert_eq!(generalized("19700101000000.0Z"), Some(Timestamp(0)));
        assert_eq!(
            generalized("20261125223200.0Z"),
            Some(Timestamp(1_795_645_920))
        );
        assert_eq!(
            generalized("20240229120000Z"),
            Some(Timestamp(1_709_208_000))
        );
        for bad in [
            "",
            "2026",
            "20261325223200.0Z",
            "20261125223200.0",
            "ää261125223200.0Z",
        ] {
            assert_eq!(generalized(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_overflows(number: i64, text in "\\PC{0,20}") {
            let _ = instant(number);
            let _ = duration(number);
            let _ = generalized(&text);
            let _ = filetime(Timestamp(number));
        }
    }
}
