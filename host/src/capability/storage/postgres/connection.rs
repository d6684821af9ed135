//! Statements on a connection to PostgreSQL: arguments in, rows out, and its failures sorted.
//!
//! What the server tells about a failure beyond its code and message (the row, the values) stays behind: it may hold
//! hashes and tokens, and failures are logged.

use crate::capability::storage::sql::{Cell, Connection, Dialect, Failure, Row, Statement};
use async_trait::async_trait;
use deadpool_postgres::{Object, PoolError, TimeoutType};
use std::time::Duration;
use tokio_postgres::{error::SqlState, types::ToSql};

/// How long a statement may take. Ours take milliseconds; a server that is gone without a word takes for ever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection of the pool.
pub(crate) struct Reader(Option<Object>);

impl Reader {
    pub(super) fn new(object: Object) -> Self {
        Self(Some(object))
    }

    /// Lets go of the connection for good instead of giving it back.
    pub(super) fn discard(&mut self) {
        drop(self.0.take().map(Object::take));
    }

    fn object(&self) -> Result<&Object, Failure> {
        self.0.as_ref().ok_or_else(|| Failure::Unavailable("the connection is lost".into()))
    }

    /// The result of what did not take too long. Of a statement that did, the answer may still come: nobody may take it
    /// for that of the next one.
    fn in_time<T>(
        &mut self,
        done: Result<Result<T, tokio_postgres::Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, Failure> {
        match done {
            Ok(result) => result.map_err(|error| failure(&error)),
            Err(elapsed) => {
                self.discard();
                Err(Failure::Unavailable(elapsed.into()))
            }
        }
    }
}

async fn prepared(object: &Object, statement: &Statement) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
    if statement.lasting { object.prepare_cached(&statement.text).await } else { object.prepare(&statement.text).await }
}

fn arguments(statement: &Statement) -> Vec<&(dyn ToSql + Sync)> {
    statement.arguments.iter().map(|cell| cell as &(dyn ToSql + Sync)).collect()
}

#[async_trait]
impl Connection for Reader {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        let object = self.object()?;
        let asked = async {
            let prepared = prepared(object, statement).await?;
            let rows = object.query(&prepared, &arguments(statement)).await?;
            rows.iter().map(cells).collect::<Result<Vec<_>, _>>()
        };
        let done = tokio::time::timeout(STATEMENT_TIMEOUT, asked).await;
        Ok(self.in_time(done)?.into_iter().map(Row::new).collect())
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        let object = self.object()?;
        let asked = async {
            let prepared = prepared(object, statement).await?;
            object.execute(&prepared, &arguments(statement)).await
        };
        let done = tokio::time::timeout(STATEMENT_TIMEOUT, asked).await;
        self.in_time(done)
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        let object = self.object()?;
        let done = tokio::time::timeout(STATEMENT_TIMEOUT, object.batch_execute(text)).await;
        self.in_time(done)
    }

    /// All are sent before the first is answered.
    async fn chain(&mut self, first: Statement, others: Vec<Statement>) -> Result<Vec<Row>, Failure> {
        let object = self.object()?;
        let asked = async {
            let mut made = Vec::with_capacity(others.len() + 1);
            for statement in std::iter::once(&first).chain(&others) {
                made.push((prepared(object, statement).await?, statement));
            }
            queries(object, &made).await
        };
        let done = tokio::time::timeout(STATEMENT_TIMEOUT, asked).await;
        Ok(self.in_time(done)?.into_iter().map(Row::new).collect())
    }
}

/// The rows of the first of these statements. A statement is sent when it is first polled, which is in their order.
async fn queries(
    object: &Object,
    statements: &[(tokio_postgres::Statement, &Statement)],
) -> Result<Vec<Vec<Cell>>, tokio_postgres::Error> {
    let Some(((prepared, statement), others)) = statements.split_first() else { return Ok(Vec::new()) };
    let arguments = arguments(statement);
    let (rows, rest) = tokio::join!(biased; object.query(prepared, &arguments), Box::pin(queries(object, others)));
    let rows = rows?.iter().map(cells).collect();
    rest?;
    rows
}

fn cells(row: &tokio_postgres::Row) -> Result<Vec<Cell>, tokio_postgres::Error> {
    (0..row.len()).map(|index| row.try_get(index)).collect()
}

/// What the server said, without the values it said it of.
#[derive(Debug, thiserror::Error)]
#[error("{message} (SQLSTATE {code})")]
struct Told {
    code: String,
    message: String,
}

/// Sorts failures by what can be done about them.
pub(super) fn failure(error: &tokio_postgres::Error) -> Failure {
    let Some(told) = error.as_db_error() else {
        // A value that does not fit its column is the only failure of ours; all others are the connection's.
        let text = error.to_string();
        let ours = text.starts_with("error serializing") || text.starts_with("error deserializing");
        let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let cause = if source.is_empty() { text } else { format!("{text}: {source}") };
        return if ours { Failure::Failed(cause.into()) } else { Failure::Unavailable(cause.into()) };
    };
    let cause = Told { code: told.code().code().to_owned(), message: told.message().to_owned() }.into();
    match told.code() {
        &SqlState::UNIQUE_VIOLATION => Failure::Unique(cause),
        &SqlState::FOREIGN_KEY_VIOLATION | &SqlState::RESTRICT_VIOLATION => Failure::Reference(cause),
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => Failure::Conflict(cause),
        code if is_passing(code) => Failure::Unavailable(cause),
        _ => Failure::Failed(cause),
    }
}

/// Connection lost, resources used up, stopped by an operator, an I/O error (classes 08, 53, 57 and 58), a lock that is
/// not to be had, or a server that is a copy and cannot be written.
fn is_passing(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    ["08", "53", "57", "58"].contains(&class)
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::READ_ONLY_SQL_TRANSACTION].contains(code)
}

/// Why there is no connection. Whatever it is, it may be better in a while.
pub(super) fn pool_failure(error: PoolError) -> Failure {
    match error {
        PoolError::Backend(error) => match failure(&error) {
            Failure::Failed(cause) => Failure::Unavailable(cause),
            other => other,
        },
        PoolError::Timeout(TimeoutType::Wait) => Failure::Unavailable("all connections are in use".into()),
        other => Failure::Unavailable(other.to_string().into()),
    }
}
