//! `[server.cors]`: which pages of other origins may read answers (<https://fetch.spec.whatwg.org/#http-cors-protocol>).
//!
//! Invariant: nothing here can end a header or begin another one, and a pattern that cannot be understood whole keeps the
//! server from starting. Deliberately absent: headers, which are HTTP's business.

use super::cast::Value;
use super::decode::{boolean, integer, list, optional_text};
use super::error::{Refusal, Report};
use super::origin_pattern::OriginPattern;
use super::server::is_token;
use super::setting::{Setting, put};

/// What `CORS_ORIGIN` starts with in `gatewit.toml` where it is a pattern; variables have the same prefix by their cast.
const PATTERN_PREFIX: &str = "regex:";

/// Longest time in seconds that a browser may be told to remember an answer: a year, and no browser keeps to more than a
/// day.
const MAX_AGE_SECONDS_MAX: u64 = 31_536_000;

/// Cross-origin requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Are the headers sent at all (`CORS_ENABLED`, default false)?
    pub enabled: bool,
    /// Whose pages may read answers (`CORS_ORIGIN`, default false).
    pub origin: CorsOrigin,
    /// Methods that they may use (`CORS_METHODS`, default `GET,POST,PATCH,DELETE`).
    pub methods: Vec<String>,
    /// Headers that they may send (`CORS_ALLOWED_HEADERS`, default `Content-Type,Authorization`).
    pub allowed_headers: Vec<String>,
    /// Headers that they may read (`CORS_EXPOSED_HEADERS`, default `Content-Range`).
    pub exposed_headers: Vec<String>,
    /// May they send cookies (`CORS_CREDENTIALS`, default true)?
    pub credentials: bool,
    /// For how many seconds browsers may remember this (`CORS_MAX_AGE`, default 18000).
    pub max_age_seconds: u64,
}

/// Whose pages may read answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigin {
    /// `false`: nobody's; no header is sent.
    Nobody,
    /// `true`: everybody's, each told that it is meant.
    Everybody,
    /// One origin, which everybody is told whoever asks; `*` is one of them.
    One(String),
    /// Those in a list.
    Listed(Vec<AllowedOrigin>),
}

/// An entry of a list of origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// This one, to the letter.
    Exactly(String),
    /// Those that a regular expression finds something in.
    Matching(OriginPattern),
}

impl Default for Cors {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            enabled: false,
            origin: CorsOrigin::Nobody,
            methods: words(&["GET", "POST", "PATCH", "DELETE"]),
            allowed_headers: words(&["Content-Type", "Authorization"]),
            exposed_headers: words(&["Content-Range"]),
            credentials: true,
            max_age_seconds: 18_000,
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("CORS_ENABLED", "server.cors.enabled", |c, v| put(&mut c.server.cors.enabled, boolean(v))),
    Setting::new("CORS_ORIGIN", "server.cors.origin", |c, v| put(&mut c.server.cors.origin, origin(v))),
    Setting::new("CORS_METHODS", "server.cors.methods", |c, v| put(&mut c.server.cors.methods, tokens(v))),
    Setting::new("CORS_ALLOWED_HEADERS", "server.cors.allowed_headers", |c, v| {
        put(&mut c.server.cors.allowed_headers, tokens(v))
    }),
    Setting::new("CORS_EXPOSED_HEADERS", "server.cors.exposed_headers", |c, v| {
        put(&mut c.server.cors.exposed_headers, tokens(v))
    }),
    Setting::new("CORS_CREDENTIALS", "server.cors.credentials", |c, v| put(&mut c.server.cors.credentials, boolean(v))),
    Setting::new("CORS_MAX_AGE", "server.cors.max_age", |c, v| {
        put(&mut c.server.cors.max_age_seconds, integer(v, 0, MAX_AGE_SECONDS_MAX))
    }),
];

impl Cors {
    /// What the settings say together and probably should not.
    pub(super) fn check(&self, report: &mut Report) {
        if self.enabled && self.origin == CorsOrigin::Nobody {
            report.warn("CORS_ENABLED: does nothing while CORS_ORIGIN is false; write the origins of your pages there");
        }
        if self.enabled && self.credentials && self.origin == CorsOrigin::Everybody {
            report.warn("CORS_ORIGIN: true with CORS_CREDENTIALS=true lets every page act for the person who opens it");
        }
    }
}

fn origin(value: &Value) -> Result<CorsOrigin, Refusal> {
    if let Ok(everybody) = boolean(value) {
        return Ok(if everybody { CorsOrigin::Everybody } else { CorsOrigin::Nobody });
    }
    Ok(match value {
        Value::List(entries) => CorsOrigin::Listed(entries.iter().map(entry).collect::<Result<_, _>>()?),
        one => match entry(one)? {
            AllowedOrigin::Exactly(origin) => CorsOrigin::One(origin),
            pattern @ AllowedOrigin::Matching(_) => CorsOrigin::Listed(vec![pattern]),
        },
    })
}

