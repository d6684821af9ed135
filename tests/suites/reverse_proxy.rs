//! The server in front of an application that knows nothing of it: what reaches the application, what comes back, and what
//! becomes of applications and clients that break the rules.

mod bodies;
mod identities;
mod upgrades;

use anyhow::{Context as _, ensure};
use e2e::application::{Application, Wire};
use e2e::authority::Authority;
use e2e::calls::{USER, me, quick, refused, sign_in};
use e2e::client::{Request, Response};
use e2e::oidc::free_port;
use e2e::server::{TestServer, refusal};
use e2e::upstream::{Manner, Upstream};
use serde_json::json;

use bodies::{
    a_body_is_asked_for_only_if_the_application_wants_it, a_client_that_leaves_ends_its_request,
    bodies_come_through_in_every_framing, large_bodies_take_no_memory, what_breaks_off_breaks_off_for_the_client,
};
use identities::{
    a_second_factor_that_is_missing_closes_the_application, nobody_may_be_required_to_sign_in,
    nobody_sends_headers_of_identity, somebody_is_told_to_the_application, where_a_request_comes_from_is_told,
};
use upgrades::{
    a_connection_goes_on_with_another_protocol, http_is_no_other_protocol, silence_ends_an_upgraded_connection,
};

e2e::suite! {
    paths_are_ours_or_the_application_s,
    an_answer_comes_back_as_it_is,
    heads_are_passed_on_without_what_belongs_to_a_connection,
    connections_are_used_again,
    an_application_that_breaks_the_rules_is_a_502,
    an_application_that_is_slow_is_a_504,
    requests_that_could_be_read_in_two_ways_are_refused,
    a_circle_ends,
    an_application_may_speak_tls,
    settings_that_do_not_work_are_told,
    nobody_sends_headers_of_identity,
    somebody_is_told_to_the_application,
    nobody_may_be_required_to_sign_in,
    a_second_factor_that_is_missing_closes_the_application,
    where_a_request_comes_from_is_told,
    bodies_come_through_in_every_framing,
    a_body_is_asked_for_only_if_the_application_wants_it,
    what_breaks_off_breaks_off_for_the_client,
    large_bodies_take_no_memory,
    a_client_that_leaves_ends_its_request,
    a_connection_goes_on_with_another_protocol,
    http_is_no_other_protocol,
    silence_ends_an_upgraded_connection,
}

/// An application, and the server in front of it with the accounts of `fixtures/seed.sql`.
pub(crate) async fn in_front(more: &[(&str, &str)]) -> anyhow::Result<(Application, TestServer)> {
    let application = Application::start().await?;
    let url = application.url();
    let server = TestServer::seeded(&quick(&[&[("GATEWIT_UPSTREAM", url.as_str())], more].concat())).await?;
    Ok((application, server))
}

fn get(path: &str) -> Request {
    Request::new("GET", path)
}

/// What the application says that it was asked.
fn asked(answer: &Response) -> anyhow::Result<(String, String)> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    let told = answer.json()?;
    let text = |name: &str| told[name].as_str().map(str::to_owned).with_context(|| answer.text());
    Ok((text("method")?, text("path")?))
}

async fn paths_are_ours_or_the_application_s() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let mut client = server.client();
    let tokens = sign_in(&mut client, USER).await?;
    ensure!(client.send(&me(&tokens.access)).await?.status == 200, "our own paths are gone");
    ensure!(application.seen().heads.is_empty(), "a sign-in went to the application");
    for path in ["/", "/users", "/settings?a=b%20c", "/a//b/./c", "/%zz", "/metrics"] {
        ensure!(asked(&client.send(&get(path)).await?)? == ("GET".to_owned(), path.to_owned()), "{path}");
    }
    let before = application.seen().heads.len();
    for path in ["/auth/nowhere", "/AUTH/nowhere", "//auth/login", "/%61uth/login", "/x/../auth/login", "/auth%2flogin"]
    {
        refused(&client.send(&get(path)).await?, 404, "ROUTE_NOT_FOUND")?;
    }
    ensure!(application.seen().heads.len() == before, "a path of ours went to the application");
    Ok(())
}

