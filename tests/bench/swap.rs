//! Components that are swapped under load, and a driver that means harm: what others notice of it.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::client::{Client, Request};
use e2e::operator::variant;
use e2e::{examples, guests};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Pace;
use crate::load::{self, Exchange, Load, Span};
use crate::process::Served as _;
use crate::seeded::{ADMIN, CHEAP, CONNECTIONS, Seeded, USER, credentials, folder, latency, rate, same, sign_ins};
use crate::table::Table;

/// Swaps of a whole run; a quick one has a tenth.
const SWAPS: usize = 200;
/// Between two swaps. Two hundred of them take as long as the requests.
const BETWEEN: Duration = Duration::from_millis(100);
/// Requests that have to be answered while that goes on.
const REQUESTS: usize = 100_000;
/// How much longer they may take than without swaps.
const SLOWER: f64 = 1.4;
/// How long a component may take to be published: one with an interpreter, compiled beside everything else.
const PUBLISHED: Duration = Duration::from_mins(5);
/// What the hostile driver is asked to do, by as many people at the same time, and in how many turns.
const HOSTILE: [&str; 5] = ["spin", "hoard", "flood", "connect", "trap"];
const HOSTILE_TURNS: usize = 3;
/// How long each of them rests after an answer: it is the driver that means harm, and not people.
const REST: Duration = Duration::from_millis(100);

/// A server that takes its components from a folder, and the folder.
struct Stage {
    seeded: Seeded,
    components: TempDir,
}

impl Stage {
    fn start(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let components = folder()?;
        let path = components.path().to_str().context("path")?.to_owned();
        let own =
            [("GATEWIT_COMPONENTS", path.as_str()), ("GATEWIT_REQUIRE_SIGNED", "false"), ("LOGIN_STALL_TIME", "0")];
        let env: Vec<_> = CHEAP.into_iter().chain(own).chain(more.iter().copied()).collect();
        Ok(Self { seeded: Seeded::start(&env)?, components })
    }

    /// Sign-ins, refreshes and reads, a third of the connections each.
    fn mixed(&self, span: Span) -> anyhow::Result<Load> {
        let third = CONNECTIONS / 3;
        let grant = self.seeded.sign_in(USER)?;
        let token = grant["access_token"].as_str().context("no access_token")?;
        let login = load::json_request("/auth/login", &credentials(USER).to_string());
        let mut exchanges: Vec<Box<dyn Exchange>> = self.seeded.refreshes()?.into_iter().take(third).collect();
        exchanges.extend(same(&load::get_request("/users/me", Some(token)), "\"id\":\"", third));
        exchanges.extend(same(&login, "refresh_token", third));
        self.seeded.send(exchanges, span)
    }
}

/// Puts a component where it is served from, in one step.
fn put(components: &Path, name: &str, wasm: &[u8]) -> anyhow::Result<()> {
    let draft = components.join(format!("{name}.new"));
    std::fs::write(&draft, wasm)?;
    Ok(std::fs::rename(draft, components.join(format!("{name}.wasm")))?)
}

