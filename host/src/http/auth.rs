//! `/auth`: sign-in, refresh, sign-out and the list of providers.

use super::{attempt, respond::Reply, route::Route, service::Exchange, token::Source, validate};
use crate::{
    bindings::auth::{
        exports::gatewit::auth::sessions::{Form, Grant, Held},
        gatewit::auth::types::Reason,
    },
    gatewit::broken,
};
use hyper::header::HeaderValue;
use serde_json::{Map, Value, json};

/// Where a client keeps what it holds (SPEC of the wire: `mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// In its own memory.
    Json,
    /// The refresh token in a cookie.
    Cookie,
    /// Everything in a cookie.
    Session,
}

impl Mode {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "cookie" => Some(Self::Cookie),
            "session" => Some(Self::Session),
            _ => None,
        }
    }

    /// For refresh and sign-out: said, or guessed from what is there. `None` for anything that is not a mode.
    fn resolve(body: &Value) -> Option<Self> {
        match (body.get("mode"), body.get("refresh_token")) {
            (None | Some(Value::Null), None | Some(Value::Null)) => Some(Self::Cookie),
            (None | Some(Value::Null), Some(_)) => Some(Self::Json),
            (Some(mode), _) => Self::named(mode.as_str().unwrap_or_default()),
        }
    }

    pub(super) fn form(self) -> Form {
        match self {
            Self::Json | Self::Cookie => Form::Tokens,
            Self::Session => Form::Session,
        }
    }
}

/// A refresh by session cookie says for itself whether the cookie is good: an exchange knows more of it than a look does.
pub(super) fn authenticates_itself(route: &Route, exchange: &Exchange<'_>, body: &Value) -> bool {
    *route == Route::Refresh && exchange.presents_cookie() && Mode::resolve(body) == Some(Mode::Session)
}

/// `GET /auth`.
pub(super) async fn providers(exchange: &Exchange<'_>) -> Reply {
    let list = async {
        let mut rules = exchange.rules().await?;
        rules.providers(exchange.query.has("sessionOnly")).await.map_err(|error| broken(&error))?
    };
    match list.await {
        Err(reason) => exchange.refused(reason),
        Ok(providers) => {
            let entry = |(name, value): (&str, Option<String>)| value.map(|value| (name.to_owned(), value.into()));
            let entries = providers.into_iter().map(|provider| {
                let known = [
                    ("name", Some(provider.name)),
                    ("label", provider.label),
                    ("driver", Some(provider.driver)),
                    ("icon", provider.icon),
                ];
                Value::Object(known.into_iter().filter_map(entry).collect::<Map<_, _>>())
            });
            let data: Vec<_> = entries.collect();
            Reply::json(&json!({ "data": data, "disableDefault": exchange.server.config.auth.disable_default }))
        }
    }
}

/// `POST /auth/login` and `POST /auth/login/<provider>`.
pub(super) async fn login(exchange: &Exchange<'_>, provider: &str, body: &Value) -> Reply {
    let Some(served) = exchange.server.provider(provider).filter(|served| served.takes_credentials()) else {
        return exchange.not_found();
    };
    let mode = validate::text(body, "mode").and_then(Mode::named).unwrap_or(Mode::Json);
    let attempt = match attempt::read(&served, provider, body, mode.form()) {
        Ok(attempt) => attempt,
        Err(refusal) => {
            exchange.hold(exchange.wire.login_stall).await;
            return Reply::refused(&[refusal]);
        }
    };
    match exchange.login(&served.name, &attempt).await {
        Ok(grant) if served.driver_name() == TELLS_TOKENS => told(exchange, mode, &grant),
        Ok(grant) => granted(exchange, mode, &grant),
        Err(reason) => exchange.refused(reason),
    }
}

/// The driver whose sign-ins are answered with the access token in every mode, and in another order: that is how Directus
/// does it.
const TELLS_TOKENS: &str = "ldap";

