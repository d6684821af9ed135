//! The official client of Directus, from its registry, against the server: what its users see.
//!
//! Without Node, npm or a registry the test is skipped by name.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, bail, ensure};
use e2e::needs;
use e2e::server::TestServer;

e2e::suite! { the_official_client_works_in_every_mode }

/// The release that the server's behaviour was measured with.
const VERSION: &str = "26.0.0";
/// Checks in `sdk.mjs`: seven in each of three modes.
const CHECKS: usize = 21;

async fn the_official_client_works_in_every_mode() -> anyhow::Result<()> {
    let node = needs::program("node")?;
    let sdk = needs::packages("npm-sdk", &[("@directus/sdk", VERSION)])?;
    let server = TestServer::seeded(&[("LOGIN_STALL_TIME", "0")]).await?;
    let mut script = Command::new(node);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/sdk.mjs"));
    script.env("SERVER", format!("http://{}", server.address)).env("SDK", &sdk);
    let output = tokio::task::spawn_blocking(move || script.output()).await?.context("running node")?;
    judge(&output)
}

fn judge(output: &Output) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("not ok ")).collect();
    if !failed.is_empty() {
        bail!(failed.join("\n"));
    }
    let passed = text.lines().filter(|line| line.starts_with("ok ")).count();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && passed == CHECKS, "{passed} of {CHECKS} checks ran\n{text}{errors}");
    Ok(())
}
