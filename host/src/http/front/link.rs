//! Connections to the application, and those that wait for the next request.
//!
//! A connection is driven by the request that is on it, not by a task of its own: no answer waits for another thread to wake.
//! So one that waits is looked at when it is taken, and closed by then if the application has closed it. Invariants: a
//! connection is kept only if its last exchange came to its end, and is taken by the thread that kept it. Deliberately absent: a
//! limit on connections in use; there is one for each request, and requests have a limit.

use super::{
    super::threads,
    body::{Pulse, Upload},
};
use crate::{
    capability::network::tls::{self, OwnTls, Trust},
    config::Config,
};
use hyper::{Request, Response, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until, timeout},
};
use tokio_rustls::TlsConnector;
use url::Url;

/// Connections that wait for a thread's next request, at most: as many as requests are commonly under way at once.
const IDLE_MAX: usize = 128;

/// Bytes of the head of an answer, and of a piece of a body that is held. Applications put up to half of it into cookies.
const BUFFER_BYTES_MAX: usize = 64 << 10;

/// Headers of an answer. Most have twenty.
const HEADERS_MAX: usize = 100;

/// What drives a connection.
pub(super) type Driven = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the application cannot be reached")]
    Unreachable(#[source] io::Error),
    #[error("there is no connection to the application in time")]
    NoConnection,
    #[error("the application does not answer in time")]
    Silent,
    #[error("the application's answer cannot be read")]
    Unreadable(#[from] hyper::Error),
    #[error("the application's answer cannot be passed on: {0}")]
    Strange(&'static str),
}

impl Failure {
    /// Whether it was only slow.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self, Self::NoConnection | Self::Silent)
    }
}

/// A connection to the application.
pub(super) struct Link {
    sender: http1::SendRequest<Upload>,
    /// `None` once it is over.
    driven: Option<Driven>,
    idle_since: Instant,
    /// Kept from one exchange to the next: to put an alarm off costs less than to set one.
    alarm: Pin<Box<Sleep>>,
}

impl Link {
    async fn over<T>(stream: T, patience: Duration) -> hyper::Result<Self>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.title_case_headers(true).max_buf_size(BUFFER_BYTES_MAX).max_headers(HEADERS_MAX).writev(false);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let driven: Driven = Box::pin(connection.with_upgrades());
        let idle_since = Instant::now();
        let alarm = Box::pin(sleep_until(idle_since + patience));
        Ok(Self { sender, driven: Some(driven), idle_since, alarm })
    }

    /// Does what can be done on the connection now.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        let is_over = self.driven.as_mut().is_none_or(|driven| driven.as_mut().poll(context).is_ready());
        if is_over {
            self.driven = None;
        }
    }

    /// Sends a request, and waits for the head of its answer, for as long as there is no silence of such a length. `pulse`
    /// tells of what the client still sends.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Upload>,
        silence: Duration,
        pulse: Option<&Pulse>,
    ) -> Result<Response<Incoming>, Failure> {
        self.alarm.as_mut().reset(Instant::now() + silence);
        let mut answer = pin!(self.sender.send_request(request));
        poll_fn(|context| {
            if self.driven.as_mut().is_some_and(|driven| driven.as_mut().poll(context).is_ready()) {
                self.driven = None;
            }
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer.map_err(Failure::Unreadable));
            }
            while self.alarm.as_mut().poll(context).is_ready() {
                let next = pulse.map(|pulse| pulse.last() + silence).filter(|next| *next > Instant::now());
                let Some(next) = next else { return Poll::Ready(Err(Failure::Silent)) };
                self.alarm.as_mut().reset(next);
            }
            Poll::Pending
        })
        .await
    }

    /// What is left to be done on the connection, where it goes on with another protocol.
    pub(super) fn into_driven(self) -> Option<Driven> {
        self.driven
    }

    /// Whether the next request may be sent on it.
    fn is_ready(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driven.is_some() && self.sender.is_ready()
    }
}

/// The way to the application.
pub(super) struct Links {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connect_timeout: Duration,
    keep_alive: Duration,
    /// Of each thread that serves connections, and of all others together.
    idle: Vec<Mutex<Vec<Link>>>,
}

impl Links {
    /// # Errors
    /// What is wrong with a setting, for people.
    pub(super) fn new(url: &Url, config: &Config) -> Result<Self, String> {
        let wrong = || "GATEWIT_UPSTREAM: is not where an application listens".to_owned();
        let host = url.host_str().ok_or_else(wrong)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_or_known_default().ok_or_else(wrong)?;
        let tls = if url.scheme() == "https" { Some(encryption(&host, config)?) } else { None };
        let (connect_timeout, keep_alive) = (config.upstream.connect_timeout, config.upstream.keep_alive);
        let idle = (0..=threads::count()).map(|_| Mutex::default()).collect();
        Ok(Self { host, port, tls, connect_timeout, keep_alive, idle })
    }

    /// Those that wait for this thread.
    fn idle(&self) -> Option<MutexGuard<'_, Vec<Link>>> {
        self.idle.get(threads::number()).map(|idle| idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A connection that waits, if there is a good one.
    pub(super) fn waiting(&self) -> Option<Link> {
        loop {
            let mut link = self.idle()?.pop()?;
            if link.idle_since.elapsed() > self.keep_alive {
                // The others have waited for longer.
                let old = std::mem::take(&mut *self.idle()?);
                drop(old);
                return None;
            }
            if link.is_ready() {
                return Some(link);
            }
        }
    }

    /// A new connection.
    pub(super) async fn open(&self) -> Result<Link, Failure> {
        let open = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(Failure::Unreachable)?;
            stream.set_nodelay(true).map_err(Failure::Unreachable)?;
            Ok(match &self.tls {
                None => Link::over(stream, self.connect_timeout).await?,
                Some((tls, name)) => {
                    let stream = tls.connect(name.clone(), stream).await.map_err(Failure::Unreachable)?;
                    Link::over(stream, self.connect_timeout).await?
                }
            })
        };
        timeout(self.connect_timeout, open).await.unwrap_or(Err(Failure::NoConnection))
    }

    /// Keeps a connection for the next request, if it is good for one.
    pub(super) fn keep(&self, mut link: Link) {
        if self.keep_alive.is_zero() || !link.is_ready() {
            return;
        }
        link.idle_since = Instant::now();
        if let Some(mut idle) = self.idle().filter(|idle| idle.len() < IDLE_MAX) {
            idle.push(link);
        }
    }
}

fn encryption(host: &str, config: &Config) -> Result<(TlsConnector, ServerName<'static>), String> {
    let mut client = tls::client(&Trust::load(&config.outbound)?, &OwnTls::default())?;
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("GATEWIT_UPSTREAM: {error}"))?;
    Ok((TlsConnector::from(Arc::new(client)), name))
}
