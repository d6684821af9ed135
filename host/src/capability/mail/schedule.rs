//! Which letter is tried when: pure.
//!
//! Two kinds of failure, two pauses. A letter that the server does not take now waits longer each time, and others go
//! past it. A server that is away is asked by one letter at a time until it is back, however many wait.

use super::spool::Id;
use std::{collections::BTreeMap, time::Duration};

/// Letters under way at once. A slow recipient does not hold up the next one, and no relay minds four connections.
pub(super) const AT_ONCE: usize = 4;

/// Longest pause between two tries of a letter: greylisting takes minutes, a full mailbox takes hours.
const PAUSE_MAX: Duration = Duration::from_hours(1);

/// Longest pause between two looks at a server that is away. A reset link lives for a day, and a look costs a connection.
const AWAY_MAX: Duration = Duration::from_mins(1);

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The letter is the server's now.
    Sent,
    /// The letter will never be taken.
    Refused(String),
    /// The letter is not taken now.
    Later(String),
    /// No letter is taken now: the server cannot be reached, or does not let us in.
    Away(String),
}

/// The pause after the `tries`-th failure: `first`, then twice as long each time, up to `most`.
pub(super) fn pause(first: Duration, tries: u32, most: Duration) -> Duration {
    let doubled = 2_u32.checked_pow(tries.saturating_sub(1)).and_then(|factor| first.checked_mul(factor));
    doubled.map_or(most, |pause| pause.min(most)).max(first.min(most))
}

/// What is known of a letter that waits.
#[derive(Debug, Default)]
struct Place {
    tries: u32,
    /// When it is tried next; the time is the courier's own, from its start.
    due: Duration,
    under_way: bool,
}

/// What became of the server with a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It was there and is away.
    Lost,
    /// It was away and is there.
    Found,
    /// As before.
    Same,
}

#[derive(Debug)]
pub(super) struct Schedule {
    first: Duration,
    places: BTreeMap<Id, Place>,
    /// Looks at a server that is away; 0 while it is there.
    away: u32,
    away_until: Duration,
}

impl Schedule {
    pub(super) fn new(first: Duration) -> Self {
        Self { first, places: BTreeMap::new(), away: 0, away_until: Duration::ZERO }
    }

    /// A letter that has come is due at once; one that is known keeps its place.
    pub(super) fn add(&mut self, id: Id) {
        self.places.entry(id).or_default();
    }

    /// What is in the folder, now: letters that have vanished are forgotten.
    pub(super) fn look(&mut self, found: Vec<Id>) {
        self.places.retain(|id, place| place.under_way || found.binary_search(id).is_ok());
        for id in found {
            self.add(id);
        }
    }

    /// The next letter to try; it is under way until it is settled.
    pub(super) fn take(&mut self, now: Duration) -> Option<Id> {
        if !self.has_room() || now < self.away_until {
            return None;
        }
        let waiting = self.places.iter_mut().filter(|(_, place)| !place.under_way && place.due <= now);
        let (id, place) = waiting.min_by_key(|(_, place)| place.due)?;
        place.under_way = true;
        Some(id.clone())
    }

    fn has_room(&self) -> bool {
        let room = if self.away > 0 { 1 } else { AT_ONCE };
        self.places.values().filter(|place| place.under_way).count() < room
    }

    /// Takes note of how a try ended. What was sent or refused is forgotten.
    pub(super) fn settle(&mut self, id: &Id, outcome: &Outcome, now: Duration) -> Turn {
        let was_away = self.away > 0;
        match outcome {
            Outcome::Sent | Outcome::Refused(_) => {
                self.places.remove(id);
            }
            Outcome::Later(_) => {
                if let Some(place) = self.places.get_mut(id) {
                    place.tries = place.tries.saturating_add(1);
                    place.due = now.saturating_add(pause(self.first, place.tries, PAUSE_MAX));
                    place.under_way = false;
                }
            }
            Outcome::Away(_) => {
                // Letters that were under way together fail together: that is one look.
                if now >= self.away_until {
                    self.away = self.away.saturating_add(1);
                    self.away_until = now.saturating_add(pause(self.first, self.away, AWAY_MAX));
                }
                if let Some(place) = self.places.get_mut(id) {
                    place.under_way = false;
                }
                return if was_away { Turn::Same } else { Turn::Lost };
            }
        }
        self.away = 0;
        self.away_until = Duration::ZERO;
        if was_away { Turn::Found } else { Turn::Same }
    }

    /// Keeps a letter from being tried again, although its file is still there.
    pub(super) fn bury(&mut self, id: Id) {
        self.places.insert(id, Place { due: Duration::MAX, ..Place::default() });
    }

    /// Forgets a letter that was put aside.
    pub(super) fn forget(&mut self, id: &Id) {
        self.places.remove(id);
    }

