//! `/gatewit/…`: what an operator sees and does, with the token of an administrator.
//!
//! Who is asking comes before everything else, the body included: nobody else makes the server hold a large file. Every
//! change is on record before it is made. Answers are `{"data": …}`, refusals those of the rest of the wire. Deliberately
//! absent: decisions about accounts, which are the rules'.

pub(super) mod audit;
pub(crate) mod components;
mod figures;
mod health;
mod providers;
pub(crate) mod route;
mod sessions;
mod status;
mod traces;

use super::{
    body::{self, BodyLimits},
    headers,
    query::Given,
    refusal::Refusal,
    respond::Reply,
    route::Verb,
    service::{Caller, Exchange},
};
use audit::Deed;
use bytes::Bytes;
pub(super) use figures::figures;
use hyper::{Method, body::Body, header};
use route::Place;
use serde_json::Value;
use std::fmt::Display;

/// Types of a body that is a file.
const FILE_TYPES: [&str; 2] = ["application/wasm", "application/octet-stream"];

/// The type of a body that says where a file is.
const JSON_TYPE: &str = "application/json";

/// What came with a request.
pub(super) struct Sent {
    /// The body, of an operation that takes JSON; empty otherwise.
    pub(super) json: Value,
    /// The body, of an operation that takes a file; empty otherwise.
    pub(super) file: Bytes,
}

/// Answers a request for a place.
pub(super) async fn answer<B>(exchange: &Exchange<'_>, verb: Verb, place: &Place, body: B) -> Reply
where
    B: Body,
    B::Error: Display,
{
    if place.is_open() {
        return match place {
            Place::Live => health::live(),
            _ => health::ready(exchange).await,
        };
    }
    let operator = match operator(exchange).await {
        Ok(operator) => operator,
        Err(reply) => {
            // Read and thrown away as far as is decent, so that a client in the middle of sending gets to see why.
            let _ = body::collect(body, exchange.wire.body.of(0)).await;
            return reply;
        }
    };
    let sent = match read(exchange, verb, place, body).await {
        Ok(sent) => sent,
        Err(refusal) => return Reply::refused(&[refusal]),
    };
    let Some((what, object)) = place.on_record(verb) else {
        return Box::pin(handle(exchange, operator, verb, place, sent)).await;
    };
    let who = operator.principal.user.clone().unwrap_or_default();
    // Where the path names nothing, the query or the body may; and a component is fetched from where the body says.
    let said = |name: &str| sent.json.get(name).and_then(Value::as_str);
    let object = match (object, exchange.query.text("user"), said("name")) {
        (Some(object), ..) => match said("source").filter(|_| matches!(place, Place::Component(_))) {
            Some(source) => format!("{object} from {source}"),
            None => object.to_owned(),
        },
        (None, Given::Text(user), _) => user,
        (None, _, name) => name.unwrap_or_default().to_owned(),
    };
    let deed = Deed { who: &who, what: &what, object: &object };
    audit::recorded(exchange, deed, Box::pin(handle(exchange, operator, verb, place, sent))).await
}

async fn handle(exchange: &Exchange<'_>, operator: Caller, verb: Verb, place: &Place, sent: Sent) -> Reply {
    match (verb, place) {
        (Verb::Read, Place::Status) => status::status(exchange).await,
        (Verb::Read, Place::Sessions) => sessions::list(exchange, operator).await,
        (Verb::Delete, Place::Sessions) => sessions::end_of_user(exchange, operator).await,
        (Verb::Delete, Place::Session(id)) => sessions::end(exchange, operator, id).await,
        (Verb::Read, Place::Audit) => audit::list(exchange).await,
        (Verb::Read, Place::AuditVerdict) => audit::verify(exchange).await,
        (Verb::Read, Place::Traces) => traces::list(exchange).await,
        (Verb::Read, Place::Trace(request)) => traces::read(exchange, request).await,
        (Verb::Read, Place::Components) => components::list(exchange).await,
        (Verb::Read, Place::Component(name)) => components::read(exchange, name).await,
        (Verb::Update, Place::Component(name)) => components::put(exchange, name, &sent).await,
        (Verb::Delete, Place::Component(name)) => components::withdraw(exchange, name).await,
        (Verb::Create, Place::ComponentAct(name, act)) => components::act(exchange, name, *act).await,
        (Verb::Read, Place::Drivers) => providers::drivers(exchange).await,
        (Verb::Read, Place::Providers) => providers::list(exchange).await,
        (Verb::Create, Place::Providers) => providers::create(exchange, &sent).await,
        (Verb::Read, Place::Provider(name)) => providers::read(exchange, name).await,
        (Verb::Update, Place::Provider(name)) => providers::change(exchange, name, &sent).await,
        (Verb::Delete, Place::Provider(name)) => providers::remove(exchange, name).await,
        (Verb::Create, Place::ProviderTest(name)) => providers::test(exchange, name).await,
        _ => exchange.not_found(),
    }
}

/// The administrator who asks, or why nobody gets an answer.
async fn operator(exchange: &Exchange<'_>) -> Result<Caller, Reply> {
    let caller = exchange.caller().await?;
    let reason = match &caller {
        Some(caller) if caller.principal.must_set_up => Some(crate::visit::SET_UP_FIRST.to_owned()),
        _ => None,
    };
    let allowed =
        |caller: &Caller| caller.principal.admin && !caller.principal.must_set_up && caller.principal.user.is_some();
    caller.filter(allowed).ok_or_else(|| Reply::refused(&[Refusal::Forbidden { reason }]))
}

async fn read<B>(exchange: &Exchange<'_>, verb: Verb, place: &Place, body: B) -> Result<Sent, Refusal>
where
    B: Body,
    B::Error: Display,
{
    let headers = &exchange.parts.headers;
    let Some(bytes) = place.takes_file(verb) else {
        let json = match exchange.parts.method {
            Method::GET | Method::HEAD => Value::Null,
            _ => body::read_json(headers, body, exchange.wire.body).await?,
        };
        return Ok(Sent { json, file: Bytes::new() });
    };
    let limits = exchange.wire.body.of(bytes);
    let kind = headers::text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == JSON_TYPE {
        // In the place of the file, where it is to be fetched.
        let json = body::read_json(headers, body, exchange.wire.body).await?;
        if json.get("source").is_none() {
            return Err(Refusal::payload("\"source\" is required"));
        }
        return Ok(Sent { json, file: Bytes::new() });
    }
    if !FILE_TYPES.contains(&kind.as_str()) {
        let _ = body::collect(body, BodyLimits { bytes: 0, ..limits }).await;
        return Err(Refusal::payload(format!(
            "\"content-type\" must be one of [{}, {JSON_TYPE}]",
            FILE_TYPES.join(", ")
        )));
    }
    Ok(Sent { json: Value::Null, file: body::collect(body, limits).await?.into() })
}
