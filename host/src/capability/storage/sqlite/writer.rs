//! Group commit: one connection writes, and what arrives while a commit is under way shares the next one.
//!
//! A commit waits for the disk. With one commit a request the disk would decide how many refreshes a second there are;
//! shared among all that wait, it decides only how long one takes. Nobody is answered before the commit that holds their
//! change. A change that fails takes none of its companions with it: the batch is rolled back and each is tried alone.

use super::failure;
use crate::capability::storage::{
    queue::{Answer, BATCH_MAX, Job},
    sql::Failure,
};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::mpsc;

/// Makes the changes of a queue until it is closed and empty, and then closes the connection.
pub(super) async fn write(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        if let Err(error) = commit(&mut connection, &batch).await {
            match batch.as_slice() {
                [job] => job.fail(error),
                jobs => {
                    for job in jobs {
                        if let Err(error) = commit(&mut connection, std::slice::from_ref(job)).await {
                            job.fail(error);
                        }
                    }
                }
            }
        }
        batch.clear();
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the database did not close cleanly");
    }
}

/// Makes all changes or none. On an error nothing has changed and nobody was answered.
async fn commit(connection: &mut SqliteConnection, jobs: &[Box<dyn Job>]) -> Result<(), Failure> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(failure)?;
    let result = run(connection, jobs).await;
    match result {
        Ok(answers) => {
            for answer in answers {
                answer();
            }
            Ok(())
        }
        Err(error) => {
            // Some failures (a full disk) have rolled back already; then there is nothing left to roll back.
            if let Err(rollback) = sqlx::query("ROLLBACK").execute(&mut *connection).await {
                tracing::debug!(error = &rollback as &dyn std::error::Error, "nothing to roll back");
            }
            Err(error)
        }
    }
}

async fn run(connection: &mut SqliteConnection, jobs: &[Box<dyn Job>]) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        answers.push(job.run(connection).await?);
    }
    sqlx::query("COMMIT").execute(&mut *connection).await.map_err(failure)?;
    Ok(answers)
}
