//! A real provider, a server that knows it under several names, and what browsers see of both.

use anyhow::ensure;
use e2e::oidc::{CLIENT, Options, Provider, free_port};
use e2e::server::{self, TestServer};
use e2e::traveller::{Page, Traveller, resolve};
use serde_json::Value;
use sqlx::{Connection as _, Row as _};

/// A provider, and a server that knows it under several names.
pub(super) struct Site {
    pub(super) provider: Provider,
    pub(super) server: TestServer,
    pub(super) url: String,
}

/// Under which names the provider is known.
pub(super) const NAMES: [&str; 8] = ["oid", "closed", "cookie", "strict", "listed", "plain", "oa", "leaving"];

impl Site {
    pub(super) async fn start(options: Options, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let provider = Provider::start(&url, &NAMES, options).await?;
        let server = Self::serve(&provider, port, &url, more).await?;
        server::seed(&server.database()?).await?;
        Ok(Self { provider, server, url })
    }

    pub(super) async fn open() -> anyhow::Result<Self> {
        Self::start(Options::default(), &[]).await
    }

    pub(super) async fn serve(
        provider: &Provider,
        port: u16,
        url: &str,
        more: &[(&str, &str)],
    ) -> anyhow::Result<TestServer> {
        let mut env: Vec<(String, String)> = vec![
            ("PORT".into(), port.to_string()),
            ("PUBLIC_URL".into(), url.into()),
            ("LOGIN_STALL_TIME".into(), "0".into()),
            ("AUTH_PROVIDERS".into(), NAMES.join(",")),
        ];
        let mut set = |provider: &str, key: &str, value: &str| {
            env.push((format!("AUTH_{}_{key}", provider.to_uppercase()), value.to_owned()));
        };
        for name in NAMES {
            set(name, "CLIENT_ID", CLIENT.0);
            set(name, "CLIENT_SECRET", CLIENT.1);
            set(name, "ALLOW_PUBLIC_REGISTRATION", if name == "closed" { "false" } else { "true" });
            if name == "oa" {
                set(name, "DRIVER", "oauth2");
                set(name, "AUTHORIZE_URL", &format!("{}/auth", provider.issuer));
                set(name, "ACCESS_URL", &format!("{}/token", provider.issuer));
                set(name, "PROFILE_URL", &format!("{}/profile", provider.issuer));
                set(name, "SCOPE", "email profile");
                set(name, "IDENTIFIER_KEY", "id");
            } else {
                set(name, "DRIVER", "openid");
                set(name, "ISSUER_URL", &provider.issuer);
                set(name, "SCOPE", "openid profile email offline_access");
            }
        }
        set("cookie", "MODE", "cookie");
        set("strict", "REQUIRE_VERIFIED_EMAIL", "true");
        set("listed", "REDIRECT_ALLOW_LIST", "http://app.example.com/cb,http://other.example.com/");
        set("listed", "CLIENT_TOKEN_ENDPOINT_AUTH_METHOD", "client_secret_basic");
        set("plain", "PLAIN_CODE_CHALLENGE", "true");
        set("leaving", "END_SESSION", "true");
        set("leaving", "BACK_CHANNEL_LOGOUT", "true");
        set("oid", "BACK_CHANNEL_LOGOUT", "true");
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        TestServer::start(&env).await
    }

    /// Sends a browser to the provider: the page there, or ours if it says no.
    pub(super) async fn leave(&self, browser: &mut Traveller, provider: &str, query: &str) -> anyhow::Result<Page> {
        browser.get(&format!("{}/auth/login/{provider}{query}", self.url)).await
    }

    /// Signs in at the provider as somebody; the address that it sends the browser back to.
    pub(super) async fn sign_in_there(
        &self,
        browser: &mut Traveller,
        left: &Page,
        how: &str,
    ) -> anyhow::Result<String> {
        ensure!(left.status == 302, "{} {}", left.status, left.text);
        let ours = |url: &str| url.starts_with(&self.url);
        let mut page = browser.follow(left.location(), ours).await?;
        if page.location().is_empty() {
            ensure!(page.text == "who?", "{} {} {}", page.url, page.status, page.text);
            page = browser.follow(&format!("{}?{how}", page.url), ours).await?;
        }
        resolve(&page.url, page.location())
    }

    /// A whole sign-in: what our callback answers.
    pub(super) async fn sign_in(
        &self,
        browser: &mut Traveller,
        provider: &str,
        query: &str,
        how: &str,
    ) -> anyhow::Result<Page> {
        let left = self.leave(browser, provider, query).await?;
        let back = self.sign_in_there(browser, &left, how).await?;
        browser.get(&back).await
    }

    pub(super) async fn me(&self, browser: &mut Traveller) -> anyhow::Result<Value> {
        let page = browser.get(&format!("{}/users/me?fields=*", self.url)).await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text);
        Ok(page.json()?["data"].clone())
    }

    /// Columns of the accounts with an address.
    pub(super) async fn rows(&self, email: &str) -> anyhow::Result<Vec<[Option<String>; 5]>> {
        let mut database = server::open(&self.server.database()?).await?;
        let text =
            "SELECT id, provider, external_identifier, auth_data, first_name FROM directus_users WHERE email = $1";
        let rows = sqlx::query(text).bind(email).fetch_all(&mut database).await?;
        Ok(rows.iter().map(|row| std::array::from_fn(|place| row.get(place))).collect())
    }

    pub(super) async fn run(&self, statement: &str) -> anyhow::Result<()> {
        let mut database = server::open(&self.server.database()?).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut database).await?;
        Ok(database.close().await?)
    }
}

pub(super) fn signed_in(browser: &Traveller, page: &Page, location: &str) -> anyhow::Result<()> {
    ensure!(page.status == 302 && page.location() == location, "{} {:?} {}", page.status, page.location(), page.text);
    ensure!(browser.cookie("127.0.0.1", "directus_session_token").is_some(), "no session");
    Ok(())
}

pub(super) fn refused(browser: &Traveller, page: &Page, location: &str) -> anyhow::Result<()> {
    ensure!(page.status == 302 && page.location() == location, "{} {:?} {}", page.status, page.location(), page.text);
    ensure!(browser.cookie("127.0.0.1", "directus_session_token").is_none(), "there is a session");
    Ok(())
}

/// The same address with another value of a parameter.
pub(super) fn replace(url: &str, parameter: &str) -> String {
    let name = parameter.split('=').next().unwrap_or_default();
    let (front, query) = url.split_once('?').unwrap_or((url, ""));
    let has = |part: &str| part.split('=').next() == Some(name);
    let parts: Vec<_> = query.split('&').map(|part| if has(part) { parameter } else { part }).collect();
    format!("{front}?{}", parts.join("&"))
}
