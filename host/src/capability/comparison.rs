//! How a generation that is tried out does, beside the one that serves.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls that are shown at the same time; more are not shown. Watching must not keep anybody waiting.
const SHOWN_MAX: usize = 16;

/// How often one that watches would have answered the same, and how often one that takes a share of the calls did not do what
/// it should.
pub(crate) struct Comparison {
    same: AtomicU64,
    different: AtomicU64,
    taken: AtomicU64,
    failed: AtomicU64,
    room: Arc<Semaphore>,
}

impl Default for Comparison {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(SHOWN_MAX));
        let zero = AtomicU64::default;
        Self { same: zero(), different: zero(), taken: zero(), failed: zero(), room }
    }
}

impl Comparison {
    /// Room to show a call, if there is any.
    pub(crate) fn room(&self) -> Option<OwnedSemaphorePermit> {
        self.room.clone().try_acquire_owned().ok()
    }

    /// Counts a call that was shown.
    pub(crate) fn compared(&self, is_same: bool) {
        let count = if is_same { &self.same } else { &self.different };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call that was taken.
    pub(crate) fn took(&self, is_sound: bool) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if !is_sound {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Calls that were shown: answered the same, and differently.
    pub(crate) fn shown(&self) -> (u64, u64) {
        (self.same.load(Ordering::Relaxed), self.different.load(Ordering::Relaxed))
    }

    /// Calls that were taken, and those of them that had no answer, or one that blames neither the person nor what the person
    /// did.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}
