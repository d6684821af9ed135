//! `[upstream]`: the application behind this server, where it is a reverse proxy.
//!
//! The address is the operator's own word, so loopback and private networks are as good as any. Deliberately absent: several
//! upstreams, rewriting of paths, and caching, which are for a proxy that does nothing else.

use std::time::Duration;

use super::cast::Value;
use super::decode::{duration_from, list, one_of, optional_text};
use super::error::{Refusal, Report};
use super::setting::{Setting, put};

/// Shortest time that may be configured: below it no network answers.
const TIME_MIN: Duration = Duration::from_millis(100);

/// The application behind this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its origin (`GATEWIT_UPSTREAM`, default none: this server stands alone).
    pub url: Option<String>,
    /// Which paths are answered here; all others are passed on (`GATEWIT_UPSTREAM_PATHS`, default `sign-in`).
    pub paths: Vec<OwnPath>,
    /// What becomes of requests of nobody in particular (`GATEWIT_UPSTREAM_ANONYMOUS`, default `pass`).
    pub anonymous: Anonymous,
    /// Which `Host` the application is told (`GATEWIT_UPSTREAM_HOST`, default `client`).
    pub host: UpstreamHost,
    /// Longest time for a connection to it, with its encryption (`GATEWIT_UPSTREAM_CONNECT_TIMEOUT`, default 5 s).
    pub connect_timeout: Duration,
    /// Longest silence until the head of its answer has come (`GATEWIT_UPSTREAM_HEAD_TIMEOUT`, default 1 min).
    pub head_timeout: Duration,
    /// Longest silence within an answer (`GATEWIT_UPSTREAM_READ_TIMEOUT`, default 1 min).
    pub read_timeout: Duration,
    /// Longest silence of a connection that was upgraded, a WebSocket's (`GATEWIT_UPSTREAM_UPGRADED_TIMEOUT`, default 1 h).
    pub upgraded_timeout: Duration,
    /// How long a connection is kept for the next request (`GATEWIT_UPSTREAM_KEEP_ALIVE`, default 4 s): less than the
    /// application keeps it (Node: 5 s).
    pub keep_alive: Duration,
}

/// Paths that are answered here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnPath {
    /// What people need to sign in, in front of an application that knows nothing of this server.
    SignIn,
    /// Whatever concerns sign-ins, in front of a Directus, whose everything else stays its own.
    Directus,
    /// Every path that this server has an answer for, but `/` and `/robots.txt`.
    All,
    /// This path.
    Exactly(String),
    /// This path and those below it. Kept without the slash at its end.
    Below(String),
}

/// What becomes of requests of nobody in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// They are passed on without an identity.
    Pass,
    /// Browsers are sent to sign in, programs get a 401.
    Require,
}

/// Which `Host` the application is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamHost {
    /// The one that the client wrote.
    Client,
    /// Its own, as in `GATEWIT_UPSTREAM`.
    Upstream,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            url: None,
            paths: vec![OwnPath::SignIn],
            anonymous: Anonymous::Pass,
            host: UpstreamHost::Client,
            connect_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_mins(1),
            read_timeout: Duration::from_mins(1),
            upgraded_timeout: Duration::from_hours(1),
            keep_alive: Duration::from_secs(4),
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("GATEWIT_UPSTREAM", "upstream.url", |c, v| put(&mut c.upstream.url, origin(v))).text(),
    Setting::new("GATEWIT_UPSTREAM_PATHS", "upstream.paths", |c, v| put(&mut c.upstream.paths, paths(v))).text(),
    Setting::new("GATEWIT_UPSTREAM_ANONYMOUS", "upstream.anonymous", |c, v| {
        let names = [("pass", Anonymous::Pass), ("require", Anonymous::Require)];
        put(&mut c.upstream.anonymous, one_of(v, &names))
    })
    .text(),
    Setting::new("GATEWIT_UPSTREAM_HOST", "upstream.host", |c, v| {
        let names = [("client", UpstreamHost::Client), ("upstream", UpstreamHost::Upstream)];
        put(&mut c.upstream.host, one_of(v, &names))
    })
    .text(),
    Setting::new("GATEWIT_UPSTREAM_CONNECT_TIMEOUT", "upstream.connect_timeout", |c, v| {
        put(&mut c.upstream.connect_timeout, duration_from(v, TIME_MIN))
    }),
    Setting::new("GATEWIT_UPSTREAM_HEAD_TIMEOUT", "upstream.head_timeout", |c, v| {
        put(&mut c.upstream.head_timeout, duration_from(v, TIME_MIN))
    }),
    Setting::new("GATEWIT_UPSTREAM_READ_TIMEOUT", "upstream.read_timeout", |c, v| {
        put(&mut c.upstream.read_timeout, duration_from(v, TIME_MIN))
    }),
    Setting::new("GATEWIT_UPSTREAM_UPGRADED_TIMEOUT", "upstream.upgraded_timeout", |c, v| {
        put(&mut c.upstream.upgraded_timeout, duration_from(v, TIME_MIN))
    }),
    Setting::new("GATEWIT_UPSTREAM_KEEP_ALIVE", "upstream.keep_alive", |c, v| {
        put(&mut c.upstream.keep_alive, duration_from(v, Duration::ZERO))
    }),
];

