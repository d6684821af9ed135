//! `[server]`: where Gatewit listens, how it is reached and what it says about itself in headers.
//!
//! CORS, limits and GraphQL have files of their own. Deliberately absent: TLS (a proxy's business).

use std::path::PathBuf;
use std::time::Duration;

use super::cast::Value;
use super::cors::Cors;
use super::decode::{boolean, bytes, duration, integer, optional_text, text};
use super::error::Refusal;
use super::graphql::Graphql;
use super::limits::Limits;
use super::network::{TrustProxy, trust_proxy};
use super::setting::{Setting, put};

/// Smallest and largest body that may be configured: 1 byte to 4 GiB.
const PAYLOAD_BYTES: (u64, u64) = (1, 1 << 32);

/// Where and how the server answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Address or host name to listen on (`HOST`, default `127.0.0.1`; Directus's default is `0.0.0.0`).
    pub host: String,
    /// Port (`PORT`, default 8055); 0 takes a free one.
    pub port: u16,
    /// Base of links and SSO callbacks, without a slash at the end unless it is `/` (`PUBLIC_URL`, default `/`).
    pub public_url: String,
    /// Where `GET /` leads (`ROOT_REDIRECT`, default `./admin`); `None` (`false`): 404.
    pub root_redirect: Option<String>,
    /// Are the pages under `/admin` served (`SERVE_APP`, default true)?
    pub serve_app: bool,
    /// Folder whose files lie over those of the pages (`GATEWIT_PAGES`, default none).
    pub pages: Option<PathBuf>,
    /// Largest body of a request, in bytes (`MAX_PAYLOAD_SIZE`, default 1 MiB).
    pub max_payload_bytes: u64,
    /// Which proxies are believed (`IP_TRUST_PROXY`, default false).
    pub ip_trust_proxy: TrustProxy,
    /// A header that holds the client's address (`IP_CUSTOM_HEADER`, default none).
    pub ip_custom_header: Option<String>,
    /// Is `/server/health` served (`HEALTHCHECK_ENABLED`, default true)?
    pub healthcheck_enabled: bool,
    /// `Strict-Transport-Security`.
    pub hsts: Hsts,
    /// Is `Cross-Origin-Opener-Policy` sent (`CROSS_ORIGIN_OPENER_POLICY_ENABLED`, default true)?
    pub cross_origin_opener_policy_enabled: bool,
    /// Directives that add to the built-in `Content-Security-Policy` or replace one of it
    /// (`CONTENT_SECURITY_POLICY_DIRECTIVES__<NAME>`), sorted by name.
    pub content_security_policy: Vec<Directive>,
    /// Which pages of other origins may read answers.
    pub cors: Cors,
    /// How many requests are answered.
    pub limits: Limits,
    /// The GraphQL endpoint.
    pub graphql: Graphql,
    /// How long requests in flight may take when the server stops (`GATEWIT_SHUTDOWN_TIMEOUT`, default 10 s).
    pub shutdown_timeout: Duration,
    /// How long requests are still taken once the server has been told to stop and says so under `/gatewit/ready`
    /// (`GATEWIT_DRAIN_TIME`, default 0).
    pub drain_time: Duration,
}

/// `Strict-Transport-Security` (RFC 6797).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// Is the header sent (`HSTS_ENABLED`, default false)?
    pub enabled: bool,
    /// `max-age` in seconds (`HSTS_MAX_AGE`, default one year).
    pub max_age_seconds: u64,
    /// `includeSubDomains` (`HSTS_INCLUDE_SUB_DOMAINS`, default true).
    pub include_sub_domains: bool,
    /// `preload` (`HSTS_PRELOAD`, default false).
    pub preload: bool,
}

