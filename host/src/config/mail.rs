//! `[mail]`: how letters leave the house, whom they are from, and how long is tried.
//!
//! Names and meaning are Directus's, which hands them to nodemailer. Deliberately absent: Amazon SES and Mailgun by their
//! own interfaces (both take letters by SMTP, and the refusal says so), and TLS below 1.2.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cast::Value;
use super::decode::{boolean, duration_from, integer, one_of, optional_text, path, secret, text};
use super::error::{Refusal, Report};
use super::setting::{Setting, put};
use crate::Secret;

/// Most letters that may be set to wait: with the largest letters that are taken, 6 GiB of disk.
const QUEUE_MAX: u64 = 100_000;

/// Shortest pauses that may be set; below it a server that is down would be asked all the time.
const RETRY_MIN: Duration = Duration::from_millis(50);

/// Shortest time that may be tried.
const GIVE_UP_MIN: Duration = Duration::from_secs(1);

/// Letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Is the way out tried at the start, and a warning logged if it fails (`EMAIL_VERIFY_SETUP`, default true)?
    pub verify_setup: bool,
    /// Address of the sender; the name is the project's (`EMAIL_FROM`, default `no-reply@example.com`).
    pub from: String,
    /// The way out (`EMAIL_TRANSPORT`). `None`, the default: SMTP if a host is set, else sendmail if it is installed, else
    /// the log.
    pub transport: Option<MailTransport>,
    /// Folder of the operator's templates (`EMAIL_TEMPLATES_PATH`, default `./templates`).
    pub templates_path: PathBuf,
    /// Folder of the letters that the transport `file` writes (`GATEWIT_MAIL_FOLDER`, default
    /// `<data folder>/mail/sent`).
    pub folder: PathBuf,
    /// Letters that may wait before further ones are refused (`GATEWIT_MAIL_QUEUE`, default 10000).
    pub queue: u32,
    /// Pause after the first try of a letter; each further one is twice as long, up to an hour
    /// (`GATEWIT_MAIL_RETRY_AFTER`, default 5 s).
    pub retry_after: Duration,
    /// How long a letter is tried (`GATEWIT_MAIL_GIVE_UP_AFTER`, default 1 day).
    pub give_up_after: Duration,
    /// The transport `sendmail`.
    pub sendmail: Sendmail,
    /// The transport `smtp`.
    pub smtp: Smtp,
}

/// Ways out of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTransport {
    /// To a server, by SMTP.
    Smtp,
    /// To the program `sendmail`.
    Sendmail,
    /// Into a folder, for development.
    File,
    /// Into the log, links and all, for development.
    Log,
}

/// The program `sendmail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sendmail {
    /// How lines end (`EMAIL_SENDMAIL_NEW_LINE`, default `unix`).
    pub new_line: NewLine,
    /// The program (`EMAIL_SENDMAIL_PATH`, default `/usr/sbin/sendmail`).
    pub path: PathBuf,
}

/// Ends of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewLine {
    /// LF.
    Unix,
    /// CR LF.
    Windows,
}

/// A server that takes letters by SMTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Smtp {
    /// Host name or address (`EMAIL_SMTP_HOST`, default none).
    pub host: Option<String>,
    /// Port (`EMAIL_SMTP_PORT`); `None`, the default: 465 with `secure`, else 587.
    pub port: Option<u16>,
    /// Name to sign in with (`EMAIL_SMTP_USER`, default none).
    pub user: Option<String>,
    /// Password to sign in with (`EMAIL_SMTP_PASSWORD`, default none).
    pub password: Option<Secret<String>>,
    /// Are connections kept for the next letter (`EMAIL_SMTP_POOL`, default false)?
    pub pool: bool,
    /// TLS from the first byte (`EMAIL_SMTP_SECURE`); `None`, the default: on port 465.
    pub secure: Option<bool>,
    /// No TLS, even if the server offers it (`EMAIL_SMTP_IGNORE_TLS`, default false).
    pub ignore_tls: bool,
    /// Send nothing without TLS (`GATEWIT_MAIL_REQUIRE_TLS`); `None`, the default: if there is a password to send.
    pub require_tls: Option<bool>,
    /// The name that this host calls itself (`EMAIL_SMTP_NAME`, default its host name).
    pub name: Option<String>,
    /// How the server proves itself.
    pub tls: SmtpTls,
}

