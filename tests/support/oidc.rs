//! A real OpenID provider for one test: `oidc-provider` of npm, a certified server, run by Node.
//!
//! Invariant: it listens on the loopback address only and ends with the value.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

use crate::traveller::Traveller;
use crate::{mail, needs};

/// What is installed.
const PACKAGES: [(&str, &str); 1] = [("oidc-provider", "9.13.2")];

/// How long it may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The client that every provider knows: its name and secret.
pub const CLIENT: (&str, &str) = ("gatewit", "a secret that both know, long enough for HS256");

/// A running provider. Dropping it ends it.
pub struct Provider {
    /// Its issuer.
    pub issuer: String,
    child: Child,
    asked: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
    tls: bool,
}

/// How a provider is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Whether it speaks TLS, with a certificate that nobody knows.
    pub tls: bool,
    /// What its client is like besides the name, secret and addresses.
    pub client: Value,
    /// Settings besides those that every provider of the tests has.
    pub settings: Value,
}

impl Provider {
    /// Starts a provider to which browsers come from a server at `public_url`.
    pub async fn start(public_url: &str, providers: &[&str], options: Options) -> anyhow::Result<Self> {
        let (node, openssl) = (needs::program("node")?, needs::program("openssl")?);
        let modules = modules()?;
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(node);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("support/oidc.mjs"));
        command.env("MODULES", modules).env("PORT", options.port.to_string());
        if options.tls {
            let (certificate, key) = mail::certify(&openssl, folder.path())?;
            command.env("CERTIFICATE", certificate).env("KEY", key);
        }
        let at = |rest: &str| {
            providers.iter().map(|name| format!("{public_url}/auth/login/{name}{rest}")).collect::<Vec<_>>()
        };
        let mut client = json!({
            "client_id": CLIENT.0,
            "client_secret": CLIENT.1,
            "redirect_uris": at("/callback"),
            "post_logout_redirect_uris": [format!("{public_url}/bye")],
            "backchannel_logout_uri": at("/backchannel-logout").first(),
            "backchannel_logout_session_required": true,
            "grant_types": ["authorization_code", "refresh_token"],
        });
        for (name, value) in options.client.as_object().into_iter().flatten() {
            client[name] = value.clone();
        }
        command.env("CLIENTS", json!([client]).to_string()).env(
            "SETTINGS",
            match &options.settings {
                Value::Null => "{}".to_owned(),
                settings => settings.to_string(),
            },
        );
        command.env("ACCOUNTS", accounts().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("starting the provider")?;
        let output = child.stdout.take().context("no standard output")?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (tell, mut told) = unbounded_channel();
        let record = Arc::clone(&asked);
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            for event in lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok()) {
                match event["kind"].as_str() {
                    Some("asked") => record.lock().unwrap().push(format!(
                        "{} {}",
                        event["method"].as_str().unwrap_or_default(),
                        event["path"].as_str().unwrap_or_default()
                    )),
                    _ => drop(tell.send(event)),
                }
            }
        });
        let listening = tokio::time::timeout(PATIENCE, told.recv()).await;
        let port = listening.context("the provider does not start")?.context("the provider has ended")?;
        let scheme = if options.tls { "https" } else { "http" };
        let issuer = format!("{scheme}://127.0.0.1:{}", port["port"].as_u64().context("no port")?);
        Ok(Self { issuer, child, asked, folder, tls: options.tls })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.issuer.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default()
    }

    /// The file of its certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// What it was asked since the last look, of what `counts`: `GET /jwks`. Waits for so many, because what it writes
    /// arrives here after what it does.
    pub async fn asked(&self, at_least: usize, counts: fn(&str) -> bool) -> anyhow::Result<Vec<String>> {
        let deadline = Instant::now() + PATIENCE;
        while self.asked.lock().unwrap().iter().filter(|asked| counts(asked)).count() < at_least {
            ensure!(Instant::now() < deadline, "it was asked only {:?}", self.asked.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        Ok(asked.into_iter().filter(|asked| counts(asked)).collect())
    }

    /// A browser that trusts it.
    pub fn browser(&self) -> anyhow::Result<Traveller> {
        if !self.tls {
            return Ok(Traveller::default());
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.certificate())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(Traveller::trusting(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }

    /// Ends it as if its machine had gone.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder that its package is installed in.
pub fn modules() -> anyhow::Result<PathBuf> {
    needs::packages("npm-oidc", &PACKAGES)
}

/// The people there.
fn accounts() -> Value {
    let person = |name: &str, verified: bool, groups: &[&str]| {
        json!({
            "email": format!("{name}@idp.example.com"),
            "email_verified": verified,
            "given_name": format!("{}{}", name[..1].to_uppercase(), &name[1..]),
            "family_name": "Idp",
            "groups": groups,
        })
    };
    json!({
        "alice": person("alice", true, &["staff", "editors"]),
        "bob": person("bob", true, &[]),
        "erin": person("erin", false, &[]),
        // Has the address of an account that is here.
        "carol": { "email": "user@example.com", "email_verified": true, "given_name": "Carol" },
        "dave": person("dave", true, &[]),
    })
}

/// A port that nobody listens on, for a server that has to know its own address before it starts.
pub fn free_port() -> anyhow::Result<u16> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    ensure!(port != 0, "no port");
    Ok(port)
}
