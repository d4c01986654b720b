//! Instants as a person writes and reads them: local time with its zone, and UTC.

use core::fmt;
use domlogon_protocol::{Calendar, Timestamp};
use domlogon_rules::durations::{self, Span};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The local zone and the present.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
}

/// The end of an account, as set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    Never,
    At(Timestamp),
}

/// What a date without a time of day means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    Start,
    End,
}

/// A text that is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeError;

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write 2026-12-31 or '2026-12-31 18:00' (local time), 2026-12-31T17:00:00Z, now, \
             +30d or -30d",
        )
    }
}

impl core::error::Error for TimeError {}

/// Reads TIME or `never`; a date means the end of that day.
pub(crate) fn parse_expiry(text: &str) -> Result<Expiry, TimeError> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(Expiry::Never);
    }
    Clock::system().parse(text, Day::End).map(Expiry::At)
}

/// Reads TIME; a date means the start of that day.
pub(crate) fn parse_start(text: &str) -> Result<Timestamp, TimeError> {
    Clock::system().parse(text, Day::Start)
}

/// Reads how long ago, such as `7d`, or TIME, which must have passed.
pub(crate) fn parse_since(text: &str) -> Result<Timestamp, SinceError> {
    Clock::system().since(text)
}

/// A text that is no instant of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SinceError;

impl fmt::Display for SinceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write how long ago, such as 7d or 12h, or a time that has passed, such as \
             2026-12-31 or '2026-12-31 18:00'",
        )
    }
}

impl core::error::Error for SinceError {}

impl Clock {
    /// This host's zone, and now.
    pub(crate) fn system() -> Self {
        Self {
            zone: TimeZone::system(),
            now: Timestamp(jiff::Timestamp::now().as_second()),
        }
    }

    fn parse(&self, text: &str, day: Day) -> Result<Timestamp, TimeError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("now") {
            return Ok(self.now);
        }
        if let Some(ahead) = text.strip_prefix('+') {
            return Ok(self.now.plus(span(ahead)?));
        }
        if let Some(back) = text.strip_prefix('-') {
            return Ok(self.now.plus(-span(back)?));
        }
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Timestamp(instant.as_second()));
        }
        let zoned = if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
            let start = date.to_zoned(self.zone.clone());
            match day {
                Day::Start => start,
                Day::End => start.and_then(|start| start.end_of_day()),
            }
        } else {
            local(text)?.to_zoned(self.zone.clone())
        };
        zoned
            .map(|zoned| Timestamp(zoned.timestamp().as_second()))
            .map_err(|_| TimeError)
    }

    fn since(&self, text: &str) -> Result<Timestamp, SinceError> {
        let at = match span(text) {
            Ok(back) => self.now.plus(-back),
            Err(_) => self.parse(text, Day::Start).map_err(|_| SinceError)?,
        };
        if at > self.now {
            return Err(SinceError);
        }
        Ok(at)
    }

    /// Local time with the zone's name, and UTC where that is another.
    pub(crate) fn both(&self, at: Timestamp) -> String {
        if self.is_utc(at) {
            self.show(at)
        } else {
            format!("{} ({})", self.show(at), rfc3339(at))
        }
    }

    /// Minutes that local time is ahead of UTC now.
    pub(crate) fn offset_minutes(&self) -> i32 {
        self.zone.to_offset(instant(self.now)).seconds() / 60
    }

    /// The zone's short name now, such as CET.
    pub(crate) fn zone_name(&self) -> String {
        self.zone
            .to_offset_info(instant(self.now))
            .abbreviation()
            .to_owned()
    }

    fn is_utc(&self, at: Timestamp) -> bool {
        let info = self.zone.to_offset_info(instant(at));
        info.offset().is_zero() && info.abbreviation() == "UTC"
    }
}

impl Calendar for Clock {
    fn show(&self, at: Timestamp) -> String {
        instant(at)
            .to_zoned(self.zone.clone())
            .strftime("%a %d %b %Y %H:%M %Z")
            .to_string()
    }
}

