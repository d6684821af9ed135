//! `[telemetry]`: the collector that traces are sent to, by the standard variables of OpenTelemetry.
//!
//! Nothing is sent where none is set. Deliberately absent: gRPC, figures (`/metrics` has them) and the log.

use std::time::Duration;

use super::cast::Value;
use super::decode::{boolean, duration_from, one_of, optional_text, share, text};
use super::error::{Refusal, Report};
use super::setting::{Setting, put};
use crate::Secret;

/// Shortest time for a batch of spans: below it no collector answers.
const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Where a collector takes traces, below its address.
const PATH: &str = "v1/traces";

/// Traces for a collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// The address of the collector (`OTEL_EXPORTER_OTLP_ENDPOINT`, default none: nothing is exported).
    pub endpoint: Option<String>,
    /// The whole address for traces, where it is another (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`).
    pub traces_endpoint: Option<String>,
    /// Headers that go along, `name=value,…` (`OTEL_EXPORTER_OTLP_HEADERS`). They may hold a token.
    pub headers: Vec<(String, Secret<String>)>,
    /// Longest time for a batch (`OTEL_EXPORTER_OTLP_TIMEOUT`, milliseconds, default 10 s).
    pub timeout: Duration,
    /// What is spoken (`OTEL_EXPORTER_OTLP_PROTOCOL`): `http/protobuf`.
    pub protocol: String,
    /// What this server is called (`OTEL_SERVICE_NAME`, default `gatewit`).
    pub service_name: String,
    /// What else is said of it, `name=value,…` (`OTEL_RESOURCE_ATTRIBUTES`).
    pub resource: Vec<(String, String)>,
    /// Which requests are traced (`OTEL_TRACES_SAMPLER`, default `parentbased_always_on`).
    pub sampler: Sampler,
    /// The share of requests that are, from 0 to 1, where a share is wanted (`OTEL_TRACES_SAMPLER_ARG`, default 1).
    pub sampled_share: f64,
    /// Who takes traces (`OTEL_TRACES_EXPORTER`): `otlp`, or `none`.
    pub exporter: Exporter,
    /// Is all of it off (`OTEL_SDK_DISABLED`, default false)?
    pub disabled: bool,
}

/// Who takes traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// A collector.
    Otlp,
    /// Nobody.
    None,
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A share.
    Share,
    /// Those whose sender traces them; all where that is not said.
    ParentOrOn,
    /// Those whose sender traces them.
    ParentOrOff,
    /// Those whose sender traces them; a share where that is not said.
    ParentOrShare,
}

const EXPORTERS: [(&str, Exporter); 2] = [("otlp", Exporter::Otlp), ("none", Exporter::None)];

const SAMPLERS: [(&str, Sampler); 6] = [
    ("always_on", Sampler::AlwaysOn),
    ("always_off", Sampler::AlwaysOff),
    ("traceidratio", Sampler::Share),
    ("parentbased_always_on", Sampler::ParentOrOn),
    ("parentbased_always_off", Sampler::ParentOrOff),
    ("parentbased_traceidratio", Sampler::ParentOrShare),
];

/// What is spoken with a collector.
const PROTOCOL: &str = "http/protobuf";

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            endpoint: None,
            traces_endpoint: None,
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            protocol: PROTOCOL.to_owned(),
            service_name: "gatewit".to_owned(),
            resource: Vec::new(),
            sampler: Sampler::ParentOrOn,
            sampled_share: 1.0,
            exporter: Exporter::Otlp,
            disabled: false,
        }
    }
}

impl Telemetry {
    /// Where traces are sent, if they are.
    pub(crate) fn address(&self) -> Option<String> {
        if self.disabled || self.exporter == Exporter::None {
            return None;
        }
        let below = |base: &String| format!("{}/{PATH}", base.trim_end_matches('/'));
        self.traces_endpoint.clone().or_else(|| self.endpoint.as_ref().map(below))
    }

