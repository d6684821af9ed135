//! A real SMTP server for one test, and the letters that it was given: `smtp-server` and `mailparser` of npm, run by
//! Node.
//!
//! Invariant: the server listens on the loopback address only and ends with the value.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::needs;

/// What is installed: the server and what reads letters.
const PACKAGES: [(&str, &str); 2] = [("smtp-server", "3.21.6"), ("mailparser", "3.9.0")];

/// How long a letter, or anything else that should happen, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate for this machine and nobody else, signed with its own key.
const CERTIFICATE: &str = "[req]\ndistinguished_name = name\nx509_extensions = facts\nprompt = no\n\
     [name]\nCN = localhost\n\
     [facts]\nsubjectAltName = DNS:localhost, IP:127.0.0.1\nbasicConstraints = critical, CA:FALSE\n";

/// When TLS begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    #[default]
    None,
    /// When the client asks for it.
    StartTls,
    /// At once.
    FirstByte,
}

/// How a server is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// When TLS begins.
    pub tls: Tls,
    /// `name:password` that clients must sign in with.
    pub account: Option<&'a str>,
}

/// How a server treats recipients.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Takes letters for them.
    Take,
    /// There are no such people.
    Refuse,
    /// Not now.
    Later,
    /// Says nothing.
    Hang,
}

/// A letter that was taken.
#[derive(Clone, Debug, Deserialize)]
pub struct Letter {
    /// The sender of the envelope.
    pub sender: String,
    /// The recipients of the envelope.
    pub recipients: Vec<String>,
    /// `From` as people see it.
    pub from: String,
    /// `To` as people see it.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The page.
    pub html: String,
    /// Headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Did it come by TLS?
    pub secure: bool,
    /// Who had signed in.
    pub user: Option<String>,
}

/// The folder in which the packages of the server are installed.
pub fn modules() -> anyhow::Result<PathBuf> {
    needs::packages("npm-mail", &PACKAGES)
}

impl Letter {
    /// The first link in the text.
    pub fn link(&self) -> anyhow::Result<&str> {
        let is_link = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
        self.text.split_whitespace().find(is_link).with_context(|| format!("no link in: {}", self.text))
    }

    /// The token in that link.
    pub fn token(&self) -> anyhow::Result<&str> {
        let link = self.link()?;
        let (_, token) = link.split_once("token=").with_context(|| format!("no token in: {link}"))?;
        Ok(token.split('&').next().unwrap_or(token))
    }
}

/// A running server. Dropping it ends it.
pub struct MailServer {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    child: Child,
    orders: ChildStdin,
    told: UnboundedReceiver<Value>,
    folder: TempDir,
    /// What a client is told about it.
    environment: Vec<(&'static str, String)>,
}

impl MailServer {
    /// Starts a server that takes everything from everybody.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(Options::default()).await
    }

    /// Starts a server that is set up so.
    pub async fn with(options: Options<'_>) -> anyhow::Result<Self> {
        let (node, openssl) = (needs::program("node")?, needs::program("openssl")?);
        let modules = modules()?;
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(node);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("support/smtp.mjs"));
        command.env("MODULES", modules).env("PORT", options.port.to_string());
        command.env("ACCOUNT", options.account.unwrap_or_default());
        if options.tls == Tls::None {
            command.env("TLS", "none");
        } else {
            let (certificate, key) = certify(&openssl, folder.path())?;
            command.env("TLS", if options.tls == Tls::FirstByte { "first-byte" } else { "start" });
            command.env("CERTIFICATE", certificate).env("KEY", key);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().context("starting the SMTP server")?;
        let orders = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        let (tell, told) = unbounded_channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let told = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
            told.for_each(|event| drop(tell.send(event)));
        });
        let mut server = Self { port: 0, child, orders, told, folder, environment: Vec::new() };
        let port = server.next("listening").await?["port"].as_u64().context("no port")?;
        server.port = u16::try_from(port)?;
        server.environment = server.describe(options);
        Ok(server)
    }

    /// What a client must be told to send letters to it: variables of Directus's.
    fn describe(&self, options: Options<'_>) -> Vec<(&'static str, String)> {
        let mut environment = vec![
            ("EMAIL_TRANSPORT", "smtp".to_owned()),
            ("EMAIL_SMTP_HOST", "127.0.0.1".to_owned()),
            ("EMAIL_SMTP_PORT", self.port.to_string()),
            ("GATEWIT_MAIL_RETRY_AFTER", "50ms".to_owned()),
        ];
        if let Some((user, password)) = options.account.and_then(|account| account.split_once(':')) {
            environment.extend([("EMAIL_SMTP_USER", user.to_owned()), ("EMAIL_SMTP_PASSWORD", password.to_owned())]);
        }
        if options.tls != Tls::None {
            let certificate = self.folder.path().join("certificate.pem").display().to_string();
            environment.push(("EMAIL_SMTP_TLS_CA_FILE", certificate));
            environment.push(("EMAIL_SMTP_SECURE", (options.tls == Tls::FirstByte).to_string()));
        }
        environment
    }

    /// Settings of a Gatewit that sends its letters here, and more.
    #[must_use]
    pub fn settings<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = self.environment.iter().map(|(name, value)| (*name, value.as_str()));
        own.chain(more.iter().copied()).collect()
    }

    /// Changes how recipients are treated, and returns when it holds.
    pub async fn treat(&mut self, manner: Manner) -> anyhow::Result<()> {
        let word = match manner {
            Manner::Take => "take",
            Manner::Refuse => "refuse",
            Manner::Later => "later",
            Manner::Hang => "hang",
        };
        writeln!(self.orders, "{word}")?;
        self.orders.flush()?;
        self.next("manner").await.map(drop)
    }

    /// Waits for the next letter.
    pub async fn next_letter(&mut self) -> anyhow::Result<Letter> {
        Ok(serde_json::from_value(self.next("letter").await?)?)
    }

    /// Waits until a client asks whether it may send to somebody, and returns whom.
    pub async fn next_recipient(&mut self) -> anyhow::Result<String> {
        let event = self.next("asked").await?;
        Ok(event["recipient"].as_str().context("no recipient")?.to_owned())
    }

    /// How often something of this kind was told since the last look: `connected`, `signed-in`, `letter`.
    pub fn count(&mut self, kind: &str) -> usize {
        std::iter::from_fn(|| self.told.try_recv().ok()).filter(|event| event["kind"] == kind).count()
    }

    /// Waits for the next event of a kind; others are dropped.
    async fn next(&mut self, kind: &str) -> anyhow::Result<Value> {
        let found = async {
            while let Some(event) = self.told.recv().await {
                if event["kind"] == kind {
                    return Ok(event);
                }
            }
            bail!("the SMTP server has ended")
        };
        tokio::time::timeout(PATIENCE, found).await.with_context(|| format!("no {kind:?} of the SMTP server"))?
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a certificate and its key in a folder.
pub(crate) fn certify(openssl: &Path, folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let [config, certificate, key] = ["openssl.cnf", "certificate.pem", "key.pem"].map(|name| folder.join(name));
    std::fs::write(&config, CERTIFICATE)?;
    let mut command = Command::new(openssl);
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.arg("-config").arg(&config).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let output = command.output().context("running openssl")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    Ok((certificate, key))
}
