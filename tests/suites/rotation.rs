//! A new `SECRET`: whoever is signed in stays signed in, what was sent stays good, and nothing new is made with the old one.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, Tokens, USER, login, me, quick, refresh, refused, session_token, sign_in};
use e2e::client::Request;
use e2e::command;
use e2e::operator::Operator;
use e2e::otp;
use e2e::server::TestServer;
use e2e::tokens;
use serde_json::{Value, json};
use tempfile::TempDir;

e2e::suite! {
    whoever_is_signed_in_stays_signed_in,
    without_the_overlap_tokens_end,
    recovery_codes_outlive_every_secret,
    the_audit_log_goes_on,
    secrets_of_live_providers_are_sealed_anew,
    a_sealing_key_of_its_own_outlives_every_secret,
}

const OLD: &str = "the old secret of the tests, longer than thirty-two bytes";
const NEW: &str = "the new secret of the tests, longer than thirty-two bytes";
const NEWEST: &str = "the newest secret of tests, longer than thirty-two bytes";
const OTHER: &str = "a secret of somebody else's, longer than thirty-two bytes";

/// A server with its code cache beside the data: compiled code is sealed under the secret.
async fn start(data: Arc<TempDir>, secret: &str, previous: &str) -> anyhow::Result<TestServer> {
    let env = quick(&[("SECRET", secret), ("GATEWIT_PREVIOUS_SECRETS", previous)]);
    TestServer::start_in(data, &env).await
}

async fn stopped(mut server: TestServer) -> anyhow::Result<Arc<TempDir>> {
    server.terminate()?;
    ensure!(server.ended().await?.success());
    let data = server.data.clone();
    drop(server);
    Ok(data)
}

async fn old() -> anyhow::Result<TestServer> {
    TestServer::seeded(&quick(&[("SECRET", OLD)])).await
}

async fn whoever_is_signed_in_stays_signed_in() -> anyhow::Result<()> {
    let server = old().await?;
    let mut client = server.client();
    let tokens = sign_in(&mut client, USER).await?;
    let session = session_token(&client.send(&login(USER, "session")).await?)?;
    let server = start(stopped(server).await?, NEW, OLD).await?;
    let mut client = server.client();
    for token in [&tokens.access, &session] {
        let answer = client.send(&me(token)).await?;
        ensure!(answer.status == 200, "{}", answer.text());
    }
    // What is new is made with the new secret alone.
    let next = Tokens::of(&client.send(&refresh(&tokens.refresh)).await?)?;
    ensure!(tokens::open(&next.access, NEW).is_ok() && tokens::open(&next.access, OLD).is_err());
    let fresh = sign_in(&mut client, USER).await?;
    ensure!(tokens::open(&fresh.access, NEW).is_ok());
    // And then the old one may go.
    let server = start(stopped(server).await?, NEW, "").await?;
    let mut client = server.client();
    ensure!(client.send(&me(&next.access)).await?.status == 200);
    refused(&client.send(&me(&tokens.access)).await?, 403, "INVALID_TOKEN")?;
    ensure!(client.send(&refresh(&next.refresh)).await?.status == 200, "refresh tokens depend on no secret");
    Ok(())
}

async fn without_the_overlap_tokens_end() -> anyhow::Result<()> {
    let server = old().await?;
    let tokens = sign_in(&mut server.client(), USER).await?;
    let server = start(stopped(server).await?, NEW, NEWEST).await?;
    let mut client = server.client();
    refused(&client.send(&me(&tokens.access)).await?, 403, "INVALID_TOKEN")?;
    let forged = tokens::forge(
        tokens::Algorithm::HS256,
        tokens::Algorithm::HS256,
        "",
        &serde_json::from_str::<Value>(&tokens::open(&tokens.access, OLD)?.1)?,
    );
    refused(&client.send(&me(&forged)).await?, 403, "INVALID_TOKEN")
}

/// An account of the seed that may change itself.
const ACCOUNT: (&str, &str) = ("tfa@example.com", "User-password1");

