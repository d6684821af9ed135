//! The database of a Directus, used as it is: its sessions go on, and none of its tables changes.

use std::path::Path;

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Tokens, me, quick, refresh, sign_in};
use e2e::fixture;
use e2e::needs::Skip;
use e2e::postgres::Postgres;
use e2e::server::{self, TestServer};
use gatewit_host::Config;
use gatewit_host::config::Sources;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

e2e::suite! {
    a_sqlite_of_a_directus_is_used_as_it_is,
    a_postgres_of_a_directus_is_used_as_it_is,
    hashes_are_refused_where_a_directus_looks_for_tokens,
    tables_that_lack_what_is_needed_are_left_alone,
    what_a_start_would_do_is_told_before,
}

/// The token of the session that the Directus began.
const THEIRS: &str = "GPpWq11deO7jyOw8YXi11V4dMqPRaGMwMrPs92es6f7x7zVX7UOoH19FaJBr9p63";

/// The statements of `fixtures/directus.sql` with what a database calls things.
fn statements(words: [(&str, &str); 4]) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(fixture::folder().join("directus.sql"))?;
    Ok(words.iter().fold(text, |text, (name, word)| text.replace(&format!("{{{name}}}"), word)))
}

/// A file as a Directus would have left it.
async fn directus_file(path: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let serial = "integer not null primary key autoincrement";
    // 2100-01-01.
    let words = [("uuid", "char(36)"), ("time", "datetime"), ("serial", serial), ("later", "4102444800000")];
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements(words)?)).execute(&mut database).await.context("directus.sql")?;
    Ok(database)
}

/// All that is declared in a file, but for what has our prefix.
async fn declared(database: &mut SqliteConnection) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let theirs = "SELECT name, sql FROM sqlite_master \
                  WHERE tbl_name NOT LIKE 'gatewit\\_%' ESCAPE '\\' AND name <> 'sqlite_sequence' ORDER BY name";
    Ok(sqlx::query_as(theirs).fetch_all(database).await?)
}

/// People sign in, and the session that the Directus began goes on.
async fn serves(host: &TestServer) -> anyhow::Result<Tokens> {
    let mut client = host.client();
    let ours = sign_in(&mut client, ADMIN).await?;
    let theirs = Tokens::of(&client.send(&refresh(THEIRS)).await?)?;
    ensure!(theirs.refresh != THEIRS);
    let read = client.send(&me(&theirs.access)).await?;
    let data = &read.json()?["data"];
    ensure!(data["email"] == "Admin@Example.com" && data["shoe_size"] == 43, "{}", read.text());
    ensure!(data.get("text_direction").is_none(), "{}", read.text());
    Ok(ours)
}

async fn a_sqlite_of_a_directus_is_used_as_it_is() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("directus.db");
    let mut database = directus_file(&path).await?;
    let before = declared(&mut database).await?;
    let name = path.display().to_string();
    let env = quick(&[("DB_FILENAME", name.as_str())]);
    let host = TestServer::start(&env).await?;
    let ours = serves(&host).await?;
    drop(host);
    // The second start finds what the first one added.
    let host = TestServer::start(&env).await?;
    Tokens::of(&host.client().send(&refresh(&ours.refresh)).await?)?;
    ensure!(declared(&mut database).await? == before, "the tables of the Directus changed");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM directus_sessions WHERE token = ?")
        .bind(&ours.refresh)
        .fetch_one(&mut database)
        .await?;
    ensure!(kept == 1, "the Directus would not find the session");
    Ok(())
}

/// All that is declared in a database, but for what has our prefix.
const DECLARED: &str = "SELECT table_name, column_name, data_type, is_nullable, column_default \
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'gatewit\\_%' \
     ORDER BY table_name, ordinal_position; \
     SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'gatewit\\_%' ORDER BY indexname";

async fn a_postgres_of_a_directus_is_used_as_it_is() -> anyhow::Result<()> {
    let server = Postgres::start().map_err(|missing| Skip(missing.0))?;
    let settings = server.database("directus")?;
    let later = "'2100-01-01T00:00:00Z'";
    let words = [("uuid", "uuid"), ("time", "timestamptz"), ("serial", "serial primary key"), ("later", later)];
    server.query("directus", &statements(words)?)?;
    let before = server.query("directus", DECLARED)?;
    let env: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let host = TestServer::start(&quick(&env)).await?;
    let ours = serves(&host).await?;
    drop(host);
    let host = TestServer::start(&quick(&env)).await?;
    Tokens::of(&host.client().send(&refresh(&ours.refresh)).await?)?;
    ensure!(server.query("directus", DECLARED)? == before, "the tables of the Directus changed");
    let kept =
        server.query("directus", &format!("SELECT 1 FROM directus_sessions WHERE token = '{}'", ours.refresh))?;
    ensure!(kept.trim() == "1", "the Directus would not find the session");
    Ok(())
}

async fn hashes_are_refused_where_a_directus_looks_for_tokens() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("directus.db");
    directus_file(&path).await?.close().await?;
    let name = path.display().to_string();
    let output = server::refusal(&[("DB_FILENAME", &name), ("GATEWIT_TOKEN_STORAGE", "hashed")]).await?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && told.contains("GATEWIT_TOKEN_STORAGE: hashed cannot be"), "{told}");
    Ok(())
}

async fn tables_that_lack_what_is_needed_are_left_alone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("directus.db");
    let mut database = directus_file(&path).await?;
    sqlx::query("ALTER TABLE directus_sessions DROP COLUMN next_token").execute(&mut database).await?;
    let count = "SELECT count(*) FROM sqlite_master";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await?;
    let name = path.display().to_string();
    let output = server::refusal(&[("DB_FILENAME", name.as_str())]).await?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && told.contains("lacks directus_sessions.next_token"), "{told}");
    let after: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await?;
    ensure!(before == after, "something was added");
    Ok(())
}

async fn told(settings: &[(&str, &str)]) -> anyhow::Result<String> {
    let environment = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() })?;
    let findings = gatewit_host::examine(&config).await?;
    Ok(format!("{findings}bad: {}", findings.is_bad()))
}

async fn what_a_start_would_do_is_told_before() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("directus.db");
    let name = path.display().to_string();
    let filename = ("DB_FILENAME", name.as_str());
    let nothing = told(&[filename]).await?;
    ensure!(nothing.contains("found: nothing") && !path.exists(), "{nothing}");

    directus_file(&path).await?.close().await?;
    let before = std::fs::read(&path)?;
    let adopted = told(&[filename]).await?;
    for line in [
        "found: tables of a Directus, 1 accounts, 1 sessions",
        "tokens: kept as they are, as Directus does",
        "a start adds: counts",
        "missing: directus_users.text_direction reads as empty",
        "bad: false",
    ] {
        ensure!(adopted.contains(line), "no line {line:?} in\n{adopted}");
    }
    let hashed = told(&[filename, ("GATEWIT_TOKEN_STORAGE", "hashed")]).await?;
    ensure!(hashed.contains("cannot start: GATEWIT_TOKEN_STORAGE") && hashed.contains("bad: true"), "{hashed}");
    ensure!(std::fs::read(&path)? == before, "a look changed the file");
    Ok(())
}
