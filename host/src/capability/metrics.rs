//! Figures of the process, for Prometheus: what was done, how long it took, and what is open.
//!
//! Labels come from the program and the configuration, never from a request, so that nobody can make the figures grow. What
//! is counted on the way of a request are atomic numbers behind a lock that everybody reads; what can be looked up is looked
//! up when somebody asks. Absent: names of people, addresses, and figures of single requests, which are the log's.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::{
    borrow::Cow,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The first limit of the histogram of times, in seconds: what the quickest requests take …
const FIRST_BUCKET: f64 = 0.000_25;

/// … and how many there are, each twice the one before: up to eight seconds.
const BUCKETS: u16 = 16;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: Cow<'static, str>,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignIn {
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Component {
    component: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    component: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// The connections to a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connections {
    /// That are there, in use or not.
    pub(crate) open: u64,
    /// That wait for work.
    pub(crate) idle: u64,
    /// That there may be.
    pub(crate) limit: u64,
}

/// What is looked up when somebody asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looked {
    /// Passwords that wait for a thread.
    pub(crate) hashes: usize,
    pub(crate) connections: Connections,
    /// Letters that wait; `None` if that cannot be told.
    pub(crate) letters: Option<usize>,
    /// Sessions that are alive; `None` if that cannot be told.
    pub(crate) sessions: Option<u64>,
}

/// The figures.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<Request, Counter>,
    times: Family<Route, Histogram, fn() -> Histogram>,
    sign_ins: Family<SignIn, Counter>,
    refreshes: Family<Outcome, Counter>,
    calls: Family<Component, Counter>,
    failures: Family<Failure, Counter>,
    sandboxes: Gauge,
    hashes: Gauge,
    connections: Family<State, Gauge>,
    letters: Gauge,
    sessions: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let times: fn() -> Histogram = || Histogram::new(exponential_buckets(FIRST_BUCKET, 2.0, BUCKETS));
        let metrics = Self {
            registry: Mutex::default(),
            requests: Family::default(),
            times: Family::new_with_constructor(times),
            sign_ins: Family::default(),
            refreshes: Family::default(),
            calls: Family::default(),
            failures: Family::default(),
            sandboxes: Gauge::default(),
            hashes: Gauge::default(),
            connections: Family::default(),
            letters: Gauge::default(),
            sessions: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let own = registry.sub_registry_with_prefix("gatewit");
        own.register("requests", "Requests that were answered", self.requests.clone());
        own.register_with_unit("request_duration", "How long answers took", Unit::Seconds, self.times.clone());
        own.register("sign_ins", "Sign-ins by provider and outcome", self.sign_ins.clone());
        own.register("refreshes", "Refreshes by outcome", self.refreshes.clone());
        own.register("component_calls", "Sandboxes that were opened", self.calls.clone());
        own.register("component_failures", "Calls of components that gave no answer", self.failures.clone());
        own.register("sandboxes_open", "Sandboxes that are open", self.sandboxes.clone());
        own.register("password_hashes_waiting", "Passwords that wait for a thread", self.hashes.clone());
        own.register("database_connections", "Connections to the database", self.connections.clone());
        own.register("letters_waiting", "Letters that wait to be sent", self.letters.clone());
        own.register("sessions_open", "Sessions that are alive", self.sessions.clone());
    }

    /// A request was answered. `route` and `method` are of the table of routes, not the client's.
    pub(crate) fn answered(&self, method: &'static str, route: Cow<'static, str>, status: u16, took: Duration) {
        let status = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&Request { method, route: route.clone(), status }).inc();
        self.times.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    /// Somebody tried to sign in at a provider of the configuration. `outcome` is `ok`, or the code of the refusal.
    pub(crate) fn signed_in(&self, provider: &str, outcome: &'static str) {
        self.sign_ins.get_or_create(&SignIn { provider: provider.to_owned(), outcome }).inc();
    }

    /// Somebody tried to refresh.
    pub(crate) fn refreshed(&self, outcome: &'static str) {
        self.refreshes.get_or_create(&Outcome { outcome }).inc();
    }

    /// A sandbox of a component was opened; it is counted until what is returned is dropped.
    pub(crate) fn opened(&self, component: &str) -> Open {
        self.calls.get_or_create(&Component { component: component.to_owned() }).inc();
        self.sandboxes.inc();
        Open(self.sandboxes.clone())
    }

    /// A call of a component gave no answer.
    pub(crate) fn failed(&self, component: &str, kind: &'static str) {
        self.failures.get_or_create(&Failure { component: component.to_owned(), kind }).inc();
    }

    /// All figures as text.
    ///
    /// # Errors
    /// Never; texts can be written to.
    pub(crate) fn text(&self, looked: &Looked) -> Result<String, fmt::Error> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.hashes.set(number(looked.hashes as u64));
        let Connections { open, idle, limit } = looked.connections;
        for (state, count) in [("open", open), ("idle", idle), ("limit", limit)] {
            self.connections.get_or_create(&State { state }).set(number(count));
        }
        // What cannot be told is shown as a number that cannot be.
        self.letters.set(looked.letters.map_or(-1, |letters| number(letters as u64)));
        self.sessions.set(looked.sessions.map_or(-1, number));
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

/// A sandbox that is open.
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Metrics::default();
        for (status, took) in [(200, Duration::from_millis(3)), (404, Duration::from_mins(1))] {
            metrics.answered("POST", Cow::Borrowed("/auth/login"), status, took);
        }
        metrics.signed_in("default", "ok");
        metrics.refreshed("TOKEN_EXPIRED");
        metrics.failed("okta", "trapped");
        let open = metrics.opened("auth");
        let connections = Connections { open: 3, idle: 2, limit: 10 };
        let looked = Looked { hashes: 1, connections, letters: Some(4), sessions: None };
        let text = metrics.text(&looked).unwrap();
        for line in [
            r#"gatewit_requests_total{method="POST",route="/auth/login",status="2xx"} 1"#,
            r#"gatewit_requests_total{method="POST",route="/auth/login",status="4xx"} 1"#,
            r#"gatewit_request_duration_seconds_bucket{le="0.004",route="/auth/login"} 1"#,
            r#"gatewit_request_duration_seconds_count{route="/auth/login"} 2"#,
            r#"gatewit_sign_ins_total{provider="default",outcome="ok"} 1"#,
            r#"gatewit_refreshes_total{outcome="TOKEN_EXPIRED"} 1"#,
            r#"gatewit_component_calls_total{component="auth"} 1"#,
            r#"gatewit_component_failures_total{component="okta",kind="trapped"} 1"#,
            r#"gatewit_database_connections{state="idle"} 2"#,
            "gatewit_sandboxes_open 1",
            "gatewit_password_hashes_waiting 1",
            "gatewit_letters_waiting 4",
            "gatewit_sessions_open -1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        drop(open);
        assert!(metrics.text(&looked).unwrap().contains("gatewit_sandboxes_open 0"));
    }
}
