//! Components that watch: they are shown what those that serve were asked, are told the same, and change nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};
use e2e::calls::{self, ADMIN, Caller, USER, login, quick, refresh, sign_in};
use e2e::mail::MailServer;
use e2e::operator::{Operator, digest, variant};
use e2e::server::TestServer;
use e2e::slapd::{Options, Slapd};
use e2e::stage::Stage;
use e2e::{fixture, guests, replay};
use serde_json::json;
use sqlx::Row as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::guests::FALLEN_RULES;
use crate::hot_swap::first_party;
use crate::ldap::site::{self, Site};

e2e::suite! {
    they_answer_the_same_to_everything_that_was_recorded,
    they_change_nothing_and_write_no_letters,
    they_reach_no_provider,
    a_directory_is_asked_once,
    a_driver_that_asks_something_else_is_found_out,
    rules_that_answer_otherwise_are_found_out,
    rules_that_would_do_something_else_are_found_out,
    rules_that_crash_are_ended_and_nobody_notices,
    they_serve_by_their_rule,
}

/// A component with something in it changed.
fn with(name: &str, old: &[u8], new: &[u8]) -> anyhow::Result<Vec<u8>> {
    ensure!(old.len() == new.len(), "a component cannot grow");
    let mut wasm = first_party(name)?;
    let place = wasm.windows(old.len()).position(|bytes| bytes == old).context("the component does not have it")?;
    wasm[place..place + old.len()].copy_from_slice(new);
    Ok(wasm)
}

/// A server whose rules are watched.
async fn watched(wasm: &[u8], env: &[(&str, &str)]) -> anyhow::Result<(TestServer, Operator)> {
    let server = TestServer::seeded(&quick(env)).await?;
    let mut operator = Operator::new(&server).await?;
    let taken = operator.upload("auth", wasm, "?mode=shadow").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    Ok((server, operator))
}

async fn they_answer_the_same_to_everything_that_was_recorded() -> anyhow::Result<()> {
    let wasm = variant(&first_party("auth")?, 1);
    let mut same = 0;
    for name in fixture::names()? {
        let (alike, different) = replay::watched(&name, &wasm).await?;
        ensure!(different.is_empty(), "{name}: {}", different.join("\n"));
        same += alike;
    }
    ensure!(same > RECORDED_MIN, "only {same} were compared");
    Ok(())
}

/// Calls that are compared in all recorded exchanges, at least.
const RECORDED_MIN: u64 = 300;

async fn count(server: &TestServer, table: &str) -> anyhow::Result<i64> {
    let mut database = e2e::server::open(&server.database()?).await?;
    let row =
        sqlx::query(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&mut database).await?;
    Ok(row.get(0))
}

async fn they_change_nothing_and_write_no_letters() -> anyhow::Result<()> {
    let mut mail = MailServer::start().await?;
    let (server, mut operator) = watched(&variant(&first_party("auth")?, 1), &mail.settings(&[])).await?;
    let (sessions, deeds) = (count(&server, "directus_sessions").await?, count(&server, "directus_activity").await?);
    let mut client = server.client();
    let tokens = sign_in(&mut client, USER).await?;
    ensure!(client.send(&refresh(&tokens.refresh)).await?.status == 200, "{}", server.log());
    calls::refused(&client.send(&login((USER.0, "wrong"), "json")).await?, 401, "INVALID_CREDENTIALS")?;
    let forgotten = e2e::client::Request::new("POST", "/auth/password/request").json(&json!({"email": USER.0}));
    ensure!(client.send(&forgotten).await?.status == 204, "{}", server.log());
    let mut admin = Caller::new(&server, ADMIN).await?;
    let made = admin.data("POST", "/users", &json!({"email": "ada@example.com", "password": "Ada-password-1"})).await?;
    let id = made["id"].as_str().context("no id")?.to_owned();
    admin.data("PATCH", &format!("/users/{id}"), &json!({"first_name": "Ada"})).await?;
    sign_in(&mut client, ("ada@example.com", "Ada-password-1")).await?;
    let (same, different) = operator.settled("auth").await?;
    ensure!(different == 0 && same >= 8, "{same} {different} {}", server.log());
    // Three sign-ins, and a refresh that has a row of its own for a while.
    ensure!(count(&server, "directus_sessions").await? - sessions == 4, "sessions");
    ensure!(
        count(&server, "directus_activity").await? - deeds == 5,
        "deeds: {}",
        count(&server, "directus_activity").await? - deeds
    );
    ensure!(count(&server, "directus_users WHERE email = 'ada@example.com'").await? == 1, "people");
    mail.next_letter().await?;
    ensure!(mail.count("letter") == 0, "a letter was written twice");
    Ok(())
}

async fn they_reach_no_provider() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("ADMIN_EMAIL", ADMIN.0), ("ADMIN_PASSWORD", ADMIN.1)]).await?;
    let mut operator = Operator::new(&stage.server).await?;
    let taken = operator.upload("auth", &variant(&first_party("auth")?, 1), "?mode=shadow").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    stage.provider.forget_calls();
    let mut browser = stage.signed_in().await?;
    ensure!(browser.refresh().await?.status == 200, "{}", stage.server.log());
    let (same, different) = operator.settled("auth").await?;
    ensure!(different == 0 && same >= 3, "{same} {different} {}", stage.server.log());
    let asked = stage.provider.calls("token");
    ensure!(asked == 2, "the provider was asked for tokens {asked} times");
    ensure!(browser.is_signed_in().await?, "nobody is signed in");
    Ok(())
}

