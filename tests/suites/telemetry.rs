//! Traces for a collector of OpenTelemetry: what is in them, what is not, and what becomes of requests when nobody takes them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::application::Application;
use e2e::calls::{USER, login, quick, sign_in};
use e2e::client::Request;
use e2e::collector::Collector;
use e2e::oidc::free_port;
use e2e::server::{TestServer, refusal};
use e2e::stage::Stage;
use e2e::upstream::{Manner, Upstream};
use serde_json::Value;

e2e::suite! {
    a_sign_in_is_one_trace_from_the_request_to_the_database,
    a_sign_in_at_a_provider_tells_hosts_and_no_secrets,
    an_application_goes_on_with_the_trace,
    what_is_left_is_sent_at_the_end,
    a_collector_that_is_away_keeps_nobody_waiting,
    a_collector_that_says_nothing_keeps_nobody_waiting,
    nothing_is_sent_that_is_switched_off,
    a_collector_that_cannot_be_is_told_at_the_start,
}

/// A trace of somebody who sends us a request.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Their span in it.
const PARENT: &str = "00f067aa0ba902b7";
/// Batches go out soon, so that tests need not wait.
const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "50");
/// Longer than any batch waits that is not sent at the end.
const NEVER: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "600000");
/// No request may wait for a collector; sign-ins with the cheap hashes of tests take milliseconds.
const PROMPT: Duration = Duration::from_secs(5);
/// How long the end may take where nobody takes the last spans: the time for that, and some for a busy machine.
const END: Duration = Duration::from_secs(15);

fn traceparent() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

/// The span of this name in a trace.
fn find<'a>(spans: &'a [Value], trace: &str, name: &str) -> anyhow::Result<&'a Value> {
    let found = spans.iter().find(|span| span["trace"] == trace && span["name"] == name);
    found.with_context(|| format!("no span {name:?} in {trace}: {spans:#?}"))
}

async fn a_sign_in_is_one_trace_from_the_request_to_the_database() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20of-the-collector"),
        ("OTEL_SERVICE_NAME", "front-door"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests"),
        SOON,
    ];
    let server = TestServer::seeded(&quick(&env)).await?;
    let answer = server.client().send(&login(USER, "json").header("traceparent", &traceparent())).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    let spans = collector.spans_with("POST /auth/login").await?;
    let request = find(&spans, TRACE, "POST /auth/login")?;
    ensure!(request["parent"] == PARENT && request["kind"] == 2, "it is no server's part of the trace: {request}");
    ensure!(request["attributes"]["http.response.status_code"] == 200, "{request}");
    ensure!(request["attributes"]["http.route"] == "/auth/login", "{request}");
    ensure!(request["path"] == "/v1/traces" && request["type"] == "application/x-protobuf", "{request}");
    ensure!(request["authorization"] == "Bearer of-the-collector", "{request}");
    ensure!(request["resource"]["service.name"] == "front-door", "{request}");
    ensure!(request["resource"]["deployment.environment.name"] == "tests", "{request}");
    // Request → sandbox of the rules → sandbox of the driver → the hash; and the database below the rules.
    let chain = [("operate", "POST /auth/login"), ("driver login", "operate"), ("password verify", "driver login")];
    for (name, below) in chain.into_iter().chain([("begin_session", "operate")]) {
        let (span, above) = (find(&spans, TRACE, name)?, find(&spans, TRACE, below)?);
        ensure!(span["parent"] == above["span"], "{name} is not below {below}: {spans:#?}");
    }
    let driver = find(&spans, TRACE, "driver login")?;
    ensure!(driver["attributes"]["gatewit.component"] == "local", "{driver}");
    ensure!(find(&spans, TRACE, "begin_session")?["attributes"]["db.system.name"] == "sqlite", "{spans:#?}");
    let (text, tokens) = (format!("{spans:?}"), e2e::calls::Tokens::of(&answer)?);
    for secret in [USER.0, USER.1, &tokens.access, &tokens.refresh] {
        ensure!(!text.contains(secret), "{secret} is in a span: {text}");
    }
    ensure!(spans.iter().all(|span| span["events"] == serde_json::json!([])), "lines of the log went along");
    // Without a trace of somebody else's, a request begins one.
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn a_sign_in_at_a_provider_tells_hosts_and_no_secrets() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), SOON];
    let stage = Stage::openid(&env).await?;
    stage.signed_in().await?;
    let spans = collector.spans_with("driver finish").await?;
    let finish = spans.iter().find(|span| span["name"] == "driver finish").context("no end")?;
    ensure!(finish["attributes"]["gatewit.provider"] == "op", "{finish}");
    let requests: Vec<_> = spans.iter().filter(|span| span["parent"] == finish["span"]).collect();
    ensure!(
        requests.iter().any(|span| span["attributes"]["http.request.method"] == "POST"),
        "no request for a token: {spans:#?}"
    );
    for request in requests.iter().filter(|span| span["kind"] == 3) {
        ensure!(request["attributes"]["server.address"] == "127.0.0.1", "{request}");
        ensure!(request["attributes"]["http.response.status_code"] == 200, "{request}");
    }
    let (text, token) = (format!("{spans:?}"), stage.provider.last("token")?);
    let person = stage.provider.script(|script| script.person.clone());
    let secrets = [token.get("code"), token.get("code_verifier"), person["email"].as_str()];
    for secret in secrets.into_iter().flatten() {
        ensure!(!text.contains(secret), "{secret} is in a span: {text}");
    }
    ensure!(token.get("code").is_some() && person["email"].is_string(), "nothing was looked for");
    for word in ["state=", "/token", "nonce"] {
        ensure!(!text.contains(word), "{word} is in a span: {text}");
    }
    Ok(())
}

