//! From a cast [`Value`] to what a setting holds; each function knows one kind of setting.
//!
//! The same functions serve variables (cast) and `gatewit.toml` (typed). A refusal says what is expected and never
//! repeats the value. Deliberately absent: names of settings.

use std::path::PathBuf;
use std::time::Duration;

use super::cast::{Value, whole};
use super::duration::{Ttl, bounded_ms, milliseconds};
use super::error::Refusal;
use super::size;
use crate::Secret;

/// Text that is not empty.
pub(super) fn text(value: &Value) -> Result<String, Refusal> {
    optional_text(value)?.ok_or_else(|| Refusal::new("is empty; write a text or leave the setting out"))
}

/// Text; what is falsy (empty, `false`, `null`) means none.
pub(super) fn optional_text(value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null | Value::Boolean(false) => Ok(None),
        Value::Text(text) => single_line(text).map(|text| Some(text).filter(|text| !text.is_empty())),
        Value::Number(number) if !number.is_nan() => Ok(Some(number.to_string())),
        _ => Err(Refusal::new("is not a text; write it in the form string:text")),
    }
}

/// Text with no control character: these values end up in headers, paths and logs.
fn single_line(text: &str) -> Result<String, Refusal> {
    if text.chars().any(char::is_control) {
        return Err(Refusal::new("holds a line break or another control character; write it on one line"));
    }
    Ok(text.to_owned())
}

/// A secret text; empty means none. Anything but a NUL may be in it.
pub(super) fn secret(value: &Value) -> Result<Option<Secret<String>>, Refusal> {
    match value {
        Value::Null | Value::Boolean(false) => Ok(None),
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(text) if !text.contains('\0') => Ok(Some(Secret::new(text.clone()))),
        _ => Err(Refusal::new("is not a text")),
    }
}

/// The path of a file or folder.
pub(super) fn path(value: &Value) -> Result<PathBuf, Refusal> {
    text(value).map(PathBuf::from)
}

/// `true` or `false`, or `1` or `0`.
pub(super) fn boolean(value: &Value) -> Result<bool, Refusal> {
    match value {
        Value::Boolean(value) => Ok(*value),
        Value::Number(number) if whole(*number) == Some(1) => Ok(true),
        Value::Number(number) if whole(*number) == Some(0) => Ok(false),
        Value::Text(text) if text == "true" || text == "1" => Ok(true),
        Value::Text(text) if text == "false" || text == "0" => Ok(false),
        _ => Err(Refusal::new("is neither true nor false; write one of them")),
    }
}

/// A whole number from `min` to `max`.
pub(super) fn integer<T: TryFrom<u64>>(value: &Value, min: u64, max: u64) -> Result<T, Refusal> {
    let number = match value {
        Value::Number(number) => whole(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let within = number.filter(|number| (min..=max).contains(number)).and_then(|number| T::try_from(number).ok());
    within.ok_or_else(|| Refusal::new(format!("is not a whole number from {min} to {max}")))
}

fn not_a_duration() -> Refusal {
    Refusal::new("is not a duration; write for example 15m, 7d or 900s")
}

/// A share, from 0 to 1.
pub(super) fn share(value: &Value) -> Result<f64, Refusal> {
    let wrong = || Refusal::new("is not a share; write a number from 0 to 1");
    let share: f64 = text(value)?.trim().parse().map_err(|_| wrong())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong()) }
}

/// A duration; a bare number is milliseconds.
pub(super) fn duration(value: &Value) -> Result<Duration, Refusal> {
    ttl(value).map(|ttl| Duration::from_millis(ttl.body_ms()))
}

/// A duration that is at least `min`.
pub(super) fn duration_from(value: &Value, min: Duration) -> Result<Duration, Refusal> {
    let found = duration(value)?;
    if found < min {
        return Err(Refusal::new(format!("is too short; write at least {}ms", min.as_millis())));
    }
    Ok(found)
}

/// A time to live, which remembers whether it had a unit.
pub(super) fn ttl(value: &Value) -> Result<Ttl, Refusal> {
    let ttl = match value {
        Value::Number(number) => bounded_ms(*number).map(Ttl::bare),
        Value::Text(text) => milliseconds(text).and_then(bounded_ms).map(Ttl::from_ms),
        _ => None,
    };
    ttl.ok_or_else(not_a_duration)
}

