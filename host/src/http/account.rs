//! `/users/me`: the caller's own account.

use super::{
    respond::Reply,
    service::{Caller, Exchange},
};
use crate::{bindings::auth::gatewit::auth::types::Reason, gatewit::broken};

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
