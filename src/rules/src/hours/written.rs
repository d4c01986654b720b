//! Logon hours as people write them.

use crate::TextError;
use domlogon_protocol::LogonHours;

const DAY_MINUTES: usize = 1_440;
const WEEK_MINUTES: usize = 7 * DAY_MINUTES;

/// Most bytes of a text: twice what each single hour of a week needs on its own.
const LONGEST: usize = 4096;

/// The days, with their index in the bitmap, in the order in which people write a week.
const DAYS: [(&str, usize); 7] = [
    ("Mon", 1),
    ("Tue", 2),
    ("Wed", 3),
    ("Thu", 4),
    ("Fri", 5),
    ("Sat", 6),
    ("Sun", 0),
];

/// Reads hours written in a zone `offset` minutes ahead of UTC (negative: behind it), or
/// in UTC itself if the text ends in `UTC`.
///
/// # Errors
/// [`TextError`] says what is wrong. Times that are not whole hours of UTC cannot be
/// kept: in most zones that is every time but the full hour.
pub fn parse(text: &str, offset: i32) -> Result<LogonHours, TextError> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(TextError::Endless(text.len()));
    }
    match text.to_ascii_lowercase().as_str() {
        "" => return Err(TextError::Empty),
        "always" => return Ok(LogonHours::ALWAYS),
        "never" => return Ok(LogonHours::NEVER),
        _ => {}
    }
    let (text, offset) = match text.rsplit_once(char::is_whitespace) {
        Some((rest, zone)) if zone.eq_ignore_ascii_case("utc") => (rest, 0),
        _ => (text, offset),
    };
    fold_hours(&local_week(text)?, offset)
}

/// Writes hours in a zone `offset` minutes ahead of UTC: the inverse of [`parse`].
#[must_use]
pub fn format(hours: &LogonHours, offset: i32) -> String {
    if *hours == LogonHours::NEVER {
        return "never".to_owned();
    }
    if *hours == LogonHours::ALWAYS {
        return "always".to_owned();
    }
    let week = unfold_hours(hours, offset);
    let days = DAYS.map(|(name, day)| (name, ranges_of_day(&week, day)));
    let mut told: Vec<&str> = Vec::new();
    let mut groups = Vec::new();
    for (_, ranges) in &days {
        if ranges.is_empty() || told.contains(&ranges.as_str()) {
            continue;
        }
        told.push(ranges);
        groups.push(format!("{} {ranges}", day_list(&days, ranges)));
    }
    groups.join("; ")
}

/// The minutes of a week, Sunday 00:00 local time first.
type Week = Vec<bool>;

/// Reads the days and times of a text into the minutes that they name.
fn local_week(text: &str) -> Result<Week, TextError> {
    let mut reader = Reader {
        week: vec![false; WEEK_MINUTES],
        days: Vec::new(),
        waiting: None,
    };
    for group in text.split(';') {
        for piece in group.split(',').map(str::trim) {
            reader.piece(piece)?;
        }
        // Only a comma puts days together; what ends in a semicolon is whole.
        reader.nothing_waits()?;
    }
    if reader.days.is_empty() {
        return Err(TextError::Empty);
    }
    Ok(reader.week)
}

struct Reader<'a> {
    week: Week,
    /// The days that the next times are for.
    days: Vec<usize>,
    /// Days whose times are still to come, as `Mon` in `Mon, Wed 08:00-12:00`.
    waiting: Option<&'a str>,
}

impl<'a> Reader<'a> {
    /// Days, then times; or only one of the two.
    fn piece(&mut self, piece: &'a str) -> Result<(), TextError> {
        let mut words = piece.split_whitespace().peekable();
        let is_day = |word: &&str| !word.starts_with(|c: char| c.is_ascii_digit());
        if words.peek().is_some_and(is_day) {
            if self.waiting.is_none() {
                self.days.clear();
            }
            self.waiting = Some(piece);
        }
        while let Some(word) = words.next_if(is_day) {
            self.days.extend(day_range(word)?);
        }
        // However often a day is named, there are seven.
        self.days.sort_unstable();
        self.days.dedup();
        for word in words {
            let times = time_range(word)?;
            if self.days.is_empty() {
                return Err(TextError::NoDays(word.to_owned()));
            }
            self.waiting = None;
            allow(&mut self.week, &self.days, times);
        }
        Ok(())
    }

    fn nothing_waits(&self) -> Result<(), TextError> {
        match self.waiting {
            Some(days) => Err(TextError::NoTimes(days.to_owned())),
            None => Ok(()),
        }
    }
}

/// `Mon` or `Mon-Fri` or `Fri-Mon`.
fn day_range(word: &str) -> Result<Vec<usize>, TextError> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let first = day(first)?;
    let last = day(last)?;
    let length = (last + 7 - first) % 7;
    Ok((0..=length).map(|ahead| (first + ahead) % 7).collect())
}

fn day(word: &str) -> Result<usize, TextError> {
    DAYS.iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, index)| *index)
        .ok_or_else(|| TextError::Day(word.to_owned()))
}

