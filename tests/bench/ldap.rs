//! Sign-in at a directory: what it costs beside the directory's own time, and what one that waits holds.

use std::time::{Duration, Instant};

use anyhow::ensure;
use e2e::client::{Client, Request};
use e2e::directory::{Conduct, Directory, PERSON, SERVICE, Stage};
use futures_util::future::try_join_all;
use serde_json::json;

use crate::Pace;
use crate::process::Served as _;
use crate::seeded::{CHEAP, Seeded, folder, megabytes};
use crate::table::Table;

/// Sign-ins before those that count.
const WARM: usize = 20;
/// Sign-ins that count.
const SIGN_INS: usize = 300;
/// People who sign in at the same time, for the second figure.
const TOGETHER: usize = 10;
/// Sign-ins that wait for a directory that does not answer.
const WAITING: u32 = 50;
/// How slow it is when they are looked at.
const SLOW: Duration = Duration::from_secs(2);
/// What one of them may hold.
const SANDBOX_BYTES: u64 = 16 << 20;

pub(crate) fn measure(_: Pace, table: &mut Table) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let good = Directory::start(None)?;
    let hangs = Directory::start(Some((Stage::Search, Conduct::Hang)))?;
    let (good_url, hangs_url) = (format!("ldap://127.0.0.1:{}", good.port), format!("ldap://127.0.0.1:{}", hangs.port));
    let cache = folder()?;
    let cache_path = cache.path().display().to_string();
    let mut env = CHEAP.to_vec();
    env.extend([
        ("AUTH_PROVIDERS", "good,hangs"),
        ("AUTH_GOOD_CLIENT_URL", good_url.as_str()),
        ("AUTH_HANGS_CLIENT_URL", hangs_url.as_str()),
        ("AUTH_GOOD_GROUP_DN", "ou=people"),
        ("GATEWIT_CODE_CACHE", cache_path.as_str()),
    ]);
    for [driver, bind, password, base] in [
        ["AUTH_GOOD_DRIVER", "AUTH_GOOD_BIND_DN", "AUTH_GOOD_BIND_PASSWORD", "AUTH_GOOD_USER_DN"],
        ["AUTH_HANGS_DRIVER", "AUTH_HANGS_BIND_DN", "AUTH_HANGS_BIND_PASSWORD", "AUTH_HANGS_USER_DN"],
    ] {
        env.extend([(driver, "ldap"), (bind, SERVICE.0), (password, SERVICE.1), (base, "ou=people")]);
    }
    // The first start compiles the components, and keeps the memory that this took.
    drop(Seeded::start(&env)?);
    let seeded = Seeded::start(&env)?;
    runtime.block_on(sign_ins(&seeded, WARM))?;
    for together in [1, TOGETHER] {
        let before = seeded.server.processor_time()?;
        let started = Instant::now();
        let each = (0..together).map(|_| sign_ins(&seeded, SIGN_INS / together));
        runtime.block_on(try_join_all(each))?;
        let used = seeded.server.processor_time()?.saturating_sub(before) / u32::try_from(SIGN_INS)?;
        let rate = f64::from(u32::try_from(SIGN_INS)?) / started.elapsed().as_secs_f64();
        table.add(
            "directory: processor time of one sign-in, with groups: three binds, two searches",
            format!("{:.2} ms ({rate:.0}/s, {together} at a time)", used.as_secs_f64() * 1e3),
            Some(("< 2 ms", used < Duration::from_millis(2))),
            "",
        );
    }
    let idle = seeded.server.proportional()?;
    let waiting = runtime.block_on(wait(&seeded))?;
    let each = waiting.saturating_sub(idle) / u64::from(WAITING);
    table.add(
        "directory: memory of one sign-in that waits (proportional set, its two sandboxes)",
        megabytes(each),
        Some(("< 16 MB", each < SANDBOX_BYTES)),
        format!("{WAITING} of them"),
    );
    Ok(())
}

fn login(provider: &str) -> Request {
    let body = json!({"identifier": PERSON.1, "password": PERSON.2});
    Request::new("POST", &format!("/auth/login/{provider}")).json(&body)
}

async fn sign_ins(seeded: &Seeded, count: usize) -> anyhow::Result<()> {
    let (mut client, request) = (Client::new(seeded.server.address), login("good"));
    for _ in 0..count {
        let answer = client.send(&request).await?;
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    }
    Ok(())
}

/// The memory while sign-ins wait.
async fn wait(seeded: &Seeded) -> anyhow::Result<u64> {
    let address = seeded.server.address;
    let one = || tokio::spawn(async move { Client::new(address).send(&login("hangs")).await });
    let tasks: Vec<_> = (0..WAITING).map(|_| one()).collect();
    tokio::time::sleep(SLOW).await;
    let memory = seeded.server.proportional()?;
    ensure!(tasks.iter().all(|task| !task.is_finished()), "somebody does not wait");
    for task in tasks {
        task.abort();
    }
    Ok(memory)
}
