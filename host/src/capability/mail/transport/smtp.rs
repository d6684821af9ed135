//! Letters to a server by SMTP (RFC 5321), with TLS from the first byte (RFC 8314) or after STARTTLS (RFC 3207).
//!
//! The connection is driven step by step, and not by the library's pool, for two reasons: whether the server could not be
//! reached or did not want this letter decides what is tried again, and a connection that ran out of time must never
//! carry another letter.

use super::{OpenError, Outcome, Outgoing, Transport, one_line};
use crate::config;
use async_trait::async_trait;
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters, TlsParametersBuilder},
    extension::ClientId,
};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The ports of submission, without and with TLS from the first byte (RFC 6409 and RFC 8314).
const PORT: u16 = 587;
const TLS_PORT: u16 = 465;

/// How long it may take to be connected and let in.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

/// How long a server may take over a letter. RFC 5321, section 4.5.3.2, allows it ten minutes after the last byte, because
/// a letter that was taken and not told of is sent twice; five, its other bound, keep a stuck server from holding the
/// few letters under way all too long.
const SEND_PATIENCE: Duration = Duration::from_mins(5);

/// How long goodbye may take.
const QUIT_PATIENCE: Duration = Duration::from_secs(2);

/// How long a connection is kept for the next letter: servers hang up after five minutes (RFC 5321, section 4.5.3.2.7),
/// firewalls forget sooner.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// What a server says that wants a password or TLS first, whatever the letter.
const FIRST_LET_ME_IN: [u16; 2] = [530, 538];

/// What a server says that is about to close.
const CLOSING: u16 = 421;

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    FirstByte,
    Required,
    WhereOffered,
    None,
}

pub(super) struct Smtp {
    host: String,
    port: u16,
    security: Security,
    tls: TlsParameters,
    name: ClientId,
    credentials: Option<Credentials>,
    /// Whether connections are kept.
    keeps: bool,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Smtp {
    pub(super) fn new(config: &config::Smtp) -> Result<Self, OpenError> {
        let host = config.host.clone().unwrap_or_default();
        let (port, security) = way(config);
        let credentials = config.user.clone().zip(config.password.as_ref());
        Ok(Self {
            tls: tls(&host, &config.tls)?,
            host,
            port,
            security,
            name: config.name.clone().map_or_else(ClientId::default, ClientId::Domain),
            credentials: credentials.map(|(user, password)| Credentials::new(user, password.expose().clone())),
            keeps: config.pool,
            idle: Mutex::default(),
        })
    }

    /// Host and port.
    pub(super) fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A connection that is let in: one that was kept, if it still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        while let Some(mut kept) = self.kept() {
            if kept.test_connected().await {
                return Ok(kept);
            }
        }
        let first_byte = (self.security == Security::FirstByte).then(|| self.tls.clone());
        let server = (self.host.as_str(), self.port);
        let patience = Some(CONNECT_PATIENCE);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, patience, &self.name, first_byte, None).await?;
        let starts = match self.security {
            Security::Required => true,
            Security::WhereOffered => connection.can_starttls(),
            Security::FirstByte | Security::None => false,
        };
        if starts {
            connection.starttls(self.tls.clone(), &self.name).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        match tokio::time::timeout(CONNECT_PATIENCE, self.connection()).await {
            Ok(connected) => connected.map_err(|error| one_line(&error)),
            Err(_) => Err(format!("{} did not answer in time", self.server())),
        }
    }

    fn kept(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE_MAX);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Keeps a connection, or says goodbye; whoever sent the letter does not wait for that.
    fn part(&self, mut connection: AsyncSmtpConnection) {
        if self.keeps {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
        } else {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(QUIT_PATIENCE, connection.quit()).await;
            });
        }
    }
}

