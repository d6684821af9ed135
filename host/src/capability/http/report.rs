//! What a driver asked for and got, in the log and in the trace: method, address without query, outcome, time.

use super::failure::Failed;
use crate::capability::{log::redact, trace::Trace};
use hyper::Method;
use std::{sync::Arc, time::Instant};
use url::Url;

/// One request, to be told of.
#[derive(Clone)]
pub(super) struct Report {
    provider: Arc<str>,
    request: Arc<str>,
    start: Instant,
    trace: Trace,
}

impl Report {
    pub(super) fn new(provider: &Arc<str>, method: &Method, url: &Url, trace: &Trace) -> Self {
        let mut shown = url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        // Neither can be refused for a URL with a host; one without is shown as it is, and has no user.
        let _ = (shown.set_username(""), shown.set_password(None));
        let request = redact(&format!("{method} {shown}")).into();
        Self { provider: provider.clone(), request, start: Instant::now(), trace: trace.clone() }
    }

    pub(super) fn answered(&self, status: u16) {
        let (provider, request, ms) = (self.provider.as_ref(), self.request.as_ref(), self.ms());
        tracing::debug!(provider, request, status, ms, "the provider answered");
        self.trace.add("debug", provider, &format!("{request}: {status} after {ms} ms"));
    }

    /// Once for each request: a body fails only where there was an answer.
    pub(super) fn failed(&self, failed: &Failed) {
        let (provider, request, ms, reason) =
            (self.provider.as_ref(), self.request.as_ref(), self.ms(), failed.told.as_str());
        if failed.is_denied {
            tracing::warn!(provider, request, reason, "a request of a driver is denied");
            self.trace.add("warn", provider, &format!("{request}: denied, because it {reason}"));
        } else {
            tracing::warn!(provider, request, reason, ms, "a request of a driver failed");
            self.trace.add("warn", provider, &format!("{request}: failed after {ms} ms: {reason}"));
        }
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_query_nor_user_is_told() {
        let url = Url::parse("https://user:hush@id.example.com/token?code=hush#hush").unwrap();
        let trace = Trace::start();
        Report::new(&"a".into(), &Method::POST, &url, &trace).answered(200);
        let told = &trace.steps()[0].text;
        assert!(told.starts_with("POST https://id.example.com/token: 200 after ") && !told.contains("hush"), "{told}");
    }
}
