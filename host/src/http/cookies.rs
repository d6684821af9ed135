//! Reads `Cookie` and writes `Set-Cookie` in the order of the wire.
//!
//! Invariant: every cookie is `HttpOnly` with `Path=/`. "Clearing" keeps the full `Max-Age` and sends an empty value, because
//! that is what clients of this protocol know; an empty session cookie counts as none (`token`). Deliberately absent: a jar;
//! a request asks for the one or two names it needs.

use std::fmt::Write as _;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{self, HeaderValue};
use time::OffsetDateTime;

use super::headers::value_text;
use super::{date, percent};
use crate::config::{self, SameSite};

/// A cookie's settings that cannot be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CookieError {
    #[error("`{0}` is not a cookie name; use letters, digits, `_` and `-`")]
    Name(String),
    #[error("`{0}` is not a cookie domain; write it like `example.com`")]
    Domain(String),
}

/// One of the server's cookies: everything but its value.
#[derive(Clone, Debug)]
pub(crate) struct CookieSettings {
    name: String,
    max_age: Option<Duration>,
    domain: Option<String>,
    secure: bool,
    same_site: SameSite,
}

impl CookieSettings {
    /// A cookie `name` that lives for `max_age`, or as long as the browser when there is none.
    pub(crate) fn new(name: &str, max_age: Option<Duration>, same_site: SameSite) -> Result<Self, CookieError> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(CookieError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), max_age, domain: None, secure: false, same_site })
    }

    /// The cookie as configured, living for `life_ms` milliseconds.
    pub(crate) fn configured(cookie: &config::Cookie, life_ms: u64) -> Result<Self, CookieError> {
        let plain = Self::new(&cookie.name, Some(Duration::from_millis(life_ms)), cookie.same_site)?;
        let placed = match &cookie.domain {
            Some(domain) => plain.on_domain(domain)?,
            None => plain,
        };
        Ok(if cookie.secure { placed.secure() } else { placed })
    }

    /// A cookie that the browser keeps while it is open, and sends along when it comes from elsewhere by a link.
    pub(crate) fn of_visit(name: &str, secure: bool) -> Self {
        Self { name: name.to_owned(), max_age: None, domain: None, secure, same_site: SameSite::Lax }
    }

    /// Sends it to `domain` and its sub-domains.
    pub(crate) fn on_domain(mut self, domain: &str) -> Result<Self, CookieError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if domain.is_empty() || !domain.bytes().all(allowed) {
            return Err(CookieError::Domain(domain.to_owned()));
        }
        self.domain = Some(domain.to_owned());
        Ok(self)
    }

    /// Sends it over https only.
    pub(crate) fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// The cookie's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Gives the cookie a value; it expires `max_age` after `now`.
    pub(crate) fn set(&self, value: &str, now: OffsetDateTime) -> HeaderValue {
        let mut text = format!("{}={}", self.name, percent::encode(value));
        // Writing to a string cannot fail.
        if let Some(max_age) = self.max_age {
            let _ = write!(text, "; Max-Age={}", max_age.as_secs());
        }
        if let Some(domain) = &self.domain {
            let _ = write!(text, "; Domain={domain}");
        }
        text += "; Path=/";
        if let Some(max_age) = self.max_age {
            let life = time::Duration::try_from(max_age).unwrap_or(time::Duration::MAX);
            let _ = write!(text, "; Expires={}", date::imf_fixdate(now.saturating_add(life)));
        }
        text += "; HttpOnly";
        if self.secure {
            text += "; Secure";
        }
        text += match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        };
        sendable(&text)
    }

    /// Has the browser forget it, as the wire does with cookies of a visit.
    pub(crate) fn forget(&self) -> HeaderValue {
        sendable(&format!("{}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", self.name))
    }

    /// Empties the cookie.
    pub(crate) fn clear(&self, now: OffsetDateTime) -> HeaderValue {
        self.set("", now)
    }
}

#[expect(clippy::expect_used, reason = "name and domain are checked by the constructor, the value is percent-encoded")]
fn sendable(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a cookie is made of header characters")
}

