//! `[auth]`: how long tokens live, how long a login takes at least, and the providers of the configuration.

use std::time::Duration;

use super::decode::{boolean, duration, list, ttl};
use super::duration::Ttl;
use super::provider::Provider;
use super::setting::{Setting, put};

/// Sign-in and tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    /// Life of an access token in the modes json and cookie (`ACCESS_TOKEN_TTL`, default `15m`).
    pub access_token_ttl: Ttl,
    /// Life of a refresh token, and of a session's row at login (`REFRESH_TOKEN_TTL`, default `7d`).
    pub refresh_token_ttl: Ttl,
    /// Life of a session's token and cookie (`SESSION_COOKIE_TTL`, default `1d`).
    pub session_cookie_ttl: Ttl,
    /// How long a session's previous token works after a refresh (`SESSION_REFRESH_GRACE_PERIOD`, default `10s`).
    pub session_refresh_grace_period: Duration,
    /// What a login takes at least, in order not to tell whether an account exists (`LOGIN_STALL_TIME`, default 500 ms).
    pub login_stall_time: Duration,
    /// Is sign-in with e-mail and password switched off (`AUTH_DISABLE_DEFAULT`, default false)?
    pub disable_default: bool,
    /// Further addresses under which browsers reach this server, for the way back from a provider
    /// (`AUTH_ALLOWED_PUBLIC_URLS`, default none).
    pub allowed_public_urls: Vec<String>,
    /// The providers of the configuration in their order (`AUTH_PROVIDERS`, default none).
    pub providers: Vec<Provider>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            access_token_ttl: Ttl::from_ms(15 * 60_000),
            refresh_token_ttl: Ttl::from_ms(7 * 86_400_000),
            session_cookie_ttl: Ttl::from_ms(86_400_000),
            session_refresh_grace_period: Duration::from_secs(10),
            login_stall_time: Duration::from_millis(500),
            disable_default: false,
            allowed_public_urls: Vec::new(),
            providers: Vec::new(),
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("ACCESS_TOKEN_TTL", "auth.access_token_ttl", |c, v| put(&mut c.auth.access_token_ttl, ttl(v))),
    Setting::new("REFRESH_TOKEN_TTL", "auth.refresh_token_ttl", |c, v| put(&mut c.auth.refresh_token_ttl, ttl(v))),
    Setting::new("SESSION_COOKIE_TTL", "auth.session_cookie_ttl", |c, v| put(&mut c.auth.session_cookie_ttl, ttl(v))),
    Setting::new("SESSION_REFRESH_GRACE_PERIOD", "auth.session_refresh_grace_period", |c, v| {
        put(&mut c.auth.session_refresh_grace_period, duration(v))
    }),
    Setting::new("LOGIN_STALL_TIME", "auth.login_stall_time", |c, v| put(&mut c.auth.login_stall_time, duration(v))),
    Setting::new("AUTH_ALLOWED_PUBLIC_URLS", "auth.allowed_public_urls", |c, v| {
        put(&mut c.auth.allowed_public_urls, list(v))
    }),
    Setting::new("AUTH_DISABLE_DEFAULT", "auth.disable_default", |c, v| put(&mut c.auth.disable_default, boolean(v))),
];