/// One directive of the content security policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Name in lower case with hyphens: `frame-ancestors`.
    pub name: String,
    /// Its sources, separated by spaces; empty for a directive without a value. `None` removes the directive.
    pub value: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8055,
            public_url: "/".to_owned(),
            root_redirect: Some("./admin".to_owned()),
            serve_app: true,
            pages: None,
            max_payload_bytes: 1 << 20,
            ip_trust_proxy: TrustProxy::Never,
            ip_custom_header: None,
            healthcheck_enabled: true,
            hsts: Hsts { enabled: false, max_age_seconds: 31_536_000, include_sub_domains: true, preload: false },
            cross_origin_opener_policy_enabled: true,
            content_security_policy: Vec::new(),
            cors: Cors::default(),
            limits: Limits::default(),
            graphql: Graphql::default(),
            shutdown_timeout: Duration::from_secs(10),
            drain_time: Duration::ZERO,
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("HOST", "server.host", |c, v| put(&mut c.server.host, text(v))).text(),
    Setting::new("PORT", "server.port", |c, v| put(&mut c.server.port, integer(v, 0, 65_535))),
    Setting::new("PUBLIC_URL", "server.public_url", |c, v| put(&mut c.server.public_url, public_url(v))).text(),
    Setting::new("ROOT_REDIRECT", "server.root_redirect", |c, v| put(&mut c.server.root_redirect, optional_text(v))),
    Setting::new("SERVE_APP", "server.serve_app", |c, v| put(&mut c.server.serve_app, boolean(v))),
    Setting::new("GATEWIT_PAGES", "server.pages", |c, v| {
        put(&mut c.server.pages, optional_text(v).map(|path| path.map(PathBuf::from)))
    }),
    Setting::new("MAX_PAYLOAD_SIZE", "server.max_payload_size", |c, v| {
        put(&mut c.server.max_payload_bytes, bytes(v, PAYLOAD_BYTES.0, PAYLOAD_BYTES.1))
    }),
    Setting::new("IP_TRUST_PROXY", "server.ip_trust_proxy", |c, v| put(&mut c.server.ip_trust_proxy, trust_proxy(v))),
    Setting::new("IP_CUSTOM_HEADER", "server.ip_custom_header", |c, v| {
        put(&mut c.server.ip_custom_header, optional_header(v))
    }),
    Setting::new("HEALTHCHECK_ENABLED", "server.healthcheck_enabled", |c, v| {
        put(&mut c.server.healthcheck_enabled, boolean(v))
    }),
    Setting::new("HSTS_ENABLED", "server.hsts.enabled", |c, v| put(&mut c.server.hsts.enabled, boolean(v))),
    Setting::new("HSTS_MAX_AGE", "server.hsts.max_age", |c, v| {
        put(&mut c.server.hsts.max_age_seconds, integer(v, 0, 1 << 32))
    }),
    Setting::new("HSTS_INCLUDE_SUB_DOMAINS", "server.hsts.include_sub_domains", |c, v| {
        put(&mut c.server.hsts.include_sub_domains, boolean(v))
    }),
    Setting::new("HSTS_PRELOAD", "server.hsts.preload", |c, v| put(&mut c.server.hsts.preload, boolean(v))),
    Setting::new("CROSS_ORIGIN_OPENER_POLICY_ENABLED", "server.cross_origin_opener_policy_enabled", |c, v| {
        put(&mut c.server.cross_origin_opener_policy_enabled, boolean(v))
    }),
    Setting::new("GATEWIT_SHUTDOWN_TIMEOUT", "server.shutdown_timeout", |c, v| {
        put(&mut c.server.shutdown_timeout, duration(v))
    }),
    Setting::new("GATEWIT_DRAIN_TIME", "server.drain_time", |c, v| put(&mut c.server.drain_time, duration(v))),
];

