//! Turns on the processor: a call that computes for long gives way to those that do not.
//!
//! Running code is stopped at each tick of the engine's clock, which counts against its time, and others have their turn. Most calls
//! are over before the first. One that goes on for twenty is long, and so is from the first any call of a component that had a long one of
//! late: where somebody waits for the core that it holds, be it a request or another thread, it pauses after each turn, the longer
//! the more the component's long calls have computed, and they pause one after another. On an idle machine it goes on at once. Absent: what
//! becomes of a call whose time is up.

use rustix::time::{ClockId, clock_gettime};
use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::ThreadId,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use wasmtime::Engine;

/// How often running code is looked at: nobody waits longer for the core that it holds.
const TICK: Duration = Duration::from_millis(1);

/// How often the clock ticks while there is no call.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// A call that has computed for so long is long.
const LONG: Duration = Duration::from_millis(20);

/// The same where the component had a long call of late, and how late that is.
const LONG_AGAIN: Duration = Duration::from_millis(1);
const OF_LATE: Duration = Duration::from_secs(10);

/// Somebody waits for the core if it takes so long to get it back, or if it was taken away for so long during a turn; and that they do
/// is believed for a while, as the kernel gives threads turns of a few milliseconds.
pub(super) const BUSY: Duration = Duration::from_micros(200);
const STAYS_BUSY: Duration = Duration::from_millis(100);

/// For how long it is left to them: a fifth of what the component's long calls have computed of late, within bounds.
const PAUSE_PART: u32 = 5;
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// The part of a pause that counts as computing, so that a call which never ends holds its place for eight times its time at most.
const COUNTED: u32 = 8;

/// Cores for each of a component's calls that pause at the same time.
const CORES: usize = 2;

/// Where the long calls of a component pause.
#[derive(Debug)]
struct Lane {
    room: Semaphore,
    seen: Mutex<Seen>,
}

/// What was seen of a component's calls, and when.
#[derive(Debug, Default)]
struct Seen {
    long: Option<Instant>,
    /// What long calls have computed, each of them not long after the one before.
    spent: Duration,
    busy: Option<Instant>,
}

impl Lane {
    fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { room: Semaphore::new((cores / CORES).max(1)), seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a call pauses after a turn with which it has computed for so long, if that makes it a long one.
    fn pause(&self, used: Duration) -> Option<Duration> {
        let mut seen = self.seen();
        let again = seen.long.is_some_and(|last| last.elapsed() < OF_LATE);
        if used < if again { LONG_AGAIN } else { LONG } {
            return None;
        }
        seen.long = Some(Instant::now());
        seen.spent = if again { seen.spent + TICK } else { used };
        Some((seen.spent / PAUSE_PART).clamp(PAUSE_MIN, PAUSE_MAX))
    }

    /// Whether others wait, if somebody was kept from a core for so long.
    fn is_busy(&self, kept: Duration) -> bool {
        let mut seen = self.seen();
        if kept > BUSY {
            seen.busy = Some(Instant::now());
            return true;
        }
        seen.busy.is_some_and(|last| last.elapsed() < STAYS_BUSY)
    }
}

/// The clock of an engine.
#[derive(Debug, Default)]
pub(super) struct Turns {
    calls: AtomicUsize,
    /// Of components that had a call of more than a turn.
    lanes: Mutex<HashMap<Arc<str>, Arc<Lane>>>,
}

impl Turns {
    /// Counts the epoch up until the engine is gone.
    pub(super) fn start(self: &Arc<Self>, engine: &Engine) -> std::io::Result<()> {
        let (engine, clock) = (engine.weak(), self.clone());
        let beat = move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(clock.tick());
            }
        };
        std::thread::Builder::new().name("epoch".to_owned()).spawn(beat)?;
        Ok(())
    }

    /// Whether there is a call now.
    pub(super) fn any_call(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > 0
    }

    fn tick(&self) -> Duration {
        if self.any_call() { TICK } else { IDLE_TICK }
    }

    /// Where the long calls of a component pause.
    fn lane(&self, component: &Arc<str>) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(component.clone()).or_insert_with(|| Arc::new(Lane::new())).clone()
    }
}

/// What one call has of its time.
pub(super) struct Turn {
    turns: Arc<Turns>,
    component: Arc<str>,
    used: Duration,
    time: Duration,
    rest: Arc<Mutex<Rest>>,
}

/// What came of the rest between two turns.
#[derive(Default)]
struct Rest {
    /// What counts of it.
    counted: Duration,
    over: Option<Moment>,
}

/// A moment on a thread.
#[derive(Debug)]
pub(super) struct Moment {
    thread: ThreadId,
    at: Instant,
    /// Processor time of the thread.
    time: Duration,
}

