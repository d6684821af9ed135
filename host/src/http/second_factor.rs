//! `/users/me/tfa`: setting up a second factor, taking it off, and codes for the day when the device is lost.

use super::{
    accounts::done,
    qr,
    refusal::Refusal,
    respond::Reply,
    route::Factor,
    service::{Caller, Exchange},
    validate::{self, Field, Kind},
};
use crate::bindings::auth::gatewit::auth::types::Reason;
use serde_json::{Value, json};

/// What every address of a secret begins with.
const SCHEME: &str = "otpauth://totp/";

/// `POST /users/me/tfa/…`.
pub(super) async fn own(exchange: &Exchange<'_>, caller: Option<Caller>, what: Factor, body: &Value) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let required = |name| Field::required(name, Kind::Text);
    let fields = match what {
        Factor::Generate => vec![Field::optional("password", Kind::Text)],
        Factor::Picture => vec![required("otpauth_url")],
        Factor::Enable => vec![required("secret"), required("otp")],
        Factor::Disable | Factor::RecoveryCodes => vec![required("otp")],
    };
    if let Err(reason) = validate::check(body, &fields) {
        return Reply::refused(&[Refusal::payload(reason)]);
    }
    let text = |name| validate::text(body, name).unwrap_or_default();
    match what {
        Factor::Generate => generate(exchange, caller, validate::text(body, "password")).await,
        Factor::Picture => picture(text("otpauth_url")),
        Factor::Enable => {
            let (secret, otp) = (text("secret"), text("otp"));
            let answer =
                exchange.operate_as(caller, async |who, rules| rules.enable(who, secret, otp, &exchange.client).await);
            done(exchange, answer.await)
        }
        Factor::Disable => {
            let otp = text("otp");
            let answer =
                exchange.operate_as(caller, async |who, rules| rules.disable(who, otp, &exchange.client).await);
            done(exchange, answer.await)
        }
        Factor::RecoveryCodes => recovery_codes(exchange, caller, text("otp")).await,
    }
}

/// `POST /users/<id>/tfa/disable`.
pub(super) async fn remove(exchange: &Exchange<'_>, caller: Option<Caller>, user: &str) -> Reply {
    let Some(caller) = caller else { return exchange.refused(Reason::InvalidCredentials) };
    let answer = exchange.operate_as(caller, async |who, rules| rules.remove(who, user, &exchange.client).await);
    done(exchange, answer.await)
}

async fn generate(exchange: &Exchange<'_>, caller: Caller, password: Option<&str>) -> Reply {
    let answer = exchange.operate_as(caller, async |who, rules| rules.generate(who, password).await);
    match answer.await {
        Ok(made) => Reply::json(&json!({ "data": { "secret": made.secret, "otpauth_url": made.url } })),
        Err(reason) => exchange.refused(reason),
    }
}

async fn recovery_codes(exchange: &Exchange<'_>, caller: Caller, otp: &str) -> Reply {
    let answer = exchange.operate_as(caller, async |who, rules| rules.recovery_codes(who, otp, &exchange.client).await);
    match answer.await {
        Ok(codes) => Reply::json(&json!({ "data": { "codes": codes } })),
        Err(reason) => exchange.refused(reason),
    }
}

/// The address of a secret as a picture. Only such addresses are drawn.
fn picture(address: &str) -> Reply {
    let refused = |reason: &str| Reply::refused(&[Refusal::payload(format!("\"otpauth_url\" {reason}"))]);
    if !address.starts_with(SCHEME) {
        return refused("must be the address of a secret");
    }
    match qr::draw(address) {
        Ok(picture) => Reply::picture(picture),
        Err(qr::TooLong) => refused("is too long"),
    }
}