/// A list of origins and of patterns of them, and nothing for everybody.
pub(super) fn origins(value: &Value) -> Result<Vec<AllowedOrigin>, Refusal> {
    let is_nobody =
        matches!(value, Value::Null | Value::Boolean(false)) || matches!(value, Value::Text(text) if text.is_empty());
    let found = match value {
        _ if is_nobody => Vec::new(),
        Value::List(entries) => entries.iter().map(entry).collect::<Result<_, _>>()?,
        one => vec![entry(one)?],
    };
    let is_open = |origin: &AllowedOrigin| matches!(origin, AllowedOrigin::Exactly(text) if !is_origin(text));
    if found.iter().any(is_open) {
        return Err(Refusal::new("is not a list of origins; write for example https://app.example.com,regex:…"));
    }
    Ok(found)
}

/// Whether a text is an origin as browsers write it: no slash at its end.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

fn entry(value: &Value) -> Result<AllowedOrigin, Refusal> {
    let expected = "is not an origin; write for example https://app.example.com, true, false or regex:…";
    if let Value::Pattern(source) = value {
        return pattern(source);
    }
    let text = optional_text(value)?.ok_or_else(|| Refusal::new(expected))?;
    let text = text.trim();
    if let Some(source) = text.strip_prefix(PATTERN_PREFIX) {
        return pattern(source);
    }
    let is_sendable = text.chars().all(|letter| letter.is_ascii_graphic() && letter != ',');
    if text.is_empty() || !is_sendable {
        return Err(Refusal::new(expected));
    }
    Ok(AllowedOrigin::Exactly(text.to_owned()))
}

fn pattern(source: &str) -> Result<AllowedOrigin, Refusal> {
    let compiled = OriginPattern::compile(source);
    compiled.map(AllowedOrigin::Matching).map_err(|reason| Refusal::new(format!("is not a usable pattern: {reason}")))
}

/// Names of methods or headers, `*` included.
fn tokens(value: &Value) -> Result<Vec<String>, Refusal> {
    let tokens = list(value)?;
    if tokens.iter().all(|token| is_token(token)) {
        return Ok(tokens);
    }
    Err(Refusal::new("is not a list of names; write for example Content-Type,Authorization"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    fn read(raw: &str) -> Result<CorsOrigin, Refusal> {
        origin(&cast("CORS_ORIGIN", raw))
    }

    fn exactly(origin: &str) -> AllowedOrigin {
        AllowedOrigin::Exactly(origin.to_owned())
    }

    #[test]
    fn an_origin_is_a_boolean_a_text_or_a_list() {
        assert_eq!(read("true"), Ok(CorsOrigin::Everybody));
        assert_eq!(read("false"), Ok(CorsOrigin::Nobody));
        assert_eq!(read("*"), Ok(CorsOrigin::One("*".to_owned())));
        assert_eq!(read("http://app.example.com"), Ok(CorsOrigin::One("http://app.example.com".to_owned())));
        let both = CorsOrigin::Listed(vec![exactly("http://a.example"), exactly("http://b.example")]);
        assert_eq!(read("array:http://a.example,http://b.example"), Ok(both.clone()));
        assert_eq!(read("http://a.example, http://b.example"), Ok(both));
        assert_eq!(read("array:http://a.example"), Ok(CorsOrigin::Listed(vec![exactly("http://a.example")])));
    }

    #[test]
    fn a_pattern_may_stand_alone_or_in_a_list() {
        let alone = read(r"regex:^https://[a-z]+\.example\.com$").unwrap();
        assert!(
            matches!(&alone, CorsOrigin::Listed(entries) if matches!(entries.as_slice(), [AllowedOrigin::Matching(_)]))
        );
        let typed = origin(&Value::Text(r"regex:^https://[a-z]+\.example\.com$".to_owned())).unwrap();
        assert_eq!(alone, typed, "gatewit.toml has no casts");
        let listed = read(r"array:http://a.example,regex:\.example\.com$").unwrap();
        assert!(matches!(listed, CorsOrigin::Listed(entries) if entries.len() == 2));
        assert!(read("regex:(").is_err());
    }

    #[test]
    fn what_could_not_be_sent_is_refused() {
        for raw in ["a\r\nSet-Cookie: b", "http://a b", "http://ä.example", "", "array:true"] {
            assert!(read(raw).is_err(), "{raw:?}");
        }
        assert!(tokens(&cast("CORS_METHODS", "GET,P OST")).is_err());
        assert_eq!(tokens(&cast("CORS_METHODS", "GET,POST")), Ok(vec!["GET".to_owned(), "POST".to_owned()]));
    }
}
