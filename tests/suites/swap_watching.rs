//! Rules that watch: they are shown what those that serve were asked, are told the same, and change nothing.

use anyhow::{Context as _, ensure};
use e2e::calls::{self, ADMIN, Caller, USER, login, quick, refresh, sign_in};
use e2e::mail::MailServer;
use e2e::operator::{Operator, digest, variant};
use e2e::server::TestServer;
use e2e::stage::Stage;
use e2e::{fixture, guests, replay};
use serde_json::json;
use sqlx::Row as _;

use crate::guests::FALLEN_RULES;
use crate::hot_swap::first_party;

e2e::suite! {
    they_answer_the_same_to_everything_that_was_recorded,
    they_change_nothing_and_write_no_letters,
    they_reach_no_provider,
    rules_that_answer_otherwise_are_found_out,
    rules_that_would_do_something_else_are_found_out,
    rules_that_crash_are_ended_and_nobody_notices,
    they_serve_by_their_rule,
}

/// The rules with something of theirs changed.
fn with(old: &[u8], new: &[u8]) -> anyhow::Result<Vec<u8>> {
    ensure!(old.len() == new.len(), "a component cannot grow");
    let mut wasm = first_party("auth")?;
    let place = wasm.windows(old.len()).position(|bytes| bytes == old).context("the rules do not have it")?;
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

async fn rules_that_answer_otherwise_are_found_out() -> anyhow::Result<()> {
    // Their tokens call something by another name.
    let (server, mut operator) = watched(&with(b"app_access", b"app_axcess")?, &[]).await?;
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
    let (server, mut operator) = watched(&with(b"attempts/", b"attemptz/")?, &[]).await?;
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
