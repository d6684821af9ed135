//! The components in a host whose time stands still and whose randomness is known: what they answer is known to the letter.

use std::io;
use std::time::Duration;

use anyhow::ensure;
use e2e::calls::{Tokens, login, quick, refresh};
use e2e::client::Client;
use e2e::server::SECRET;
use e2e::tokens;
use gatewit_host::config::Sources;
use gatewit_host::{Clock, Config, Gatewit};
use serde_json::Value;
use tokio::net::TcpListener;

e2e::suite! {
    the_same_moment_and_randomness_give_the_same_tokens,
}

/// 2026-11-21, 17:04:36 UTC.
const NOW: u64 = 1_795_280_676;

/// A clock that stands still, and randomness that is all sevens.
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::from_secs(NOW)
    }

    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(7);
        Ok(())
    }
}

/// Signs in and refreshes once on a new server: the claims, their id left out, and both refresh tokens.
async fn tokens_of_a_new_server() -> anyhow::Result<(Vec<Value>, [String; 2])> {
    let data = tempfile::tempdir()?;
    let folder = data.path().display().to_string();
    let administrator = ("admin@example.com", "Adm1n-password");
    let settings = [
        ("GATEWIT_DATA", folder.as_str()),
        ("SECRET", SECRET),
        ("ADMIN_EMAIL", administrator.0),
        ("ADMIN_PASSWORD", administrator.1),
    ];
    let environment = quick(&settings).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() })?;
    let gatewit = Gatewit::builder(config).clock(Still).start().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut client = Client::new(listener.local_addr()?);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move { gatewit.serve(listener, async { drop(stopped.await) }).await });

    let first = Tokens::of(&client.send(&login(administrator, "json")).await?)?;
    let second = Tokens::of(&client.send(&refresh(&first.refresh)).await?)?;
    let mut claims = Vec::new();
    for token in [&first.access, &second.access] {
        let (header, text) = tokens::open(token, SECRET)?;
        ensure!(header == r#"{"alg":"HS256","typ":"JWT"}"#, "{header}");
        let mut each: Value = serde_json::from_str(&text)?;
        ensure!(each["id"].take().is_string() && each["role"].take().is_string(), "{text}");
        claims.push(each);
    }
    drop(client);
    drop(stop);
    serving.await?;
    Ok((claims, [first.refresh, second.refresh]))
}

async fn the_same_moment_and_randomness_give_the_same_tokens() -> anyhow::Result<()> {
    let (claims, ids) = tokens_of_a_new_server().await?;
    let expected = serde_json::json!({
        "id": null, "role": null, "app_access": true, "admin_access": true, "iat": NOW, "exp": NOW + 900,
        "iss": "directus",
    });
    ensure!(claims.iter().all(|each| *each == expected), "{claims:?}");
    // 48 bytes of seven as base64url, and an id of the same family that follows from it by the key.
    ensure!(ids[0] == "BwcH".repeat(16), "{}", ids[0]);
    ensure!(ids[1][..22] == ids[0][..22] && ids[1] != ids[0] && ids[1].len() == 64, "{ids:?}");
    let (_, again) = tokens_of_a_new_server().await?;
    ensure!(again == ids, "{again:?} after {ids:?}");
    Ok(())
}
