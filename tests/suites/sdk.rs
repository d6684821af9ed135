//! The official client of Directus, from its registry, against the server: what its users see.
//!
//! It is installed once, into a cache folder outside the checkout: `GATEWIT_CACHE`, else `gatewit` in the user's cache
//! folder. Without Node, npm or a registry the test is skipped by name.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail, ensure};
use e2e::needs::{self, Skip};
use e2e::server::TestServer;

e2e::suite! { the_official_client_works_in_every_mode }

/// The release that the server's behaviour was measured with.
const VERSION: &str = "26.0.0";
/// Checks in `sdk.mjs`: seven in each of three modes.
const CHECKS: usize = 21;

async fn the_official_client_works_in_every_mode() -> anyhow::Result<()> {
    let (node, npm) = (needs::program("node")?, needs::program("npm")?);
    let sdk = install(&npm)?;
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

/// The folder the client is installed in; installs it if it is not there in the right version.
fn install(npm: &Path) -> anyhow::Result<PathBuf> {
    let folder = cache()?.join("npm-sdk");
    let manifest = folder.join("node_modules/@directus/sdk/package.json");
    let wanted = |text: String| text.contains(&format!("\"version\": \"{VERSION}\""));
    if std::fs::read_to_string(&manifest).is_ok_and(wanted) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    std::fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
    let mut install = Command::new(npm);
    install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]);
    let output = install.arg(format!("@directus/sdk@{VERSION}")).current_dir(&folder).output()?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let why =
            errors.lines().find(|line| line.contains("error") || line.contains("ERR")).unwrap_or("no reason given");
        return Err(Skip(format!("npm could not install @directus/sdk {VERSION}: {why}")).into());
    }
    Ok(folder)
}

fn cache() -> Result<PathBuf, Skip> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = variable("GATEWIT_CACHE");
    let users = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let folder = own.or_else(|| Some(users()?.join("gatewit")));
    folder.ok_or_else(|| Skip("no cache folder: set GATEWIT_CACHE".into()))
}
