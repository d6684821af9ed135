//! What a sign-in with a password costs, and tells: unknown accounts cost what known ones do, a full queue is refused,
//! cheap hashes are renewed.

use std::time::Duration;

use anyhow::ensure;
use e2e::calls::{EDITOR, USER, login, quick, refused, sign_in, verdict};
use e2e::client::Client;
use e2e::server::{self, TestServer};

e2e::suite! {
    unknown_accounts_and_wrong_passwords_look_and_take_the_same,
    a_full_queue_is_refused_and_says_when_to_come_back,
    a_cheaper_hash_is_renewed_by_a_sign_in_and_only_then,
}

/// Sign-ins of each kind that are timed.
const TIMED: usize = 15;
/// Sign-ins at once, to fill a queue of one.
const AT_ONCE: usize = 12;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn unknown_accounts_and_wrong_passwords_look_and_take_the_same() -> anyhow::Result<()> {
    let cost = [("HASH_MEMORY_COST", "8192"), ("HASH_TIME_COST", "3"), ("HASH_PARALLELISM", "1")];
    let server = TestServer::seeded(&[&cost[..], &[("LOGIN_STALL_TIME", "0")]].concat()).await?;
    let mut client = server.client();
    // The hash of the seed is cheaper; a sign-in renews it.
    sign_in(&mut client, USER).await?;
    let kinds =
        [(USER.0, "wrong-password"), ("nobody@example.com", "wrong-password"), ("nopw@example.com", "wrong-password")];
    let mut times = vec![Vec::new(); kinds.len()];
    let mut bodies = Vec::new();
    for _ in 0..TIMED {
        for (kind, times) in kinds.iter().zip(&mut times) {
            let answer = client.send(&login(*kind, "json")).await?;
            refused(&answer, 401, "INVALID_CREDENTIALS")?;
            times.push(answer.elapsed);
            bodies.push(answer.text());
        }
    }
    let right = client.send(&login(("suspended@example.com", USER.1), "json")).await?;
    bodies.push(right.text());
    ensure!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    for other in &medians[1..] {
        let ratio = other.as_secs_f64() / medians[0].as_secs_f64();
        ensure!((0.5..2.0).contains(&ratio), "a wrong password, an unknown account, one without: {medians:?}");
    }
    Ok(())
}

async fn a_full_queue_is_refused_and_says_when_to_come_back() -> anyhow::Result<()> {
    let limits = [("GATEWIT_HASH_WORKERS", "1"), ("GATEWIT_HASH_QUEUE", "1"), ("LOGIN_STALL_TIME", "0")];
    let server = TestServer::seeded(&limits).await?;
    let address = server.address;
    // A hash of the default cost each: nobody has this account.
    let attempt = move || async move { Client::new(address).send(&login(("nobody@example.com", "x"), "json")).await };
    let attempts: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(attempt())).collect();
    let (mut hashed, mut busy) = (0, 0);
    for attempt in attempts {
        let answer = attempt.await??;
        match verdict(&answer) {
            (401, code) if code == "INVALID_CREDENTIALS" => hashed += 1,
            (503, code) if code == "SERVICE_UNAVAILABLE" => {
                let seconds: u32 = answer.header("retry-after").unwrap_or_default().parse()?;
                ensure!(seconds > 0, "Retry-After: {seconds}");
                busy += 1;
            }
            _ => anyhow::bail!("{} {}", answer.status, answer.text()),
        }
    }
    ensure!(hashed >= 1 && busy >= AT_ONCE / 2, "{hashed} hashed, {busy} sent away");
    server.logged("the queue of password hashes is full").await?;
    sign_in(&mut server.client(), EDITOR).await?;
    Ok(())
}

async fn a_cheaper_hash_is_renewed_by_a_sign_in_and_only_then() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[("HASH_MEMORY_COST", "2048")])).await?;
    let mut database = server::open(&server.database()?).await?;
    let mut stored = async || -> anyhow::Result<String> {
        let query = sqlx::query_scalar("SELECT password FROM directus_users WHERE email = ?").bind(USER.0);
        Ok(query.fetch_one(&mut database).await?)
    };
    let mut client = server.client();
    let cheap = stored().await?;
    refused(&client.send(&login((USER.0, "wrong-password"), "json")).await?, 401, "INVALID_CREDENTIALS")?;
    ensure!(stored().await? == cheap && cheap.contains("m=1024,"), "{cheap}");
    sign_in(&mut client, USER).await?;
    let renewed = stored().await?;
    ensure!(renewed.contains("m=2048,"), "{renewed}");
    sign_in(&mut client, USER).await?;
    ensure!(stored().await? == renewed, "a hash of the right cost was renewed");
    refused(&client.send(&login((USER.0, "wrong-password"), "json")).await?, 401, "INVALID_CREDENTIALS")
}
