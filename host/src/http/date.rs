//! Dates as HTTP and JSON write them.
//!
//! Invariant: output is in UTC whatever the offset of the input. Deliberately absent: a clock; time is a parameter.

use time::{OffsetDateTime, UtcOffset};

/// `Sat, 21 Nov 2026 17:04:37 GMT`, the IMF-fixdate of RFC 9110 §5.6.7.
pub(crate) fn imf_fixdate(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    format!(
        "{:.3}, {:02} {:.3} {:04} {:02}:{:02}:{:02} GMT",
        at.weekday().to_string(),
        at.day(),
        at.month().to_string(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second(),
    )
}

/// `2026-11-21T17:09:47.387Z`, as JavaScript's `toISOString` writes it.
pub(crate) fn iso_millis(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, millis: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap() + time::Duration::milliseconds(millis)
    }

    #[test]
    fn a_date_is_written_as_imf_fixdate() {
        assert_eq!(imf_fixdate(at(1_795_280_677, 0)), "Sat, 21 Nov 2026 17:04:37 GMT");
        assert_eq!(imf_fixdate(at(0, 999)), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn an_offset_is_turned_into_utc() {
        let paris = at(1_795_280_677, 0).to_offset(UtcOffset::from_hms(1, 0, 0).unwrap());
        assert_eq!(imf_fixdate(paris), "Sat, 21 Nov 2026 17:04:37 GMT");
    }

    #[test]
    fn an_iso_date_has_milliseconds() {
        assert_eq!(iso_millis(at(1_795_280_987, 387)), "2026-11-21T17:09:47.387Z");
    }
}
