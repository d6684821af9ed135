//! `[log]`: what is logged and how.

use super::decode::one_of;
use super::setting::{Setting, put};

/// The log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least important level that is logged (`LOG_LEVEL`, default `info`).
    pub level: LogLevel,
    /// Form of a line (`LOG_STYLE`, default `pretty`).
    pub style: LogStyle,
}

/// Levels by the names of pino, which Directus uses; most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing at all.
    Silent,
    /// Only what ends the process.
    Fatal,
    /// Failures.
    Error,
    /// And what is probably not meant.
    Warn,
    /// And what goes on.
    Info,
    /// And what helps to find a fault.
    Debug,
    /// Everything.
    Trace,
}

/// Forms of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    /// For people.
    Pretty,
    /// One JSON object a line (`raw`; `json` is taken too).
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::Info, style: LogStyle::Pretty }
    }
}

const LEVELS: [(&str, LogLevel); 7] = [
    ("fatal", LogLevel::Fatal),
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
    ("silent", LogLevel::Silent),
];

const STYLES: [(&str, LogStyle); 3] = [("pretty", LogStyle::Pretty), ("raw", LogStyle::Json), ("json", LogStyle::Json)];

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("LOG_LEVEL", "log.level", |c, v| put(&mut c.log.level, one_of(v, &LEVELS))),
    Setting::new("LOG_STYLE", "log.style", |c, v| put(&mut c.log.style, one_of(v, &STYLES))),
];
