//! `/shares`: links by which people without an account see one record.

use super::{
    auth::{Mode, granted},
    refusal::Refusal,
    respond::Reply,
    service::Exchange,
    validate::{self, Field, Kind, SIGN_IN},
};
use serde_json::Value;

/// `POST /shares/auth`.
pub(super) async fn login(exchange: &Exchange<'_>, body: &Value) -> Reply {
    let fields = [Field::required("share", Kind::Text), Field::optional("password", Kind::Text), SIGN_IN[0]];
    if let Err(reason) = validate::check(body, &fields) {
        return Reply::refused(&[Refusal::payload(reason)]);
    }
    let mode = validate::text(body, "mode").and_then(Mode::named).unwrap_or(Mode::Json);
    let share = validate::text(body, "share").unwrap_or_default();
    let password = validate::text(body, "password");
    let answer = exchange
        .operate(None, async |_, rules| rules.share_login(share, password, mode.form(), &exchange.client).await);
    match answer.await {
        Ok(grant) => granted(exchange, mode, &grant),
        Err(reason) => exchange.refused(reason),
    }
}

/// `GET /shares/info/<id>`.
pub(super) async fn info(exchange: &Exchange<'_>, share: &str) -> Reply {
    match exchange.operate(None, async |_, rules| rules.share_info(share).await).await {
        Ok(json) => Reply::data(&json),
        Err(reason) => exchange.refused(reason),
    }
}
