//! Components that misbehave while they are called: each fails the one request, the log says which component and why,
//! and everything else goes on.

use std::time::Duration;

use anyhow::ensure;
use e2e::calls::{self, ADMIN, USER, quick, refused, sign_in};
use e2e::client::{Client, Request, Response};
use e2e::guests::{self, Folder};
use e2e::server::{self, TestServer};
use serde_json::json;
use tokio::net::TcpListener;

use crate::guests::{FALLEN_RULES, ROGUE};

e2e::suite! {
    every_guest_is_listed,
    a_driver_that_crashes_fails_one_request_and_nothing_else,
    a_driver_without_end_is_stopped_and_others_are_served_meanwhile,
    a_driver_that_hoards_memory_is_stopped,
    a_driver_that_floods_the_log_is_cut_short,
    a_driver_that_opens_connections_without_end_has_sixteen,
    megabytes_from_a_driver_stay_its_own_problem,
    a_driver_cannot_sign_in_accounts_of_another_provider,
    a_refusal_of_a_driver_is_told_to_the_log_and_not_to_the_person,
    rules_that_crash_fail_requests_and_not_the_server,
    a_component_in_the_folder_takes_precedence_over_the_built_in_one,
}

/// Typed by a person, so it may be nowhere in the log.
const TYPED: &str = "Tr0ub4dor-and-3-horses";
/// Connections that one call may open.
const CONNECTIONS: usize = 16;
/// Lines that one call may write (`gatewit:log`).
const LOG_LINES: usize = 64;

/// What nine of ten pings take less than while guests spin: a few turns of 10 ms each on a machine that has more to do.
const PING: Duration = Duration::from_millis(250);

/// A server with the provider `rogue`, and the folder that it got the driver from.
async fn with_rogue(more: &[(&str, &str)]) -> anyhow::Result<(TestServer, Folder)> {
    let folder = Folder::empty()?.with("rogue", ROGUE)?;
    let env = [("GATEWIT_COMPONENTS", folder.path()?), ("AUTH_PROVIDERS", "rogue"), ("AUTH_ROGUE_DRIVER", "rogue")];
    let server = TestServer::seeded(&quick(&[&env, more].concat())).await?;
    Ok((server, folder))
}

fn ask(what: &str, value: &str) -> Request {
    Request::new("POST", "/auth/login/rogue").json(&json!({"what": what, "value": value}))
}

/// Asks the rogue, and then whether everything else goes on.
async fn provoke(server: &TestServer, what: &str, value: &str) -> anyhow::Result<Response> {
    let mut client = server.client();
    let answer = client.send(&ask(what, value)).await?;
    sign_in(&mut client, USER).await?;
    let polite = client.send(&ask("refuse", value)).await?;
    refused(&polite, 401, "INVALID_CREDENTIALS")?;
    Ok(answer)
}

fn keeps_secrets(server: &TestServer) -> anyhow::Result<()> {
    let log = server.log();
    for secret in [TYPED, USER.1, ADMIN.1, server::SECRET] {
        ensure!(!log.contains(secret), "the log holds {secret:?}:\n{log}");
    }
    Ok(())
}

async fn every_guest_is_listed() -> anyhow::Result<()> {
    ensure!(guests::names()? == crate::guests::NAMES, "{:?}", guests::names()?);
    Ok(())
}

async fn a_driver_that_crashes_fails_one_request_and_nothing_else() -> anyhow::Result<()> {
    let (server, _folder) = with_rogue(&[]).await?;
    for (what, cause) in [("trap", "unreachable"), ("recurse", "out of bounds"), ("garbage", "utf-8")] {
        let answer = provoke(&server, what, TYPED).await?;
        refused(&answer, 503, "SERVICE_UNAVAILABLE")?;
        ensure!(!answer.text().contains("crashed") && !answer.text().contains("wasm"), "{}", answer.text());
        let line = server.logged(cause).await?;
        ensure!(line.contains("ERROR") && line.contains("the component `rogue` crashed"), "{what}: {line}");
    }
    keeps_secrets(&server)
}

async fn a_driver_without_end_is_stopped_and_others_are_served_meanwhile() -> anyhow::Result<()> {
    let (server, _folder) = with_rogue(&[("GATEWIT_CALL_TIME", "1s")]).await?;
    let address = server.address;
    let spinning: Vec<_> =
        (0..3).map(|_| tokio::spawn(async move { Client::new(address).send(&ask("spin", TYPED)).await })).collect();
    let (mut client, mut times) = (server.client(), Vec::new());
    while !spinning.iter().all(tokio::task::JoinHandle::is_finished) {
        let answer = client.send(&Request::new("GET", "/server/ping")).await?;
        ensure!(answer.text() == "pong", "{}", answer.text());
        times.push(answer.elapsed);
        ensure!(times.len() < 1_000_000, "the guests spin on");
    }
    times.sort();
    let slow = times[times.len() * 9 / 10];
    ensure!(times.len() > 20 && slow < PING, "{} pings, a tenth of them took {slow:?} and more", times.len());
    for spin in spinning {
        refused(&spin.await??, 503, "SERVICE_UNAVAILABLE")?;
    }
    let line = server.logged("used up its time").await?;
    ensure!(line.contains("ERROR") && line.contains("the component `rogue`"), "{line}");
    refused(&provoke(&server, "spin", TYPED).await?, 503, "SERVICE_UNAVAILABLE")?;
    keeps_secrets(&server)
}

