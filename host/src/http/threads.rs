//! Threads that serve connections, each its own.
//!
//! Where requests are passed on there is little to do between many waits, and to wake another thread costs more than to do it. So there a
//! client's connection stays on one thread, with those to the application behind it. Absent: what is not passed on; that is done by the
//! threads of the program, which take work from each other.

use std::{
    cell::Cell,
    io,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// Which of them this thread is, from 1 to [`count`]; 0 for any other thread.
pub(crate) fn number() -> usize {
    NUMBER.get()
}

/// How many there are: one for each core.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// The threads. They end with it, and so does what is done on them.
pub(crate) struct Threads {
    all: Vec<(Handle, oneshot::Sender<()>)>,
    given: AtomicUsize,
}

impl Threads {
    /// # Errors
    /// The system refuses a thread.
    pub(crate) fn start() -> io::Result<Self> {
        let all = (1..=count()).map(start).collect::<io::Result<_>>()?;
        Ok(Self { all, given: AtomicUsize::new(0) })
    }

    /// The one for the next connection: each in turn.
    pub(crate) fn next(&self) -> Option<&Handle> {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let place = given.checked_rem(self.all.len())?;
        self.all.get(place).map(|(handle, _)| handle)
    }
}

fn start(number: usize) -> io::Result<(Handle, oneshot::Sender<()>)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (end, ended) = oneshot::channel();
    std::thread::Builder::new().name("connections".to_owned()).spawn(move || {
        NUMBER.set(number);
        // Told or dropped, it is the end.
        let _ = runtime.block_on(ended);
    })?;
    Ok((handle, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_given_to_each_in_turn() {
        let threads = Threads::start().unwrap();
        let mut seen = Vec::new();
        for _ in 0..2 * count() {
            seen.push(threads.next().unwrap().spawn(async { number() }).await.unwrap());
        }
        assert_eq!(seen, (1..=count()).chain(1..=count()).collect::<Vec<_>>());
        assert_eq!(number(), 0);
    }

    #[tokio::test]
    async fn what_is_done_on_them_ends_with_them() {
        let threads = Threads::start().unwrap();
        let endless = threads.next().unwrap().spawn(std::future::pending::<()>());
        drop(threads);
        assert!(endless.await.unwrap_err().is_cancelled());
    }
}
