//! `/gatewit/live` and `/gatewit/ready`: a word for whoever watches the process or sends it requests.
//!
//! Live is a process that answers at all: one that does not is restarted. Ready is one whose database answers and that is
//! not about to stop: another one gets no new requests, and stays.

use super::super::{respond::Reply, service::Exchange};
use serde_json::json;
use std::time::Duration;

/// How long the database may take to answer. Whoever asks gives up after a second or a few.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /gatewit/live`.
pub(super) fn live() -> Reply {
    Reply::health(&json!({ "status": "ok" }), true)
}

/// `GET /gatewit/ready`.
pub(super) async fn ready(exchange: &Exchange<'_>) -> Reply {
    if exchange.server.is_draining() {
        return Reply::health(&json!({ "status": "draining" }), false);
    }
    match tokio::time::timeout(PATIENCE, exchange.server.store().ping()).await {
        Ok(Ok(_)) => Reply::health(&json!({ "status": "ok" }), true),
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready: the database does not answer");
            Reply::health(&json!({ "status": "error" }), false)
        }
        Err(_) => {
            tracing::warn!(patience_s = PATIENCE.as_secs(), "not ready: the database does not answer in time");
            Reply::health(&json!({ "status": "error" }), false)
        }
    }
}
