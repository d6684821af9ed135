//! Letters that a function of the program sends.
//!
//! A letter goes out with a number, and what became of it comes back under this number. Invariant: what nobody says anything of
//! within [`PATIENCE`] is tried again, so a promise that is never kept holds no letter. Absent: what a letter says.

use gatewit_host::{Mailer, NotSent, WrittenLetter, async_trait};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long a program may take for a letter: longer than the slowest mail server that is still worth waiting for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Hands a letter, as JSON, to the program under a number.
type Hand = dyn Fn(u32, &str) + Send + Sync;

/// The way to the program's function, and letters of which it has not said what became of them. There are as many at a time as
/// the server sends at once, which is four.
pub(crate) struct Post {
    hand: Box<Hand>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u32,
    letters: BTreeMap<u32, oneshot::Sender<Option<String>>>,
}

impl Post {
    pub(crate) fn new(hand: impl Fn(u32, &str) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { hand: Box::new(hand), waiting: Mutex::default() })
    }

    /// What became of a letter: why it was not sent, if it was not.
    pub(crate) fn sent(&self, number: u32, failure: Option<String>) {
        let told = self.waiting().letters.remove(&number);
        if let Some(told) = told {
            // Whoever waited may have given up.
            let _ = told.send(failure);
        }
    }

    fn begin(&self) -> (u32, oneshot::Receiver<Option<String>>) {
        let (told, became) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.last = waiting.last.wrapping_add(1);
        let number = waiting.last;
        waiting.letters.insert(number, told);
        (number, became)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same as the server wants it.
pub(crate) struct OwnMailer(pub(crate) Arc<Post>);

#[async_trait]
impl Mailer for OwnMailer {
    async fn send(&self, letter: WrittenLetter) -> Result<(), NotSent> {
        let WrittenLetter { id, recipient, subject, links, message } = letter;
        let message = String::from_utf8_lossy(&message);
        let (number, became) = self.0.begin();
        let letter = json!({"id": id, "recipient": recipient, "subject": subject, "links": links, "message": message});
        (self.0.hand)(number, &letter.to_string());
        let became = tokio::time::timeout(PATIENCE, became).await;
        self.0.sent(number, None);
        match became {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(failure))) => Err(NotSent::Later(failure)),
            Ok(Err(_)) | Err(_) => Err(NotSent::Later("the program did not say what became of it".to_owned())),
        }
    }
}
