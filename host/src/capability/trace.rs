//! What happened in one request, step by step, so that a sign-in that failed can be explained.
//!
//! Invariant: an entry was redacted by whoever writes it, exactly as a line of the log. A request that fails nowhere costs
//! one allocation. Deliberately absent: keeping traces, which is the store's, and deciding which are kept.

use super::{
    log::{cut, redact},
    script::Script,
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// Entries of one request. A sign-in at a provider writes a dozen; a driver that floods loses the end of its flood.
const ENTRIES_MAX: usize = 64;

/// Bytes of one entry. What a provider says of an error fits.
const ENTRY_BYTES_MAX: usize = 1024;

/// One step of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Milliseconds since the request began.
    pub at_ms: u64,
    /// `debug`, `info`, `warn` or `error`.
    pub level: Cow<'static, str>,
    /// Who says it: the rules, or a provider's driver and the way to it.
    pub from: String,
    /// What happened.
    pub text: String,
}

/// The steps of one request. Clones are handles to the same ones.
#[derive(Clone)]
pub(crate) struct Trace {
    inner: Arc<Inner>,
    /// What a driver's call is told, where somebody else is to be told it, too.
    script: Script,
}

struct Inner {
    start: Instant,
    steps: Mutex<Vec<Step>>,
}

impl Trace {
    pub(crate) fn start() -> Self {
        Self { inner: Arc::new(Inner { start: Instant::now(), steps: Mutex::default() }), script: Script::default() }
    }

    /// The same steps, for a driver's call with a script.
    pub(crate) fn with_script(&self, script: Script) -> Self {
        Self { inner: self.inner.clone(), script }
    }

    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    /// Adds a step; beyond the limit it is dropped.
    pub(crate) fn add(&self, level: &'static str, from: &str, text: &str) {
        let at_ms = u64::try_from(self.inner.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut steps = self.inner.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() < ENTRIES_MAX {
            let text = cut(&redact(text), ENTRY_BYTES_MAX).to_owned();
            steps.push(Step { at_ms, level: level.into(), from: cut(from, 128).to_owned(), text });
        }
    }

    /// All steps so far, in their order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.inner.steps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_in_number_and_length() {
        let trace = Trace::start();
        for _ in 0..=ENTRIES_MAX {
            trace.add("warn", "driver", &"é ".repeat(ENTRY_BYTES_MAX));
        }
        let steps = trace.steps();
        assert_eq!(steps.len(), ENTRIES_MAX);
        assert!(steps.iter().all(|step| step.text.len() <= ENTRY_BYTES_MAX));
    }

    #[test]
    fn what_looks_like_a_secret_is_not_kept() {
        let trace = Trace::start();
        trace.add("info", "driver", "got eyJhbGciOiJIUzI1NiJ9.e30.x back");
        assert_eq!(trace.steps()[0].text, "got [redacted] back");
    }
}
