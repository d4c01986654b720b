//! Logon hours as a person writes and reads them: local time, and UTC.

use crate::time::Clock;
use core::fmt::Write;
use domlogon_protocol::LogonHours;
use domlogon_rules::{TextError, hours};
use serde::Serialize;

/// The hours of `--hours`; none means always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoursSetting(pub(crate) Option<LogonHours>);

/// Reads hours in local time, or in UTC if UTC stands at the end.
pub(crate) fn parse_setting(text: &str) -> Result<HoursSetting, TextError> {
    parse(text, &Clock::system())
}

fn parse(text: &str, clock: &Clock) -> Result<HoursSetting, TextError> {
    let hours = hours::parse(text, clock.offset_minutes())?;
    Ok(HoursSetting(
        Some(hours).filter(|hours| *hours != LogonHours::ALWAYS),
    ))
}

/// The hours in local time and in UTC.
pub(crate) fn both(given: Option<&LogonHours>, clock: &Clock) -> String {
    let Some(given) = given else {
        return "always".to_owned();
    };
    let utc = hours::format(given, 0);
    if matches!(*given, LogonHours::ALWAYS | LogonHours::NEVER) {
        return utc;
    }
    if clock.offset_minutes() == 0 {
        return format!("{utc} UTC");
    }
    let local = hours::format(given, clock.offset_minutes());
    format!("{local} {} ({utc} UTC)", clock.zone_name())
}

/// Logon hours in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct HoursShown {
    utc: String,
    local: String,
    /// The 21 bytes, as the domain stores them: Sunday 00:00 UTC first, least
    /// significant bit first.
    bitmap: String,
}

impl HoursShown {
    pub(crate) fn new(given: &LogonHours, clock: &Clock) -> Self {
        let mut bitmap = String::new();
        for byte in given.0 {
            // Writing to a String cannot fail.
            let _ = write!(bitmap, "{byte:02x}");
        }
        Self {
            utc: hours::format(given, 0),
            local: hours::format(given, clock.offset_minutes()),
            bitmap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::vienna;

    #[test]
    fn local_hours_are_kept_in_utc_and_shown_in_both() {
        let clock = vienna();
        let local = parse("Mon-Fri 08:00-18:00", &clock).unwrap();
        let utc = parse("Mon-Fri 07:00-17:00 UTC", &clock).unwrap();
        assert_eq!(local, utc);
        assert_eq!(
            both(local.0.as_ref(), &clock),
            "Mon-Fri 08:00-18:00 CET (Mon-Fri 07:00-17:00 UTC)"
        );
        assert_eq!(parse("always", &clock), Ok(HoursSetting(None)));
        let never = parse("never", &clock).unwrap();
        assert_eq!(never, HoursSetting(Some(LogonHours::NEVER)));
        assert_eq!(both(never.0.as_ref(), &clock), "never");
        assert_eq!(both(None, &clock), "always");
        parse("Mon-Fri", &clock).unwrap_err();
    }

    #[test]
    fn the_bitmap_is_the_domains() {
        let clock = vienna();
        let hours = parse("Mon-Fri 08:00-17:00 UTC", &clock).unwrap().0.unwrap();
        assert_eq!(
            HoursShown::new(&hours, &clock).bitmap,
            "00000000ff0100ff0100ff0100ff0100ff01000000"
        );
    }
}
