//! The log of the process, as the settings want it. Programs that embed the host bring their own subscriber instead.

use crate::config::{Log, LogLevel, LogStyle};
use std::io::IsTerminal;
use tracing_subscriber::filter::LevelFilter;

/// Sends the log to the standard output. Does nothing where a subscriber is set already.
pub fn init(settings: &Log) {
    let level = match settings.level {
        LogLevel::Silent => LevelFilter::OFF,
        LogLevel::Fatal | LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_target(false);
    // A second subscriber is refused, which is what we want.
    let _ = match settings.style {
        LogStyle::Pretty => lines.with_ansi(std::io::stdout().is_terminal()).try_init(),
        LogStyle::Json => lines.json().flatten_event(true).try_init(),
    };
}
