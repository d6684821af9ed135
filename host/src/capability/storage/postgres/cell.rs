//! Values as PostgreSQL sends them: converted by the type that the server gives a place, so that the same statement and
//! the same values serve a `uuid` here and a text elsewhere.

use crate::capability::storage::sql::Cell;
use bytes::{BufMut as _, BytesMut};
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};
use uuid::Uuid;

type Cause = Box<dyn Error + Sync + Send>;

/// Milliseconds from the Unix epoch to PostgreSQL's, the first of January 2000.
const EPOCH_MS: i64 = 946_684_800_000;

/// A value on its way to the server. `Cell` is public, and the driver's traits are not to be.
#[derive(Debug)]
pub(super) struct Sent<'a>(pub(super) &'a Cell);

impl ToSql for Sent<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Cause> {
        match self.0 {
            Cell::Null => return Ok(IsNull::Yes),
            Cell::Text(text) => return put_text(text, kind, out),
            Cell::Integer(number) => put_integer(*number, kind, out)?,
            Cell::Decimal(number) => put_decimal(*number, kind, out)?,
            Cell::Boolean(truth) if *kind == Type::BOOL => out.put_u8(u8::from(*truth)),
            Cell::Boolean(truth) => put_integer(i64::from(*truth), kind, out)?,
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn put_text(text: &str, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Cause> {
    match *kind {
        Type::UUID => match Uuid::try_parse(text) {
            Ok(id) => out.put_slice(id.as_bytes()),
            // What is no identifier equals none.
            Err(_) => return Ok(IsNull::Yes),
        },
        Type::INT2 | Type::INT4 | Type::INT8 => put_integer(text.parse()?, kind, out)?,
        Type::JSONB => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        // The one letter that PostgreSQL has no place for.
        _ if text.contains('\0') => out.put_slice(text.replace('\0', "\u{fffd}").as_bytes()),
        _ => out.put_slice(text.as_bytes()),
    }
    Ok(IsNull::No)
}

fn put_integer(number: i64, kind: &Type, out: &mut BytesMut) -> Result<(), Cause> {
    match *kind {
        Type::INT2 => out.put_i16(number.try_into()?),
        Type::INT4 => out.put_i32(number.try_into()?),
        Type::INT8 => out.put_i64(number),
        Type::BOOL => out.put_u8(u8::from(number != 0)),
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let micros = number.saturating_sub(EPOCH_MS).checked_mul(1000);
            out.put_i64(micros.ok_or("a time is out of range")?);
        }
        #[expect(clippy::cast_precision_loss, reason = "the column is no more precise")]
        Type::FLOAT4 | Type::FLOAT8 => put_decimal(number as f64, kind, out)?,
        _ => out.put_slice(number.to_string().as_bytes()),
    }
    Ok(())
}

fn put_decimal(number: f64, kind: &Type, out: &mut BytesMut) -> Result<(), Cause> {
    match *kind {
        Type::FLOAT8 => out.put_f64(number),
        #[expect(clippy::cast_possible_truncation, reason = "the column is no more precise")]
        Type::FLOAT4 => out.put_f32(number as f32),
        _ => return Err("a decimal has no place here".into()),
    }
    Ok(())
}

/// A value that came from the server.
pub(super) struct Came(pub(super) Cell);

impl<'a> FromSql<'a> for Came {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Cause> {
        let milliseconds = |micros: i64| micros.div_euclid(1000).saturating_add(EPOCH_MS);
        Ok(Self(match *kind {
            Type::BOOL => Cell::Boolean(bool::from_sql(kind, raw)?),
            Type::INT2 => Cell::Integer(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Cell::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Cell::Integer(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => Cell::Decimal(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Cell::Decimal(f64::from_sql(kind, raw)?),
            Type::UUID => Cell::Text(Uuid::from_slice(raw)?.hyphenated().to_string()),
            Type::TIMESTAMPTZ | Type::TIMESTAMP => Cell::Integer(milliseconds(i64::from_be_bytes(raw.try_into()?))),
            Type::JSONB => Cell::Text(std::str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned()),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::UNKNOWN => text(raw)?,
            _ if matches!(kind.kind(), Kind::Enum(_)) || kind.name() == "citext" => text(raw)?,
            // A column of a kind that nobody here knows is shown as empty.
            _ => Cell::Null,
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Cause> {
        Ok(Self(Cell::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn text(raw: &[u8]) -> Result<Cell, Cause> {
    Ok(Cell::Text(std::str::from_utf8(raw)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(cell: &Cell, kind: &Type) -> Cell {
        let mut out = BytesMut::new();
        match Sent(cell).to_sql(kind, &mut out).unwrap() {
            IsNull::Yes => Came::from_sql_null(kind).unwrap().0,
            IsNull::No => Came::from_sql(kind, &out).unwrap().0,
        }
    }

    #[test]
    fn values_come_back_as_they_were() {
        let id = Cell::from("2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6");
        for (cell, kind) in [
            (id, Type::UUID),
            (Cell::from("a"), Type::VARCHAR),
            (Cell::from("{\"a\":1}"), Type::JSON),
            (Cell::from("{\"a\":1}"), Type::JSONB),
            (Cell::Integer(-7), Type::INT4),
            (Cell::Integer(1_795_280_701_949), Type::TIMESTAMPTZ),
            (Cell::Integer(-1), Type::TIMESTAMP),
            (Cell::Boolean(true), Type::BOOL),
            (Cell::Decimal(0.5), Type::FLOAT8),
            (Cell::Null, Type::UUID),
        ] {
            assert_eq!(there_and_back(&cell, &kind), cell, "{kind}");
        }
    }

    #[test]
    fn what_does_not_fit_is_never_something_else() {
        assert_eq!(there_and_back(&Cell::from("x' or 1=1"), &Type::UUID), Cell::Null);
        assert_eq!(there_and_back(&Cell::from("a\0b"), &Type::TEXT), Cell::from("a\u{fffd}b"));
        assert!(Sent(&Cell::Integer(1 << 40)).to_sql(&Type::INT4, &mut BytesMut::new()).is_err());
        assert!(Sent(&Cell::Integer(i64::MAX)).to_sql(&Type::TIMESTAMPTZ, &mut BytesMut::new()).is_err());
    }
}