/// How a server proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpTls {
    /// Must the certificate be good (`EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED`, default true)?
    pub reject_unauthorized: bool,
    /// The name in the certificate (`EMAIL_SMTP_TLS_SERVERNAME`, default the host).
    pub servername: Option<String>,
    /// Certificates that are trusted instead of the system's, PEM (`EMAIL_SMTP_TLS_CA`, default none).
    pub ca: Option<String>,
}

impl Mail {
    /// The defaults with all data in `folder`.
    pub(super) fn within(folder: &Path) -> Self {
        Self {
            verify_setup: true,
            from: "no-reply@example.com".to_owned(),
            transport: None,
            templates_path: PathBuf::from("./templates"),
            folder: folder.join("mail/sent"),
            queue: 10_000,
            retry_after: Duration::from_secs(5),
            give_up_after: Duration::from_hours(24),
            sendmail: Sendmail { new_line: NewLine::Unix, path: PathBuf::from("/usr/sbin/sendmail") },
            smtp: Smtp::default(),
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self::within(Path::new("./data"))
    }
}

impl Default for SmtpTls {
    fn default() -> Self {
        Self { reject_unauthorized: true, servername: None, ca: None }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("EMAIL_VERIFY_SETUP", "mail.verify_setup", |c, v| put(&mut c.mail.verify_setup, boolean(v))),
    Setting::new("EMAIL_FROM", "mail.from", |c, v| put(&mut c.mail.from, sender(v))).text(),
    Setting::new("EMAIL_TRANSPORT", "mail.transport", |c, v| put(&mut c.mail.transport, transport(v).map(Some))),
    Setting::new("EMAIL_TEMPLATES_PATH", "mail.templates_path", |c, v| put(&mut c.mail.templates_path, path(v))).text(),
    Setting::new("GATEWIT_MAIL_FOLDER", "mail.folder", |c, v| put(&mut c.mail.folder, path(v))).text(),
    Setting::new("GATEWIT_MAIL_QUEUE", "mail.queue", |c, v| put(&mut c.mail.queue, integer(v, 1, QUEUE_MAX))),
    Setting::new("GATEWIT_MAIL_RETRY_AFTER", "mail.retry_after", |c, v| {
        put(&mut c.mail.retry_after, duration_from(v, RETRY_MIN))
    }),
    Setting::new("GATEWIT_MAIL_GIVE_UP_AFTER", "mail.give_up_after", |c, v| {
        put(&mut c.mail.give_up_after, duration_from(v, GIVE_UP_MIN))
    }),
    Setting::new("EMAIL_SENDMAIL_NEW_LINE", "mail.sendmail.new_line", |c, v| {
        let names = [("unix", NewLine::Unix), ("windows", NewLine::Windows)];
        put(&mut c.mail.sendmail.new_line, one_of(v, &names))
    }),
    Setting::new("EMAIL_SENDMAIL_PATH", "mail.sendmail.path", |c, v| put(&mut c.mail.sendmail.path, path(v))).text(),
    Setting::new("EMAIL_SMTP_HOST", "mail.smtp.host", |c, v| put(&mut c.mail.smtp.host, optional_text(v))).text(),
    Setting::new("EMAIL_SMTP_PORT", "mail.smtp.port", |c, v| {
        put(&mut c.mail.smtp.port, integer(v, 1, 65_535).map(Some))
    }),
    Setting::new("EMAIL_SMTP_USER", "mail.smtp.user", |c, v| put(&mut c.mail.smtp.user, optional_text(v))).text(),
    Setting::new("EMAIL_SMTP_PASSWORD", "mail.smtp.password", |c, v| put(&mut c.mail.smtp.password, secret(v)))
        .secret(),
    Setting::new("EMAIL_SMTP_POOL", "mail.smtp.pool", |c, v| put(&mut c.mail.smtp.pool, boolean(v))),
    Setting::new("EMAIL_SMTP_SECURE", "mail.smtp.secure", |c, v| put(&mut c.mail.smtp.secure, boolean(v).map(Some))),
    Setting::new("EMAIL_SMTP_IGNORE_TLS", "mail.smtp.ignore_tls", |c, v| put(&mut c.mail.smtp.ignore_tls, boolean(v))),
    Setting::new("GATEWIT_MAIL_REQUIRE_TLS", "mail.smtp.require_tls", |c, v| {
        put(&mut c.mail.smtp.require_tls, boolean(v).map(Some))
    }),
    Setting::new("EMAIL_SMTP_NAME", "mail.smtp.name", |c, v| put(&mut c.mail.smtp.name, optional_text(v))).text(),
    Setting::new("EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED", "mail.smtp.tls.reject_unauthorized", |c, v| {
        put(&mut c.mail.smtp.tls.reject_unauthorized, boolean(v))
    }),
    Setting::new("EMAIL_SMTP_TLS_SERVERNAME", "mail.smtp.tls.servername", |c, v| {
        put(&mut c.mail.smtp.tls.servername, optional_text(v))
    })
    .text(),
    Setting::new("EMAIL_SMTP_TLS_CA", "mail.smtp.tls.ca", |c, v| put(&mut c.mail.smtp.tls.ca, certificates(v))).text(),
];

/// One address, without a name: that is the project's.
fn sender(value: &Value) -> Result<String, Refusal> {
    let address = text(value)?;
    let fits = |address: &str| address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !fits(&address) || address.contains([' ', '<', '>', ',']) {
        return Err(Refusal::new("is not an e-mail address; write for example no-reply@example.com"));
    }
    Ok(address)
}

fn transport(value: &Value) -> Result<MailTransport, Refusal> {
    let elsewhere = [("ses", "email-smtp.<region>.amazonaws.com"), ("mailgun", "smtp.mailgun.org")];
    let name = text(value)?;
    if let Some((_, host)) = elsewhere.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
        let reason = format!("is reached by SMTP here: write smtp, with EMAIL_SMTP_HOST={host}");
        return Err(Refusal::new(reason));
    }
    one_of(
        value,
        &[
            ("smtp", MailTransport::Smtp),
            ("sendmail", MailTransport::Sendmail),
            ("file", MailTransport::File),
            ("log", MailTransport::Log),
        ],
    )
}

/// PEM, which has line breaks; a `.env` file may say them as `\n`. Whether they can be read is known when they are used.
fn certificates(value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null | Value::Boolean(false) => Ok(None),
        Value::Text(text) if text.trim().is_empty() => Ok(None),
        Value::Text(text) if text.contains("-----BEGIN CERTIFICATE-----") => Ok(Some(text.replace("\\n", "\n"))),
        _ => Err(Refusal::new("is not a certificate in the form PEM; EMAIL_SMTP_TLS_CA_FILE takes the path of one")),
    }
}

