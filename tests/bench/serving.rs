//! Measurements of a server that runs as a process of its own.

use std::time::Duration;

use anyhow::ensure;

use crate::load::{self, Load};
use crate::process::{self, Process, Served as _};
use crate::seeded::{ADMIN, CHEAP, Seeded, USER, folder, latency, megabytes, rate, sign_ins};
use crate::table::Table;
use crate::{Pace, ceiling};

/// Starts of which the median counts.
const STARTS: usize = 7;
/// How long after its start a server is idle.
const SETTLED: Duration = Duration::from_secs(2);

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
    table.add("memory (proportional set) under users/me, 64 connections", megabytes(memory), target, "");
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
    let load = seeded.refresh(pace)?;
    let floor = format!("commits of one row, one by one: {commits:.0}/s");
    table.add("POST /auth/refresh, 64 connections", rate(&load), Some(("≥ 3000/s", load.rate() >= 3_000.0)), floor);
    table.add("POST /auth/refresh: p50, p99", latency(&load), None, format!("one commit: {:.2} ms", 1e3 / commits));
    Ok(())
}

/// The same with the database on a PostgreSQL on this machine.
pub(crate) fn postgres(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let seeded = match Seeded::on_postgres(&CHEAP) {
        Ok(seeded) => seeded,
        Err(missing) if missing.is::<e2e::postgres::Missing>() => {
            table.add("on PostgreSQL", format!("absent: {missing}"), None, "");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for (who, account) in [("without policies", USER), ("administrator, all fields", ADMIN)] {
        let load = seeded.me(pace, account)?;
        table.add(&format!("GET /users/me, {who}, on PostgreSQL"), rate(&load), None, latency(&load));
    }
    let load = seeded.refresh(pace)?;
    table.add("POST /auth/refresh, on PostgreSQL", rate(&load), None, latency(&load));
    table.add("memory (proportional set) under that, on PostgreSQL", megabytes(load.memory), None, "");
    Ok(())
}

/// `POST /auth/login` with the default cost, and the hash alone, in turns.
pub(crate) fn login(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let seeded = Seeded::start(&[])?;
    // The first sign-in renews the cheap hash of the seed with the cost that is measured.
    seeded.sign_in(USER)?;
    let hash = seeded.runtime.block_on(ceiling::stored_hash(&seeded.database()?, USER.0))?;
    ensure!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "not the default cost: {hash}");
    let span = load::Span { warm_up: Duration::from_millis(500), measured: pace.turn };
    let (mut logins, mut hashes) = (Vec::new(), 0.0);
    for _ in 0..pace.turns {
        hashes += ceiling::hashes(pace.turn)? / f64::from(pace.turns);
        logins.push(seeded.send(sign_ins(), span)?);
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
