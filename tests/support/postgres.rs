//! A real PostgreSQL for tests: its own folder, its own account where this one is root, reached by a Unix socket.
//!
//! Invariant: it ends with the value, and if this process is killed, by itself: a shell holds it as long as its standard
//! input is open. Uses nothing of the harness, because the host's own tests use it, too.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Missing(pub String);

/// The account of the database.
const USER: &str = "gatewit";
/// Where its socket is, unless it listens on the network.
const PORT: u16 = 5432;
/// Its password. A comma and digits, which variables must not take for something else.
const PASSWORD: &str = "1,2'3";
/// How long it may take to start on a busy machine.
const START: Duration = Duration::from_mins(1);
/// How often it is asked whether it is there.
const POLL: Duration = Duration::from_millis(20);

/// The file of its certificate.
pub const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
/// What the certificate says.
const REQUEST: &str = "[req]\ndistinguished_name=name\nx509_extensions=more\nprompt=no\n[name]\nCN=localhost\n\
                       [more]\nsubjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n";

/// Keeps the server until standard input ends, then stops it without waiting for its clients.
const HOLD: &str = r#"trap : INT TERM; "$@" & cat > /dev/null; kill -INT $!; wait $!"#;

/// A server.
pub struct Postgres {
    programs: PathBuf,
    /// What runs a program as another account.
    run_as: Vec<String>,
    folder: tempfile::TempDir,
    port: u16,
    /// What it is started with besides.
    options: Vec<String>,
    process: Mutex<Option<Child>>,
}

impl Postgres {
    /// Makes a server and starts it.
    pub fn start() -> Result<Self, Missing> {
        let server = Self::prepared()?;
        server.resume()?;
        Ok(server)
    }