/// The value of the first cookie called `name`, percent-decoded and without quotes.
pub(crate) fn get(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get_all(header::COOKIE).iter().find_map(|value| find(&value_text(value), name))
}

/// Finds a cookie in the text of a `Cookie` header. Values that cannot be decoded are kept raw.
fn find(text: &str, name: &str) -> Option<String> {
    let blank = |character: char| character == ' ' || character == '\t';
    text.split(';').filter_map(|pair| pair.split_once('=')).find(|(key, _)| key.trim_matches(blank) == name).map(
        |(_, value)| {
            let value = value.trim_matches(blank);
            let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            percent::decode_or_keep(unquoted.unwrap_or(value))
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_280_677;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(NOW).unwrap()
    }

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 86_400)
    }

    #[test]
    fn a_plain_cookie_is_written_like_this() {
        let cookie = CookieSettings::new("directus_refresh_token", Some(days(7)), SameSite::Lax).unwrap();
        assert_eq!(
            cookie.set("G4jc-_", now()),
            "directus_refresh_token=G4jc-_; Max-Age=604800; Path=/; Expires=Sat, 28 Nov 2026 17:04:37 GMT; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn domain_and_secure_have_their_places() {
        let cookie = CookieSettings::new("stk", Some(days(1)), SameSite::None).unwrap();
        let cookie = cookie.on_domain(".example.com").unwrap().secure();
        assert_eq!(
            cookie.clear(now()),
            "stk=; Max-Age=86400; Domain=.example.com; Path=/; Expires=Sun, 22 Nov 2026 17:04:37 GMT; HttpOnly; Secure; SameSite=None"
        );
    }

    #[test]
    fn a_cookie_without_age_ends_with_the_browser() {
        let cookie = CookieSettings::new("openid.acme", None, SameSite::Lax).unwrap();
        assert_eq!(cookie.set("v", now()), "openid.acme=v; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn an_age_is_cut_to_whole_seconds_and_may_be_huge() {
        let short = CookieSettings::new("a", Some(Duration::from_millis(900)), SameSite::Strict).unwrap();
        assert!(
            short.set("b", now()).to_str().unwrap().starts_with("a=b; Max-Age=0; Path=/; Expires=Sat, 21 Nov 2026")
        );
        let huge = CookieSettings::new("a", Some(Duration::MAX), SameSite::Strict).unwrap();
        assert!(huge.set("b", now()).to_str().unwrap().contains("Expires=Fri, 31 Dec 9999"));
    }

    #[test]
    fn names_and_domains_that_would_break_out_are_refused() {
        assert_eq!(CookieSettings::new("a;b", None, SameSite::Lax).unwrap_err(), CookieError::Name("a;b".to_owned()));
        assert!(CookieSettings::new("", None, SameSite::Lax).is_err());
        let cookie = CookieSettings::new("a", None, SameSite::Lax).unwrap();
        assert!(cookie.on_domain("example.com; Secure").is_err());
    }

    #[test]
    fn cookies_are_found() {
        for (text, value) in [
            ("a=b; c=d", Some("b")),
            ("x=y;a=1;a=2", Some("1")),
            (" \ta \t= b ;;c", Some("b")),
            ("a=\"q\"", Some("q")),
            ("a=\"", Some("\"")),
            ("a=%20x%41", Some(" xA")),
            ("a=%zz", Some("%zz")),
            ("a=b=c", Some("b=c")),
            ("a=", Some("")),
            ("a", None),
            ("A=b", None),
            ("", None),
        ] {
            assert_eq!(find(text, "a").as_deref(), value, "{text}");
        }
    }

    #[test]
    fn a_second_cookie_header_is_read_too() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1"));
        headers.append(header::COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!(get(&headers, "b").as_deref(), Some("2"));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(text in "\\PC*", name in "[a-z=;\" ]{0,4}") {
            let _ = find(&text, &name);
        }

        #[test]
        fn a_value_that_was_set_is_read_back(value in ".*") {
            let cookie = CookieSettings::new("token", None, SameSite::Lax).unwrap();
            let set = cookie.set(&value, now());
            prop_assert_eq!(find(set.to_str().unwrap(), "token"), Some(value));
        }
    }
}
