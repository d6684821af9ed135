//! A real forward proxy, Debian's `tinyproxy`, on loopback.
//!
//! Invariant: the child ends with the value, by its own process id.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::{needs, oidc::free_port};

/// How long it may take to listen.
const START: Duration = Duration::from_secs(10);

/// A running proxy.
pub struct ForwardProxy {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    child: Child,
    log: Arc<Mutex<String>>,
    _folder: TempDir,
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl ForwardProxy {
    /// Starts one that serves anybody, or those with this name and password.
    pub async fn start(credentials: Option<(&str, &str)>) -> anyhow::Result<Self> {
        let program = needs::debian("tinyproxy-bin", "tinyproxy")?;
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let file = folder.path().join("configuration");
        let secured = credentials.map(|(name, password)| format!("BasicAuth {name} {password}\n")).unwrap_or_default();
        std::fs::write(
            &file,
            format!("Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 30\nLogLevel Connect\n{secured}"),
        )?;
        let mut command = Command::new(program);
        command.arg("-d").arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("starting tinyproxy")?;
        let log = Arc::new(Mutex::new(String::new()));
        if let Some(output) = child.stdout.take() {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        let proxy = Self { port, child, log, _folder: folder };
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if Instant::now() > deadline {
                bail!("tinyproxy does not listen:\n{}", proxy.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(proxy)
    }

    /// What it wrote so far: a line a request.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has written a text so many times: what it writes arrives here after what it does.
    pub async fn logged(&self, text: &str, times: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        while self.log().matches(text).count() < times {
            if Instant::now() >= deadline {
                bail!("the proxy did not write {text:?} {times} times:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// A port that speaks TLS and leads to the proxy, which itself speaks none.
    pub async fn behind_tls(&self, config: ServerConfig) -> anyhow::Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, inner, tls) = (listener.local_addr()?.port(), self.port, TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tls = tls.clone();
                tokio::spawn(async move {
                    let mut outside = tls.accept(stream).await?;
                    let mut inside = TcpStream::connect(("127.0.0.1", inner)).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Ok(port)
    }
}
