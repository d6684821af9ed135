//! The ways out of the house.

mod file;
mod log;
mod own;
mod sendmail;
mod smtp;

use super::{OpenError, message::Outgoing, schedule::Outcome};
use crate::config::{Mail, MailTransport};
use async_trait::async_trait;
pub(super) use own::own;
pub use own::{Mailer, NotSent, WrittenLetter};
use std::sync::Arc;

/// A way out.
#[async_trait]
pub(super) trait Transport: Send + Sync {
    /// Hands a letter over, or says why not. It does not take longer than a few minutes.
    async fn send(&self, letter: &Outgoing) -> Outcome;

    /// Whether letters could be sent now.
    async fn check(&self) -> Result<(), String>;
}

/// The way out that the settings ask for, or what is there; and tells which one it is.
pub(super) fn open(config: &Mail) -> Result<Arc<dyn Transport>, OpenError> {
    let sendmail = &config.sendmail.path;
    let transport = config.chosen().unwrap_or_else(|| {
        let found = sendmail.is_file();
        if found { MailTransport::Sendmail } else { MailTransport::Log }
    });
    Ok(match transport {
        MailTransport::Smtp => {
            let smtp = smtp::Smtp::new(&config.smtp)?;
            tracing::info!(server = smtp.server(), "letters go out by SMTP");
            Arc::new(smtp)
        }
        MailTransport::Sendmail => {
            if !sendmail.is_file() {
                return Err(OpenError::NoSendmail { path: sendmail.clone() });
            }
            tracing::info!(program = %sendmail.display(), "letters go out by sendmail");
            Arc::new(sendmail::Sendmail::new(&config.sendmail))
        }
        MailTransport::File => {
            tracing::warn!(folder = %config.folder.display(), "letters are not sent but written into a folder");
            Arc::new(file::Folder::open(&config.folder)?)
        }
        MailTransport::Log => {
            let why =
                if config.transport.is_some() { "EMAIL_TRANSPORT=log" } else { "no EMAIL_TRANSPORT, no sendmail" };
            tracing::warn!(why, "letters are not sent but logged, and their links let people in: not for production");
            Arc::new(log::Log)
        }
    })
}

/// An error and its causes on one line.
fn one_line(error: &dyn std::error::Error) -> String {
    let told = error.to_string();
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}
