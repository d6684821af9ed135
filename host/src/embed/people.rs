//! What typed calls take and answer.

use crate::{
    bindings::auth::{
        exports::gatewit::auth::{access::Principal, open_sessions, providers, sessions},
        gatewit::auth::types,
    },
    http::refusal::Refusal,
};
use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime},
};
use time::OffsetDateTime;

/// On whose behalf the program calls. Sessions keep it, policies may be bound to the address, and it is in the activity log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The address of the person's device. Without one, policies that are bound to addresses do not apply.
    pub address: Option<IpAddr>,
    /// What the person's browser calls itself.
    pub user_agent: Option<String>,
    /// The origin (RFC 6454) of the page that asks.
    pub origin: Option<String>,
}

impl From<&Client> for types::Client {
    fn from(client: &Client) -> Self {
        let Client { address, user_agent, origin } = client.clone();
        Self { address: address.map(|address| address.to_canonical().to_string()), user_agent, origin }
    }
}

impl From<types::Client> for Client {
    fn from(client: types::Client) -> Self {
        let types::Client { address, user_agent, origin } = client;
        Self { address: address.and_then(|address| address.parse().ok()), user_agent, origin }
    }
}

/// With what somebody signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `default` for passwords of accounts here; else the name of a provider that takes credentials.
    pub provider: String,
    /// What the provider asks for, by name: `email` and `password`, or `identifier` and `password`.
    pub fields: BTreeMap<String, String>,
    /// A one-time password or a recovery code.
    pub otp: Option<String>,
    /// One token that is bound to the session, as browsers hold it in a cookie, instead of a pair.
    pub one_token: bool,
}

impl Credentials {
    /// An address and a password of an account here.
    #[must_use]
    pub fn password(email: impl Into<String>, password: impl Into<String>) -> Self {
        let fields = [("email", email.into()), ("password", password.into())];
        Self {
            provider: "default".to_owned(),
            fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
            otp: None,
            one_token: false,
        }
    }

    pub(super) fn form(&self) -> sessions::Form {
        if self.one_token { sessions::Form::Session } else { sessions::Form::Tokens }
    }

    /// The same with a second factor.
    #[must_use]
    pub fn with_otp(self, otp: impl Into<String>) -> Self {
        Self { otp: Some(otp.into()), ..self }
    }
}

/// Says nothing that is secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.fields.keys().collect();
        formatter
            .debug_struct("Credentials")
            .field("provider", &self.provider)
            .field("fields", &names)
            .field("otp", &self.otp.is_some())
            .field("one_token", &self.one_token)
            .finish()
    }
}

/// What a client holds to refresh or to sign out.
#[derive(Clone, PartialEq, Eq)]
pub enum Held {
    /// The refresh token of a pair.
    RefreshToken(String),
    /// The one token of [`Credentials::one_token`].
    SessionToken(String),
}

/// Says nothing that is secret.
impl fmt::Debug for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RefreshToken(_) => "RefreshToken(…)",
            Self::SessionToken(_) => "SessionToken(…)",
        })
    }
}

impl Held {
    pub(super) fn form(&self) -> sessions::Form {
        match self {
            Self::RefreshToken(_) => sessions::Form::Tokens,
            Self::SessionToken(_) => sessions::Form::Session,
        }
    }
}

impl From<Held> for sessions::Held {
    fn from(held: Held) -> Self {
        match held {
            Held::RefreshToken(token) => Self::RefreshToken(token),
            Held::SessionToken(token) => Self::SessionToken(token),
        }
    }
}

/// What somebody has who is signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// For [`Gatewit::verify`](crate::Gatewit::verify) and as a bearer token; with [`Credentials::one_token`] the session token.
    pub access_token: String,
    /// The next pair is had for it, once; with [`Credentials::one_token`] there is none.
    pub refresh_token: Option<String>,
    /// How long the access token is good.
    pub expires_in: Duration,
}

/// Says nothing that is secret.
impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn of(grant: sessions::Grant, form: sessions::Form) -> Self {
        Self {
            access_token: grant.access_token,
            // In the other form it is the id of the session, which is the client's only inside of the token.
            refresh_token: (form == sessions::Form::Tokens).then_some(grant.refresh_token),
            expires_in: Duration::from_millis(grant.expires_in_ms),
        }
    }
}

/// Whose token it is, as of now: looked up, never read from the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id of the account; `None` for who was let in by a share.
    pub user: Option<String>,
    /// The id of its role.
    pub role: Option<String>,
    /// The id of the share.
    pub share: Option<String>,
    /// May do everything.
    pub admin: bool,
    /// May use the app of a Directus.
    pub app: bool,
    /// The ids of the policies that apply to this client.
    pub policies: Vec<String>,
}

impl From<Principal> for Person {
    fn from(principal: Principal) -> Self {
        let Principal { user, role, share, admin, app, policies, .. } = principal;
        Self { user, role, share, admin, app, policies }
    }
}

/// A session that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// A name for it, by which it can be ended. No token.
    pub id: String,
    /// Whose it is; `None` for a share.
    pub user: Option<String>,
    /// The share that it belongs to.
    pub share: Option<String>,
    /// The provider that it goes back to; `None` for passwords and shares.
    pub provider: Option<String>,
    /// When it ends, unless it is refreshed.
    pub expires: SystemTime,
    /// From where it was last refreshed.
    pub client: Client,
    /// Whether the token that asks belongs to it.
    pub current: bool,
}

impl From<open_sessions::OpenSession> for OpenSession {
    fn from(session: open_sessions::OpenSession) -> Self {
        let open_sessions::OpenSession { id, user, share, provider, expires_at_ms, client, current } = session;
        let expires = SystemTime::UNIX_EPOCH + Duration::from_millis(expires_at_ms);
        Self { id, user, share, provider, expires, client: client.into(), current }
    }
}

/// A provider to show to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// As in `/auth/login/<name>`.
    pub name: String,
    /// The driver that serves it.
    pub driver: String,
    /// What people call it.
    pub label: Option<String>,
    /// The name of a picture.
    pub icon: Option<String>,
}

impl From<providers::Provider> for Provider {
    fn from(provider: providers::Provider) -> Self {
        let providers::Provider { name, driver, label, icon } = provider;
        Self { name, driver, label, icon }
    }
}

/// Why a call was refused, in the words of the wire. It may be told to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(Refusal);

impl Refused {
    pub(crate) fn new(refusal: Refusal) -> Self {
        Self(refusal)
    }

    pub(super) fn of(reason: types::Reason, now: OffsetDateTime) -> Self {
        Self(Refusal::of(reason, now))
    }

    /// The code of the wire, such as `INVALID_CREDENTIALS`. Treat the set as open.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// The status that HTTP would have (RFC 9110, section 15).
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// After how long another try makes sense, where it passes by itself.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after_seconds().map(Duration::from_secs)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message())
    }
}

impl std::error::Error for Refused {}