/// A path or an absolute http(s) URL without query and fragment; a slash at its end is cut off.
fn public_url(value: &Value) -> Result<String, Refusal> {
    let Some(url) = optional_text(value)? else {
        return Ok("/".to_owned());
    };
    let lower = url.to_ascii_lowercase();
    let after_scheme = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let is_absolute = after_scheme.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let is_path = url.starts_with('/') && !url.starts_with("//");
    if !(is_absolute || is_path) || url.contains(['?', '#', '\\', ' ']) {
        return Err(Refusal::new("is not a URL to build links on; write for example https://auth.example.com"));
    }
    let trimmed = url.trim_end_matches('/');
    Ok(if trimmed.is_empty() { "/" } else { trimmed }.to_owned())
}

/// The name of a header (RFC 9110 §5.1), or none.
fn optional_header(value: &Value) -> Result<Option<String>, Refusal> {
    let name = optional_text(value)?;
    if name.as_deref().is_some_and(|name| !is_token(name)) {
        return Err(Refusal::new("is not the name of a header; write for example X-Real-IP, or false for none"));
    }
    Ok(name)
}

/// Is `text` a token of RFC 9110 §5.6.2, as names of headers and cookies must be?
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// One directive from the end of a variable's name (`FRAME_SRC`) and its value; `null` or `false` removes it.
pub(super) fn directive(name: &str, value: &Value) -> Result<Directive, Refusal> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
        return Err(Refusal::new("is set for a name that no directive can have; write for example FRAME_SRC"));
    }
    let value = match value {
        Value::Null | Value::Boolean(false) => None,
        Value::Boolean(true) => Some(String::new()),
        Value::List(parts) => Some(sources(parts)?),
        one => Some(optional_text(one)?.unwrap_or_default()),
    };
    if value.as_deref().is_some_and(|value| value.contains([';', ','])) {
        return Err(Refusal::new("is not the value of one directive; write its sources without ; and ,"));
    }
    Ok(Directive { name, value })
}

fn sources(parts: &[Value]) -> Result<String, Refusal> {
    let parts: Result<Vec<_>, _> = parts.iter().map(|part| Ok(optional_text(part)?.unwrap_or_default())).collect();
    Ok(parts?.iter().map(|part| part.trim()).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    #[test]
    fn the_public_url_is_a_path_or_an_absolute_url() {
        let of = |raw: &str| public_url(&cast("PUBLIC_URL", raw));
        for (raw, url) in [
            ("", "/"),
            ("/", "/"),
            ("/auth/", "/auth"),
            ("https://a.example/", "https://a.example"),
            ("HTTP://localhost:8055/x", "HTTP://localhost:8055/x"),
        ] {
            assert_eq!(of(raw), Ok(url.to_owned()), "{raw}");
        }
        for raw in
            ["a.example", "//a.example", "ftp://a.example", "https://", "https:///x", "https://a?b", "/a#b", "/a\\b"]
        {
            assert!(of(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn the_custom_header_is_a_token_or_none() {
        let of = |raw: &str| optional_header(&cast("IP_CUSTOM_HEADER", raw));
        assert_eq!(of("X-Real-IP"), Ok(Some("X-Real-IP".to_owned())));
        assert_eq!(of("false"), Ok(None));
        for raw in ["true", "X Real", "X:Real", "X\r\nY"] {
            assert!(of(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn a_directive_is_set_emptied_or_removed() {
        let of = |raw: &str| directive("FRAME_SRC", &cast("", raw)).map(|directive| directive.value);
        assert_eq!(directive("FRAME_SRC", &Value::Null).unwrap().name, "frame-src");
        assert_eq!(of("'self' https://a.example"), Ok(Some("'self' https://a.example".to_owned())));
        assert_eq!(of("'self', https://a.example"), Ok(Some("'self' https://a.example".to_owned())));
        assert_eq!(of("true"), Ok(Some(String::new())));
        assert_eq!(of("null"), Ok(None));
        assert!(of("'self'; script-src *").is_err());
        assert!(of("a\nb").is_err());
        assert!(directive("FRAME SRC", &Value::Null).is_err());
    }
}
