//! `[metrics]`: who may read the figures under `/metrics`.

use super::decode::{one_of, secret};
use super::setting::{Setting, put};
use crate::Secret;

/// Figures for Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Who may read them (`GATEWIT_METRICS`, default `admin`).
    pub access: MetricsAccess,
    /// A token that opens them besides those of administrators, and nothing else (`GATEWIT_METRICS_TOKEN`, default none).
    pub token: Option<Secret<String>>,
}

/// Who may read the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Administrators, and whoever has the token for it.
    Admin,
    /// Anybody.
    Public,
    /// Nobody: there is no such path.
    Off,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { access: MetricsAccess::Admin, token: None }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("GATEWIT_METRICS", "metrics.access", |c, v| {
        let names = [("admin", MetricsAccess::Admin), ("public", MetricsAccess::Public), ("off", MetricsAccess::Off)];
        put(&mut c.metrics.access, one_of(v, &names))
    })
    .text(),
    Setting::new("GATEWIT_METRICS_TOKEN", "metrics.token", |c, v| put(&mut c.metrics.token, secret(v))).secret(),
];