async fn an_answer_comes_back_as_it_is() -> anyhow::Result<()> {
    let (_application, server) = in_front(&[("CORS_ENABLED", "true"), ("CORS_ORIGIN", "true")]).await?;
    let mut client = server.client();
    let answer = client.send(&get("/x").header("Origin", "https://a.example")).await?;
    let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    ensure!(answer.header("set-cookie") == Some("own=1") && answer.header("x-own") == Some("yes"), "{answer:?}");
    for absent in ["x-private", "content-security-policy", "x-powered-by", "access-control-allow-origin"] {
        ensure!(!names.iter().any(|name| name == absent), "{absent}: {names:?}");
    }
    ensure!(answer.all("connection").collect::<Vec<_>>() == ["keep-alive"] && answer.all("date").count() == 1);
    ensure!(answer.header("via") == Some("1.1 gatewit"), "{answer:?}");
    let length = answer.header("content-length").context("no length")?.to_owned();
    let head = client.send(&Request::new("HEAD", "/xx")).await?;
    ensure!(head.status == 200 && head.body.is_empty(), "{head:?}");
    ensure!(head.header("content-length").is_some_and(|other| other != "0"), "{length}: {head:?}");
    let nothing = client.send(&get("/nothing")).await?;
    ensure!(nothing.status == 204 && nothing.body.is_empty(), "{nothing:?}");
    // Preflights are the application's as well.
    let options = client.send(&Request::new("OPTIONS", "/x").header("Origin", "https://a.example")).await?;
    ensure!(asked(&options)?.0 == "OPTIONS", "{options:?}");
    let deleted = client.send(&Request::new("DELETE", "/x")).await?;
    ensure!(asked(&deleted)?.0 == "DELETE", "{deleted:?}");
    Ok(())
}

async fn heads_are_passed_on_without_what_belongs_to_a_connection() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let request = get("/x?y=z")
        .header("Connection", "keep-alive, X-Secret")
        .header("X-Secret", "1")
        .header("Keep-Alive", "timeout=5")
        .header("Proxy-Authorization", "Basic x")
        .header("TE", "trailers")
        .header("Accept", "a/b")
        .header("Cookie", "one=1")
        .header("Via", "1.0 other");
    server.client().send(&request).await?;
    let head = application.last()?;
    for gone in ["Secret", "Keep-Alive", "Proxy-", "Te:"] {
        ensure!(!head.contains(gone), "{gone}: {head}");
    }
    let host = format!("Host: {}", server.address);
    for kept in ["GET /x?y=z HTTP/1.1", "Accept: a/b", "Cookie: one=1", "Via: 1.0 other, 1.1 gatewit", &host] {
        ensure!(head.lines().any(|line| line == kept), "{kept}: {head}");
    }
    let (application, server) = in_front(&[("GATEWIT_UPSTREAM_HOST", "upstream")]).await?;
    server.client().send(&get("/x")).await?;
    let (head, host) = (application.last()?, format!("Host: {}", application.address));
    ensure!(head.lines().any(|line| line == host), "{head}");
    ensure!(head.contains(&format!("X-Forwarded-Host: {}", server.address)), "{head}");
    Ok(())
}

async fn connections_are_used_again() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let mut client = server.client();
    for _ in 0..10 {
        client.send(&get("/x")).await?;
        client.send(&Request::new("POST", "/mirror").json(&json!({"a": 1}))).await?;
        client.send(&Request::new("HEAD", "/x")).await?;
        client.send(&get("/chunks")).await?;
    }
    ensure!(application.seen().connections == 1, "{} connections", application.seen().connections);
    // One that was closed by the application is replaced before anybody notices.
    for _ in 0..5 {
        let answer = client.send(&get("/until-the-end")).await?;
        ensure!((answer.status, answer.text().as_str()) == (200, "all there is"), "{answer:?}");
        ensure!(client.send(&get("/x")).await?.status == 200);
    }
    Ok(())
}

