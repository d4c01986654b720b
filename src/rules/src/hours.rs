//! Logon hours: what they allow, and how a person writes them.
//!
//! `Mon-Fri 08:00-18:00; Sat 09:00-12:00`: days, then times; several times for the same
//! days after a comma; `22:00-06:00` ends on the next day; `always` and `never`. Times are
//! those of a zone that is so many minutes ahead of UTC, the same in summer and winter:
//! the stored hours are hours of UTC (Q240195).

mod written;

pub use written::{format, parse};

use domlogon_protocol::{LogonHours, Timestamp};

const HOUR: i64 = 3_600;
/// Whether `at` lies inside the hours.
#[must_use]
pub fn allowed(hours: &LogonHours, at: Timestamp) -> bool {
    hours.allows(hour_of_week(at))
}

/// The first instant from `now` on that lies inside the hours; `None` if there is none.
#[must_use]
pub fn next_allowed(hours: &LogonHours, now: Timestamp) -> Option<Timestamp> {
    if allowed(hours, now) {
        return Some(now);
    }
    let this_hour = Timestamp(now.0.saturating_sub(now.0.rem_euclid(HOUR)));
    (1..=i64::from(LogonHours::UNITS))
        .map(|ahead| this_hour.plus(ahead * HOUR))
        .find(|at| allowed(hours, *at))
}

