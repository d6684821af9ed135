//! Spans for OpenTelemetry: what a request did and how long that took, sent to a collector if one is set.
//!
//! | file | what it does |
//! |---|---|
//! | [`spans`] | the spans that there are, and what each says |
//! | [`exporter`] | the way to the collector |
//!
//! Invariants: without a collector there is no span, and a place where one could begin costs the look at a flag. A span holds
//! names of the program and of the configuration, hosts and numbers: no path, query, token, address or code. No request waits
//! for a collector or fails with one: finished spans wait in a queue with an end, and what does not fit is dropped.
//! Absent: figures and lines of the log, which are there without a collector.

mod exporter;
pub(crate) mod spans;

use crate::config::{self, Sampler};
use exporter::Way;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler as Decision, SdkTracer, SdkTracerProvider},
};
use std::{collections::HashMap, time::Duration};
use tokio::runtime::Handle;

/// How long the end of the process waits for a collector to take what is left.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Spans are on their way to a collector.
pub struct Telemetry(SdkTracerProvider);

/// The collector cannot be sent to as it is set.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be exported: {0}")]
pub struct TelemetryError(String);

impl Telemetry {
    /// Begins to export to the collector of the settings; `None` if there is none. It is sent from the
    /// runtime in which this is called.
    ///
    /// # Errors
    /// An address or a certificate cannot be used.
    pub fn start(config: &config::Config) -> Result<Option<Self>, TelemetryError> {
        let settings = &config.telemetry;
        let Some(endpoint) = settings.address() else { return Ok(None) };
        let told = |error: &dyn std::error::Error| TelemetryError(error.to_string());
        let way = Way::new(&config.outbound, settings.timeout, Handle::current()).map_err(TelemetryError)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(way)
            .with_endpoint(endpoint)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(settings.timeout)
            .with_headers(
                settings
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.expose().clone()))
                    .collect::<HashMap<_, _>>(),
            )
            .build()
            .map_err(|error| told(&error))?;
        let attributes = settings.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let resource = Resource::builder_empty()
            .with_attributes(attributes)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_service_name(settings.service_name.clone())
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(decision(settings.sampler, settings.sampled_share))
            .with_resource(resource)
            .build();
        Ok(Some(Self(provider)))
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("gatewit")
    }

    /// Sends what is left, for as long as a collector that is away is worth waiting for.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_WORDS) {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

fn decision(sampler: Sampler, share: f64) -> Decision {
    let below = |root: Decision| Decision::ParentBased(Box::new(root));
    match sampler {
        Sampler::AlwaysOn => Decision::AlwaysOn,
        Sampler::AlwaysOff => Decision::AlwaysOff,
        Sampler::Share => Decision::TraceIdRatioBased(share),
        Sampler::ParentOrOn => below(Decision::AlwaysOn),
        Sampler::ParentOrOff => below(Decision::AlwaysOff),
        Sampler::ParentOrShare => below(Decision::TraceIdRatioBased(share)),
    }
}
