//! What operators see and do: who may, what they find, and how a server says that it is about to stop.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, USER, login, quick, refused, sign_in};
use e2e::client::{Client, Request};
use e2e::server::{SECRET, TestServer};
use e2e::tokens::{self, Algorithm};
use serde_json::{Value, json};

e2e::suite! {
    nobody_but_an_administrator_operates,
    an_administrator_who_lacks_the_second_factor_operates_nothing,
    the_status_tells_what_the_server_is,
    watching_the_process_needs_no_token,
    a_server_that_is_to_stop_says_so_first,
    failed_sign_ins_are_listed_and_told_step_by_step,
    figures_are_told_to_those_who_may_know_them,
    figures_count_what_is_done,
}

/// What anybody may ask under `/gatewit`.
const OPEN: [&str; 4] = ["/gatewit/live", "/gatewit/ready", "/gatewit/forward-auth", "/gatewit/return"];

/// Everything else under `/gatewit`, as the server's own document lists it: methods and paths.
async fn operations(client: &mut Client) -> anyhow::Result<Vec<(String, String)>> {
    let document = client.send(&Request::new("GET", "/server/specs/oas")).await?.json()?;
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().context("paths")? {
        let needs = path.starts_with("/gatewit/") && !OPEN.contains(&path.as_str());
        let path: String =
            path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
        let methods = item.as_object().context("methods")?.keys().filter(|_| needs);
        found.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
    }
    ensure!(found.len() >= 15, "{found:?}");
    Ok(found)
}

fn asked(method: &str, path: &str, token: &str) -> Request {
    let request = Request::new(method, path);
    if token.is_empty() { request } else { request.header("Authorization", &format!("Bearer {token}")) }
}

/// An access token of the administrator that was good an hour ago.
fn expired(token: &str) -> anyhow::Result<String> {
    let (_, claims) = tokens::open(token, SECRET)?;
    let mut claims: Value = serde_json::from_str(&claims)?;
    let exp = claims["exp"].as_u64().context("exp")?;
    claims["exp"] = json!(exp - 3_600 * 24 * 365);
    Ok(tokens::forge(Algorithm::HS256, Algorithm::HS256, SECRET, &claims))
}

async fn nobody_but_an_administrator_operates() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let admin = sign_in(&mut client, ADMIN).await?.access;
    let user = sign_in(&mut client, USER).await?.access;
    let expired = expired(&admin)?;
    let forged = tokens::tampered(&admin);
    for (method, path) in operations(&mut client).await? {
        for (token, status, code) in [
            ("", 403, "FORBIDDEN"),
            ("nobodys-static-token", 401, "INVALID_CREDENTIALS"),
            (forged.as_str(), 403, "INVALID_TOKEN"),
            (expired.as_str(), 401, "TOKEN_EXPIRED"),
            (user.as_str(), 403, "FORBIDDEN"),
        ] {
            let answer = client.send(&asked(&method, &path, token)).await?;
            refused(&answer, status, code).with_context(|| format!("{method} {path} with {token:?}"))?;
        }
    }
    // Nothing of that was done, and so nothing of it is on record but the log's own beginning.
    let log = client.send(&asked("GET", "/gatewit/audit", &admin)).await?.json()?;
    ensure!(log["data"].as_array().map(Vec::len) == Some(1), "{log}");
    for path in ["/gatewit", "/gatewit/nothing", "/gatewit/status/x"] {
        refused(&client.send(&asked("GET", path, &admin)).await?, 404, "ROUTE_NOT_FOUND")?;
    }
    Ok(())
}

async fn an_administrator_who_lacks_the_second_factor_operates_nothing() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let policies = admin.data("GET", "/policies?fields=id", &Value::Null).await?;
    for policy in policies.as_array().context("policies")? {
        let path = format!("/policies/{}", policy["id"].as_str().context("id")?);
        admin.send("PATCH", &path, &json!({"enforce_tfa": true})).await?;
    }
    let answer = admin.send("GET", "/gatewit/status", &Value::Null).await?;
    refused(&answer, 403, "FORBIDDEN")?;
    ensure!(answer.text().contains("second factor"), "{}", answer.text());
    Ok(())
}

