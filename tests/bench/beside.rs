//! The same load on Gatewit and on a real Directus 11, in turns, on one database: what a Directus made, both serve.
//!
//! While one is under load the other is idle. Both hash at the same cost, hold no answer back, and write warnings only.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::calls::{Caller, me, sign_in};
use e2e::client::Client;
use e2e::directus::{Directus, VERSION};
use e2e::postgres::Postgres;
use e2e::server;
use serde_json::json;
use tempfile::TempDir;

use crate::Pace;
use crate::load::{self, Exchange, Load, Refresh, Span};
use crate::process::{Process, Served};
use crate::seeded::{ADMIN, CONNECTIONS, USER, credentials, folder, megabytes, same, sign_ins};
use crate::table::Table;

/// Starts of which the median counts.
const STARTS: usize = 3;
/// How long after its start a server is idle: a Directus has work to do after it has said that it serves.
const SETTLED: Duration = Duration::from_secs(6);
/// Directus's default cost, for both.
const COST: [(&str, &str); 3] = [("HASH_MEMORY_COST", "65536"), ("HASH_TIME_COST", "3"), ("HASH_PARALLELISM", "4")];
/// What both are told besides.
const BOTH: [(&str, &str); 3] = [("LOG_LEVEL", "warn"), ("ACCESS_TOKEN_TTL", "1d"), ("LOGIN_STALL_TIME", "0")];

/// A database that both serve.
enum Database {
    File(TempDir),
    Postgres(Postgres, Vec<(&'static str, String)>),
}

const NAME: &str = "directus";

impl Database {
    fn settings(&self) -> Vec<(&str, String)> {
        match self {
            Self::File(folder) => {
                let file = folder.path().join("directus.db").display().to_string();
                vec![("DB_CLIENT", "sqlite3".to_owned()), ("DB_FILENAME", file)]
            }
            Self::Postgres(_, settings) => settings.clone(),
        }
    }

    fn change(&self, runtime: &tokio::runtime::Runtime, statements: String) -> anyhow::Result<()> {
        match self {
            Self::File(folder) => runtime.block_on(async {
                let mut database = server::open(&folder.path().join("directus.db")).await?;
                sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut database).await?;
                Ok(())
            }),
            Self::Postgres(server, _) => Ok(server.query(NAME, &statements).map(drop)?),
        }
    }
}

/// On SQLite and on PostgreSQL.
pub(crate) fn measure(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Err(missing) = runtime.block_on(Directus::available()) {
        table.add(&format!("beside Directus {VERSION}"), format!("absent: {missing}"), None, "");
        return Ok(());
    }
    compare("SQLite", &Database::File(folder()?), &runtime, pace, table)?;
    match Postgres::start() {
        Ok(server) => {
            let settings = server.database(NAME)?;
            compare("PostgreSQL", &Database::Postgres(server, settings), &runtime, pace, table)
        }
        Err(missing) => {
            table.add(&format!("beside Directus {VERSION}, PostgreSQL"), format!("absent: {missing}"), None, "");
            Ok(())
        }
    }
}

fn compare(
    name: &str,
    database: &Database,
    runtime: &tokio::runtime::Runtime,
    pace: Pace,
    table: &mut Table,
) -> anyhow::Result<()> {
    let owned = database.settings();
    let settings = owned.iter().map(|(name, value)| (*name, value.as_str()));
    let settings: Vec<_> = settings.chain(COST).chain(BOTH).collect();
    runtime.block_on(Directus::bootstrap(&settings))?;
    let directus = started(pace, || {
        let directus = runtime.block_on(Directus::start(&settings))?;
        let took = directus.started;
        Ok((directus, took))
    })?;
    runtime.block_on(people(&directus.server))?;
    let data = folder()?;
    let gatewit = started(pace, || {
        let process = Process::start(data.path(), &settings)?;
        let took = process.start;
        Ok((process, took))
    })?;
    std::thread::sleep(SETTLED);
    let mut beside = Beside { name, table };
    beside.less("start to first pong", 40.0, (seconds(gatewit.took), seconds(directus.took)), |value| {
        format!("{:.0} ms", value * 1e3)
    });
    let idle = (gatewit.server.proportional()?, directus.server.proportional()?);
    beside.less("memory, idle", 5.0, (float(idle.0), float(idle.1)), shown_memory);

    let both = (&gatewit.server, &directus.server);
    let token = runtime.block_on(sign_in(&mut Client::new(directus.server.address), USER))?.access;
    let own = load::get_request("/users/me", Some(&token));
    let mes = in_turns(pace, both, pace.load, || Ok(same(&own, "\"id\":\"", CONNECTIONS)))?;
    beside.more("GET /users/me, without policies, 64 connections", Some(50.0), &mes);
    let user = runtime.block_on(own_id(&directus.server, &token))?;
    let mut turn = 0;
    let refreshes = in_turns(pace, both, pace.load, || {
        turn += 1;
        refreshing(database, runtime, &user, turn)
    })?;
    beside.more("POST /auth/refresh, 64 connections", Some(28.0), &refreshes);
    let span = Span { warm_up: Duration::from_millis(500), measured: pace.turn };
    let sign_ins = in_turns(pace, both, span, || Ok(sign_ins()))?;
    beside.more("POST /auth/login, default cost, 8 connections", Some(1.3), &sign_ins);
    let most = |pick: fn(&(Load, Load)) -> u64| {
        mes.iter().chain(&refreshes).chain(&sign_ins).map(pick).max().unwrap_or_default()
    };
    let loaded = (float(most(|pair| pair.0.memory)), float(most(|pair| pair.1.memory)));
    beside.less("memory, most under all that", 5.0, loaded, shown_memory);
    Ok(())
}

/// A server, and how long it took to start.
struct Started<S> {
    server: S,
    took: Duration,
}

/// Starts a server some times; the last one stays, the median time counts. The first start does not: it fills caches.
fn started<S>(pace: Pace, start: impl Fn() -> anyhow::Result<(S, Duration)>) -> anyhow::Result<Started<S>> {
    drop(start()?);
    let mut times = Vec::new();
    for _ in 1..if pace.turns > 1 { STARTS } else { 1 } {
        times.push(start()?.1);
    }
    let (server, took) = start()?;
    times.push(took);
    times.sort_unstable();
    let took = times.get(times.len() / 2).copied().context("no start")?;
    Ok(Started { server, took })
}

/// One account without policies, and no limit to attempts: many at once are no attack here.
async fn people(directus: &Directus) -> anyhow::Result<()> {
    let mut client = directus.client();
    let admin = sign_in(&mut client, ADMIN).await?.access;
    let mut caller = Caller::with(client, &admin);
    caller.data("POST", "/users", &credentials(USER)).await?;
    caller.data("PATCH", "/settings", &json!({"auth_login_attempts": null})).await.map(drop)
}

async fn own_id(directus: &Directus, token: &str) -> anyhow::Result<String> {
    let answer = directus.client().send(&me(token)).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(answer.json()?["data"]["id"].as_str().context("no id")?.to_owned())
}

/// Other sessions of a connection. A Directus on PostgreSQL now and then comes to a deadlock with itself, and says 500.
const SPARE: usize = 8;

/// Sessions for each connection, as a Directus writes them; signing in so often would take longer than the run.
fn refreshing(
    database: &Database,
    runtime: &tokio::runtime::Runtime,
    user: &str,
    turn: u32,
) -> anyhow::Result<Vec<Box<dyn Exchange>>> {
    // 2100-01-01.
    let later = match database {
        Database::File(_) => "4102444800000",
        Database::Postgres(..) => "'2100-01-01T00:00:00Z'",
    };
    let token = |index: usize| format!("bench{turn:03}x{index:055}");
    let row = |index| format!("('{}', '{user}', {later})", token(index));
    let rows = (0..CONNECTIONS * (SPARE + 1)).map(row).collect::<Vec<_>>().join(", ");
    let statements = format!("insert into directus_sessions (token, \"user\", expires) values {rows}");
    database.change(runtime, statements)?;
    let refresh = |index: usize| {
        let first = index * (SPARE + 1);
        Refresh { token: token(first), spare: (first + 1..=first + SPARE).map(token).collect() }
    };
    Ok((0..CONNECTIONS).map(|index| Box::new(refresh(index)) as Box<dyn Exchange>).collect())
}

/// The same load on both, in turns: pairs of runs, Gatewit's first.
fn in_turns(
    pace: Pace,
    (gatewit, directus): (&Process, &Directus),
    span: Span,
    mut exchanges: impl FnMut() -> anyhow::Result<Vec<Box<dyn Exchange>>>,
) -> anyhow::Result<Vec<(Load, Load)>> {
    let mut runs = Vec::new();
    for _ in 0..pace.turns.div_ceil(2) {
        let theirs = load::run(directus, exchanges()?, span).context("Directus")?;
        runs.push((load::run(gatewit, exchanges()?, span).context("Gatewit")?, theirs));
    }
    Ok(runs)
}

/// Adds lines that compare the two.
struct Beside<'a> {
    name: &'a str,
    table: &'a mut Table,
}

