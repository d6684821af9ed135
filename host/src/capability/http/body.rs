//! An answer's body, cut where it is too long, too silent or too late.

use super::{failure::Failed, report::Report};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep},
};
use wasmtime_wasi_http::{Error, WasiBody};

/// A request's body. If its request fails before all of it was sent, the rest is taken and thrown away: whoever writes it
/// learns of the failure where they ask for the answer. Some interpreters fall where a write fails (`StarlingMonkey`).
pub(super) struct Patient(Option<WasiBody>);

impl Patient {
    pub(super) fn new(body: WasiBody) -> Self {
        Self(Some(body))
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Patient {
    /// The rest ends with the call that writes it.
    fn drop(&mut self) {
        if let (Some(mut rest), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { while let Some(Ok(_)) = rest.frame().await {} });
        }
    }
}

/// How much is waited for, and how long.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) bytes: u64,
    /// Longest silence.
    pub(super) silence: Duration,
    /// When all of it has to be there.
    pub(super) end: Instant,
}

impl Limits {
    fn next(&self) -> Instant {
        self.end.min(Instant::now() + self.silence)
    }
}

/// A body within its limits. A failure is reported once, where it happens.
pub(super) struct Limited {
    inner: Incoming,
    limits: Limits,
    left: u64,
    alarm: Pin<Box<Sleep>>,
    report: Report,
}

impl Limited {
    pub(super) fn new(inner: Incoming, limits: Limits, report: Report) -> Self {
        let alarm = Box::pin(tokio::time::sleep_until(limits.next()));
        Self { inner, left: limits.bytes, limits, alarm, report }
    }

    fn fail(&self, failed: Failed) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.report.failed(&failed);
        Poll::Ready(Some(Err(failed.code)))
    }
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
                let Some(left) = self.left.checked_sub(bytes) else {
                    return self.fail(Failed::too_large(self.limits.bytes));
                };
                self.left = left;
                let next = self.limits.next();
                self.alarm.as_mut().reset(next);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => self.fail(Failed::of(&error)),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.alarm.as_mut().poll(context).is_ready() => self.fail(Failed::silent()),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
