//! Connections that go on with another protocol, a WebSocket's: bytes both ways, unread.
//!
//! Invariants: there is a limit on them, silence has an end, and they end with the server, after everything else. Deliberately
//! absent: a look at who is asking after the upgrade was made; it is told once.

use super::{body::Pulse, link::Driven};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// Upgraded connections at the same time: as many as the listener takes others. Each holds two buffers.
const TUNNELS_MAX: usize = 1024;

/// Bytes of each of the two buffers of a connection.
const BUFFER_BYTES: usize = 8 << 10;

/// The upgraded connections of a server.
pub(super) struct Tunnels {
    places: Arc<Semaphore>,
    closing: watch::Sender<bool>,
    silence: Duration,
}

impl Tunnels {
    pub(super) fn new(silence: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(TUNNELS_MAX)), closing: watch::channel(false).0, silence }
    }

    /// A place for one more, if there is one.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Ends them all, and takes no more.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Carries bytes from now on. `driven` is what is left to be done on the connection to the application.
    pub(super) fn start(
        &self,
        place: OwnedSemaphorePermit,
        client: OnUpgrade,
        application: OnUpgrade,
        driven: Option<Driven>,
    ) {
        let (mut closing, silence) = (self.closing.subscribe(), self.silence);
        tokio::spawn(async move {
            let work = async {
                let rest = async {
                    match driven {
                        Some(driven) => driven.await,
                        None => Ok(()),
                    }
                };
                let (client, application, ()) = tokio::try_join!(client, application, rest)?;
                Ok::<_, hyper::Error>(carry(client, application, silence).await)
            };
            tokio::select! {
                ended = work => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(%error, "an upgraded connection ended early"),
                    Err(error) => tracing::debug!(%error, "a connection could not be upgraded"),
                },
                _ = closing.wait_for(|closing| *closing) => {}
            }
            drop(place);
        });
    }
}

/// Carries bytes until both sides have ended, or neither has said anything for too long.
async fn carry(client: Upgraded, application: Upgraded, silence: Duration) -> io::Result<()> {
    let pulse = Pulse::new();
    let mut client = Watched { stream: TokioIo::new(client), pulse: pulse.clone() };
    let mut application = TokioIo::new(application);
    let copy = copy_bidirectional_with_sizes(&mut client, &mut application, BUFFER_BYTES, BUFFER_BYTES);
    let quiet = async {
        loop {
            let end = pulse.last() + silence;
            tokio::time::sleep_until(end).await;
            if pulse.last() + silence <= end {
                break;
            }
        }
    };
    tokio::select! {
        ended = copy => ended.map(drop),
        () = quiet => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// A stream that tells when something moved. All that moves between the two sides moves here.
struct Watched<T> {
    stream: T,
    pulse: Arc<Pulse>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.pulse.beat();
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.pulse.beat();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        if written.is_ready() {
            self.pulse.beat();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
