//! Accounts with a second factor, and those of whom one is demanded.

use anyhow::{Context as _, ensure};
use e2e::calls::{EDITOR, USER, login, me, quick, refresh, refused, sign_in as tokens_of};
use e2e::client::{Client, Request, Response};
use e2e::otp::{self, KEY, SECRET};
use e2e::server::{self, TestServer};
use e2e::tokens;
use serde_json::json;
use sqlx::Connection as _;

e2e::suite! {
    a_right_code_is_asked_for_after_the_right_password,
    a_demanded_second_factor_is_in_the_token_of_a_sign_in_only,
    a_second_factor_is_set_up_and_taken_off,
    a_code_signs_in_once,
    a_recovery_code_signs_in_once_until_there_are_new_ones,
    who_has_to_set_up_a_second_factor_can_do_nothing_else,
    the_secret_is_drawn_for_a_camera,
}

/// An account of the seed: address and password.
const ACCOUNT: (&str, &str) = ("tfa@example.com", "User-password1");

/// The code of a moment, `steps` away from now.
fn code(steps: i64) -> anyhow::Result<String> {
    otp::code(KEY, steps)
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

/// `POST /users/me/tfa/<what>`
fn factor(token: &str, what: &str, body: &serde_json::Value) -> Request {
    let request = Request::new("POST", &format!("/users/me/tfa/{what}")).json(body);
    request.header("Authorization", &format!("Bearer {token}"))
}

/// A code that is good for some seconds more.
async fn fresh_code() -> anyhow::Result<String> {
    otp::settle().await?;
    code(0)
}

/// Sets up the second factor of an account; the token with which that was done.
async fn set_up(client: &mut Client, account: (&str, &str)) -> anyhow::Result<String> {
    let token = tokens_of(client, account).await?.access;
    let body = json!({"secret": SECRET, "otp": fresh_code().await?});
    let answer = client.send(&factor(&token, "enable", &body)).await?;
    ensure!(answer.status == 204, "{} {}", answer.status, answer.text());
    Ok(token)
}

async fn a_second_factor_is_set_up_and_taken_off() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let token = tokens_of(&mut client, ACCOUNT).await?.access;
    let anonymous = Request::new("POST", "/users/me/tfa/generate").json(&json!({"password": ACCOUNT.1}));
    refused(&client.send(&anonymous).await?, 401, "INVALID_CREDENTIALS")?;
    for (body, status, code) in [
        (json!({}), 400, "INVALID_PAYLOAD"),
        (json!({"password": 1}), 400, "INVALID_PAYLOAD"),
        (json!({"password": "wrong"}), 401, "INVALID_CREDENTIALS"),
    ] {
        refused(&client.send(&factor(&token, "generate", &body)).await?, status, code)?;
    }
    let made = client.send(&factor(&token, "generate", &json!({"password": ACCOUNT.1}))).await?.json()?;
    let (secret, url) = (made["data"]["secret"].as_str().unwrap_or_default(), &made["data"]["otpauth_url"]);
    ensure!(secret.len() == 16, "{made}");
    let expected = format!(
        "otpauth://totp/Directus:tfa%40example.com?secret={secret}&period=30&digits=6&algorithm=SHA1&issuer=Directus"
    );
    ensure!(*url == expected, "{url}");
    for body in [json!({"secret": SECRET}), json!({"otp": "123456"}), json!({"secret": SECRET, "otp": code(-2)?})] {
        refused(&client.send(&factor(&token, "enable", &body)).await?, 400, "INVALID_PAYLOAD")?;
    }
    set_up(&mut client, ACCOUNT).await?;
    let again = json!({"secret": SECRET, "otp": code(0)?});
    refused(&client.send(&factor(&token, "enable", &again)).await?, 400, "INVALID_PAYLOAD")?;
    refused(&sign_in(&mut client, ACCOUNT.1, None).await?, 401, "INVALID_OTP")?;
    // Whoever may not change accounts may not change this.
    let other = tokens_of(&mut client, USER).await?.access;
    let body = json!({"secret": SECRET, "otp": fresh_code().await?});
    refused(&client.send(&factor(&other, "enable", &body)).await?, 403, "FORBIDDEN")?;
    refused(&client.send(&factor(&token, "disable", &json!({"otp": code(3)?}))).await?, 400, "INVALID_PAYLOAD")?;
    let answer = client.send(&factor(&token, "disable", &json!({"otp": fresh_code().await?}))).await?;
    ensure!(answer.status == 204, "{}", answer.text());
    refused(&client.send(&factor(&token, "disable", &json!({"otp": "123456"}))).await?, 400, "INVALID_PAYLOAD")?;
    let answer = sign_in(&mut client, ACCOUNT.1, None).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

async fn a_code_signs_in_once() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    set_up(&mut server.client(), ACCOUNT).await?;
    let code = fresh_code().await?;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (mut client, code) = (server.client(), code.clone());
        running.spawn(async move { sign_in(&mut client, ACCOUNT.1, Some(&code)).await });
    }
    let answers: Vec<_> = running.join_all().await.into_iter().collect::<anyhow::Result<_>>()?;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    ensure!(statuses.iter().filter(|status| **status == 200).count() == 1, "{statuses:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        refused(answer, 401, "INVALID_OTP")?;
    }
    Ok(())
}

