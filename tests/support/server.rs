//! A real server for one test: the `gatewit` binary as a child process on a free port, with a data folder of its own
//! and nothing of this process's environment.
//!
//! Invariant: the child ends with the value, by its own process id, and takes its data along.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::client::Client;
use crate::fixture;

/// The `SECRET` of every test server, so that tests can sign tokens.
pub const SECRET: &str = "a secret of the tests, longer than thirty-two bytes";

/// The first start compiles the components, which takes a while on a busy machine.
const START: Duration = Duration::from_mins(1);
/// How long a server may take to end after SIGTERM before it is killed.
const END: Duration = Duration::from_secs(5);
/// How long a line of the log may take to arrive here.
const TOLD: Duration = Duration::from_secs(10);
/// How often something that cannot be awaited is looked at.
const POLL: Duration = Duration::from_millis(5);
/// The server writes too: wait for its lock instead of failing.
const BUSY: Duration = Duration::from_secs(5);

/// A running server. Dropping it ends it.
pub struct TestServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its `GATEWIT_DATA`. A server that takes over from it shares the folder.
    pub data: Arc<TempDir>,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl TestServer {
    /// Starts a server with an empty database and `env` besides what every test server gets.
    pub async fn start(env: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_program(&binary()?, env).await
    }

    /// Starts a program that embeds the server, reads its settings and says its address as the server does.
    pub async fn start_program(program: &Path, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        Self::run(launch(program, data.path(), env), Arc::new(data)).await
    }

    /// Starts a server on the data of another one, which has ended.
    pub async fn start_in(data: Arc<TempDir>, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::run(command(data.path(), env)?, data).await
    }

    /// Starts a server with a command that was made by [`command`], or with one around it.
    pub async fn run(mut command: Command, data: Arc<TempDir>) -> anyhow::Result<Self> {
        let mut child = command.spawn().context("starting the server")?;
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = channel();
        let output = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let errors = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        for pipe in output.into_iter().chain(errors) {
            let (log, found) = (Arc::clone(&log), found.clone());
            std::thread::spawn(move || follow(pipe, &log, &found));
        }
        drop(found);
        let mut server = Self { address: SocketAddr::from(([0, 0, 0, 0], 0)), data, child, log };
        let waited = tokio::task::spawn_blocking(move || wait(&address)).await?;
        server.address = waited.with_context(|| format!("the server did not start; its log:\n{}", server.log()))?;
        Ok(server)
    }

    /// Starts a server and fills its database with `fixtures/seed.sql`.
    pub async fn seeded(env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let server = Self::start(env).await?;
        seed(&server.database()?).await?;
        Ok(server)
    }

    /// A client of this server.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// What the server wrote so far, both outputs mixed.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log has a line with `text`, and returns the line.
    pub async fn logged(&self, text: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + TOLD;
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            if Instant::now() >= deadline {
                bail!("the log does not say {text:?}:\n{log}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without a warning, as a power cut would; its data stay.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { bail!("kill -TERM: {status}") }
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        wait_for(&mut self.child, START).await
    }

    /// The file of its database.
    pub fn database(&self) -> anyhow::Result<PathBuf> {
        database(self.data.path())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // Ended and waited for: the id may be somebody else's by now.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        let deadline = Instant::now() + if asked.is_ok_and(|status| status.success()) { END } else { Duration::ZERO };
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The database in a data folder: the file that is a SQLite database.
pub fn database(data: &Path) -> anyhow::Result<PathBuf> {
    for entry in data.read_dir()? {
        let path = entry?.path();
        let mut start = [0; 15];
        let read = std::fs::File::open(&path).and_then(|mut file| file.read_exact(&mut start));
        if read.is_ok() && &start == b"SQLite format 3" {
            return Ok(path);
        }
    }
    bail!("the server made no SQLite database in its GATEWIT_DATA")
}

/// Starts a server that will not serve, and returns what it said and how it ended.
pub async fn refusal(env: &[(&str, &str)]) -> anyhow::Result<Output> {
    let folder = tempfile::tempdir()?;
    let mut child = command(folder.path(), env)?.spawn().context("starting the server")?;
    let waited = wait_for(&mut child, START).await;
    if waited.is_err() {
        child.kill()?;
    }
    let output = child.wait_with_output()?;
    waited.with_context(|| String::from_utf8_lossy(&output.stdout).into_owned())?;
    Ok(output)
}

async fn wait_for(child: &mut Child, patience: Duration) -> anyhow::Result<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            bail!("the server did not end");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Plays `fixtures/seed.sql` on the database in `file`, whose schema the server has made.
pub async fn seed(file: &Path) -> anyhow::Result<()> {
    let statements = std::fs::read_to_string(fixture::folder().join("seed.sql"))?;
    let mut database = open(file).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut database).await.context("seed.sql")?;
    Ok(database.close().await?)
}

/// Opens a database that a server is using.
pub async fn open(file: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(BUSY);
    SqliteConnection::connect_with(&options).await.with_context(|| file.display().to_string())
}

/// What starts a server with its data in `data`.
pub fn command(data: &Path, env: &[(&str, &str)]) -> anyhow::Result<Command> {
    Ok(launch(&binary()?, data, env))
}

fn launch(program: &Path, data: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("GATEWIT_DATA", data).env("HOST", "127.0.0.1").env("PORT", "0").env("SECRET", SECRET);
    // Nobody signs the guests of tests; what signatures are for has tests of its own.
    command.env("GATEWIT_REQUIRE_SIGNED", "false");
    // Compiled once for all servers that share a secret; it is sealed with that.
    if !env.iter().any(|(name, _)| *name == "SECRET")
        && let Ok(program) = std::env::current_exe()
    {
        command.env("GATEWIT_CODE_CACHE", program.with_file_name("gatewit-tests-code-cache"));
    }
    command.envs(env.iter().copied()).current_dir(data);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The server that is tested: `GATEWIT_BIN`, or `gatewit` beside the folder this test binary is in (`target/release/deps`).
pub fn binary() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("GATEWIT_BIN").map(PathBuf::from);
    let built = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("gatewit"));
    let path = named.or_else(built).context("no path of this test binary")?;
    if !path.is_file() {
        bail!("{} is missing: build it with `cargo build --release -p gatewit-host`", path.display());
    }
    Ok(path)
}

/// Copies the lines of a pipe to the log and reports the address when one names it.
fn follow(pipe: impl Read, log: &Mutex<String>, found: &Sender<SocketAddr>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if let Some(address) = address(&line) {
            let _ = found.send(address);
        }
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
    }
}

fn wait(address: &Receiver<SocketAddr>) -> anyhow::Result<SocketAddr> {
    address.recv_timeout(START).context("no line with http://127.0.0.1:<port>")
}

/// The address in a line such as `listening on http://127.0.0.1:8055`.
fn address(line: &str) -> Option<SocketAddr> {
    let rest = line.split_once("http://127.0.0.1:")?.1;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok().filter(|port| *port != 0)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_line_of_the_log() {
        assert_eq!(address("ready at http://127.0.0.1:8055/ now"), Some("127.0.0.1:8055".parse().unwrap()));
        assert_eq!(address(r#"{"url":"http://127.0.0.1:1"}"#), Some("127.0.0.1:1".parse().unwrap()));
        assert_eq!(address("http://127.0.0.1:0"), None);
        assert_eq!(address("http://localhost:8055"), None);
        assert_eq!(address("http://127.0.0.1:99999"), None);
    }

    /// The tables as far as the seed names them.
    const TABLES: &str = "
        create table directus_settings (id integer primary key, project_name text, auth_login_attempts integer,
            public_registration boolean, public_registration_verify_email boolean);
        create table directus_roles (id text primary key, name text not null, icon text);
        create table directus_policies (id text primary key, name text, icon text, enforce_tfa boolean,
            admin_access boolean, app_access boolean);
        create table directus_users (id text primary key, first_name text, last_name text, email text unique,
            password text, status text not null, role text references directus_roles (id), token text unique);
        create table directus_access (id text primary key, role text references directus_roles (id),
            user text references directus_users (id), policy text not null references directus_policies (id), sort integer);
        create table directus_permissions (id integer primary key, policy text not null references directus_policies (id),
            collection text, action text, permissions text, validation text, presets text, fields text);
        create table directus_sessions (token text primary key, user text references directus_users (id));";

    #[tokio::test]
    async fn the_seed_can_be_played_twice() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("database");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(TABLES).execute(&mut database).await.unwrap();
        for _ in 0..2 {
            seed(&file).await.unwrap();
        }
        let users: i64 =
            sqlx::query_scalar("select count(*) from directus_users").fetch_one(&mut database).await.unwrap();
        assert_eq!(users, 12);
    }
}
