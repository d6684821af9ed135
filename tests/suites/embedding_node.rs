//! Gatewit in Node: the npm package `gatewit-node`, installed into a fresh folder, in programs of its own and in the examples of
//! Express and Fastify.
//!
//! `embedding_node.mjs` and the files beside it are the checks. The package is laid out by `cargo just node`; without Node or
//! npm the suite is skipped by name.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use e2e::calls::quick;
use e2e::client::Request;
use e2e::needs::{self, Skip};
use e2e::runner::{Part, Test};
use e2e::server::{self, TestServer};
use e2e::{calls, examples};
use serde_json::json;
use tempfile::TempDir;

use crate::sdk;

const EXPRESS: (&str, &str) = ("express", "5.3.0");

const FASTIFY: (&str, &str) = ("fastify", "5.12.8");

/// What checks types, and what they are made of.
const TYPES: [(&str, &str); 2] = [("typescript", "5.9.3"), ("@types/node", "20.19.0")];

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    vec![
        Test::in_parts("embedding_node", the_package_does_what_it_says),
        Test::in_parts("embedding_node::express", people_sign_in_through_express),
        Test::in_parts("embedding_node::fastify", people_sign_in_through_fastify),
        Test::new("embedding_node::types_are_what_they_should_be", types_are_what_they_should_be),
        Test::new("embedding_node::examples_name_tested_versions", examples_name_tested_versions),
    ]
}

async fn the_package_does_what_it_says() -> anyhow::Result<Vec<Part>> {
    let (node, folder) = (needs::program("node")?, installed()?);
    let mut checks = Command::new(node);
    checks.arg(suite("embedding_node.mjs")).current_dir(folder.path()).env("DATA", folder.path());
    checks.env("CODE_CACHE", folder.path().join("code"));
    let output = checks.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let child = output.spawn().context("running node")?;
    sdk::parts(&tokio::task::spawn_blocking(move || child.wait_with_output()).await??)
}

async fn people_sign_in_through_express() -> anyhow::Result<Vec<Part>> {
    through("express", EXPRESS).await
}

async fn people_sign_in_through_fastify() -> anyhow::Result<Vec<Part>> {
    through("fastify", FASTIFY).await
}

/// Runs an example, looks at its own routes, and signs in with the official client.
async fn through(name: &str, framework: (&str, &str)) -> anyhow::Result<Vec<Part>> {
    let node = needs::program("node")?;
    let frameworks = needs::packages("npm-embedding", &[EXPRESS, FASTIFY])?;
    let folder = installed()?;
    std::fs::copy(source(name).join("app.js"), folder.path().join("app.js"))?;
    std::fs::write(folder.path().join("package.json"), "{\"private\": true, \"type\": \"module\"}\n")?;
    link_all(&frameworks.join("node_modules"), &folder.path().join("node_modules"))
        .with_context(|| framework.0.to_owned())?;

    let mut program = Command::new(node);
    settings(program.arg("app.js"), folder.path())?;
    let server = TestServer::run(program, Arc::new(folder)).await?;
    signs_in(&server, name).await
}

/// An application with Gatewit in it, whatever it is made of: looks at its own routes, and signs in with the official client.
pub(crate) async fn signs_in(server: &TestServer, name: &str) -> anyhow::Result<Vec<Part>> {
    server::seed(&server::database(&server.data.path().join("data"))?).await?;
    own_routes(server).await?;
    client_signs_in(server, name).await
}

/// Every way to sign in with the official client.
pub(crate) async fn client_signs_in(server: &TestServer, name: &str) -> anyhow::Result<Vec<Part>> {
    let client = needs::packages("npm-sdk", &[("@directus/sdk", sdk::VERSION)])?;
    let mut script = Command::new(needs::program("node")?);
    script.arg(suite("sdk_sign_in.mjs")).env("SERVER", format!("http://{}", server.address)).env("SDK", &client);
    script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = script.spawn().context("running node")?;
    let output: Output = tokio::task::spawn_blocking(move || child.wait_with_output()).await??;
    let mut parts = sdk::parts(&output)?;
    for part in &mut parts {
        part.name = format!("{} in {name}", part.name);
    }
    Ok(parts)
}

