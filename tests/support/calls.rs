//! The requests that many tests send, and what is in their answers.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::client::{Client, Request, Response};
use crate::server::TestServer;

/// The administrator of `fixtures/seed.sql`: address and password.
pub const ADMIN: (&str, &str) = ("admin@example.com", "Adm1n-password");
/// A user of `fixtures/seed.sql`: address and password.
pub const USER: (&str, &str) = ("user@example.com", "User-password1");
/// Another one.
pub const EDITOR: (&str, &str) = ("editor@example.com", "User-password1");
/// Settings with which a sign-in takes no longer than its work: no stall, and hashes as cheap as those of the seed.
pub const QUICK: [(&str, &str); 4] =
    [("LOGIN_STALL_TIME", "0"), ("HASH_MEMORY_COST", "1024"), ("HASH_TIME_COST", "1"), ("HASH_PARALLELISM", "1")];

/// `QUICK` and more.
#[must_use]
pub fn quick<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    QUICK.iter().chain(more).copied().collect()
}

/// The tokens of a client in the mode `json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// `data.access_token`
    pub access: String,
    /// `data.refresh_token`
    pub refresh: String,
}

impl Tokens {
    /// The tokens in an answer.
    pub fn of(answer: &Response) -> anyhow::Result<Self> {
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        let body = answer.json()?;
        let text = |name: &str| body["data"][name].as_str().map(ToOwned::to_owned).with_context(|| answer.text());
        Ok(Self { access: text("access_token")?, refresh: text("refresh_token")? })
    }
}

/// `POST /auth/login`.
#[must_use]
pub fn login((email, password): (&str, &str), mode: &str) -> Request {
    Request::new("POST", "/auth/login").json(&json!({"email": email, "password": password, "mode": mode}))
}

/// `POST /auth/refresh` in the mode `json`.
#[must_use]
pub fn refresh(token: &str) -> Request {
    Request::new("POST", "/auth/refresh").json(&json!({"refresh_token": token, "mode": "json"}))
}

/// `POST /auth/logout` in the mode `json`.
#[must_use]
pub fn logout(token: &str) -> Request {
    Request::new("POST", "/auth/logout").json(&json!({"refresh_token": token, "mode": "json"}))
}

/// `POST /auth/<operation>` in the mode `session`.
#[must_use]
pub fn in_session(operation: &str, token: &str) -> Request {
    let request = Request::new("POST", &format!("/auth/{operation}")).json(&json!({"mode": "session"}));
    request.header("Cookie", &format!("directus_session_token={token}"))
}

/// `GET /users/me` with a bearer token of any kind.
#[must_use]
pub fn me(token: &str) -> Request {
    Request::new("GET", "/users/me").header("Authorization", &format!("Bearer {token}"))
}

/// The token in the session cookie that an answer sets.
pub fn session_token(answer: &Response) -> anyhow::Result<String> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    let cookie = answer.all("set-cookie").find_map(|cookie| cookie.strip_prefix("directus_session_token="));
    let token = cookie.and_then(|rest| rest.split(';').next()).filter(|token| !token.is_empty());
    Ok(token.context("no session cookie")?.to_owned())
}

/// Signs in, in the mode `json`.
pub async fn sign_in(client: &mut Client, account: (&str, &str)) -> anyhow::Result<Tokens> {
    Tokens::of(&client.send(&login(account, "json")).await?)
}

/// The status of an answer and the code of its first error.
#[must_use]
pub fn verdict(answer: &Response) -> (u16, String) {
    let body = answer.json().unwrap_or_default();
    (answer.status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

/// Fails unless an answer is this refusal.
pub fn refused(answer: &Response, status: u16, code: &str) -> anyhow::Result<()> {
    ensure!(
        verdict(answer) == (status, code.to_owned()),
        "expected {status} {code}, got {}: {}",
        answer.status,
        answer.text()
    );
    Ok(())
}

/// Somebody who is signed in.
pub struct Caller {
    client: Client,
    /// What they show: an access token, a static one, or nothing.
    pub token: String,
}

impl Caller {
    /// Signs in at a server.
    pub async fn new(server: &TestServer, account: (&str, &str)) -> anyhow::Result<Self> {
        let mut client = server.client();
        let token = sign_in(&mut client, account).await?.access;
        Ok(Self { client, token })
    }

    /// Somebody who has a token already.
    #[must_use]
    pub fn with(client: Client, token: &str) -> Self {
        Self { client, token: token.to_owned() }
    }

    /// What they send with.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Sends a request; without a body if it is null.
    pub async fn send(&mut self, method: &str, path: &str, body: &Value) -> anyhow::Result<Response> {
        let request = Request::new(method, path);
        let request = match self.token.as_str() {
            "" => request,
            token => request.header("Authorization", &format!("Bearer {token}")),
        };
        let request = if body.is_null() { request } else { request.json(body) };
        self.client.send(&request).await
    }

    /// The `data` of an answer that is good.
    pub async fn data(&mut self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.send(method, path, body).await?;
        ensure!(answer.status == 200, "{method} {path}: {} {}", answer.status, answer.text());
        Ok(answer.json()?["data"].clone())
    }

    /// The `data` of something that is read.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.data("GET", path, &Value::Null).await
    }
}
