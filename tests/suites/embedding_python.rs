//! Gatewit in Python: the wheel `gatewit`, installed into a fresh folder, in a program of its own and in the example of `FastAPI`.
//!
//! `embedding_python.py` is the checks. The wheel is built by `cargo just python`; without Python or pip the suite is skipped by
//! name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use e2e::examples;
use e2e::needs;
use e2e::runner::{Part, Test};
use e2e::server::TestServer;
use tempfile::TempDir;

use crate::{embedding_node, sdk};

/// What checks types.
const TYPES: &str = "mypy==2.4.1";

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    vec![
        Test::in_parts("embedding_python", the_package_does_what_it_says),
        Test::in_parts("embedding_python::fastapi", people_sign_in_through_fastapi),
        Test::new("embedding_python::types_are_what_they_should_be", types_are_what_they_should_be),
    ]
}

async fn the_package_does_what_it_says() -> anyhow::Result<Vec<Part>> {
    let (python, folder) = (needs::program("python3")?, installed()?);
    let mut checks = Command::new(python);
    checks.arg(suite("embedding_python.py")).current_dir(folder.path()).env("PYTHONPATH", folder.path().join("site"));
    checks.env("PYTHONDONTWRITEBYTECODE", "1").env("DATA", folder.path()).env("CODE_CACHE", folder.path().join("code"));
    let output = checks.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let child = output.spawn().context("running python3")?;
    sdk::parts(&tokio::task::spawn_blocking(move || child.wait_with_output()).await??)
}

async fn people_sign_in_through_fastapi() -> anyhow::Result<Vec<Part>> {
    let (python, folder) = (needs::program("python3")?, installed()?);
    let example = examples::root().join("examples/embedding/fastapi");
    let wanted = std::fs::read_to_string(example.join("requirements.txt"))?;
    let framework = needs::python("python-embedding", &wanted.lines().collect::<Vec<_>>())?;
    std::fs::copy(example.join("app.py"), folder.path().join("app.py"))?;
    let mut program = Command::new(python);
    embedding_node::settings(program.arg("app.py"), folder.path())?;
    program.env("PYTHONPATH", std::env::join_paths([folder.path().join("site"), framework])?);
    let server = TestServer::run(program, Arc::new(folder)).await?;
    embedding_node::signs_in(&server, "fastapi").await
}

async fn types_are_what_they_should_be() -> anyhow::Result<()> {
    let (python, folder) = (needs::program("python3")?, installed()?);
    let tools = needs::python("python-types", &[TYPES])?;
    let mut check = Command::new(python);
    check.args(["-m", "mypy", "--strict", "--no-incremental", "--cache-dir", "/dev/null"]);
    check.arg(suite("embedding_python/typed.py")).current_dir(folder.path());
    check.env("PYTHONPATH", tools).env("MYPYPATH", folder.path().join("site"));
    let output = check.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

/// A fresh folder with the wheel installed in `site`, as `cargo just python` builds it.
fn installed() -> anyhow::Result<TempDir> {
    let named = std::env::var_os("GATEWIT_PYTHON_PACKAGE").map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join("python"));
    let folder = tempfile::tempdir()?;
    let wheel = named.or_else(beside).context("no path of this test binary")?;
    needs::install_wheel(&wheel, &folder.path().join("site"))?;
    Ok(folder)
}

fn suite(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("suites").join(name)
}