impl Upstream {
    /// What the settings say together and probably should not.
    pub(super) fn check(&self, report: &mut Report) {
        let is_set = *self != Self { url: None, ..Self::default() };
        if self.url.is_none() && is_set {
            report.warn("GATEWIT_UPSTREAM_…: does nothing without GATEWIT_UPSTREAM, the address of the application");
        }
    }
}

/// An origin: scheme, host and perhaps a port.
fn origin(value: &Value) -> Result<Option<String>, Refusal> {
    let wrong = || Refusal::new("is not where an application listens; write for example http://127.0.0.1:3000");
    let Some(text) = optional_text(value)? else { return Ok(None) };
    let url = url::Url::parse(&text).map_err(|_| wrong())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_open = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_bare || !is_open || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    Ok(Some(url.origin().ascii_serialization()))
}

fn paths(value: &Value) -> Result<Vec<OwnPath>, Refusal> {
    let paths: Vec<_> = list(value)?.iter().map(|part| path(part)).collect::<Result<_, _>>()?;
    if paths.is_empty() { Err(Refusal::new("names no path; leave it out for sign-in")) } else { Ok(paths) }
}

fn path(text: &str) -> Result<OwnPath, Refusal> {
    let wrong = || Refusal::new("is not a list of sign-in, directus, all, and paths such as /metrics or /auth/*");
    match text {
        "sign-in" => return Ok(OwnPath::SignIn),
        "directus" => return Ok(OwnPath::Directus),
        "all" => return Ok(OwnPath::All),
        _ => {}
    }
    let (path, is_below) = match text.strip_suffix("/*") {
        Some(path) => (path, true),
        None => (text, false),
    };
    let is_path = path.starts_with('/') && path.len() > 1 && !path.ends_with('/') && !path.contains("//");
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte));
    if !is_path || !is_plain || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(wrong());
    }
    let path = path.to_ascii_lowercase();
    Ok(if is_below { OwnPath::Below(path) } else { OwnPath::Exactly(path) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cast::cast;

    #[test]
    fn an_upstream_is_an_origin() {
        let of = |raw: &str| origin(&cast("GATEWIT_UPSTREAM", raw));
        assert_eq!(of(""), Ok(None));
        assert_eq!(of("http://127.0.0.1:3000/"), Ok(Some("http://127.0.0.1:3000".to_owned())));
        assert_eq!(of("https://App.Example.com"), Ok(Some("https://app.example.com".to_owned())));
        assert_eq!(of("http://[::1]:80"), Ok(Some("http://[::1]".to_owned())));
        for bad in
            ["127.0.0.1:3000", "ftp://a", "http://", "http://a/below", "http://u:p@a", "http://a?b", "http://a#b"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_are_presets_and_paths() {
        let of = |raw: &str| paths(&super::super::Value::Text(raw.to_owned()));
        let metrics = OwnPath::Exactly("/metrics".to_owned());
        assert_eq!(of("directus, /Metrics"), Ok(vec![OwnPath::Directus, metrics]));
        assert_eq!(of("/auth/*"), Ok(vec![OwnPath::Below("/auth".to_owned())]));
        for bad in ["", "auth", "/", "/*", "/a/", "/a//b", "/a/../b", "/a%20b", "/a/*/b", "sign_in"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
