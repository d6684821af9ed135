//! A browser that goes from server to server, TLS or not: it keeps cookies by host, follows redirects, and tells where it has been.
//!
//! Cookies go by host and not by port, as in browsers (RFC 6265, section 8.5). Deliberately absent: pages, scripts, and
//! anything that a test does not send itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Redirects that are followed in a row.
const HOPS_MAX: usize = 12;

/// No answer of a server under test takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a browser shows.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Where it is.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// Headers by name in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
}

impl Page {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Where the page leads, as it says it.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.text).with_context(|| format!("not JSON: {:?}", self.text))
    }
}

/// Such a browser.
#[derive(Clone, Default)]
pub struct Traveller {
    /// By host, then by name.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    tls: Option<Arc<ClientConfig>>,
}

impl Traveller {
    /// One that trusts these authorities.
    #[must_use]
    pub fn trusting(tls: Arc<ClientConfig>) -> Self {
        Self { tls: Some(tls), ..Self::default() }
    }

    /// The cookie of a host.
    #[must_use]
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies.get(host)?.get(name).map(String::as_str)
    }

    /// Puts a cookie into the jar, or takes it out if it is empty.
    pub fn put(&mut self, host: &str, name: &str, value: &str) {
        let jar = self.cookies.entry(host.to_owned()).or_default();
        if value.is_empty() { drop(jar.remove(name)) } else { drop(jar.insert(name.to_owned(), value.to_owned())) }
    }

    /// Goes to an address and stays there, whatever it says.
    pub async fn get(&mut self, url: &str) -> anyhow::Result<Page> {
        self.send("GET", url, None).await
    }

    /// Sends a form.
    pub async fn post(&mut self, url: &str, form: &str) -> anyhow::Result<Page> {
        self.send("POST", url, Some(("application/x-www-form-urlencoded", form))).await
    }

    /// Sends JSON.
    pub async fn json(&mut self, method: &str, url: &str, body: &serde_json::Value) -> anyhow::Result<Page> {
        self.send(method, url, Some(("application/json", &body.to_string()))).await
    }

    /// Goes to an address and follows redirects until one leads to `until`, which is not gone to, or none is left.
    pub async fn follow(&mut self, url: &str, until: impl Fn(&str) -> bool) -> anyhow::Result<Page> {
        let mut url = url.to_owned();
        for _ in 0..HOPS_MAX {
            let page = self.get(&url).await?;
            if page.location().is_empty() {
                return Ok(page);
            }
            let next = resolve(&url, page.location())?;
            if until(&next) {
                return Ok(page);
            }
            url = next;
        }
        bail!("too many redirects, the last one to {url}")
    }

    async fn send(&mut self, method: &str, url: &str, body: Option<(&str, &str)>) -> anyhow::Result<Page> {
        let (scheme, rest) = url.split_once("://").with_context(|| url.to_owned())?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
        let path = path.split('#').next().unwrap_or_default();
        let target = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let mut request =
            Request::builder().method(method).uri(&target).header("host", authority).header("accept", "*/*");
        let jar: Vec<_> =
            self.cookies.get(&host).into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
        if !jar.is_empty() {
            request = request.header("cookie", jar.join("; "));
        }
        if let Some((kind, _)) = body {
            request = request.header("content-type", kind);
        }
        let bytes = Bytes::copy_from_slice(body.map_or("", |(_, body)| body).as_bytes());
        let request = request.body(Full::new(bytes))?;
        let answer = tokio::time::timeout(PATIENCE, self.exchange(scheme, authority, request)).await;
        let (head, text) = answer.with_context(|| format!("{url} does not answer"))?.with_context(|| url.to_owned())?;
        let headers: Vec<(String, String)> = head
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).context("a cookie")?;
            self.put(&host, name, value);
        }
        Ok(Page { url: url.to_owned(), status: head.status().as_u16(), headers, text })
    }

    async fn exchange(
        &self,
        scheme: &str,
        authority: &str,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<(Response<()>, String)> {
        let address: SocketAddr = authority.replace("localhost", "127.0.0.1").parse().context("only addresses")?;
        let stream = TcpStream::connect(address).await?;
        let response = if scheme == "https" {
            let tls = TlsConnector::from(self.tls.clone().context("this browser trusts nobody")?);
            let stream = tls.connect(ServerName::from(address.ip()), stream).await?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        } else {
            ensure!(scheme == "http", "{scheme} is no scheme of a page");
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        };
        let (head, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        Ok((Response::from_parts(head, ()), text))
    }
}

/// Where a page leads.
pub fn resolve(from: &str, location: &str) -> anyhow::Result<String> {
    let (scheme, rest) = from.split_once("://").context("no scheme")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Ok(match location {
        absolute if absolute.contains("://") => absolute.to_owned(),
        rooted if rooted.starts_with('/') => format!("{scheme}://{authority}{rooted}"),
        beside => format!("{scheme}://{authority}{folder}/{}", beside.trim_start_matches("./")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_to_others() {
        let from = "http://a:1/b/c?d#e";
        for (location, expected) in [
            ("https://x/y", "https://x/y"),
            ("/y?z", "http://a:1/y?z"),
            ("./y", "http://a:1/b/y"),
            ("y", "http://a:1/b/y"),
        ] {
            assert_eq!(resolve(from, location).unwrap(), expected);
        }
    }
}
