//! Gatewit as a part of somebody's own program: `host/examples/axum.rs`, run as it is.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use e2e::client::{Client, Request, Response};
use e2e::server::{self, TestServer};
use serde_json::{Value, json};

e2e::suite! {
    an_axum_application_keeps_its_own_routes,
    people_sign_in_through_an_axum_application,
}

async fn an_axum_application_keeps_its_own_routes() -> anyhow::Result<()> {
    let server = example().await?;
    let mut client = server.client();
    let own = client.send(&Request::new("GET", "/hello")).await?;
    ensure!((own.status, own.text().as_str()) == (200, "Hello, whoever you are"), "{own:?}");
    let ping = client.send(&Request::new("GET", "/server/ping")).await?;
    ensure!((ping.status, ping.text().as_str()) == (200, "pong"), "{ping:?}");
    let unknown = client.send(&Request::new("GET", "/nowhere")).await?;
    let code = unknown.json()?["errors"][0]["extensions"]["code"].clone();
    ensure!(unknown.status == 404 && code == "ROUTE_NOT_FOUND", "{unknown:?}");
    Ok(())
}

async fn people_sign_in_through_an_axum_application() -> anyhow::Result<()> {
    let server = example().await?;
    let mut client = server.client();
    let wrong = json!({"email": "user@example.com", "password": "wrong"});
    let refused = post(&mut client, "/auth/login", &wrong).await?;
    ensure!(refused.status == 401, "{refused:?}");

    let right = json!({"email": "user@example.com", "password": "User-password1"});
    let signed_in = good(&post(&mut client, "/auth/login", &right).await?)?;
    ensure!(ips(&server).await? == [Some("127.0.0.1".to_owned())], "{:?}", ips(&server).await?);

    let me =
        Request::new("GET", "/users/me").header("Authorization", &format!("Bearer {}", text(&signed_in, "access")?));
    let me = good(&client.send(&me).await?)?;
    ensure!(me["id"] == "850106de-8796-48c0-90f0-bb78f04dfc8a", "{me}");

    let first = json!({"refresh_token": text(&signed_in, "refresh")?});
    let refreshed = good(&post(&mut client, "/auth/refresh", &first).await?)?;
    let second = json!({"refresh_token": text(&refreshed, "refresh")?});
    ensure!(first != second, "the refresh token is not a new one");

    let signed_out = post(&mut client, "/auth/logout", &second).await?;
    ensure!(signed_out.status == 204, "{signed_out:?}");
    let late = post(&mut client, "/auth/refresh", &second).await?;
    ensure!(late.status == 401 && ips(&server).await?.is_empty(), "{late:?}");
    Ok(())
}

/// The example, with the accounts of `fixtures/seed.sql`.
async fn example() -> anyhow::Result<TestServer> {
    let named = std::env::var_os("GATEWIT_EXAMPLES").map(PathBuf::from);
    let built = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("examples"));
    let program = named.or_else(built).context("no path of this test binary")?.join("axum");
    ensure!(
        program.is_file(),
        "{} is missing: build it with `cargo build --release -p gatewit-host --examples`",
        program.display()
    );
    let server = TestServer::start_program(&program, &[("LOGIN_STALL_TIME", "0")]).await?;
    server::seed(&server.database()?).await?;
    Ok(server)
}

async fn post(client: &mut Client, path: &str, body: &Value) -> anyhow::Result<Response> {
    client.send(&Request::new("POST", path).json(body)).await
}

/// What a good answer holds under `data`.
fn good(response: &Response) -> anyhow::Result<Value> {
    ensure!(response.status == 200, "{}: {}", response.status, response.text());
    Ok(response.json()?["data"].clone())
}

fn text<'a>(grant: &'a Value, kind: &str) -> anyhow::Result<&'a str> {
    grant[format!("{kind}_token")].as_str().with_context(|| grant.to_string())
}

/// The addresses of all sessions.
async fn ips(server: &TestServer) -> anyhow::Result<Vec<Option<String>>> {
    let mut database = server::open(&server.database()?).await?;
    Ok(sqlx::query_scalar("select ip from directus_sessions").fetch_all(&mut database).await?)
}
