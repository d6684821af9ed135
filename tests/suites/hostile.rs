//! Whoever means harm: guesses without end, sends what is huge or endless, and writes what is code elsewhere into every
//! field that takes a text. Nobody else notices, and a text is stored as the text that it was, or refused.

mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, USER, login, quick, refused, sign_in, verdict};
use e2e::client::Request;
use e2e::fixture;
use e2e::needs::Skip;
use e2e::postgres::Postgres;
use e2e::server::{self, TestServer};
use serde_json::json;

e2e::suite! {
    ten_thousand_wrong_passwords_lock_nobody_out,
    ten_megabytes_are_refused_and_not_kept,
    a_document_of_a_thousand_levels_is_refused,
    every_text_of_every_endpoint_is_only_a_text_in_sqlite,
    every_text_of_every_endpoint_is_only_a_text_in_postgres,
    a_name_adds_nothing_to_the_head_of_a_letter,
}

/// Wrong attempts at one account.
const ATTEMPTS: usize = 10_000;
/// Of them at the same time.
const AT_ONCE: usize = 64;
/// What "at once" is for the administrator, on a machine with other work.
const SOON: Duration = Duration::from_secs(2);

/// A quarter of them from a network of its own each, the others from one.
async fn ten_thousand_wrong_passwords_lock_nobody_out() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[("IP_TRUST_PROXY", "true")])).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (mut client, next) = (server.client(), Arc::clone(&next));
        running.spawn(async move {
            let mut answers = BTreeMap::new();
            loop {
                let attempt = next.fetch_add(1, Ordering::Relaxed);
                if attempt >= ATTEMPTS {
                    return anyhow::Ok(answers);
                }
                let address = match attempt % 4 {
                    0 => format!("10.{}.{}.1", attempt >> 8, attempt & 0xff),
                    _ => "203.0.113.7".to_owned(),
                };
                let guess = login((ADMIN.0, &format!("guess {attempt}")), "json").header("X-Forwarded-For", &address);
                *answers.entry(verdict(&client.send(&guess).await?)).or_insert(0) += 1;
            }
        });
    }
    let mut answers: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for task in running.join_all().await {
        for (answer, count) in task? {
            *answers.entry(answer).or_default() += count;
        }
    }
    let refusals = answers.get(&(401, "INVALID_CREDENTIALS".to_owned())).copied();
    ensure!(refusals == Some(ATTEMPTS), "{answers:?}");
    let mut client = server.client();
    let from = |address: &str| login(ADMIN, "json").header("X-Forwarded-For", address);
    let answer = client.send(&from("198.51.100.1")).await?;
    ensure!(answer.status == 200 && answer.elapsed < SOON, "{} in {:?}", answer.text(), answer.elapsed);
    // Whoever guesses is still waiting, even with the right password, and nobody else's account was touched.
    refused(&client.send(&from("203.0.113.7")).await?, 401, "INVALID_CREDENTIALS")?;
    sign_in(&mut client, USER).await?;
    let mut database = server::open(&server.database()?).await?;
    let changed: i64 = sqlx::query_scalar("SELECT count(*) FROM directus_users WHERE email = ? AND status <> 'active'")
        .bind(ADMIN.0)
        .fetch_one(&mut database)
        .await?;
    ensure!(changed == 0, "the administrator was suspended");
    Ok(())
}

