//! A real OCI registry, Debian's `docker-registry`, on loopback.
//!
//! Invariant: the child ends with the value, by its own process id, and takes what is in it along.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{authority::Authority, needs, oidc::free_port};

/// How long it may take to listen.
const START: Duration = Duration::from_secs(20);

/// The name and the password that a registry with a lock knows.
pub const ACCOUNT: (&str, &str) = ("ada", "open sesame");

/// The same as such a registry keeps it.
const LOCK: &str = "ada:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n";

/// A running registry.
pub struct Registry {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    child: Child,
    folder: TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Registry {
    /// Starts one for everybody.
    pub async fn start() -> anyhow::Result<Self> {
        Self::serve(false, None).await
    }

    /// Starts one that only [`ACCOUNT`] may use.
    pub async fn locked() -> anyhow::Result<Self> {
        Self::serve(true, None).await
    }

    /// Starts one that speaks TLS, certified by this authority.
    pub async fn encrypted(authority: &Authority) -> anyhow::Result<Self> {
        Self::serve(false, Some(authority)).await
    }

    async fn serve(locked: bool, authority: Option<&Authority>) -> anyhow::Result<Self> {
        let program = needs::debian("docker-registry", "docker-registry")?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let file = |name: &str| folder.path().join(name);
        let mut text = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            file("data").display()
        );
        if let Some(authority) = authority {
            let (certificate, key) = (authority.certificate("server"), authority.key("server"));
            writeln!(text, "  tls: {{ certificate: {}, key: {} }}", certificate.display(), key.display())?;
        }
        if locked {
            std::fs::write(file("lock"), LOCK)?;
            writeln!(text, "auth: {{ htpasswd: {{ realm: tests, path: {} }} }}", file("lock").display())?;
        }
        std::fs::write(file("configuration.yml"), text)?;
        let mut command = Command::new(program);
        command.arg("serve").arg(file("configuration.yml")).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().context("starting docker-registry")?;
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("docker-registry has ended: {status}");
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                bail!("docker-registry does not listen");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { port, child, folder })
    }

    /// Its host and port, as names say them.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The name of something in it: a repository, and `:tag` or `@digest`.
    #[must_use]
    pub fn name(&self, rest: &str) -> String {
        format!("oci://{}/{rest}", self.host())
    }

    /// The file in which it keeps what has this digest, for whoever damages it.
    pub fn file(&self, digest: &str) -> anyhow::Result<PathBuf> {
        let letters = digest.strip_prefix("sha256:").context("a digest of SHA-256")?;
        let first = letters.get(..2).context("a whole digest")?;
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        Ok(blobs.join(first).join(letters).join("data"))
    }
}
