//! Accounts that come to be or are lost: forgotten passwords, registrations, invitations.

use super::{
    email,
    refusal::Refusal,
    respond::Reply,
    service::{Caller, Exchange},
    status::Outcome,
    validate::{self, Field, Kind},
};
use crate::bindings::auth::{exports::gatewit::auth::registration::Applicant, gatewit::auth::types::Reason};
use hyper::header;
use serde_json::Value;

/// What a registration may say; anything else is refused.
const APPLICANT: [Field<'static>; 5] = [
    Field::required("email", Kind::Email),
    Field::required("password", Kind::Text),
    Field::optional("verification_url", Kind::Uri),
    Field::optional("first_name", Kind::Text),
    Field::optional("last_name", Kind::Text),
];

/// `POST /auth/password/request`.
pub(super) async fn request_reset(exchange: &Exchange<'_>, body: &Value) -> Reply {
    let Some(email) = validate::text(body, "email") else { return missing_field("email") };
    let url = link(body, "reset_url");
    let answer =
        exchange.operate(None, async |_, rules| rules.request_reset(email, url.as_deref(), &exchange.client).await);
    done(exchange, answer.await)
}

/// `POST /auth/password/reset`.
pub(super) async fn reset(exchange: &Exchange<'_>, body: &Value) -> Reply {
    let Some(token) = validate::text(body, "token") else { return missing_field("token") };
    let Some(password) = validate::text(body, "password") else { return missing_field("password") };
    let answer = exchange.operate(None, async |_, rules| rules.reset(token, password, &exchange.client).await);
    done(exchange, answer.await)
}

/// `POST /users/register`.
pub(super) async fn register(exchange: &Exchange<'_>, body: &Value) -> Reply {
    let (limits, address) = (&exchange.wire.limits, exchange.client.address.as_deref());
    if let Err(refusal) = limits.registration(address, exchange.server.store(), exchange.now).await {
        return Reply::refused(&[refusal]);
    }
    if let Err(reason) = validate::check(body, &APPLICANT).and_then(|()| validate::nothing_else(body, &APPLICANT)) {
        return Reply::refused(&[Refusal::payload(reason)]);
    }
    let text = |name| validate::text(body, name).map(ToOwned::to_owned);
    let applicant = Applicant {
        email: text("email").unwrap_or_default(),
        password: text("password").unwrap_or_default(),
        given_name: text("first_name"),
        family_name: text("last_name"),
    };
    let url = text("verification_url");
    let answer =
        exchange.operate(None, async |_, rules| rules.register(&applicant, url.as_deref(), &exchange.client).await);
    done(exchange, answer.await)
}

/// `GET /users/register/verify-email`.
pub(super) async fn verify(exchange: &Exchange<'_>) -> Reply {
    use super::query::Given;
    let accept = exchange.parts.headers.get(header::ACCEPT);
    let token = match exchange.query.text("token") {
        Given::Text(token) => token,
        Given::Nothing if exchange.query.has("token") => {
            return Reply::redirect(Outcome::Found, "/admin/login", accept);
        }
        Given::Nothing | Given::Structure => return unverified(exchange, Reason::InvalidToken),
    };
    let answer = exchange.operate(None, async |_, rules| rules.verify(&token, &exchange.client).await);
    match answer.await {
        Ok(user) => Reply::redirect(Outcome::Found, &format!("/admin/users/{user}"), accept),
        Err(reason) => unverified(exchange, reason),
    }
}

/// A person who followed a link of a letter finds a page that says why, where there are pages; programs find JSON.
fn unverified(exchange: &Exchange<'_>, reason: Reason) -> Reply {
    let accept = exchange.parts.headers.get(header::ACCEPT);
    let reads_pages = accept.and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    if !reads_pages || !exchange.wire.pages.are_served() {
        return exchange.refused(reason);
    }
    let code = Refusal::of(reason, exchange.now).code();
    Reply::redirect(Outcome::Found, &format!("/admin/login?reason={code}&link=verification"), accept)
        .with_header(header::CACHE_CONTROL, "no-store")
}

/// `POST /users/invite`.
pub(super) async fn invite(exchange: &Exchange<'_>, caller: Option<Caller>, body: &Value) -> Reply {
    let emails = match addresses(body) {
        Ok(emails) => emails,
        Err(reason) => return Reply::refused(&[Refusal::payload(reason)]),
    };
    let fields = [Field::required("role", Kind::Uuid), Field::optional("invite_url", Kind::Uri)];
    if let Err(reason) = validate::check(body, &fields) {
        return Reply::refused(&[Refusal::payload(reason)]);
    }
    let role = validate::text(body, "role").unwrap_or_default();
    let url = validate::text(body, "invite_url");
    let answer = exchange
        .operate(caller, async |principal, rules| rules.invite(principal, &emails, role, url, &exchange.client).await);
    done(exchange, answer.await)
}

/// One address or several.
fn addresses(body: &Value) -> Result<Vec<String>, String> {
    let Some(Value::Array(items)) = body.get("email") else {
        validate::check(body, &[Field::required("email", Kind::Email)])?;
        return Ok(validate::text(body, "email").map(ToOwned::to_owned).into_iter().collect());
    };
    let address = |item: &Value| item.as_str().filter(|text| email::is_valid(text)).map(ToOwned::to_owned);
    let addresses: Option<Vec<_>> = items.iter().map(address).collect();
    addresses.ok_or_else(|| "\"email\" must be a valid email".to_owned())
}

/// `POST /users/invite/accept`.
pub(super) async fn accept(exchange: &Exchange<'_>, body: &Value) -> Reply {
    let fields = [Field::required("token", Kind::Text), Field::required("password", Kind::Text)];
    if let Err(reason) = validate::check(body, &fields) {
        return Reply::refused(&[Refusal::payload(reason)]);
    }
    let text = |name| validate::text(body, name).unwrap_or_default();
    let answer =
        exchange.operate(None, async |_, rules| rules.accept(text("token"), text("password"), &exchange.client).await);
    done(exchange, answer.await)
}

/// 204, or why not.
pub(super) fn done(exchange: &Exchange<'_>, answer: Result<(), Reason>) -> Reply {
    match answer {
        Ok(()) => Reply::no_content(),
        Err(reason) => exchange.refused(reason),
    }
}

fn missing_field(name: &str) -> Reply {
    Reply::refused(&[Refusal::payload(format!("\"{name}\" field is required"))])
}

/// A link of the body. What is no text is looked up as one, and not found.
fn link(body: &Value, name: &str) -> Option<String> {
    match body.get(name)? {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}
