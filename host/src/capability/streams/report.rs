//! What a driver connected to and how it ended, in the log and in the trace.

use super::{Error, policy::Denial};
use crate::capability::{log::redact, trace::Trace};
use std::{sync::Arc, time::Instant};

/// One connection, to be told of.
pub(super) struct Report {
    provider: Arc<str>,
    to: String,
    start: Instant,
    trace: Trace,
}

impl Report {
    pub(super) fn new(provider: &Arc<str>, to: &str, trace: &Trace) -> Self {
        Self { provider: provider.clone(), to: redact(to), start: Instant::now(), trace: trace.clone() }
    }

    /// It came as far as this.
    pub(super) fn reached(&self, what: &str) {
        let (provider, to, ms) = (self.provider.as_ref(), self.to.as_str(), self.ms());
        tracing::debug!(provider, to, ms, what, "a driver has a connection");
        self.trace.add("debug", provider, &format!("{to}: {what} after {ms} ms"));
    }

    /// The policy says no.
    pub(super) fn denied(&self, denial: &Denial) -> Error {
        let (provider, to, reason) = (self.provider.as_ref(), self.to.as_str(), denial.to_string());
        tracing::warn!(provider, to, reason, "a connection of a driver is denied");
        self.trace.add("warn", provider, &format!("{to}: denied, because it {reason}"));
        Error::Denied
    }

    /// It broke.
    pub(super) fn failed(&self, error: Error) -> Error {
        let (provider, to, ms, reason) = (self.provider.as_ref(), self.to.as_str(), self.ms(), error.to_string());
        tracing::warn!(provider, to, ms, reason, "a connection of a driver failed");
        self.trace.add("warn", provider, &format!("{to}: failed after {ms} ms: {reason}"));
        error
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
