//! Group commit: one connection writes, and what arrives while a commit is under way shares the next one.
//!
//! A commit waits for the disk. With one commit a request the disk would decide how many refreshes a second there are;
//! shared among all that wait, it decides only how long one takes. Nobody is answered before the commit that holds their
//! change. A change that fails takes none of its companions with it: the batch is rolled back and each is tried alone.

use super::failure;
use crate::capability::storage::{
    Error,
    sql::{Change, Failure},
};
use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// Changes that wait for the connection. Beyond it callers wait for room, each holding only its request.
const QUEUE: usize = 256;

/// Changes in one commit. More would make the first of them wait for the last.
const BATCH_MAX: usize = 64;

/// Tells a caller that its change is durable.
type Answer = Box<dyn FnOnce() + Send>;

/// A change with its caller, the types forgotten.
#[async_trait]
trait Job: Send + Sync {
    /// Makes the change; the answer is to be given after the commit.
    async fn run(&self, connection: &mut SqliteConnection) -> Result<Answer, Failure>;
    /// Tells the caller that its change failed.
    fn fail(&self, failure: Failure);
}

type Caller<T> = Arc<Mutex<Option<oneshot::Sender<Result<T, Error>>>>>;

struct Pending<C: Change> {
    change: C,
    caller: Caller<C::Output>,
}

fn answer<T>(caller: &Caller<T>, result: Result<T, Error>) {
    if let Some(caller) = caller.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A caller that went away does not mind: its change stands all the same.
        let _ = caller.send(result);
    }
}

#[async_trait]
impl<C: Change> Job for Pending<C> {
    async fn run(&self, connection: &mut SqliteConnection) -> Result<Answer, Failure> {
        let value = self.change.apply(connection).await?;
        let caller = self.caller.clone();
        Ok(Box::new(move || answer(&caller, Ok(value))))
    }

    fn fail(&self, failure: Failure) {
        answer(&self.caller, Err(failure.into()));
    }
}

/// The handle to the one connection that writes.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let task = tokio::spawn(write(connection, queue));
        Self { jobs: Mutex::new(Some(jobs)), task: tokio::sync::Mutex::new(Some(task)) }
    }

    /// Makes a change and returns after it is durable.
    pub(super) async fn write<C: Change>(&self, change: C) -> Result<C::Output, Error> {
        let (caller, answer) = oneshot::channel();
        let job = Pending { change, caller: Arc::new(Mutex::new(Some(caller))) };
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let closed = || Error::Unavailable(sqlx::Error::PoolClosed.into());
        jobs.ok_or_else(closed)?.send(Box::new(job)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Commits what is waiting and closes the connection.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(task) = self.task.lock().await.take() {
            // Only a panic in the task makes this an error, and the panic has been reported.
            let _ = task.await;
        }
    }
}

async fn write(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
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
