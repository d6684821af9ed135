//! The way out that an embedding program brings.

use super::{Outcome, Outgoing, Transport};
use async_trait::async_trait;
use std::sync::Arc;

/// A letter, written and addressed.
#[derive(Debug, Clone)]
pub struct WrittenLetter {
    /// The same at each try of one letter, so that it need not arrive twice.
    pub id: String,
    /// The address of whom it is for.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Where its links lead. They let people in: do not log them.
    pub links: Vec<String>,
    /// The whole letter with its headers (RFC 5322).
    pub message: Vec<u8>,
}

/// Why a letter was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// It will never be taken, and is put aside.
    #[error("the letter is refused: {0}")]
    Refused(String),
    /// It is not taken now. It is tried again after a pause that grows.
    #[error("the letter is not taken now: {0}")]
    Later(String),
    /// No letter is taken now. All of them wait.
    #[error("no letter is taken now: {0}")]
    Away(String),
}

/// Sends letters, in the place of `EMAIL_TRANSPORT`. Letters are on the disk until it has taken them; nobody waits for it.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a letter over. At most four letters are under way at once; a panic is the end of that try and no more.
    ///
    /// # Errors
    /// Why not, which says what becomes of it.
    async fn send(&self, letter: WrittenLetter) -> Result<(), NotSent>;
}

struct Own(Arc<dyn Mailer>);

pub(in super::super) fn own(mailer: Arc<dyn Mailer>) -> Arc<dyn Transport> {
    tracing::info!("letters go out by the embedding program");
    Arc::new(Own(mailer))
}

#[async_trait]
impl Transport for Own {
    async fn send(&self, letter: &Outgoing) -> Outcome {
        let Outgoing { id, recipient, subject, links, bytes, .. } = letter.clone();
        let (mailer, letter) = (self.0.clone(), WrittenLetter { id, recipient, subject, links, message: bytes });
        let sent = tokio::spawn(async move { mailer.send(letter).await });
        match sent.await {
            Ok(Ok(())) => Outcome::Sent,
            Ok(Err(NotSent::Refused(reason))) => Outcome::Refused(reason),
            Ok(Err(NotSent::Later(reason))) => Outcome::Later(reason),
            Ok(Err(NotSent::Away(reason))) => Outcome::Away(reason),
            Err(_) => Outcome::Later("the program panicked or stopped".to_owned()),
        }
    }

    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
