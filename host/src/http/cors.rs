//! Cross-origin requests: what an answer says about who may read it
//! (<https://fetch.spec.whatwg.org/#http-cors-protocol>), by the rules of the middleware behind Directus.
//!
//! Pure: settings, the request's method and its `Origin` give headers in the order of the wire. Invariant: built once at
//! start, so that a setting that cannot be sent is refused there. Deliberately absent: any refusal; the browser refuses, and
//! every `OPTIONS` is a preflight, whatever it asks for.

use hyper::Method;
use hyper::header::{self, HeaderName, HeaderValue, InvalidHeaderValue};

use crate::config::{AllowedOrigin, Cors, CorsOrigin};

/// Names and values in the order of the wire.
pub(crate) type Headers = Vec<(HeaderName, HeaderValue)>;

/// What is said to whom.
#[derive(Clone, Debug)]
pub(crate) struct CorsPolicy {
    origin: Whom,
    /// `Access-Control-Allow-Credentials`, where credentials are allowed.
    credentials: Headers,
    /// What only a preflight is told.
    preflight: Headers,
    /// `Access-Control-Expose-Headers`, where there are any.
    exposed: Headers,
}

#[derive(Clone, Debug)]
enum Whom {
    /// Everybody hears this value; whether it depends on who asks.
    One { value: HeaderValue, varies: bool },
    /// Everybody hears their own origin.
    Everybody,
    /// Those on the list do.
    Listed(Vec<AllowedOrigin>),
}

impl CorsPolicy {
    /// The policy of the settings; `None` where no header is sent.
    pub(crate) fn new(settings: &Cors) -> Result<Option<Self>, InvalidHeaderValue> {
        if !settings.enabled {
            return Ok(None);
        }
        let origin = match &settings.origin {
            CorsOrigin::Nobody => return Ok(None),
            CorsOrigin::Everybody => Whom::Everybody,
            CorsOrigin::One(origin) => Whom::One { value: origin.parse()?, varies: origin != "*" },
            CorsOrigin::Listed(origins) => Whom::Listed(origins.clone()),
        };
        let max_age = settings.max_age_seconds.to_string();
        let credentials = if settings.credentials { "true" } else { "" };
        Ok(Some(Self {
            origin,
            credentials: said(&[(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials)])?,
            preflight: said(&[
                (header::ACCESS_CONTROL_ALLOW_METHODS, &settings.methods.join(",")),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, &settings.allowed_headers.join(",")),
                (header::ACCESS_CONTROL_MAX_AGE, &max_age),
            ])?,
            exposed: said(&[(header::ACCESS_CONTROL_EXPOSE_HEADERS, &settings.exposed_headers.join(","))])?,
        }))
    }

    /// The headers of an answer; `origin` is the request's. An `OPTIONS` has nothing but these and is answered at once.
    pub(crate) fn headers(&self, method: &Method, origin: Option<&HeaderValue>) -> Headers {
        let told = match &self.origin {
            Whom::One { value, .. } => Some(value.clone()),
            Whom::Everybody => origin.cloned(),
            Whom::Listed(allowed) => {
                origin.filter(|origin| origin.to_str().is_ok_and(|origin| is_listed(allowed, origin))).cloned()
            }
        };
        let varies = !matches!(self.origin, Whom::One { varies: false, .. });
        let told = told.map(|origin| (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin));
        let vary = varies.then(|| (header::VARY, HeaderValue::from_static("Origin")));
        let preflight = if method == Method::OPTIONS { self.preflight.as_slice() } else { &[] };
        let rest = self.credentials.iter().chain(preflight).chain(&self.exposed).cloned();
        told.into_iter().chain(vary).chain(rest).collect()
    }
}

/// Whether an origin is in a list.
pub(crate) fn is_listed(allowed: &[AllowedOrigin], origin: &str) -> bool {
    allowed.iter().any(|allowed| match allowed {
        AllowedOrigin::Exactly(this) => this == origin,
        AllowedOrigin::Matching(pattern) => pattern.matches(origin),
    })
}

/// Those headers that have a value.
fn said(headers: &[(HeaderName, &str)]) -> Result<Headers, InvalidHeaderValue> {
    let said = headers.iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| Ok((name.clone(), value.parse()?))).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const APP: &str = "http://app.example.com";

    fn listed(origins: &[&str]) -> CorsOrigin {
        let exactly = |origin: &&str| AllowedOrigin::Exactly((*origin).to_owned());
        CorsOrigin::Listed(origins.iter().map(exactly).collect())
    }

    fn enabled(origin: CorsOrigin) -> Cors {
        Cors { enabled: true, origin, ..Cors::default() }
    }

    fn told(settings: &Cors, method: &Method, origin: Option<&'static str>) -> String {
        let policy = CorsPolicy::new(settings).unwrap().unwrap();
        let origin = origin.map(HeaderValue::from_static);
        let headers = policy.headers(method, origin.as_ref());
        let line = |(name, value): &(HeaderName, HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        headers.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn check(settings: &Cors, method: &Method, origin: Option<&'static str>, expected: &Expect) {
        expected.assert_eq(&told(settings, method, origin));
    }

    #[test]
    fn everybody_is_told_their_own_origin() {
        let everybody = enabled(CorsOrigin::Everybody);
        check(
            &everybody,
            &Method::OPTIONS,
            Some(APP),
            &expect![[r"
                access-control-allow-origin: http://app.example.com
                vary: Origin
                access-control-allow-credentials: true
                access-control-allow-methods: GET,POST,PATCH,DELETE
                access-control-allow-headers: Content-Type,Authorization
                access-control-max-age: 18000
                access-control-expose-headers: Content-Range"]],
        );
        check(
            &everybody,
            &Method::POST,
            None,
            &expect![[r"
                vary: Origin
                access-control-allow-credentials: true
                access-control-expose-headers: Content-Range"]],
        );
    }

    #[test]
    fn a_list_names_nobody_else() {
        let both = Cors {
            credentials: false,
            exposed_headers: vec![],
            ..enabled(listed(&["http://app.example.com", "http://two.example.com"]))
        };
        check(
            &both,
            &Method::GET,
            Some(APP),
            &expect!["access-control-allow-origin: http://app.example.com\nvary: Origin"],
        );
        for other in ["http://other.example.com", "http://app.example.com.evil.net", "null", "http://APP.example.com"] {
            assert_eq!(told(&both, &Method::GET, Some(other)), "vary: Origin", "{other}");
        }
    }

    #[test]
    fn one_origin_is_told_whoever_asks() {
        let one = Cors { credentials: false, exposed_headers: vec![], ..enabled(CorsOrigin::One(APP.to_owned())) };
        let expected = "access-control-allow-origin: http://app.example.com\nvary: Origin";
        assert_eq!(told(&one, &Method::GET, Some("http://other.example.com")), expected);
        assert_eq!(told(&one, &Method::GET, None), expected);
        let star = Cors { origin: CorsOrigin::One("*".to_owned()), ..one };
        assert_eq!(told(&star, &Method::GET, None), "access-control-allow-origin: *");
    }

    #[test]
    fn nobody_is_told_nothing() {
        assert!(CorsPolicy::new(&Cors::default()).unwrap().is_none());
        assert!(CorsPolicy::new(&enabled(CorsOrigin::Nobody)).unwrap().is_none());
        assert!(CorsPolicy::new(&enabled(CorsOrigin::One("a\r\nb: c".to_owned()))).is_err());
    }
}