async fn an_application_that_breaks_the_rules_is_a_502() -> anyhow::Result<()> {
    let (_application, server) = in_front(&[]).await?;
    let mut client = server.client();
    for path in ["/bad-header", "/bad-status", "/two-lengths", "/coded", "/other", "/dies", "/switches"] {
        let answer = client.send(&get(path)).await?;
        refused(&answer, 502, "BAD_GATEWAY").context(path)?;
        let log = server.logged("a request could not be passed on").await?;
        ensure!(!answer.text().contains("127.0.0.1"), "{path}: the client is told too much: {log}");
    }
    let both = client.send(&get("/both")).await?;
    ensure!((both.status, both.text().as_str()) == (200, "four"), "{both:?}");
    ensure!(both.header("content-length").is_none(), "two lengths: {both:?}");
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    let server = TestServer::start(&[("GATEWIT_UPSTREAM", &nobody)]).await?;
    refused(&server.client().send(&get("/x")).await?, 502, "BAD_GATEWAY")?;
    ensure!(server.client().send(&get("/server/ping")).await?.text() == "pong", "our own paths are gone");
    Ok(())
}

async fn an_application_that_is_slow_is_a_504() -> anyhow::Result<()> {
    let (_application, server) = in_front(&[("GATEWIT_UPSTREAM_HEAD_TIMEOUT", "300ms")]).await?;
    let answer = server.client().send(&get("/never")).await?;
    refused(&answer, 504, "GATEWAY_TIMEOUT")?;
    ensure!(answer.elapsed.as_millis() >= 300, "{:?}", answer.elapsed);
    Ok(())
}

async fn requests_that_could_be_read_in_two_ways_are_refused() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    for text in [
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhalf",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nhalf",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /x HTTP/1.1\r\n\r\n",
        "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n X-Folded: b\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut wire = Wire::say(server.address, text).await?;
        let line = wire.line().await.with_context(|| text.to_owned())?;
        ensure!(line.starts_with("HTTP/1.1 400"), "{text:?}: {line}");
    }
    let mut wire = Wire::say(server.address, "TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n").await?;
    ensure!(wire.line().await?.starts_with("HTTP/1.1 405"));
    ensure!(application.seen().heads.is_empty(), "{:?}", application.seen().heads);
    // Two lengths of which one counts (RFC 9112, section 6.3): what would be a second request is not read as one.
    let text = "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n\
                4\r\nfour\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = Wire::say(server.address, text).await?.rest().await?;
    ensure!(answer.matches("HTTP/1.1 ").count() <= 1, "{answer}");
    let heads = application.seen().heads;
    ensure!(heads.iter().all(|head| !head.contains("smuggled") && !head.contains("Content-Length")), "{heads:?}");
    Ok(())
}

async fn a_circle_ends() -> anyhow::Result<()> {
    let port = free_port()?;
    let own = format!("http://127.0.0.1:{port}");
    let server = TestServer::start(&[("PORT", &port.to_string()), ("GATEWIT_UPSTREAM", &own)]).await?;
    refused(&server.client().send(&get("/x")).await?, 502, "BAD_GATEWAY")?;
    server.logged("a request came back here").await?;
    Ok(())
}

async fn an_application_may_speak_tls() -> anyhow::Result<()> {
    let (authority, stranger) = (Authority::new()?, Authority::new()?);
    let application = Upstream::start_tls(authority.server(false)?, |_| Manner::Body("hello".into())).await?;
    let url = format!("https://localhost:{}", application.port);
    for (whose, expected) in [(&authority, 200), (&stranger, 502)] {
        let file = whose.certificate("authority").display().to_string();
        let server = TestServer::start(&[("GATEWIT_UPSTREAM", &url), ("NODE_EXTRA_CA_CERTS", &file)]).await?;
        let answer = server.client().send(&get("/x")).await?;
        ensure!(answer.status == expected, "{expected}: {answer:?}\n{}", server.log());
        ensure!(expected != 200 || answer.text() == "hello", "{answer:?}");
    }
    Ok(())
}

async fn settings_that_do_not_work_are_told() -> anyhow::Result<()> {
    for (name, value) in [
        ("GATEWIT_UPSTREAM", "127.0.0.1:3000"),
        ("GATEWIT_UPSTREAM_PATHS", "everything"),
        ("GATEWIT_UPSTREAM_ANONYMOUS", "maybe"),
        ("GATEWIT_RETURN_ORIGINS", "https://app.example.com/"),
        ("GATEWIT_IDENTITY_PREFIX", "X-Forwarded-"),
        ("GATEWIT_SIGN_IN_URL", "//evil.example"),
    ] {
        let output = refusal(&[(name, value)]).await?;
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(!output.status.success() && told.contains(&format!("{name}: ")), "{name}: {told}");
    }
    Ok(())
}
