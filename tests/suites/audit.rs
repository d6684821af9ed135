//! The audit log: what operators do is on record before it is done, and nobody with the database in their hands changes
//! that unseen.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, USER, quick, refused, sign_in};
use e2e::command;
use e2e::needs::Skip;
use e2e::postgres::{self, Postgres};
use e2e::server::{self, TestServer};
use serde_json::Value;
use sqlx::Connection as _;

e2e::suite! {
    what_operators_do_is_on_record_with_who_and_whence,
    a_change_that_cannot_be_put_on_record_is_not_made,
    every_way_to_change_the_log_is_found,
    a_log_that_was_replaced_by_an_older_one_is_told_by_a_noted_head,
    several_hosts_keep_one_log,
}

/// Ends sessions of nobody, which is a change like any other to the log.
async fn change(admin: &mut Caller) -> anyhow::Result<()> {
    admin.data("DELETE", "/gatewit/sessions?user=nobody", &Value::Null).await.map(drop)
}

async fn what_operators_do_is_on_record_with_who_and_whence() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    change(&mut admin).await?;
    let who = admin.data("GET", "/users/me?fields=id", &Value::Null).await?["id"].clone();
    let log = admin.data("GET", "/gatewit/audit?limit=2", &Value::Null).await?;
    for (index, outcome) in ["done", "begun"].into_iter().enumerate() {
        let entry = &log[index];
        ensure!(entry["who"] == who && entry["ip"] == "127.0.0.1", "{entry}");
        ensure!(entry["what"] == "sessions.delete" && entry["object"] == "nobody", "{entry}");
        ensure!(entry["outcome"] == outcome, "{entry}");
        let request = entry["request"].as_str().context("no request")?;
        ensure!(server.log().contains(request), "the log knows no request {request}");
    }
    ensure!(log[0]["request"] == log[1]["request"], "{log}");
    let before = log[1]["number"].as_i64().context("number")?;
    let older = admin.data("GET", &format!("/gatewit/audit?before={before}"), &Value::Null).await?;
    ensure!(older.as_array().map(Vec::len) == Some(1) && older[0]["what"] == "audit.begin", "{older}");
    for wrong in ["before=x", "limit=0", "limit=-1", "before[a]=1"] {
        let answer = admin.send("GET", &format!("/gatewit/audit?{wrong}"), &Value::Null).await?;
        refused(&answer, 400, "INVALID_PAYLOAD").context(wrong)?;
    }
    let verdict = admin.data("GET", "/gatewit/audit/verify", &Value::Null).await?;
    ensure!(verdict["intact"] == true && verdict["entries"] == 3, "{verdict}");
    // An owner's own revocations are there, too.
    let mut user = Caller::new(&server, USER).await?;
    sign_in(&mut server.client(), USER).await?;
    user.data("DELETE", "/users/me/sessions", &Value::Null).await?;
    user.data("DELETE", "/users/me/sessions", &Value::Null).await?;
    let log = admin.data("GET", "/gatewit/audit", &Value::Null).await?;
    ensure!(log.as_array().map(Vec::len) == Some(4) && log[0]["what"] == "sessions.delete", "{log}");
    ensure!(log[0]["who"] != who, "{log}");
    Ok(())
}

async fn alter(database: &Path, statements: &str) -> anyhow::Result<()> {
    let mut connection = server::open(database).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.context("altering")?;
    Ok(connection.close().await?)
}

async fn a_change_that_cannot_be_put_on_record_is_not_made() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    let mut user = Caller::new(&server, USER).await?;
    let account = user.data("GET", "/users/me?fields=id", &Value::Null).await?["id"].as_str().context("id")?.to_owned();
    let end = format!("/gatewit/sessions?user={account}");
    for broken in [
        "DELETE FROM gatewit_audit_head",
        "INSERT INTO gatewit_audit_head (id, number, hash, seal) SELECT 1, max(number) - 1, 'x', 'y' FROM gatewit_audit",
        "DROP TABLE gatewit_audit",
    ] {
        alter(&server.database()?, broken).await?;
        let answer = admin.send("DELETE", &end, &Value::Null).await?;
        refused(&answer, 503, "SERVICE_UNAVAILABLE").context(broken)?;
        ensure!(user.send("GET", "/users/me", &Value::Null).await?.status == 200, "{broken}: the session ended");
    }
    Ok(())
}