/// What an administrator sees of a component, asked again and again until it is what was put there.
async fn served(client: &mut Client, token: &str, name: &str, before: &str) -> anyhow::Result<String> {
    let request = Request::new("GET", &format!("/gatewit/components/{name}"));
    let request = request.header("Authorization", &format!("Bearer {token}"));
    let begun = Instant::now();
    loop {
        let component = client.send(&request).await?.json()?;
        let digest = component["data"]["current"]["digest"].as_str().unwrap_or_default();
        if digest != before {
            return Ok(digest.to_owned());
        }
        ensure!(begun.elapsed() < PUBLISHED, "{name} was not swapped: {component}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) fn measure(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let stage = Stage::start(&[])?;
    let quick = pace.load.measured < Duration::from_secs(5);
    let swaps = if quick { SWAPS / 10 } else { SWAPS };
    time(&stage, table)?;
    // As long as the swaps take, and the requests.
    let calm = stage.mixed(Span { measured: pace.load.measured * 2, ..pace.load })?;
    let needed = Duration::from_secs_f64(SLOWER * f64::from(u32::try_from(REQUESTS)?) / calm.rate());
    let measured = if quick { BETWEEN * u32::try_from(swaps)? } else { needed.max(BETWEEN * u32::try_from(swaps)?) };
    let (stop, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let between = measured / u32::try_from(swaps)?;
    let swapped = std::thread::scope(|scope| {
        let swapping = scope.spawn(|| swap(stage.components.path(), between, &stop, &made));
        let load = stage.mixed(Span { measured, ..pace.load });
        stop.store(true, Ordering::Relaxed);
        swapping.join().ok().context("swapping panicked")??;
        load
    })?;
    let made = made.load(Ordering::Relaxed);
    let what = format!("sign-ins, refreshes and reads while components are swapped {made} times, none failed");
    let enough = (!quick).then_some(("100000 answers", swapped.answers >= REQUESTS));
    table.add(&what, format!("{} answers, {}", swapped.answers, rate(&swapped)), enough, rate(&calm));
    slower(table, "p99 with swaps, as a multiple of that without", (&swapped, &calm), "");
    Ok(())
}

/// A driver with an interpreter in it, 19 MB, published while people sign in.
pub(crate) fn publish(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let name = "a driver in Python published meanwhile: p99 of sign-ins, as a multiple of that without";
    let wasm = match examples::python() {
        Ok(file) => std::fs::read(file)?,
        Err(error) => {
            table.add(name, format!("absent: {error:#}"), None, "");
            return Ok(());
        }
    };
    let stage = Stage::start(&[])?;
    let sign_ins = || stage.seeded.send(sign_ins(), pace.load);
    let grant = stage.seeded.sign_in(ADMIN)?;
    let token = grant["access_token"].as_str().context("no access_token")?;
    let mut client = Client::new(stage.seeded.server.address());
    let mut now = || stage.seeded.runtime.block_on(first(&mut client, token, "basic"));
    let mut calm = sign_ins()?;
    let begun = Instant::now();
    put(stage.components.path(), "basic", &wasm)?;
    let mut beside = sign_ins()?;
    while now()?.is_empty() {
        ensure!(begun.elapsed() < PUBLISHED, "the driver was not published");
        beside = beside.and(sign_ins()?);
    }
    let took = begun.elapsed().as_secs_f64();
    calm = calm.and(sign_ins()?);
    slower(table, name, (&beside, &calm), &format!("; it was served after {took:.0} s at most"));
    Ok(())
}

/// Adds by how much a load is slower at its 99th percentile than a calm one, and what else is to be said of it.
fn slower(table: &mut Table, what: &str, (load, calm): (&Load, &Load), besides: &str) {
    let ratio = load.quantile(0.99) / calm.quantile(0.99);
    table.add(
        what,
        format!("{ratio:.2} ({}){besides}", latency(load)),
        Some(("≤ 1.2", ratio <= 1.2)),
        format!("without: {}", latency(calm)),
    );
}

/// Swaps the rules and a driver in turns until it is told to stop.
fn swap(components: &Path, between: Duration, stop: &AtomicBool, made: &AtomicUsize) -> anyhow::Result<()> {
    let files = [std::fs::read(guests::first_party("local")?)?, std::fs::read(guests::first_party("auth")?)?];
    while !stop.load(Ordering::Relaxed) {
        let count = made.fetch_add(1, Ordering::Relaxed);
        let name = if count.is_multiple_of(2) { "local" } else { "auth" };
        // Two of each, so that their code is in the cache.
        put(components, name, &variant(&files[count % 2], u8::from(count % 4 < 2)))?;
        std::thread::sleep(between);
    }
    Ok(())
}

/// From the file to the first request that sees it, without other load.
fn time(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let grant = stage.seeded.sign_in(ADMIN)?;
    let token = grant["access_token"].as_str().context("no access_token")?;
    let mut client = Client::new(stage.seeded.server.address());
    // What is promised of swaps is promised of drivers; the rules are three times as large.
    for (name, promised) in [("openid", true), ("auth", false)] {
        let wasm = std::fs::read(guests::first_party(name)?)?;
        let (mut digest, mut times) = (String::new(), Vec::new());
        for mark in [0, 1, 0, 1, 0, 1, 0] {
            let begun = Instant::now();
            put(stage.components.path(), name, &variant(&wasm, mark))?;
            digest = stage.seeded.runtime.block_on(async {
                let before = if digest.is_empty() { first(&mut client, token, name).await? } else { digest.clone() };
                served(&mut client, token, name, &before).await
            })?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let cold = times[0].max(times[1]);
        let mut cached = times.split_off(2);
        cached.sort_by(f64::total_cmp);
        let median = cached[cached.len() / 2];
        table.add(
            &format!("a swap of {name}, {} kB, from its file to being served, code in the cache", wasm.len() / 1000),
            format!("{median:.0} ms"),
            promised.then_some(("< 50 ms", median < 50.0)),
            "20 ms of it: a file has to be quiet",
        );
        table.add(
            &format!("a swap of {name}, not in the cache"),
            format!("{cold:.0} ms"),
            promised.then_some(("< 1 s", cold < 1e3)),
            "",
        );
    }
    Ok(())
}

/// What serves before the first swap; nothing for a driver that nobody uses.
async fn first(client: &mut Client, token: &str, name: &str) -> anyhow::Result<String> {
    let request = Request::new("GET", &format!("/gatewit/components/{name}"));
    let request = request.header("Authorization", &format!("Bearer {token}"));
    let component: Value = client.send(&request).await?.json()?;
    Ok(component["data"]["current"]["digest"].as_str().unwrap_or_default().to_owned())
}

/// Sign-ins with passwords, in turns by themselves and beside a driver that loops, hoards memory, floods the log and opens ten thousand
/// connections.
pub(crate) fn hostile(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let stage = Stage::start(&[("AUTH_PROVIDERS", "rogue"), ("AUTH_ROGUE_DRIVER", "rogue"), ("AUTH_ROGUE_URL", &url)])?;
    put(stage.components.path(), "rogue", &std::fs::read(guests::file("rogue")?)?)?;
    let sign_ins = || stage.seeded.send(sign_ins(), pace.load);
    let (mut calm, mut troubled) = (sign_ins()?, beside_hostile(&stage, &port, sign_ins)?);
    for _ in 1..HOSTILE_TURNS {
        calm = calm.and(sign_ins()?);
        troubled = troubled.and(beside_hostile(&stage, &port, sign_ins)?);
    }
    let what = "p99 of sign-ins beside a hostile driver, as a multiple of that without";
    slower(table, what, (&troubled, &calm), "");
    Ok(())
}

/// Runs a load while the hostile driver is asked.
fn beside_hostile(stage: &Stage, port: &str, load: impl FnOnce() -> anyhow::Result<Load>) -> anyhow::Result<Load> {
    let (stop, address) = (&AtomicBool::new(false), stage.seeded.server.address());
    std::thread::scope(|scope| {
        for what in HOSTILE {
            scope.spawn(move || -> anyhow::Result<()> {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let request = Request::new("POST", "/auth/login/rogue").json(&json!({"what": what, "value": port}));
                runtime.block_on(async {
                    let mut client = Client::new(address);
                    while !stop.load(Ordering::Relaxed) {
                        client.send(&request).await?;
                        tokio::time::sleep(REST).await;
                    }
                    Ok(())
                })
            });
        }
        let loaded = load();
        stop.store(true, Ordering::Relaxed);
        loaded
    })
}
