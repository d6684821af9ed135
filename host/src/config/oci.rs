//! `[oci]`: the registries that components are fetched from.
//!
//! Proxies and authorities are those of `[outbound]`.

use std::path::PathBuf;
use std::time::Duration;

use super::decode::{duration_from, list, optional_text, path, secret};
use super::error::Report;
use super::setting::{Setting, put};
use crate::Secret;

/// Shortest time for a component: below it no registry answers.
const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Registries of components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oci {
    /// The registry that name and password are for, its port included (`GATEWIT_OCI_REGISTRY`, default none).
    pub registry: Option<String>,
    /// Who we are there (`GATEWIT_OCI_USERNAME`, default nobody in particular).
    pub username: Option<String>,
    /// The password, or a token in its place (`GATEWIT_OCI_PASSWORD`).
    pub password: Option<Secret<String>>,
    /// A file as `docker login` writes it, for this registry and others (`GATEWIT_OCI_DOCKER_CONFIG`, default none).
    pub docker_config: Option<PathBuf>,
    /// Registries that are asked without encryption (`GATEWIT_OCI_PLAIN_HTTP`, default none).
    pub plain_http: Vec<String>,
    /// Longest time for one component (`GATEWIT_OCI_TIMEOUT`, default 2 min).
    pub timeout: Duration,
}

impl Default for Oci {
    fn default() -> Self {
        Self {
            registry: None,
            username: None,
            password: None,
            docker_config: None,
            plain_http: Vec::new(),
            timeout: Duration::from_mins(2),
        }
    }
}

impl Oci {
    /// Credentials without a registry would be for nobody, and must not be for everybody.
    pub(super) fn check(&self, report: &mut Report) {
        let has = [self.registry.is_some(), self.username.is_some(), self.password.is_some()];
        if has.contains(&true) && has.contains(&false) {
            report.problem(
                "GATEWIT_OCI_REGISTRY, GATEWIT_OCI_USERNAME and GATEWIT_OCI_PASSWORD: are set together or not at all",
            );
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("GATEWIT_OCI_REGISTRY", "oci.registry", |c, v| put(&mut c.oci.registry, optional_text(v))).text(),
    Setting::new("GATEWIT_OCI_USERNAME", "oci.username", |c, v| put(&mut c.oci.username, optional_text(v))).text(),
    Setting::new("GATEWIT_OCI_PASSWORD", "oci.password", |c, v| put(&mut c.oci.password, secret(v))).secret(),
    Setting::new("GATEWIT_OCI_DOCKER_CONFIG", "oci.docker_config", |c, v| {
        put(&mut c.oci.docker_config, optional_text(v).and_then(|text| text.map(|_| path(v)).transpose()))
    })
    .text(),
    Setting::new("GATEWIT_OCI_PLAIN_HTTP", "oci.plain_http", |c, v| put(&mut c.oci.plain_http, list(v))).text(),
    Setting::new("GATEWIT_OCI_TIMEOUT", "oci.timeout", |c, v| put(&mut c.oci.timeout, duration_from(v, TIMEOUT_MIN))),
];
