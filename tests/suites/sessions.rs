//! Sessions where it matters that there are two of something: two tabs, a thief and an owner, a database and its reader.

use std::time::{Duration, Instant};

use anyhow::ensure;
use e2e::calls::{self, EDITOR, Tokens, USER, in_session, login, logout, me, quick, refresh, refused, session_token};
use e2e::client::Client;
use e2e::server::{self, TestServer};

e2e::suite! {
    refreshes_at_once_with_one_token_get_one_successor,
    a_token_used_again_after_the_grace_period_ends_the_session,
    a_sign_out_ends_the_whole_family_and_no_other,
    a_sign_out_in_session_mode_ends_the_whole_family,
    hashed_tokens_are_nowhere_in_the_database_and_plain_ones_are,
    a_suspended_account_is_refused_at_once,
}

/// Refreshes at the same time.
const AT_ONCE: usize = 8;
/// A grace period that is long enough for two requests in a row, and short enough to wait for.
const GRACE: Duration = Duration::from_secs(2);

async fn begin(client: &mut Client) -> anyhow::Result<Tokens> {
    calls::sign_in(client, USER).await
}

async fn exchange(client: &mut Client, token: &str) -> anyhow::Result<Tokens> {
    Tokens::of(&client.send(&refresh(token)).await?)
}

async fn gone(client: &mut Client, token: &str) -> anyhow::Result<()> {
    refused(&client.send(&refresh(token)).await?, 401, "INVALID_CREDENTIALS")
}

async fn refreshes_at_once_with_one_token_get_one_successor() -> anyhow::Result<()> {
    for storage in ["hashed", "plain"] {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", storage)])).await?;
        let (address, mut client) = (server.address, server.client());
        let first = begin(&mut client).await?.refresh;
        let tab = |token: String| async move { exchange(&mut Client::new(address), &token).await };
        let tabs: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(tab(first.clone()))).collect();
        let mut successors = Vec::new();
        for tab in tabs {
            successors.push(tab.await??.refresh);
        }
        ensure!(successors[0] != first, "{storage}: the token was not exchanged");
        ensure!(successors.iter().all(|next| *next == successors[0]), "{storage}: {successors:?}");
        // A retry after a lost answer, and then the next exchange.
        ensure!(exchange(&mut client, &first).await?.refresh == successors[0], "{storage}");
        ensure!(exchange(&mut client, &successors[0]).await?.refresh != successors[0], "{storage}");
    }
    Ok(())
}

async fn a_token_used_again_after_the_grace_period_ends_the_session() -> anyhow::Result<()> {
    let grace = format!("{}ms", GRACE.as_millis());
    for storage in ["hashed", "plain"] {
        let env = quick(&[("GATEWIT_TOKEN_STORAGE", storage), ("SESSION_REFRESH_GRACE_PERIOD", &grace)]);
        let server = TestServer::seeded(&env).await?;
        let mut client = server.client();
        let (first, other) = (begin(&mut client).await?.refresh, begin(&mut client).await?.refresh);
        let second = exchange(&mut client, &first).await?.refresh;
        let exchanged = Instant::now();
        ensure!(exchange(&mut client, &first).await?.refresh == second, "{storage}: within the grace period");
        ensure!(!server.log().contains("used again"), "{storage}: {}", server.log());
        tokio::time::sleep_until((exchanged + GRACE).into()).await;
        gone(&mut client, &first).await?;
        gone(&mut client, &second).await?;
        let line = server.logged("a refresh token was used again after its exchange").await?;
        ensure!(line.contains("WARN") && !line.contains(&first), "{line}");
        exchange(&mut client, &other).await?;
    }
    Ok(())
}