/// Connections that were made to `to` by way of the port that this gives.
async fn counted(to: u16) -> anyhow::Result<(u16, Arc<AtomicU64>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (port, count) = (listener.local_addr()?.port(), Arc::new(AtomicU64::new(0)));
    let counter = count.clone();
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut inside = TcpStream::connect(("127.0.0.1", to)).await?;
                copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    Ok((port, count))
}

/// What somebody of a directory does: signs in, mistypes, and comes again.
async fn visit(server: &TestServer) -> anyhow::Result<()> {
    let mut client = server.client();
    let tokens = calls::Tokens::of(&client.send(&site::login("alice", "alice-pw", "json")).await?)?;
    let wrong = client.send(&site::login("alice", "not hers", "json")).await?;
    calls::refused(&wrong, 401, "INVALID_CREDENTIALS")?;
    let renewed = client.send(&refresh(&tokens.refresh)).await?;
    ensure!(renewed.status == 200, "{}", renewed.text());
    Ok(())
}

async fn a_directory_is_asked_once() -> anyhow::Result<()> {
    let slapd = Slapd::start(&Options::default()).await?;
    let (port, count) = counted(slapd.port).await?;
    let server = site::serve(&site::settings(&format!("ldap://127.0.0.1:{port}")), &[]).await?;
    let mut operator = Operator::new(&server).await?;
    visit(&server).await?;
    let alone = count.swap(0, Ordering::Relaxed);
    let taken = operator.upload("ldap", &variant(&first_party("ldap")?, 1), "?mode=shadow").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    // Its settings were tried when it was taken.
    count.store(0, Ordering::Relaxed);
    visit(&server).await?;
    let seen = operator.until("ldap", |component| component["trial"]["same"] == 3).await?;
    ensure!(seen["trial"]["different"] == 0, "{seen} {}", server.log());
    let watched = count.load(Ordering::Relaxed);
    ensure!(alone > 0 && watched == alone, "{alone} connections alone, {watched} watched");
    Ok(())
}

async fn a_driver_that_asks_something_else_is_found_out() -> anyhow::Result<()> {
    let site = Site::open(&[]).await?;
    let mut operator = Operator::new(&site.server).await?;
    let other = with("ldap", b"pwdAccountLockedTime", b"pwdAccountLookedTime")?;
    let taken = operator.upload("ldap", &other, "?mode=shadow").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    ensure!(site.sign_in("alice", "alice-pw").await?.status == 200, "{}", site.server.log());
    operator.until("ldap", |component| component["trial"]["different"] == 1).await?;
    let line = site.server.logged("a driver that is tried out would do what the other one did not").await?;
    ensure!(line.contains("send") && !line.contains("alice"), "{line}");
    Ok(())
}

async fn rules_that_answer_otherwise_are_found_out() -> anyhow::Result<()> {
    // Their tokens call something by another name.
    let (server, mut operator) = watched(&with("auth", b"app_access", b"app_axcess")?, &[]).await?;
    sign_in(&mut server.client(), USER).await?;
    operator.until("auth", |component| component["trial"]["different"].as_u64() > Some(0)).await?;
    let line = server.logged("the rules that are tried out answer differently").await?;
    ensure!(!line.contains(USER.1), "the log has a password: {line}");
    // Those that serve are still those.
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn rules_that_would_do_something_else_are_found_out() -> anyhow::Result<()> {
    // They count failures under another name; their answers are the same.
    let (server, mut operator) = watched(&with("auth", b"attempts/", b"attemptz/")?, &[]).await?;
    let wrong = server.client().send(&login((USER.0, "wrong"), "json")).await?;
    calls::refused(&wrong, 401, "INVALID_CREDENTIALS")?;
    operator.until("auth", |component| component["trial"]["different"] == 1).await?;
    let line = server.logged("would do what the others did not").await?;
    ensure!(line.contains("add_to_count"), "{line}");
    // What has nothing to do with it is the same.
    sign_in(&mut server.client(), ADMIN).await?;
    operator.until("auth", |component| component["trial"]["same"].as_u64() > Some(0)).await?;
    Ok(())
}

async fn rules_that_crash_are_ended_and_nobody_notices() -> anyhow::Result<()> {
    let fallen = std::fs::read(guests::file(FALLEN_RULES)?)?;
    let (server, mut operator) = watched(&fallen, &[("GATEWIT_ROLLBACK_CRASHES", "3")]).await?;
    for _ in 0..4 {
        sign_in(&mut server.client(), USER).await?;
    }
    server.logged("crashed too often and is taken back").await?;
    operator.until("auth", |component| component["trial"].is_null()).await?;
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn they_serve_by_their_rule() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let trial = variant(&first_party("auth")?, 2);
    let taken = operator.upload("auth", &trial, "?mode=shadow&promote_after=5").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    for _ in 0..5 {
        sign_in(&mut server.client(), USER).await?;
    }
    let component = operator.until("auth", |component| component["trial"].is_null()).await?;
    ensure!(component["current"]["digest"] == digest(&trial).as_str(), "{component}");
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}
