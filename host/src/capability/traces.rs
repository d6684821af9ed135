//! Why did this sign-in fail? Traces of requests are kept in the store for whoever asks later.
//!
//! Writing happens after the answer and in the background, so that it tells nobody anything and keeps nobody waiting; a
//! flood loses traces, never answers. Deliberately absent: sign-ins that succeed.

use super::{
    storage::Backend,
    trace::{Step, Trace},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{sync::mpsc, task::JoinHandle};

/// Traces that wait for the store. At a thousand failures a second, a quarter of a second's; further ones are dropped.
const WAITING_MAX: usize = 256;

/// A sign-in that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSignIn {
    /// The request, as the log names it.
    pub request: String,
    /// When it failed, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The provider; `default` for passwords of accounts here.
    pub provider: String,
    /// What the client was told.
    pub reason: String,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

impl FailedSignIn {
    pub(crate) fn new(request: String, at_ms: u64, provider: &str, reason: &str, trace: &Trace) -> Self {
        Self { request, at_ms, provider: provider.to_owned(), reason: reason.to_owned(), steps: trace.steps() }
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

impl fmt::Display for FailedSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = i128::from(self.at_ms) * 1_000_000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok().and_then(|at| at.format(&Rfc3339).ok());
        writeln!(f, "request   {}", self.request)?;
        writeln!(f, "failed    {}", at.unwrap_or_default())?;
        writeln!(f, "provider  {}", self.provider)?;
        write!(f, "told      {}", self.reason)?;
        for Step { at_ms, level, from, text } in &self.steps {
            write!(f, "\n{at_ms:>6} ms  {level:<5}  {from:<12}  {text}")?;
        }
        Ok(())
    }
}

/// Keeps traces until it is closed.
pub(crate) struct Traces(Mutex<Option<Open>>);

struct Open {
    queue: mpsc::Sender<FailedSignIn>,
    writer: JoinHandle<()>,
}

impl Traces {
    pub(crate) fn start(store: Arc<dyn Backend>) -> Self {
        let (queue, mut waiting) = mpsc::channel::<FailedSignIn>(WAITING_MAX);
        let writer = tokio::spawn(async move {
            while let Some(failed) = waiting.recv().await {
                if let Err(error) = store.keep_trace(&failed.request, failed.at_ms, &failed.to_json()).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a trace is not kept");
                }
            }
        });
        Self(Mutex::new(Some(Open { queue, writer })))
    }

    pub(crate) fn keep(&self, failed: FailedSignIn) {
        if let Some(open) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
            && open.queue.try_send(failed).is_err()
        {
            tracing::debug!("too many sign-ins fail; a trace is not kept");
        }
    }

    /// Writes what waits, and takes no more.
    pub(crate) async fn close(&self) {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { queue, writer }) = open {
            drop(queue);
            // It ends by itself; whether it fell makes no difference any more.
            let _ = writer.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_trace_is_told_to_people_and_to_programs() {
        let step = |at_ms, level: &'static str, text: &str| Step {
            at_ms,
            level: level.into(),
            from: "okta".to_owned(),
            text: text.to_owned(),
        };
        let failed = FailedSignIn {
            request: "5c0e".to_owned(),
            at_ms: 1_700_000_000_123,
            provider: "okta".to_owned(),
            reason: "INVALID_CREDENTIALS".to_owned(),
            steps: vec![
                step(3, "debug", "POST https://okta.example/token: 400 after 2 ms"),
                step(4, "warn", "expired"),
            ],
        };
        expect![[r"
            request   5c0e
            failed    2023-11-14T22:13:20.123Z
            provider  okta
            told      INVALID_CREDENTIALS
                 3 ms  debug  okta          POST https://okta.example/token: 400 after 2 ms
                 4 ms  warn   okta          expired"]]
        .assert_eq(&failed.to_string());
        assert_eq!(FailedSignIn::parse(&failed.to_json()), Some(failed));
        assert_eq!(FailedSignIn::parse("{}"), None);
    }
}
