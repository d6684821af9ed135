//! Sign-in at a provider: what it costs beside the network, and what it costs others while a provider is slow.

use std::time::{Duration, Instant};

use anyhow::ensure;
use e2e::browser::{Browser, Landing, PUBLIC_URL};
use e2e::client::{Client, Request};
use e2e::provider::{CLIENT_ID, CLIENT_SECRET, Fault, Provider};
use futures_util::future::try_join_all;

use crate::Pace;
use crate::process::Served as _;
use crate::seeded::{CHEAP, Seeded, USER, credentials, folder, megabytes};
use crate::table::Table;

/// The provider's name.
const NAME: &str = "op";
/// Sign-ins before those that count: documents and keys are in the cache then.
const WARM: usize = 20;
/// Sign-ins that count.
const SIGN_INS: usize = 300;
/// Browsers that sign in at the same time, for the second figure.
const TOGETHER: usize = 10;
/// Browsers that wait for a slow provider.
const WAITING: usize = 200;
/// How slow it is when they are looked at.
const SLOW: Duration = Duration::from_secs(2);
/// Sign-ins with a password, of which the median counts.
const PASSWORDS: usize = 101;

pub(crate) fn measure(_: Pace, table: &mut Table) -> anyhow::Result<()> {
    // The provider lives in a runtime of its own, beside the clients.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let provider = runtime.block_on(Provider::start())?;
    let mut env = CHEAP.to_vec();
    env.extend([
        ("PUBLIC_URL", PUBLIC_URL),
        ("AUTH_PROVIDERS", NAME),
        ("AUTH_OP_DRIVER", "openid"),
        ("AUTH_OP_ISSUER_URL", provider.url.as_str()),
        ("AUTH_OP_CLIENT_ID", CLIENT_ID),
        ("AUTH_OP_CLIENT_SECRET", CLIENT_SECRET),
        ("AUTH_OP_ALLOW_PUBLIC_REGISTRATION", "true"),
    ]);
    // The first start compiles the components, and keeps the memory that this took.
    let cache = folder()?;
    let cache_path = cache.path().display().to_string();
    env.push(("GATEWIT_CODE_CACHE", &cache_path));
    drop(Seeded::start(&env)?);
    let seeded = Seeded::start(&env)?;
    let idle = seeded.server.proportional()?;
    runtime.block_on(sign_ins(&seeded, &provider, WARM))?;
    for together in [1, TOGETHER] {
        let before = seeded.server.processor_time()?;
        let started = Instant::now();
        runtime.block_on(side_by_side(&seeded, &provider, together))?;
        let used = seeded.server.processor_time()?.saturating_sub(before) / u32::try_from(SIGN_INS)?;
        let rate = f64::from(u32::try_from(SIGN_INS)?) / started.elapsed().as_secs_f64();
        table.add(
            "single sign-on: processor time of one, both ways, all sandboxes and four requests of browser and driver",
            format!("{:.2} ms ({rate:.0}/s, {together} at a time)", used.as_secs_f64() * 1e3),
            Some(("< 2 ms", used < Duration::from_millis(2))),
            "",
        );
    }
    let alone = runtime.block_on(passwords(&seeded))?;
    let waiting = runtime.block_on(wait(&seeded, &provider))?;
    table.add(
        "single sign-on: 200 wait for a provider that does not answer, memory (proportional set)",
        megabytes(waiting.memory),
        Some(("< 100 MB", waiting.memory < 100_000_000)),
        format!(
            "idle: {}; resident set, shared pages counted for each sandbox: {}",
            megabytes(idle),
            megabytes(waiting.resident)
        ),
    );
    table.add(
        "single sign-on: sign-in with a password meanwhile, p50",
        format!("{:.2} ms", waiting.password.as_secs_f64() * 1e3),
        None,
        format!("with nobody waiting: {:.2} ms", alone.as_secs_f64() * 1e3),
    );
    Ok(())
}

/// All that count, by several browsers.
async fn side_by_side(seeded: &Seeded, provider: &Provider, browsers: usize) -> anyhow::Result<()> {
    let each = (0..browsers).map(|_| sign_ins(seeded, provider, SIGN_INS / browsers));
    try_join_all(each).await.map(drop)
}

async fn sign_ins(seeded: &Seeded, provider: &Provider, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        let landing = Browser::at(seeded.server.address).sign_in(provider, NAME).await?;
        ensure!(landing == Landing::good(), "{landing:?}");
    }
    Ok(())
}

/// The median of sign-ins with a password, one after another.
async fn passwords(seeded: &Seeded) -> anyhow::Result<Duration> {
    let mut client = Client::new(seeded.server.address);
    let request = Request::new("POST", "/auth/login").json(&credentials(USER));
    let mut times = Vec::new();
    for _ in 0..PASSWORDS {
        let answer = client.send(&request).await?;
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        times.push(answer.elapsed);
    }
    times.sort_unstable();
    Ok(times[PASSWORDS / 2])
}

struct Waiting {
    memory: u64,
    resident: u64,
    password: Duration,
}

async fn wait(seeded: &Seeded, provider: &Provider) -> anyhow::Result<Waiting> {
    let mut away = Vec::new();
    for _ in 0..WAITING {
        let mut browser = Browser::at(seeded.server.address);
        let back = browser.leave(provider, NAME).await?.map_err(|landing| anyhow::anyhow!("{landing:?}"))?;
        away.push((browser, back));
    }
    provider.script(|script| drop(script.faults.insert("token", Fault::Hang)));
    let tasks: Vec<_> =
        away.into_iter().map(|(mut browser, back)| tokio::spawn(async move { browser.arrive(&back).await })).collect();
    tokio::time::sleep(SLOW).await;
    let (memory, resident) = (seeded.server.proportional()?, seeded.server.resident()?);
    let password = passwords(seeded).await?;
    ensure!(tasks.iter().all(|task| !task.is_finished()), "somebody does not wait");
    for task in tasks {
        task.abort();
    }
    Ok(Waiting { memory, resident, password })
}
