//! `/users/me/identities`: who at which provider signs in to one's own account.

use super::{
    accounts::done,
    date,
    refusal::Refusal,
    respond::Reply,
    service::{Caller, Exchange},
    single_sign_on::ticket,
    validate::{self, Field, Kind},
};
use crate::bindings::auth::{
    exports::gatewit::auth::{
        identities::Identity,
        single_sign_on::{Departure, Start},
    },
    gatewit::auth::types::Reason,
};
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// `GET /users/me/identities`.
pub(super) async fn list(exchange: &Exchange<'_>, caller: Option<Caller>) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    match exchange.operate_as(caller, async |who, rules| rules.list_identities(who).await).await {
        Err(reason) => exchange.refused(reason),
        Ok(identities) => {
            let shown = |identity: Identity| {
                json!({
                    "id": identity.id,
                    "provider": identity.provider,
                    "identifier": identity.identifier,
                    "email": identity.email,
                    "primary": identity.primary,
                    "linked_at": identity.linked_at_ms.map(|ms| date::iso_millis(OffsetDateTime::UNIX_EPOCH + Duration::from_millis(ms))),
                })
            };
            Reply::json(&json!({ "data": identities.into_iter().map(shown).collect::<Vec<_>>() }))
        }
    }
}

/// `POST /users/me/identities/<provider>`: where the browser goes to link an identity there. Not a redirect, so that no
/// page of somebody else can send a browser on this way.
pub(super) async fn link(exchange: &Exchange<'_>, caller: Option<Caller>, provider: &str, body: &Value) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let Some(served) = exchange.server.provider(provider).filter(|served| served.redirects()) else {
        return exchange.not_found();
    };
    if let Err(reason) = validate::check(body, &[Field::optional("redirect", Kind::Text)]) {
        return Reply::refused(&[Refusal::payload(reason)]);
    }
    let start = Start {
        provider: served.name.to_string(),
        target: validate::text(body, "redirect").map(ToOwned::to_owned),
        prompt: false,
        otp: None,
        origin: exchange.reached.clone(),
        link: Some(caller.principal.clone()),
    };
    match exchange.begin(Some(caller), start).await {
        Err(failure) => exchange.refused(failure.reason),
        Ok(Departure { to, ticket: text }) => {
            let form = to.form.into_iter().map(|field| (field.name, field.value.into()));
            let form = Some(form.collect::<Map<_, _>>()).filter(|form| !form.is_empty());
            let data = match form {
                Some(form) => json!({ "url": to.url, "form": form }),
                None => json!({ "url": to.url }),
            };
            Reply::json(&json!({ "data": data })).with_cookie(ticket(&served).set(&text, exchange.now))
        }
    }
}

/// `DELETE /users/me/identities/<id>`.
pub(super) async fn unlink(exchange: &Exchange<'_>, caller: Option<Caller>, id: &str) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let answer = exchange.operate_as(caller, async |who, rules| rules.unlink(who, id, &exchange.client).await);
    done(exchange, answer.await)
}
