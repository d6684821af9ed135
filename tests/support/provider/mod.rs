//! A provider of OAuth 2.0 and OpenID Connect on loopback: correct as it stands, with a switch for each way to misbehave.
//!
//! It signs everybody in at once as the one person that it knows. What it answers can be edited at each point (`Script`),
//! endpoints can be broken (`Fault`), and it remembers what it was asked. Absent: TLS, consent, and more than one client.

mod endpoints;
mod fault;
pub mod form;
mod keys;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::client::{Client, Request, Response};
pub use fault::Fault;
pub use keys::{Seal, SigningKey, Token};

/// Our name at the provider. It has letters that a form encodes.
pub const CLIENT_ID: &str = "gatewit:test";
/// What only the provider and the server know, with letters that a form encodes, and long enough for HS256.
pub const CLIENT_SECRET: &str = "s3cret+/&%:= of the tests, longer than 32 bytes";
/// How the provider calls its session with the person.
pub const SESSION: &str = "session-at-the-provider";

/// Changes something that the provider is about to answer.
pub type Edit<T> = Option<Box<dyn FnMut(&mut T) + Send>>;

/// What the provider does. By default all of it is right.
pub struct Script {
    /// The claims of the person, as the userinfo endpoint tells them.
    pub person: Value,
    /// The keys that it publishes.
    pub published: Vec<SigningKey>,
    /// The key that it signs with.
    pub signs: SigningKey,
    /// The `alg` of what it signs.
    pub algorithm: &'static str,
    /// Whether a refresh comes with an ID token.
    pub renews_id_token: bool,
    /// Changes the discovery document.
    pub discovery: Edit<Value>,
    /// Changes the set of keys.
    pub keys: Edit<Value>,
    /// Changes the parameters that the browser brings back.
    pub callback: Edit<Vec<(String, String)>>,
    /// Changes an ID token before it is signed.
    pub id_token: Edit<Token>,
    /// Changes what the token endpoint answers.
    pub tokens: Edit<Value>,
    /// Changes what the userinfo endpoint answers.
    pub userinfo: Edit<Value>,
    /// Whether the userinfo endpoint signs.
    pub signs_userinfo: bool,
    /// Changes what it signs.
    pub userinfo_token: Edit<Token>,
    /// Breaks endpoints, by their names.
    pub faults: BTreeMap<&'static str, Fault>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The endpoint: `discovery`, `keys`, `authorize`, `token`, `userinfo`, `end_session`.
    pub endpoint: &'static str,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// The query, or the form.
    pub parameters: Vec<(String, String)>,
}

impl Seen {
    /// A parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        form::get(&self.parameters, name)
    }
}

/// What a code stands for.
struct Grant {
    parameters: Vec<(String, String)>,
}

struct State {
    url: String,
    script: Script,
    seen: Vec<Seen>,
    codes: BTreeMap<String, Grant>,
    refresh_token: Option<String>,
    drawn: usize,
}

/// A running provider; it ends with the value.
pub struct Provider {
    /// Its issuer.
    pub url: String,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    running: AbortHandle,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Provider {
    /// Starts one on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let key = SigningKey::load("rsa-one")?;
        let script = Script {
            person: json!({
                "sub": "ann", "email": "ann@example.com", "email_verified": true, "given_name": "Ann", "family_name": "Lee",
                "groups": ["staff"],
            }),
            published: vec![key.clone()],
            signs: key,
            algorithm: "RS256",
            renews_id_token: false,
            discovery: None,
            keys: None,
            callback: None,
            id_token: None,
            tokens: None,
            userinfo: None,
            signs_userinfo: false,
            userinfo_token: None,
            faults: BTreeMap::new(),
        };
        let (seen, codes) = (Vec::new(), BTreeMap::new());
        let state = State { url: url.clone(), script, seen, codes, refresh_token: None, drawn: 0 };
        let state = Arc::new(Mutex::new(state));
        let router = endpoints::router(Arc::clone(&state));
        let running = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Ok(Self { url, address, state, running })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes what it does from now on.
    pub fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.state().script)
    }

    /// Breaks an endpoint.
    pub fn fault(&self, endpoint: &'static str, fault: Fault) {
        self.script(|script| script.faults.insert(endpoint, fault));
    }

    /// From now on, another key signs; the old one is not published any more.
    pub fn rotate(&self) -> anyhow::Result<()> {
        let key = SigningKey::load("rsa-two")?;
        self.script(|script| {
            script.published = vec![key.clone()];
            script.signs = key;
        });
        Ok(())
    }

    /// How often an endpoint was asked.
    #[must_use]
    pub fn calls(&self, endpoint: &str) -> usize {
        self.state().seen.iter().filter(|seen| seen.endpoint == endpoint).count()
    }

    /// The endpoints that were asked since the last time, in order.
    #[must_use]
    pub fn take_calls(&self) -> Vec<&'static str> {
        self.state().seen.drain(..).map(|seen| seen.endpoint).collect()
    }

    /// Forgets what was asked so far.
    pub fn forget_calls(&self) {
        self.state().seen.clear();
    }

    /// The last request to an endpoint.
    pub fn last(&self, endpoint: &str) -> anyhow::Result<Seen> {
        let seen = self.state().seen.iter().rev().find(|seen| seen.endpoint == endpoint).cloned();
        seen.with_context(|| format!("nobody asked {endpoint}"))
    }

    /// A browser comes along with an address of this provider; where it is sent.
    pub async fn visit(&self, url: &str) -> anyhow::Result<String> {
        let path = url.strip_prefix(&self.url).with_context(|| format!("not at this provider: {url}"))?;
        let answer = self.get(path).await?;
        ensure!(answer.status == 302, "{url}: {} {}", answer.status, answer.text());
        Ok(answer.header("location").context("no location")?.to_owned())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Response> {
        Client::new(self.address).send(&Request::new("GET", path)).await
    }

    /// A logout token, changed before it is signed.
    #[must_use]
    pub fn logout_token(&self, edit: impl FnOnce(&mut Token)) -> String {
        let mut state = self.state();
        let (now, id) = (now(), state.draw("logout"));
        let header = json!({"alg": state.script.algorithm, "kid": state.script.signs.id, "typ": "logout+jwt"});
        let claims = json!({
            "iss": state.url, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": id, "sub": state.script.person["sub"],
            "sid": SESSION, "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        let mut token = Token::new(header, claims, state.script.signs.clone());
        edit(&mut token);
        token.compact()
    }
}

impl State {
    /// A text that was not drawn before.
    fn draw(&mut self, what: &str) -> String {
        self.drawn += 1;
        format!("{what}-{:05}", self.drawn)
    }
}

/// Seconds since the Unix epoch.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