/// The answer to such a sign-in.
fn told(exchange: &Exchange<'_>, mode: Mode, grant: &Grant) -> Reply {
    let (expires, access_token) = (grant.expires_in_ms, &grant.access_token);
    let data = match mode {
        Mode::Json => {
            json!({ "access_token": access_token, "expires": expires, "refresh_token": grant.refresh_token })
        }
        Mode::Cookie | Mode::Session => json!({ "access_token": access_token, "expires": expires }),
    };
    let reply = Reply::json(&json!({ "data": data }));
    kept(exchange, mode, grant).into_iter().fold(reply, Reply::with_cookie)
}

/// `POST /auth/refresh`.
pub(super) async fn refresh(exchange: &Exchange<'_>, body: &Value) -> Reply {
    let (mode, held) = match holding(exchange, body) {
        Ok(holding) => holding,
        Err(reason) => return exchange.refused(reason),
    };
    match exchange.refresh(&held, mode.form()).await {
        Ok(grant) => granted(exchange, mode, &grant),
        // A provider may refuse to renew a session that is good all the same, and then the cookie stays.
        Err(reason) if mode == Mode::Session && !exchange.is_known().await => {
            exchange.token_refused(Source::Cookie, reason)
        }
        Err(reason) => exchange.refused(reason),
    }
}

/// `POST /auth/logout`. Both cookies go, whichever mode it is.
pub(super) async fn logout(exchange: &Exchange<'_>, body: &Value) -> Reply {
    let held = match holding(exchange, body) {
        Ok((_, held)) => held,
        Err(reason) => return exchange.refused(reason),
    };
    if let Err(reason) = exchange.operate(None, async |_, rules| rules.logout(&held, &exchange.client).await).await {
        return exchange.refused(reason);
    }
    signed_out(exchange, Reply::no_content())
}

/// An answer after which neither cookie is left.
pub(super) fn signed_out(exchange: &Exchange<'_>, reply: Reply) -> Reply {
    let carried = [&exchange.wire.refresh_cookie, &exchange.wire.session_cookie];
    let carried = carried.into_iter().filter(|cookie| exchange.cookie(cookie).is_some());
    carried.fold(reply, |reply, cookie| reply.with_cookie(cookie.clear(exchange.now)))
}

/// What the client keeps in a cookie, by the mode.
pub(super) fn kept(exchange: &Exchange<'_>, mode: Mode, grant: &Grant) -> Option<HeaderValue> {
    match mode {
        Mode::Json => None,
        Mode::Cookie => Some(exchange.wire.refresh_cookie.set(&grant.refresh_token, exchange.now)),
        Mode::Session => Some(exchange.wire.session_cookie.set(&grant.access_token, exchange.now)),
    }
}

/// The mode, and what the client holds in it.
fn holding(exchange: &Exchange<'_>, body: &Value) -> Result<(Mode, Held), Reason> {
    let missing = || {
        let reason = "The refresh token is required in either the payload or cookie";
        Reason::InvalidPayload(reason.to_owned())
    };
    let mode = Mode::resolve(body).ok_or_else(missing)?;
    let held = match mode {
        Mode::Json => match body.get("refresh_token") {
            None | Some(Value::Null | Value::Bool(false)) => None,
            Some(Value::String(token)) if token.is_empty() => None,
            Some(Value::String(token)) => Some(Held::RefreshToken(token.clone())),
            // What is no text is no token of anybody.
            Some(_) => return Err(Reason::InvalidCredentials),
        },
        Mode::Cookie => exchange.cookie(&exchange.wire.refresh_cookie).map(Held::RefreshToken),
        Mode::Session => exchange.cookie(&exchange.wire.session_cookie).map(Held::SessionToken),
    };
    Ok((mode, held.ok_or_else(missing)?))
}

/// The tokens of a signed-in client, each where the mode wants it.
pub(super) fn granted(exchange: &Exchange<'_>, mode: Mode, grant: &Grant) -> Reply {
    let expires = grant.expires_in_ms;
    let (refresh_token, access_token) = (&grant.refresh_token, &grant.access_token);
    let data = match mode {
        Mode::Json => json!({ "expires": expires, "refresh_token": refresh_token, "access_token": access_token }),
        Mode::Cookie => json!({ "expires": expires, "access_token": access_token }),
        Mode::Session => json!({ "expires": expires }),
    };
    let reply = Reply::json(&json!({ "data": data }));
    kept(exchange, mode, grant).into_iter().fold(reply, Reply::with_cookie)
}
