//! Moments as texts (RFC 3339).

use alloc::{format, string::String};

const DAY_MS: u64 = 86_400_000;

/// Milliseconds since the Unix epoch as `2026-11-21T17:05:01.949Z`.
#[must_use]
pub fn text(ms: u64) -> String {
    let (year, month, day) = date(ms / DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// Whether a text is a moment: a day, a time of a day without a zone, or one with a zone (RFC 3339, section 5.6).
#[must_use]
pub fn is_moment(text: &str) -> bool {
    let (day, time) = text.split_once(['T', ' ']).map_or((text, None), |(day, time)| (day, Some(time)));
    is_day(day) && time.is_none_or(|time| is_time(time, text.contains(' ')))
}

fn is_day(text: &str) -> bool {
    let [Some(year), Some(month), Some(day)] = parts(text, '-', [4, 2, 2]) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// A time of a day; one after a blank, as SQLite writes it, has neither a fraction nor a zone.
fn is_time(text: &str, bare: bool) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else { return false };
    let is_clock = |parts: [Option<u32>; 3]| matches!(parts, [Some(0..=23), Some(0..=59), Some(0..=59)]);
    if !is_clock(parts(clock, ':', [2, 2, 2])) {
        return false;
    }
    let digits = rest.strip_prefix('.').map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_digit).count());
    match rest.split_at_checked(digits) {
        Some(("", "")) => true,
        Some((fraction, zone)) if !bare && fraction != "." => match zone.strip_prefix(['+', '-']) {
            Some(offset) => matches!(parts(offset, ':', [2, 2]), [Some(0..=23), Some(0..=59)]),
            None => zone == "Z",
        },
        _ => false,
    }
}

/// Numbers of so many digits each.
fn parts<const N: usize>(text: &str, between: char, digits: [usize; N]) -> [Option<u32>; N] {
    let mut found = text.split(between);
    let parts = digits.map(|digits| {
        let part = found.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()));
        part.and_then(|part| part.parse().ok())
    });
    if found.next().is_some() { [None; N] } else { parts }
}

/// Days since 1970-01-01 as a date of the Gregorian calendar. Years begin in March here, so that the leap day is the last
/// of its year, and 400 years are always 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carried) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + carried, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_moment_is_told_from_what_is_not() {
        for good in [
            "2026-11-21",
            "2024-02-29",
            "2026-11-21T17:05:01",
            "2026-11-21 17:05:01",
            "2026-11-21T17:05:01Z",
            "2026-11-21T17:05:01.949Z",
            "2026-11-21T17:05:01.9+01:00",
            "0000-01-01",
        ] {
            assert!(is_moment(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "now",
            "2026",
            "2026-1-1",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-11-21T",
            "2026-11-21T24:00:00",
            "2026-11-21T17:05",
            "2026-11-21T17:05:01.",
            "2026-11-21T17:05:01.Z",
            "2026-11-21T17:05:01.9",
            "2026-11-21T17:05:01+1:00",
            "2026-11-21 17:05:01Z",
            "2026-11-21T17:05:01é",
            "2026-11-21-01",
            "+026-11-21",
        ] {
            assert!(!is_moment(bad), "{bad}");
        }
    }

    #[test]
    fn moments_are_written_in_utc() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_795_280_701_949, "2026-11-21T17:05:01.949Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] {
            assert_eq!(text(ms), expected);
        }
    }
}
