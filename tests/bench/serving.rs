//! Measurements of a server that runs as a process of its own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::client::{Client, Request};
use e2e::server;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::load::{self, Exchange, Load, Refresh, Same};
use crate::process::{self, Process};
use crate::table::Table;
use crate::{Pace, ceiling};

/// Connections of most runs.
const CONNECTIONS: usize = 64;
/// Sign-ins at the same time: a few more than there are threads that hash.
const SIGN_INS: usize = 8;
/// Starts of which the median counts.
const STARTS: usize = 7;
/// How long after its start a server is idle.
const SETTLED: Duration = Duration::from_secs(2);

/// Passwords as cheap as those of the seed, for runs that are about something else.
const CHEAP: [(&str, &str); 3] = [("HASH_MEMORY_COST", "1024"), ("HASH_TIME_COST", "1"), ("HASH_PARALLELISM", "1")];

const USER: (&str, &str) = ("user@example.com", "User-password1");
const ADMIN: (&str, &str) = ("admin@example.com", "Adm1n-password");

/// From the start of the process to its first answer, and its memory after that.
pub(crate) fn start(_: Pace, table: &mut Table) -> anyhow::Result<()> {
    let data = folder()?;
    drop(Process::start(data.path(), &[])?);
    let (mut starts, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        starts.push(Process::start(data.path(), &[])?.start);
        bare.push(process::bare_start()?);
    }
    starts.sort_unstable();
    bare.sort_unstable();
    let (median, bare) = (starts[STARTS / 2], bare[STARTS / 2]);
    let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    table.add(
        "start to first pong, warm code cache, median of 7",
        millis(median),
        Some(("< 150 ms", median < Duration::from_millis(150))),
        format!("gatewit --version: {}", millis(bare)),
    );
    let server = Process::start(data.path(), &[])?;
    std::thread::sleep(SETTLED);
    let idle = server.resident()?;
    table.add("resident memory, idle after start", megabytes(idle), Some(("< 60 MB", idle < 60_000_000)), "");
    Ok(())
}

/// `GET /users/me`, and `GET /server/ping` as the ceiling of HTTP alone.
pub(crate) fn me(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let seeded = Seeded::start(&CHEAP)?;
    let ping = seeded.repeat(pace, &load::get_request("/server/ping", None), "pong")?;
    let user = seeded.me(pace, USER)?;
    let admin = seeded.me(pace, ADMIN)?;
    for (who, load) in [("without policies", &user), ("administrator, all fields", &admin)] {
        table.add(
            &format!("GET /users/me, {who}, 64 connections"),
            rate(load),
            Some(("≥ 12000/s", load.rate() >= 12_000.0)),
            format!("/server/ping: {}", rate(&ping)),
        );
        table.add(
            &format!("GET /users/me, {who}: p50, p99"),
            latency(load),
            Some(("p99 < 10 ms", load.quantile(0.99) < 10.0)),
            format!("/server/ping: {}", latency(&ping)),
        );
    }
    let memory = user.memory.max(admin.memory);
    let target = Some(("< 150 MB", memory < 150_000_000));
    table.add("resident memory under users/me, 64 connections", megabytes(memory), target, "");
    Ok(())
}

/// What a line a request in the log costs.
pub(crate) fn log(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let [memory, time, lanes] = CHEAP;
    let quiet = Seeded::start(&CHEAP)?.me(pace, USER)?;
    let logged = Seeded::start(&[memory, time, lanes, ("LOG_LEVEL", "info")])?.me(pace, USER)?;
    let beside = format!("LOG_LEVEL=warn, as above, again: {}", rate(&quiet));
    table.add("GET /users/me, without policies, LOG_LEVEL=info into a file", rate(&logged), None, beside);
    Ok(())
}

/// `POST /auth/refresh`, every connection a session of a user of its own.
pub(crate) fn refresh(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let seeded = Seeded::start(&CHEAP)?;
    let apart = folder()?;
    let commits = seeded.runtime.block_on(ceiling::commits(apart.path(), pace.load.measured))?;
    let mut exchanges: Vec<Box<dyn Exchange>> = Vec::new();
    for email in seeded.runtime.block_on(more_users(&seeded))? {
        let grant = seeded.sign_in((&email, USER.1))?;
        let token = grant["refresh_token"].as_str().context("no refresh_token")?;
        exchanges.push(Box::new(Refresh { token: token.to_owned() }));
    }
    let load = load::run(&seeded.server, exchanges, pace.load)?;
    let floor = format!("commits of one row, one by one: {commits:.0}/s");
    table.add("POST /auth/refresh, 64 connections", rate(&load), Some(("≥ 3000/s", load.rate() >= 3_000.0)), floor);
    table.add("POST /auth/refresh: p50, p99", latency(&load), None, format!("one commit: {:.2} ms", 1e3 / commits));
    Ok(())
}

