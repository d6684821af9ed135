//! The command line against a running server: what an operator reads, what a program reads, and what is said when it does
//! not work.

use std::process::Output;

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, USER, login, me, quick, refused, session_token, sign_in};
use e2e::command;
use e2e::server::TestServer;
use serde_json::Value;
use sqlx::Connection as _;

e2e::suite! {
    sessions_are_listed_and_ended,
    accounts_are_listed_suspended_and_activated,
    the_status_and_the_log_are_told,
    what_does_not_work_is_said_in_one_line,
    the_database_is_looked_at_without_a_server,
    shells_complete_what_is_typed,
    every_command_has_help,
}

/// The static token of the administrator.
const TOKEN: &str = "the-token-of-the-administrator";

/// A server whose administrator has a static token, and its address.
async fn server() -> anyhow::Result<(TestServer, String)> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let answer = admin.send("PATCH", "/users/me", &serde_json::json!({"token": TOKEN})).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    let address = format!("http://{}", server.address);
    Ok((server, address))
}

/// Runs a command against a server, as its administrator.
async fn run(address: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    let folder = tempfile::tempdir()?;
    command::run(folder.path(), &[("GATEWIT_URL", address), ("GATEWIT_TOKEN", TOKEN)], arguments).await
}

/// What a command says that works.
async fn told(address: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = run(address, arguments).await?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{arguments:?}: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}

async fn json(address: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    let text = told(address, arguments).await?;
    ensure!(text.lines().count() == 1, "more than one line: {text}");
    serde_json::from_str(&text).with_context(|| text.clone())
}

async fn sessions_are_listed_and_ended() -> anyhow::Result<()> {
    let (server, address) = server().await?;
    let mut client = server.client();
    let telephone = login(USER, "json").header("User-Agent", "telephone");
    ensure!(client.send(&telephone).await?.status == 200);
    let token = session_token(&client.send(&login(USER, "session")).await?)?;
    let account = client.send(&me(&token)).await?.json()?["data"]["id"].as_str().context("id")?.to_owned();
    let table = told(&address, &["session", "list", "--user", &account]).await?;
    ensure!(table.lines().count() == 3 && table.contains("Expires") && table.contains("127.0.0.1"), "{table}");
    ensure!(table.contains("telephone") && !table.contains('\u{1b}'), "{table:?}");
    let listed = json(&address, &["session", "list", "--user", &account, "--json"]).await?;
    ensure!(listed.as_array().map(Vec::len) == Some(2), "{listed}");
    let first = listed[0]["id"].as_str().context("id")?;
    ensure!(told(&address, &["session", "end", first]).await?.trim() == "ended");
    let rest = json(&address, &["session", "end-all", &account, "--json"]).await?;
    ensure!(rest["ended"] == 1, "{rest}");
    refused(&client.send(&me(&token)).await?, 401, "INVALID_CREDENTIALS")?;
    let none = told(&address, &["session", "list", "--user", &account]).await?;
    ensure!(none.trim() == "nothing", "{none}");
    let gone = run(&address, &["session", "end", first]).await?;
    ensure!(gone.status.code() == Some(1), "{gone:?}");
    Ok(())
}

async fn accounts_are_listed_suspended_and_activated() -> anyhow::Result<()> {
    let (server, address) = server().await?;
    let mut client = server.client();
    let token = session_token(&client.send(&login(USER, "session")).await?)?;
    let table = told(&address, &["user", "list", "--search", "user@"]).await?;
    ensure!(table.contains(USER.0) && !table.contains("editor@"), "{table}");
    ensure!(told(&address, &["user", "show", USER.0]).await?.contains("active"));
    ensure!(told(&address, &["user", "suspend", USER.0]).await?.contains("suspended"));
    refused(&client.send(&me(&token)).await?, 401, "INVALID_CREDENTIALS")?;
    let shown = json(&address, &["user", "show", USER.0, "--json"]).await?;
    ensure!(shown["status"] == "suspended", "{shown}");
    ensure!(client.send(&login(USER, "json")).await?.status == 401);
    let id = shown["id"].as_str().context("id")?;
    told(&address, &["user", "activate", id]).await?;
    sign_in(&mut client, USER).await?;
    told(&address, &["user", "reset-tfa", id]).await?;
    let nobody = run(&address, &["user", "show", "nobody@example.com"]).await?;
    let errors = String::from_utf8_lossy(&nobody.stderr).into_owned();
    ensure!(nobody.status.code() == Some(1) && errors.contains("no account"), "{errors}");
    Ok(())
}

