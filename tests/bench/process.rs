//! The server as a process of its own, and what the system says of it.
//!
//! Unlike the server of the tests it writes to a file, so that nobody spends time reading its log along, and its data
//! lies beside this program, on a real disk.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use e2e::client::{Client, Request};
use e2e::directus::Directus;
use e2e::server::SECRET;

/// The first start compiles the components.
const START: Duration = Duration::from_mins(2);
/// How often the log is looked at while the server starts: little beside what a start takes.
const LOOK: Duration = Duration::from_micros(200);
/// How long a server may take to end.
const END: Duration = Duration::from_secs(15);

/// Clock ticks a second in `/proc`, the same on every Linux that this runs on.
const TICKS: u32 = 100;

/// A server that is put under load, whoever started it.
pub(crate) trait Served {
    /// Where it listens.
    fn address(&self) -> SocketAddr;
    /// The id of its process.
    fn id(&self) -> u32;
    /// What it wrote.
    fn log(&self) -> String;

    /// The processor time it has used.
    fn processor_time(&self) -> anyhow::Result<Duration> {
        processor_time(&format!("/proc/{}/stat", self.id()))
    }

    /// Its resident memory in bytes.
    fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }

    /// Its share of the memory: pages that several mappings show count once.
    fn proportional(&self) -> anyhow::Result<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }
}

impl Served for Process {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Served for Directus {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn id(&self) -> u32 {
        Directus::id(self)
    }

    fn log(&self) -> String {
        Directus::log(self)
    }
}

/// A running server. Dropping it ends it.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    /// From the start of the process to the answer to its first request.
    pub(crate) start: Duration,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a server on a data folder and waits for its first `pong`.
    pub(crate) fn start(data: &Path, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::of(Command::new(binary()?), data, env)
    }

    /// The same of a program that has a server in it; what it sets in its environment stays.
    pub(crate) fn of(mut command: Command, data: &Path, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let log = data.join("log");
        let output = std::fs::File::create(&log)?;
        let own: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        command.env_clear();
        command.envs(own.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.env("GATEWIT_DATA", data).env("HOST", "127.0.0.1").env("PORT", "0").env("SECRET", SECRET);
        command.env("LOG_LEVEL", "warn").env("LOGIN_STALL_TIME", "0").envs(env.iter().copied()).current_dir(data);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let started = Instant::now();
        let child = command.spawn().context("starting the server")?;
        let mut process = Self { address: SocketAddr::from(([0, 0, 0, 0], 0)), start: Duration::ZERO, child, log };
        process.address = process.wait(started + START)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let pong = runtime.block_on(Client::new(process.address).send(&Request::new("GET", "/server/ping")))?;
        process.start = started.elapsed();
        anyhow::ensure!(pong.body == b"pong", "the server does not answer: {pong:?}");
        Ok(process)
    }

    fn wait(&mut self, deadline: Instant) -> anyhow::Result<SocketAddr> {
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            if let Some((_, rest)) = self.log().split_once("http://")
                && let Some((address, _)) = rest.split_once('\n')
            {
                return Ok(address.parse()?);
            }
            std::thread::sleep(LOOK);
        }
        bail!("the server did not start:\n{}", self.log())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let deadline = Instant::now() + if asked.is_ok_and(|status| status.success()) { END } else { Duration::ZERO };
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The processor time of the calling thread.
pub(crate) fn thread_time() -> anyhow::Result<Duration> {
    processor_time("/proc/thread-self/stat")
}

/// User and system time, fields 14 and 15 of `proc_pid_stat(5)`; the name in field 2 may hold anything.
pub(crate) fn processor_time(file: &str) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(file)?;
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace()).context("stat")?;
    let ticks: u32 = fields.skip(11).take(2).map(|field| field.parse().unwrap_or(0)).sum();
    Ok(Duration::from_secs(1) * ticks / TICKS)
}

/// What starting the program takes when it does nothing: it says its version.
pub(crate) fn bare_start() -> anyhow::Result<Duration> {
    let started = Instant::now();
    let output = Command::new(binary()?).arg("--version").output()?;
    anyhow::ensure!(output.status.success(), "gatewit --version fails");
    Ok(started.elapsed())
}

/// `GATEWIT_BIN`, or `gatewit` beside this program.
fn binary() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("GATEWIT_BIN").map(PathBuf::from);
    let path = named.map_or_else(|| Ok(folder()?.join("gatewit")), anyhow::Ok)?;
    anyhow::ensure!(path.is_file(), "{} is missing: `cargo just build` makes it", path.display());
    Ok(path)
}

/// Where this program is.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().context("no folder")?.to_owned())
}