    /// Makes a server that listens on the network of this machine as `localhost` and encrypts, and starts it. Its
    /// certificate is in its folder ([`CERTIFICATE`]).
    pub fn encrypted() -> Result<Self, Missing> {
        let mut server = Self::prepared()?;
        server.certify()?;
        // Free a moment ago, and so most likely still.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0));
        let address = listener.and_then(|listener| listener.local_addr());
        server.port = address.map_err(|error| missing("a free port", &error))?.port();
        let file = |name: &str| server.folder().join(name).display().to_string();
        server.options = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", file(CERTIFICATE)),
            format!("ssl_key_file={}", file(KEY)),
        ];
        server.resume()?;
        Ok(server)
    }

    fn prepared() -> Result<Self, Missing> {
        let programs = programs()?;
        let folder = tempfile::tempdir().map_err(|error| missing("a temporary folder", &error))?;
        let run_as = run_as(folder.path())?;
        let options = vec!["listen_addresses=".to_owned()];
        let server = Self { programs, run_as, folder, port: PORT, options, process: Mutex::new(None) };
        server.initialize()?;
        Ok(server)
    }

    /// Makes a key and a certificate for `localhost`.
    fn certify(&self) -> Result<(), Missing> {
        let request = self.folder().join("request");
        std::fs::write(&request, REQUEST).map_err(|error| missing("its folder", &error))?;
        let mut command = self.command("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "2", "-keyout", KEY, "-out", CERTIFICATE, "-config"]).arg(request);
        told(&mut command, None).map(drop)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The one that other tests use, too; it ends with the last of them.
    pub fn shared() -> Result<Arc<Self>, Missing> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a database, and tells the settings with which a server uses it.
    pub fn database(&self, name: &str) -> Result<Vec<(&'static str, String)>, Missing> {
        self.query("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(vec![
            ("DB_CLIENT", "pg".to_owned()),
            ("DB_HOST", self.folder().display().to_string()),
            ("DB_PORT", self.port.to_string()),
            ("DB_DATABASE", name.to_owned()),
            ("DB_USER", USER.to_owned()),
            ("DB_PASSWORD", PASSWORD.to_owned()),
        ])
    }

    /// Runs statements; what they give, a line a row, with `|` between columns.
    pub fn query(&self, database: &str, statements: &str) -> Result<String, Missing> {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", database, "-h"]);
        command.arg(self.folder()).arg("-p").arg(self.port.to_string()).env("PGPASSWORD", PASSWORD);
        told(command.stdin(Stdio::piped()), Some(statements))
    }

    /// Stops it; whoever is connected is thrown out.
    pub fn stop(&self) {
        if let Some(mut process) = self.process().take() {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }

    /// Starts it again where it stopped.
    pub fn resume(&self) -> Result<(), Missing> {
        let mut command = self.command("sh");
        command.args(["-c", HOLD, "sh"]).arg(self.programs.join("postgres"));
        command.arg("-D").arg(self.folder().join("data")).arg("-k").arg(self.folder());
        command.args(["-p", &self.port.to_string(), "-c", "fsync=off", "-c", "max_connections=200"]);
        command.args(self.options.iter().flat_map(|option| ["-c", option.as_str()]));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(|error| missing("postgres", &error))?;
        *self.process() = Some(process);
        let deadline = Instant::now() + START;
        while self.query("postgres", "SELECT 1").is_err() {
            if Instant::now() > deadline {
                return Err(Missing("PostgreSQL did not start".to_owned()));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn initialize(&self) -> Result<(), Missing> {
        let password = self.folder().join("password");
        std::fs::write(&password, PASSWORD).map_err(|error| missing("its folder", &error))?;
        let mut command = self.command(self.programs.join("initdb"));
        command.arg("-D").arg(self.folder().join("data")).arg("--pwfile").arg(&password);
        command.args(["-U", USER, "-A", "scram-sha-256", "--no-sync", "--locale=C", "--encoding=UTF8"]);
        told(&mut command, None).map(drop)
    }

    /// A program, run by an account that PostgreSQL accepts.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = match self.run_as.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.env("LC_ALL", "C").current_dir(self.folder());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of the newest programs that are installed.
fn programs() -> Result<PathBuf, Missing> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    let told = Command::new("pg_config").arg("--bindir").output();
    folders.extend(told.map(|told| PathBuf::from(String::from_utf8_lossy(&told.stdout).trim())));
    let has_all = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file());
    let found = folders.into_iter().rev().find(has_all);
    found.ok_or_else(|| Missing("PostgreSQL is not installed (no initdb, postgres and psql in one folder)".to_owned()))
}

/// PostgreSQL refuses root. Gives the folder to another account and tells how to run programs as it.
fn run_as(folder: &Path) -> Result<Vec<String>, Missing> {
    let owner = std::fs::metadata(folder).map_err(|error| missing("its folder", &error))?.uid();
    if owner != 0 {
        return Ok(Vec::new());
    }
    for account in ["postgres", "nobody"] {
        let id = |option: &str| told(Command::new("id").args([option, account]), None);
        let (Ok(user), Ok(group)) = (id("-u"), id("-g")) else { continue };
        let (user, group) = (user.trim().to_owned(), group.trim().to_owned());
        std::os::unix::fs::chown(folder, user.parse().ok(), group.parse().ok())
            .map_err(|error| missing("its folder", &error))?;
        let options = [format!("--reuid={user}"), format!("--regid={group}")];
        let run_as = ["setpriv".to_owned()].into_iter().chain(options).chain(["--clear-groups".to_owned()]);
        return Ok(run_as.collect());
    }
    Err(Missing("PostgreSQL refuses root, and there is neither an account `postgres` nor `nobody`".to_owned()))
}

fn missing(what: &str, error: &std::io::Error) -> Missing {
    Missing(format!("{what}: {error}"))
}

/// Runs a command to its end; its output, or what it said.
fn told(command: &mut Command, input: Option<&str>) -> Result<String, Missing> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| missing(&name, &error))?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        // A program that refuses does not read; what it says is told below.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| missing(&name, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Missing(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }
}
