//! `/gatewit/providers`: providers that are made, changed, tried and removed while the server runs; `/gatewit/drivers`: what
//! there is to make them of.

use super::{
    super::{
        refusal::Refusal,
        respond::Reply,
        service::Exchange,
        validate::{self, Field, Kind},
    },
    Sent,
    components::refused,
};
use crate::registry::{Draft, Refused};
use serde_json::{Value, json};

/// `GET /gatewit/drivers`.
pub(super) async fn drivers(exchange: &Exchange<'_>) -> Reply {
    Reply::json(&json!({ "data": exchange.server.registry.drivers().await }))
}

/// `GET /gatewit/providers`.
pub(super) async fn list(exchange: &Exchange<'_>) -> Reply {
    Reply::json(&json!({ "data": exchange.server.registry.providers().await }))
}

/// `GET /gatewit/providers/<name>`.
pub(super) async fn read(exchange: &Exchange<'_>, name: &str) -> Reply {
    match exchange.server.registry.providers().await.into_iter().find(|provider| provider["name"] == *name) {
        Some(provider) => Reply::json(&json!({ "data": provider })),
        None => refused(&Refused::NoProvider(name.to_owned())),
    }
}

/// `POST /gatewit/providers`.
pub(super) async fn create(exchange: &Exchange<'_>, sent: &Sent) -> Reply {
    let fields = [Field::required("name", Kind::Text), Field::required("driver", Kind::Text)];
    let draft = match draft(&sent.json, &fields) {
        Ok(draft) => draft,
        Err(refusal) => return Reply::refused(&[refusal]),
    };
    let name = validate::text(&sent.json, "name").unwrap_or_default();
    match exchange.server.registry.create_provider(name, draft).await {
        Ok(_) => read(exchange, name).await,
        Err(reason) => refused(&reason),
    }
}

/// `PATCH /gatewit/providers/<name>`.
pub(super) async fn change(exchange: &Exchange<'_>, name: &str, sent: &Sent) -> Reply {
    let draft = match draft(&sent.json, &[Field::optional("driver", Kind::Text)]) {
        Ok(draft) => draft,
        Err(refusal) => return Reply::refused(&[refusal]),
    };
    match exchange.server.registry.change_provider(name, draft).await {
        Ok(_) => read(exchange, name).await,
        Err(reason) => refused(&reason),
    }
}

/// `DELETE /gatewit/providers/<name>`.
pub(super) async fn remove(exchange: &Exchange<'_>, name: &str) -> Reply {
    match exchange.server.registry.remove_provider(name).await {
        Ok(()) => Reply::no_content(),
        Err(reason) => refused(&reason),
    }
}

/// `POST /gatewit/providers/<name>/test`: whether its settings work, as far as that can be told without a person.
pub(super) async fn test(exchange: &Exchange<'_>, name: &str) -> Reply {
    match exchange.server.registry.test_provider(name).await {
        Ok(Ok(found)) => Reply::json(&json!({ "data": { "works": true, "found": found } })),
        Ok(Err(problem)) => Reply::json(&json!({ "data": { "works": false, "problem": problem } })),
        Err(reason) => refused(&reason),
    }
}

/// What an operator asks for: names that are none of a provider's are refused, so that nothing is left unsaid by a slip.
fn draft(body: &Value, fields: &[Field<'_>]) -> Result<Draft, Refusal> {
    validate::check(body, fields).map_err(Refusal::payload)?;
    let Value::Object(body) = body else { return Err(Refusal::payload("\"body\" must be an object")) };
    let mut draft = Draft::default();
    for (key, value) in body {
        match (key.as_str(), value) {
            ("name", _) if fields.len() > 1 => {}
            ("driver", Value::String(driver)) => draft.driver = Some(driver.clone()),
            ("enabled", Value::Bool(enabled)) => draft.enabled = Some(*enabled),
            ("settings", Value::Object(settings)) => draft.settings.extend(settings.clone()),
            ("label" | "icon" | "mode", value) => drop(draft.settings.insert(key.clone(), value.clone())),
            ("enabled", _) => return Err(Refusal::payload("\"enabled\" must be a boolean")),
            ("settings", _) => return Err(Refusal::payload("\"settings\" must be an object")),
            (other, _) => return Err(Refusal::payload(format!("\"{other}\" is not allowed"))),
        }
    }
    Ok(draft)
}
