//! What several want of the server at the same time, asked for once.
//!
//! Whoever comes while an answer is under way goes with the next question. Invariant: nobody gets an answer to a question
//! that was sent before theirs came. Absent: what is asked.

use crate::capability::storage::sql::Failure;
use tokio::sync::{mpsc, oneshot};

/// Those who wait. Beyond it they wait for room.
const WAITING_MAX: usize = 1024;

/// Those who go together. More would make the first of them wait for the last.
const TOGETHER_MAX: usize = 128;

/// A question with whoever asked it.
pub(super) struct Asked<Q, A> {
    pub(super) question: Q,
    caller: oneshot::Sender<A>,
}

impl<Q, A> Asked<Q, A> {
    /// Whoever went away needs no answer.
    pub(super) fn answer(self, answer: A) {
        drop(self.caller.send(answer));
    }
}

/// Where questions go.
pub(super) struct Gather<Q, A>(mpsc::Sender<Asked<Q, A>>);

impl<Q: Send + 'static, A: Send + 'static> Gather<Q, A> {
    /// Asks until nobody is left who could want to know.
    pub(super) fn start<F: Future<Output = ()> + Send>(
        mut ask: impl FnMut(Vec<Asked<Q, A>>) -> F + Send + 'static,
    ) -> Self {
        let (sender, mut asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            while let Some(first) = asked.recv().await {
                // Whoever is about to ask does so first.
                tokio::task::yield_now().await;
                let more = std::iter::from_fn(|| asked.try_recv().ok()).take(TOGETHER_MAX - 1);
                ask(std::iter::once(first).chain(more).collect()).await;
            }
        });
        Self(sender)
    }

    /// The answer to a question that is sent after this call began.
    ///
    /// # Errors
    /// Whoever asks has gone.
    pub(super) async fn ask(&self, question: Q) -> Result<A, Failure> {
        let (caller, answer) = oneshot::channel();
        self.0.send(Asked { question, caller }).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())
    }
}

fn closed() -> Failure {
    Failure::Unavailable("the database is closed".into())
}
