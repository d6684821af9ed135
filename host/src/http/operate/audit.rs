//! `/gatewit/audit`, and how operations get there.
//!
//! A change is on record before it is made, as `begun`, and once more with its outcome. If the first cannot be written,
//! nothing is done; if the second cannot, what was begun stays without an end, which tells just that.

use super::super::{date, query::Given, refusal::Refusal, respond::Reply, service::Exchange};
use crate::capability::{
    audit::{Event, Found, Row},
    storage,
};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// Entries in one answer, if nothing is said …
const PAGE: u32 = 100;

/// … and at most: half a megabyte.
const PAGE_MAX: u32 = 1_000;

/// What is changed, and by whom.
pub(super) struct Deed<'a> {
    /// The account of the administrator.
    pub(super) who: &'a str,
    /// `session.delete`
    pub(super) what: &'a str,
    pub(super) object: &'a str,
}

/// Puts a change on record and makes it.
pub(super) async fn recorded(exchange: &Exchange<'_>, deed: Deed<'_>, change: impl Future<Output = Reply>) -> Reply {
    let Deed { who, what, object } = deed;
    let audit = &exchange.server.services.audit;
    let event = |outcome| Event {
        who,
        what,
        object,
        outcome,
        request: Some(exchange.id.to_string()),
        address: exchange.client.address.as_deref(),
    };
    if let Err(error) = audit.record(event("begun")).await {
        return Reply::refused(&[unavailable(&error)]);
    }
    let reply = change.await;
    let status = reply.status();
    let outcome = if status.is_success() { "done".to_owned() } else { format!("refused: {}", status.as_u16()) };
    if let Err(error) = audit.record(event(&outcome)).await {
        tracing::error!(error = &error as &dyn std::error::Error, what, "the outcome of a change is not on record");
    }
    reply
}

/// `GET /gatewit/audit`: the last entries, or those before `?before=`, the newest first.
pub(super) async fn list(exchange: &Exchange<'_>) -> Reply {
    let (before, limit) = match (number(exchange, "before"), number(exchange, "limit")) {
        (Ok(before), Ok(limit)) => (before, limit),
        (Err(refusal), _) | (_, Err(refusal)) => return Reply::refused(&[refusal]),
    };
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(PAGE).min(PAGE_MAX);
    match exchange.server.services.audit.list(before, limit).await {
        Ok(rows) => Reply::json(&json!({ "data": rows.iter().map(shown).collect::<Vec<_>>() })),
        Err(error) => Reply::refused(&[unavailable(&error)]),
    }
}

/// `GET /gatewit/audit/verify`.
pub(super) async fn verify(exchange: &Exchange<'_>) -> Reply {
    match exchange.server.services.audit.verify().await {
        Ok(found) => Reply::json(&json!({ "data": verdict(&found) })),
        Err(error) => Reply::refused(&[unavailable(&error)]),
    }
}

fn shown(row: &Row) -> Value {
    let at = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(row.entry.at_ms);
    json!({
        "number": row.number,
        "at": date::iso_millis(at),
        "who": row.entry.who,
        "what": row.entry.what,
        "object": row.entry.object,
        "outcome": row.entry.outcome,
        "request": row.entry.request,
        "ip": row.entry.address,
        "hash": row.hash,
    })
}

fn verdict(found: &Found) -> Value {
    json!({
        "intact": found.broken.is_none(),
        "entries": found.entries,
        "head": found.head.as_ref().map(|(number, hash)| format!("{number}:{hash}")),
        "broken_at": found.broken.as_ref().and_then(|broken| broken.number),
        "reason": found.broken.as_ref().map(|broken| broken.reason),
    })
}

/// A whole number of the query.
pub(super) fn number(exchange: &Exchange<'_>, name: &str) -> Result<Option<i64>, Refusal> {
    let number = match exchange.query.text(name) {
        Given::Nothing => return Ok(None),
        Given::Text(text) => text.parse().ok().filter(|number| *number > 0),
        Given::Structure => None,
    };
    number.map(Some).ok_or_else(|| Refusal::payload(format!("\"{name}\" must be a positive number")))
}

fn unavailable(error: &storage::Error) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "the audit log cannot be used");
    Refusal::ServiceUnavailable {
        service: "audit".to_owned(),
        reason: "The audit log cannot be used".to_owned(),
        retry_after_seconds: None,
    }
}