#[async_trait]
impl Transport for Smtp {
    async fn send(&self, letter: &Outgoing) -> Outcome {
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(reason) => return Outcome::Away(reason),
        };
        match tokio::time::timeout(SEND_PATIENCE, connection.send(&letter.envelope, &letter.bytes)).await {
            Ok(Ok(_)) => {
                self.part(connection);
                Outcome::Sent
            }
            Ok(Err(error)) => judge(&error),
            Err(_) => Outcome::Later("the server did not take the letter in time".to_owned()),
        }
    }

    async fn check(&self) -> Result<(), String> {
        let connection = self.connect().await?;
        self.part(connection);
        Ok(())
    }
}

/// What an answer to a letter means.
fn judge(error: &Error) -> Outcome {
    let reason = one_line(error);
    match error.status().map(u16::from) {
        Some(CLOSING) => Outcome::Away(reason),
        Some(code) if FIRST_LET_ME_IN.contains(&code) => Outcome::Away(reason),
        // The address has letters that this server does not know.
        None if error.is_client() => Outcome::Refused(reason),
        Some(500..) => Outcome::Refused(reason),
        _ => Outcome::Later(reason),
    }
}

/// Port and kind of TLS, as nodemailer chooses them; but a password is not sent in clear unless that is said.
fn way(config: &config::Smtp) -> (u16, Security) {
    let first_byte = config.secure.unwrap_or(config.port == Some(TLS_PORT) && !config.ignore_tls);
    let port = config.port.unwrap_or(if first_byte { TLS_PORT } else { PORT });
    let required = config.require_tls.unwrap_or(config.password.is_some());
    let security = match (first_byte, config.ignore_tls, required) {
        (true, ..) => Security::FirstByte,
        (_, true, _) => Security::None,
        (_, _, true) => Security::Required,
        _ => Security::WhereOffered,
    };
    (port, security)
}

fn tls(host: &str, config: &config::SmtpTls) -> Result<TlsParameters, OpenError> {
    let unfit = |setting: &'static str| move |error: Error| OpenError::Tls { setting, reason: one_line(&error) };
    let name = config.servername.clone().unwrap_or_else(|| host.to_owned());
    let mut builder = TlsParametersBuilder::new(name).dangerous_accept_invalid_certs(!config.reject_unauthorized);
    if let Some(pem) = &config.ca {
        let certificates = Certificate::from_pem(pem.as_bytes()).map_err(unfit("EMAIL_SMTP_TLS_CA"))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    builder.build().map_err(unfit("EMAIL_SMTP_TLS_CA"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(change: impl FnOnce(&mut config::Smtp)) -> (u16, Security) {
        let mut config = config::Smtp::default();
        change(&mut config);
        way(&config)
    }

    #[test]
    fn ports_and_tls_are_chosen_as_by_nodemailer() {
        assert_eq!(chosen(|_| ()), (587, Security::WhereOffered));
        assert_eq!(chosen(|c| c.secure = Some(true)), (465, Security::FirstByte));
        assert_eq!(chosen(|c| c.port = Some(465)), (465, Security::FirstByte));
        assert_eq!(chosen(|c| (c.port, c.secure) = (Some(465), Some(false))), (465, Security::WhereOffered));
        assert_eq!(chosen(|c| (c.port, c.ignore_tls) = (Some(25), true)), (25, Security::None));
    }

    #[test]
    fn a_password_is_not_sent_in_clear_unless_that_is_said() {
        let password = || Some("x".to_owned().into());
        assert_eq!(chosen(|c| c.password = password()).1, Security::Required);
        assert_eq!(chosen(|c| (c.password, c.require_tls) = (password(), Some(false))).1, Security::WhereOffered);
        assert_eq!(chosen(|c| (c.password, c.ignore_tls) = (password(), true)).1, Security::None);
        assert_eq!(chosen(|c| c.require_tls = Some(true)).1, Security::Required);
    }

    #[test]
    fn certificates_that_cannot_be_read_are_named() {
        let config = config::SmtpTls {
            ca: Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----".to_owned()),
            ..config::SmtpTls::default()
        };
        let error = tls("smtp.example", &config).err().unwrap();
        assert!(error.to_string().starts_with("EMAIL_SMTP_TLS_CA: "), "{error}");
    }
}
