//! Components that change while people sign in: nobody notices, what is bad is refused, and there is a way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::calls::{self, USER, login, me, quick, refresh, sign_in};
use e2e::client::Request;
use e2e::guests::{self, Folder};
use e2e::operator::{Operator, variant};
use e2e::server::TestServer;
use serde_json::{Value, json};

use crate::guests::ROGUE;

e2e::suite! {
    people_sign_in_while_components_are_swapped,
    a_file_that_changes_serves_without_a_restart,
    without_a_watch_a_file_waits_for_the_signal,
    a_file_that_is_taken_away_leaves_what_is_built_in,
    what_is_sent_serves_and_outlives_a_restart,
    one_goes_back_and_stays_there,
    going_back_puts_the_old_file_in_its_place,
    a_generation_that_crashes_is_taken_back,
    a_driver_that_only_crashes_is_given_a_rest,
}

/// Swaps of each component in the test with traffic.
const SWAPS: u8 = 8;

pub(crate) fn first_party(name: &str) -> anyhow::Result<Vec<u8>> {
    Ok(std::fs::read(guests::first_party(name)?)?)
}

/// The name of what serves, as an operator sees it.
fn digest(component: &Value, place: &str) -> String {
    component[place]["digest"].as_str().unwrap_or_default().to_owned()
}