/// Runs `gatewit audit verify` on the data of a server; how it ended, and what it said.
async fn verify(data: &Path, more: &[&str]) -> anyhow::Result<(Option<i32>, Value)> {
    let arguments: Vec<&str> = ["audit", "verify", "--json"].into_iter().chain(more.iter().copied()).collect();
    let output = command::run(data, &[], &arguments).await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.code(), serde_json::from_str(&text).with_context(|| format!("{text}{said}"))?))
}

/// A server that has ended, with a few entries in its log.
async fn ended() -> anyhow::Result<TestServer> {
    let mut server = TestServer::seeded(&quick(&[])).await?;
    let mut admin = Caller::new(&server, ADMIN).await?;
    for _ in 0..3 {
        change(&mut admin).await?;
    }
    server.terminate()?;
    ensure!(server.ended().await?.success());
    whole(&server.database()?).await?;
    Ok(server)
}

/// Brings everything of a database into its one file.
async fn whole(file: &Path) -> anyhow::Result<()> {
    alter(file, "PRAGMA wal_checkpoint(TRUNCATE)").await
}

/// Puts a database back that nobody has open, without what was left beside it.
fn put_back(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    for ending in ["-wal", "-shm"] {
        let beside = PathBuf::from(format!("{}{ending}", file.display()));
        if beside.exists() {
            std::fs::remove_file(beside)?;
        }
    }
    Ok(std::fs::write(file, bytes)?)
}

async fn every_way_to_change_the_log_is_found() -> anyhow::Result<()> {
    let server = ended().await?;
    let (code, verdict) = verify(server.data.path(), &[]).await?;
    ensure!(code == Some(0) && verdict["intact"] == true && verdict["entries"] == 7, "{code:?} {verdict}");
    let file = server.database()?;
    let whole = std::fs::read(&file)?;
    // The seven entries: the beginning, and three changes, begun and done.
    for (name, statements, broken_at) in [
        ("changed", "UPDATE gatewit_audit SET who = 'somebody else' WHERE number = 4", Some(4)),
        ("changed in its outcome", "UPDATE gatewit_audit SET outcome = 'done' WHERE number = 2", Some(2)),
        ("changed in its hash", "UPDATE gatewit_audit SET hash = 'x' || substr(hash, 2) WHERE number = 3", Some(3)),
        ("deleted", "DELETE FROM gatewit_audit WHERE number = 5", Some(5)),
        ("deleted, the first", "DELETE FROM gatewit_audit WHERE number = 1", Some(1)),
        (
            "moved",
            "UPDATE gatewit_audit SET number = 100 WHERE number = 3; UPDATE gatewit_audit SET number = 3 WHERE number = 4; \
             UPDATE gatewit_audit SET number = 4 WHERE number = 100",
            Some(3),
        ),
        ("cut off", "DELETE FROM gatewit_audit WHERE number > 5", Some(6)),
        (
            "cut off, the head with it",
            "DELETE FROM gatewit_audit WHERE number > 5; UPDATE gatewit_audit_head SET number = 5, \
             hash = (SELECT hash FROM gatewit_audit WHERE number = 5)",
            Some(5),
        ),
        (
            "put in",
            "INSERT INTO gatewit_audit (number, at, who, what, object, outcome, hash) \
             SELECT 8, at, who, what, object, outcome, hash FROM gatewit_audit WHERE number = 7",
            Some(8),
        ),
        (
            "put in before the first",
            "INSERT INTO gatewit_audit (number, at, who, what, object, outcome, hash) \
             SELECT 0, at, who, what, object, outcome, hash FROM gatewit_audit WHERE number = 7",
            Some(0),
        ),
        ("emptied", "DELETE FROM gatewit_audit; DELETE FROM gatewit_audit_head", None),
        (
            "begun anew",
            "DELETE FROM gatewit_audit; UPDATE gatewit_audit_head SET number = 0, seal = '', \
             hash = '0000000000000000000000000000000000000000000000000000000000000000'",
            None,
        ),
    ] {
        put_back(&file, &whole)?;
        alter(&file, statements).await?;
        let (code, verdict) = verify(server.data.path(), &[]).await?;
        ensure!(code == Some(2) && verdict["intact"] == false, "{name}: {code:?} {verdict}");
        ensure!(verdict["broken_at"].as_i64() == broken_at, "{name}: {verdict}");
        ensure!(verdict["reason"].is_string(), "{name}: {verdict}");
    }
    // A server that goes on after that does not vouch for what it has not written.
    put_back(&file, &whole)?;
    alter(
        &file,
        "DELETE FROM gatewit_audit WHERE number > 5; UPDATE gatewit_audit_head SET number = 5, \
         hash = (SELECT hash FROM gatewit_audit WHERE number = 5)",
    )
    .await?;
    let mut again = TestServer::start_in(server.data.clone(), &quick(&[])).await?;
    again.logged("bears no seal").await?;
    change(&mut Caller::new(&again, ADMIN).await?).await?;
    again.terminate()?;
    again.ended().await?;
    let (code, verdict) = verify(server.data.path(), &[]).await?;
    ensure!(code == Some(2) && verdict["broken_at"] == 6, "{verdict}");
    Ok(())
}

