//! Conditional requests: whether the client already has what it asks for.
//!
//! Follows Express: weak entity tags, `If-None-Match` on `GET` and `HEAD` only, and a client that says `no-cache` gets everything.
//! Deliberately absent: `If-Modified-Since`, since no answer carries a `Last-Modified`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Method};
use sha1::{Digest as _, Sha1};

/// What a request's method and conditional headers mean for its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    head: bool,
    get: bool,
    none_match: Option<HeaderValue>,
    reload: bool,
}

impl Conditions {
    /// Reads them from a request.
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let no_cache = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("no-cache"));
        Self {
            head: method == Method::HEAD,
            get: method == Method::GET || method == Method::HEAD,
            none_match: headers.get(header::IF_NONE_MATCH).cloned(),
            reload: headers.get(header::CACHE_CONTROL).is_some_and(no_cache),
        }
    }

    /// Whether only the headers are wanted.
    pub(crate) fn is_head(&self) -> bool {
        self.head
    }

    /// Whether the client's copy is this one (RFC 9110 §13.1.2, weak comparison).
    pub(crate) fn is_fresh(&self, etag: &str) -> bool {
        let Some(candidates) = self.none_match.as_ref().and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let same = |tag| opaque(tag) == opaque(etag);
        self.get && !self.reload && (candidates.trim() == "*" || candidates.split(',').any(same))
    }
}

/// `W/"<length in hex>-<27 characters of the base64 SHA-1>"`.
pub(crate) fn weak_etag(body: &[u8]) -> String {
    format!("W/\"{:x}-{}\"", body.len(), STANDARD_NO_PAD.encode(Sha1::digest(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = r#"W/"4-DlFKBmK8tp3IY5U9HOJuPUDoGoc""#;

    fn is_fresh(method: &Method, none_match: &str, cache_control: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, none_match.parse().unwrap());
        let cache_control = cache_control.map(HeaderValue::from_static);
        headers.extend(cache_control.map(|value| (header::CACHE_CONTROL, value)));
        Conditions::of(method, &headers).is_fresh(ETAG)
    }

    #[test]
    fn an_etag_is_the_length_and_the_digest() {
        assert_eq!(weak_etag(b"pong"), ETAG);
    }

    #[test]
    fn a_known_etag_is_fresh() {
        let listed = r#""x", "4-DlFKBmK8tp3IY5U9HOJuPUDoGoc""#;
        for known in [ETAG, listed, "*"] {
            assert!(is_fresh(&Method::GET, known, None), "{known}");
            assert!(is_fresh(&Method::HEAD, known, None), "{known}");
        }
    }

    #[test]
    fn another_etag_another_method_or_a_reload_is_not() {
        assert!(!is_fresh(&Method::GET, "\"x\"", None));
        assert!(!is_fresh(&Method::POST, ETAG, None));
        assert!(!is_fresh(&Method::GET, ETAG, Some("max-age=0, no-cache")));
        assert!(!Conditions::of(&Method::GET, &HeaderMap::new()).is_fresh(ETAG));
    }
}
