//! What happened in sign-ins that failed, in a table of our own that stays small.

use super::{Change, Connection, Failure, Statement, stamp};
use async_trait::async_trait;

/// Traces that are kept: on a busy day, some hours; an attack cannot grow the table.
const TRACES_MAX: i64 = 10_000;

/// How long a trace is kept: whoever complains does so within a week.
const KEPT_MS: u64 = 7 * 86_400_000;

/// Keeps a trace; those that are too old or too many go.
pub(crate) struct Keep {
    pub(crate) id: String,
    pub(crate) at_ms: u64,
    /// JSON.
    pub(crate) trace: String,
}

#[async_trait]
impl Change for Keep {
    type Output = ();

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let kept =
            Statement::new("INSERT INTO gatewit_traces (id, failed, trace) VALUES ($1, $2, $3) RETURNING number");
        let kept = kept.bind(&self.id).bind(stamp(self.at_ms)).bind(&self.trace);
        let mut row = connection.row(&kept).await?.ok_or_else(|| Failure::Failed("a trace is missing".into()))?;
        let too_many = row.integer()?.saturating_sub(TRACES_MAX);
        let too_old = stamp(self.at_ms.saturating_sub(KEPT_MS));
        let gone = Statement::new("DELETE FROM gatewit_traces WHERE number <= $1 OR failed < $2");
        connection.run(&gone.bind(too_many).bind(too_old)).await?;
        Ok(())
    }
}

/// The last trace of a request.
pub(crate) async fn read(connection: &mut dyn Connection, id: &str) -> Result<Option<String>, Failure> {
    let statement = Statement::new("SELECT trace FROM gatewit_traces WHERE id = $1 ORDER BY number DESC LIMIT 1");
    match connection.row(&statement.bind(id)).await? {
        Some(mut row) => Ok(Some(row.text()?)),
        None => Ok(None),
    }
}

/// The last traces, or those before a number, with their numbers.
pub(crate) async fn list(
    connection: &mut dyn Connection,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, String)>, Failure> {
    let statement =
        Statement::new("SELECT number, trace FROM gatewit_traces WHERE number < $1 ORDER BY number DESC LIMIT $2");
    let statement = statement.bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit));
    let rows = connection.rows(&statement).await?;
    rows.into_iter().map(|mut row| Ok((row.integer()?, row.text()?))).collect()
}