impl Mail {
    /// The way out that was asked for by name or by a host; `None` leaves the choice to what is installed.
    #[must_use]
    pub fn chosen(&self) -> Option<MailTransport> {
        self.transport.or_else(|| self.smtp.host.is_some().then_some(MailTransport::Smtp))
    }

    /// What the settings must satisfy together.
    pub(super) fn check(&self, report: &mut Report) {
        if self.chosen() == Some(MailTransport::Smtp) {
            self.smtp.check(report);
        }
    }
}

impl Smtp {
    fn check(&self, report: &mut Report) {
        if self.host.is_none() {
            report.problem("EMAIL_SMTP_HOST: is not set; EMAIL_TRANSPORT=smtp needs it");
        }
        match (&self.user, &self.password) {
            (Some(_), None) => report.problem("EMAIL_SMTP_PASSWORD: is not set, but EMAIL_SMTP_USER is"),
            (None, Some(_)) => report.problem("EMAIL_SMTP_USER: is not set, but EMAIL_SMTP_PASSWORD is"),
            _ => {}
        }
        if self.ignore_tls && self.secure == Some(true) {
            report.problem("EMAIL_SMTP_IGNORE_TLS: contradicts EMAIL_SMTP_SECURE=true; set only one of them");
        }
        if self.ignore_tls && self.require_tls == Some(true) {
            report.problem("EMAIL_SMTP_IGNORE_TLS: contradicts GATEWIT_MAIL_REQUIRE_TLS=true; set only one of them");
        }
        if !self.tls.reject_unauthorized {
            report.warn("EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED: is false; whoever is in between can read the letters");
        }
    }
}
