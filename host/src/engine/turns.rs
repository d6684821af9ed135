//! Turns on the processor: a call that computes for long gives way to those that do not.
//!
//! Running code is stopped at each tick of the engine's clock, which counts against its time, and others have their turn. Most calls
//! are over before the first. One that goes on for twenty is long: where somebody waits for the core that it holds, it pauses after each
//! turn, and the calls of one component pause one after another. On an idle machine it goes on at once. Absent: what becomes of a call
//! whose time is up.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use wasmtime::Engine;

/// Held by the one call of a component that pauses.
type Lane = Arc<tokio::sync::Mutex<()>>;

/// How often running code is looked at: nobody waits longer for the core that it holds.
const TICK: Duration = Duration::from_millis(1);

/// How often the clock ticks while there is no call.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// A call that has computed for so long is long.
const LONG: Duration = Duration::from_millis(20);

/// Somebody waits for the core if it takes so long to get it back.
const BUSY: Duration = Duration::from_micros(200);

/// How long it is left to them: nine times as long as a turn.
const PAUSE: Duration = Duration::from_millis(9);

/// The part of a pause that counts as computing, so that a call which never ends holds its place for four times its time at most.
const COUNTED: u32 = 4;

/// The clock of an engine.
#[derive(Debug, Default)]
pub(super) struct Turns {
    calls: AtomicUsize,
    /// Of components that had a long call.
    lanes: Mutex<HashMap<Arc<str>, Lane>>,
}

impl Turns {
    /// Counts the epoch up until the engine is gone.
    pub(super) fn start(engine: &Engine) -> std::io::Result<Arc<Self>> {
        let turns = Arc::new(Self::default());
        let (engine, clock) = (engine.weak(), turns.clone());
        let beat = move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(clock.tick());
            }
        };
        std::thread::Builder::new().name("epoch".to_owned()).spawn(beat)?;
        Ok(turns)
    }

    fn tick(&self) -> Duration {
        if self.calls.load(Ordering::Relaxed) > 0 { TICK } else { IDLE_TICK }
    }

    /// Where the long calls of a component pause.
    fn lane(&self, component: &Arc<str>) -> Lane {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(component.clone()).or_default().clone()
    }
}

/// What one call has of its time.
pub(super) struct Turn {
    turns: Arc<Turns>,
    component: Arc<str>,
    used: Duration,
    time: Duration,
    /// What counts of a pause, in microseconds, until it is added to what was used.
    paused_us: Arc<AtomicU64>,
}

impl Turn {
    /// A call of `component` that may compute for `time`.
    pub(super) fn new(turns: Arc<Turns>, component: Arc<str>, time: Duration) -> Self {
        turns.calls.fetch_add(1, Ordering::Relaxed);
        Self { turns, component, used: Duration::ZERO, time, paused_us: Arc::default() }
    }

    /// Ends a turn: what the call waits for before the next; `None` if its time is up.
    ///
    /// Not the engine's own yield, after which the call stands in the queue at once: workers that always find a call there hardly
    /// ever look for what came in from the network.
    pub(super) fn end(&mut self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        self.used += TICK + Duration::from_micros(self.paused_us.swap(0, Ordering::Relaxed));
        if self.used >= self.time {
            return None;
        }
        if self.used < LONG {
            return Some(Box::pin(tokio::task::yield_now()));
        }
        Some(Box::pin(give_way(self.turns.lane(&self.component), self.paused_us.clone())))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn give_way(lane: Lane, paused_us: Arc<AtomicU64>) {
    let left = Instant::now();
    tokio::task::yield_now().await;
    if left.elapsed() > BUSY {
        let _others_wait = lane.lock().await;
        tokio::time::sleep(PAUSE).await;
        let counted = (left.elapsed() / COUNTED).as_micros();
        paused_us.store(u64::try_from(counted).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
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
        turn.paused_us.store(20_000, Ordering::Relaxed);
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
    fn components_pause_in_lanes_of_their_own() {
        let turns = Turns::default();
        let lane = turns.lane(&"driver".into());
        assert!(Arc::ptr_eq(&lane, &turns.lane(&"driver".into())));
        assert!(!Arc::ptr_eq(&lane, &turns.lane(&"other".into())));
    }
}
