//! A browser at a server under test: it keeps cookies, goes to a provider and comes back, and stops where it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};

use crate::client::{Client, Request, Response};
use crate::provider::{Provider, form};
use crate::server::TestServer;

/// Where every server of a sign-in test says that it is.
pub const PUBLIC_URL: &str = "https://gatewit.example.com";

/// Where every sign-in is to end.
pub const TARGET: &str = "/done";

/// The cookie of a session.
const SESSION_COOKIE: &str = "directus_session_token";

/// A browser.
pub struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

/// Where a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The place.
    pub target: String,
    /// Whether the answer set the session cookie.
    pub signed_in: bool,
}

impl Landing {
    /// A sign-in that succeeded.
    #[must_use]
    pub fn good() -> Self {
        Self { target: TARGET.to_owned(), signed_in: true }
    }

    /// One that was refused, with a reason, on the way back.
    #[must_use]
    pub fn refused(reason: &str) -> Self {
        Self { target: format!("{TARGET}?reason={reason}"), signed_in: false }
    }

    /// One that was refused before the browser left.
    #[must_use]
    pub fn refused_at_once(reason: &str) -> Self {
        Self { target: format!("{PUBLIC_URL}/admin/login?reason={reason}"), signed_in: false }
    }
}

impl Browser {
    /// A browser without cookies.
    #[must_use]
    pub fn new(server: &TestServer) -> Self {
        Self::at(server.address)
    }

    /// A browser without cookies, for a server at an address.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self { client: Client::new(address), cookies: BTreeMap::new() }
    }

    /// A cookie that it has.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Gives it a cookie.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Sends a request with its cookies, and keeps those of the answer.
    pub async fn send(&mut self, mut request: Request) -> anyhow::Result<Response> {
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("Cookie", &pairs.join("; "));
        }
        let answer = self.client.send(&request).await?;
        for cookie in answer.all("set-cookie") {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').context("a cookie without a name")?;
            if value.is_empty() || attributes.contains("1970") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// Gets a path of the server, or an address of it.
    pub async fn get(&mut self, url: &str) -> anyhow::Result<Response> {
        let path = url.strip_prefix(PUBLIC_URL).unwrap_or(url);
        self.send(Request::new("GET", path)).await
    }

    /// Posts a form.
    pub async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> anyhow::Result<Response> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut request = Request::new("POST", path).header("Content-Type", "application/x-www-form-urlencoded");
        request.body = Some(form::write(&pairs).into_bytes());
        self.send(request).await
    }

    /// Begins a sign-in: where the browser is sent.
    pub async fn begin(&mut self, name: &str) -> anyhow::Result<String> {
        let answer = self.get(&format!("/auth/login/{name}?redirect={}", form::encode(TARGET))).await?;
        redirected(&answer)
    }

    /// Goes to the provider: the address at which it comes back here.
    pub async fn leave(&mut self, provider: &Provider, name: &str) -> anyhow::Result<Result<String, Landing>> {
        let url = self.begin(name).await?;
        if url.starts_with(PUBLIC_URL) {
            return Ok(Err(Landing { target: url, signed_in: false }));
        }
        provider.visit(&url).await.map(Ok)
    }

    /// Comes back.
    pub async fn arrive(&mut self, url: &str) -> anyhow::Result<Landing> {
        let answer = self.get(url).await?;
        let signed_in = answer
            .all("set-cookie")
            .any(|cookie| cookie.strip_prefix(SESSION_COOKIE).is_some_and(|rest| !rest.starts_with("=;")));
        Ok(Landing { target: redirected(&answer)?, signed_in })
    }

    /// A whole sign-in.
    pub async fn sign_in(&mut self, provider: &Provider, name: &str) -> anyhow::Result<Landing> {
        match self.leave(provider, name).await? {
            Ok(url) => self.arrive(&url).await,
            Err(landing) => Ok(landing),
        }
    }

    /// Whether it is signed in.
    pub async fn is_signed_in(&mut self) -> anyhow::Result<bool> {
        Ok(self.get("/users/me").await?.status == 200)
    }

    /// Refreshes its session: the status of the answer.
    pub async fn refresh(&mut self) -> anyhow::Result<Response> {
        let request = Request::new("POST", "/auth/refresh").json(&serde_json::json!({"mode": "session"}));
        self.send(request).await
    }
}

/// Where an answer sends the browser.
pub fn redirected(answer: &Response) -> anyhow::Result<String> {
    match answer.header("location") {
        Some(location) if matches!(answer.status, 302 | 303) => Ok(location.to_owned()),
        _ => bail!("no redirect: {} {}", answer.status, answer.text()),
    }
}
