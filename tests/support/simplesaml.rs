//! Another real SAML provider for one test: Debian's `SimpleSAMLphp` in PHP's own web server, on loopback.
//!
//! Invariant: nothing is installed, and the server ends with the value. Whoever comes is signed in as `alice`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::oidc::free_port;
use crate::{needs, saml};

/// What is unpacked of Debian 12, whose PHP and `SimpleSAMLphp` fit each other.
const DEBIAN: [&str; 13] = [
    "simplesamlphp",
    "php8.2-cli",
    "php8.2-common",
    "php8.2-xml",
    "php8.2-mbstring",
    "php8.2-readline",
    "libargon2-1",
    "libsodium23",
    "libxslt1.1",
    "libonig5",
    "libmagic1",
    "libxml2",
    "libedit2",
];

/// What it needs of PHP.
const EXTENSIONS: [&str; 11] =
    ["ctype", "dom", "simplexml", "tokenizer", "xml", "mbstring", "posix", "iconv", "phar", "xmlwriter", "xmlreader"];

/// How long it may take to listen.
const START: Duration = Duration::from_secs(20);

/// A running provider.
pub struct SimpleSaml {
    /// Where it is.
    pub base: String,
    child: Child,
    _folder: TempDir,
}

impl Drop for SimpleSaml {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl SimpleSaml {
    /// Starts one for a service at `<public url>/auth/login/<name>`, that encrypts or not.
    pub async fn start(service: &str, encrypts: bool) -> anyhow::Result<Self> {
        let root = needs::debian_root("simplesamlphp", &DEBIAN)?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        for name in ["idp.key.pem", "idp.crt", "sp.crt"] {
            std::fs::copy(saml::key(name), folder.path().join(name))?;
        }
        let base = format!("http://127.0.0.1:{port}");
        let extensions = root.join("usr/lib/php/20220829");
        ensure!(extensions.is_dir(), needs::Skip(format!("no extensions of PHP in {}", extensions.display())));
        let mut command = Command::new(root.join("usr/bin/php8.2"));
        command.arg("-n").arg("-d").arg(format!("extension_dir={}", extensions.display()));
        for extension in EXTENSIONS {
            command.args(["-d", &format!("extension={extension}")]);
        }
        command.args(["-d", "date.timezone=UTC", "-d", "display_errors=0", "-d", "output_buffering=1048576"]);
        command.arg("-S").arg(format!("127.0.0.1:{port}")).arg("-t").arg(root.join("usr/share/simplesamlphp/www"));
        let libraries = root.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
        let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/simplesaml");
        command.env("LD_LIBRARY_PATH", libraries).env("SIMPLESAMLPHP_CONFIG_DIR", settings);
        command.env("FOLDER", folder.path()).env("BASE", &base).env("SP", service);
        command.env("ENCRYPT", if encrypts { "1" } else { "0" });
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().context("starting PHP")?;
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = child.try_wait()? {
                return Err(needs::Skip(format!("PHP of Debian does not run here: {status}")).into());
            }
            if Instant::now() > deadline {
                bail!("PHP does not listen");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { base, child, _folder: folder })
    }
}