/// `POST /auth/login` with the default cost, and the hash alone, in turns.
pub(crate) fn login(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let seeded = Seeded::start(&[])?;
    // The first sign-in renews the cheap hash of the seed with the cost that is measured.
    seeded.sign_in(USER)?;
    let hash = seeded.runtime.block_on(ceiling::stored_hash(&seeded.database()?, USER.0))?;
    ensure!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "not the default cost: {hash}");
    let request = load::json_request("/auth/login", &credentials(USER).to_string());
    let span = load::Span { warm_up: Duration::from_millis(500), measured: pace.turn };
    let (mut logins, mut hashes) = (Vec::new(), 0.0);
    for _ in 0..pace.turns {
        hashes += ceiling::hashes(pace.turn)? / f64::from(pace.turns);
        logins.push(seeded.send(same(&request, "refresh_token", SIGN_INS), span)?);
    }
    let rate = logins.iter().map(Load::rate).sum::<f64>() / f64::from(pace.turns);
    let ratio = rate / hashes;
    let p50 = logins.iter().map(|load| load.quantile(0.5)).sum::<f64>() / f64::from(pace.turns);
    table.add(
        "POST /auth/login, default cost, 8 connections: share of the hash alone",
        format!("{ratio:.2} ({rate:.1}/s, p50 {p50:.0} ms)"),
        Some(("≥ 0.95", ratio >= 0.95)),
        format!("argon2 crate in as many threads as cores: {hashes:.1}/s"),
    );
    Ok(())
}

/// A server whose database holds the accounts of `fixtures/seed.sql`.
struct Seeded {
    // The server goes before its data.
    server: Process,
    data: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Seeded {
    fn start(env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let data = folder()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seeded = Self { server: Process::start(data.path(), env)?, data, runtime };
        seeded.runtime.block_on(server::seed(&seeded.database()?))?;
        Ok(seeded)
    }

    fn database(&self) -> anyhow::Result<PathBuf> {
        server::database(self.data.path())
    }

    fn sign_in(&self, who: (&str, &str)) -> anyhow::Result<Value> {
        let request = Request::new("POST", "/auth/login").json(&credentials(who));
        let response = self.runtime.block_on(Client::new(self.server.address).send(&request))?;
        ensure!(response.status == 200, "{}: {}", response.status, response.text());
        Ok(response.json()?["data"].clone())
    }

    fn me(&self, pace: Pace, who: (&str, &str)) -> anyhow::Result<Load> {
        let grant = self.sign_in(who)?;
        let token = grant["access_token"].as_str().context("no access_token")?;
        self.repeat(pace, &load::get_request("/users/me", Some(token)), "\"id\":\"")
    }

    fn repeat(&self, pace: Pace, request: &[u8], expected: &'static str) -> anyhow::Result<Load> {
        self.send(same(request, expected, CONNECTIONS), pace.load)
    }

    fn send(&self, exchanges: Vec<Box<dyn Exchange>>, span: load::Span) -> anyhow::Result<Load> {
        load::run(&self.server, exchanges, span)
    }
}

/// A user for each connection, like the one of the seed; their addresses.
async fn more_users(seeded: &Seeded) -> anyhow::Result<Vec<String>> {
    let mut database = server::open(&seeded.database()?).await?;
    let mut emails = Vec::new();
    for index in 0..CONNECTIONS {
        let email = format!("user{index}@example.com");
        sqlx::query(
            "insert into directus_users (id, email, password, status, role) \
             select ?, ?, password, status, role from directus_users where email = ?",
        )
        .bind(format!("850106de-8796-48c0-90f0-{index:012}"))
        .bind(&email)
        .bind(USER.0)
        .execute(&mut database)
        .await?;
        emails.push(email);
    }
    Ok(emails)
}

fn same(request: &[u8], expected: &'static str, connections: usize) -> Vec<Box<dyn Exchange>> {
    let one = |_| Box::new(Same { request: request.to_vec(), expected }) as Box<dyn Exchange>;
    (0..connections).map(one).collect()
}

fn credentials((email, password): (&str, &str)) -> Value {
    json!({"email": email, "password": password})
}

/// A folder beside this program: a temporary folder of the system may be in memory.
fn folder() -> anyhow::Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("bench-data-").tempdir_in(process::folder()?)?)
}

/// Requests a second, and who used the processor for them.
fn rate(load: &Load) -> String {
    format!("{:.0}/s (cores: server {:.2}, load {:.2})", load.rate(), load.server_cores, load.generator_cores)
}

fn latency(load: &Load) -> String {
    format!("{:.2} ms, {:.2} ms", load.quantile(0.5), load.quantile(0.99))
}

fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "memory of a process")]
    let mb = bytes as f64 / 1e6;
    format!("{mb:.1} MB")
}
