//! Answers of reads, good for as long as nobody commits.
//!
//! A request asks the same few questions again and again (which policies, which fields). Where a database can tell its
//! state for less than an answer costs, an answer is kept together with the state that was read *before* the question was asked,
//! and given again only while the state is the same: never an answer that a fresh read would not have given since the call began ([`Seen`]). Absent: expiry,
//! guesses, and anything that is written.

use super::{Error, sql::Failure};
use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Bytes that tell a state: as many as SQLite's header has.
pub(crate) const VERSION_BYTES: usize = 48;

/// Answers of one kind that are kept. With the largest, all fields of an account, a few megabytes.
const ANSWERS_MAX: usize = 1024;

/// What tells one state of the database from another.
pub(crate) type Version = [u8; VERSION_BYTES];

/// The state that a database is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// Another one after each commit.
    pub(crate) whole: Version,
    /// Another one after each commit but those of this host that only begin and renew sessions: answers that are read from
    /// neither sessions nor accounts go by it.
    pub(crate) beside_sessions: Version,
}

impl State {
    /// Of a database that tells no commit from another.
    pub(crate) fn plain(version: Version) -> Self {
        Self { whole: version, beside_sessions: version }
    }
}

/// For how long a call that has seen a state answers by it.
const SEEN: Duration = Duration::from_millis(10);

/// The state that a call has seen of late: what it asks in one go is answered as of one moment, and the database asked for that once.
/// Whoever has changed something begins with another one.
#[derive(Debug, Default)]
pub(crate) struct Seen(Option<(State, Instant)>);

impl Seen {
    /// The state at a moment since the call began: what was seen, or else what `look` tells.
    pub(crate) async fn state(&mut self, look: impl Future<Output = Option<State>>) -> Option<State> {
        match self.0 {
            Some((state, at)) if at.elapsed() < SEEN => Some(state),
            _ => {
                // Of the moment before the question: the answer may be as old.
                let at = Instant::now();
                self.0 = look.await.map(|state| (state, at));
                self.0.map(|(state, _)| state)
            }
        }
    }
}

/// Answers of one kind, all to the same state of the database.
pub(crate) struct Recent<K, V> {
    answers: Mutex<(Version, HashMap<K, V>)>,
    asked: Mutex<HashSet<K>>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { answers: Mutex::new(([0; VERSION_BYTES], HashMap::new())), asked: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    /// Whether a question was asked before, of late.
    pub(crate) fn was_asked(&self, question: &K) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.contains(question) {
            return true;
        }
        if asked.len() >= ANSWERS_MAX {
            asked.clear();
        }
        asked.insert(question.clone());
        false
    }

    /// The answer to a question: one that is kept, or else a fresh one. Without a version nothing is kept.
    pub(crate) async fn answer(
        &self,
        version: Option<Version>,
        question: K,
        read: impl Future<Output = Result<V, Failure>>,
    ) -> Result<V, Error> {
        let Some(version) = version else { return Ok(read.await?) };
        if let Some(answer) = self.kept(&version, &question) {
            return Ok(answer);
        }
        let answer = read.await?;
        self.keep(version, question, answer.clone());
        Ok(answer)
    }

    fn kept(&self, version: &Version, question: &K) -> Option<V> {
        let kept = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 == *version { kept.1.get(question).cloned() } else { None }
    }

    fn keep(&self, version: Version, question: K, answer: V) {
        let mut kept = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != version || kept.1.len() >= ANSWERS_MAX {
            kept.0 = version;
            kept.1.clear();
        }
        kept.1.insert(question, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_known_for_a_while() {
        let recent = Recent::<usize, ()>::default();
        assert!(!recent.was_asked(&0));
        assert!(recent.was_asked(&0));
        for question in 1..=ANSWERS_MAX {
            assert!(!recent.was_asked(&question));
        }
        assert!(!recent.was_asked(&0));
    }

    #[tokio::test]
    async fn what_was_seen_is_asked_for_again_after_a_while() {
        let state = |byte| State::plain([byte; VERSION_BYTES]);
        let mut seen = Seen::default();
        assert_eq!(seen.state(async { Some(state(1)) }).await, Some(state(1)));
        assert_eq!(seen.state(async { Some(state(2)) }).await, Some(state(1)));
        seen.0 = Some((state(1), Instant::now().checked_sub(SEEN).unwrap()));
        assert_eq!(seen.state(async { Some(state(2)) }).await, Some(state(2)));
        seen.0 = None;
        assert_eq!(seen.state(async { None }).await, None);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let recent = Recent::default();
        for question in 0..=ANSWERS_MAX {
            recent.keep([1; VERSION_BYTES], question, ());
        }
        assert_eq!(recent.answers.lock().unwrap().1.len(), 1);
    }
}
