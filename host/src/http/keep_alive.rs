//! The headers about the connection itself, which only its owner may add.
//!
//! Invariant: they come last, in the order of the wire: `Date`, `Connection`, `Keep-Alive`. Deliberately absent: closing
//! anything; hyper does that.

use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Version};
use time::OffsetDateTime;

use super::date;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// What clients are told about idle connections. Less than the listener's `header_read_timeout`, so that a client gives a
/// connection up before the server does, and no request is lost in between.
const KEEP_ALIVE_HINT: &str = "timeout=5";

/// Whether the client means to send another request (RFC 9112 §9.3).
pub(crate) fn wants_more<B>(request: &Request<B>) -> bool {
    let says = |option: &str| {
        let values = request.headers().get_all(header::CONNECTION);
        let mut items = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        items.any(|item| item.trim().eq_ignore_ascii_case(option))
    };
    if request.version() == Version::HTTP_11 { !says("close") } else { says("keep-alive") }
}

/// Adds the headers to an answer; `keep`: whether the connection will serve another request. A connection that goes on with
/// another protocol says so by itself, and an answer from elsewhere has its own date.
pub(crate) fn add_headers(headers: &mut HeaderMap, now: OffsetDateTime, keep: bool) {
    if headers.contains_key(header::UPGRADE) {
        return;
    }
    if !headers.contains_key(header::DATE) {
        headers.extend(HeaderValue::from_str(&date::imf_fixdate(now)).ok().map(|date| (header::DATE, date)));
    }
    if keep {
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(KEEP_ALIVE, HeaderValue::from_static(KEEP_ALIVE_HINT));
    } else {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_to_close_is_found_in_a_list() {
        let request = |connection: &'static str, version| {
            let mut request = Request::new(());
            *request.version_mut() = version;
            *request.headers_mut() = HeaderMap::from_iter([(header::CONNECTION, HeaderValue::from_static(connection))]);
            request
        };
        assert!(!wants_more(&request("foo, Close", Version::HTTP_11)));
        assert!(wants_more(&request("upgrade", Version::HTTP_11)));
        assert!(wants_more(&request("Keep-Alive", Version::HTTP_10)));
        assert!(!wants_more(&request("upgrade", Version::HTTP_10)));
    }
}
