//! Changes that wait for whoever makes them, several at a time, and for the commit that they share.
//!
//! A change and its caller are one [`Job`] here, the types forgotten. Invariant: nobody is told of a change before the
//! commit that holds it. Absent: connections and transactions.

use super::{
    Error,
    sql::{Change, Connection, Failure},
};
use async_trait::async_trait;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

/// Changes that wait. Beyond it callers wait for room, each holding only its request.
const WAITING_MAX: usize = 256;

/// Changes in one commit. More would make the first of them wait for the last.
pub(super) const BATCH_MAX: usize = 64;

/// Tells a caller that its change is durable.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// A change with its caller.
#[async_trait]
pub(super) trait Job: Send + Sync {
    /// Makes the change; the answer is to be given after the commit.
    async fn run(&self, connection: &mut dyn Connection) -> Result<Answer, Failure>;
    /// Tells the caller that its change failed.
    fn fail(&self, failure: Failure);
}

/// What will be known of a job.
pub(super) struct Outcome<T>(oneshot::Receiver<Result<T, Error>>);

impl<T> Outcome<T> {
    /// Waits until the change is durable or has failed.
    pub(super) async fn wait(self) -> Result<T, Error> {
        self.0.await.map_err(|_| closed())?
    }
}

/// A change as a job.
pub(super) fn job<C: Change>(change: C) -> (Box<dyn Job>, Outcome<C::Output>) {
    let (caller, outcome) = oneshot::channel();
    (Box::new(Pending { change, caller: Arc::new(Mutex::new(Some(caller))) }), Outcome(outcome))
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
    async fn run(&self, connection: &mut dyn Connection) -> Result<Answer, Failure> {
        let value = self.change.apply(connection).await?;
        let caller = self.caller.clone();
        Ok(Box::new(move || answer(&caller, Ok(value))))
    }

    fn fail(&self, failure: Failure) {
        answer(&self.caller, Err(failure.into()));
    }
}

/// The queue, and whoever empties it.
pub(super) struct Queue {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// Nothing is ever sent: it hears when the work is over.
    over: tokio::sync::Mutex<oneshot::Receiver<()>>,
}

type Jobs = mpsc::Receiver<Box<dyn Job>>;

impl Queue {
    /// Starts a task, which ends when the queue is closed and empty.
    pub(super) fn start<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(Jobs) -> F) -> Self {
        let (queue, jobs, over) = Self::new();
        let work = work(jobs);
        tokio::spawn(async move {
            work.await;
            drop(over);
        });
        queue
    }

    /// Starts a thread, for work that keeps it from anything else; it ends when the queue is closed and empty.
    pub(super) fn on_thread<F: Future<Output = ()> + Send + 'static>(
        name: &str,
        work: impl FnOnce(Jobs) -> F,
    ) -> io::Result<Self> {
        let (queue, jobs, over) = Self::new();
        let (work, runtime) = (work(jobs), Handle::current());
        let run = move || {
            runtime.block_on(work);
            drop(over);
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run).map(|_| queue)
    }

    fn new() -> (Self, Jobs, oneshot::Sender<()>) {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let (end, over) = oneshot::channel();
        (Self { jobs: Mutex::new(Some(jobs)), over: tokio::sync::Mutex::new(over) }, waiting, end)
    }

    /// Hands a job over.
    pub(super) async fn push(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        jobs.ok_or_else(closed)?.send(job).await.map_err(|_| closed())
    }

    /// Takes no more jobs and waits for those that are there.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut over = self.over.lock().await;
        if !over.is_terminated() {
            // Nobody says a word.
            let _ = (&mut *over).await;
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the database is closed".into())
}