async fn a_sign_out_ends_the_whole_family_and_no_other() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let other = begin(&mut client).await?.refresh;
    // With the newest token, and with the one before.
    for with_newest in [true, false] {
        let first = begin(&mut client).await?.refresh;
        let second = exchange(&mut client, &first).await?.refresh;
        let held = if with_newest { &second } else { &first };
        ensure!(client.send(&logout(held)).await?.status == 204);
        gone(&mut client, &first).await?;
        gone(&mut client, &second).await?;
    }
    exchange(&mut client, &other).await?;
    Ok(())
}

async fn a_sign_out_in_session_mode_ends_the_whole_family() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    let first = session_token(&client.send(&login(USER, "session")).await?)?;
    let second = session_token(&client.send(&in_session("refresh", &first)).await?)?;
    let other = session_token(&client.send(&login(USER, "session")).await?)?;
    for token in [&first, &second, &other] {
        ensure!(client.send(&me(token)).await?.status == 200);
    }
    ensure!(client.send(&in_session("logout", &second)).await?.status == 204);
    for token in [&first, &second] {
        refused(&client.send(&me(token)).await?, 401, "INVALID_CREDENTIALS")?;
    }
    ensure!(client.send(&me(&other)).await?.status == 200);
    Ok(())
}

/// Whether the bytes of `text` are in a file of the data folder.
fn stored(server: &TestServer, text: &str) -> anyhow::Result<bool> {
    let mut looked = 0;
    for entry in server.data.path().read_dir()? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gatewit.db")) {
            looked += 1;
            if std::fs::read(&path)?.windows(text.len()).any(|bytes| bytes == text.as_bytes()) {
                return Ok(true);
            }
        }
    }
    ensure!(looked >= 2, "no database and no log beside it");
    Ok(false)
}

async fn hashed_tokens_are_nowhere_in_the_database_and_plain_ones_are() -> anyhow::Result<()> {
    for (storage, in_clear) in [("hashed", false), ("plain", true)] {
        let server = TestServer::seeded(&quick(&[("GATEWIT_TOKEN_STORAGE", storage)])).await?;
        let mut client = server.client();
        let first = begin(&mut client).await?.refresh;
        let second = exchange(&mut client, &first).await?.refresh;
        for token in [&first, &second] {
            ensure!(stored(&server, token)? == in_clear, "{storage}: {token}");
            // Not even the part of it that names the family.
            ensure!(stored(&server, &token[..22])? == in_clear, "{storage}: the family of {token}");
            ensure!(!server.log().contains(&token[..22]), "{storage}: {}", server.log());
        }
        ensure!(stored(&server, "editor@example.com")?, "the search finds nothing");
        exchange(&mut client, &second).await?;
    }
    Ok(())
}

async fn a_suspended_account_is_refused_at_once() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut database = server::open(&server.database()?).await?;
    let mut client = server.client();
    let session = session_token(&client.send(&login(EDITOR, "session")).await?)?;
    let second = session_token(&client.send(&login(EDITOR, "session")).await?)?;
    let tokens = calls::sign_in(&mut client, EDITOR).await?;
    ensure!(client.send(&me(&session)).await?.status == 200);
    let mut stand = async |status: &str| {
        let change = sqlx::query("UPDATE directus_users SET status = ? WHERE email = ?").bind(status).bind(EDITOR.0);
        change.execute(&mut database).await
    };
    stand("suspended").await?;
    refused(&client.send(&me(&session)).await?, 401, "INVALID_CREDENTIALS")?;
    refused(&client.send(&in_session("refresh", &second)).await?, 401, "USER_SUSPENDED")?;
    refused(&client.send(&refresh(&tokens.refresh)).await?, 401, "USER_SUSPENDED")?;
    refused(&client.send(&login(EDITOR, "json")).await?, 401, "INVALID_CREDENTIALS")?;
    // A refresh in the meantime has ended the session for good.
    stand("active").await?;
    gone(&mut client, &tokens.refresh).await?;
    refused(&client.send(&me(&second)).await?, 401, "INVALID_CREDENTIALS")?;
    calls::sign_in(&mut client, EDITOR).await?;
    Ok(())
}
