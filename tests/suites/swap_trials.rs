//! Generations that are tried out beside the one that serves.

use anyhow::ensure;
use e2e::calls::{self, USER, login, quick, sign_in};
use e2e::guests;
use e2e::operator::{Operator, variant};
use e2e::server::TestServer;

use crate::guests::{FALLEN_RULES, MISNAMED};
use crate::hot_swap::first_party;

e2e::suite! {
    a_canary_takes_its_share_and_is_promoted,
    a_canary_that_fails_is_ended_and_nobody_loses_the_server,
    one_that_watches_is_compared_and_answers_nobody,
}

/// Sign-ins that are counted. With a share of a half, all of them on one side would be a wonder.
const SIGN_INS: u64 = 40;

async fn a_canary_takes_its_share_and_is_promoted() -> anyhow::Result<()> {
    let mut server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let before = operator.serving("local").await?;
    let trial = variant(&first_party("local")?, 1);
    let taken = operator.upload("local", &trial, "?mode=canary&share=0.5").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    let mut client = server.client();
    for _ in 0..SIGN_INS {
        sign_in(&mut client, USER).await?;
    }
    let component = operator.component("local").await?;
    let calls = component["trial"]["calls"].as_u64().unwrap_or_default();
    ensure!(calls > 1 && calls < SIGN_INS, "{component}");
    ensure!(component["trial"]["mode"] == "canary" && component["current"]["digest"] == before.as_str(), "{component}");
    // Another start goes on with the trial.
    server.kill()?;
    let server = TestServer::start_in(server.data.clone(), &quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let component = operator.component("local").await?;
    ensure!(component["trial"]["share"] == 0.5, "{component}");
    let promoted = operator.act("local", "promote").await?;
    ensure!(promoted.status == 200, "{}", promoted.text());
    let component = operator.component("local").await?;
    ensure!(component["trial"].is_null() && component["previous"]["digest"] == before.as_str(), "{component}");
    calls::refused(&operator.act("local", "promote").await?, 400, "INVALID_PAYLOAD")?;
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn a_canary_that_fails_is_ended_and_nobody_loses_the_server() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[("GATEWIT_ROLLBACK_CRASHES", "3")])).await?;
    let mut operator = Operator::new(&server).await?;
    let before = operator.serving("auth").await?;
    let fallen = std::fs::read(guests::file(FALLEN_RULES)?)?;
    let taken = operator.upload("auth", &fallen, "?mode=canary&share=0.5").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    let mut client = server.client();
    for _ in 0..SIGN_INS {
        client.send(&login(USER, "json")).await?;
    }
    server.logged("crashed too often and is taken back").await?;
    let component = operator.until("auth", |component| component["trial"].is_null()).await?;
    ensure!(component["current"]["digest"] == before.as_str(), "{component}");
    for _ in 0..SIGN_INS / 4 {
        sign_in(&mut client, USER).await?;
    }
    Ok(())
}

async fn one_that_watches_is_compared_and_answers_nobody() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let mut client = server.client();
    // It calls itself `local` and knows nobody.
    for (wasm, counter) in
        [(variant(&first_party("local")?, 1), "same"), (std::fs::read(guests::file(MISNAMED)?)?, "different")]
    {
        let taken = operator.upload("local", &wasm, "?mode=shadow").await?;
        ensure!(taken.status == 200, "{}", taken.text());
        sign_in(&mut client, USER).await?;
        // Wrong credentials are not shown: they would count twice where they are checked.
        calls::refused(&client.send(&login((USER.0, "wrong"), "json")).await?, 401, "INVALID_CREDENTIALS")?;
        let seen = operator.until("local", |component| component["trial"][counter] == 1).await?;
        let other = if counter == "same" { "different" } else { "same" };
        ensure!(seen["trial"][other] == 0, "{seen}");
        ensure!(operator.act("local", "end-trial").await?.status == 204);
    }
    server.logged("answers differently").await?;
    Ok(())
}