/// Signs in, reads, refreshes and signs out until it is told to stop; answers how often that went well.
async fn traffic(server: &TestServer, stop: &AtomicBool, rounds: &AtomicUsize) -> anyhow::Result<()> {
    let mut client = server.client();
    while !stop.load(Ordering::Relaxed) {
        let tokens = sign_in(&mut client, USER).await?;
        let read = client.send(&me(&tokens.access)).await?;
        ensure!(read.status == 200, "{} {}", read.status, read.text());
        let refreshed = client.send(&refresh(&tokens.refresh)).await?;
        ensure!(refreshed.status == 200, "{} {}", refreshed.status, refreshed.text());
        rounds.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn people_sign_in_while_components_are_swapped() -> anyhow::Result<()> {
    let server = Arc::new(TestServer::seeded(&quick(&[])).await?);
    let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let people: Vec<_> = (0..4)
        .map(|_| {
            let (server, stop, rounds) = (server.clone(), stop.clone(), rounds.clone());
            tokio::spawn(async move { traffic(&server, &stop, &rounds).await })
        })
        .collect();
    let mut operator = Operator::new(&server).await?;
    let (auth, local) = (first_party("auth")?, first_party("local")?);
    for mark in 0..SWAPS {
        operator.swap("local", &variant(&local, mark)).await?;
        operator.swap("auth", &variant(&auth, mark)).await?;
        if mark % 2 == 1 {
            let back = operator.act("auth", "rollback").await?;
            ensure!(back.status == 200, "{}", back.text());
        }
    }
    let seen = rounds.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await??;
    }
    ensure!(seen > 0, "nobody signed in meanwhile");
    let component = operator.component("local").await?;
    ensure!(component["current"]["source"] == "uploaded" && component["current"]["crashes"] == 0, "{component}");
    Ok(())
}

async fn a_file_that_changes_serves_without_a_restart() -> anyhow::Result<()> {
    let local = first_party("local")?;
    let folder = Folder::empty()?.with_bytes("local", &variant(&local, 1))?;
    let server = TestServer::seeded(&quick(&[("GATEWIT_COMPONENTS", folder.path()?)])).await?;
    let mut operator = Operator::new(&server).await?;
    let first = operator.component("local").await?;
    ensure!(first["current"]["source"] == "file" && first["previous"] == Value::Null, "{first}");
    let folder = folder.with_bytes("local", &variant(&local, 2))?;
    let before = digest(&first, "current");
    let second = operator.until("local", |component| digest(component, "previous") == before).await?;
    ensure!(digest(&second, "current") != before, "{second}");
    // A driver that nobody had is there as soon as its file is.
    let _folder = folder.with("rogue", ROGUE)?;
    operator.until("rogue", |component| component["current"]["source"] == "file").await?;
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn without_a_watch_a_file_waits_for_the_signal() -> anyhow::Result<()> {
    let local = first_party("local")?;
    let folder = Folder::empty()?.with_bytes("local", &variant(&local, 1))?;
    let env = [("GATEWIT_COMPONENTS", folder.path()?), ("GATEWIT_WATCH_COMPONENTS", "false")];
    let server = TestServer::seeded(&quick(&env)).await?;
    let mut operator = Operator::new(&server).await?;
    let first = operator.serving("local").await?;
    let _folder = folder.with_bytes("local", &variant(&local, 2))?;
    // Long enough for a watch to have taken it: one takes a few hundredths of a second.
    tokio::time::sleep(Duration::from_millis(500)).await;
    ensure!(operator.serving("local").await? == first, "it is watched");
    let told = std::process::Command::new("kill").args(["-HUP", &server.id().to_string()]).status()?;
    ensure!(told.success(), "kill -HUP: {told}");
    let second = operator.until("local", |component| digest(component, "previous") == first).await?;
    ensure!(digest(&second, "current") != first, "{second}");
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn a_file_that_is_taken_away_leaves_what_is_built_in() -> anyhow::Result<()> {
    let folder = Folder::empty()?.with_bytes("local", &variant(&first_party("local")?, 1))?;
    let server = TestServer::seeded(&quick(&[("GATEWIT_COMPONENTS", folder.path()?)])).await?;
    let mut operator = Operator::new(&server).await?;
    std::fs::remove_file(std::path::Path::new(folder.path()?).join("local.wasm"))?;
    operator.until("local", |component| component["current"]["source"] == "built-in").await?;
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn what_is_sent_serves_and_outlives_a_restart() -> anyhow::Result<()> {
    let mut server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let built_in = operator.serving("local").await?;
    let checked = operator.upload("local", &variant(&first_party("local")?, 7), "?dry_run=true").await?;
    ensure!(checked.status == 200, "{}", checked.text());
    ensure!(operator.serving("local").await? == built_in, "a look changes nothing");
    let taken = operator.swap("local", &variant(&first_party("local")?, 7)).await?;
    ensure!(taken["grants"] == json!({ "added": [], "removed": [] }), "{taken}");
    ensure!(taken["capabilities"] == json!(["passwords"]), "{taken}");
    let sent = operator.serving("local").await?;
    ensure!(sent != built_in && taken["digest"] == sent, "{taken}");
    server.kill()?;
    let server = TestServer::start_in(server.data.clone(), &quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    ensure!(operator.serving("local").await? == sent, "it is forgotten");
    let withdrawn = operator.caller().send("DELETE", "/gatewit/components/local", &Value::Null).await?;
    ensure!(withdrawn.status == 204, "{}", withdrawn.text());
    ensure!(operator.serving("local").await? == built_in, "it is not withdrawn");
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn one_goes_back_and_stays_there() -> anyhow::Result<()> {
    let mut server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let local = first_party("local")?;
    let refused = operator.act("local", "rollback").await?;
    calls::refused(&refused, 400, "INVALID_PAYLOAD")?;
    operator.swap("local", &variant(&local, 1)).await?;
    let first = operator.serving("local").await?;
    operator.swap("local", &variant(&local, 2)).await?;
    ensure!(operator.act("local", "rollback").await?.status == 200);
    ensure!(operator.serving("local").await? == first);
    calls::refused(&operator.act("local", "rollback").await?, 400, "INVALID_PAYLOAD")?;
    server.kill()?;
    let server = TestServer::start_in(server.data.clone(), &quick(&[])).await?;
    ensure!(Operator::new(&server).await?.serving("local").await? == first, "a restart went forward again");
    Ok(())
}

async fn going_back_puts_the_old_file_in_its_place() -> anyhow::Result<()> {
    let local = first_party("local")?;
    let folder = Folder::empty()?.with_bytes("local", &variant(&local, 1))?;
    let server = TestServer::seeded(&quick(&[("GATEWIT_COMPONENTS", folder.path()?)])).await?;
    let mut operator = Operator::new(&server).await?;
    let first = operator.serving("local").await?;
    let folder = folder.with_bytes("local", &variant(&local, 2))?;
    operator.until("local", |component| digest(component, "previous") == first).await?;
    ensure!(operator.act("local", "rollback").await?.status == 200);
    let path = std::path::Path::new(folder.path()?).join("local.wasm");
    ensure!(std::fs::read(&path)? == variant(&local, 1), "the folder does not say what is served");
    ensure!(std::fs::read(path.with_extension("wasm.rejected"))? == variant(&local, 2), "what was given up is lost");
    ensure!(operator.serving("local").await? == first);
    // What is sent does not get past a file.
    let pinned = operator.upload("local", &variant(&local, 3), "").await?;
    calls::refused(&pinned, 400, "INVALID_PAYLOAD")?;
    ensure!(pinned.text().contains("local.wasm"), "{}", pinned.text());
    Ok(())
}

fn crash() -> Request {
    Request::new("POST", "/auth/login/rogue").json(&json!({ "what": "trap", "value": "x" }))
}

const ROGUES: [(&str, &str); 2] = [("AUTH_PROVIDERS", "rogue"), ("AUTH_ROGUE_DRIVER", "rogue")];

async fn a_generation_that_crashes_is_taken_back() -> anyhow::Result<()> {
    let rogue = std::fs::read(guests::file(ROGUE)?)?;
    let server = TestServer::seeded(&quick(&[&ROGUES[..], &[("GATEWIT_ROLLBACK_CRASHES", "3")]].concat())).await?;
    let mut operator = Operator::new(&server).await?;
    operator.swap("rogue", &variant(&rogue, 1)).await?;
    let good = operator.serving("rogue").await?;
    operator.swap("rogue", &variant(&rogue, 2)).await?;
    let mut client = server.client();
    for _ in 0..3 {
        calls::refused(&client.send(&crash()).await?, 503, "SERVICE_UNAVAILABLE")?;
    }
    operator.until("rogue", |component| digest(component, "current") == good).await?;
    server.logged("crashed too often and is taken back").await?;
    Ok(())
}

async fn a_driver_that_only_crashes_is_given_a_rest() -> anyhow::Result<()> {
    let folder = Folder::empty()?.with("rogue", ROGUE)?;
    let env = [&ROGUES[..], &[("GATEWIT_COMPONENTS", folder.path()?)]].concat();
    let server = TestServer::seeded(&quick(&env)).await?;
    let mut client = server.client();
    for _ in 0..6 {
        calls::refused(&client.send(&crash()).await?, 503, "SERVICE_UNAVAILABLE")?;
    }
    server.logged("rests for").await?;
    sign_in(&mut client, USER).await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let polite = Request::new("POST", "/auth/login/rogue").json(&json!({ "what": "refuse", "value": "x" }));
    calls::refused(&client.send(&polite).await?, 401, "INVALID_CREDENTIALS")?;
    let answered = client.send(&login(USER, "json")).await?;
    ensure!(answered.status == 200);
    server.log().lines().find(|line| line.contains("crashed")).context("no crash is on record")?;
    Ok(())
}
