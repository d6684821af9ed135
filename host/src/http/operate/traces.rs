//! `/gatewit/traces`: sign-ins that failed, and what happened in them.
//!
//! Absent: sign-ins that succeeded, and secrets, which never get into a trace (`capability/trace`).

use super::{
    super::{date, refusal::Refusal, respond::Reply, service::Exchange},
    audit::number,
};
use crate::capability::{storage, trace::Step, traces::FailedSignIn};
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// Traces in one answer, if nothing is said …
const PAGE: u32 = 50;

/// … and at most: without their steps, a tenth of a megabyte. Their steps are read, too.
const PAGE_MAX: u32 = 500;

/// `GET /gatewit/traces`: the last ones, or those before `?before=`, the newest first, without their steps.
pub(super) async fn list(exchange: &Exchange<'_>) -> Reply {
    let (before, limit) = match (number(exchange, "before"), number(exchange, "limit")) {
        (Ok(before), Ok(limit)) => (before, limit),
        (Err(refusal), _) | (_, Err(refusal)) => return Reply::refused(&[refusal]),
    };
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(PAGE).min(PAGE_MAX);
    match exchange.server.store().traces(before, limit).await {
        Ok(traces) => {
            let shown = traces.iter().filter_map(|(number, text)| {
                let mut shown = shown(&FailedSignIn::parse(text)?);
                shown.insert("number".to_owned(), (*number).into());
                Some(Value::Object(shown))
            });
            Reply::json(&json!({ "data": shown.collect::<Vec<_>>() }))
        }
        Err(error) => Reply::refused(&[unavailable(&error)]),
    }
}

/// `GET /gatewit/traces/<request>`: what happened, step by step.
pub(super) async fn read(exchange: &Exchange<'_>, request: &str) -> Reply {
    let found = match exchange.server.store().trace(request).await {
        Ok(found) => found.as_deref().and_then(FailedSignIn::parse),
        Err(error) => return Reply::refused(&[unavailable(&error)]),
    };
    let Some(failed) = found else {
        let reason = Some("No sign-in of this id has failed, or it was too long ago.".to_owned());
        return Reply::refused(&[Refusal::Forbidden { reason }]);
    };
    let step = |Step { at_ms, level, from, text }: &Step| json!({ "at_ms": at_ms, "level": level, "from": from, "text": text });
    let mut shown = shown(&failed);
    shown.insert("steps".to_owned(), failed.steps.iter().map(step).collect());
    Reply::json(&json!({ "data": shown }))
}

fn shown(failed: &FailedSignIn) -> Map<String, Value> {
    let at = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(failed.at_ms);
    let shown = [
        ("request", failed.request.clone()),
        ("at", date::iso_millis(at)),
        ("provider", failed.provider.clone()),
        ("reason", failed.reason.clone()),
    ];
    shown.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn unavailable(error: &storage::Error) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "traces cannot be read");
    Refusal::no_database()
}