async fn an_application_goes_on_with_the_trace() -> anyhow::Result<()> {
    let (collector, application) = (Collector::start().await?, Application::start().await?);
    let url = application.url();
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
        ("GATEWIT_UPSTREAM", url.as_str()),
        ("GATEWIT_UPSTREAM_ANONYMOUS", "pass"),
        SOON,
    ];
    let server = TestServer::seeded(&quick(&env)).await?;
    let request = Request::new("GET", "/page").header("traceparent", &traceparent()).header("tracestate", "vendor=1");
    let answer = server.client().send(&request).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    let spans = collector.spans_with("GET upstream").await?;
    let span = find(&spans, TRACE, "GET upstream")?;
    ensure!(span["parent"] == PARENT, "{span}");
    let asked = application.last()?.to_ascii_lowercase();
    let told = format!("00-{TRACE}-{}-01", span["span"].as_str().unwrap_or_default());
    ensure!(asked.matches("traceparent").count() == 1 && asked.contains(&told), "{asked}");
    ensure!(asked.matches("tracestate").count() == 1 && asked.contains("vendor=1"), "{asked}");
    Ok(())
}

async fn what_is_left_is_sent_at_the_end() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), NEVER];
    let mut server = TestServer::seeded(&quick(&env)).await?;
    sign_in(&mut server.client(), USER).await?;
    ensure!(collector.spans().is_empty(), "it is sent before its time: the test proves nothing");
    server.terminate()?;
    ensure!(server.ended().await?.success(), "{}", server.log());
    collector.spans_with("POST /auth/login").await?;
    Ok(())
}

/// Signs in often, and ends: whatever becomes of spans, neither takes longer.
async fn nobody_waits(endpoint: &str) -> anyhow::Result<TestServer> {
    let mut server = TestServer::seeded(&quick(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), SOON])).await?;
    let mut client = server.client();
    for _ in 0..20 {
        let began = Instant::now();
        sign_in(&mut client, USER).await?;
        ensure!(began.elapsed() < PROMPT, "a sign-in took {:?}", began.elapsed());
    }
    let began = Instant::now();
    server.terminate()?;
    ensure!(server.ended().await?.success(), "{}", server.log());
    ensure!(began.elapsed() < END, "the end took {:?}", began.elapsed());
    Ok(server)
}

async fn a_collector_that_is_away_keeps_nobody_waiting() -> anyhow::Result<()> {
    let server = nobody_waits(&format!("http://127.0.0.1:{}", free_port()?)).await?;
    let told = server.log().matches("traces are not exported").count();
    ensure!(told == 1, "it is said {told} times:\n{}", server.log());
    Ok(())
}

async fn a_collector_that_says_nothing_keeps_nobody_waiting() -> anyhow::Result<()> {
    let silent = Upstream::start(|_| Manner::Hang).await?;
    nobody_waits(&format!("http://127.0.0.1:{}", silent.port)).await?;
    ensure!(!silent.asked().is_empty(), "it was not asked");
    Ok(())
}

async fn nothing_is_sent_that_is_switched_off() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")]
    {
        let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), off];
        let mut server = TestServer::seeded(&quick(&env)).await?;
        sign_in(&mut server.client(), USER).await?;
        // What there is would be sent before it ends.
        server.terminate()?;
        ensure!(server.ended().await?.success(), "{}", server.log());
        ensure!(collector.spans().is_empty(), "{off:?}: {:#?}", collector.spans());
    }
    Ok(())
}

async fn a_collector_that_cannot_be_is_told_at_the_start() -> anyhow::Result<()> {
    for (more, word) in [
        (("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"), "is not the address of a collector"),
        (("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), "http/protobuf"),
    ] {
        let output = refusal(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), more]).await?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && told.contains(word), "{more:?}: {told}");
    }
    Ok(())
}
