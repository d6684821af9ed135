//! Times as SAML writes them (core, section 1.3.3): `xs:dateTime` in UTC.

use crate::{Refusal, refusal::mismatch};
use alloc::{format, string::String};

const DAY: i64 = 86_400;

/// Seconds since the Unix epoch. Fractions are dropped; a time without a zone could be any, so it is none.
pub(crate) fn read(what: &str, text: &str) -> Result<i64, Refusal> {
    parse(text.trim()).ok_or_else(|| mismatch(what, text, "2026-01-31T12:00:00Z"))
}

fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let (time, offset) = if let Some(time) = time.strip_suffix('Z') {
        (time, 0)
    } else {
        let (time, zone) = time.split_at_checked(time.rfind(['+', '-'])?)?;
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        let seconds = number(hours, 2, 0, 14)? * 3600 + number(minutes, 2, 0, 59)? * 60;
        (time, if zone.starts_with('-') { -seconds } else { seconds })
    };
    let mut date = date.split('-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    let mut clock = time.split(':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    if date.next().is_some() || clock.next().is_some() || !is_number(fraction) {
        return None;
    }
    let days = days(number(year, 4, 1970, 9999)?, number(month, 2, 1, 12)?, number(day, 2, 1, 31)?)?;
    // A leap second is the first one of the next minute.
    let seconds = number(hour, 2, 0, 23)? * 3600 + number(minute, 2, 0, 59)? * 60 + number(second, 2, 0, 60)?;
    Some(days * DAY + seconds - offset)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str, digits: usize, least: i64, most: i64) -> Option<i64> {
    let number = Some(text).filter(|text| text.len() == digits && is_number(text))?.parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

/// Days since the epoch of a date of the Gregorian calendar; `None` if there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    // Years begin in March here, so that the leap day is the last one (Howard Hinnant, `days_from_civil`).
    let (shifted, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (months * 153 + 2) / 5 + day - 1 - 719_468;
    (date(days) == (year, month, day)).then_some(days)
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let months = (5 * of_year + 2) / 153;
    let (month, day) = (if months < 10 { months + 3 } else { months - 9 }, of_year - (153 * months + 2) / 5 + 1);
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// A time as SAML writes it.
pub(crate) fn write(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or_default();
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let of_day = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-21T17:18:20.754Z", 1_795_281_500),
            ("2024-02-29T23:59:60Z", 1_709_251_200),
            ("2026-11-21T18:18:20+01:00", 1_795_281_500),
            ("2026-11-21T16:48:20.1-00:30", 1_795_281_500),
        ] {
            assert_eq!(read("t", text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "2026",
            "2026-11-21",
            "2026-11-21T17:18:20",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T17:18:20.Z",
            "2026-11-21T17:18:20ZZ",
            "+026-11-21T17:18:20Z",
            "2026-11-21 17:18:20Z",
            "99999-11-21T17:18:20Z",
            "2026-11-21T17:18:20+1:00",
        ] {
            assert!(read("t", text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0_u64..250_000_000_000, text: String) {
            prop_assert_eq!(read("t", &write(seconds)), Ok(i64::try_from(seconds).unwrap()));
            let _ = read("t", &text);
        }
    }
}
