//! `GET /gatewit/forward-auth`: whether a request that a proxy holds may go on, and who sends it. And `GET /gatewit/return`,
//! which takes browsers back to where they came from.
//!
//! nginx understands 2xx, 401 and 403 and nothing else, so with `?nginx` nobody is redirected, and where the browser should go is
//! in a header. Deliberately absent: rules of who may do what with an application, but for being somebody (always), having a
//! role (`?role=`) and administering (`?admin`).

use super::{
    super::{
        query::{Given, Query},
        refusal::Refusal,
        respond::Reply,
        service::Exchange,
        status::Outcome,
        token,
    },
    identity::{Identity, Who},
    navigation::{self, Original},
};
use crate::{
    capability::storage::{Columns, Seen, Value},
    visit::SET_UP_FIRST,
};
use hyper::header::{self, HeaderName};

/// Where a browser should go, for proxies that do not pass a redirect on.
const SIGN_IN: HeaderName = HeaderName::from_static("x-gatewit-sign-in");

/// `GET /gatewit/forward-auth`.
pub(in crate::http) async fn answer(exchange: &Exchange<'_>) -> Reply {
    let original = Original::forwarded(&exchange.parts.headers);
    match judge(exchange, original.as_ref()).await {
        Ok(identity) => {
            let headers = exchange.wire.identity.copied(identity.as_ref());
            Reply::acknowledged().opened_with(headers)
        }
        Err(Refusal::InvalidCredentials) => sign_in(exchange, original.as_ref()),
        Err(refusal) => Reply::refused(&[refusal]),
    }
}

/// Who may go on; `None` is nobody, where that is enough.
async fn judge(exchange: &Exchange<'_>, original: Option<&Original>) -> Result<Option<Identity>, Refusal> {
    let forwarded = Query::parse(original.and_then(Original::query));
    let cookie = exchange.wire.session_cookie.name();
    let presented = match &exchange.presented {
        Some(presented) if presented.source == token::Source::Query => Some(presented.clone()),
        // Two tokens in one request are good for nothing, as everywhere; nginx has no word for a bad request.
        _ => token::find(&forwarded, &exchange.parts.headers, cookie).map_err(|_| Refusal::InvalidCredentials)?,
    };
    let identity = match exchange.who(presented.as_ref()).await? {
        Who::Somebody(identity) => identity,
        Who::Unfinished => return Err(unfinished()),
        Who::Nobody if exchange.query.has("optional") => return Ok(None),
        Who::Nobody => return Err(Refusal::InvalidCredentials),
    };
    let is_fit = !exchange.query.has("admin") || identity.admin;
    if !is_fit || !has_role(exchange, &identity).await? {
        return Err(Refusal::Forbidden { reason: None });
    }
    Ok(Some(identity))
}

/// Somebody who may do nothing yet, and why.
pub(super) fn unfinished() -> Refusal {
    Refusal::Forbidden { reason: Some(SET_UP_FIRST.to_owned()) }
}

/// Whether somebody has one of the roles that are asked for, by id or name.
async fn has_role(exchange: &Exchange<'_>, identity: &Identity) -> Result<bool, Refusal> {
    if !exchange.query.has("role") {
        return Ok(true);
    }
    let Some(role) = &identity.role else { return Ok(false) };
    let wanted = exchange.query.joined("role");
    let is_wanted = |role: &str| wanted.split(',').any(|wanted| wanted.trim() == role);
    if is_wanted(role) {
        return Ok(true);
    }
    let columns = Columns::Only(vec!["name".to_owned()]);
    let fields = exchange.server.store().role_columns(role, &columns, &mut Seen::default()).await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        Refusal::InternalServerError
    })?;
    Ok(fields.into_iter().flatten().any(|field| matches!(field.value, Value::Text(name) if is_wanted(&name))))
}

/// Sends browsers to sign in, and tells programs that they have to.
fn sign_in(exchange: &Exchange<'_>, original: Option<&Original>) -> Reply {
    let (parts, refused) = (exchange.parts, Reply::refused(&[Refusal::InvalidCredentials]));
    if !navigation::is_navigation(parts.method.as_str(), &parts.headers) {
        return refused.with_header(header::CACHE_CONTROL, "no-store");
    }
    let page = exchange.wire.sign_in.location(original);
    if exchange.query.has("nginx") {
        return refused.with_header(header::CACHE_CONTROL, "no-store").with_header(SIGN_IN, &page);
    }
    let reply = Reply::redirect(Outcome::Found, &page, parts.headers.get(header::ACCEPT));
    reply.with_header(header::CACHE_CONTROL, "no-store")
}

/// `GET /gatewit/return?to=`: to an application that is listed.
pub(in crate::http) fn onward(exchange: &Exchange<'_>) -> Reply {
    let to = match exchange.query.text("to") {
        Given::Text(to) => exchange.wire.sign_in.onward(&to),
        _ => None,
    };
    match to {
        Some(to) => Reply::redirect(Outcome::Found, &to, exchange.parts.headers.get(header::ACCEPT)),
        None => Reply::refused(&[Refusal::payload("\"to\" is not an address of an application behind this server")]),
    }
}
