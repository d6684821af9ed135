//! Statements on a connection to SQLite: arguments in, rows out, and its failures sorted.

use crate::capability::storage::sql::{Cell, Connection, Dialect, Failure, Row, Statement};
use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, Row as _, SqlSafeStr, Sqlite, SqliteConnection, TypeInfo, ValueRef,
    pool::PoolConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::{borrow::Cow, fmt::Write as _};

/// A connection of the pool that reads.
pub(crate) struct Reader(pub(super) PoolConnection<Sqlite>);

#[async_trait]
impl Connection for Reader {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        rows(&mut self.0, statement).await
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        run(&mut self.0, statement).await
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        script(&mut self.0, text).await
    }
}

#[async_trait]
impl Connection for SqliteConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        rows(self, statement).await
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        run(self, statement).await
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        script(self, text).await
    }

    /// One statement less is one way less to the thread of the database and back, which costs more than the statement.
    async fn chain(&mut self, first: Statement, others: Vec<Statement>) -> Result<Vec<Row>, Failure> {
        rows(self, &others.into_iter().fold(first, joined)).await
    }
}

/// Two statements as one text, the arguments of the second numbered on.
fn joined(first: Statement, second: Statement) -> Statement {
    let (mut text, mut arguments) = (first.text.into_owned(), first.arguments);
    text.push(';');
    for (place, part) in second.text.split('$').enumerate() {
        if place == 0 {
            text.push_str(part);
            continue;
        }
        let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        let number = number.parse().unwrap_or(0_usize) + arguments.len();
        // Writing to a string cannot fail.
        let _ = write!(text, "${number}{rest}");
    }
    arguments.extend(second.arguments);
    Statement { text: Cow::Owned(text), arguments, lasting: first.lasting && second.lasting }
}

async fn rows(connection: &mut SqliteConnection, statement: &Statement) -> Result<Vec<Row>, Failure> {
    let rows = query(statement).fetch_all(connection).await.map_err(failure)?;
    rows.iter().map(|row| Ok(Row::new(cells(row)?))).collect::<Result<_, _>>().map_err(failure)
}

async fn run(connection: &mut SqliteConnection, statement: &Statement) -> Result<u64, Failure> {
    Ok(query(statement).execute(connection).await.map_err(failure)?.rows_affected())
}

async fn script(connection: &mut SqliteConnection, text: &'static str) -> Result<(), Failure> {
    sqlx::raw_sql(text).execute(connection).await.map(drop).map_err(failure)
}

fn query(statement: &Statement) -> Query<'static, Sqlite, SqliteArguments> {
    // Made texts hold names of the catalogue and numbers of arguments, nothing of a caller's.
    let text = match &statement.text {
        Cow::Borrowed(text) => (*text).into_sql_str(),
        Cow::Owned(text) => AssertSqlSafe(text.clone()).into_sql_str(),
    };
    let query = sqlx::query(text).persistent(statement.lasting);
    statement.arguments.iter().fold(query, |query, argument| match argument {
        Cell::Null => query.bind(None::<String>),
        Cell::Text(text) => query.bind(text.clone()),
        Cell::Integer(number) => query.bind(*number),
        Cell::Decimal(number) => query.bind(*number),
        Cell::Boolean(truth) => query.bind(*truth),
    })
}

fn cells(row: &SqliteRow) -> Result<Vec<Cell>, sqlx::Error> {
    (0..row.len()).map(|index| cell(row, index)).collect()
}

fn cell(row: &SqliteRow, index: usize) -> Result<Cell, sqlx::Error> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INTEGER" => Cell::Integer(row.try_get_unchecked(index)?),
        "REAL" => Cell::Decimal(row.try_get_unchecked(index)?),
        "BOOLEAN" => Cell::Boolean(row.try_get_unchecked(index)?),
        _ => Cell::Text(row.try_get_unchecked(index)?),
    })
}

/// Sorts failures by what can be done about them.
pub(super) fn failure(error: sqlx::Error) -> Failure {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, WorkerCrashed};
    // Busy, locked, read-only, I/O error, full (sqlite.org, result codes; extended codes carry these in the low byte).
    const PASSING: [i32; 6] = [5, 6, 8, 10, 13, 14];
    const UNIQUE: [i32; 2] = [2067, 1555];
    const REFERENCE: i32 = 787;
    let code =
        error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    match (&error, code) {
        (Io(_) | PoolClosed | PoolTimedOut | WorkerCrashed, _) => Failure::Unavailable(error.into()),
        (_, Some(code)) if PASSING.contains(&(code & 0xff)) => Failure::Unavailable(error.into()),
        (_, Some(code)) if UNIQUE.contains(&code) => Failure::Unique(error.into()),
        (_, Some(REFERENCE)) => Failure::Reference(error.into()),
        _ => Failure::Failed(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_statements_keep_their_arguments() {
        let first = Statement::new("UPDATE a SET b = $1 WHERE c = $2").bind("b").bind("c");
        let second = Statement::new("INSERT INTO a SELECT $2, $1 FROM b").bind(1_i64).bind(2_i64);
        let both = joined(first, second);
        assert_eq!(both.text, "UPDATE a SET b = $1 WHERE c = $2;INSERT INTO a SELECT $4, $3 FROM b");
        assert_eq!(both.arguments.len(), 4);
    }
}
