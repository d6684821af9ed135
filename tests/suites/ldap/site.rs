//! A directory, a server that knows it, and what both say.

use anyhow::{Context as _, ensure};
use e2e::calls::quick;
use e2e::client::{Client, Request, Response};
use e2e::server::{self, TestServer};
use e2e::slapd::{Options, ROOT, SERVICE, Slapd};
use serde_json::{Value, json};
use sqlx::{Connection as _, Row as _};

/// A directory and a server.
pub(crate) struct Site {
    pub(crate) slapd: Slapd,
    pub(crate) server: TestServer,
}

/// The group that stands for the seed's role `Editor` in the settings of [`settings`].
pub(crate) const EDITOR: &str = "2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6";

/// The role of those in no group.
pub(crate) const DEFAULT: &str = "3b59bf5a-82a4-4f92-8c50-1ef9965795aa";

/// Settings of the provider `ld` for a directory at this address.
pub(crate) fn settings(url: &str) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        pair("AUTH_PROVIDERS", "ld"),
        pair("AUTH_LD_DRIVER", "ldap"),
        pair("AUTH_LD_CLIENT_URL", url),
        pair("AUTH_LD_BIND_DN", SERVICE.0),
        pair("AUTH_LD_BIND_PASSWORD", SERVICE.1),
        pair("AUTH_LD_USER_DN", &format!("ou=people,{ROOT}")),
        pair("AUTH_LD_GROUP_DN", &format!("ou=groups,{ROOT}")),
        pair("AUTH_LD_DEFAULT_ROLE_ID", DEFAULT),
    ]
}

/// A server with these settings; later ones stand in for earlier ones, and empty ones take them away.
pub(crate) async fn serve(settings: &[(String, String)], more: &[(&str, &str)]) -> anyhow::Result<TestServer> {
    let mut all = quick(&[]);
    for (name, value) in
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied())
    {
        all.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            all.push((name, value));
        }
    }
    TestServer::seeded(&all).await
}

impl Site {
    pub(crate) async fn open(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start(&Options::default(), more).await
    }

    pub(crate) async fn start(options: &Options<'_>, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let slapd = Slapd::start(options).await?;
        let server = serve(&settings(&format!("ldap://127.0.0.1:{}", slapd.port)), more).await?;
        Ok(Self { slapd, server })
    }

    pub(crate) fn client(&self) -> Client {
        self.server.client()
    }

    /// Signs in in the mode `json`.
    pub(crate) async fn sign_in(&self, identifier: &str, password: &str) -> anyhow::Result<Response> {
        self.client().send(&login(identifier, password, "json")).await
    }

    /// Columns of the accounts of this provider: identifier, address, role, first name.
    pub(crate) async fn accounts(&self) -> anyhow::Result<Vec<[Option<String>; 4]>> {
        accounts(&self.server).await
    }

    /// What a trace of the last failed sign-in says.
    pub(crate) async fn told(&self, text: &str) -> anyhow::Result<()> {
        self.server.logged(text).await.map(drop)
    }
}

pub(crate) async fn accounts(server: &TestServer) -> anyhow::Result<Vec<[Option<String>; 4]>> {
    let mut database = server::open(&server.database()?).await?;
    let text = "SELECT external_identifier, email, role, first_name FROM directus_users WHERE provider <> 'default' ORDER BY 1";
    let rows = sqlx::query(text).fetch_all(&mut database).await?;
    database.close().await?;
    Ok(rows.iter().map(|row| std::array::from_fn(|place| row.get(place))).collect())
}

/// `POST /auth/login/ld`.
pub(crate) fn login(identifier: &str, password: &str, mode: &str) -> Request {
    let body = json!({"identifier": identifier, "password": password, "mode": mode});
    Request::new("POST", "/auth/login/ld").json(&body)
}

/// That an answer is a refusal.
pub(crate) fn refused(answer: &Response, status: u16, code: &str) -> anyhow::Result<()> {
    let told: Value = answer.json()?;
    let found = told["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
    ensure!(answer.status == status && found == code, "{} {}", answer.status, answer.text());
    Ok(())
}

/// That an answer is a sign-in; its body.
pub(crate) fn signed_in(answer: &Response) -> anyhow::Result<Value> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    let body: Value = answer.json()?;
    body["data"]["access_token"].as_str().context("no token")?;
    Ok(body["data"].clone())
}
