//! `[outbound]`: how drivers reach the hosts of their providers.
//!
//! Proxies have three families of names. That of the npm package global-agent, which Directus's own documentation has people
//! set, is asked first, because whoever sets it means this program; then the names of everybody in upper case, then those in
//! lower case. As there, `GLOBAL_AGENT_HTTP_PROXY` is for both schemes where `GLOBAL_AGENT_HTTPS_PROXY` is not set, and
//! `HTTP_PROXY` is for `http` alone. Deliberately absent: `ALL_PROXY` and SOCKS, and what single providers set differently
//! (`AUTH_<NAME>_CLIENT_HTTP_…`), which is among their settings.

use std::path::PathBuf;
use std::time::Duration;

use super::cast::Value;
use super::decode::{bytes, duration_from, integer, list, optional_text, path};
use super::error::Refusal;
use super::setting::{Setting, put};
use crate::Secret;

/// Shortest deadline: below it no network answers.
const DEADLINE_MIN: Duration = Duration::from_millis(100);

/// Most drivers that may wait at the same time: as many as there can be calls.
const CALLS_MAX: u64 = 13_000;

/// Largest answer that may be configured. What one component hands over at once is less.
const RESPONSE_BYTES: (u64, u64) = (1 << 10, 64 << 20);

/// The way to providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Proxy for `http` (`GLOBAL_AGENT_HTTP_PROXY`, `HTTP_PROXY`, `http_proxy`). Its URL may hold a password.
    pub http_proxy: Option<Secret<String>>,
    /// Proxy for `https` (`GLOBAL_AGENT_HTTPS_PROXY`, `GLOBAL_AGENT_HTTP_PROXY`, `HTTPS_PROXY`, `https_proxy`).
    pub https_proxy: Option<Secret<String>>,
    /// Hosts that no proxy is asked for (`GLOBAL_AGENT_NO_PROXY`, `NO_PROXY`, `no_proxy`).
    pub no_proxy: Vec<String>,
    /// File of certificates that are trusted besides (`NODE_EXTRA_CA_CERTS`).
    pub extra_certificates: Option<PathBuf>,
    /// File of certificates that are trusted instead of the system's (`SSL_CERT_FILE`).
    pub certificates: Option<PathBuf>,
    /// Longest time for a connection, with its proxy and its encryption (`GATEWIT_OUTBOUND_CONNECT_TIMEOUT`, default 5 s).
    pub connect_timeout: Duration,
    /// Longest silence of a provider (`GATEWIT_OUTBOUND_READ_TIMEOUT`, default 10 s).
    pub read_timeout: Duration,
    /// Longest time for one request and its answer (`GATEWIT_OUTBOUND_TIMEOUT`, default 20 s).
    pub timeout: Duration,
    /// Longest time for all that one step of a sign-in does (`GATEWIT_OUTBOUND_CALL_TIMEOUT`, default 30 s).
    pub call_timeout: Duration,
    /// Largest answer, in bytes (`GATEWIT_OUTBOUND_RESPONSE_SIZE`, default 1 MiB).
    pub response_bytes: u64,
    /// Calls of drivers that may wait for providers at the same time (`GATEWIT_OUTBOUND_CALLS`, default 256, and at most half
    /// of `GATEWIT_CALLS`).
    pub calls: u32,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            http_proxy: None,
            https_proxy: None,
            no_proxy: Vec::new(),
            extra_certificates: None,
            certificates: None,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(20),
            call_timeout: Duration::from_secs(30),
            response_bytes: 1 << 20,
            calls: 256,
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("HTTP_PROXY", "outbound.http_proxy", |c, v| put(&mut c.outbound.http_proxy, proxy(v)))
        .secret()
        .spelled(&["GLOBAL_AGENT_HTTP_PROXY", "HTTP_PROXY", "http_proxy"]),
    Setting::new("HTTPS_PROXY", "outbound.https_proxy", |c, v| put(&mut c.outbound.https_proxy, proxy(v)))
        .secret()
        .spelled(&["GLOBAL_AGENT_HTTPS_PROXY", "GLOBAL_AGENT_HTTP_PROXY", "HTTPS_PROXY", "https_proxy"]),
    Setting::new("NO_PROXY", "outbound.no_proxy", |c, v| put(&mut c.outbound.no_proxy, hosts(v))).text().spelled(&[
        "GLOBAL_AGENT_NO_PROXY",
        "NO_PROXY",
        "no_proxy",
    ]),
    Setting::new("NODE_EXTRA_CA_CERTS", "outbound.extra_certificates", |c, v| {
        put(&mut c.outbound.extra_certificates, optional_path(v))
    })
    .text(),
    Setting::new("SSL_CERT_FILE", "outbound.certificates", |c, v| put(&mut c.outbound.certificates, optional_path(v)))
        .text(),
    Setting::new("GATEWIT_OUTBOUND_CONNECT_TIMEOUT", "outbound.connect_timeout", |c, v| {
        put(&mut c.outbound.connect_timeout, duration_from(v, DEADLINE_MIN))
    }),
    Setting::new("GATEWIT_OUTBOUND_READ_TIMEOUT", "outbound.read_timeout", |c, v| {
        put(&mut c.outbound.read_timeout, duration_from(v, DEADLINE_MIN))
    }),
    Setting::new("GATEWIT_OUTBOUND_TIMEOUT", "outbound.timeout", |c, v| {
        put(&mut c.outbound.timeout, duration_from(v, DEADLINE_MIN))
    }),
    Setting::new("GATEWIT_OUTBOUND_CALL_TIMEOUT", "outbound.call_timeout", |c, v| {
        put(&mut c.outbound.call_timeout, duration_from(v, DEADLINE_MIN))
    }),
    Setting::new("GATEWIT_OUTBOUND_RESPONSE_SIZE", "outbound.response_size", |c, v| {
        put(&mut c.outbound.response_bytes, bytes(v, RESPONSE_BYTES.0, RESPONSE_BYTES.1))
    }),
    Setting::new("GATEWIT_OUTBOUND_CALLS", "outbound.calls", |c, v| {
        put(&mut c.outbound.calls, integer(v, 1, CALLS_MAX))
    }),
];

