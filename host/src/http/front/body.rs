//! Bodies on their way: what a client sends, and what the application answers, piece by piece and no faster than the other
//! side takes it.
//!
//! Invariants: no more than a piece is held; silence has an end; where an answer breaks off, so does the one that is passed on.
//! The connection to the application is driven while its answer is read, and given back when that has come to its end.

use super::{
    super::{body::AnyBody, outgoing},
    link::{Link, Links},
};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    error::Error,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// How long a client that waits for a word before it sends its body is left waiting, where the application says none: as long
/// as curl waits.
const PERMISSION_WAIT: Duration = Duration::from_secs(1);

/// When something last moved.
pub(super) struct Pulse {
    begun: Instant,
    last_ms: AtomicU64,
}

impl Pulse {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { begun: Instant::now(), last_ms: AtomicU64::new(0) })
    }

    pub(super) fn beat(&self) {
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(ms, Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Instant {
        self.begun + Duration::from_millis(self.last_ms.load(Ordering::Relaxed))
    }
}

/// Whether the application wants a body that a client has announced (`Expect: 100-continue`, RFC 9110, section 10.1.1).
#[derive(Default)]
pub(super) struct Permission {
    is_given: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Permission {
    pub(super) fn give(&self) {
        self.is_given.store(true, Ordering::Release);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        if self.is_given.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// The body of a request.
pub(super) struct Upload(Option<Sending>);

struct Sending {
    body: AnyBody,
    pulse: Arc<Pulse>,
    permission: Option<(Arc<Permission>, Pin<Box<Sleep>>)>,
}

impl Upload {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// What the client sends, once there is permission, if it waits for one.
    pub(super) fn of(body: AnyBody, pulse: Arc<Pulse>, permission: Option<Arc<Permission>>) -> Self {
        let permission = permission.map(|permission| (permission, Box::pin(tokio::time::sleep(PERMISSION_WAIT))));
        Self(Some(Sending { body, pulse, permission }))
    }
}

impl Sending {
    fn poll_permission(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some((permission, patience)) = &mut self.permission {
            if permission.poll(context).is_pending() {
                ready!(patience.as_mut().poll(context));
            }
            self.permission = None;
        }
        Poll::Ready(())
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = String;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        let Some(sending) = &mut self.0 else { return Poll::Ready(None) };
        ready!(sending.poll_permission(context));
        let frame = ready!(Pin::new(&mut sending.body).poll_frame(context));
        sending.pulse.beat();
        // Trailers are not passed on, and come last.
        Poll::Ready(frame.filter(|frame| frame.as_ref().map_or(true, Frame::is_data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|sending| sending.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |sending| sending.body.size_hint())
    }
}

/// Nothing came for too long.
#[derive(Debug, thiserror::Error)]
#[error("the application was silent for {} s", .0.as_secs())]
struct Silence(Duration);

/// The body of an answer, and the connection that it comes from.
pub(super) struct Download {
    /// What has come already.
    first: Option<Result<Frame<Bytes>, hyper::Error>>,
    body: Incoming,
    /// Whether its end was read: where it comes in chunks, the body does not know.
    has_ended: bool,
    link: Option<Link>,
    links: Arc<Links>,
    silence: Duration,
    last: Instant,
    /// The client's body, which may still be on its way.
    pulse: Option<Arc<Pulse>>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Download {
    pub(super) fn new(
        body: Incoming,
        link: Link,
        links: Arc<Links>,
        silence: Duration,
        pulse: Option<Arc<Pulse>>,
    ) -> Self {
        Self {
            first: None,
            body,
            has_ended: false,
            link: Some(link),
            links,
            silence,
            last: Instant::now(),
            pulse,
            alarm: None,
        }
    }

    /// As the body of our answer: whole, if all of it has come along with its head.
    pub(super) fn into_body(mut self) -> outgoing::Body {
        if self.pulse.is_some() {
            return outgoing::Body::stream(self);
        }
        let mut context = Context::from_waker(Waker::noop());
        if !self.body.is_end_stream()
            && let Poll::Ready(first) = Pin::new(&mut self.body).poll_frame(&mut context)
        {
            self.first = first;
        }
        match self.first.take() {
            None if self.body.is_end_stream() => outgoing::Body::empty(),
            Some(Ok(frame)) if self.body.is_end_stream() && frame.is_data() => {
                outgoing::Body::whole(frame.into_data().unwrap_or_default())
            }
            first => {
                self.first = first;
                outgoing::Body::stream(self)
            }
        }
    }

    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let Some(link) = &mut self.link else { return Poll::Pending };
        link.drive(context);
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let last = self.pulse.as_ref().map_or(self.last, |pulse| self.last.max(pulse.last()));
            let end = last + self.silence;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            self.alarm = None;
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.poll_body(context) {
            Poll::Ready(Some(Err(error))) => {
                self.link = None;
                tracing::warn!(error = &error as &dyn Error, "an answer of the application broke off");
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(frame) => {
                self.last = Instant::now();
                // Trailers come last, and whoever passes them on asks for nothing more.
                let is_last = |frame: &Result<Frame<Bytes>, hyper::Error>| frame.as_ref().is_ok_and(Frame::is_trailers);
                self.has_ended = frame.as_ref().is_none_or(is_last);
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(self.poll_silence(context));
                self.link = None;
                let silence = Silence(self.silence);
                tracing::warn!(error = &silence as &dyn Error, "an answer of the application broke off");
                Poll::Ready(Some(Err(silence.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }
}

impl Drop for Download {
    /// Whoever passes it on stops reading when they know that it has ended.
    fn drop(&mut self) {
        if let Some(link) = self.link.take().filter(|_| self.has_ended || self.body.is_end_stream()) {
            self.links.keep(link);
        }
    }
}
