//! `/server` and `/`: what the server says of itself.

use super::{refusal::Refusal, respond::Reply, service::Exchange, status::Outcome};
use crate::{
    bindings::auth::exports::gatewit::auth::access::Principal,
    capability::storage::{self, Field, Value as Stored},
};
use hyper::header;
use serde_json::{Map, Value, json};

/// What anybody may know of the project, in the order of the wire.
const PROJECT: [&str; 17] = [
    "project_name",
    "project_descriptor",
    "project_logo",
    "project_color",
    "default_appearance",
    "default_theme_light",
    "default_theme_dark",
    "theme_light_overrides",
    "theme_dark_overrides",
    "default_language",
    "public_foreground",
    "public_background",
    "public_favicon",
    "public_note",
    "custom_css",
    "public_registration",
    "public_registration_verify_email",
];

/// Milliseconds after which a database is called slow, as Directus's default.
const SLOW_MS: f64 = 150.0;

/// `GET /`.
pub(super) fn root(exchange: &Exchange<'_>) -> Reply {
    match &exchange.server.config.server.root_redirect {
        Some(location) => Reply::redirect(Outcome::Found, location, exchange.parts.headers.get(header::ACCEPT)),
        None => exchange.not_found(),
    }
}

/// `GET /server/info`.
pub(super) async fn info(exchange: &Exchange<'_>, signed_in: bool) -> Reply {
    let settings = match exchange.server.store().settings().await {
        Ok(settings) => settings,
        Err(error) => return Reply::refused(&[unavailable(&error)]),
    };
    let mut data = json!({ "project": project(&settings) });
    if signed_in && let Some(data) = data.as_object_mut() {
        data.insert("rateLimit".to_owned(), false.into());
        data.insert("rateLimitGlobal".to_owned(), false.into());
        data.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    }
    Reply::json(&json!({ "data": data }))
}

fn project(settings: &[Field]) -> Map<String, Value> {
    let value =
        |name: &str| settings.iter().find(|field| field.name == name).map_or(Value::Null, |field| shown(&field.value));
    PROJECT.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

fn shown(value: &Stored) -> Value {
    match value {
        Stored::Null | Stored::Concealed | Stored::Ids(_) => Value::Null,
        Stored::Boolean(truth) => (*truth).into(),
        Stored::Integer(number) => (*number).into(),
        Stored::Decimal(number) => (*number).into(),
        Stored::Text(text) => text.clone().into(),
        Stored::Json(text) => serde_json::from_str(text).unwrap_or_default(),
    }
}

/// `GET /server/health`: nothing for strangers, a word for people, the details for administrators.
pub(super) async fn health(exchange: &Exchange<'_>, principal: Option<&Principal>) -> Reply {
    if !exchange.server.config.server.healthcheck_enabled {
        return exchange.not_found();
    }
    let Some(principal) = principal else { return Reply::refused(&[Refusal::Forbidden { reason: None }]) };
    let answered = exchange.server.store().ping().await;
    let (status, observed) = match &answered {
        Ok(time) => {
            let millis = time.as_secs_f64() * 1000.0;
            (if millis > SLOW_MS { "warn" } else { "ok" }, json!((millis * 1000.0).round() / 1000.0))
        }
        Err(_) => ("error", Value::Null),
    };
    let mut body = json!({ "status": status });
    if principal.admin {
        let check = json!({
            "status": status, "componentType": "datastore", "observedUnit": "ms", "observedValue": observed,
            "threshold": SLOW_MS,
        });
        body = json!({
            "status": status,
            "releaseId": env!("CARGO_PKG_VERSION"),
            "serviceId": exchange.server.config.server.public_url,
            "checks": { "sqlite3:responseTime": [check] },
        });
    }
    Reply::health(&body, answered.is_ok())
}

fn unavailable(error: &storage::Error) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "the store failed");
    Refusal::ServiceUnavailable {
        service: "database".to_owned(),
        reason: "The database does not answer".to_owned(),
        retry_after_seconds: None,
    }
}