/// Resident memory of a process, in bytes.
fn resident(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Sends a body of so many bytes wherever one can be sent.
async fn refuse_everywhere(server: &TestServer, bytes: usize) -> anyhow::Result<()> {
    let long = "x".repeat(bytes);
    for path in ["/auth/login", "/auth/refresh", "/users/register", "/graphql/system", "/users"] {
        let body = json!({"email": "a@example.com", "password": long}).to_string();
        let mut request = Request::new("POST", path).header("Content-Type", "application/json");
        request.body = Some(body.into_bytes());
        let answer = server.client().send(&request).await?;
        refused(&answer, 400, "INVALID_PAYLOAD")?;
        ensure!(answer.text().contains("request entity too large"), "{}", answer.text());
    }
    Ok(())
}

async fn ten_megabytes_are_refused_and_not_kept() -> anyhow::Result<()> {
    const SENT: usize = 10 << 20;
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut client = server.client();
    sign_in(&mut client, USER).await?;
    // What is made once, at the first request of its kind, is there after a first round.
    refuse_everywhere(&server, SENT).await?;
    let before = resident(server.id())?;
    refuse_everywhere(&server, SENT).await?;
    let grown = resident(server.id())?.saturating_sub(before);
    ensure!(grown < SENT as u64, "{grown} bytes were kept, of five times {SENT}");
    sign_in(&mut client, USER).await.map(drop)
}

async fn a_document_of_a_thousand_levels_is_refused() -> anyhow::Result<()> {
    const LEVELS: usize = 1000;
    let server = TestServer::seeded(&quick(&[])).await?;
    let token = sign_in(&mut server.client(), ADMIN).await?.access;
    let nested =
        |open: &str, middle: &str, close: &str| format!("{}{middle}{}", open.repeat(LEVELS), close.repeat(LEVELS));
    let fragments: String = (0..LEVELS)
        .map(|n| format!("fragment f{n} on directus_users {{ ...f{} }} ", n + 1))
        .collect::<Vec<_>>()
        .concat();
    let documents = [
        format!("{{ users_me {{ {} }} }}", nested("role { users { ", "id", " } }")),
        format!("{{ users(filter: {}) {{ id }} }}", nested("{ _and: [", "", "] }")),
        format!("{{ users_me {{ ...f0 }} }} {fragments} fragment f{LEVELS} on directus_users {{ id }}"),
        format!("query ($v: {}String{}) {{ server_ping }}", "[".repeat(LEVELS), "]".repeat(LEVELS)),
        nested("{ a ", "", "}"),
    ];
    for document in documents {
        let request = Request::new("POST", "/graphql/system").json(&json!({ "query": document }));
        let answer = server.client().send(&request.header("Authorization", &format!("Bearer {token}"))).await?;
        refused(&answer, 400, "GRAPHQL_VALIDATION").with_context(|| document[..60].to_owned())?;
        ensure!(answer.elapsed < SOON, "{:?}", answer.elapsed);
    }
    let mut client = server.client();
    let mut request = Request::new("POST", "/auth/login").header("Content-Type", "application/json");
    request.body = Some(nested("[", "", "]").into_bytes());
    refused(&client.send(&request).await?, 400, "INVALID_PAYLOAD")?;
    let path = format!("/users?filter{}=1", "[_and][0]".repeat(LEVELS));
    let answer = client.send(&Request::new("GET", &path).header("Authorization", &format!("Bearer {token}"))).await?;
    ensure!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text());
    sign_in(&mut client, USER).await.map(drop)
}

/// Settings with which nothing waits for a mail server or a limit.
const OPEN: [(&str, &str); 3] =
    [("EMAIL_TRANSPORT", "file"), ("REGISTER_STALL_TIME", "0"), ("RATE_LIMITER_REGISTRATION_ENABLED", "false")];

async fn every_text_of_every_endpoint_is_only_a_text_in_sqlite() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&OPEN)).await?;
    texts::send_all(&server).await
}

async fn every_text_of_every_endpoint_is_only_a_text_in_postgres() -> anyhow::Result<()> {
    let missing = |missing: e2e::postgres::Missing| Skip(missing.0);
    let database = Postgres::start().map_err(missing)?;
    let settings = database.database("gatewit").map_err(missing)?;
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    let settings: Vec<_> = quick(&OPEN).into_iter().chain(settings).collect();
    let server = TestServer::start(&settings).await?;
    let statements = std::fs::read_to_string(fixture::folder().join("seed.sql"))?;
    // The seed brings its own numbers, which the database does not count.
    let counted = "; select setval(pg_get_serial_sequence('directus_permissions', 'id'), 100);";
    database.query("gatewit", &format!("{statements}{counted}")).map_err(missing)?;
    texts::send_all(&server).await
}

async fn a_name_adds_nothing_to_the_head_of_a_letter() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let letters = folder.path().display().to_string();
    let settings = [("EMAIL_TRANSPORT", "file"), ("GATEWIT_MAIL_FOLDER", letters.as_str())];
    let server = TestServer::seeded(&quick(&settings)).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let hostile = ["Gate\r\nBcc: x@example.org", "Gate\nBcc: x@example.org", "Gate\" <x@example.org>, \"y", "{{7*7}}"];
    for (index, text) in hostile.into_iter().enumerate() {
        admin.data("PATCH", "/settings", &json!({ "project_name": text })).await?;
        let forgot = Request::new("POST", "/auth/password/request").json(&json!({ "email": USER.0 }));
        ensure!(server.client().send(&forgot).await?.status == 204);
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let sent = loop {
            let sent: Vec<_> = folder.path().read_dir()?.flatten().map(|entry| entry.path()).collect();
            let whole = |path: &&std::path::PathBuf| path.extension().is_some_and(|end| end == "eml");
            if sent.iter().filter(whole).count() > index {
                break sent;
            }
            ensure!(std::time::Instant::now() < deadline, "no letter: {}", server.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        for letter in sent {
            let letter = std::fs::read_to_string(letter)?;
            let (head, _) = letter.split_once("\r\n\r\n").context("no head")?;
            let names: Vec<&str> =
                head.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
            ensure!(!names.iter().any(|name| name.eq_ignore_ascii_case("bcc")), "{head}");
            let to: Vec<&str> = head.lines().filter(|line| line.starts_with("To:")).collect();
            ensure!(to == [format!("To: {}", USER.0)], "{head}");
            ensure!(names.iter().filter(|name| **name == "From").count() == 1, "{head}");
            ensure!(!head.contains("49\" <") && !head.contains("49 <"), "the name was taken for a template: {head}");
        }
    }
    Ok(())
}