impl Beside<'_> {
    /// A figure of which less is better, and how many times less it is to be.
    fn less(&mut self, what: &str, times: f64, (ours, theirs): (f64, f64), shown: fn(f64) -> String) {
        let ratio = ours / theirs;
        let target = format!("≤ 1/{times:.0}");
        self.table.add(
            &format!("{what}, {}", self.name),
            format!("{} = 1/{:.1}", shown(ours), 1.0 / ratio),
            Some((&target, ratio * times <= 1.0)),
            format!("Directus {VERSION}: {}", shown(theirs)),
        );
    }

    /// Requests a second, and how many times as many there are to be.
    fn more(&mut self, what: &str, times: Option<f64>, runs: &[(Load, Load)]) {
        let mean = |pick: &dyn Fn(&(Load, Load)) -> f64| runs.iter().map(pick).sum::<f64>() / float(runs.len() as u64);
        let (ours, theirs) = (mean(&|pair| pair.0.rate()), mean(&|pair| pair.1.rate()));
        let ratio = ours / theirs;
        let target = times.map(|times| (format!("≥ {times}×"), ratio >= times));
        let failed = match runs
            .iter()
            .map(|pair| (pair.0.failures, pair.1.failures))
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        {
            (0, 0) => String::new(),
            (ours, theirs) => format!("; {ours} and {theirs} requests failed"),
        };
        self.table.add(
            &format!("{what}, {}", self.name),
            format!("{ours:.1}/s = {ratio:.1}×"),
            target.as_ref().map(|(text, met)| (text.as_str(), *met)),
            format!("Directus {VERSION}: {theirs:.1}/s{failed}"),
        );
        let of = |part: f64| (mean(&|pair| pair.0.quantile(part)), mean(&|pair| pair.1.quantile(part)));
        let (p50, p99) = (of(0.5), of(0.99));
        self.table.add(
            &format!("{what}, {}: p50, p99", self.name),
            format!("{:.1} ms, {:.1} ms", p50.0, p99.0),
            None,
            format!("Directus {VERSION}: {:.1} ms, {:.1} ms", p50.1, p99.1),
        );
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "memory, and a handful of runs")]
fn float(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "memory")]
fn shown_memory(bytes: f64) -> String {
    megabytes(bytes as u64)
}
