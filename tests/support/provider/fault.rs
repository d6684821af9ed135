//! Answers that are none: what providers do when they are broken, or worse.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use hyper::body::{Bytes, Frame};
use tokio::time::{Sleep, sleep};

/// How often a slow body sends a byte.
const DRIP: Duration = Duration::from_millis(40);

/// Bytes of a piece of a large body.
const PIECE: usize = 64 * 1024;

/// How an endpoint is broken.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It never answers.
    Hang,
    /// It answers, a byte now and then, without end.
    Drip,
    /// It answers without end.
    Flood,
    /// It answers so many bytes.
    Bytes(usize),
    /// It answers a page.
    Html,
    /// It answers a status and an error.
    Refuse(u16, &'static str),
    /// It sends whoever asks to another address.
    Redirect(String),
}

impl Fault {
    pub(super) async fn answer(self) -> Response<Body> {
        match self {
            Self::Hang => std::future::pending().await,
            Self::Drip => {
                streamed(Endless { left: None, piece: Bytes::from_static(b" "), pause: Some(Box::pin(sleep(DRIP))) })
            }
            Self::Flood => streamed(Endless { left: None, piece: Bytes::from(vec![b' '; PIECE]), pause: None }),
            Self::Bytes(count) => {
                streamed(Endless { left: Some(count), piece: Bytes::from(vec![b' '; PIECE]), pause: None })
            }
            Self::Html => answer(StatusCode::OK, "text/html", "<!doctype html><title>Sign in</title>"),
            Self::Refuse(status, error) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                answer(status, "application/json", &format!(r#"{{"error":"{error}"}}"#))
            }
            Self::Redirect(location) => {
                let mut redirect = answer(StatusCode::FOUND, "text/plain", "");
                redirect.headers_mut().insert(header::LOCATION, location.parse().unwrap());
                redirect
            }
        }
    }
}

/// An answer with a body.
pub(super) fn answer(status: StatusCode, kind: &'static str, body: &str) -> Response<Body> {
    let mut answer = Response::new(Body::from(body.to_owned()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    answer
}

fn streamed(body: Endless) -> Response<Body> {
    let mut answer = Response::new(Body::new(body));
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

/// A body of the same piece again and again.
struct Endless {
    left: Option<usize>,
    piece: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            pause.as_mut().reset(tokio::time::Instant::now() + DRIP);
        }
        let count = self.left.unwrap_or(usize::MAX).min(self.piece.len());
        if count == 0 {
            return Poll::Ready(None);
        }
        self.left = self.left.map(|left| left - count);
        Poll::Ready(Some(Ok(Frame::data(self.piece.slice(..count)))))
    }
}
