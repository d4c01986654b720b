//! Local time, as the C library of the host program tells it.

use super::charset::Charset;
use domlogon_protocol::Timestamp;
use std::mem::MaybeUninit;

/// Such as `Mon 23 Nov 2026 08:00 CET`.
pub(crate) fn show(at: Timestamp) -> String {
    formatted(at).unwrap_or_else(|| format!("second {} of 1970", at.0))
}

fn formatted(at: Timestamp) -> Option<String> {
    let mut parts = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are to live values of the right type; localtime_r is
    // thread-safe and fills `parts` unless it returns NULL.
    let parts = unsafe {
        if libc::localtime_r(&at.0, parts.as_mut_ptr()).is_null() {
            return None;
        }
        parts.assume_init()
    };
    let mut buffer = [0u8; 128];
    // SAFETY: strftime writes at most `buffer.len()` bytes into `buffer`, and the
    // format ends with NUL.
    let length = unsafe {
        libc::strftime(
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            c"%a %d %b %Y %H:%M %Z".as_ptr(),
            &parts,
        )
    };
    let text = buffer.get(..length).filter(|text| !text.is_empty())?;
    Some(Charset::of_program().decoded(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_clock_agrees_with_date() {
        for second in [0, 1_795_417_200, 4_000_000_000] {
            let date = Command::new("date")
                .args([&format!("-d@{second}"), "+%a %d %b %Y %H:%M %Z"])
                .env("LC_ALL", "C")
                .output()
                .unwrap();
            let expected = String::from_utf8(date.stdout).unwrap();
            assert_eq!(show(Timestamp(second)), expected.trim());
        }
    }

    #[test]
    fn an_impossible_year_is_still_text() {
        assert!(show(Timestamp(i64::MAX)).contains(&i64::MAX.to_string()));
    }
}