async fn recovery_codes_outlive_every_secret() -> anyhow::Result<()> {
    let server = old().await?;
    let mut caller = Caller::new(&server, ACCOUNT).await?;
    otp::settle().await?;
    let enable = json!({"secret": otp::SECRET, "otp": otp::code(otp::KEY, 0)?});
    ensure!(caller.send("POST", "/users/me/tfa/enable", &enable).await?.status == 204);
    otp::settle().await?;
    let asked = json!({"otp": otp::code(otp::KEY, 0)?});
    let made = caller.data("POST", "/users/me/tfa/recovery-codes", &asked).await?;
    let codes: Vec<String> = serde_json::from_value(made["codes"].clone())?;
    let with = |code: &str| {
        Request::new("POST", "/auth/login").json(&json!({"email": ACCOUNT.0, "password": ACCOUNT.1, "otp": code}))
    };
    let mut server = server;
    // Two rotations, the second without a word of the first secret; and one without any overlap, which is taken back.
    for (index, (secret, previous)) in [(NEW, OLD), (NEWEST, NEW), (NEWEST, "")].into_iter().enumerate() {
        server = start(stopped(server).await?, secret, previous).await?;
        let answer = server.client().send(&with(&codes[index])).await?;
        ensure!(answer.status == 200, "{secret} after {previous}: {}", answer.text());
    }
    server = start(stopped(server).await?, OTHER, "").await?;
    server.logged("recovery codes were made under another SECRET").await?;
    refused(&server.client().send(&with(&codes[5])).await?, 401, "INVALID_OTP")?;
    server = start(stopped(server).await?, OTHER, NEWEST).await?;
    let answer = server.client().send(&with(&codes[5])).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

async fn the_audit_log_goes_on() -> anyhow::Result<()> {
    let mut server = old().await?;
    for (secret, previous) in [(NEW, OLD), (NEWEST, NEW)] {
        let mut admin = Caller::new(&server, ADMIN).await?;
        admin.data("DELETE", "/gatewit/sessions?user=nobody", &Value::Null).await?;
        server = start(stopped(server).await?, secret, previous).await?;
    }
    let data = stopped(server).await?;
    let verify = async |secret: &'static str, previous: &'static str| {
        let env = [("SECRET", secret), ("GATEWIT_PREVIOUS_SECRETS", previous)];
        let output = command::run(data.path(), &env, &["audit", "verify", "--json"]).await?;
        let verdict: Value = serde_json::from_slice(&output.stdout).context("verdict")?;
        anyhow::Ok((output.status.code(), verdict))
    };
    // The beginning, two changes, and each new secret, which vouches for the log from then on.
    let (code, verdict) = verify(NEWEST, "").await?;
    ensure!(code == Some(0) && verdict["entries"] == 7, "{verdict}");
    let (code, verdict) = verify(OLD, "").await?;
    ensure!(code == Some(2), "{verdict}");
    Ok(())
}

const SEALING: &str = "a key for secrets of providers, longer than thirty-two bytes";

/// Makes a provider with a secret.
async fn make_provider(server: &TestServer) -> anyhow::Result<()> {
    let settings = json!({
        "client-id": "me", "client-secret": "a-secret-of-the-provider", "authorize-url": "https://idp.example.com/a",
        "access-url": "https://idp.example.com/t", "profile-url": "https://idp.example.com/p",
    });
    let provider = json!({ "name": "acme", "driver": "oauth2", "settings": settings });
    Operator::new(server).await?.caller().data("POST", "/gatewit/providers", &provider).await?;
    Ok(())
}

/// Whether the provider is served, and its secrets as they lie in the database.
async fn provider(server: &TestServer) -> anyhow::Result<(bool, String)> {
    let shown = Operator::new(server).await?.caller().get("/gatewit/providers/acme").await?;
    let mut database = e2e::server::open(&server.database()?).await?;
    let sealed = sqlx::query_scalar("SELECT sealed FROM gatewit_providers").fetch_one(&mut database).await?;
    Ok((shown["served"] == true, sealed))
}

async fn secrets_of_live_providers_are_sealed_anew() -> anyhow::Result<()> {
    let server = old().await?;
    make_provider(&server).await?;
    let (shown, first) = provider(&server).await?;
    ensure!(shown, "it is not served");
    // The first start that knows both seals anew, and then the old secret may go.
    let server = start(stopped(server).await?, NEW, OLD).await?;
    let (shown, second) = provider(&server).await?;
    ensure!(shown && second != first, "it is not sealed anew, or not served: {}", server.log());
    let server = start(stopped(server).await?, NEW, "").await?;
    ensure!(provider(&server).await? == (true, second.clone()), "{}", server.log());
    // Without the overlap the secret is lost to the server: the provider is not served, and why is told.
    let server = start(stopped(server).await?, OTHER, "").await?;
    ensure!(provider(&server).await? == (false, second.clone()), "it is served without its secret");
    server.logged("set them again").await?;
    // And once the secret is known again, it is good again.
    let server = start(stopped(server).await?, OTHER, NEW).await?;
    let (shown, third) = provider(&server).await?;
    ensure!(shown && third != second, "{}", server.log());
    Ok(())
}

async fn a_sealing_key_of_its_own_outlives_every_secret() -> anyhow::Result<()> {
    let with = |secret| quick(&[("SECRET", secret), ("GATEWIT_SEALING_KEY", SEALING)]);
    let server = TestServer::seeded(&with(OLD)).await?;
    make_provider(&server).await?;
    let before = provider(&server).await?;
    let server = TestServer::start_in(stopped(server).await?, &with(NEW)).await?;
    ensure!(before.0 && provider(&server).await? == before, "{}", server.log());
    Ok(())
}
