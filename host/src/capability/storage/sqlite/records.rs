//! Records as people see them: columns by name, secrets concealed, relations as ids.

use super::{Columns, Field};
use crate::capability::storage::Value;
use sqlx::{AssertSqlSafe, Column, Row, SqlitePool, TypeInfo, ValueRef, sqlite::SqliteRow};

/// How the columns of a table are shown.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Columns whose content never leaves the host.
    concealed: &'static [&'static str],
    /// Columns that hold JSON.
    json: &'static [&'static str],
    /// Columns that hold truth values.
    boolean: &'static [&'static str],
    /// Columns that hold milliseconds, shown as a date and time without a zone.
    time: &'static [&'static str],
    /// Fields that are no columns: their name, and a query for the ids of the related records.
    relations: &'static [(&'static str, &'static str)],
}

pub(super) static USERS: Table = Table {
    name: "directus_users",
    concealed: &["password", "tfa_secret", "token"],
    json: &["tags", "auth_data", "theme_light_overrides", "theme_dark_overrides"],
    boolean: &["email_notifications"],
    time: &["last_access"],
    relations: &[("policies", "SELECT id FROM directus_access WHERE user = ? ORDER BY sort")],
};

pub(super) static ROLES: Table = Table {
    name: "directus_roles",
    concealed: &[],
    json: &[],
    boolean: &[],
    time: &[],
    relations: &[
        ("children", "SELECT id FROM directus_roles WHERE parent = ?"),
        ("policies", "SELECT id FROM directus_access WHERE role = ? ORDER BY sort"),
        ("users", "SELECT id FROM directus_users WHERE role = ?"),
    ],
};

pub(super) static SETTINGS: Table = Table {
    name: "directus_settings",
    concealed: &[],
    json: &["theme_light_overrides", "theme_dark_overrides", "public_registration_email_filter"],
    boolean: &["public_registration", "public_registration_verify_email"],
    time: &[],
    relations: &[],
};

/// The wanted fields of one record.
pub(super) async fn read(
    readers: &SqlitePool,
    table: &Table,
    id: &str,
    columns: &Columns,
) -> Result<Option<Vec<Field>>, sqlx::Error> {
    let statement = format!("SELECT * FROM {} WHERE id = ?", table.name);
    let Some(row) = sqlx::query(AssertSqlSafe(statement)).bind(id).fetch_optional(readers).await? else {
        return Ok(None);
    };
    let mut fields = Vec::new();
    match columns {
        Columns::All => {
            for column in row.columns() {
                fields.push(column_field(table, &row, column.name())?);
            }
            for (name, query) in table.relations {
                fields.push(related(readers, name, query, id).await?);
            }
        }
        Columns::Only(names) => {
            for name in names {
                if row.columns().iter().any(|column| column.name() == name) {
                    fields.push(column_field(table, &row, name)?);
                } else if let Some((name, query)) = table.relations.iter().find(|(relation, _)| relation == name) {
                    fields.push(related(readers, name, query, id).await?);
                }
            }
        }
    }
    Ok(Some(fields))
}

async fn related(readers: &SqlitePool, name: &str, query: &'static str, id: &str) -> Result<Field, sqlx::Error> {
    let ids = sqlx::query_scalar(query).bind(id).fetch_all(readers).await?;
    Ok(Field { name: name.to_owned(), value: Value::Ids(ids) })
}

fn column_field(table: &Table, row: &SqliteRow, name: &str) -> Result<Field, sqlx::Error> {
    Ok(Field { name: name.to_owned(), value: value(table, row, name)? })
}

fn value(table: &Table, row: &SqliteRow, name: &str) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(name)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    if table.concealed.contains(&name) {
        return Ok(Value::Concealed);
    }
    if table.json.contains(&name) {
        return Ok(Value::Json(row.try_get_unchecked(name)?));
    }
    if table.boolean.contains(&name) {
        return Ok(Value::Boolean(row.try_get_unchecked(name)?));
    }
    if table.time.contains(&name) {
        return Ok(Value::Text(date_time(row.try_get_unchecked(name)?)));
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => Value::Integer(row.try_get_unchecked(name)?),
        "REAL" => Value::Decimal(row.try_get_unchecked(name)?),
        _ => Value::Text(row.try_get_unchecked(name)?),
    })
}

/// `2026-11-21T17:05:01`, in UTC, as Directus shows dates of SQLite.
fn date_time(ms: i64) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let date = time::OffsetDateTime::from_unix_timestamp(ms / 1000).ok();
    date.and_then(|date| date.format(format).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_without_a_zone() {
        assert_eq!(date_time(1_795_280_701_949), "2026-11-21T17:05:01");
    }
}
