//! `GET /gatewit/status`: what this server is and how it does.

use super::super::{date, respond::Reply, service::Exchange};
use crate::capability::storage::Findings;
use serde_json::{Value, json};

pub(super) async fn status(exchange: &Exchange<'_>) -> Reply {
    let server = exchange.server;
    let answered = server.store().ping().await;
    let millis = answered.as_ref().ok().map(|time| (time.as_secs_f64() * 1_000_000.0).round() / 1000.0);
    let found = crate::capability::storage::examine(&server.config.storage).await;
    let findings = match &found {
        Ok(findings) => Findings::to_json(findings),
        Err(error) => {
            tracing::warn!(error = error as &dyn std::error::Error, "the database could not be looked at");
            Value::Null
        }
    };
    let data = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": date::iso_millis(server.started_at),
        "uptime_seconds": (exchange.now - server.started_at).whole_seconds().max(0),
        "draining": server.is_draining(),
        "public_url": server.config.server.public_url,
        "database": {
            "client": server.store().name(),
            "answers": answered.is_ok(),
            "response_ms": millis,
            "findings": findings,
        },
    });
    Reply::json(&json!({ "data": data }))
}