async fn a_driver_that_hoards_memory_is_stopped() -> anyhow::Result<()> {
    let (server, _folder) = with_rogue(&[]).await?;
    refused(&provoke(&server, "hoard", TYPED).await?, 503, "SERVICE_UNAVAILABLE")?;
    let line = server.logged("bytes of memory").await?;
    ensure!(line.contains("ERROR") && line.contains("the component `rogue` asked for more than its"), "{line}");
    keeps_secrets(&server)
}

async fn a_driver_that_floods_the_log_is_cut_short() -> anyhow::Result<()> {
    let (server, _folder) = with_rogue(&[]).await?;
    refused(&provoke(&server, "flood", TYPED).await?, 401, "INVALID_CREDENTIALS")?;
    server.logged("writes too many log lines").await?;
    let (log, count) = (server.log(), |text: &str| server.log().matches(text).count());
    ensure!(count("the flood rises") == LOG_LINES, "{} lines", count("the flood rises"));
    ensure!(count("writes too many log lines") == 1, "{log}");
    ensure!(log.contains("password=") && log.contains("[redacted]"), "{log}");
    keeps_secrets(&server)
}

async fn a_driver_that_opens_connections_without_end_has_sixteen() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let (server, _folder) = with_rogue(&[("AUTH_ROGUE_URL", &url)]).await?;
    refused(&provoke(&server, "connect", &port).await?, 401, "INVALID_CREDENTIALS")?;
    for _ in 0..CONNECTIONS {
        listener.accept().await?;
    }
    let another = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    ensure!(another.is_err(), "there is another one");
    server.logged("makes too many connections").await?;
    ensure!(server.log().matches("makes too many connections").count() == 1, "{}", server.log());
    keeps_secrets(&server)
}

/// What a driver returns has to pass through the memory of the rules, which have the same budget. Whatever the size, it
/// is not the rules that fail.
async fn megabytes_from_a_driver_stay_its_own_problem() -> anyhow::Result<()> {
    let (server, _folder) = with_rogue(&[]).await?;
    for what in ["huge", "huge-refusal"] {
        for megabytes in ["10", "15"] {
            let answer = provoke(&server, what, megabytes).await?;
            refused(&answer, 503, "SERVICE_UNAVAILABLE")?;
        }
    }
    let log = server.log();
    ensure!(!log.contains("`auth`"), "{log}");
    ensure!(log.len() < 100_000, "{} bytes of log", log.len());
    let line = server.logged("answered with more than").await?;
    ensure!(line.contains("ERROR") && line.contains("the component `rogue`"), "{line}");
    Ok(())
}

async fn a_driver_cannot_sign_in_accounts_of_another_provider() -> anyhow::Result<()> {
    let (server, _folder) = with_rogue(&[]).await?;
    refused(&provoke(&server, "impostor", USER.0).await?, 401, "INVALID_CREDENTIALS")?;
    refused(&provoke(&server, "honest", "4711").await?, 401, "INVALID_CREDENTIALS")?;
    let mut database = server::open(&server.database()?).await?;
    let statement = "UPDATE directus_users SET provider = 'rogue', external_identifier = '4711' \
        WHERE email = 'editor@example.com'";
    sqlx::raw_sql(statement).execute(&mut database).await?;
    let answer = provoke(&server, "honest", "4711").await?;
    let tokens = calls::Tokens::of(&answer)?;
    let me = server.client().send(&calls::me(&tokens.access)).await?;
    ensure!(me.json()?["data"]["id"] == "bd57af30-25f6-4ea4-b569-38370a393da9", "{}", me.text());
    Ok(())
}

async fn a_refusal_of_a_driver_is_told_to_the_log_and_not_to_the_person() -> anyhow::Result<()> {
    let (server, _folder) = with_rogue(&[]).await?;
    let answer = provoke(&server, "refuse", TYPED).await?;
    refused(&answer, 401, "INVALID_CREDENTIALS")?;
    ensure!(!answer.text().contains("not today"), "{}", answer.text());
    let line = server.logged("not today").await?;
    ensure!(line.contains("rogue"), "{line}");
    keeps_secrets(&server)
}

async fn rules_that_crash_fail_requests_and_not_the_server() -> anyhow::Result<()> {
    let folder = Folder::empty()?.with("auth", FALLEN_RULES)?;
    let server = TestServer::seeded(&quick(&[("GATEWIT_COMPONENTS", folder.path()?)])).await?;
    let mut client = server.client();
    let requests =
        [calls::login(USER, "json"), calls::me("static-token-abcdef0123456789"), Request::new("GET", "/auth")];
    for request in requests {
        refused(&client.send(&request).await?, 500, "INTERNAL_SERVER_ERROR")?;
        let pong = client.send(&Request::new("GET", "/server/ping")).await?;
        ensure!(pong.text() == "pong", "{}", pong.text());
    }
    let line = server.logged("the component `auth` crashed").await?;
    ensure!(line.contains("ERROR") && line.contains("unreachable"), "{line}");
    keeps_secrets(&server)
}

/// A guest in the place of `local` is served, and the built-in one is not.
async fn a_component_in_the_folder_takes_precedence_over_the_built_in_one() -> anyhow::Result<()> {
    let folder = Folder::empty()?.with("local", crate::guests::MISNAMED)?;
    let server = TestServer::seeded(&quick(&[("GATEWIT_COMPONENTS", folder.path()?)])).await?;
    let line = server.logged("a component of the folder is used").await?;
    ensure!(line.contains("local"), "{line}");
    // The guest calls itself `local`, asks for no fields and refuses everybody.
    let answer = server.client().send(&calls::login(USER, "json")).await?;
    refused(&answer, 401, "INVALID_CREDENTIALS")
}