/// `08:00-18:00`: the first minute of the day, and the minute after the last; the second
/// is beyond the day's end if the range goes over midnight.
fn time_range(word: &str) -> Result<(usize, usize), TextError> {
    let wrong = || TextError::Time(word.to_owned());
    let (start, end) = word.split_once('-').ok_or_else(wrong)?;
    let start = minute(start)
        .filter(|m| *m < DAY_MINUTES)
        .ok_or_else(wrong)?;
    let end = minute(end).ok_or_else(wrong)?;
    if start == end {
        return Err(TextError::EmptyRange(word.to_owned()));
    }
    Ok((start, if end < start { end + DAY_MINUTES } else { end }))
}

/// `8`, `08` or `08:30`, up to 24:00, as a minute of the day.
fn minute(word: &str) -> Option<usize> {
    let (hour, minute) = word.split_once(':').unwrap_or((word, "00"));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<usize>().ok().filter(|_| digits)
    };
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let minute = number(minute).filter(|m| *m < 60)?;
    Some(number(hour)? * 60 + minute).filter(|m| *m <= DAY_MINUTES)
}

fn allow(week: &mut Week, days: &[usize], (start, end): (usize, usize)) {
    for day in days {
        for minute in start..end {
            if let Some(slot) = week.get_mut((day * DAY_MINUTES + minute) % WEEK_MINUTES) {
                *slot = true;
            }
        }
    }
}

/// Turns local minutes into hours of UTC; each must be allowed wholly or not at all.
fn fold_hours(week: &Week, offset: i32) -> Result<LogonHours, TextError> {
    let shift = shift(offset).ok_or(TextError::Zone(offset))?;
    let mut hours = LogonHours::NEVER;
    for hour in 0..LogonHours::UNITS {
        let first = usize::try_from(hour).unwrap_or(0) * 60 + shift;
        let open = (first..first + 60)
            .filter(|m| week.get(m % WEEK_MINUTES) == Some(&true))
            .count();
        match open {
            0 => {}
            60 => hours.allow(hour),
            _ => return Err(TextError::NotWholeHours(offset)),
        }
    }
    Ok(hours)
}

fn unfold_hours(hours: &LogonHours, offset: i32) -> Week {
    let shift = shift(offset).unwrap_or(0);
    (0..WEEK_MINUTES)
        .map(|local| {
            let utc = (local + WEEK_MINUTES - shift) % WEEK_MINUTES;
            u32::try_from(utc / 60).is_ok_and(|hour| hours.allows(hour))
        })
        .collect()
}

/// Minutes to add to UTC for local time, modulo a week.
fn shift(offset: i32) -> Option<usize> {
    const DAY: i32 = 1_440;
    const WEEK: i32 = 7 * DAY;
    if !(-DAY..=DAY).contains(&offset) {
        return None;
    }
    usize::try_from(offset.rem_euclid(WEEK)).ok()
}

/// The times of a day, such as `08:00-12:00,13:00-17:00`; empty if there are none. What
/// goes over midnight belongs to the day on which it begins, if it is shorter than a day.
fn ranges_of_day(week: &Week, day: usize) -> String {
    let open = |minute: usize| week.get(minute % WEEK_MINUTES) == Some(&true);
    let midnight = day * DAY_MINUTES + WEEK_MINUTES;
    let mut ranges = Vec::new();
    let mut minute = 0;
    while minute < DAY_MINUTES {
        if !open(midnight + minute) {
            minute += 1;
            continue;
        }
        let start = minute;
        while minute < DAY_MINUTES && open(midnight + minute) {
            minute += 1;
        }
        let from_yesterday = start == 0 && night_before(&open, midnight).is_some();
        if from_yesterday {
            continue;
        }
        let end = night_before(&open, midnight + DAY_MINUTES)
            .filter(|_| minute == DAY_MINUTES)
            .unwrap_or(minute);
        ranges.push(format!("{}-{}", clock(start), clock(end)));
    }
    ranges.join(",")
}

/// If a range shorter than a day goes over this midnight: the minute of the day at which
/// it ends.
fn night_before(open: &impl Fn(usize) -> bool, midnight: usize) -> Option<usize> {
    let after = (0..DAY_MINUTES).take_while(|m| open(midnight + m)).count();
    let before = (1..=DAY_MINUTES).take_while(|m| open(midnight - m)).count();
    (after > 0 && before > 0 && after + before < DAY_MINUTES).then_some(after)
}

fn clock(minute: usize) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The days that have these times, such as `Mon-Wed,Fri`.
fn day_list(days: &[(&str, String); 7], ranges: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut run: Option<(&str, &str)> = None;
    let mut close = |run: Option<(&str, &str)>| {
        if let Some((first, last)) = run {
            parts.push(if first == last {
                first.to_owned()
            } else {
                format!("{first}-{last}")
            });
        }
    };
    for (name, theirs) in days {
        if theirs == ranges {
            run = Some((run.map_or(*name, |(first, _)| first), *name));
        } else {
            close(run.take());
        }
    }
    close(run);
    parts.join(",")
}
