//! `/users/me/sessions`: where the caller is signed in, and how that ends.
//!
//! Administrators are owners here like everybody: what they may do to others is in `operate`, where it is put on record.

use super::{
    accounts::done,
    date,
    respond::Reply,
    service::{Caller, Exchange},
};
use crate::{
    bindings::auth::{
        exports::gatewit::auth::{access::Principal, open_sessions::OpenSession},
        gatewit::auth::types::Reason,
    },
    capability::audit::Event,
};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// `GET /users/me/sessions`.
pub(super) async fn list(exchange: &Exchange<'_>, caller: Option<Caller>) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let listed = exchange.operate_as(caller, async |who, rules| rules.open_sessions(who, None, false).await);
    match listed.await {
        Ok(sessions) => Reply::json(&json!({ "data": sessions.iter().map(shown).collect::<Vec<_>>() })),
        Err(reason) => exchange.refused(reason),
    }
}

/// `DELETE /users/me/sessions`: all but the one that asks.
pub(super) async fn end_others(exchange: &Exchange<'_>, caller: Option<Caller>) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let who = caller.principal.user.clone().unwrap_or_default();
    let ended = exchange.operate_as(caller, async |who, rules| rules.end_sessions(who, None, &exchange.client).await);
    match ended.await {
        Ok(count) => {
            if count > 0 {
                put_on_record(exchange, &who, "sessions.delete", &who).await;
            }
            Reply::json(&json!({ "data": { "ended": count } }))
        }
        Err(reason) => exchange.refused(reason),
    }
}

/// `DELETE /users/me/sessions/<id>`.
pub(super) async fn end(exchange: &Exchange<'_>, caller: Option<Caller>, id: &str) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let who = caller.principal.user.clone().unwrap_or_default();
    let ended = exchange.operate_as(caller, async |who, rules| {
        let owner = Principal { admin: false, ..who.clone() };
        rules.end_session(&owner, id, &exchange.client).await
    });
    let ended = ended.await;
    if ended.is_ok() {
        put_on_record(exchange, &who, "session.delete", id).await;
    }
    done(exchange, ended)
}

/// Owners end what is their own; that it is not on record keeps nobody from it. Only what was there gets here, so the
/// record grows no faster than people sign in.
async fn put_on_record(exchange: &Exchange<'_>, who: &str, what: &str, object: &str) {
    let (request, address) = (Some(exchange.id.to_string()), exchange.client.address.as_deref());
    let event = Event { who, what, object, outcome: "done", request, address };
    if let Err(error) = exchange.server.services.audit.record(event).await {
        tracing::error!(error = &error as &dyn std::error::Error, "the end of a session is not on record");
    }
}

pub(super) fn shown(session: &OpenSession) -> Value {
    let expires = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(session.expires_at_ms);
    json!({
        "id": session.id,
        "user": session.user,
        "share": session.share,
        "provider": session.provider,
        "current": session.current,
        "expires": date::iso_millis(expires),
        "ip": session.client.address,
        "user_agent": session.client.user_agent,
        "origin": session.client.origin,
    })
}