/// An instant in RFC 3339 and UTC, whole seconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    instant(at).to_string()
}

/// What lies beyond the calendar's last year is shown as its end.
fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(at.0).unwrap_or(if at.0 < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

fn local(text: &str) -> Result<DateTime, TimeError> {
    [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S",
    ]
    .iter()
    .find_map(|form| DateTime::strptime(form, text).ok())
    .ok_or(TimeError)
}

fn span(text: &str) -> Result<i64, TimeError> {
    match durations::parse(text) {
        Ok(Span::Seconds(seconds)) => Ok(seconds),
        Ok(Span::Never | Span::Forever) | Err(_) => Err(TimeError),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Mon 23 Nov 2026 08:00 in Vienna, one hour ahead of UTC.
    pub(crate) fn vienna() -> Clock {
        Clock {
            zone: TimeZone::get("Europe/Vienna").unwrap(),
            now: Timestamp(1_795_417_200),
        }
    }

    #[test]
    fn a_date_is_the_end_of_that_day_where_an_account_ends() {
        let clock = vienna();
        let show = |text, day| clock.parse(text, day).map(rfc3339).unwrap();
        assert_eq!(rfc3339(clock.now), "2026-11-23T07:00:00Z");
        assert_eq!(show("2026-12-31", Day::End), "2026-12-31T22:59:59Z");
        assert_eq!(show("2026-12-31", Day::Start), "2026-12-30T23:00:00Z");
        assert_eq!(show("2026-07-01", Day::End), "2026-07-01T21:59:59Z");
    }

    #[test]
    fn local_times_and_rfc_3339_and_spans() {
        let clock = vienna();
        for (text, expected) in [
            ("2026-12-31 18:00", "2026-12-31T17:00:00Z"),
            ("2026-12-31T18:00:30", "2026-12-31T17:00:30Z"),
            ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z"),
            ("2026-12-31T18:00:00-05:00", "2026-12-31T23:00:00Z"),
            ("now", "2026-11-23T07:00:00Z"),
            ("+30d", "2026-12-23T07:00:00Z"),
            ("-1h", "2026-11-23T06:00:00Z"),
        ] {
            let at = clock.parse(text, Day::End).map(rfc3339);
            assert_eq!(at.as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "+",
            "tomorrow",
            "2026-13-01",
            "2026-02-30",
            "2026-12-31 25:00",
            "2026-12-31 18:00 rubbish",
            "31.12.2026",
            "+1e99d",
        ] {
            assert_eq!(clock.parse(text, Day::End), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn since_is_so_long_ago_or_an_instant_that_has_passed() {
        let clock = vienna();
        for (text, expected) in [
            ("7d", "2026-11-16T07:00:00Z"),
            ("12h", "2026-11-22T19:00:00Z"),
            ("-1d", "2026-11-22T07:00:00Z"),
            ("2026-11-01", "2026-10-31T23:00:00Z"),
            ("now", "2026-11-23T07:00:00Z"),
        ] {
            let at = clock.since(text).map(rfc3339);
            assert_eq!(at.as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "7", "+7d", "2026-12-31", "never", "yesterday"] {
            assert_eq!(clock.since(text), Err(SinceError), "{text}");
        }
    }

    #[test]
    fn instants_are_shown_in_both_zones() {
        let clock = vienna();
        assert_eq!(clock.show(clock.now), "Mon 23 Nov 2026 08:00 CET");
        assert_eq!(
            clock.both(clock.now),
            "Mon 23 Nov 2026 08:00 CET (2026-11-23T07:00:00Z)"
        );
        let utc = Clock {
            zone: TimeZone::UTC,
            now: clock.now,
        };
        assert_eq!(utc.both(clock.now), "Mon 23 Nov 2026 07:00 UTC");
        assert_eq!(rfc3339(Timestamp(i64::MAX)).get(..4), Some("9999"));
    }
}
