//! Changes as transactions: alone, or several in one where they cannot stand in each other's way.
//!
//! What a refresh or a sign-in writes is three or four small statements. In a transaction of its own each of them pays for a
//! beginning, a commit and the ways there and back; those that arrive while a commit is under way share the next one, and go
//! there side by side. A change that fails, or waits for a row that somebody else holds, takes none of its companions with it:
//! nothing of the batch is kept and each is tried alone.

use super::{Pool, Reader, Statement, pool_failure, pulse::Quiet};
use crate::capability::storage::{
    queue::{Answer, BATCH_MAX, Job},
    sql::{Connection as _, Failure},
};
use futures_util::future::join_all;
use tokio::sync::mpsc;

/// How often a change is tried that stood in another's way. Each time one of them passes.
const ATTEMPTS: u32 = 5;

/// Begins a transaction of several. Who waits longer for a row makes all others wait: such a change is better off alone. And the
/// few rows that are renewed are looked up, even where reading all of a table seems no dearer: the table may grow, and plans are kept.
const BEGIN_TOGETHER: &str = "BEGIN; SET LOCAL lock_timeout = '100ms'; SET LOCAL enable_seqscan = off";

/// The number of the transaction that is under way. The older of two names of the function, which all servers know.
const NUMBER: &str = "SELECT txid_current()";

/// Makes the changes of a queue until it is closed and empty.
pub(super) async fn write(pool: Pool, quiet: Quiet, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        match together(&pool, &quiet, &batch).await {
            Ok(answers) => {
                batch.clear();
                for answer in answers {
                    answer();
                }
            }
            Err(Setback::Lost(failure)) => {
                let told = failure.to_string();
                batch.drain(..).for_each(|job| job.fail(Failure::Unavailable(told.clone().into())));
            }
            Err(Setback::Undone(failure)) => {
                tracing::debug!(error = &failure as &dyn std::error::Error, "changes are tried one by one");
                for job in batch.drain(..) {
                    tokio::spawn(alone(pool.clone(), job));
                }
            }
        }
    }
}

/// Why changes were not made together.
pub(super) enum Setback {
    /// Nothing of them was kept.
    Undone(Failure),
    /// The connection went, and with it the knowledge of what was kept.
    Lost(Failure),
}

impl From<Setback> for Failure {
    fn from(setback: Setback) -> Self {
        let (Setback::Undone(failure) | Setback::Lost(failure)) = setback;
        failure
    }
}

async fn together(pool: &Pool, quiet: &Quiet, jobs: &[Box<dyn Job>]) -> Result<Vec<Answer>, Setback> {
    let mut reader = begin_together(pool).await?;
    let done = side_by_side(&mut reader, quiet, jobs).await;
    end(reader, done).await
}

/// A connection that begins a transaction of several changes.
pub(super) async fn begin_together(pool: &Pool) -> Result<Reader, Setback> {
    let object = pool.get().await.map_err(|error| Setback::Lost(pool_failure(error)))?;
    Ok(Reader::opening(object, BEGIN_TOGETHER))
}

/// Ends a transaction: what was done is kept if nothing failed.
pub(super) async fn end<T>(mut reader: Reader, done: Result<T, Failure>) -> Result<T, Setback> {
    let done = match done {
        Ok(done) => reader.script("COMMIT").await.map(|()| done),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(done) => Ok(done),
        Err(failure) if reader.script("ROLLBACK").await.is_ok() => Err(Setback::Undone(failure)),
        // A connection that cannot even do this is not used again.
        Err(failure) => {
            reader.discard();
            Err(Setback::Lost(failure))
        }
    }
}

/// Makes changes in one transaction. Each sends what it has to say without waiting for the others' answers.
async fn side_by_side(reader: &mut Reader, quiet: &Quiet, jobs: &[Box<dyn Job>]) -> Result<Vec<Answer>, Failure> {
    let shared = reader.shared()?;
    let number = Statement::new(NUMBER);
    let made = async {
        let made = join_all(jobs.iter().map(|job| {
            let mut connection = shared;
            async move { job.run(&mut connection).await }
        }));
        let (number, made) = tokio::join!(shared.rows_of(&number), made);
        // Whoever sees the transaction over knows by then that it is quiet.
        for mut row in number? {
            quiet.add(u64::try_from(row.integer()?).unwrap_or_default());
        }
        made.into_iter().collect()
    };
    let done = shared.in_time(shared.opened(made)).await;
    if done.is_err() {
        reader.discard();
    }
    done?
}

/// Makes a change in a transaction of its own, and tells its caller.
pub(super) async fn alone(pool: Pool, job: Box<dyn Job>) {
    let mut attempt = 1;
    loop {
        match once(&pool, job.as_ref()).await {
            Ok(answer) => return answer(),
            Err(Failure::Conflict(cause)) if attempt < ATTEMPTS => {
                tracing::debug!(error = cause.as_ref() as &dyn std::error::Error, attempt, "a change is tried again");
                attempt += 1;
            }
            Err(failure) => return job.fail(failure),
        }
    }
}

async fn once(pool: &Pool, job: &dyn Job) -> Result<Answer, Failure> {
    let object = pool.get().await.map_err(pool_failure)?;
    let mut reader = Reader::opening(object, "BEGIN");
    let done = job.run(&mut reader).await;
    Ok(end(reader, done).await?)
}
