//! A real Directus beside the server that is tested: from npm, on a Node of its own, as a child process with a folder of
//! its own.
//!
//! Invariant: the child ends with the value, by its own process id. Nothing of Directus is in this repository: where npm
//! cannot install it, tests that need it are skipped. Version 11 is the last one that may be run for this.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::calls::ADMIN;
use crate::client::{Client, Request};
use crate::needs::{self, Skip};
use crate::server::SECRET;

/// The version that is run.
pub const VERSION: &str = "11.17.4";
/// It insists on this version of Node.
const NODE: &str = "22.23.3";
/// What of it has to be compiled where it runs.
const NATIVE: [&str; 2] = ["sqlite3", "isolated-vm"];

/// How long it may take to start, or to make its tables, on a busy machine.
const START: Duration = Duration::from_mins(3);
/// How long it may take to end after SIGTERM before it is killed.
const END: Duration = Duration::from_secs(5);
/// How often it is asked whether it is there.
const POLL: Duration = Duration::from_millis(20);

/// What every one is started with. Hashes are as cheap as those of the other tests, and no letter or report is sent.
const SETTINGS: [(&str, &str); 14] = [
    ("KEY", "6d0f6f4e-3f57-4b0e-9d0b-3d1c8a1f5b11"),
    ("SECRET", SECRET),
    ("ADMIN_EMAIL", ADMIN.0),
    ("ADMIN_PASSWORD", ADMIN.1),
    ("HOST", "127.0.0.1"),
    ("TELEMETRY", "false"),
    ("EMAIL_VERIFY_SETUP", "false"),
    ("PRESSURE_LIMITER_ENABLED", "false"),
    ("CACHE_ENABLED", "false"),
    ("LOG_STYLE", "raw"),
    ("LOGIN_STALL_TIME", "0"),
    ("HASH_MEMORY_COST", "1024"),
    ("HASH_TIME_COST", "2"),
    ("HASH_PARALLELISM", "1"),
];

/// Where it is installed.
#[derive(Clone, Debug)]
struct Program {
    node: PathBuf,
    entry: PathBuf,
}

/// Installs it, once for all tests of this process.
fn program() -> anyhow::Result<Program> {
    static PROGRAM: OnceLock<Result<Program, String>> = OnceLock::new();
    // One tries, the others learn how that went.
    let found = PROGRAM.get_or_init(|| installed().map_err(|error| format!("{error:#}")));
    found.clone().map_err(|reason| Skip(reason).into())
}

/// Installs it if it is not there yet. What went wrong is told to whoever needs it.
pub fn install() {
    drop(program());
}

fn installed() -> anyhow::Result<Program> {
    let node = needs::node(NODE)?;
    let modules = needs::compiled("npm-directus", &[("directus", VERSION)], &NATIVE, &node)?;
    let program =
        Program { node: node.join("bin/node"), entry: modules.join("node_modules/directus/cli.js").canonicalize()? };
    Ok(program)
}

/// A running Directus. Dropping it ends it.
pub struct Directus {
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to the answer to its first request.
    pub started: Duration,
    child: Child,
    log: Arc<Mutex<String>>,
    _folder: TempDir,
}

impl Directus {
    /// Why there is none here, if there is none. Installs it, which takes minutes the first time.
    pub async fn available() -> anyhow::Result<()> {
        tokio::task::spawn_blocking(program).await?.map(drop)
    }

    /// Makes the tables and the first administrator in an empty database.
    pub async fn bootstrap(database: &[(&str, &str)]) -> anyhow::Result<()> {
        Self::available().await?;
        let folder = tempfile::tempdir()?;
        let mut command = command("bootstrap", folder.path(), 0, database)?;
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "bootstrap: {}\n{}", output.status, said());
        Ok(())
    }

    /// Starts it on a database that has its tables, with more settings.
    pub async fn start(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::available().await?;
        let folder = tempfile::tempdir()?;
        // Free a moment ago, and so most likely still.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let begun = Instant::now();
        let mut child = command("start", folder.path(), address.port(), settings)?.spawn().context("starting node")?;
        let log = Arc::new(Mutex::new(String::new()));
        let output = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let errors = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        for pipe in output.into_iter().chain(errors) {
            let log = Arc::clone(&log);
            std::thread::spawn(move || follow(pipe, &log));
        }
        let mut directus = Self { address, started: Duration::ZERO, child, log, _folder: folder };
        // What its log says depends on LOG_LEVEL.
        while !directus.answers().await {
            if let Some(status) = directus.child.try_wait()? {
                bail!("Directus ended: {status}\n{}", directus.log());
            }
            ensure!(begun.elapsed() < START, "Directus did not start\n{}", directus.log());
            tokio::time::sleep(POLL).await;
        }
        directus.started = begun.elapsed();
        Ok(directus)
    }

    async fn answers(&self) -> bool {
        let answer = self.client().send(&Request::new("GET", "/server/ping")).await;
        answer.is_ok_and(|answer| answer.body == b"pong")
    }

    /// A client of it.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far, both outputs mixed.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Directus {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let deadline = Instant::now() + END;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

fn command(verb: &str, folder: &std::path::Path, port: u16, settings: &[(&str, &str)]) -> anyhow::Result<Command> {
    let Program { node, entry } = program()?;
    let mut command = Command::new(node);
    // One of its libraries cannot do with the snapshot of this version of Node.
    command.arg("--no-node-snapshot").arg(entry).arg(verb);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    command.env("NODE_ENV", "production").env("PORT", port.to_string());
    command.env("PUBLIC_URL", format!("http://127.0.0.1:{port}"));
    command.envs(SETTINGS).envs(settings.iter().copied()).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// Copies the lines of a pipe to the log.
fn follow(pipe: impl Read, log: &Mutex<String>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
    }
}
