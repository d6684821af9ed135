//! Values of columns: from the caller to the database and back, as people see them. Pure.

use super::{Cell, catalogue::Kind, nonsense};
use crate::capability::storage::{Error, Value};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};
use uuid::Uuid;

/// What stands where a secret is set.
const CONCEALED: &str = "**********";

const LOCAL: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
const ZONED: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// How SQLite's `CURRENT_TIMESTAMP` writes a time.
const SPACED: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A cell as people see it.
pub(super) fn shown(kind: Kind, cell: Cell) -> Value {
    match (kind, cell) {
        (_, Cell::Null) => Value::Null,
        (Kind::Secret, _) => Value::Concealed,
        (Kind::Time | Kind::LocalTime, cell) => time_shown(kind, cell),
        (Kind::Boolean, cell) => cell.truth().map_or(Value::Null, Value::Boolean),
        (Kind::Json, Cell::Text(text)) => Value::Json(text),
        (Kind::Json, Cell::Integer(number)) => Value::Json(number.to_string()),
        (_, Cell::Text(text)) => Value::Text(text),
        (_, Cell::Integer(number)) => Value::Integer(number),
        (_, Cell::Decimal(number)) => Value::Decimal(number),
        (_, Cell::Boolean(truth)) => Value::Boolean(truth),
    }
}

fn time_shown(kind: Kind, cell: Cell) -> Value {
    let format = if kind == Kind::Time { ZONED } else { LOCAL };
    let shown = milliseconds(&cell).and_then(|ms| {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?;
        time.format(format).ok()
    });
    match (shown, cell) {
        (Some(shown), _) => Value::Text(shown),
        (None, Cell::Text(text)) => Value::Text(text),
        (None, _) => Value::Null,
    }
}

/// A cell of a time in milliseconds since the Unix epoch.
pub(super) fn milliseconds(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Integer(ms) => Some(*ms),
        Cell::Text(text) => parsed(text),
        _ => None,
    }
}

/// A text of a time; without a zone it is in UTC.
fn parsed(text: &str) -> Option<i64> {
    let local = || PrimitiveDateTime::parse(text, LOCAL).or_else(|_| PrimitiveDateTime::parse(text, SPACED)).ok();
    let day = || Some(Date::parse(text, DAY).ok()?.midnight());
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let time = time.or_else(|| local().or_else(day).map(PrimitiveDateTime::assume_utc))?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

/// A value to compare a column with; `None` if no value of the column can be so.
pub(super) fn compared(kind: Kind, value: &Value) -> Result<Option<Cell>, Error> {
    Ok(match (kind, value) {
        (_, Value::Null) => None,
        (_, Value::Ids(_) | Value::Concealed) => return Err(nonsense("a column is compared with what is no value")),
        (Kind::Uuid, value) => text_of(value).and_then(|text| canonical(&text)).map(Cell::Text),
        // PostgreSQL refuses to compare with what no value of the column can be.
        (Kind::Integer, value) => integer_of(value).filter(|number| i32::try_from(*number).is_ok()).map(Cell::Integer),
        (Kind::Long, value) => integer_of(value).map(Cell::Integer),
        (Kind::Decimal, Value::Integer(_) | Value::Decimal(_)) => decimal_of(value).map(Cell::Decimal),
        (Kind::Decimal, value) => text_of(value).and_then(|text| text.parse().ok()).map(Cell::Decimal),
        (Kind::Boolean, value) => truth_of(value).map(Cell::Boolean),
        (Kind::Time | Kind::LocalTime, Value::Integer(ms)) => Some(Cell::Integer(*ms)),
        (Kind::Time | Kind::LocalTime, value) => text_of(value).and_then(|text| parsed(&text)).map(Cell::Integer),
        (Kind::Text | Kind::Secret | Kind::Json, value) => text_of(value).map(Cell::Text),
    })
}

/// A value to write into a column; `None` if the column cannot hold it.
pub(super) fn written(kind: Kind, value: &Value) -> Option<Cell> {
    match (kind, value) {
        (_, Value::Null) => Some(Cell::Null),
        (_, Value::Ids(_) | Value::Concealed) | (Kind::Text | Kind::Secret, Value::Json(_)) => None,
        (Kind::Json, Value::Json(text)) => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).ok().map(|_| Cell::from(text))
        }
        (Kind::Json, value) => Some(Cell::Text(json(value.clone()).to_string())),
        (kind, value) => compared(kind, value).ok().flatten(),
    }
}

/// A value as JSON, as revisions keep it.
pub(super) fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(truth) => truth.into(),
        Value::Integer(number) => number.into(),
        Value::Decimal(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Json(text) => serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)),
        Value::Ids(ids) => ids.into(),
        Value::Concealed => CONCEALED.into(),
    }
}

/// A value as a text, as it was given.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Json(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Decimal(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Null | Value::Ids(_) | Value::Concealed => None,
    }
}

/// An identifier in the form in which it is kept.
pub(super) fn canonical(text: &str) -> Option<String> {
    Some(Uuid::try_parse(text).ok()?.hyphenated().to_string())
}

fn integer_of(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number in this range is exact")]
    let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    match value {
        Value::Integer(number) => Some(*number),
        Value::Decimal(number) => whole(*number),
        Value::Text(text) | Value::Json(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the column is no more precise")]
fn decimal_of(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Decimal(number) => Some(*number),
        _ => None,
    }
}

fn truth_of(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Text(text) | Value::Json(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &Value) -> String {
        text_of(value).unwrap_or_default()
    }

    #[test]
    fn times_are_shown_in_two_ways_and_read_in_all() {
        let ms = 1_795_280_701_949;
        assert_eq!(text(&shown(Kind::LocalTime, Cell::Integer(ms))), "2026-11-21T17:05:01");
        assert_eq!(text(&shown(Kind::Time, Cell::Integer(ms))), "2026-11-21T17:05:01.949Z");
        assert_eq!(text(&shown(Kind::Time, Cell::from("2026-11-21 17:05:01"))), "2026-11-21T17:05:01.000Z");
        assert_eq!(parsed("2026-11-21T18:05:01.949+01:00"), Some(ms));
        assert_eq!(parsed("2026-11-21T17:05:01"), Some(1_795_280_701_000));
        assert_eq!(parsed("2026-11-21"), Some(1_795_219_200_000));
        assert_eq!(parsed("tomorrow"), None);
    }

    #[test]
    fn secrets_are_shown_as_set() {
        assert!(matches!(shown(Kind::Secret, Cell::from("x")), Value::Concealed));
        assert!(matches!(shown(Kind::Secret, Cell::Null), Value::Null));
    }

    #[test]
    fn a_value_that_no_column_can_have_is_none() {
        let no = |kind, text: &str| compared(kind, &Value::Text(text.into())).unwrap().is_none();
        assert!(no(Kind::Integer, "2147483648") && !no(Kind::Integer, "-2147483648") && !no(Kind::Long, "2147483648"));
        assert!(no(Kind::Uuid, "x") && no(Kind::Integer, "x") && no(Kind::Boolean, "x") && no(Kind::Time, "x"));
        let id = compared(Kind::Uuid, &Value::Text("2FCB9FB3-C7A4-41A4-8D9D-DF6B9DD0ABA6".into())).unwrap();
        assert_eq!(id, Some(Cell::from("2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6")));
        assert!(written(Kind::Json, &Value::Json("{".into())).is_none());
        assert_eq!(written(Kind::Json, &Value::Text("x".into())), Some(Cell::from("\"x\"")));
    }
}
