//! `/users/me`: the caller's own account.

use super::{
    records,
    refusal::Refusal,
    respond::Reply,
    route::Verb,
    service::{Caller, Exchange},
};
use crate::{bindings::auth::gatewit::auth::types::Reason, gatewit::broken};
use serde_json::{Value, json};

const USERS: &str = "directus_users";

/// `GET /users/me`, in the sandbox that found out who the caller is.
pub(super) async fn me(exchange: &Exchange<'_>, caller: Option<Caller>) -> Reply {
    let Some(Caller { principal, mut rules }) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let fields = exchange.query.fields().unwrap_or_default();
    match rules.me(&principal, &fields).await {
        Ok(Ok(json)) => Reply::data(&json),
        Ok(Err(reason)) => exchange.refused(reason),
        Err(error) => exchange.refused(broken(&error)),
    }
}

/// `PATCH /users/me`.
pub(super) async fn update(exchange: &Exchange<'_>, caller: Option<Caller>, body: &Value) -> Reply {
    let own = caller.as_ref().and_then(|caller| caller.principal.user.clone());
    let Some(own) = own else { return exchange.refused(Reason::InvalidCredentials) };
    records::one(exchange, caller, Verb::Update, USERS, &own, body).await
}

/// `PATCH /users/me/track/page`: where somebody was last in the app.
pub(super) async fn track_page(exchange: &Exchange<'_>, caller: Option<Caller>, body: &Value) -> Reply {
    let own = caller.as_ref().and_then(|caller| caller.principal.user.clone());
    let Some(own) = own else { return exchange.refused(Reason::InvalidCredentials) };
    let Some(page) = body.get("last_page").filter(|page| page.as_str().is_some_and(|page| !page.is_empty())) else {
        return Reply::refused(&[Refusal::payload("\"last_page\" key is required")]);
    };
    let change = json!({ "last_page": page });
    match records::update_one(exchange, caller, USERS, &own, &change).await {
        Ok(_) => Reply::no_content(),
        Err(reason) => exchange.refused(reason),
    }
}

/// `GET /policies/me/globals`, `/roles/me` and `/permissions/me`.
pub(super) async fn rights(exchange: &Exchange<'_>, caller: Option<Caller>, form: &str) -> Reply {
    // What nobody in particular may do is for GraphQL to know, which asks the same.
    if caller.is_none() && form == "permissions" {
        return exchange.refused(Reason::Forbidden(None));
    }
    match exchange.operate(caller, async |principal, rules| rules.rights(principal, form).await).await {
        Ok(json) => Reply::data(&json),
        Err(reason) => exchange.refused(reason),
    }
}
