//! Threads on which components are made ready: reading, compiling, linking.
//!
//! They are for work that nobody waits for in a request, so they give way to those that serve. Compilation spreads over them by
//! itself, and pauses between two functions. Absent: what is done here.

use super::turns::{BUSY, Moment, Turns};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{borrow::Cow, cell::RefCell, io, sync::Arc, time::Duration};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::oneshot;
use wasmtime::CacheStore;

/// After so much computing a thread looks whether it is in somebody's way.
const BURST: Duration = Duration::from_millis(5);

/// For how many times the burst it pauses then: two such threads leave others five sixths of two cores.
const PAUSES: u32 = 5;

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

/// Has the thread compute only while nobody else wants to (`SCHED_IDLE`). A system that refuses it serves all the same.
///
/// It is not enough: calls wait for each other in many short steps, and a thread that computes whenever nobody else does is in the way of
/// each next step. Hence the pauses.
fn stand_back() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
        tracing::debug!(%error, "threads that compile have the same priority as those that serve");
    }
}

/// Lets threads that compile pause while there are calls and they compete with them for the cores.
///
/// The engine asks it for each function, before it compiles that, whether it was compiled before. It never was: what is kept is kept by
/// [`super::CodeCache`], under a seal.
#[derive(Debug)]
pub(super) struct GivesWay(pub(super) Arc<Turns>);

impl CacheStore for GivesWay {
    fn get(&self, _function: &[u8]) -> Option<Cow<'_, [u8]>> {
        thread_local! {
            static BEGUN: RefCell<Option<Moment>> = const { RefCell::new(None) };
        }
        BEGUN.with_borrow_mut(|begun| {
            let now = Moment::now();
            let Some((computed, kept)) = begun.as_ref().map(|begun| now.since(begun)) else {
                *begun = Some(now);
                return;
            };
            if let Some(pause) = pause(computed, kept, self.0.any_call()) {
                std::thread::sleep(pause);
            }
            if computed >= BURST {
                *begun = Some(Moment::now());
            }
        });
        None
    }

    fn insert(&self, _function: &[u8], _code: Vec<u8>) -> bool {
        false
    }
}

/// How long a thread pauses that has computed, and was kept from it, for so long.
fn pause(computed: Duration, kept: Duration, calls: bool) -> Option<Duration> {
    (calls && computed >= BURST && kept > BUSY).then(|| computed * PAUSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_compiles_pauses_while_others_want_the_core_for_calls() {
        assert_eq!(pause(BURST, 2 * BUSY, true), Some(PAUSES * BURST));
        assert_eq!(pause(BURST, 2 * BUSY, false), None);
        assert_eq!(pause(BURST, BUSY, true), None);
        assert_eq!(pause(BURST / 2, 2 * BUSY, true), None);
    }

    #[test]
    fn nothing_was_ever_compiled_before() {
        let gives_way = GivesWay(Arc::default());
        assert!(!gives_way.insert(b"function", b"code".to_vec()));
        assert_eq!(gives_way.get(b"function"), None);
    }
}
