//! The log of the process, as the settings want it, and beside it the traces. Programs that embed the host bring their own
//! subscriber instead.

use crate::{
    config::{Log, LogLevel, LogStyle},
    telemetry::{Telemetry, spans},
};
use std::io::IsTerminal;
use tracing_subscriber::{
    Registry,
    filter::{LevelFilter, Targets},
    layer::{Layer, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// Sends the log to the standard output. Does nothing where a subscriber is set already.
pub fn init(settings: &Log) {
    init_with(settings, None);
}

/// The same, and sends spans to a collector if there is one.
pub fn init_with(settings: &Log, telemetry: Option<&Telemetry>) {
    let level = match settings.level {
        LogLevel::Silent => LevelFilter::OFF,
        LogLevel::Fatal | LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer().with_target(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.style {
        LogStyle::Pretty => lines.with_ansi(std::io::stdout().is_terminal()).boxed(),
        LogStyle::Json => lines.json().flatten_event(true).boxed(),
    };
    let chosen = Targets::new().with_default(level).with_target(spans::TARGET, LevelFilter::OFF);
    // A second subscriber is refused, which is what we want.
    let _ = match telemetry {
        None => tracing_subscriber::registry().with(lines).with(chosen).try_init(),
        Some(telemetry) => {
            let traces = tracing_opentelemetry::layer()
                .with_tracer(telemetry.tracer())
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_level(false)
                .with_context_activation(false)
                .with_tracked_inactivity(false)
                .with_filter(Targets::new().with_target(spans::TARGET, LevelFilter::TRACE));
            tracing_subscriber::registry().with(lines.with_filter(chosen)).with(traces).try_init()
        }
    };
}
