//! Real reverse proxies, Debian's nginx and Caddy, on loopback, with the configurations that the documentation shows.
//!
//! Invariant: the child ends with the value, by its own process id.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::{needs, oidc::free_port};

/// How long it may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running proxy.
pub struct FrontProxy {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    child: Child,
    folder: TempDir,
}

impl FrontProxy {
    /// nginx with what stands inside of `http { … }`. `{port}` is where it has to listen. One worker serves.
    pub fn nginx(http: &str) -> anyhow::Result<Self> {
        Self::nginx_with("1", http)
    }

    /// The same with another number of workers.
    pub fn nginx_with(workers: &str, http: &str) -> anyhow::Result<Self> {
        let program = needs::debian("nginx", "nginx")?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let places = places.map(|place| format!("{place}_temp_path {place};\n")).concat();
        let http = http.replace("{port}", &port.to_string());
        let text = format!(
            "daemon off;\nworker_processes {workers};\npid nginx.pid;\nerror_log stderr warn;\n\
             events {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\n{places}{http}\n}}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, text)?;
        // The folder of this user, whoever that is: workers of another could not enter it.
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        if is_root(folder.path())? {
            command.args(["-g", "user root;"]);
        }
        Self::start(command, port, folder)
    }

    /// Caddy with a site. `{port}` is where it has to listen.
    pub fn caddy(site: &str) -> anyhow::Result<Self> {
        let program = needs::debian("caddy", "caddy")?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let file = folder.path().join("Caddyfile");
        let site = site.replace("{port}", &port.to_string());
        std::fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{site}"))?;
        let mut command = Command::new(program);
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file).current_dir(folder.path());
        command.env_clear().env("HOME", folder.path());
        Self::start(command, port, folder)
    }

    fn start(mut command: Command, port: u16, folder: TempDir) -> anyhow::Result<Self> {
        let log = std::fs::File::create(folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("{command:?}"))?;
        let mut proxy = Self { port, child, folder };
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline || proxy.child.try_wait()?.is_some() {
                bail!("the proxy does not listen:\n{}", proxy.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(proxy)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The id of its process, which may have children.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn is_root(folder: &Path) -> anyhow::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata(folder)?.uid() == 0)
}

impl Drop for FrontProxy {
    /// Asked first, so that its workers end with it.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let deadline = Instant::now() + PATIENCE;
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

/// The block of a language in a page of the documentation.
pub fn snippet(page: &str, language: &str) -> anyhow::Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no checkout")?.join("docs").join(page);
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let (_, rest) = text.split_once(&format!("```{language}\n")).with_context(|| format!("no {language} in {page}"))?;
    Ok(rest.split_once("\n```").context("a block without an end")?.0.to_owned())
}
