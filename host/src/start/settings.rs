//! What components may know of the configuration: the rules their section. What is set of a
//! provider is read in `provider.rs`.
//!
//! Absent: secrets of the host, and everything that no component asks for.

use crate::{
    Config,
    bindings::auth::gatewit::config::settings::Value,
    capability::config::Settings,
    config::{self, Attempts, EnforceTfa, Ttl},
};
use std::{sync::Arc, time::Duration};

/// Life of a password-reset link. Directus has no setting for it.
const RESET_TTL_MS: u64 = 86_400_000;

/// How long a person may be away at a provider, where its settings do not say. Directus's `AUTH_<P>_LOGIN_TIMEOUT`.
const SIGN_IN_MS: u64 = 300_000;

/// What the rules may know.
pub(super) fn of_rules(config: &Config) -> Settings {
    let (auth, accounts) = (&config.auth, &config.accounts);
    let lives = [
        ("access-token", auth.access_token_ttl),
        ("refresh-token", auth.refresh_token_ttl),
        ("session", auth.session_cookie_ttl),
        ("invitation", accounts.invite_ttl),
        ("verification", accounts.verification_ttl),
        ("password-reset", Ttl::from_ms(RESET_TTL_MS)),
    ];
    let stalls = [
        ("session-refresh-grace-ms", auth.session_refresh_grace_period),
        ("login-stall-ms", auth.login_stall_time),
        ("register-stall-ms", accounts.register_stall_time),
    ];
    let lists = [
        ("password-reset-urls", &accounts.reset_urls),
        ("invitation-urls", &accounts.invite_urls),
        ("registration-urls", &accounts.register_urls),
        ("public-urls", &auth.allowed_public_urls),
    ];
    let flags = [
        ("enforce-second-factor", accounts.enforce_tfa == EnforceTfa::Enforce),
        ("suspend-after-attempts", accounts.attempts == Attempts::Suspend),
    ];
    let mut settings = vec![("public-url".to_owned(), Value::Text(public_url(config)))];
    settings.push(("sign-in-ms".to_owned(), number(SIGN_IN_MS)));
    for (name, ttl) in lives {
        settings.push((format!("{name}-ms"), number(ttl.body_ms())));
        settings.push((format!("{name}-seconds"), number(ttl.jwt_seconds())));
    }
    settings.extend(stalls.map(|(name, stall)| (name.to_owned(), number(millis(stall)))));
    settings.extend(lists.map(|(name, list)| (name.to_owned(), Value::List(list.clone()))));
    settings.extend(flags.map(|(name, flag)| (name.to_owned(), Value::Boolean(flag))));
    Arc::new(settings.into_iter().collect())
}

/// Where links in letters lead: a path alone leads nowhere outside of a browser, so it gets the address that is listened on.
fn public_url(config: &Config) -> String {
    let config::Server { public_url, host, port, .. } = &config.server;
    if public_url.starts_with('/') { format!("http://{host}:{port}{public_url}") } else { public_url.clone() }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "lifetimes are bounded at a thousand years, exact in a double")]
fn number(number: u64) -> Value {
    Value::Number(number as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere_without_a_public_url() {
        let mut config = Config::default();
        assert_eq!(public_url(&config), "http://127.0.0.1:8055/");
        config.server.public_url = "https://auth.example.com".to_owned();
        assert_eq!(public_url(&config), "https://auth.example.com");
    }
}
