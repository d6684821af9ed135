//! A disk that is full: what needs it is refused, nothing is half-written, and with space it goes on.
//!
//! The data folder is a file system of a few megabytes, mounted in a namespace of the server's own (`unshare`), so that
//! nothing is left of it afterwards. Where that is not allowed, the test is skipped by name.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use e2e::calls::{self, Tokens, login, me, quick, refused, sign_in};
use e2e::client::Request;
use e2e::guests;
use e2e::needs::{self, Skip};
use e2e::operator::variant;
use e2e::server::{self, TestServer};

e2e::suite! { a_full_disk_refuses_sign_ins_and_loses_nothing }

/// Mounts the folder `$0` and becomes the program that follows.
const MOUNT: &str = r#"mount -t tmpfs -o size=4m tmpfs "$0" && exec "$@""#;
const ADMIN: (&str, &str) = ("admin@example.com", "Adm1n-password");
/// Requests that are tried while the disk is full.
const TRIES: usize = 5;

/// Runs a program where `folder` is a small file system.
fn confined(unshare: &Path, folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(unshare);
    command.args(["--mount", "--map-root-user", "sh", "-c", MOUNT]).arg(folder).arg(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Sessions and recorded sign-ins in the database, after a check that it is whole; of a copy, because the other side of
/// the namespace can be read but not locked.
async fn rows(data: &Path) -> anyhow::Result<(i64, i64)> {
    let copy = tempfile::tempdir()?;
    for name in ["gatewit.db", "gatewit.db-wal"] {
        std::fs::copy(data.join(name), copy.path().join(name)).with_context(|| name.to_owned())?;
    }
    let mut database = server::open(&copy.path().join("gatewit.db")).await?;
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await?;
    ensure!(whole == "ok", "{whole}");
    let counts = "SELECT (SELECT count(*) FROM directus_sessions), (SELECT count(*) FROM directus_activity)";
    Ok(sqlx::query_as(counts).fetch_one(&mut database).await?)
}

/// Takes all the space there is.
fn fill(file: &Path) -> anyhow::Result<()> {
    let mut filler = std::fs::File::create(file)?;
    while filler.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    Ok(())
}

async fn a_full_disk_refuses_sign_ins_and_loses_nothing() -> anyhow::Result<()> {
    let unshare = needs::program("unshare")?;
    let (data, cache) = (Arc::new(tempfile::tempdir()?), tempfile::tempdir()?);
    let probe = confined(&unshare, data.path(), Path::new("true")).output()?;
    if !probe.status.success() {
        let why = String::from_utf8_lossy(&probe.stderr).trim().to_owned();
        return Err(Skip(format!("no file system of its own can be mounted here: {why}")).into());
    }
    let cache = cache.path().to_str().context("path")?;
    let env = [("ADMIN_EMAIL", ADMIN.0), ("ADMIN_PASSWORD", ADMIN.1), ("GATEWIT_CODE_CACHE", cache)];
    let plain = server::command(data.path(), &quick(&env))?;
    let mut command = confined(&unshare, data.path(), Path::new(plain.get_program()));
    command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let server = TestServer::run(command, data.clone()).await?;
    let inside = PathBuf::from(format!("/proc/{}/root{}", server.id(), data.path().display()));

    let mut client = server.client();
    let held = sign_in(&mut client, ADMIN).await?;
    let before = rows(&inside).await?;
    fill(&inside.join("filler"))?;
    for _ in 0..TRIES {
        refused(&client.send(&login(ADMIN, "json")).await?, 503, "SERVICE_UNAVAILABLE")?;
        refused(&client.send(&calls::refresh(&held.refresh)).await?, 503, "SERVICE_UNAVAILABLE")?;
        let reading = client.send(&me(&held.access)).await?;
        ensure!(reading.status == 200, "reading needs no space: {}", reading.text());
    }
    // Neither is a component taken that could not be kept.
    let local = variant(&std::fs::read(guests::first_party("local")?)?, 1);
    let swap = Request::new("PUT", "/gatewit/components/local").file("application/wasm", &local);
    let swap = swap.header("Authorization", &format!("Bearer {}", held.access));
    refused(&client.send(&swap).await?, 503, "SERVICE_UNAVAILABLE")?;
    let line = server.logged("full").await?;
    ensure!(line.contains("ERROR") || line.contains("WARN"), "{line}");
    ensure!(rows(&inside).await? == before, "{:?} instead of {before:?}", rows(&inside).await?);

    std::fs::remove_file(inside.join("filler"))?;
    sign_in(&mut client, ADMIN).await?;
    let next = Tokens::of(&client.send(&calls::refresh(&held.refresh)).await?)?;
    ensure!(next.refresh != held.refresh, "the token was not exchanged");
    let after = rows(&inside).await?;
    ensure!(after == (before.0 + 2, before.1 + 1), "{after:?} after {before:?}");
    let pong = client.send(&Request::new("GET", "/server/ping")).await?;
    ensure!(pong.text() == "pong");
    Ok(())
}
