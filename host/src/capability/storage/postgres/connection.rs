//! Statements on a connection to PostgreSQL: arguments in, rows out, and its failures sorted.
//!
//! What the server tells about a failure beyond its code and message (the row, the values) stays behind: it may hold
//! hashes and tokens, and failures are logged.

use super::cell::{Came, Sent};
use crate::capability::storage::sql::{Cell, Connection, Dialect, Failure, Row, Statement};
use async_trait::async_trait;
use deadpool_postgres::{Object, PoolError, TimeoutType};
use futures_util::TryStreamExt as _;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// How long a statement may take. Ours take milliseconds; a server that is gone without a word takes for ever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks one thing. Of a statement that took too long the answer may still come: nobody may take it for that of the next one.
macro_rules! ask {
    ($reader:ident, $ask:ident, $($argument:expr),*) => {{
        let shared = $reader.shared()?;
        let done = shared.in_time(shared.opened(shared.$ask($($argument),*))).await;
        if done.is_err() {
            $reader.discard();
        }
        done?
    }};
}

/// A connection of the pool.
pub(crate) struct Reader {
    object: Option<Object>,
    /// What is said before anything else.
    opening: Option<&'static str>,
}

impl Reader {
    pub(super) fn new(object: Object) -> Self {
        Self { object: Some(object), opening: None }
    }

    /// A connection that says something first, such as `BEGIN`: together with what it is asked first, so there is one way less.
    pub(super) fn opening(object: Object, opening: &'static str) -> Self {
        Self { object: Some(object), opening: Some(opening) }
    }

    /// Lets go of the connection for good instead of giving it back.
    pub(super) fn discard(&mut self) {
        drop(self.object.take().map(Object::take));
    }

    /// The same connection for several who speak at the same time. What they say arrives in the order in which they say it.
    pub(super) fn shared(&mut self) -> Result<Shared<'_>, Failure> {
        let opening = self.opening.take();
        let object = self.object.as_ref().ok_or_else(|| Failure::Unavailable("the connection is lost".into()))?;
        Ok(Shared { object, opening })
    }

    /// The rows that a statement gives in a transaction of its own, which begins with a script and is sent as a whole before any of
    /// it is answered.
    pub(super) async fn whole(mut self, begin: &'static str, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.opening = Some(begin);
        let asked = self.committed(statement).await;
        if asked.is_err() {
            // It may be in the midst of its transaction.
            self.discard();
        }
        asked
    }

    async fn committed(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        ask!(self, committed, statement)
    }
}

#[async_trait]
impl Connection for Reader {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        ask!(self, rows_of, statement)
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        ask!(self, touched_by, statement)
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        ask!(self, batch, text)
    }

    /// All are sent before the first is answered.
    async fn chain(&mut self, first: Statement, others: Vec<Statement>) -> Result<Vec<Row>, Failure> {
        ask!(self, chained, &first, &others)
    }
}

/// A connection that several use at the same time. Whoever lends it watches the time.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    object: &'a Object,
    opening: Option<&'static str>,
}

impl Shared<'_> {
    /// What comes of something that is asked after what has to be said first.
    pub(super) async fn opened<T>(self, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let Some(opening) = self.opening else { return asked.await };
        let (opened, done) = tokio::join!(biased; self.batch(opening), asked);
        opened.and(done)
    }

    /// What comes of something, if it does not take too long.
    pub(super) async fn in_time<T>(self, asked: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout(STATEMENT_TIMEOUT, asked).await.map_err(|elapsed| Failure::Unavailable(elapsed.into()))
    }

    async fn prepared(self, statement: &Statement) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
        let text = &statement.text;
        if statement.lasting { self.object.prepare_cached(text).await } else { self.object.prepare(text).await }
    }

    pub(super) async fn rows_of(self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.chained(statement, &[]).await
    }

    async fn committed(self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        let prepared = self.prepared(statement).await.map_err(|error| failure(&error))?;
        let asked = [(prepared, statement)];
        let (rows, committed) = tokio::join!(biased; queries(self.object, &asked), self.batch("COMMIT"));
        let rows = rows.map_err(|error| failure(&error))?;
        committed.map(|()| rows.into_iter().map(Row::new).collect())
    }

    async fn touched_by(self, statement: &Statement) -> Result<u64, Failure> {
        let prepared = self.prepared(statement).await.map_err(|error| failure(&error))?;
        self.object.execute_raw(&prepared, arguments(statement)).await.map_err(|error| failure(&error))
    }

    async fn batch(self, text: &str) -> Result<(), Failure> {
        self.object.batch_execute(text).await.map_err(|error| failure(&error))
    }

    async fn chained(self, first: &Statement, others: &[Statement]) -> Result<Vec<Row>, Failure> {
        let asked = async {
            let mut made = Vec::with_capacity(others.len() + 1);
            for statement in std::iter::once(first).chain(others) {
                made.push((self.prepared(statement).await?, statement));
            }
            queries(self.object, &made).await
        };
        let rows = asked.await.map_err(|error| failure(&error))?;
        Ok(rows.into_iter().map(Row::new).collect())
    }
}

#[async_trait]
impl Connection for Shared<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.rows_of(statement).await
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        self.touched_by(statement).await
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        self.batch(text).await
    }

    async fn chain(&mut self, first: Statement, others: Vec<Statement>) -> Result<Vec<Row>, Failure> {
        self.chained(&first, &others).await
    }
}

fn arguments(statement: &Statement) -> impl ExactSizeIterator<Item = Sent<'_>> {
    statement.arguments.iter().map(Sent)
}

/// The rows of the first of these statements. A statement is sent when it is first polled, which is in their order.
async fn queries(
    object: &Object,
    statements: &[(tokio_postgres::Statement, &Statement)],
) -> Result<Vec<Vec<Cell>>, tokio_postgres::Error> {
    let Some(((prepared, statement), others)) = statements.split_first() else { return Ok(Vec::new()) };
    let query = async { object.query_raw(prepared, arguments(statement)).await?.try_collect::<Vec<_>>().await };
    let (rows, rest) = tokio::join!(biased; query, Box::pin(queries(object, others)));
    let rows = rows?.iter().map(cells).collect();
    rest?;
    rows
}

fn cells(row: &tokio_postgres::Row) -> Result<Vec<Cell>, tokio_postgres::Error> {
    (0..row.len()).map(|index| row.try_get(index).map(|Came(cell)| cell)).collect()
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
