//! Accounts with a second factor, and those of whom one is demanded.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use e2e::calls::{EDITOR, login, quick, refresh, refused};
use e2e::client::{Client, Request, Response};
use e2e::server::{self, TestServer};
use e2e::tokens;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha1::Sha1;
use sqlx::Connection as _;

e2e::suite! {
    a_right_code_is_asked_for_after_the_right_password,
    a_demanded_second_factor_is_in_the_token_of_a_sign_in_only,
}

/// An account of the seed: address and password.
const ACCOUNT: (&str, &str) = ("tfa@example.com", "User-password1");
/// The key of RFC 6238, appendix B, and the same in base32.
const KEY: &[u8] = b"12345678901234567890";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Seconds in which a code is good.
const STEP: u64 = 30;

/// The code of a moment, `steps` away from now (RFC 4226, section 5.3).
fn code(steps: i64) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / STEP;
    let step = now.checked_add_signed(steps).context("no such step")?;
    let digest = Hmac::<Sha1>::new_from_slice(KEY)?.chain_update(step.to_be_bytes()).finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes(digest[offset..offset + 4].try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", word % 1_000_000))
}

async fn sign_in(client: &mut Client, password: &str, otp: Option<&str>) -> anyhow::Result<Response> {
    let mut body = json!({"email": ACCOUNT.0, "password": password});
    if let Some(otp) = otp {
        body["otp"] = otp.into();
    }
    client.send(&Request::new("POST", "/auth/login").json(&body)).await
}

async fn change(server: &TestServer, statement: &'static str) -> anyhow::Result<()> {
    let mut database = server::open(&server.database()?).await?;
    let changed = sqlx::query(statement).execute(&mut database).await?.rows_affected();
    ensure!(changed == 1, "{statement}: {changed} rows");
    Ok(database.close().await?)
}

async fn a_right_code_is_asked_for_after_the_right_password() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    change(
        &server,
        "update directus_users set tfa_secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' where email = 'tfa@example.com'",
    )
    .await?;
    for otp in [None, Some("abcdef"), Some("12345"), Some(SECRET), Some(code(-2)?.as_str()), Some(code(2)?.as_str())] {
        refused(&sign_in(&mut client, ACCOUNT.1, otp).await?, 401, "INVALID_OTP")?;
    }
    refused(&sign_in(&mut client, "wrong", Some(&code(0)?)).await?, 401, "INVALID_CREDENTIALS")?;
    // The step may end between reading the clock here and there: then the next code is good.
    let mut answer = sign_in(&mut client, ACCOUNT.1, Some(&code(0)?)).await?;
    if answer.status != 200 {
        answer = sign_in(&mut client, ACCOUNT.1, Some(&code(0)?)).await?;
    }
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

async fn a_demanded_second_factor_is_in_the_token_of_a_sign_in_only() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    change(&server, "update directus_policies set enforce_tfa = 1 where name = 'Editor policy'").await?;
    let claim = |answer: &Response| -> anyhow::Result<_> {
        let body = answer.json()?;
        let token = body["data"]["access_token"].as_str().with_context(|| answer.text())?.to_owned();
        let refresh_token = body["data"]["refresh_token"].as_str().with_context(|| answer.text())?.to_owned();
        let (_, claims) = tokens::open(&token, server::SECRET)?;
        let claims: serde_json::Value = serde_json::from_str(&claims)?;
        Ok((claims.get("enforce_tfa").cloned(), refresh_token))
    };
    let (demanded, refresh_token) = claim(&client.send(&login(EDITOR, "json")).await?)?;
    ensure!(demanded == Some(json!(true)), "at sign-in: {demanded:?}");
    let (demanded, _) = claim(&client.send(&refresh(&refresh_token)).await?)?;
    ensure!(demanded.is_none(), "at a refresh: {demanded:?}");
    Ok(())
}
