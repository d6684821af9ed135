//! What each line of the log says of the request that caused it.
//!
//! Invariant: it never holds the query string, because `?access_token=` may stand there.

use crate::visit::CallId;
use hyper::{HeaderMap, Method, Uri};
use tracing::Span;

/// The span in which a request is served. Its field `request` is the id; `trace` is the one that whoever sends us requests has
/// given it, if they have.
pub(crate) fn span(id: CallId, method: &Method, uri: &Uri, headers: &HeaderMap) -> Span {
    tracing::info_span!("request", request = %id, %method, path = uri.path(), trace = trace(headers))
}

/// The id of the trace that a request is part of (W3C Trace Context, section 3.2). Anything else in that header is nobody's
/// id and stays out of the log.
fn trace(headers: &HeaderMap) -> Option<&str> {
    let parent = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = parent.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let fits = |text: &str, length: usize| text.len() == length && is_hex(text);
    let is_known = fits(version, 2) && version != "ff" && fits(trace, 32) && fits(span, 16);
    (is_known && trace.bytes().any(|byte| byte != b'0')).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_over_if_it_is_one() {
        let of = |text: &'static str| {
            let headers = HeaderMap::from_iter([("traceparent".parse().unwrap(), text.parse().unwrap())]);
            trace(&headers).map(ToOwned::to_owned)
        };
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(), Some(id));
        assert_eq!(of("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").as_deref(), Some(id));
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-x-01",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
