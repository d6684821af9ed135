//! The spans that there are, and what each says.
//!
//! One goes from the beginning of a request to its end; below it are the sandboxes, below those what components ask of the
//! host. The parent of each is the one in whose task it begins. Names of attributes are those of OpenTelemetry's conventions
//! where these have a word.

use crate::visit::CallId;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{propagation::TextMapPropagator as _, trace::TraceContextExt as _};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field::Empty, trace_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of all spans, by which the log leaves them out and the exporter takes them.
pub(crate) const TARGET: &str = "gatewit::spans";

/// Methods by their names. Any other is somebody's invention, and there is no end of them.
const METHODS: [&str; 8] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "SEARCH"];

/// Statuses from here on are failures of the server.
const SERVER_ERROR: u16 = 500;

/// A request, from its first byte to its answer. Part of the trace that it names, if it names one.
pub(crate) fn request(id: CallId, method: &str, route: &str, headers: &HeaderMap) -> Span {
    let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("_OTHER");
    let span = trace_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        gatewit.request = %id,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    if !span.is_disabled() {
        let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        if context.span().span_context().is_valid() {
            // It has not begun yet, so it may be given a parent.
            let _ = span.set_parent(context);
        }
    }
    span
}

/// How a request ended.
pub(crate) fn answered(span: &Span, status: u16) {
    // Signed, because that is the one kind of number that spans of OpenTelemetry have.
    span.record("http.response.status_code", i64::from(status));
    if status >= SERVER_ERROR {
        span.record("otel.status_code", "ERROR");
    }
}

/// Has the application behind us go on with the trace that this request is part of.
pub(crate) fn pass_on(headers: &mut HeaderMap) {
    let span = Span::current();
    if span.metadata().is_none_or(|span| span.target() != TARGET) {
        return;
    }
    let context = span.context();
    if !context.span().span_context().is_valid() {
        return;
    }
    let mut told = HeaderMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(&mut told));
    for name in ["traceparent", "tracestate"] {
        if let Some(value) = told.remove(name) {
            put(headers, HeaderName::from_static(name), value);
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !value.is_empty() {
        headers.insert(name, value);
    }
}

/// A sandbox of the rules.
pub(crate) fn rules(operation: &'static str) -> Span {
    trace_span!(target: TARGET, "rules", otel.name = operation, gatewit.component = "auth")
}

/// A call of a provider's driver, in a sandbox of its own.
pub(crate) fn driver(operation: &'static str, provider: &str, driver: &str, generation: &str) -> Span {
    trace_span!(
        target: TARGET,
        "driver",
        otel.name = operation,
        gatewit.component = driver,
        gatewit.generation = generation,
        gatewit.provider = provider,
    )
}

/// A question to the database, or a change.
pub(crate) fn storage(operation: &'static str, database: &'static str) -> Span {
    let database = match database {
        "pg" => "postgresql",
        "sqlite3" => "sqlite",
        other => other,
    };
    trace_span!(
        target: TARGET,
        "storage",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = database,
        db.operation.name = operation,
    )
}

/// A request of a driver to its provider. Where it leads is told by [`leads_to`].
pub(crate) fn outgoing() -> Span {
    trace_span!(
        target: TARGET,
        "http",
        otel.name = "http request",
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = Empty,
        server.address = Empty,
        http.response.status_code = Empty,
    )
}

/// A connection of a driver to its provider. Where it leads is told by [`leads_to`].
pub(crate) fn connection() -> Span {
    trace_span!(target: TARGET, "connect", otel.name = "connect", otel.kind = "client", server.address = Empty)
}

/// Where a request or a connection leads, once it is known that it may: a host that nobody configured could be a driver's way
/// to tell something.
pub(crate) fn leads_to(host: &str, method: Option<&str>) {
    let span = Span::current();
    span.record("server.address", host);
    if let Some(method) = method {
        span.record("http.request.method", method);
    }
}

/// The work of a password hash, the waiting for it included.
pub(crate) fn password(operation: &'static str) -> Span {
    trace_span!(target: TARGET, "password", otel.name = operation)
}

/// A letter, until it is on the disk.
pub(crate) fn letter(template: &str) -> Span {
    trace_span!(target: TARGET, "mail", otel.name = "mail send", otel.kind = "producer", gatewit.template = template)
}
