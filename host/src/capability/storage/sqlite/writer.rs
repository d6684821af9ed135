//! Group commit: one connection writes, and what arrives while a commit is under way shares the next one.
//!
//! A commit waits for the disk. With one commit a request the disk would decide how many refreshes a second there are;
//! shared among all that wait, it decides only how long one takes. Nobody is answered before the commit that holds their
//! change. A change that fails takes none of its companions with it: the batch is rolled back and each is tried alone.

use super::Local;
use crate::capability::storage::{
    queue::{Answer, BATCH_MAX, Job},
    sql::{Connection as _, Failure, Statement},
};
use tokio::sync::mpsc;

/// Makes the changes of a queue until it is closed and empty, and then closes the connection. It works in the thread that
/// it is in.
pub(super) async fn write(mut connection: Local, mut queue: mpsc::Receiver<Box<dyn Job>>) {
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
    connection.close();
}

/// Makes all changes or none. On an error nothing has changed and nobody was answered.
async fn commit(connection: &mut Local, jobs: &[Box<dyn Job>]) -> Result<(), Failure> {
    connection.run(&Statement::new("BEGIN IMMEDIATE")).await?;
    match run(connection, jobs).await {
        Ok(answers) => {
            for answer in answers {
                answer();
            }
            Ok(())
        }
        Err(error) => {
            // Some failures (a full disk) have rolled back already; then there is nothing left to roll back.
            if let Err(rollback) = connection.batch("ROLLBACK") {
                tracing::debug!(error = &rollback as &dyn std::error::Error, "nothing to roll back");
            }
            Err(error)
        }
    }
}

async fn run(connection: &mut Local, jobs: &[Box<dyn Job>]) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        answers.push(job.run(connection).await?);
    }
    connection.run(&Statement::new("COMMIT")).await?;
    Ok(answers)
}