    pub(super) fn check(&self, report: &mut Report) {
        let Some(address) = self.address() else { return };
        if !url::Url::parse(&address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            report.problem("OTEL_EXPORTER_OTLP_ENDPOINT: is not the address of a collector; write for example http://localhost:4318");
        }
        if self.protocol != PROTOCOL {
            report.problem(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL: {:?} is not spoken here; write {PROTOCOL}, which collectors take on port 4318",
                self.protocol
            ));
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.endpoint", |c, v| {
        put(&mut c.telemetry.endpoint, optional_text(v))
    })
    .text(),
    Setting::new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "telemetry.traces_endpoint", |c, v| {
        put(&mut c.telemetry.traces_endpoint, optional_text(v))
    })
    .text(),
    Setting::new("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.headers", |c, v| {
        put(&mut c.telemetry.headers, secret_pairs(v))
    })
    .secret()
    .spelled(&["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]),
    Setting::new("OTEL_EXPORTER_OTLP_TIMEOUT", "telemetry.timeout", |c, v| {
        put(&mut c.telemetry.timeout, duration_from(v, TIMEOUT_MIN))
    }),
    Setting::new("OTEL_EXPORTER_OTLP_PROTOCOL", "telemetry.protocol", |c, v| put(&mut c.telemetry.protocol, text(v)))
        .text()
        .spelled(&["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]),
    Setting::new("OTEL_SERVICE_NAME", "telemetry.service_name", |c, v| put(&mut c.telemetry.service_name, text(v)))
        .text(),
    Setting::new("OTEL_RESOURCE_ATTRIBUTES", "telemetry.resource", |c, v| put(&mut c.telemetry.resource, pairs(v)))
        .text(),
    Setting::new("OTEL_TRACES_SAMPLER", "telemetry.sampler", |c, v| {
        put(&mut c.telemetry.sampler, one_of(v, &SAMPLERS))
    })
    .text(),
    Setting::new("OTEL_TRACES_SAMPLER_ARG", "telemetry.sampled_share", |c, v| {
        put(&mut c.telemetry.sampled_share, share(v))
    })
    .text(),
    Setting::new("OTEL_TRACES_EXPORTER", "telemetry.exporter", |c, v| {
        put(&mut c.telemetry.exporter, one_of(v, &EXPORTERS))
    })
    .text(),
    Setting::new("OTEL_SDK_DISABLED", "telemetry.disabled", |c, v| put(&mut c.telemetry.disabled, boolean(v))),
];

/// `name=value,name=value`, the values encoded as in a URL.
fn pairs(value: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let text = optional_text(value)?.unwrap_or_default();
    let pair = |part: &str| {
        let wrong = || Refusal::new("is not a list of name=value, separated by commas");
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let name = name.trim();
        if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return Err(wrong());
        }
        let value = value.trim();
        let value = crate::http::percent::decode(value).ok_or_else(wrong)?;
        Ok((name.to_owned(), value))
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(pair).collect()
}

fn secret_pairs(value: &Value) -> Result<Vec<(String, Secret<String>)>, Refusal> {
    Ok(pairs(value)?.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), Secret::new(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    fn read(variables: &[(&str, &str)]) -> Result<Telemetry, String> {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let read = Config::from_sources(&Sources { environment, ..Sources::default() });
        read.map(|(config, _)| config.telemetry).map_err(|error| error.to_string())
    }

    #[test]
    fn a_collector_is_found_by_the_standard_variables() {
        let (base, whole) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let address = |variables: &[(&str, &str)]| read(variables).unwrap().address();
        assert_eq!(address(&[]), None);
        assert_eq!(address(&[(base, "http://a:4318/")]).as_deref(), Some("http://a:4318/v1/traces"));
        assert_eq!(address(&[(base, "http://a:4318"), (whole, "https://b/x")]).as_deref(), Some("https://b/x"));
        assert_eq!(address(&[(base, "http://a:4318"), ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert_eq!(address(&[(base, "http://a:4318"), ("OTEL_SDK_DISABLED", "true")]), None);
    }

    #[test]
    fn what_is_set_is_read() {
        let read = read(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20aGk6aG8=, x-scope=1"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ]);
        let read = read.unwrap();
        let headers: Vec<_> =
            read.headers.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        assert_eq!(headers, [("authorization", "Basic aGk6aG8="), ("x-scope", "1")]);
        assert_eq!(read.resource, [("deployment.environment.name".to_owned(), "test".to_owned())]);
        assert_eq!((read.sampler, read.sampled_share), (Sampler::ParentOrShare, 0.25));
        assert_eq!(read.timeout, Duration::from_millis(2500));
    }

    #[test]
    fn what_cannot_be_exported_to_is_said_at_the_start() {
        let to = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318");
        for (variables, word) in [
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "a:4318")][..], "address of a collector"),
            (&[to, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http/protobuf"),
            (&[to, ("OTEL_TRACES_SAMPLER_ARG", "2")], "from 0 to 1"),
            (&[to, ("OTEL_EXPORTER_OTLP_HEADERS", "hush")], "name=value"),
        ] {
            let told = read(variables).unwrap_err();
            assert!(told.contains(word) && !told.contains("hush"), "{told}");
        }
        assert!(read(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).is_ok(), "nothing is exported");
    }
}