async fn the_status_tells_what_the_server_is() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let status = admin.data("GET", "/gatewit/status", &Value::Null).await?;
    ensure!(status["version"] == env!("CARGO_PKG_VERSION"), "{status}");
    ensure!(status["database"]["client"] == "sqlite3" && status["database"]["answers"] == true, "{status}");
    ensure!(status["database"]["findings"]["owner"] == "gatewit", "{status}");
    let findings = &status["database"]["findings"];
    ensure!(findings["accounts"].as_u64().is_some_and(|count| count >= 12) && findings["bad"] == false, "{status}");
    ensure!(status["draining"] == false && status["uptime_seconds"].is_u64(), "{status}");
    ensure!(!status.to_string().contains(SECRET), "the secret is told");
    Ok(())
}

async fn failed_sign_ins_are_listed_and_told_step_by_step() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    ensure!(admin.get("/gatewit/traces").await? == json!([]), "somebody has failed already");
    let mut client = server.client();
    for password in ["wrong", "wrong again"] {
        let body = json!({"email": USER.0, "password": password});
        let answer = client.send(&Request::new("POST", "/auth/login").json(&body)).await?;
        refused(&answer, 401, "INVALID_CREDENTIALS")?;
    }
    // They are written in the background, in this order.
    let deadline = Instant::now() + Duration::from_secs(20);
    let listed = loop {
        let listed = admin.get("/gatewit/traces").await?;
        if listed.as_array().is_some_and(|listed| listed.len() == 2) {
            break listed;
        }
        ensure!(Instant::now() < deadline, "{listed}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    ensure!(listed[0]["number"].as_i64() > listed[1]["number"].as_i64(), "{listed}");
    ensure!(listed[0]["provider"] == "default" && listed[0]["reason"] == "INVALID_CREDENTIALS", "{listed}");
    ensure!(admin.get("/gatewit/traces?limit=1").await? == json!([listed[0]]), "{listed}");
    let older = format!("/gatewit/traces?before={}", listed[0]["number"]);
    ensure!(admin.get(&older).await? == json!([listed[1]]), "{listed}");
    let request = listed[0]["request"].as_str().context("request")?;
    let told = admin.get(&format!("/gatewit/traces/{request}")).await?;
    ensure!(told["request"] == request && told["at"] == listed[0]["at"] && told["steps"].is_array(), "{told}");
    ensure!(!told.to_string().contains("wrong again"), "the password is told: {told}");
    refused(&admin.send("GET", "/gatewit/traces/nobody", &Value::Null).await?, 403, "FORBIDDEN")?;
    refused(&admin.send("GET", "/gatewit/traces?limit=no", &Value::Null).await?, 400, "INVALID_PAYLOAD")
}

async fn watching_the_process_needs_no_token() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    for path in ["/gatewit/live", "/gatewit/ready"] {
        // Not even one that is bad keeps whoever watches from an answer.
        for token in ["", "nobody's"] {
            let answer = client.send(&asked("GET", path, token)).await?;
            ensure!(answer.status == 200 && answer.json()? == json!({"status": "ok"}), "{path}: {}", answer.text());
        }
    }
    Ok(())
}

