//! Whether anybody has committed: asked once for all who want to know at the same time.
//!
//! The server's snapshot names every transaction that has written and is not over, and the next one to come. While it reads
//! the same, nothing was committed, by whichever host. Invariant: nobody gets an answer to a question that was sent before
//! theirs. Absent: a question while nobody wants to know.

use super::{Pool, Reader, Statement, Version};
use crate::capability::storage::sql::Connection as _;
use sha2::{Digest, Sha384};
use tokio::sync::{mpsc, oneshot};

/// Those who wait for the next question. More than requests at the same time.
const WAITING_MAX: usize = 1024;

/// The snapshot as a text. The older of two names of the function, which all servers know.
const SNAPSHOT: &str = "SELECT txid_current_snapshot()::text";

/// Who asks for the state.
#[derive(Clone)]
pub(super) struct Pulse(mpsc::Sender<oneshot::Sender<Option<Version>>>);

impl Pulse {
    /// Asks with connections of `pool` until nobody is left who could want to know.
    pub(super) fn start(pool: Pool) -> Self {
        let (ask, mut asked) = mpsc::channel::<oneshot::Sender<_>>(WAITING_MAX);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while asked.recv_many(&mut waiting, WAITING_MAX).await > 0 {
                let version = look(&pool).await;
                for one in waiting.drain(..) {
                    // Whoever is gone needs no answer.
                    let _ = one.send(version);
                }
            }
        });
        Self(ask)
    }

    /// The state at a moment after this call began; `None` if the server does not say.
    pub(super) async fn version(&self) -> Option<Version> {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.ok()?;
        answered.await.ok().flatten()
    }
}

/// Whatever is wrong, the questions that follow will tell.
async fn look(pool: &Pool) -> Option<Version> {
    let mut reader = Reader::new(pool.get().await.ok()?);
    let snapshot = reader.row(&Statement::new(SNAPSHOT)).await.ok()??.text().ok()?;
    Some(Sha384::digest(snapshot).into())
}