    /// How long until a letter is due; `None` if none will be before another one is settled.
    pub(super) fn wait(&self, now: Duration) -> Option<Duration> {
        if !self.has_room() {
            return None;
        }
        let due = self.places.values().filter(|place| !place.under_way).map(|place| place.due).min()?;
        Some(due.max(self.away_until).saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::clock::SystemClock;

    const FIRST: Duration = Duration::from_secs(5);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ids(count: usize) -> Vec<Id> {
        let mut ids: Vec<Id> = (0..count).map(|_| Id::new(&SystemClock).unwrap()).collect();
        ids.sort();
        ids
    }

    fn full(count: usize) -> (Schedule, Vec<Id>) {
        let (mut schedule, ids) = (Schedule::new(FIRST), ids(count));
        schedule.look(ids.clone());
        (schedule, ids)
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let pauses: Vec<u64> = (0..13).map(|tries| pause(FIRST, tries, PAUSE_MAX).as_secs()).collect();
        assert_eq!(pauses, [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
        assert_eq!(pause(FIRST, u32::MAX, PAUSE_MAX), PAUSE_MAX);
        assert_eq!(pause(Duration::from_hours(2), 1, PAUSE_MAX), PAUSE_MAX);
    }

    #[test]
    fn letters_go_four_at_a_time_oldest_first() {
        let (mut schedule, ids) = full(6);
        let taken: Vec<Id> = std::iter::from_fn(|| schedule.take(seconds(0))).collect();
        assert_eq!(taken, ids[..4]);
        assert_eq!(schedule.settle(&ids[1], &Outcome::Sent, seconds(1)), Turn::Same);
        assert_eq!(schedule.take(seconds(1)), Some(ids[4].clone()));
        assert_eq!(schedule.take(seconds(1)), None);
    }

    #[test]
    fn a_letter_that_is_not_taken_waits_and_others_go_past_it() {
        let (mut schedule, ids) = full(2);
        assert_eq!(schedule.take(seconds(0)), Some(ids[0].clone()));
        schedule.settle(&ids[0], &Outcome::Later("451".into()), seconds(1));
        assert_eq!(schedule.take(seconds(1)), Some(ids[1].clone()));
        schedule.settle(&ids[1], &Outcome::Refused("550".into()), seconds(1));
        assert_eq!(schedule.wait(seconds(2)), Some(seconds(4)));
        assert_eq!(schedule.take(seconds(5)), None);
        assert_eq!(schedule.take(seconds(6)), Some(ids[0].clone()));
        schedule.settle(&ids[0], &Outcome::Later("451".into()), seconds(6));
        assert_eq!(schedule.wait(seconds(6)), Some(seconds(10)));
    }

    #[test]
    fn a_server_that_is_away_is_asked_by_one_letter_at_a_time() {
        let (mut schedule, ids) = full(6);
        let first = schedule.take(seconds(0)).unwrap();
        assert_eq!(schedule.settle(&first, &Outcome::Away("refused".into()), seconds(0)), Turn::Lost);
        assert_eq!((schedule.take(seconds(4)), schedule.wait(seconds(4))), (None, Some(seconds(1))));
        assert_eq!(schedule.take(seconds(5)), Some(ids[0].clone()));
        assert_eq!(schedule.take(seconds(5)), None, "one asks, the others wait");
        assert_eq!(schedule.settle(&ids[0], &Outcome::Away("refused".into()), seconds(5)), Turn::Same);
        assert_eq!(schedule.wait(seconds(5)), Some(seconds(10)));
        assert_eq!(schedule.take(seconds(15)), Some(ids[0].clone()));
        assert_eq!(schedule.settle(&ids[0], &Outcome::Sent, seconds(15)), Turn::Found);
        assert_eq!(std::iter::from_fn(|| schedule.take(seconds(15))).count(), 4, "it is back for all");
    }

    #[test]
    fn letters_that_fail_together_are_one_look_at_the_server() {
        let (mut schedule, ids) = full(4);
        let taken: Vec<Id> = std::iter::from_fn(|| schedule.take(seconds(0))).collect();
        assert_eq!(taken.len(), AT_ONCE);
        let turns: Vec<Turn> =
            ids.iter().map(|id| schedule.settle(id, &Outcome::Away("refused".into()), seconds(1))).collect();
        assert_eq!(turns, [Turn::Lost, Turn::Same, Turn::Same, Turn::Same]);
        assert_eq!(schedule.wait(seconds(1)), Some(FIRST));
    }

    #[test]
    fn a_letter_that_was_sent_is_not_sent_again_although_its_file_stays() {
        let (mut schedule, ids) = full(1);
        schedule.take(seconds(0)).unwrap();
        schedule.settle(&ids[0], &Outcome::Sent, seconds(0));
        schedule.bury(ids[0].clone());
        schedule.look(ids);
        assert_eq!(schedule.take(Duration::from_hours(1000)), None);
    }

    #[test]
    fn a_letter_that_vanishes_is_forgotten() {
        let (mut schedule, ids) = full(2);
        schedule.look(vec![ids[1].clone()]);
        assert_eq!(schedule.take(seconds(0)), Some(ids[1].clone()));
        schedule.look(vec![]);
        assert_eq!(schedule.settle(&ids[1], &Outcome::Later("451".into()), seconds(0)), Turn::Same);
        schedule.look(vec![]);
        assert_eq!(schedule.wait(seconds(0)), None);
    }
}