impl Moment {
    pub(super) fn now() -> Self {
        let time = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
        Self { thread: std::thread::current().id(), at: Instant::now(), time }
    }

    /// For how long the thread has computed since an earlier moment, and for how long it was kept from a core; nothing that is known, if
    /// that was on another one.
    pub(super) fn since(&self, earlier: &Self) -> (Duration, Duration) {
        if self.thread != earlier.thread {
            return Default::default();
        }
        let computed = self.time.saturating_sub(earlier.time);
        (computed, self.at.duration_since(earlier.at).saturating_sub(computed))
    }
}

impl Turn {
    /// A call of `component` that may compute for `time`.
    pub(super) fn new(turns: Arc<Turns>, component: Arc<str>, time: Duration) -> Self {
        turns.calls.fetch_add(1, Ordering::Relaxed);
        Self { turns, component, used: Duration::ZERO, time, rest: Arc::default() }
    }

    /// Ends a turn: what the call waits for before the next; `None` if its time is up.
    ///
    /// Not the engine's own yield, after which the call stands in the queue at once: workers that always find a call there hardly
    /// ever look for what came in from the network.
    pub(super) fn end(&mut self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let Rest { counted, over } = std::mem::take(&mut *self.rest.lock().unwrap_or_else(PoisonError::into_inner));
        let kept = over.map_or(Duration::ZERO, |over| Moment::now().since(&over).1);
        self.used += TICK + counted;
        if self.used >= self.time {
            return None;
        }
        let lane = self.turns.lane(&self.component);
        let pause = lane.pause(self.used);
        Some(Box::pin(give_way(lane, kept, pause, self.rest.clone())))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets others have the core, in whose favour it was taken away for `kept` during the turn.
async fn give_way(lane: Arc<Lane>, kept: Duration, pause: Option<Duration>, rest: Arc<Mutex<Rest>>) {
    let left = Instant::now();
    tokio::task::yield_now().await;
    // Only of a long call it is of interest how it gets on.
    let Some(pause) = pause else { return };
    let mut counted = Duration::ZERO;
    if lane.is_busy(kept.max(left.elapsed())) {
        // It is never closed.
        let _others_wait = lane.room.acquire().await;
        tokio::time::sleep(pause).await;
        counted = left.elapsed() / COUNTED;
    }
    *rest.lock().unwrap_or_else(PoisonError::into_inner) = Rest { counted, over: Some(Moment::now()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(turns: &Arc<Turns>) -> Turn {
        Turn::new(turns.clone(), "driver".into(), Duration::from_millis(30))
    }

    #[test]
    fn a_call_has_its_time_and_no_more() {
        let mut turn = turn(&Arc::default());
        assert_eq!((0..100).take_while(|_| turn.end().is_some()).count(), 29);
    }

    #[test]
    fn of_a_pause_a_part_counts() {
        let mut turn = turn(&Arc::default());
        turn.rest.lock().unwrap().counted = Duration::from_millis(20);
        assert_eq!((0..100).take_while(|_| turn.end().is_some()).count(), 9);
    }

    #[test]
    fn the_clock_is_slow_while_there_is_no_call() {
        let turns = Arc::default();
        let (one, other) = (turn(&turns), turn(&turns));
        drop(one);
        assert_eq!(turns.tick(), TICK);
        drop(other);
        assert_eq!(turns.tick(), IDLE_TICK);
    }

    #[test]
    fn a_call_is_long_sooner_where_there_was_a_long_one() {
        let lane = Lane::new();
        assert_eq!([LONG_AGAIN, LONG.saturating_sub(TICK)].map(|used| lane.pause(used)), [None; 2]);
        assert!(lane.pause(LONG).is_some());
        assert!(lane.pause(LONG_AGAIN).is_some() && lane.pause(LONG_AGAIN / 2).is_none());
    }

    #[test]
    fn pauses_grow_with_what_a_component_computes() {
        let lane = Lane::new();
        let mut after = |turns| (0..turns).filter_map(|_| lane.pause(LONG)).last();
        assert_eq!([1, 5, 30, 60].map(&mut after), [5, 5, 11, 20].map(|pause| Some(Duration::from_millis(pause))));
    }

    #[test]
    fn a_thread_that_does_not_compute_is_kept_from_it() {
        let before = Moment::now();
        std::thread::sleep(2 * BUSY);
        assert!(Moment::now().since(&before).1 > BUSY);
        let there = std::thread::spawn(Moment::now).join().unwrap();
        assert_eq!(there.since(&before), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn components_pause_in_lanes_of_their_own() {
        let turns = Turns::default();
        let lane = turns.lane(&"driver".into());
        assert!(Arc::ptr_eq(&lane, &turns.lane(&"driver".into())));
        assert!(!Arc::ptr_eq(&lane, &turns.lane(&"other".into())));
    }
}
