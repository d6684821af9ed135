//! `gatewit:mail`: letters, taken at once and sent when they can be.
//!
//! A component names a template and fills it. What is taken is on the disk ([`spool`]) when the call returns, and a
//! task ([`courier`]) writes and sends it: a slow server delays nobody, and a restart loses nothing. Absent: who gets a
//! letter and what its link is, which the rules decide; and whether it arrived, which nobody is told.

mod courier;
mod language;
mod message;
mod project;
mod schedule;
mod spool;
mod templates;
#[cfg(test)]
mod tests;
mod transport;
mod words;

use super::{
    clock::Clock,
    script::{Nature, Script},
    storage,
};
use crate::{
    bindings::auth::gatewit::mail::post::{self, Letter},
    config::Mail,
    telemetry::spans,
};
use courier::{Desk, on_disk};
use project::{Settings, Stored, is_web};
use spool::{Id, Spool, Waiting};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use templates::Templates;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tracing::Instrument as _;
use transport::Transport;
pub use transport::{Mailer, NotSent, WrittenLetter};
use wasmtime::component::{HasData, Linker};

/// Most bytes that a letter's values may have together. A link with a token is one; templates of the operator's may say
/// more.
const VALUES_BYTES_MAX: usize = 64 << 10;

/// Longest name of a template, in letters.
const TEMPLATE_LENGTH_MAX: usize = 64;

/// Why there is no way to send letters. Said once, at the start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be used.
    #[error("cannot use the folder of letters `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The sender is no address.
    #[error("EMAIL_FROM: `{0}` is not an e-mail address")]
    Sender(String),
    /// The program is missing.
    #[error("EMAIL_SENDMAIL_PATH: there is no program `{}`", path.display())]
    NoSendmail {
        /// Where it should be.
        path: PathBuf,
    },
    /// Certificates cannot be used.
    #[error("{setting}: the certificates cannot be used: {reason}")]
    Tls {
        /// The setting that names them.
        setting: &'static str,
        /// Why.
        reason: String,
    },
}