async fn a_server_that_is_to_stop_says_so_first() -> anyhow::Result<()> {
    let mut server = TestServer::seeded(&quick(&[("GATEWIT_DRAIN_TIME", "2s")])).await?;
    let ready = Request::new("GET", "/gatewit/ready");
    ensure!(server.client().send(&ready).await?.status == 200);
    let told = Instant::now();
    server.terminate()?;
    server.logged("told to stop").await?;
    // On a connection of its own: the listener is still open, and requests are still answered.
    let answer = Client::new(server.address).send(&ready).await?;
    ensure!(answer.status == 503 && answer.json()? == json!({"status": "draining"}), "{}", answer.text());
    let live = Client::new(server.address).send(&Request::new("GET", "/gatewit/live")).await?;
    ensure!(live.status == 200, "a process that drains is alive: {}", live.text());
    ensure!(Client::new(server.address).send(&login(USER, "json")).await?.status == 200);
    ensure!(server.ended().await?.success());
    ensure!(told.elapsed() >= Duration::from_secs(2), "it went at once");
    ensure!(Client::new(server.address).send(&ready).await.is_err(), "it is still there");
    Ok(())
}

async fn figures_are_told_to_those_who_may_know_them() -> anyhow::Result<()> {
    let env = quick(&[("GATEWIT_METRICS_TOKEN", "a-token-for-figures")]);
    let server = TestServer::seeded(&env).await?;
    let mut client = server.client();
    let admin = sign_in(&mut client, ADMIN).await?.access;
    let user = sign_in(&mut client, USER).await?.access;
    for (token, status) in [("", 403), (user.as_str(), 403), ("another", 401), (admin.as_str(), 200)] {
        let answer = client.send(&asked("GET", "/metrics", token)).await?;
        ensure!(answer.status == status, "{token:?}: {}", answer.status);
    }
    let answer = client.send(&asked("GET", "/metrics", "a-token-for-figures")).await?;
    ensure!(answer.status == 200 && answer.header("content-type").is_some_and(|kind| kind.contains("openmetrics")));
    refused(&client.send(&asked("GET", "/gatewit/status", "a-token-for-figures")).await?, 401, "INVALID_CREDENTIALS")?;

    let open = TestServer::start(&quick(&[("GATEWIT_METRICS", "public")])).await?;
    ensure!(open.client().send(&asked("GET", "/metrics", "")).await?.status == 200);
    let shut = TestServer::start(&quick(&[("GATEWIT_METRICS", "off")])).await?;
    refused(&shut.client().send(&asked("GET", "/metrics", "")).await?, 404, "ROUTE_NOT_FOUND")
}

async fn figures_count_what_is_done() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[("GATEWIT_METRICS", "public")])).await?;
    let mut client = server.client();
    sign_in(&mut client, USER).await?;
    client.send(&login((USER.0, "wrong"), "json")).await?;
    client.send(&Request::new("GET", "/users/some-id-of-a-client")).await?;
    client.send(&Request::new("GET", "/nowhere/at-all")).await?;
    let text = client.send(&Request::new("GET", "/metrics")).await?.text();
    for line in [
        r#"gatewit_sign_ins_total{provider="default",outcome="ok"} 1"#,
        r#"gatewit_sign_ins_total{provider="default",outcome="INVALID_CREDENTIALS"} 1"#,
        r#"gatewit_requests_total{method="POST",route="/auth/login",status="2xx"} 1"#,
        r#"gatewit_requests_total{method="POST",route="/auth/login",status="4xx"} 1"#,
        r#"gatewit_requests_total{method="GET",route="/users/{id}",status="4xx"} 1"#,
        r#"gatewit_requests_total{method="OTHER",route="unknown",status="4xx"} 1"#,
        r#"gatewit_request_duration_seconds_count{route="/auth/login"} 2"#,
        "gatewit_sessions_open 1",
        "gatewit_sandboxes_open 0",
        "gatewit_letters_waiting 0",
    ] {
        ensure!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    for component in ["auth", "local"] {
        ensure!(text.contains(&format!("gatewit_component_calls_total{{component=\"{component}\"}}")), "{text}");
    }
    for word in ["some-id-of-a-client", "nowhere", USER.0] {
        ensure!(!text.contains(word), "a client made up a label: {word}");
    }
    Ok(())
}
