//! Durations as the npm package `ms` reads them (`15m`, `7d`, `1.5h`, `10 s`, `500`), and times to live.
//!
//! Deliberately absent: the clock. A year is 365.25 days, as in `ms`.

use super::cast::whole;

/// Longest text that is tried, as in `ms`: no duration needs more.
const TEXT_LENGTH_MAX: usize = 100;

/// Longest duration taken: 1000 years, so that every sum with a date of today can be represented.
const MAX_MS: f64 = 1000.0 * 365.25 * 86_400_000.0;

/// How long a token lives. Keeps the difference between `15m` and the bare number `900`.
///
/// The trap, which Directus has and clients may rely on: a bare number means **milliseconds** where a lifetime is written
/// into an answer, a cookie or the database, but **seconds** where it becomes the `exp` of a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    amount: u64,
    is_bare: bool,
}

impl Ttl {
    /// A lifetime of `ms` milliseconds, without the trap.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self { amount: ms, is_bare: false }
    }

    /// A lifetime that was configured as the bare number `amount`.
    #[must_use]
    pub const fn bare(amount: u64) -> Self {
        Self { amount, is_bare: true }
    }

    /// Milliseconds for `expires` in bodies, `Max-Age` of cookies and rows in the database.
    #[must_use]
    pub const fn body_ms(self) -> u64 {
        self.amount
    }

    /// Whole seconds between `iat` and `exp` of a JWT; a fraction is cut off.
    #[must_use]
    pub const fn jwt_seconds(self) -> u64 {
        if self.is_bare { self.amount } else { self.amount / 1000 }
    }

    /// Was it written without a unit, so that its two readings differ?
    #[must_use]
    pub const fn is_bare(self) -> bool {
        self.is_bare
    }
}

/// Milliseconds that `text` says in the grammar of `ms`; negative ones too, as there.
#[must_use]
pub fn milliseconds(text: &str) -> Option<f64> {
    if text.len() > TEXT_LENGTH_MAX {
        return None;
    }
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (number, unit) = text.split_at_checked(end)?;
    Some(decimal(number)? * unit_ms(unit.trim_start_matches(' '))?)
}

/// The milliseconds of a setting: whole (a fraction is cut off), not negative, at most 1000 years.
pub(super) fn bounded_ms(ms: f64) -> Option<u64> {
    (0.0..=MAX_MS).contains(&ms).then(|| whole(ms.floor())).flatten()
}

/// `-? digits? .? digits`, nothing else: `f64::from_str` alone would take `inf` and `1e3`.
fn decimal(number: &str) -> Option<f64> {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let plain = unsigned.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain.then(|| number.parse().ok()).flatten()
}

fn unit_ms(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "milliseconds" | "millisecond" | "msecs" | "msec" | "ms" => 1.0,
        "seconds" | "second" | "secs" | "sec" | "s" => 1000.0,
        "minutes" | "minute" | "mins" | "min" | "m" => 60_000.0,
        "hours" | "hour" | "hrs" | "hr" | "h" => 3_600_000.0,
        "days" | "day" | "d" => 86_400_000.0,
        "weeks" | "week" | "w" => 604_800_000.0,
        "years" | "year" | "yrs" | "yr" | "y" => 31_557_600_000.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_read_as_in_ms() {
        for (text, ms) in [
            ("15m", 900_000.0),
            ("7d", 604_800_000.0),
            ("1.5h", 5_400_000.0),
            ("500", 500.0),
            ("10 s", 10_000.0),
            ("10   SECS", 10_000.0),
            ("1w", 604_800_000.0),
            ("1y", 31_557_600_000.0),
            ("2 days", 172_800_000.0),
            ("3 minutes", 180_000.0),
            ("1 Millisecond", 1.0),
            (".5s", 500.0),
            ("-1h", -3_600_000.0),
        ] {
            assert_eq!(milliseconds(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in
            ["", "soon", "m", "1.", "1..5s", "1m30s", "15 fortnights", " 5s", "5s ", "1e3", "inf", "--1s", "1\ts"]
        {
            assert_eq!(milliseconds(text), None, "{text}");
        }
        assert_eq!(milliseconds(&format!("{}s", "1".repeat(100))), None);
    }

    #[test]
    fn a_setting_is_neither_negative_nor_endless() {
        assert_eq!(bounded_ms(1.5), Some(1));
        assert_eq!(milliseconds("1000y").and_then(bounded_ms), Some(31_557_600_000_000));
        assert_eq!(milliseconds("1001y").and_then(bounded_ms), None);
        assert_eq!(bounded_ms(-1.0), None);
        assert_eq!(bounded_ms(f64::NAN), None);
    }

    #[test]
    fn a_bare_number_is_milliseconds_in_bodies_and_seconds_in_tokens() {
        assert_eq!((Ttl::bare(900).body_ms(), Ttl::bare(900).jwt_seconds()), (900, 900));
        assert_eq!((Ttl::from_ms(900_999).body_ms(), Ttl::from_ms(900_999).jwt_seconds()), (900_999, 900));
    }

    proptest! {
        #[test]
        fn reading_a_duration_takes_any_text(text in any::<String>()) {
            let _ = milliseconds(&text).map(bounded_ms);
        }

        #[test]
        fn near_durations_do_not_panic(text in "-?[0-9.]{0,5} ?[a-z]{0,4}") {
            let _ = milliseconds(&text).map(bounded_ms);
        }

        #[test]
        fn whole_milliseconds_survive(ms in 0_u32.., space in " {0,2}", unit in "(ms|msecs|MILLISECONDS|)") {
            prop_assert_eq!(milliseconds(&format!("{ms}{space}{unit}")), Some(f64::from(ms)));
        }
    }
}
