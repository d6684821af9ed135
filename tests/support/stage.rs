//! A server and its provider, ready for sign-ins: what every test of them begins with.

use anyhow::{Context as _, ensure};

use crate::browser::{Browser, Landing, PUBLIC_URL};
use crate::calls::quick;
use crate::provider::{CLIENT_ID, CLIENT_SECRET, Provider, Script};
use crate::server::{self, TestServer};

/// The provider's name in the server's settings.
pub const NAME: &str = "op";

/// A server and a provider.
pub struct Stage {
    /// The provider.
    pub provider: Provider,
    /// The server.
    pub server: TestServer,
}

impl Stage {
    /// A server that signs people in at a provider of OpenID Connect, with `more` settings.
    pub async fn openid(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let provider = Provider::start().await?;
        let issuer = provider.url.clone();
        let ours = [
            ("AUTH_OP_DRIVER", "openid"),
            ("AUTH_OP_ISSUER_URL", issuer.as_str()),
            ("AUTH_OP_SCOPE", "openid profile email offline_access"),
        ];
        Self::start(provider, &[&ours, more].concat()).await
    }

    /// A server that signs people in at a provider of OAuth 2.0.
    pub async fn oauth2(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let provider = Provider::start().await?;
        let url = |path: &str| format!("{}{path}", provider.url);
        let (authorize, token, profile) = (url("/authorize"), url("/token"), url("/me"));
        let ours = [
            ("AUTH_OP_DRIVER", "oauth2"),
            ("AUTH_OP_AUTHORIZE_URL", authorize.as_str()),
            ("AUTH_OP_ACCESS_URL", token.as_str()),
            ("AUTH_OP_PROFILE_URL", profile.as_str()),
            ("AUTH_OP_SCOPE", "email offline_access"),
            ("AUTH_OP_IDENTIFIER_KEY", "sub"),
            ("AUTH_OP_FIRST_NAME_KEY", "given_name"),
        ];
        Self::start(provider, &[&ours, more].concat()).await
    }

    /// A server with these settings of the provider.
    pub async fn start(provider: Provider, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let ours = [
            ("PUBLIC_URL", PUBLIC_URL),
            ("LOG_LEVEL", "debug"),
            ("AUTH_PROVIDERS", NAME),
            ("AUTH_OP_CLIENT_ID", CLIENT_ID),
            ("AUTH_OP_CLIENT_SECRET", CLIENT_SECRET),
            ("AUTH_OP_ALLOW_PUBLIC_REGISTRATION", "true"),
            ("AUTH_OP_SYNC_USER_INFO", "true"),
        ];
        let mut settings: Vec<(&str, &str)> = quick(&ours);
        for (name, value) in more {
            settings.retain(|(known, _)| known != name);
            settings.push((name, value));
        }
        settings.retain(|(_, value)| !value.is_empty());
        Ok(Self { server: TestServer::start(&settings).await?, provider })
    }

    /// A browser without cookies.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser::new(&self.server)
    }

    /// Somebody who is signed in.
    pub async fn signed_in(&self) -> anyhow::Result<Browser> {
        let mut browser = self.browser();
        let landing = browser.sign_in(&self.provider, NAME).await?;
        ensure!(landing == Landing::good(), "{landing:?}; the server's log:\n{}", self.server.log());
        Ok(browser)
    }

    /// What there is of accounts, identities and sessions, but for when people were last here.
    pub async fn accounts(&self) -> anyhow::Result<Vec<String>> {
        let mut database = server::open(&self.server.database()?).await?;
        let statement = "
            select json_array(id, email, first_name, last_name, status, role, provider, external_identifier, auth_data)
            from directus_users order by id";
        let mut rows: Vec<String> = sqlx::query_scalar(statement).fetch_all(&mut database).await?;
        let sessions: i64 =
            sqlx::query_scalar("select count(*) from directus_sessions").fetch_one(&mut database).await?;
        rows.push(format!("{sessions} sessions"));
        Ok(rows)
    }

    /// Signs in well once; then lets the provider misbehave and say that the person has another name. The next sign-in must
    /// end at `landing`, the log must say `why`, and nothing of any account may be another.
    pub async fn refuses(
        &self,
        misbehave: impl FnOnce(&mut Script),
        landing: Landing,
        why: &str,
    ) -> anyhow::Result<()> {
        self.signed_in().await?;
        let before = self.accounts().await?;
        self.provider.script(|script| {
            script.person["given_name"] = "Mallory".into();
            misbehave(script);
        });
        let mut browser = self.browser();
        let found = browser.sign_in(&self.provider, NAME).await?;
        ensure!(
            found == landing,
            "the browser ends at {found:?}, expected {landing:?}; the log:\n{}",
            self.server.log()
        );
        ensure!(!browser.is_signed_in().await?, "it is signed in");
        self.server.logged(why).await.context("the sign-in was refused for another reason")?;
        ensure!(self.accounts().await? == before, "an account changed: {before:?}, {:?}", self.accounts().await?);
        Ok(())
    }
}
