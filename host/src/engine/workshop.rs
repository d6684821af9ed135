//! Threads on which components are made ready: reading, compiling, linking.
//!
//! They are for work that nobody waits for in a request, so they give way to those that serve. Compilation spreads over them by
//! itself. Absent: what is done here.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::io;
use tokio::sync::oneshot;

/// How far the threads stand back (`nice`): a busy server leaves them a tenth of a core's turns, an idle one everything.
const NICENESS: i32 = 10;

pub(crate) struct Workshop(ThreadPool);

impl Workshop {
    pub(super) fn open() -> io::Result<Self> {
        let pool = ThreadPoolBuilder::new().thread_name(|_| "workshop".to_owned()).start_handler(|_| stand_back());
        pool.build().map(Self).map_err(io::Error::other)
    }

    /// Does something here. `None` if it panicked.
    pub(crate) async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (done, result) = oneshot::channel();
        self.0.spawn(move || {
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // Whoever asked may be gone.
            let _ = done.send(worked.ok());
        });
        result.await.ok().flatten()
    }
}

/// On Linux it is the thread that has the priority, not the process. A system that refuses it serves all the same.
fn stand_back() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "threads that compile have the same priority as those that serve");
    }
}
