//! Finds the access token that a request presents.
//!
//! Invariant: a query token and a bearer header in one request are refused on every route, even where no token is needed.
//! Deliberately absent: any look at what the token says.

use std::fmt;

use hyper::HeaderMap;
use hyper::header;

use super::query::{Given, Query};
use super::refusal::Refusal;
use super::{cookies, headers};

/// Where a token was found. A bad one that came from the cookie clears the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `?access_token=`
    Query,
    /// `Authorization: Bearer` (RFC 6750 §2.1)
    Header,
    /// The session cookie.
    Cookie,
}

/// A token that a request presents, unverified.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The token itself: a secret.
    pub(crate) token: String,
    /// Where it was.
    pub(crate) source: Source,
}

impl fmt::Debug for Presented {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Presented").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Looks in the query, the `Authorization` header and the cookie called `session_cookie`, in this order.
pub(crate) fn find(query: &Query, headers: &HeaderMap, session_cookie: &str) -> Result<Option<Presented>, Refusal> {
    let header = bearer(headers);
    let query = match query.text("access_token") {
        Given::Nothing => None,
        _ if header.is_some() => {
            return Err(Refusal::payload("The request uses more than one method for including an access token"));
        }
        Given::Text(token) => Some(token),
        Given::Structure => return Err(Refusal::payload("\"access_token\" must be a string")),
    };
    let cookie = || cookies::get(headers, session_cookie).filter(|token| !token.is_empty());
    let (token, source) = match (query, header) {
        (Some(token), _) => (token, Source::Query),
        (None, Some(token)) => (token, Source::Header),
        (None, None) => match cookie() {
            Some(token) => (token, Source::Cookie),
            None => return Ok(None),
        },
    };
    Ok(Some(Presented { token, source }))
}

/// The token of a bearer header of exactly two parts; any other header is ignored.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers::text(headers, header::AUTHORIZATION)?;
    let (scheme, token) = value.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ');
    fits.then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn look(
        query: &str,
        authorization: Option<&'static str>,
        cookie: Option<&'static str>,
    ) -> Result<Option<(String, Source)>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.extend(authorization.map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value))));
        headers.extend(cookie.map(|value| (header::COOKIE, HeaderValue::from_static(value))));
        let found = find(&Query::parse(Some(query)), &headers, "session")?;
        Ok(found.map(|presented| (presented.token, presented.source)))
    }

    fn found(token: &str, source: Source) -> (String, Source) {
        (token.to_owned(), source)
    }

    #[test]
    fn each_place_is_searched() {
        assert_eq!(look("access_token=q", None, None), Ok(Some(found("q", Source::Query))));
        assert_eq!(look("", Some("Bearer h"), None), Ok(Some(found("h", Source::Header))));
        assert_eq!(look("", Some("bEARER h"), None), Ok(Some(found("h", Source::Header))));
        assert_eq!(look("", None, Some("session=c")), Ok(Some(found("c", Source::Cookie))));
        assert_eq!(look("", None, None), Ok(None));
    }

    #[test]
    fn query_and_header_win_over_the_cookie() {
        assert_eq!(look("access_token=q", None, Some("session=c")), Ok(Some(found("q", Source::Query))));
        assert_eq!(look("", Some("Bearer h"), Some("session=c")), Ok(Some(found("h", Source::Header))));
    }

    #[test]
    fn query_and_header_together_are_refused() {
        let refusal = look("access_token=q", Some("Bearer h"), None).unwrap_err();
        assert_eq!(
            refusal.message(),
            "Invalid payload. The request uses more than one method for including an access token."
        );
    }

    #[test]
    fn other_authorization_headers_are_ignored() {
        for ignored in ["Basic h", "Bearer", "Bearer a b", "Bearer  a", "Bearer\ta", "h"] {
            assert_eq!(look("", Some(ignored), Some("session=c")), Ok(Some(found("c", Source::Cookie))), "{ignored}");
            assert_eq!(look("access_token=q", Some(ignored), None), Ok(Some(found("q", Source::Query))), "{ignored}");
        }
    }

    #[test]
    fn an_empty_cookie_is_none() {
        assert_eq!(look("", None, Some("session=; other=x")), Ok(None));
    }

    #[test]
    fn a_list_of_tokens_is_refused() {
        assert!(look("access_token=a&access_token=b", None, None).is_err());
    }

    #[test]
    fn the_token_does_not_show_in_the_log() {
        let presented = Presented { token: "secret".to_owned(), source: Source::Header };
        assert!(!format!("{presented:?}").contains("secret"));
    }
}
