//! What the sandbox costs, in this process: no HTTP, no SQL, no hash.

use std::time::Duration;

use e2e::server::SECRET;
use e2e::tokens::{self, Algorithm};
use gatewit_host::config::Sources;
use gatewit_host::measure::Sandboxed;
use gatewit_host::{Config, Gatewit};
use serde_json::json;

use crate::load::quantile;
use crate::table::Table;
use crate::{Pace, process};

/// Calls before those that count.
const WARM_UP: usize = 500;

pub(crate) fn measure(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(pace, table))
}

async fn run(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let data = tempfile::tempdir_in(process::folder()?)?;
    let environment =
        vec![("GATEWIT_DATA".to_owned(), data.path().display().to_string()), ("SECRET".to_owned(), SECRET.to_owned())];
    let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() })?;
    let gatewit = Gatewit::start(config).await?;
    let claims = json!({
        "id": "850106de-8796-48c0-90f0-bb78f04dfc8a", "role": "3b59bf5a-82a4-4f92-8c50-1ef9965795aa",
        "app_access": false, "admin_access": false, "iat": 1, "exp": 901, "iss": "directus",
    });
    let token = tokens::forge(Algorithm::HS256, Algorithm::HS256, SECRET, &claims);
    let empty = times(&gatewit, Sandboxed::Nothing, pace.calls).await?;
    let rules = times(&gatewit, Sandboxed::Expired(&token), pace.calls).await?;
    let driver = times(&gatewit, Sandboxed::SignIn, pace.calls).await?;
    let floor = format!("opened and dropped unused: {}", micros(&empty, 0.5));
    table.add(
        "sandbox: auth, p50 (verifies a token and reads it, which has expired)",
        micros(&rules, 0.5),
        Some(("< 45 µs", quantile(&rules, 0.5) < Some(Duration::from_micros(45)))),
        &*floor,
    );
    table.add("sandbox: auth, p99", micros(&rules, 0.99), None, micros(&empty, 0.99));
    table.add(
        "sandbox: auth and driver, p50 (a sign-in that the driver refuses at once)",
        micros(&driver, 0.5),
        Some(("< 90 µs", quantile(&driver, 0.5) < Some(Duration::from_micros(90)))),
        format!("twice the empty one: {:.1} µs", 2e6 * quantile(&empty, 0.5).unwrap_or_default().as_secs_f64()),
    );
    table.add("sandbox: auth and driver, p99", micros(&driver, 0.99), None, "");
    gatewit.close().await;
    Ok(())
}

/// Sorted times.
async fn times(gatewit: &Gatewit, what: Sandboxed<'_>, calls: usize) -> anyhow::Result<Vec<Duration>> {
    gatewit.measure(what, WARM_UP).await.map_err(anyhow::Error::msg)?;
    let mut times = gatewit.measure(what, calls).await.map_err(anyhow::Error::msg)?;
    times.sort_unstable();
    Ok(times)
}

fn micros(sorted: &[Duration], part: f64) -> String {
    format!("{:.1} µs", quantile(sorted, part).unwrap_or_default().as_secs_f64() * 1e6)
}