fn hour_of_week(at: Timestamp) -> u32 {
    // 1970-01-01 was a Thursday: four days into a week that begins on Sunday.
    let hour = at.0.div_euclid(HOUR).rem_euclid(168) + 4 * 24;
    u32::try_from(hour).unwrap_or(0) % LogonHours::UNITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextError;

    const SUNDAY: i64 = 1_763_856_000; // 2025-11-23 00:00:00 UTC
    const DAY: i64 = 86_400;

    /// Monday to Friday, 08:00 to 17:00 UTC.
    fn office() -> LogonHours {
        let mut bytes = [0; 21];
        for byte in [4, 7, 10, 13, 16] {
            bytes[byte] = 0xFF;
            bytes[byte + 1] = 0x01;
        }
        LogonHours(bytes)
    }

    #[test]
    fn least_significant_bit_first_in_utc() {
        assert_eq!(parse("Mon-Fri 08:00-17:00", 0).unwrap(), office());
        assert_eq!(parse("Mon-Fri 10:00-19:00", 120).unwrap(), office());
        assert_eq!(parse("Mon-Fri 03:00-12:00", -300).unwrap(), office());
    }

    #[test]
    fn allowed_to_the_second() {
        let monday = SUNDAY + DAY;
        for (at, expected) in [
            (monday - 1, false),
            (monday + 8 * HOUR - 1, false),
            (monday + 8 * HOUR, true),
            (monday + 17 * HOUR - 1, true),
            (monday + 17 * HOUR, false),
        ] {
            assert_eq!(allowed(&office(), Timestamp(at)), expected, "{at}");
        }
    }

    #[test]
    fn the_next_allowed_instant() {
        let at = |seconds| Timestamp(SUNDAY + seconds);
        let monday_8 = at(DAY + 8 * HOUR);
        assert_eq!(next_allowed(&office(), at(17)), Some(monday_8));
        assert_eq!(
            next_allowed(&office(), monday_8.plus(61)),
            Some(monday_8.plus(61))
        );
        let friday_17 = at(5 * DAY + 17 * HOUR);
        assert_eq!(
            next_allowed(&office(), friday_17),
            Some(monday_8.plus(7 * DAY))
        );
        assert_eq!(next_allowed(&LogonHours::NEVER, at(0)), None);
        // One hour a week, asked for just after its end.
        let once = parse("Wed 12:00-13:00", 0).unwrap();
        let wednesday = at(3 * DAY + 12 * HOUR);
        assert_eq!(
            next_allowed(&once, wednesday.plus(HOUR)),
            Some(wednesday.plus(7 * DAY))
        );
        // Before 1970 the week goes on backwards.
        assert!(allowed(&office(), monday_8.plus(-7 * DAY * 5_000)));
    }

    #[test]
    fn one_meaning_in_several_spellings() {
        for (text, same) in [
            ("mon-fri 8-18", "Mon,Tue,Wed,Thu,Fri 08:00-18:00"),
            ("Mon, Wed 08:00-12:00", "Mon 08:00-12:00; Wed 08:00-12:00"),
            (
                "Mon-Fri 08:00-12:00, 13:00-17:00",
                "Mon-Fri 08:00-12:00 13:00-17:00",
            ),
            (
                "Mon-Fri 08:00-18:00, Sat 09:00-12:00",
                "Sat 09:00-12:00;Mon-Fri 08:00-18:00;",
            ),
            (
                "Sat-Mon 22:00-06:00",
                "Sat-Mon 22:00-24:00; Sun-Tue 00:00-06:00",
            ),
            ("Fri-Mon 00:00-24:00", "Fri,Sat,Sun,Mon 00:00-24:00"),
            ("Sun-Sat 00:00-24:00", "always"),
            ("Mon 18:00-00:00", "Mon 18:00-24:00"),
        ] {
            assert_eq!(parse(text, 60), parse(same, 60), "{text}");
            assert!(parse(text, 60).is_ok(), "{text}");
        }
        let again = "Sun-Sat ".repeat(200) + &"00:00-24:00 ".repeat(200);
        assert_eq!(parse(&again, 60), parse("always", 60));
        let endless = "Sun-Sat ".repeat(100_000) + &"00:00-24:00 ".repeat(100_000);
        assert_eq!(
            parse(&endless, 60),
            Err(TextError::Endless(endless.trim().len()))
        );
        assert_eq!(parse("Mon-Fri 08:00-17:00 utc", 330).unwrap(), office());
        assert_eq!(parse("NEVER", 330).unwrap(), LogonHours::NEVER);
    }

    #[test]
    fn hours_are_printed_short() {
        for text in [
            "Mon-Fri 08:00-18:00",
            "Mon-Fri 08:00-18:00; Sat 09:00-12:00",
            "Mon-Wed,Fri 08:00-12:00,13:00-17:00",
            "Mon-Fri 22:00-06:00",
            "Sat-Sun 00:00-24:00",
            "Sun 22:00-06:00",
            "always",
            "never",
        ] {
            assert_eq!(format(&parse(text, 60).unwrap(), 60), text);
        }
        // A day or more at a stretch is split at midnight.
        for end in ["07:00", "08:00", "09:00", "18:00"] {
            let text = format!("Mon 08:00-24:00; Tue 00:00-{end}");
            let printed = format(&parse(&text, 0).unwrap(), 0);
            if end == "07:00" {
                assert_eq!(printed, "Mon 08:00-07:00");
            } else {
                assert_eq!(printed, text);
            }
        }
    }

    #[test]
    fn a_zone_off_the_full_hour() {
        let kolkata = 330;
        assert_eq!(
            parse("Mon-Fri 08:00-18:00", kolkata),
            Err(TextError::NotWholeHours(kolkata))
        );
        let hours = parse("Mon-Fri 13:30-22:30", kolkata).unwrap();
        assert_eq!(hours, office());
        assert_eq!(format(&hours, kolkata), "Mon-Fri 13:30-22:30");
        let told = TextError::NotWholeHours(kolkata).to_string();
        assert!(told.contains("08:30-18:30"), "{told}");
        assert!(told.contains("not a whole hour off UTC"), "{told}");
        let told = TextError::NotWholeHours(60).to_string();
        assert!(told.contains("whole hours: write 08:00"), "{told}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let owned = |text: &str| text.to_owned();
        for (text, error) in [
            ("", TextError::Empty),
            (" ; ,", TextError::Empty),
            ("Mo-Fri 08:00-18:00", TextError::Day(owned("Mo"))),
            ("Monday 08:00-18:00", TextError::Day(owned("Monday"))),
            ("08:00-18:00", TextError::NoDays(owned("08:00-18:00"))),
            ("Mon-Fri", TextError::NoTimes(owned("Mon-Fri"))),
            ("Sat; Mon 08:00-18:00", TextError::NoTimes(owned("Sat"))),
            ("Mon 08:00-18:00 Tue", TextError::Time(owned("Tue"))),
            ("Mon 08:00", TextError::Time(owned("08:00"))),
            ("Mon 08:00-25:00", TextError::Time(owned("08:00-25:00"))),
            ("Mon 08:00-24:01", TextError::Time(owned("08:00-24:01"))),
            ("Mon 24:00-08:00", TextError::Time(owned("24:00-08:00"))),
            ("Mon 8:0-9:00", TextError::Time(owned("8:0-9:00"))),
            ("Mon 008:00-9:00", TextError::Time(owned("008:00-9:00"))),
            ("Mon 08:60-10:00", TextError::Time(owned("08:60-10:00"))),
            (
                "Mon 08:00-08:00",
                TextError::EmptyRange(owned("08:00-08:00")),
            ),
            ("Mon 08:30-10:00", TextError::NotWholeHours(0)),
        ] {
            assert_eq!(parse(text, 0), Err(error.clone()), "{text}");
            assert!(!error.to_string().is_empty());
        }
        assert_eq!(parse("Mon 08:00-09:00", 2_000), Err(TextError::Zone(2_000)));
    }
}
