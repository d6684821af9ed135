//! The components on runtimes that are not ours: `examples/runtimes`, where a program in Node (by `jco`) and one in Python (by
//! its package `wasmtime`) are hosts of the rules and of the driver `local`, in memory, and sign somebody in.
//!
//! So whatever a component needs is in `wit/`, and nothing of it is a peculiarity of our host. Without Node, Python or
//! their registries it is skipped by name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use e2e::client::{Client, Request, Response};
use e2e::needs::{self, Skip};
use e2e::server::{SECRET, TestServer};
use e2e::{examples, guests, tokens};
use serde_json::{Value, json};
use tempfile::TempDir;

e2e::suite! {
    people_sign_in_by_the_components_in_node,
    people_sign_in_by_the_components_in_python,
    hosts_are_short,
}

const EMAIL: &str = "ann@example.com";

const PASSWORD: &str = "Ann-password1";

/// What `jco` and its JavaScript ask for.
const OLDEST_NODE: u32 = 20;

/// Most lines of code of a host, without its face over HTTP: what can be read in one go is what others can write.
const MOST_LINES: usize = 300;

async fn people_sign_in_by_the_components_in_node() -> anyhow::Result<()> {
    let node = needs::program("node")?;
    let version = String::from_utf8(Command::new(&node).arg("--version").output()?.stdout)?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        return Err(Skip(format!("Node {} is too old for jco", version.trim())).into());
    }
    let folder = copy("node")?;
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(folder.path().join("package.json"))?)?;
    let wanted = manifest["dependencies"].as_object().context("no dependencies")?;
    let wanted: Vec<_> = wanted.iter().filter_map(|(name, version)| Some((name.as_str(), version.as_str()?))).collect();
    let installed = needs::packages("npm-runtimes", &wanted)?.join("node_modules");
    std::os::unix::fs::symlink(installed, folder.path().join("node_modules"))?;
    let mut build = Command::new(needs::program("npm")?);
    build.args(["run", "build"]).current_dir(folder.path()).env("GATEWIT_WASM", components()?);
    let output = build.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    sign_in_and_out(command(&node, "server.mjs"), folder).await
}

async fn people_sign_in_by_the_components_in_python() -> anyhow::Result<()> {
    let python = needs::program("python3")?;
    let folder = copy("python")?;
    let wanted = std::fs::read_to_string(folder.path().join("requirements.txt"))?;
    let installed = needs::python("python-runtimes", &wanted.lines().collect::<Vec<_>>())?;
    let mut server = command(&python, "server.py");
    server.env("PYTHONPATH", installed).env("GATEWIT_WASM", components()?);
    sign_in_and_out(server, folder).await
}

/// An example, where what it makes does not end up in the checkout.
fn copy(name: &str) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for file in source(name).read_dir()? {
        let file = file?;
        // What somebody built or installed there is not the example.
        if file.file_type()?.is_file() {
            std::fs::copy(file.path(), folder.path().join(file.file_name()))?;
        }
    }
    Ok(folder)
}

fn source(name: &str) -> PathBuf {
    examples::root().join("examples/runtimes").join(name)
}

/// The folder of the built components.
fn components() -> anyhow::Result<PathBuf> {
    guests::first_party("local")?;
    Ok(guests::first_party("auth")?.parent().context("no folder")?.to_owned())
}

