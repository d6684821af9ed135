//! The body of an answer: bytes that are all there, or a stream that is passed through.
//!
//! Invariant: what is whole costs no allocation of its own. Deliberately absent: bodies of requests, which are in `body`.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::{Frame, SizeHint};
use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

/// The body of an answer.
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    Whole(Full<Bytes>),
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

/// A body broke off before its end. Answers that Gatewit makes by itself never do.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct BodyError(#[source] Box<dyn Error + Send + Sync>);

impl Body {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    /// All of it at once.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(Full::new(bytes)))
    }

    /// What comes piece by piece, no sooner than it is asked for.
    #[must_use]
    pub fn stream<B>(body: B) -> Self
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Self(Kind::Stream(body.map_err(|error| BodyError(error.into())).boxed_unsync()))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Whole(whole) => Pin::new(whole).poll_frame(context).map_err(|never| match never {}),
            Kind::Stream(stream) => Pin::new(stream).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(whole) => whole.is_end_stream(),
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(whole) => whole.size_hint(),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    #[tokio::test]
    async fn what_is_whole_tells_its_length_and_comes_at_once() {
        let body = Body::whole(Bytes::from_static(b"pong"));
        assert_eq!(body.size_hint().exact(), Some(4));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "pong");
        assert!(Body::empty().is_end_stream());
    }

    #[tokio::test]
    async fn a_stream_comes_as_it_is_and_says_when_it_breaks_off() {
        struct Pieces(Vec<Result<Frame<Bytes>, std::io::Error>>);
        impl hyper::body::Body for Pieces {
            type Data = Bytes;
            type Error = std::io::Error;
            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
                Poll::Ready(self.0.pop())
            }
        }
        let broken = Err(std::io::Error::other("gone"));
        let mut body = Body::stream(Pieces(vec![broken, Ok(Frame::data(Bytes::from_static(b"a")))]));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(
            (error.to_string(), error.source().unwrap().to_string()),
            ("the answer broke off".into(), "gone".into())
        );
    }
}