/// A size in bytes from `min` to `max`.
pub(super) fn bytes(value: &Value, min: u64, max: u64) -> Result<u64, Refusal> {
    let size = match value {
        Value::Number(number) => whole(*number),
        Value::Text(text) => size::bytes(text),
        _ => None,
    };
    let size = size.ok_or_else(|| Refusal::new("is not a size; write for example 500kb or 16mb"))?;
    if !(min..=max).contains(&size) {
        return Err(Refusal::new(format!("is not a size from {min} to {max} bytes")));
    }
    Ok(size)
}

/// One of `names`, and what it stands for. Case does not matter.
pub(super) fn one_of<T: Copy>(value: &Value, names: &[(&str, T)]) -> Result<T, Refusal> {
    let word = match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        _ => String::new(),
    };
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        Refusal::new(format!("is not known here; write one of {}", known.join(", ")))
    })
}

/// A list of texts: an array, or one text with commas. Each is trimmed; empty ones are dropped.
pub(super) fn list(value: &Value) -> Result<Vec<String>, Refusal> {
    let parts = match value {
        Value::List(values) => values.iter().map(|value| Ok(optional_text(value)?.unwrap_or_default())).collect(),
        other => optional_text(other).map(|text| text.unwrap_or_default().split(',').map(str::to_owned).collect()),
    };
    let parts: Vec<String> = parts?;
    Ok(parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    fn value(raw: &str) -> Value {
        cast("ANY", raw)
    }

    #[test]
    fn booleans_are_true_false_one_or_zero() {
        for (raw, expected) in [("true", true), ("1", true), ("string:true", true), ("false", false), ("0", false)] {
            assert_eq!(boolean(&value(raw)), Ok(expected), "{raw}");
        }
        for raw in ["yes", "", "2", "a,b"] {
            assert!(boolean(&value(raw)).is_err(), "{raw}");
        }
    }

    #[test]
    fn integers_keep_to_their_range() {
        assert_eq!(integer(&value("8055"), 0, 65_535), Ok(8055_u16));
        assert_eq!(integer(&value("string:8055"), 0, 65_535), Ok(8055_u16));
        for raw in ["65536", "-1", "1.5", "x", "number:x", ""] {
            assert_eq!(
                integer::<u16>(&value(raw), 0, 65_535),
                Err(Refusal::new("is not a whole number from 0 to 65535")),
                "{raw}"
            );
        }
    }

    #[test]
    fn a_number_without_quotes_is_a_bare_ttl() {
        assert_eq!(ttl(&value("900")), Ok(Ttl::bare(900)));
        assert_eq!(ttl(&value("string:900")), Ok(Ttl::from_ms(900)));
        assert_eq!(ttl(&value("15m")), Ok(Ttl::from_ms(900_000)));
        assert_eq!(ttl(&value("-15m")), Err(not_a_duration()));
        assert_eq!(ttl(&value("1,5h")), Err(not_a_duration()));
        assert_eq!(duration(&value("500")), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn sizes_keep_to_their_range() {
        assert_eq!(bytes(&value("1mb"), 1, u64::MAX), Ok(1_048_576));
        assert_eq!(bytes(&value("1024"), 1, u64::MAX), Ok(1024));
        assert_eq!(bytes(&value("2mb"), 1, 1024), Err(Refusal::new("is not a size from 1 to 1024 bytes")));
        assert!(bytes(&value("much"), 1, 1024).is_err());
    }

    #[test]
    fn lists_are_trimmed_and_split_at_commas() {
        assert_eq!(list(&value("a, b,,7")), Ok(vec!["a".to_owned(), "b".to_owned(), "7".to_owned()]));
        assert_eq!(list(&value("a")), Ok(vec!["a".to_owned()]));
        assert_eq!(list(&value("string:a,b")), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(list(&value("")), Ok(vec![]));
        assert!(list(&value("true")).is_err());
    }

    #[test]
    fn control_characters_are_refused_in_texts_but_not_in_secrets() {
        assert!(text(&Value::Text("a\r\nSet-Cookie: b".to_owned())).is_err());
        assert_eq!(secret(&Value::Text("a\nb".to_owned())), Ok(Some(Secret::new("a\nb".to_owned()))));
        assert!(secret(&Value::Text("a\0b".to_owned())).is_err());
    }

    #[test]
    fn falsy_means_no_text() {
        for raw in ["", "false", "null"] {
            assert_eq!(optional_text(&value(raw)), Ok(None), "{raw}");
        }
        assert_eq!(optional_text(&value("123")), Ok(Some("123".to_owned())));
        assert!(optional_text(&value("true")).is_err());
    }
}