fn command(interpreter: &Path, program: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(program).env("PORT", "0").env("SECRET", SECRET).env("EMAIL", EMAIL).env("PASSWORD", PASSWORD);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a person does at a host, whatever it is made of.
async fn sign_in_and_out(mut program: Command, folder: TempDir) -> anyhow::Result<()> {
    program.current_dir(folder.path());
    let server = TestServer::run(program, Arc::new(folder)).await?;
    let mut client = server.client();

    // A wrong password and nobody's account are the same, and neither tells by its time.
    for (email, password) in [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD)] {
        let refused = post(&mut client, "/auth/login", &json!({"email": email, "password": password})).await?;
        ensure!((refused.status, code(&refused)?.as_str()) == (401, "INVALID_CREDENTIALS"), "{refused:?}");
        ensure!(refused.elapsed.as_millis() >= 490, "{:?}", refused.elapsed);
    }

    let signed_in = post(&mut client, "/auth/login", &json!({"email": EMAIL, "password": PASSWORD})).await?;
    let signed_in = data(&signed_in)?;
    let access = text(&signed_in, "access_token")?;
    let claims: Value = serde_json::from_str(&tokens::open(&access, SECRET)?.1)?;
    let life = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(end, begin)| end - begin);
    ensure!(claims["iss"] == "directus" && life == Some(900), "{claims}");

    let me = |token: &str| Request::new("GET", "/users/me").header("Authorization", &format!("Bearer {token}"));
    let shown = data(&client.send(&me(&access)).await?)?;
    ensure!(shown == json!({"id": claims["id"], "email": EMAIL, "status": "active"}), "{shown}");
    let forged = client.send(&me(&tokens::tampered(&access))).await?;
    ensure!(forged.status == 403 && code(&forged)? == "INVALID_TOKEN", "{forged:?}");

    let first = json!({"refresh_token": text(&signed_in, "refresh_token")?});
    let refreshed = data(&post(&mut client, "/auth/refresh", &first).await?)?;
    let second = json!({"refresh_token": text(&refreshed, "refresh_token")?});
    ensure!(first != second, "the refresh token is not a new one");
    // Within the grace period the same token has the same successor.
    let again = data(&post(&mut client, "/auth/refresh", &first).await?)?;
    ensure!(again["refresh_token"] == second["refresh_token"], "{again}");

    let signed_out = post(&mut client, "/auth/logout", &second).await?;
    ensure!(signed_out.status == 204, "{signed_out:?}");
    let late = post(&mut client, "/auth/refresh", &second).await?;
    ensure!(late.status == 401, "{late:?}");
    forget_the_password(&server, &mut client).await
}

/// Letters, hashes by number, marks and writes with expectations.
async fn forget_the_password(server: &TestServer, client: &mut Client) -> anyhow::Result<()> {
    let asked = post(client, "/auth/password/request", &json!({"email": EMAIL})).await?;
    ensure!(asked.status == 204, "{asked:?}");
    let letter = server.logged("password-reset").await?;
    let token = letter.split_once("token=").and_then(|(_, rest)| rest.split('"').next()).context("no token")?;
    let reset = json!({"token": token, "password": "Ann-password2"});
    ensure!(post(client, "/auth/password/reset", &reset).await?.status == 204);
    let again = post(client, "/auth/password/reset", &reset).await?;
    ensure!(again.status == 403, "a link counts twice: {again:?}");
    for (password, status) in [(PASSWORD, 401), ("Ann-password2", 200)] {
        let answer = post(client, "/auth/login", &json!({"email": EMAIL, "password": password})).await?;
        ensure!(answer.status == status, "{password}: {answer:?}");
    }
    Ok(())
}

async fn hosts_are_short() -> anyhow::Result<()> {
    for (folder, files, comment) in
        [("node", ["host.mjs", "store.mjs"], "//"), ("python", ["host.py", "store.py"], "#")]
    {
        let mut lines = 0;
        for file in files {
            let text = std::fs::read_to_string(source(folder).join(file))?;
            let is_code = |line: &&str| !line.is_empty() && !line.starts_with(comment);
            lines += text.lines().map(str::trim).filter(is_code).count();
        }
        ensure!((1..MOST_LINES).contains(&lines), "the host in {folder} has {lines} lines");
    }
    Ok(())
}

async fn post(client: &mut Client, path: &str, body: &Value) -> anyhow::Result<Response> {
    client.send(&Request::new("POST", path).json(body)).await
}

fn data(response: &Response) -> anyhow::Result<Value> {
    ensure!(response.status == 200, "{}: {}", response.status, response.text());
    Ok(response.json()?["data"].clone())
}

fn code(response: &Response) -> anyhow::Result<String> {
    text(&response.json()?["errors"][0]["extensions"], "code")
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    Ok(value[name].as_str().with_context(|| format!("no {name} in {value}"))?.to_owned())
}
