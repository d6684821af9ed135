//! Generations that are tried out beside the one that serves.

use anyhow::ensure;
use e2e::calls::{self, ADMIN, USER, login, quick, sign_in};
use e2e::guests;
use e2e::operator::{Operator, variant};
use e2e::server::TestServer;
use e2e::stage::Stage;
use serde_json::Value;

use crate::component_cli::Desk;
use crate::guests::{FALLEN_RULES, MISNAMED};
use crate::hot_swap::first_party;

e2e::suite! {
    a_canary_takes_its_share_and_is_promoted,
    a_canary_that_fails_is_ended_and_nobody_loses_the_server,
    one_that_watches_is_compared_and_answers_nobody,
    one_that_watches_hears_what_the_provider_said_once,
    a_canary_that_does_well_serves_by_its_rule,
    one_that_watches_serves_by_its_rule_or_is_given_up,
    a_rule_is_typed_and_outlives_a_restart,
    a_rule_that_makes_no_sense_is_refused,
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
        // One that knows nobody refuses wrong credentials, too.
        calls::refused(&client.send(&login((USER.0, "wrong"), "json")).await?, 401, "INVALID_CREDENTIALS")?;
        let seen = operator.until("local", |component| component["trial"][counter] == 2).await?;
        let other = if counter == "same" { "different" } else { "same" };
        ensure!(seen["trial"][other] == 0, "{seen}");
        ensure!(operator.act("local", "end-trial").await?.status == 204);
    }
    server.logged("answers differently").await?;
    Ok(())
}

/// What the audit log has about a component that the server itself did.
async fn own_deeds(operator: &mut Operator, name: &str) -> anyhow::Result<Vec<String>> {
    let entries = operator.caller().get("/gatewit/audit").await?;
    let own = |entry: &&Value| entry["who"] == "gatewit" && entry["object"] == name;
    let entries = entries.as_array().into_iter().flatten().filter(own);
    Ok(entries.filter_map(|entry| entry["what"].as_str()).map(ToOwned::to_owned).collect())
}

async fn one_that_watches_hears_what_the_provider_said_once() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("ADMIN_EMAIL", ADMIN.0), ("ADMIN_PASSWORD", ADMIN.1)]).await?;
    let mut operator = Operator::new(&stage.server).await?;
    let trial = variant(&first_party("openid")?, 1);
    let taken = operator.upload("openid", &trial, "?mode=shadow").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    stage.provider.forget_calls();
    let mut browser = stage.signed_in().await?;
    // Where the browser goes, and who came back.
    let seen = operator.until("openid", |component| component["trial"]["same"] == 2).await?;
    ensure!(seen["trial"]["different"] == 0, "{seen}; {}", stage.server.log());
    let asked = stage.provider.calls("token");
    ensure!(asked == 1, "the code was shown {asked} times");
    ensure!(browser.refresh().await?.status == 200, "{}", stage.server.log());
    let seen = operator.until("openid", |component| component["trial"]["same"] == 3).await?;
    ensure!(seen["trial"]["different"] == 0, "{seen}; {}", stage.server.log());
    let asked = stage.provider.calls("token");
    ensure!(asked == 2, "the refresh token was shown {} times", asked - 1);
    ensure!(browser.is_signed_in().await?, "nobody is signed in");
    Ok(())
}

async fn a_canary_that_does_well_serves_by_its_rule() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    for name in ["local", "auth"] {
        let (before, trial) = (operator.serving(name).await?, variant(&first_party(name)?, 1));
        let taken = operator.upload(name, &trial, "?mode=canary&share=1&promote_after=5").await?;
        ensure!(taken.status == 200, "{}", taken.text());
        let rule = operator.component(name).await?["trial"]["rule"].clone();
        ensure!(rule["promote_after"] == 5 && rule["max_differences"] == 0 && rule["max_failures"] == 0.0, "{rule}");
        for _ in 0..5 {
            sign_in(&mut server.client(), USER).await?;
        }
        let component = operator.until(name, |component| component["trial"].is_null()).await?;
        ensure!(component["current"]["digest"] == e2e::operator::digest(&trial).as_str(), "{component}");
        ensure!(component["previous"]["digest"] == before.as_str(), "{component}");
        ensure!(own_deeds(&mut operator, name).await? == ["component.promote"]);
    }
    server.logged("by its rule, a trial serves everybody").await?;
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn one_that_watches_serves_by_its_rule_or_is_given_up() -> anyhow::Result<()> {
    // What is set holds where nothing else is said.
    let server = TestServer::seeded(&quick(&[("GATEWIT_PROMOTE_AFTER", "3")])).await?;
    let mut operator = Operator::new(&server).await?;
    let before = operator.serving("local").await?;
    // It calls itself `local` and knows nobody: one difference is enough.
    let taken = operator.upload("local", &std::fs::read(guests::file(MISNAMED)?)?, "?mode=shadow").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    sign_in(&mut server.client(), USER).await?;
    let component = operator.until("local", |component| component["trial"].is_null()).await?;
    ensure!(component["current"]["digest"] == before.as_str(), "{component}");
    server.logged("by its rule, a trial is given up").await?;
    let trial = variant(&first_party("local")?, 2);
    let taken = operator.upload("local", &trial, "?mode=shadow").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    for _ in 0..3 {
        sign_in(&mut server.client(), USER).await?;
    }
    let component = operator.until("local", |component| component["trial"].is_null()).await?;
    ensure!(component["current"]["digest"] == e2e::operator::digest(&trial).as_str(), "{component}");
    ensure!(own_deeds(&mut operator, "local").await? == ["component.promote", "component.end-trial"]);
    Ok(())
}

async fn a_rule_is_typed_and_outlives_a_restart() -> anyhow::Result<()> {
    let mut desk = Desk::new(&[]).await?;
    let file = desk.file("local.wasm")?;
    std::fs::write(&file, variant(&first_party("local")?, 3))?;
    let rule = ["--promote-after", "1000", "--max-differences", "2", "--max-failures", "0.01"];
    let swap = [&["component", "swap", "--canary", "0.5"], &rule[..], &[file.as_str()]].concat();
    desk.told(&swap).await?;
    desk.refused(&["component", "swap", "--promote-after", "5", &file], "promote_after").await?;
    desk.server.kill()?;
    let server = TestServer::start_in(desk.server.data.clone(), &quick(&[])).await?;
    let trial = Operator::new(&server).await?.component("local").await?["trial"].clone();
    let rule = &trial["rule"];
    ensure!(trial["mode"] == "canary" && trial["share"] == 0.5 && rule["promote_after"] == 1000, "{trial}");
    ensure!(rule["max_differences"] == 2 && rule["max_failures"] == 0.01, "{trial}");
    Ok(())
}

async fn a_rule_that_makes_no_sense_is_refused() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let wasm = variant(&first_party("local")?, 4);
    for (how, word) in [
        ("?promote_after=5", "promote_after"),
        ("?mode=shadow&promote_after=0", "rule of promotion"),
        ("?mode=shadow&promote_after=x", "promote_after"),
        ("?mode=shadow&max_differences=1", "promote_after"),
        ("?mode=canary&promote_after=5&max_failures=2", "share of failures"),
    ] {
        let answer = operator.upload("local", &wasm, how).await?;
        calls::refused(&answer, 400, "INVALID_PAYLOAD")?;
        ensure!(answer.text().contains(word), "{how}: {}", answer.text());
    }
    ensure!(operator.component("local").await?["trial"].is_null(), "something is tried out");
    Ok(())
}