/// Why a letter was not taken.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("{0} letters are waiting to be sent")]
    Overloaded(usize),
    #[error("the letter cannot be kept")]
    Unavailable(#[from] io::Error),
    #[error("{0}")]
    Unfit(&'static str),
}

/// The way out for letters, as long as the process lives.
pub(crate) struct Post {
    spool: Arc<Spool>,
    clock: Arc<dyn Clock>,
    queue: usize,
    letters: mpsc::UnboundedSender<Id>,
    stop: watch::Sender<bool>,
    courier: Mutex<Option<JoinHandle<()>>>,
}

impl Post {
    /// Opens the folder of letters and begins to send, what an earlier run has left first.
    pub(crate) fn start(
        config: &Mail,
        public_url: &str,
        data_folder: &Path,
        store: Arc<dyn storage::Backend>,
        clock: Arc<dyn Clock>,
        own: Option<Arc<dyn Mailer>>,
    ) -> Result<Self, OpenError> {
        let transport = match own {
            Some(mailer) => transport::own(mailer),
            None => transport::open(config)?,
        };
        Self::open(config, public_url, data_folder, Arc::new(Stored(store)), transport, clock)
    }

    fn open(
        config: &Mail,
        public_url: &str,
        data_folder: &Path,
        settings: Arc<dyn Settings>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let sender = message::Sender::new(&config.from, public_url);
        let sender = sender.ok_or_else(|| OpenError::Sender(config.from.clone()))?;
        if config.chosen().is_some() && !is_web(public_url) {
            tracing::warn!("PUBLIC_URL is not a whole address: links in letters will lead nowhere");
        }
        let folder = data_folder.join("mail");
        let spool = Spool::open(&folder).map_err(|source| OpenError::Folder { path: folder, source })?;
        let spool = Arc::new(spool);
        let desk = Desk {
            spool: spool.clone(),
            templates: Arc::new(Templates::new(config.templates_path.clone())),
            settings,
            transport,
            sender,
            public_url: public_url.to_owned(),
            clock: clock.clone(),
            retry_after: config.retry_after,
            give_up_after: config.give_up_after,
            verify: config.verify_setup,
        };
        // As long as the folder is, and that has an end: one id for each letter that was taken.
        let (letters, inbox) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let courier = tokio::spawn(courier::work(Arc::new(desk), inbox, stopped));
        let queue = usize::try_from(config.queue).unwrap_or(usize::MAX);
        Ok(Self { spool, clock, queue, letters, stop, courier: Mutex::new(Some(courier)) })
    }

    /// Takes a letter, and returns when it is on the disk.
    async fn send(&self, letter: Letter) -> Result<(), SendError> {
        fits(&letter)?;
        let Letter { template, recipient, language, values } = letter;
        let taken_at_ms = u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX);
        let waiting = Waiting { template, recipient, language, values, taken_at_ms };
        let id = Id::new(self.clock.as_ref())?;
        let (queue, name) = (self.queue, id.clone());
        let kept = on_disk(&self.spool, move |spool| {
            let count = spool.count()?;
            if count < queue { spool.put(&name, &waiting).map(|()| None) } else { Ok(Some(count)) }
        });
        if let Some(count) = kept.await? {
            return Err(SendError::Overloaded(count));
        }
        // Without a courier the next start sends it.
        let _ = self.letters.send(id);
        Ok(())
    }

    /// Letters that wait to be sent.
    pub(crate) async fn waiting(&self) -> Option<usize> {
        on_disk(&self.spool, Spool::count).await.ok()
    }

    /// Finishes what is under way; what waits is sent at the next start.
    pub(crate) async fn close(&self) {
        let _ = self.stop.send(true);
        let courier = self.courier.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(courier) = courier {
            let _ = courier.await;
        }
    }
}

/// Whether a letter is one that can be sent at all.
fn fits(letter: &Letter) -> Result<(), SendError> {
    let Letter { template, recipient, language, values } = letter;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if template.is_empty() || template.len() > TEMPLATE_LENGTH_MAX || !template.chars().all(is_name) {
        return Err(SendError::Unfit("the template has a name that no template can have"));
    }
    if message::address(recipient).is_none() {
        return Err(SendError::Unfit("the recipient is not an e-mail address"));
    }
    let values = values.iter().map(|(name, value)| name.len() + value.len());
    if values.sum::<usize>() + recipient.len() + language.as_deref().map_or(0, str::len) > VALUES_BYTES_MAX {
        return Err(SendError::Unfit("the letter is too long"));
    }
    Ok(())
}

pub(crate) struct MailView<'a> {
    pub(crate) post: &'a Post,
    pub(crate) script: &'a Script,
}

impl MailView<'_> {
    /// The one place where a letter that is not taken is logged.
    async fn hand_in(&self, letter: Letter) -> Result<(), post::Error> {
        let span = spans::letter(&letter.template);
        let Err(error) = self.post.send(letter).instrument(span).await else { return Ok(()) };
        tracing::error!(error = &error as &dyn std::error::Error, "a letter was not taken");
        Err(match error {
            SendError::Overloaded(_) => post::Error::Overloaded,
            SendError::Unavailable(_) => post::Error::Unavailable,
            SendError::Unfit(reason) => post::Error::Other(reason.to_owned()),
        })
    }
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = MailView<'a>;
}

/// Adds the post, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> MailView<'_>,
) -> wasmtime::Result<()> {
    post::add_to_linker::<T, Granted>(linker, view)
}

impl post::Host for MailView<'_> {
    async fn send(&mut self, letter: Letter) -> Result<(), post::Error> {
        let asked = self.script.ask(Nature::Effect, "letter", &letter);
        asked.told(self.hand_in(letter), || post::Error::Unavailable).await
    }
}
