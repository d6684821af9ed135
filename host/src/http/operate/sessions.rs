//! `/gatewit/sessions`: who is signed in, for administrators.

use super::super::{
    accounts::done,
    open_sessions::shown,
    query::Given,
    refusal::Refusal,
    respond::Reply,
    service::{Caller, Exchange},
};
use serde_json::json;

/// `GET /gatewit/sessions`, of everybody or of `?user=`.
pub(super) async fn list(exchange: &Exchange<'_>, operator: Caller) -> Reply {
    let user = match user(exchange) {
        Ok(user) => user,
        Err(refusal) => return Reply::refused(&[refusal]),
    };
    let everybody = user.is_none();
    let listed =
        exchange.operate_as(operator, async |who, rules| rules.open_sessions(who, user.as_deref(), everybody).await);
    match listed.await {
        Ok(sessions) => Reply::json(&json!({ "data": sessions.iter().map(shown).collect::<Vec<_>>() })),
        Err(reason) => exchange.refused(reason),
    }
}

/// `DELETE /gatewit/sessions?user=`: all of an account.
pub(super) async fn end_of_user(exchange: &Exchange<'_>, operator: Caller) -> Reply {
    let user = match user(exchange) {
        Ok(Some(user)) => user,
        Ok(None) => return Reply::refused(&[Refusal::payload("\"user\" is required")]),
        Err(refusal) => return Reply::refused(&[refusal]),
    };
    let ended =
        exchange.operate_as(operator, async |who, rules| rules.end_sessions(who, Some(&user), &exchange.client).await);
    match ended.await {
        Ok(count) => Reply::json(&json!({ "data": { "ended": count } })),
        Err(reason) => exchange.refused(reason),
    }
}

/// `DELETE /gatewit/sessions/<id>`.
pub(super) async fn end(exchange: &Exchange<'_>, operator: Caller, id: &str) -> Reply {
    let ended = exchange.operate_as(operator, async |who, rules| rules.end_session(who, id, &exchange.client).await);
    done(exchange, ended.await)
}

/// The account that the query names.
fn user(exchange: &Exchange<'_>) -> Result<Option<String>, Refusal> {
    match exchange.query.text("user") {
        Given::Nothing => Ok(None),
        Given::Text(user) if !user.is_empty() => Ok(Some(user)),
        _ => Err(Refusal::payload("\"user\" must be the id of an account")),
    }
}