async fn a_recovery_code_signs_in_once_until_there_are_new_ones() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let token = set_up(&mut client, ACCOUNT).await?;
    refused(&client.send(&factor(&token, "recovery-codes", &json!({"otp": "000000"}))).await?, 400, "INVALID_PAYLOAD")?;
    let body = json!({"otp": fresh_code().await?});
    let answer = client.send(&factor(&token, "recovery-codes", &body)).await?.json()?;
    let codes: Vec<String> = serde_json::from_value(answer["data"]["codes"].clone())?;
    ensure!(codes.len() == 10, "{answer}");
    let answer = sign_in(&mut client, ACCOUNT.1, Some(&codes[3].to_lowercase())).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    refused(&sign_in(&mut client, ACCOUNT.1, Some(&codes[3])).await?, 401, "INVALID_OTP")?;
    refused(&sign_in(&mut client, "wrong", Some(&codes[4])).await?, 401, "INVALID_CREDENTIALS")?;
    refused(&sign_in(&mut client, ACCOUNT.1, Some("ABCDEF-GHIJKL")).await?, 401, "INVALID_OTP")?;
    let mut database = server::open(&server.database()?).await?;
    let stored: Vec<(String,)> = sqlx::query_as("select key from gatewit_counters").fetch_all(&mut database).await?;
    ensure!(
        !stored.is_empty() && stored.iter().all(|(key,)| codes.iter().all(|code| !key.contains(code))),
        "{stored:?}"
    );
    // New ones void the old ones.
    change(
        &server,
        "update directus_users set tfa_secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR' where email = 'tfa@example.com'",
    )
    .await?;
    refused(&sign_in(&mut client, ACCOUNT.1, Some(&codes[5])).await?, 401, "INVALID_OTP")
}

async fn who_has_to_set_up_a_second_factor_can_do_nothing_else() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    change(&server, "update directus_policies set enforce_tfa = 1 where name = 'Editor policy'").await?;
    for mode in ["json", "session"] {
        let answer = client.send(&login(EDITOR, mode)).await?;
        let token = match mode {
            "json" => answer.json()?["data"]["access_token"].as_str().unwrap_or_default().to_owned(),
            _ => e2e::calls::session_token(&answer)?,
        };
        let body = client.send(&me(&token)).await?.json()?;
        ensure!(body["data"].as_object().is_some_and(|data| data.len() == 1), "{body}");
        for (method, path) in
            [("PATCH", "/users/me"), ("GET", "/users"), ("GET", "/roles/me"), ("GET", "/permissions/me")]
        {
            let request = Request::new(method, path).header("Authorization", &format!("Bearer {token}"));
            refused(&client.send(&request.json(&json!({}))).await?, 403, "FORBIDDEN")?;
        }
    }
    // The account has no permission to change itself, and may do this all the same.
    let token = set_up(&mut client, EDITOR).await?;
    let body = client.send(&me(&token)).await?.json()?;
    ensure!(body["data"]["email"] == EDITOR.0, "{body}");

    let lenient = TestServer::seeded(&quick(&[("GATEWIT_ENFORCE_TFA", "claim")])).await?;
    change(&lenient, "update directus_policies set enforce_tfa = 1 where name = 'Editor policy'").await?;
    let mut client = lenient.client();
    let token = tokens_of(&mut client, EDITOR).await?.access;
    let body = client.send(&me(&token)).await?.json()?;
    ensure!(body["data"]["email"] == EDITOR.0, "{body}");
    Ok(())
}

async fn the_secret_is_drawn_for_a_camera() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let token = tokens_of(&mut client, ACCOUNT).await?.access;
    let url = "otpauth://totp/Directus:tfa%40example.com?secret=CEMXMA3CDVBDUOIP";
    let answer = client.send(&factor(&token, "qr-code", &json!({"otpauth_url": url}))).await?;
    ensure!(answer.header("content-type") == Some("image/svg+xml; charset=utf-8"), "{}", answer.text());
    ensure!(answer.text().contains("<svg"), "{}", answer.text());
    for url in [json!("https://example.com"), json!(1), json!(format!("otpauth://totp/{}", "x".repeat(5000)))] {
        let answer = client.send(&factor(&token, "qr-code", &json!({"otpauth_url": url}))).await?;
        refused(&answer, 400, "INVALID_PAYLOAD")?;
    }
    Ok(())
}
