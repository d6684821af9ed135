//! Whether anybody has committed: asked once for all who want to know at the same time.
//!
//! The server's snapshot names every transaction that has written and is not over, and the next one to come. While it reads
//! the same, nothing was committed, by whichever host. Transactions of this host that only begin and renew sessions are
//! [`Quiet`]: they make another state, but not for answers that have nothing to do with sessions. Absent: a question while nobody
//! wants to know.

use super::{
    Pool, Reader, State, Statement,
    gather::{Asked, Gather},
    snapshot::Snapshot,
};
use crate::capability::storage::{
    recent::{VERSION_BYTES, Version},
    sql::Connection as _,
};
use sha2::{Digest, Sha384};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The snapshot as a text. The older of two names of the function, which all servers know.
const SNAPSHOT: &str = "SELECT txid_current_snapshot()::text";

/// Quiet transactions that are remembered while nobody looks. Of those that are forgotten it is thought that they changed everything.
const QUIET_MAX: usize = 4096;

/// The numbers of transactions that only begin and renew sessions, from before their commits until they were seen.
#[derive(Clone, Default)]
pub(super) struct Quiet(Arc<Mutex<HashSet<u64>>>);

impl Quiet {
    pub(super) fn add(&self, transaction: u64) {
        let mut quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet.len() >= QUIET_MAX {
            quiet.clear();
        }
        quiet.insert(transaction);
    }

    /// Forgets these; whether all were known. There are never more of them than are looked at here.
    fn take(&self, transactions: impl Iterator<Item = u64>) -> bool {
        let mut quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Not `all`: what comes after a stranger goes, too.
        transactions.take(2 * QUIET_MAX).filter(|transaction| !quiet.remove(transaction)).count() == 0
    }
}

/// What was seen last.
struct Watch {
    quiet: Quiet,
    last: Option<Snapshot>,
    /// How often there was something that is not quiet.
    changes: u64,
}

impl Watch {
    /// The state that a snapshot tells; snapshots come in the order in which they were taken.
    fn state(&mut self, text: &str) -> Option<State> {
        let seen = Snapshot::parse(text)?;
        if !self.last.as_ref().is_some_and(|last| self.quiet.take(seen.ended_since(last))) {
            self.changes += 1;
        }
        self.last = Some(seen);
        let mut beside_sessions: Version = [0; VERSION_BYTES];
        beside_sessions.iter_mut().zip(self.changes.to_le_bytes()).for_each(|(place, byte)| *place = byte);
        Some(State { whole: Sha384::digest(text).into(), beside_sessions })
    }
}

/// Who asks for the state.
pub(super) struct Pulse(Gather<(), Option<State>>);

impl Pulse {
    /// Asks with connections of `pool` until nobody is left who could want to know.
    pub(super) fn start(pool: Pool, quiet: Quiet) -> Self {
        let watch = Arc::new(Mutex::new(Watch { quiet, last: None, changes: 0 }));
        Self(Gather::start(move |asked: Vec<Asked<(), Option<State>>>| {
            let (pool, watch) = (pool.clone(), watch.clone());
            async move {
                let told = look(&pool).await;
                let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
                let state = told.and_then(|told| watch.state(&told));
                for one in asked {
                    one.answer(state);
                }
            }
        }))
    }

    /// The state at a moment after this call began; `None` if the server does not say.
    pub(super) async fn state(&self) -> Option<State> {
        self.0.ask(()).await.ok().flatten()
    }
}

/// Whatever is wrong, the questions that follow will tell.
async fn look(pool: &Pool) -> Option<String> {
    let mut reader = Reader::new(pool.get().await.ok()?);
    reader.row(&Statement::new(SNAPSHOT)).await.ok()??.text().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_transactions_change_nothing_beside_sessions() {
        let quiet = Quiet::default();
        let mut watch = Watch { quiet: quiet.clone(), last: None, changes: 0 };
        let first = watch.state("10:10:").unwrap();
        assert_eq!(watch.state("10:10:").unwrap(), first);

        quiet.add(10);
        quiet.add(11);
        // The second one is still under way.
        let second = watch.state("11:12:11").unwrap();
        assert!(second.whole != first.whole && second.beside_sessions == first.beside_sessions);
        assert_eq!(watch.state("12:12:").unwrap().beside_sessions, first.beside_sessions);

        quiet.add(13);
        let stranger = watch.state("14:14:").unwrap();
        assert_ne!(stranger.beside_sessions, first.beside_sessions);
        // Nothing is quiet twice.
        assert!(quiet.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_was_forgotten_is_a_stranger() {
        let quiet = Quiet::default();
        let mut watch = Watch { quiet: quiet.clone(), last: None, changes: 0 };
        let first = watch.state("0:0:").unwrap();
        let many = u64::try_from(QUIET_MAX).unwrap() + 1;
        (0..many).for_each(|transaction| quiet.add(transaction));
        assert_ne!(watch.state(&format!("{many}:{many}:")).unwrap().beside_sessions, first.beside_sessions);
    }
}