async fn a_log_that_was_replaced_by_an_older_one_is_told_by_a_noted_head() -> anyhow::Result<()> {
    let server = ended().await?;
    let file = server.database()?;
    let older = std::fs::read(&file)?;
    let mut again = TestServer::start_in(server.data.clone(), &quick(&[])).await?;
    change(&mut Caller::new(&again, ADMIN).await?).await?;
    again.terminate()?;
    again.ended().await?;
    whole(&file).await?;
    let (_, verdict) = verify(server.data.path(), &[]).await?;
    let head = verdict["head"].as_str().context("head")?.to_owned();
    let (code, verdict) = verify(server.data.path(), &["--since", &head]).await?;
    ensure!(code == Some(0), "{verdict}");
    put_back(&file, &older)?;
    ensure!(verify(server.data.path(), &[]).await?.0 == Some(0), "by itself it is whole");
    let (code, verdict) = verify(server.data.path(), &["--since", &head]).await?;
    ensure!(code == Some(2) && verdict["reason"].as_str().is_some_and(|why| why.contains("longer")), "{verdict}");
    let output = command::run(server.data.path(), &[], &["audit", "verify", "--since", "x"]).await?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    Ok(())
}

async fn several_hosts_keep_one_log() -> anyhow::Result<()> {
    let postgres = Postgres::start().map_err(|missing: postgres::Missing| Skip(missing.0))?;
    let database = postgres.database("gatewit")?;
    let database: Vec<_> = database.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let token = ("ADMIN_TOKEN", "the-token-of-the-administrator");
    let env = [database, quick(&[token])].concat();
    let hosts = [TestServer::start(&env).await?, TestServer::start(&env).await?];
    let mut running = tokio::task::JoinSet::new();
    for host in &hosts {
        for _ in 0..4 {
            let mut admin = Caller::with(host.client(), token.1);
            running.spawn(async move {
                for _ in 0..3 {
                    change(&mut admin).await?;
                }
                anyhow::Ok(())
            });
        }
    }
    for done in running.join_all().await {
        done?;
    }
    let mut admin = Caller::with(hosts[0].client(), token.1);
    let verdict = admin.data("GET", "/gatewit/audit/verify", &Value::Null).await?;
    ensure!(verdict["intact"] == true && verdict["entries"] == 49, "{verdict}");
    postgres.query("gatewit", "UPDATE gatewit_audit SET object = 'x' WHERE number = 11")?;
    let verdict = admin.data("GET", "/gatewit/audit/verify", &Value::Null).await?;
    ensure!(verdict["intact"] == false && verdict["broken_at"] == 11, "{verdict}");
    Ok(())
}
