//! Several hosts on one PostgreSQL: what an operator does at one of them holds at all.

use anyhow::ensure;
use e2e::calls::{USER, quick, sign_in};
use e2e::needs::Skip;
use e2e::operator::{Operator, variant};
use e2e::postgres::Postgres;
use e2e::server::TestServer;
use e2e::{fixture, postgres};
use serde_json::{Value, json};

use crate::hot_swap::first_party;

e2e::suite! { what_is_swapped_at_one_host_is_swapped_at_all }

fn skip(missing: postgres::Missing) -> Skip {
    Skip(missing.0)
}

async fn what_is_swapped_at_one_host_is_swapped_at_all() -> anyhow::Result<()> {
    let postgres = Postgres::start().map_err(skip)?;
    let database = postgres.database("gatewit")?;
    let settings: Vec<(&str, &str)> =
        quick(&[]).into_iter().chain(database.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    let one = TestServer::start(&settings).await?;
    let statements = std::fs::read_to_string(fixture::folder().join("seed.sql"))?;
    postgres.query("gatewit", &statements)?;
    let other = TestServer::start(&settings).await?;
    let (mut here, mut there) = (Operator::new(&one).await?, Operator::new(&other).await?);
    let built_in = there.serving("local").await?;

    let (local, auth) = (first_party("local")?, first_party("auth")?);
    for (name, wasm) in [("local", variant(&local, 1)), ("auth", variant(&auth, 1)), ("local", variant(&local, 2))] {
        let digest = here.swap(name, &wasm).await?["digest"].clone();
        there.until(name, |component| component["current"]["digest"] == digest).await?;
        sign_in(&mut other.client(), USER).await?;
    }
    // Back again, from the other side.
    let first = there.component("local").await?["previous"]["digest"].clone();
    ensure!(there.act("local", "rollback").await?.status == 200);
    here.until("local", |component| component["current"]["digest"] == first).await?;
    let withdrawn = here.caller().send("DELETE", "/gatewit/components/local", &Value::Null).await?;
    ensure!(withdrawn.status == 204, "{}", withdrawn.text());
    there.until("local", |component| component["current"]["digest"] == built_in.as_str()).await?;

    // Trials, too.
    let taken = here.upload("local", &variant(&local, 3), "?mode=canary&share=0.5").await?;
    ensure!(taken.status == 200, "{}", taken.text());
    there.until("local", |component| component["trial"]["share"] == 0.5).await?;
    ensure!(here.act("local", "end-trial").await?.status == 204);
    there.until("local", |component| component["trial"].is_null()).await?;

    // And providers.
    let acme = json!({ "name": "acme", "driver": "oauth2", "settings": {
        "client-id": "me", "client-secret": "shared", "authorize-url": "https://idp.example.com/a",
        "access-url": "https://idp.example.com/t", "profile-url": "https://idp.example.com/p",
    }});
    here.caller().data("POST", "/gatewit/providers", &acme).await?;
    there.until("oauth2", |component| !component["current"].is_null()).await?;
    let listed = there.caller().get("/gatewit/providers/acme").await?;
    ensure!(listed["served"] == true && listed["settings"]["client-secret"] == "**********", "{listed}");
    sign_in(&mut one.client(), USER).await?;
    Ok(())
}