/// The settings of such an application, with its data in `data` below its folder.
pub(crate) fn settings(program: &mut Command, folder: &Path) -> anyhow::Result<()> {
    // An application hands its environment over, and what is there for the tests is no setting.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GATEWIT_")) {
        program.env_remove(name);
    }
    program.current_dir(folder).env("PORT", "0").env("GATEWIT_DATA", folder.join("data"));
    program.env("SECRET", server::SECRET).envs(quick(&[("AUTH_PROVIDERS", "staff"), ("AUTH_STAFF_DRIVER", "local")]));
    program.env("GATEWIT_CODE_CACHE", std::env::current_exe()?.with_file_name("gatewit-tests-code-cache"));
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(())
}

/// What is the application's stays the application's, and knows who asks.
async fn own_routes(server: &TestServer) -> anyhow::Result<()> {
    let mut client = server.client();
    let own = client.send(&Request::new("GET", "/")).await?;
    ensure!((own.status, own.text().as_str()) == (200, "Hello from the application"), "{own:?}");
    let nobody = client.send(&Request::new("GET", "/notes")).await?;
    ensure!(nobody.status == 401 && nobody.json()?["code"] == "INVALID_CREDENTIALS", "{nobody:?}");
    let signed_in = calls::sign_in(&mut client, ("user@example.com", "User-password1")).await?;
    let authorization = format!("Bearer {}", signed_in.access);
    let note = Request::new("POST", "/notes").json(&json!({"text": "a note"})).header("Authorization", &authorization);
    let written = client.send(&note).await?;
    ensure!(written.status == 201, "{written:?}");
    let notes = client.send(&Request::new("GET", "/notes").header("Authorization", &authorization)).await?;
    ensure!(notes.status == 200 && notes.json()? == json!(["a note"]), "{notes:?}");
    Ok(())
}

async fn types_are_what_they_should_be() -> anyhow::Result<()> {
    let (node, folder) = (needs::program("node")?, installed()?);
    let tools = needs::packages("npm-types", &TYPES)?.join("node_modules");
    link_all(&tools, &folder.path().join("node_modules"))?;
    std::fs::copy(suite("embedding_node/types.ts"), folder.path().join("types.mts"))?;
    let mut check = Command::new(node);
    check.arg(tools.join("typescript/bin/tsc")).args(["--noEmit", "--strict", "--module", "nodenext"]);
    check.args(["--target", "es2022", "--types", "node", "types.mts"]);
    let output = check.current_dir(folder.path()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

async fn examples_name_tested_versions() -> anyhow::Result<()> {
    for (name, version) in [EXPRESS, FASTIFY] {
        let manifest = std::fs::read_to_string(source(name).join("package.json"))?;
        ensure!(manifest.contains(&format!("\"{name}\": \"{version}\"")), "{name} {version}: {manifest}");
    }
    Ok(())
}

/// A fresh folder with the package, packed and installed by npm as from its registry.
fn installed() -> anyhow::Result<TempDir> {
    let npm = needs::program("npm")?;
    let package = package()?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("package.json"), "{\"private\": true}\n")?;
    let run = |command: &mut Command| {
        let output = command.current_dir(folder.path()).output()?;
        ensure!(output.status.success(), "npm: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output)
    };
    let packed = run(Command::new(&npm).args(["pack", "--silent"]).arg(&package))?;
    let packed = String::from_utf8(packed.stdout)?;
    let file = packed.lines().last().context("npm packed nothing")?.trim().to_owned();
    run(Command::new(&npm).args(["install", "--offline", "--no-audit", "--no-fund"]).arg(format!("./{file}")))?;
    Ok(folder)
}

/// The package as `cargo just node` lays it out.
fn package() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("GATEWIT_NODE_PACKAGE").map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join("node"));
    let folder = named.or_else(beside).context("no path of this test binary")?;
    if folder.join("gatewit.node").is_file() {
        return Ok(folder);
    }
    Err(Skip(format!("{} is missing: lay it out with `cargo just node`", folder.display())).into())
}

/// Puts what is installed in one folder of packages beside what is in another.
fn link_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in from.read_dir()? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if !place.exists() && !entry.file_name().to_string_lossy().starts_with('.') {
            std::os::unix::fs::symlink(entry.path(), place)?;
        }
    }
    Ok(())
}

fn suite(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("suites").join(name)
}

fn source(name: &str) -> PathBuf {
    examples::root().join("examples/embedding").join(name)
}