fn optional_path(value: &Value) -> Result<Option<PathBuf>, Refusal> {
    optional_text(value)?.map(|_| path(value)).transpose()
}

/// Hosts, domains, addresses and networks, separated by commas or, as global-agent takes them, by spaces; `*.example.com`
/// means what `.example.com` means to everybody else.
pub(crate) fn hosts(value: &Value) -> Result<Vec<String>, Refusal> {
    let parts = list(value)?;
    let words = parts.iter().flat_map(|part| part.split_whitespace());
    Ok(words
        .map(|word| word.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(word).to_owned())
        .collect())
}

/// The URL of a proxy; `http://` may be left out, and an empty text means none.
pub(crate) fn proxy(value: &Value) -> Result<Option<Secret<String>>, Refusal> {
    let wrong =
        || Refusal::new("is not the URL of a proxy; write for example http://user:password@proxy.example.com:3128");
    let Some(text) = optional_text(value)? else { return Ok(None) };
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    let url = url::Url::parse(&text).map_err(|_| wrong())?;
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) || !is_bare {
        return Err(wrong());
    }
    // What the client reads it with knows fewer forms.
    url.as_str().parse::<http::Uri>().map_err(|_| wrong())?;
    Ok(Some(Secret::new(url.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources, cast::cast};

    fn read(variables: &[(&str, &str)]) -> Result<Outbound, String> {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let read = Config::from_sources(&Sources { environment, ..Sources::default() });
        read.map(|(config, _)| config.outbound).map_err(|error| error.to_string())
    }

    fn shown(proxy: Option<&Secret<String>>) -> &str {
        proxy.map_or("none", |url| url.expose())
    }

    #[test]
    fn the_family_of_global_agent_is_asked_first() {
        for (variables, http, https) in [
            (&[("http_proxy", "a:1")][..], "http://a:1/", "none"),
            (&[("http_proxy", "a:1"), ("HTTP_PROXY", "b:1"), ("https_proxy", "c:1")], "http://b:1/", "http://c:1/"),
            (&[("HTTPS_PROXY", "b:1"), ("GLOBAL_AGENT_HTTP_PROXY", "c:1")], "http://c:1/", "http://c:1/"),
            (
                &[("GLOBAL_AGENT_HTTPS_PROXY", "https://d:1"), ("GLOBAL_AGENT_HTTP_PROXY", "c:1")],
                "http://c:1/",
                "https://d:1/",
            ),
        ] {
            let outbound = read(variables).unwrap();
            assert_eq!(shown(outbound.http_proxy.as_ref()), http, "{variables:?}");
            assert_eq!(shown(outbound.https_proxy.as_ref()), https, "{variables:?}");
        }
        let outbound =
            read(&[("no_proxy", "a"), ("NO_PROXY", "b, *.c"), ("GLOBAL_AGENT_NO_PROXY", "*.d e,10.0.0.0/8")]);
        assert_eq!(outbound.unwrap().no_proxy, [".d", "e", "10.0.0.0/8"]);
    }

    #[test]
    fn a_proxy_that_is_none_is_refused_by_the_name_that_was_written() {
        let told = read(&[("http_proxy", "socks5://user:hush@a:1")]).unwrap_err();
        assert!(told.contains("http_proxy: the value is not the URL of a proxy"), "{told}");
        assert!(!told.contains("hush"), "{told}");
        for text in ["http://", "ftp://a", "http://a:99999", "http://a/path", "http://a?x", "a b"] {
            assert!(proxy(&cast("HTTP_PROXY", text)).is_err(), "{text}");
        }
        for none in ["", "false"] {
            assert_eq!(proxy(&cast("ANY", none)), Ok(None));
        }
    }
}
