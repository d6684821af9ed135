//! The connections of one provider: policy, names, encryption, deadlines.
//!
//! Invariant: what is connected to is an address that the policy has seen, and nothing is resolved a second time.

use super::{
    Error,
    connection::{Connection, Limits},
    policy::{self, Host, Servers},
    report::Report,
};
use crate::{
    capability::{
        network::{
            Own,
            resolve::{Resolve, SystemResolver},
            tls::{self, Trust},
        },
        trace::Trace,
    },
    config,
    telemetry::spans,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpStream, UnixStream},
    time::{Instant, timeout_at},
};

/// The way to the servers of one provider.
pub(crate) struct Client {
    provider: Arc<str>,
    servers: Servers,
    tls: Arc<ClientConfig>,
    resolver: Arc<dyn Resolve>,
    connect_timeout: Duration,
    silence: Duration,
    timeout: Duration,
    bytes: u64,
}

impl Client {
    /// # Errors
    /// A certificate or a key cannot be used. The text names the setting.
    pub(crate) fn new(
        provider: &Arc<str>,
        settings: &config::Outbound,
        trust: &Trust,
        own: &Own,
    ) -> Result<Self, String> {
        Self::with_resolver(provider, settings, trust, own, Arc::new(SystemResolver))
    }

    pub(super) fn with_resolver(
        provider: &Arc<str>,
        settings: &config::Outbound,
        trust: &Trust,
        own: &Own,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, String> {
        let timeout = own.timeout.unwrap_or(settings.timeout);
        Ok(Self {
            provider: provider.clone(),
            servers: Servers::new(&own.urls, &own.sockets),
            tls: Arc::new(tls::client(trust, &own.tls)?),
            resolver,
            connect_timeout: own.connect_timeout.unwrap_or(settings.connect_timeout).min(timeout),
            silence: settings.read_timeout,
            timeout,
            bytes: settings.response_bytes,
        })
    }

    /// Longest time until there is a connection, or encryption on it.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(super) async fn connect(
        &self,
        host: &str,
        port: u16,
        is_secure: bool,
        trace: &Trace,
    ) -> Result<Connection, Error> {
        let report = Report::new(&self.provider, &format!("{host}:{port}"), trace);
        let Some(parsed) = Host::of(host) else { return Err(report.denied(&policy::Denial::Foreign)) };
        self.servers.admit(&parsed, port).map_err(|denial| report.denied(&denial))?;
        spans::leads_to(host, None);
        let limits = self.limits();
        let by = limits.end.min(Instant::now() + self.connect_timeout);
        let (name, stream) = match timeout_at(by, self.dial(&parsed, port)).await {
            Err(_) => return Err(report.failed(Error::Overdue)),
            Ok(Err(Missed::Denied(denial))) => return Err(report.denied(&denial)),
            Ok(Err(Missed::Failed(error))) => return Err(report.failed(error)),
            Ok(Ok(found)) => found,
        };
        report.reached("connected");
        let mut connection = Connection::new(Box::new(stream), Some(name), self.tls.clone(), limits, report);
        if is_secure {
            connection.secure(by.saturating_duration_since(Instant::now())).await?;
        }
        Ok(connection)
    }

    pub(super) async fn connect_to_socket(&self, path: &str, trace: &Trace) -> Result<Connection, Error> {
        let report = Report::new(&self.provider, path, trace);
        self.servers.admit_socket(path).map_err(|denial| report.denied(&denial))?;
        let limits = self.limits();
        let by = limits.end.min(Instant::now() + self.connect_timeout);
        let stream = match timeout_at(by, UnixStream::connect(path)).await {
            Err(_) => return Err(report.failed(Error::Overdue)),
            Ok(Err(error)) => return Err(report.failed(Error::of(&error))),
            Ok(Ok(stream)) => stream,
        };
        report.reached("connected");
        Ok(Connection::new(Box::new(stream), None, self.tls.clone(), limits, report))
    }

    fn limits(&self) -> Limits {
        Limits { bytes: self.bytes, silence: self.silence, end: Instant::now() + self.timeout }
    }

    /// To the first address that answers. One bad address among good ones is an attack.
    async fn dial(&self, host: &Host, port: u16) -> Result<(ServerName<'static>, TcpStream), Missed> {
        let (name, addresses) = match host {
            Host::Address(address) => (ServerName::from(*address), vec![*address]),
            Host::Name(name) => {
                let server = ServerName::try_from(name.clone())
                    .map_err(|_| Missed::Failed(Error::Unreachable("the name is none".to_owned())))?;
                let resolved = self.resolver.resolve(name).await;
                (server, resolved.map_err(|_| Missed::Failed(Error::unknown_name()))?)
            }
        };
        for address in &addresses {
            policy::check(*address).map_err(Missed::Denied)?;
        }
        let mut last = Error::unknown_name();
        for address in addresses {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => {
                    let _: io::Result<()> = stream.set_nodelay(true);
                    return Ok((name, stream));
                }
                Err(error) => last = Error::of(&error),
            }
        }
        Err(Missed::Failed(last))
    }
}

/// Why nobody was reached.
enum Missed {
    Denied(policy::Denial),
    Failed(Error),
}
