//! The id under which everything that a request caused can be found in the log.
//!
//! Invariant: the id never leaves the server by default (Directus sends no `X-Request-Id`), and the span never holds the
//! query string, because `?access_token=` may stand there.

use std::fmt;

use tracing::Span;
use uuid::Uuid;

/// One request. Put it into the request's extensions, so that handlers find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// A fresh id.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The span in which the request is served. Its field `request` is the id.
    pub(crate) fn span(self, method: &hyper::Method, uri: &hyper::Uri) -> Span {
        tracing::info_span!("request", request = %self, %method, path = uri.path())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_requests_have_two_ids() {
        assert_ne!(RequestId::random(), RequestId::random());
    }
}
