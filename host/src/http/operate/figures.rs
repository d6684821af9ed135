//! `GET /metrics`: figures for Prometheus.
//!
//! They tell nothing of a person, but how much there is to do, so they are for administrators, or for whoever has the token
//! that opens them and nothing else, unless the settings say otherwise.

use super::{
    super::{refusal::Refusal, respond::Reply, service::Exchange},
    operator,
};
use crate::{Secret, capability::metrics::Looked, config::MetricsAccess};

pub(in super::super) async fn figures(exchange: &Exchange<'_>) -> Reply {
    match exchange.server.config.metrics.access {
        MetricsAccess::Off => return exchange.not_found(),
        MetricsAccess::Public => {}
        MetricsAccess::Admin if has_token(exchange) => {}
        MetricsAccess::Admin => {
            if let Err(reply) = operator(exchange).await {
                return reply;
            }
        }
    }
    let services = &exchange.server.services;
    let now_ms = u64::try_from(exchange.now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let looked = Looked {
        hashes: services.passwords.waiting(),
        connections: services.store.connections(),
        letters: services.post.waiting().await,
        sessions: services.store.count_sessions(now_ms).await.ok(),
    };
    match services.metrics.text(&looked) {
        Ok(text) => Reply::figures(text),
        Err(_) => Reply::refused(&[Refusal::InternalServerError]),
    }
}

/// Whether the request brings the token for figures. Compared in a time that does not tell how much of it is right.
fn has_token(exchange: &Exchange<'_>) -> bool {
    let presented = exchange.presented.as_ref().map(|presented| Secret::new(presented.token.clone()));
    presented.is_some() && presented == exchange.server.config.metrics.token
}