async fn the_status_and_the_log_are_told() -> anyhow::Result<()> {
    let (_server, address) = server().await?;
    let status = told(&address, &["status"]).await?;
    ensure!(status.contains("sqlite3, answers in") && status.contains("serving"), "{status}");
    ensure!(json(&address, &["status", "--json"]).await?["database"]["answers"] == true);
    told(&address, &["session", "end-all", "nobody"]).await?;
    let log = told(&address, &["audit", "list", "--limit", "1"]).await?;
    ensure!(log.lines().count() == 2 && log.contains("sessions.delete") && log.contains("done"), "{log}");
    Ok(())
}

async fn what_does_not_work_is_said_in_one_line() -> anyhow::Result<()> {
    let (server, address) = server().await?;
    let user = sign_in(&mut server.client(), USER).await?.access;
    for (url, token, word) in [
        ("http://127.0.0.1:1", TOKEN, "GATEWIT_URL"),
        ("http://nowhere.invalid", TOKEN, "GATEWIT_URL"),
        (address.as_str(), "nobody's", "GATEWIT_TOKEN"),
        (address.as_str(), user.as_str(), "administrator"),
        (address.as_str(), "", "GATEWIT_TOKEN"),
    ] {
        let folder = tempfile::tempdir()?;
        let env = [("GATEWIT_URL", url), ("GATEWIT_TOKEN", token)];
        let output = command::run(folder.path(), &env, &["session", "list"]).await?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(1) && output.stdout.is_empty(), "{url}: {output:?}");
        ensure!(
            errors.lines().count() == 1 && errors.starts_with("gatewit: ") && errors.contains(word),
            "{url}: {errors}"
        );
        ensure!(token.is_empty() || !errors.contains(token), "the token is told: {errors}");
    }
    Ok(())
}

async fn the_database_is_looked_at_without_a_server() -> anyhow::Result<()> {
    let mut server = TestServer::seeded(&quick(&[])).await?;
    let answer = server.client().send(&login((USER.0, "wrong"), "json")).await?;
    ensure!(answer.status == 401);
    server.terminate()?;
    server.ended().await?;
    let run = async |arguments: &[&str]| {
        let output = command::run(server.data.path(), &[], arguments).await?;
        ensure!(output.status.success(), "{arguments:?}: {output:?}");
        anyhow::Ok(String::from_utf8(output.stdout)?)
    };
    ensure!(run(&["doctor"]).await?.contains("tables of our own"));
    let findings: Value = serde_json::from_str(&run(&["doctor", "--json"]).await?)?;
    ensure!(findings["owner"] == "gatewit" && findings["bad"] == false, "{findings}");
    let mut database = e2e::server::open(&server.database()?).await?;
    let request: String = sqlx::query_scalar("select id from gatewit_traces").fetch_one(&mut database).await?;
    database.close().await?;
    ensure!(run(&["trace", &request]).await?.contains("INVALID_CREDENTIALS"));
    let trace: Value = serde_json::from_str(&run(&["trace", &request, "--json"]).await?)?;
    ensure!(trace["request"] == request.as_str(), "{trace}");
    Ok(())
}

async fn shells_complete_what_is_typed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for shell in ["bash", "zsh", "fish"] {
        let output = command::run(folder.path(), &[], &["completions", shell]).await?;
        let script = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success() && script.contains("end-all") && script.contains("verify"),
            "{shell}: {script}"
        );
    }
    Ok(())
}

async fn every_command_has_help() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for words in
        ["", "status", "session", "session list", "user", "user suspend", "audit", "audit verify", "completions"]
    {
        let arguments: Vec<&str> = words.split_whitespace().chain(["--help"]).collect();
        let output = command::run(folder.path(), &[], &arguments).await?;
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success() && help.contains("Usage: gatewit"), "{words}: {help}");
    }
    Ok(())
}
