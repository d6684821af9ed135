//! Reading header values as text, and the headers that every answer carries.
//!
//! Invariant: [`HeaderPolicy`] is built once at start, so that a setting that cannot be sent is refused there and not at a
//! request. Deliberately absent: CORS (`cors`), which depends on the request.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{self, AsHeaderName, HeaderName, HeaderValue};

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const X_POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

/// Directives that come before those of the configuration.
const FIRST_DIRECTIVES: [(&str, &str); 6] = [
    ("script-src", "'self' 'unsafe-eval'"),
    ("worker-src", "'self' blob:"),
    ("child-src", "'self' blob:"),
    ("img-src", "'self' data: blob: https://raw.githubusercontent.com https://avatars.githubusercontent.com"),
    ("media-src", "'self'"),
    ("connect-src", "'self' https://* wss://*"),
];

/// Directives that come after those of the configuration.
const LAST_DIRECTIVES: [(&str, &str); 8] = [
    ("default-src", "'self'"),
    ("base-uri", "'self'"),
    ("font-src", "'self' https: data:"),
    ("form-action", "'self'"),
    ("frame-ancestors", "'self'"),
    ("object-src", "'none'"),
    ("script-src-attr", "'none'"),
    ("style-src", "'self' https: 'unsafe-inline'"),
];

/// `Strict-Transport-Security` (RFC 6797).
#[derive(Clone, Copy, Debug)]
pub(crate) struct StrictTransport {
    /// How long browsers insist on https; sent in whole seconds.
    pub(crate) max_age: Duration,
    /// Whether it holds for sub-domains too.
    pub(crate) include_subdomains: bool,
    /// Whether browsers may ship the domain in their list.
    pub(crate) preload: bool,
}

/// A setting that cannot be sent as a header.
#[derive(Debug, thiserror::Error)]
#[error("the content security policy directive `{directive}` holds characters that no header may carry")]
pub(crate) struct UnsendableDirective {
    directive: String,
}

/// The headers that every answer starts with.
#[derive(Clone, Debug)]
pub(crate) struct HeaderPolicy {
    content_security_policy: HeaderValue,
    opener_policy: bool,
    strict_transport: Option<HeaderValue>,
}

impl HeaderPolicy {
    /// `directives` are added to the default content security policy or override one of its; `None` removes it.
    pub(crate) fn new(
        directives: &[(String, Option<String>)],
        opener_policy: bool,
        strict_transport: Option<StrictTransport>,
    ) -> Result<Self, UnsendableDirective> {
        Ok(Self {
            content_security_policy: content_security_policy(directives)?,
            opener_policy,
            strict_transport: strict_transport.map(strict_transport_value),
        })
    }

    /// Puts the headers into `headers`, in wire order.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_SECURITY_POLICY, self.content_security_policy.clone());
        if self.opener_policy {
            headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin-allow-popups"));
        }
        if let Some(value) = &self.strict_transport {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, value.clone());
        }
        // Clients recognise the protocol by this.
        headers.insert(X_POWERED_BY, HeaderValue::from_static("Directus"));
    }
}

fn content_security_policy(settings: &[(String, Option<String>)]) -> Result<HeaderValue, UnsendableDirective> {
    for (name, value) in settings {
        let text = value.as_deref().unwrap_or_default();
        if !is_directive_name(name) || text.contains([';', ',']) || HeaderValue::from_str(text).is_err() {
            return Err(UnsendableDirective { directive: name.clone() });
        }
    }
    let set = |name: &str| settings.iter().rev().find(|(other, _)| other == name);
    let first = FIRST_DIRECTIVES.iter().map(|(name, default)| match set(name) {
        Some((_, value)) => (*name, value.as_deref()),
        None => (*name, Some(*default)),
    });
    let added = settings
        .iter()
        .filter(|(name, _)| FIRST_DIRECTIVES.iter().all(|(other, _)| other != name))
        .map(|(name, value)| (name.as_str(), value.as_deref()));
    let last =
        LAST_DIRECTIVES.iter().filter(|(name, _)| set(name).is_none()).map(|(name, value)| (*name, Some(*value)));
    let policy: Vec<_> = first
        .chain(added)
        .chain(last)
        .filter_map(|(name, value)| value.map(|value| format!("{name} {value}").trim_end().to_owned()))
        .collect();
    HeaderValue::from_str(&policy.join(";")).map_err(|_| UnsendableDirective { directive: "*".to_owned() })
}

fn is_directive_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn strict_transport_value(setting: StrictTransport) -> HeaderValue {
    let seconds = HeaderValue::from(setting.max_age.as_secs());
    let mut value = b"max-age=".to_vec();
    value.extend_from_slice(seconds.as_bytes());
    if setting.include_subdomains {
        value.extend_from_slice(b"; includeSubDomains");
    }
    if setting.preload {
        value.extend_from_slice(b"; preload");
    }
    HeaderValue::from_bytes(&value).unwrap_or(seconds)
}

/// The first header of this name as text. Bytes that are not UTF-8 are read as Latin-1, as RFC 9110 §5.5 has it for old senders.
pub(crate) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    headers.get(name).map(value_text)
}

/// A header value as text, see [`text`].
pub(crate) fn value_text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const DEFAULT_CSP: &str = "script-src 'self' 'unsafe-eval';worker-src 'self' blob:;child-src 'self' blob:;img-src 'self' data: blob: https://raw.githubusercontent.com https://avatars.githubusercontent.com;media-src 'self';connect-src 'self' https://* wss://*;default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';object-src 'none';script-src-attr 'none';style-src 'self' https: 'unsafe-inline'";

    fn policy(settings: &[(&str, Option<&str>)]) -> Result<String, UnsendableDirective> {
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
        content_security_policy(&settings).map(|value| value_text(&value))
    }

    #[test]
    fn the_default_policy_is_the_one_of_the_wire() {
        assert_eq!(policy(&[]).unwrap(), DEFAULT_CSP);
    }

    #[test]
    fn a_new_directive_stands_before_the_general_ones() {
        let expected = DEFAULT_CSP.replace(";default-src", ";frame-src https://example.com;default-src");
        assert_eq!(policy(&[("frame-src", Some("https://example.com"))]).unwrap(), expected);
    }

    #[test]
    fn an_override_replaces_and_a_removal_removes() {
        let expected = DEFAULT_CSP.replace("media-src 'self'", "media-src *").replace(";object-src 'none'", "");
        assert_eq!(policy(&[("media-src", Some("*")), ("object-src", None)]).unwrap(), expected);
    }

    #[test]
    fn a_directive_cannot_smuggle_another_header_or_directive() {
        for bad in ["a\r\nSet-Cookie: x=y", "a;script-src *", "a, b"] {
            assert!(policy(&[("frame-src", Some(bad))]).is_err(), "{bad}");
        }
        assert!(policy(&[("frame src", Some("*"))]).is_err());
    }

    #[test]
    fn strict_transport_is_sent_when_set() {
        let setting = StrictTransport { max_age: Duration::from_secs(100), include_subdomains: true, preload: false };
        assert_eq!(strict_transport_value(setting), "max-age=100; includeSubDomains");
    }

    #[test]
    fn a_header_that_is_not_utf_8_is_read_as_latin_1() {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        assert_eq!(text(&headers, "user-agent").as_deref(), Some("café"));
    }
}
