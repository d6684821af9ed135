//! Crews of threads that hash, and a queue with an end.
//!
//! A crew computes one hash at a time, the lanes of it side by side (RFC 9106 §3.4): the cores are as busy as with a hash
//! on each, but memory is taken for few hashes and each is there sooner. A crew keeps the memory of its last hash for a
//! while: faulting in 64 MiB costs a good part of a hash. After a quiet time the memory goes back.

use super::Error;
use ::argon2::Block;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long a thread keeps its memory without work. Longer than the pause between two sign-ins of a busy server.
const MEMORY_KEPT_FOR: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    limit: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// How many hashes are computed at a time, and by how many threads each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crews {
    pub(crate) hashes: usize,
    pub(crate) threads: usize,
}

impl Crews {
    /// Crews of `workers` threads in all, for hashes of so many lanes. Rather a thread too many than a core without work.
    pub(crate) fn of(workers: usize, lanes: usize) -> Self {
        let threads = lanes.clamp(1, workers.max(1));
        Self { hashes: workers.div_ceil(threads).max(1), threads }
    }
}

/// The handle to the threads. They end after the last job once it is dropped.
pub(crate) struct Pool(Arc<Queue>);

impl Pool {
    /// Starts the crews, with room for `limit` waiting jobs.
    pub(crate) fn start(crews: Crews, limit: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue { state: Mutex::default(), ready: Condvar::new(), limit });
        for index in 0..crews.hashes {
            let queue = queue.clone();
            let lanes =
                ThreadPoolBuilder::new().num_threads(crews.threads).thread_name(move |_| format!("lane-{index}"));
            let lanes = lanes.build().map_err(std::io::Error::other)?;
            std::thread::Builder::new().name(format!("password-{index}")).spawn(move || work(&queue, &lanes))?;
        }
        Ok(Self(queue))
    }

    /// Jobs that wait for a crew.
    pub(crate) fn waiting(&self) -> usize {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).jobs.len()
    }

    /// Runs a job on the threads of a crew.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (caller, answer) = oneshot::channel();
        let job = move |memory: &mut Vec<Block>| {
            // Nobody waits any more: the work can be saved.
            if !caller.is_closed() {
                let _ = caller.send(job(memory));
            }
        };
        {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.jobs.len() >= self.0.limit {
                return Err(Error::Overloaded);
            }
            state.jobs.push_back(Box::new(job));
        }
        self.0.ready.notify_one();
        // A thread that panicked over this job has said so.
        answer.await.map_err(|_| Error::Overloaded)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.0.ready.notify_all();
    }
}

fn work(queue: &Queue, lanes: &ThreadPool) {
    let mut memory = Vec::new();
    loop {
        match queue.next(!memory.is_empty()) {
            // A panic must not take the crew with it; the caller sees its answer never come, and the memory goes.
            Next::Job(job) => {
                if catch_unwind(AssertUnwindSafe(|| lanes.install(|| job(&mut memory)))).is_err() {
                    memory = Vec::new();
                }
            }
            Next::Quiet => memory = Vec::new(),
            Next::Closed => return,
        }
    }
}

enum Next {
    Job(Job),
    Quiet,
    Closed,
}

impl Queue {
    /// Waits for a job; only for a while if there is memory to give back.
    fn next(&self, holds_memory: bool) -> Next {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Next::Job(job);
            }
            if state.closed {
                return Next::Closed;
            }
            if holds_memory {
                let waited = self.ready.wait_timeout(state, MEMORY_KEPT_FOR);
                let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state = after;
                if timeout.timed_out() && state.jobs.is_empty() {
                    return Next::Quiet;
                }
            } else {
                state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_run_and_answer() {
        let pool = Pool::start(Crews { hashes: 2, threads: 2 }, 4).unwrap();
        assert_eq!(pool.run(|_| 5).await.unwrap(), 5);
        assert_eq!(pool.run(|_| rayon::current_num_threads()).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_nobody_along() {
        let pool = Pool::start(Crews { hashes: 1, threads: 1 }, 4).unwrap();
        assert!(matches!(pool.run(|_| panic!("of the test")).await, Err(Error::Overloaded)));
        assert_eq!(pool.run(|_| 5).await.unwrap(), 5);
    }

    #[test]
    fn crews_keep_all_cores_busy_with_few_hashes() {
        for (workers, lanes, hashes, threads) in
            [(2, 4, 1, 2), (1, 4, 1, 1), (8, 4, 2, 4), (6, 4, 2, 4), (8, 1, 8, 1), (3, 4, 1, 3), (0, 0, 1, 1)]
        {
            assert_eq!(Crews::of(workers, lanes), Crews { hashes, threads }, "{workers} {lanes}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let pool = Arc::new(Pool::start(Crews { hashes: 1, threads: 1 }, 1).unwrap());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let busy = pool.clone();
        let first = tokio::spawn(async move {
            busy.run(move |_| {
                let _ = started.send(());
                held.recv().unwrap();
            })
            .await
        });
        running.await.unwrap();
        let waiting = pool.clone();
        let second = tokio::spawn(async move { waiting.run(|_| ()).await });
        while pool.0.state.lock().unwrap().jobs.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.run(|_| ()).await, Err(Error::Overloaded)));
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
    }
}
