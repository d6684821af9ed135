//! A real identity provider, a server that knows it, and what both say.

use anyhow::{Context as _, ensure};
use e2e::oidc::free_port;
use e2e::provider::form::encode;
use e2e::saml::{Form, Provider, form, key};
use e2e::server::{self, TestServer};
use e2e::traveller::{Page, Traveller};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

/// The cookie of a session.
pub(crate) const SESSION: &str = "directus_session_token";

/// A provider and a server.
pub(crate) struct Site {
    pub(crate) provider: Provider,
    pub(crate) server: TestServer,
    pub(crate) url: String,
}

impl Site {
    pub(crate) async fn open(options: Value, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::open_at(&format!("http://127.0.0.1:{}", free_port()?), options, settings).await
    }

    /// A server at an address, which some settings name.
    pub(crate) async fn open_at(url: &str, options: Value, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let provider = Provider::start(&format!("{url}/auth/login/corp"), &options).await?;
        let metadata = format!("{}/metadata", provider.base);
        let port = url.rsplit_once(':').context("no port")?.1;
        let mut env = vec![
            ("PORT", port),
            ("PUBLIC_URL", url),
            ("LOGIN_STALL_TIME", "0"),
            ("AUTH_PROVIDERS", "corp"),
            ("AUTH_CORP_DRIVER", "saml"),
            ("AUTH_CORP_ALLOW_PUBLIC_REGISTRATION", "true"),
        ];
        if !settings.iter().any(|(name, _)| name.eq_ignore_ascii_case("AUTH_CORP_IDP_metadata")) {
            env.push(("AUTH_CORP_IDP_metadata", metadata.as_str()));
        }
        env.extend(settings);
        let server = TestServer::start(&env).await?;
        server::seed(&server.database()?).await?;
        Ok(Self { provider, server, url: url.to_owned() })
    }

    /// Goes to the provider and comes back with its form, which is not posted yet.
    pub(crate) async fn leave(&self, browser: &mut Traveller, query: &str) -> anyhow::Result<Form> {
        let left = browser.get(&format!("{}/auth/login/corp{query}", self.url)).await?;
        let page = match left.status {
            302 => browser.get(left.location()).await?,
            _ => post(browser, &form(&left.text)?).await?,
        };
        ensure!(page.status == 200, "the provider says {} {}", page.status, page.text);
        form(&page.text)
    }

    pub(crate) async fn sign_in(&self, browser: &mut Traveller) -> anyhow::Result<Page> {
        self.sign_in_with(browser, "?redirect=%2Fafter").await
    }

    pub(crate) async fn sign_in_with(&self, browser: &mut Traveller, query: &str) -> anyhow::Result<Page> {
        let back = self.leave(browser, query).await?;
        post(browser, &back).await
    }

    pub(crate) async fn me(&self, browser: &mut Traveller) -> anyhow::Result<Page> {
        browser.get(&format!("{}/users/me?fields=*", self.url)).await
    }

    /// Changes something in the database.
    pub(crate) async fn run(&self, statements: &str) -> anyhow::Result<()> {
        run(&self.server, statements).await
    }

    /// Looks into the database: the first column of all rows.
    pub(crate) async fn column(&self, query: &str) -> anyhow::Result<Vec<Option<String>>> {
        column(&self.server, query).await
    }

    pub(crate) async fn accounts(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut database = server::open(&self.server.database()?).await?;
        let text = "SELECT external_identifier, email FROM directus_users WHERE provider = 'corp' ORDER BY email";
        let rows = sqlx::query(text).fetch_all(&mut database).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

pub(crate) async fn post(browser: &mut Traveller, form: &Form) -> anyhow::Result<Page> {
    let fields: Vec<_> =
        form.fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    browser.post(&form.action, &fields.join("&")).await
}

pub(crate) fn signed_in(page: &Page, browser: &Traveller) -> anyhow::Result<()> {
    ensure!(page.status == 302 && page.location() == "/after", "{} {:?} {}", page.status, page.location(), page.text);
    ensure!(browser.cookie("127.0.0.1", SESSION).is_some(), "no session");
    Ok(())
}

pub(crate) fn refused(page: &Page, browser: &Traveller) -> anyhow::Result<()> {
    ensure!(
        page.status == 302 && page.location().starts_with("/after?reason="),
        "{} {:?}",
        page.status,
        page.location()
    );
    ensure!(browser.cookie("127.0.0.1", SESSION).is_none(), "there is a session");
    Ok(())
}

pub(crate) fn with_keys() -> anyhow::Result<[(&'static str, String); 4]> {
    let read = |name: &str| std::fs::read_to_string(key(name)).map(|text| format!("string:{text}"));
    Ok([
        ("AUTH_CORP_SP_PRIVATE_KEY", read("sp.key.pem")?),
        ("AUTH_CORP_SP_SIGNING_CERT", read("sp.crt")?),
        ("AUTH_CORP_SP_ENC_PRIVATE_KEY", read("sp.key.pem")?),
        ("AUTH_CORP_SP_ENCRYPT_CERT", read("sp.crt")?),
    ])
}

pub(crate) fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Changes something in the database of a server.
pub(crate) async fn run(server: &TestServer, statements: &str) -> anyhow::Result<()> {
    let mut database = server::open(&server.database()?).await?;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut database).await?;
    Ok(database.close().await?)
}

/// Looks into the database of a server: the first column of all rows.
pub(crate) async fn column(server: &TestServer, query: &str) -> anyhow::Result<Vec<Option<String>>> {
    let mut database = server::open(&server.database()?).await?;
    let rows = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(&mut database).await?;
    database.close().await?;
    Ok(rows)
}
