//! A database that a program brings: SQLite in memory, on one connection.

use std::sync::Arc;

use gatewit_host::async_trait;
use gatewit_host::storage::{Cell, Connection, Dialect, Failure, Row, SqlDatabase, Statement};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, Sqlite, SqliteConnection, TypeInfo as _, ValueRef as _};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The database. Clones are handles to the same one.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Mutex<SqliteConnection>>);

impl Memory {
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
        Ok(Self(Arc::new(Mutex::new(options.connect().await?))))
    }

    /// Runs statements of a test.
    pub(crate) async fn run(&self, text: &str) -> anyhow::Result<()> {
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut *self.0.lock().await).await?;
        Ok(())
    }
}

#[async_trait]
impl SqlDatabase for Memory {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, Failure> {
        Ok(Box::new(Lent(self.0.clone().lock_owned().await)))
    }

    async fn close(&self) {}
}

/// The one connection, while somebody has it.
struct Lent(OwnedMutexGuard<SqliteConnection>);

#[async_trait]
impl Connection for Lent {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        let rows = query(statement).fetch_all(&mut *self.0).await.map_err(failure)?;
        rows.iter().map(row).collect()
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        Ok(query(statement).execute(&mut *self.0).await.map_err(failure)?.rows_affected())
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        sqlx::raw_sql(text).execute(&mut *self.0).await.map_err(failure)?;
        Ok(())
    }
}

fn query(statement: &Statement) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(statement.text.to_string()));
    statement.arguments.iter().cloned().fold(query, |query, argument| match argument {
        Cell::Null => query.bind(None::<String>),
        Cell::Text(text) => query.bind(text),
        Cell::Integer(number) => query.bind(number),
        Cell::Decimal(number) => query.bind(number),
        Cell::Boolean(truth) => query.bind(truth),
    })
}

fn row(row: &SqliteRow) -> Result<Row, Failure> {
    let cell = |index| {
        let value = row.try_get_raw(index)?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        Ok(match value.type_info().name() {
            "INTEGER" => Cell::Integer(row.try_get_unchecked(index)?),
            "REAL" => Cell::Decimal(row.try_get_unchecked(index)?),
            "BOOLEAN" => Cell::Boolean(row.try_get_unchecked(index)?),
            _ => Cell::Text(row.try_get_unchecked(index)?),
        })
    };
    (0..row.len()).map(cell).collect::<Result<_, sqlx::Error>>().map(Row::new).map_err(failure)
}

fn failure(error: sqlx::Error) -> Failure {
    match &error {
        sqlx::Error::Database(told) if told.is_unique_violation() => Failure::Unique(error.into()),
        sqlx::Error::Database(told) if told.is_foreign_key_violation() => Failure::Reference(error.into()),
        _ => Failure::Failed(error.into()),
    }
}
