//! One connection: its bytes, its limits, its end.
//!
//! Invariant: every wait ends with the connection's time or with the longest silence, whichever is sooner, and after a
//! failure nothing more is said or heard.

use super::{Error, report::Report};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

/// Most bytes that are handed over at once.
const CHUNK_BYTES: usize = 64 << 10;

/// What bytes go over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// How much a connection may carry, and how long.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Bytes in each direction.
    pub(super) bytes: u64,
    /// Longest silence.
    pub(super) silence: Duration,
    /// When all of it has to be over.
    pub(super) end: Instant,
}

/// A connection of a driver.
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub struct Connection {
    /// `None` after a failure.
    stream: Option<Box<dyn Io>>,
    /// Whom the other end's certificate must name; `None` where there is no TLS to be had.
    name: Option<ServerName<'static>>,
    tls: Arc<ClientConfig>,
    is_secure: bool,
    limits: Limits,
    to_send: u64,
    to_receive: u64,
    report: Report,
}

impl Connection {
    pub(super) fn new(
        stream: Box<dyn Io>,
        name: Option<ServerName<'static>>,
        tls: Arc<ClientConfig>,
        limits: Limits,
        report: Report,
    ) -> Self {
        let (to_send, to_receive) = (limits.bytes, limits.bytes);
        Self { stream: Some(stream), name, tls, is_secure: false, limits, to_send, to_receive, report }
    }

    /// When the next wait has to be over.
    fn next(&self) -> Instant {
        self.limits.end.min(Instant::now() + self.limits.silence)
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.stream = None;
        Err(self.report.failed(error))
    }

    /// Writes all of it.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(left) = self.to_send.checked_sub(bytes.len() as u64) else { return self.fail(Error::Exhausted) };
        self.to_send = left;
        let next = self.next();
        let Some(stream) = &mut self.stream else { return Err(Error::closed()) };
        let write = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        match timeout_at(next, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => self.fail(Error::of(&error)),
            Err(_) => self.fail(Error::Overdue),
        }
    }

    /// What has come; waits for something. Empty at the end.
    pub(super) async fn receive(&mut self, most: u32) -> Result<Vec<u8>, Error> {
        let next = self.next();
        let left = usize::try_from(self.to_receive).unwrap_or(usize::MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX).clamp(1, CHUNK_BYTES);
        if left == 0 {
            return self.fail(Error::Exhausted);
        }
        let Some(stream) = &mut self.stream else { return Err(Error::closed()) };
        let mut bytes = vec![0; most.min(left)];
        match timeout_at(next, stream.read(&mut bytes)).await {
            Ok(Ok(count)) => {
                bytes.truncate(count);
                self.to_receive = self.to_receive.saturating_sub(count as u64);
                Ok(bytes)
            }
            // Servers close encrypted connections without a word, and an attacker cuts them so; the driver knows by its
            // protocol whether something is missing.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Vec::new()),
            Ok(Err(error)) => self.fail(Error::of(&error)),
            Err(_) => self.fail(Error::Overdue),
        }
    }

    /// Speaks TLS from here on, within this time.
    pub(super) async fn secure(&mut self, within: Duration) -> Result<(), Error> {
        let Some(mut stream) = self.stream.take() else { return Err(Error::closed()) };
        let Some(name) = self.name.clone().filter(|_| !self.is_secure) else {
            return self.fail(Error::Untrusted("there is no TLS to begin here".to_owned()));
        };
        if has_spoken(stream.as_mut()) {
            return self.fail(Error::Untrusted("bytes came before the encryption".to_owned()));
        }
        let by = self.limits.end.min(Instant::now() + within);
        match timeout_at(by, TlsConnector::from(self.tls.clone()).connect(name, stream)).await {
            Ok(Ok(stream)) => {
                self.stream = Some(Box::new(stream));
                self.is_secure = true;
                self.report.reached("encrypted");
                Ok(())
            }
            Ok(Err(error)) => self.fail(Error::of_handshake(&error)),
            Err(_) => self.fail(Error::Overdue),
        }
    }
}

/// Whether bytes wait already that were not asked for. Looks once and does not wait.
fn has_spoken(stream: &mut dyn Io) -> bool {
    let mut byte = [0];
    let mut buffer = ReadBuf::new(&mut byte);
    let read = Pin::new(stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer);
    !matches!(read, Poll::Pending)
}
