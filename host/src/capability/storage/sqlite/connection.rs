//! Statements on a connection to SQLite: arguments in, rows out, and its failures sorted.

use crate::capability::storage::sql::{Cell, Connection, Dialect, Failure, Row, Statement};
use async_trait::async_trait;
use rusqlite::{ErrorCode, OpenFlags, ToSql, ffi, types::ToSqlOutput, types::ValueRef};
use std::{path::Path, time::Duration};

/// How long a connection waits for another process that holds the lock, a backup for instance.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that a connection keeps prepared.
const PREPARED_MAX: usize = 100;

/// References hold, and what was told is on the disk.
const SETTINGS: &str = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL";

/// A connection, which works in the thread that asks it.
pub(crate) struct Local(rusqlite::Connection);

impl Local {
    /// Opens a file to read and write; whether it is made if it is not there.
    pub(super) fn open(path: &Path, make: bool) -> rusqlite::Result<Self> {
        let make = if make { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        Self::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE | make)
    }

    /// Opens a file to read.
    pub(super) fn reading(path: &Path) -> rusqlite::Result<Self> {
        Self::with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn with(path: &Path, flags: OpenFlags) -> rusqlite::Result<Self> {
        // One thread at a time uses it: it can be moved and not shared.
        let connection = rusqlite::Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
        connection.execute_batch(SETTINGS)?;
        Ok(Self(connection))
    }

    /// Keeps a log of what is written, so that reading goes on meanwhile.
    pub(super) fn log_ahead(&self) -> rusqlite::Result<()> {
        self.0.execute_batch("PRAGMA journal_mode = WAL")
    }

    /// The rows that a statement gives.
    pub(super) fn ask(&self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.prepared(statement, |prepared| {
            let (width, mut found, mut rows) = (prepared.column_count(), prepared.raw_query(), Vec::new());
            while let Some(row) = found.next()? {
                rows.push(Row::new((0..width).map(|index| cell(row.get_ref(index)?)).collect::<Result<_, _>>()?));
            }
            Ok(rows)
        })
    }

    fn change(&self, statement: &Statement) -> Result<u64, Failure> {
        #[expect(clippy::redundant_closure_for_method_calls, reason = "the method lives too short for a path to it")]
        let touched = self.prepared(statement, |prepared| prepared.raw_execute())?;
        Ok(u64::try_from(touched).unwrap_or(u64::MAX))
    }

    pub(super) fn batch(&self, text: &str) -> Result<(), Failure> {
        self.0.execute_batch(text).map_err(failure)
    }

    /// Closes it, and says so if that fails.
    pub(super) fn close(self) {
        if let Err((_, error)) = self.0.close() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database did not close cleanly");
        }
    }

    fn prepared<T>(
        &self,
        statement: &Statement,
        work: impl FnOnce(&mut rusqlite::Statement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let done = if statement.lasting {
            let prepared = self.0.prepare_cached(&statement.text);
            prepared.and_then(|mut prepared| bound(&mut prepared, statement).and_then(|()| work(&mut prepared)))
        } else {
            let prepared = self.0.prepare(&statement.text);
            prepared.and_then(|mut prepared| bound(&mut prepared, statement).and_then(|()| work(&mut prepared)))
        };
        done.map_err(failure)
    }
}

/// To SQLite `$2` is a name, and its place is where it first stands.
fn bound(prepared: &mut rusqlite::Statement<'_>, statement: &Statement) -> rusqlite::Result<()> {
    for place in 1..=prepared.parameter_count() {
        let number = prepared.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let argument = number.and_then(|number| statement.arguments.get(number.checked_sub(1)?));
        let argument = argument.ok_or(rusqlite::Error::InvalidParameterCount(place, statement.arguments.len()))?;
        prepared.raw_bind_parameter(place, Argument(argument))?;
    }
    Ok(())
}

struct Argument<'a>(&'a Cell);

impl ToSql for Argument<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Decimal(number) => ValueRef::Real(*number),
            Cell::Boolean(truth) => ValueRef::Integer(i64::from(*truth)),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> rusqlite::Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Decimal(number),
        ValueRef::Text(text) | ValueRef::Blob(text) => Cell::Text(std::str::from_utf8(text)?.to_owned()),
    })
}

/// None of this waits for anything but the disk.
#[async_trait]
impl Connection for Local {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.ask(statement)
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        self.change(statement)
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        self.batch(text)
    }
}

/// Sorts failures by what can be done about them.
pub(super) fn failure(error: rusqlite::Error) -> Failure {
    use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure};
    let code = error.sqlite_error().map(|error| (error.code, error.extended_code));
    match code {
        Some((CannotOpen | DatabaseBusy | DatabaseLocked | DiskFull | ReadOnly | SystemIoFailure, _)) => {
            Failure::Unavailable(error.into())
        }
        Some((_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)) => Failure::Unique(error.into()),
        Some((_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY)) => Failure::Reference(error.into()),
        _ => Failure::Failed(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_bound_by_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let local = Local::open(&folder.path().join("t.db"), true).unwrap();
        let statement = Statement::new("SELECT $2, $1, $2, $3").bind("one").bind(2_i64).bind(None::<String>);
        let found = local.ask(&statement).unwrap();
        let expected = vec![Cell::Integer(2), Cell::Text("one".to_owned()), Cell::Integer(2), Cell::Null];
        assert_eq!(format!("{found:?}"), format!("{:?}", [Row::new(expected)]));
        assert!(local.ask(&Statement::new("SELECT $2").bind("one")).is_err());
    }
}
