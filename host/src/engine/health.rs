//! How a generation of a component does: its calls, its crashes, and whether it is asked at all.
//!
//! A generation that crashes too often raises an alarm once, and whoever hears it may go back to the one before. One that
//! crashes at every call is given a rest, longer each time, and calls during a rest fail at once. Absent: what becomes of an
//! alarm, and what counts as a crash.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc::UnboundedSender;

/// The time in which crashes are counted together.
const WINDOW: Duration = Duration::from_mins(1);

/// Crashes without an answer between them after which a component rests. One person's odd input is no reason yet.
const IN_A_ROW: u32 = 5;

/// The first rest, and the longest: each is twice the one before.
const RESTS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Somebody crashed more often than is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// The component.
    pub(crate) name: String,
    /// Which of its generations.
    pub(crate) number: u64,
}

/// How one generation does.
pub(crate) struct Health {
    calls: AtomicU64,
    crashes: AtomicU64,
    /// Whether the state has anything in it, so that a sound component costs no lock.
    troubled: AtomicBool,
    state: Mutex<State>,
    /// Crashes within a minute that raise the alarm; 0 for never.
    allowed: u32,
    alarm: Option<(UnboundedSender<Alarm>, Alarm)>,
    /// Whether it is given rests. The rules are not: without them there is no server, and a request that crashes them
    /// should not keep others out.
    rests: bool,
}

#[derive(Default)]
struct State {
    recent: VecDeque<Instant>,
    in_a_row: u32,
    rest: Duration,
    until: Option<Instant>,
    alarmed: bool,
}

impl Health {
    pub(crate) fn new(rests: bool, allowed: u32, alarm: Option<(UnboundedSender<Alarm>, Alarm)>) -> Self {
        Self {
            calls: AtomicU64::new(0),
            crashes: AtomicU64::new(0),
            troubled: AtomicBool::new(false),
            state: Mutex::default(),
            allowed,
            alarm,
            rests,
        }
    }

    /// Calls so far, and how many of them crashed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.calls.load(Ordering::Relaxed), self.crashes.load(Ordering::Relaxed))
    }

    /// Whether it may be called; else for how long not. After a rest one call tries, and others wait for its outcome.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Duration> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if !self.rests || !self.troubled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.until {
            Some(until) if now < until => Err(until - now),
            Some(_) => {
                state.until = Some(now + state.rest);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// It answered, whatever it said.
    pub(super) fn answered(&self) {
        if !self.troubled.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.in_a_row, state.rest, state.until) = (0, Duration::ZERO, None);
        if state.recent.is_empty() {
            self.troubled.store(false, Ordering::Relaxed);
        }
    }

    /// It crashed.
    pub(super) fn crashed(&self, now: Instant) {
        self.crashes.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.troubled.store(true, Ordering::Relaxed);
        state.crashed(now);
        if self.allowed == 0
            || state.alarmed
            || state.recent.len() < usize::try_from(self.allowed).unwrap_or(usize::MAX)
        {
            return;
        }
        state.alarmed = true;
        if let Some((sender, alarm)) = &self.alarm {
            // Nobody listens any more when the server stops.
            let _ = sender.send(alarm.clone());
        }
    }
}

impl State {
    fn crashed(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|first| now.saturating_duration_since(*first) >= WINDOW) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row >= IN_A_ROW {
            let (first, longest) = RESTS;
            self.rest = (self.rest * 2).clamp(first, longest);
            self.until = Some(now + self.rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn watched(allowed: u32) -> (Health, UnboundedReceiver<Alarm>) {
        let (sender, heard) = unbounded_channel();
        let alarm = Alarm { name: "acme".to_owned(), number: 2 };
        (Health::new(true, allowed, Some((sender, alarm))), heard)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_alarm_is_raised_once_when_crashes_come_too_close() {
        let (health, mut heard) = watched(3);
        let start = Instant::now();
        health.crashed(start);
        health.crashed(start + seconds(59));
        assert!(heard.try_recv().is_err());
        health.crashed(start + seconds(61));
        assert!(heard.try_recv().is_err(), "the first one is too long ago");
        health.crashed(start + seconds(62));
        assert_eq!(heard.try_recv().map(|alarm| alarm.number), Ok(2));
        health.crashed(start + seconds(63));
        assert!(heard.try_recv().is_err(), "once is enough");
        assert_eq!(health.counts(), (0, 5));
    }

    #[test]
    fn without_a_limit_there_is_no_alarm() {
        let (health, mut heard) = watched(0);
        (0..100).for_each(|_| health.crashed(Instant::now()));
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn what_only_crashes_rests_longer_and_longer() {
        let (health, _heard) = watched(0);
        let mut now = Instant::now();
        for _ in 0..IN_A_ROW {
            assert_eq!(health.admit(now), Ok(()));
            health.crashed(now);
        }
        assert_eq!(health.admit(now), Err(seconds(1)));
        for expected in [2, 4, 8, 16, 32, 60, 60] {
            now += seconds(60);
            assert_eq!(health.admit(now), Ok(()), "one tries");
            assert!(health.admit(now).is_err(), "the others wait for its outcome");
            health.crashed(now);
            assert_eq!(health.admit(now), Err(seconds(expected)));
        }
        now += seconds(60);
        assert_eq!(health.admit(now), Ok(()));
        health.answered();
        assert_eq!(health.admit(now), Ok(()));
        health.crashed(now);
        assert_eq!(health.admit(now), Ok(()), "an answer makes up for everything");
    }

    #[test]
    fn the_rules_never_rest() {
        let health = Health::new(false, 0, None);
        let now = Instant::now();
        (0..10).for_each(|_| health.crashed(now));
        assert_eq!(health.admit(now), Ok(()));
    }
}
