//! A collector of OpenTelemetry, which reads what it is sent with the project's own definitions (`opentelemetry-proto` of Python).
//!
//! Invariant: the child ends with the value, by its own process id.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::needs;

/// What is installed for Python.
const PYTHON: [&str; 1] = ["opentelemetry-proto==1.45.2"];

/// How long it may take to start, and what is awaited to arrive, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often what cannot be awaited is looked at.
const POLL: Duration = Duration::from_millis(10);

/// A running collector.
pub struct Collector {
    /// Where it listens.
    pub url: String,
    child: Child,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Collector {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Self> {
        let (python, modules) = (needs::program("python3")?, needs::python("python-otlp", &PYTHON)?);
        let mut command = Command::new(python);
        command.args(["-W", "ignore"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("support/collector.py"));
        command.env("PYTHONPATH", modules).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("starting the collector")?;
        let output = child.stdout.take().context("no standard output")?;
        let spans = Arc::new(Mutex::new(Vec::new()));
        let (kept, (sender, told)) = (Arc::clone(&spans), tokio::sync::oneshot::channel());
        std::thread::spawn(move || {
            let mut sender = Some(sender);
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
                match sender.take() {
                    Some(sender) => drop(sender.send(line)),
                    None => kept.lock().unwrap().push(line),
                }
            }
        });
        let told = tokio::time::timeout(PATIENCE, told).await.context("the collector does not start")?;
        let port = told.context("the collector has ended")?["port"].as_u64().context("no port")?;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), child, spans })
    }

    /// The spans so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Value> {
        self.spans.lock().unwrap().clone()
    }

    /// The spans, as soon as one of them has this name.
    pub async fn spans_with(&self, name: &str) -> anyhow::Result<Vec<Value>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let spans = self.spans();
            if spans.iter().any(|span| span["name"] == name) {
                return Ok(spans);
            }
            ensure!(Instant::now() < deadline, "no span {name:?}: {spans:#?}");
            tokio::time::sleep(POLL).await;
        }
    }
}
