//! `/server` and `/`: what the server says of itself.

use super::{query::Given, refusal::Refusal, respond::Reply, service::Exchange, status::Outcome};
use crate::{
    bindings::auth::exports::gatewit::auth::access::Principal,
    capability::storage::{self, Field, Value as Stored},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::header;
use serde_json::{Map, Value, json};

/// What anybody may know of the project, in the order of the wire.
pub(super) const PROJECT: [&str; 17] = [
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

/// Letters of a random text at most, as in Directus.
const RANDOM_MAX: usize = 500;

/// Letters of a random text where no length is asked for.
const RANDOM_DEFAULT: usize = 32;

/// `GET /utils/random/string`: letters that make a session id.
pub(super) fn random_string(exchange: &Exchange<'_>) -> Reply {
    let length = match exchange.query.text("length") {
        Given::Nothing => Some(RANDOM_DEFAULT),
        Given::Text(text) => text.parse().ok(),
        Given::Structure => None,
    };
    let Some(length) = length.filter(|length| *length <= RANDOM_MAX) else {
        return Reply::refused(&[Refusal::payload(format!("\"length\" can't be more than {RANDOM_MAX} characters"))]);
    };
    let mut bytes = [0; RANDOM_MAX];
    if exchange.server.services.clock.fill(&mut bytes).is_err() {
        return Reply::refused(&[Refusal::InternalServerError]);
    }
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    Reply::plain(&json!({ "data": text }))
}

/// `GET /server/info`.
pub(super) async fn info(exchange: &Exchange<'_>, signed_in: bool) -> Reply {
    match info_data(exchange, signed_in).await {
        Ok(data) => Reply::json(&json!({ "data": data })),
        Err(refusal) => Reply::refused(&[refusal]),
    }
}

/// What is told of the project; those who are signed in hear more.
pub(super) async fn info_data(exchange: &Exchange<'_>, signed_in: bool) -> Result<Value, Refusal> {
    let settings = exchange.server.store().settings().await.map_err(|error| unavailable(&error))?;
    let mut data = json!({ "project": project(&settings) });
    if signed_in && let Some(data) = data.as_object_mut() {
        let (address, all) = exchange.wire.limits.told();
        data.insert("rateLimit".to_owned(), address);
        data.insert("rateLimitGlobal".to_owned(), all);
        data.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    }
    Ok(data)
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
    match health_report(exchange, principal).await {
        Ok((report, healthy)) => Reply::health(&report, healthy),
        Err(refusal) => Reply::refused(&[refusal]),
    }
}

/// The report, and whether all is well.
pub(super) async fn health_report(
    exchange: &Exchange<'_>,
    principal: Option<&Principal>,
) -> Result<(Value, bool), Refusal> {
    if !exchange.server.config.server.healthcheck_enabled {
        return Err(Refusal::RouteNotFound { path: exchange.parts.uri.path().to_owned() });
    }
    let principal = principal.ok_or(Refusal::Forbidden { reason: None })?;
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
            "checks": { (format!("{}:responseTime", exchange.server.store().name())): [check] },
        });
    }
    Ok((body, answered.is_ok()))
}

fn unavailable(error: &storage::Error) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "the store failed");
    Refusal::no_database()
}
