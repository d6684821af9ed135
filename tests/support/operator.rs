//! An operator: sends components, goes back, makes providers, as administrators do over `/gatewit`.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::calls::{ADMIN, Caller};
use crate::client::{Request, Response};
use crate::server::TestServer;

/// An administrator who operates a server.
pub struct Operator(Caller);

impl Operator {
    /// Signs in.
    pub async fn new(server: &TestServer) -> anyhow::Result<Self> {
        Ok(Self(Caller::new(server, ADMIN).await?))
    }

    /// Whose requests these are.
    pub fn caller(&mut self) -> &mut Caller {
        &mut self.0
    }

    /// Sends a component. `how` is the query, from its question mark on.
    pub async fn upload(&mut self, name: &str, wasm: &[u8], how: &str) -> anyhow::Result<Response> {
        self.upload_signed(name, wasm, how, None).await
    }

    /// Sends a component with a signature, in base64.
    pub async fn upload_signed(
        &mut self,
        name: &str,
        wasm: &[u8],
        how: &str,
        signature: Option<&str>,
    ) -> anyhow::Result<Response> {
        let request = Request::new("PUT", &format!("/gatewit/components/{name}{how}"));
        let request = request.header("Authorization", &format!("Bearer {}", self.0.token));
        let request = signature.into_iter().fold(request, |request, text| request.header("Gatewit-Signature", text));
        self.0.client().send(&request.file("application/wasm", wasm)).await
    }

    /// Sends a component that is taken.
    pub async fn swap(&mut self, name: &str, wasm: &[u8]) -> anyhow::Result<Value> {
        let answer = self.upload(name, wasm, "").await?;
        ensure!(answer.status == 200, "{name}: {} {}", answer.status, answer.text());
        Ok(answer.json()?["data"].clone())
    }

    /// What is served under a name.
    pub async fn component(&mut self, name: &str) -> anyhow::Result<Value> {
        self.0.get(&format!("/gatewit/components/{name}")).await
    }

    /// The digest of what serves under a name; empty if nothing does.
    pub async fn serving(&mut self, name: &str) -> anyhow::Result<String> {
        Ok(self.component(name).await?["current"]["digest"].as_str().unwrap_or_default().to_owned())
    }

    /// Does something with a component: `rollback`, `promote`, `end-trial`.
    pub async fn act(&mut self, name: &str, act: &str) -> anyhow::Result<Response> {
        self.0.send("POST", &format!("/gatewit/components/{name}/{act}"), &Value::Null).await
    }

    /// How often what watches answered the same and differently, once that does not change any more. Asking is watched, too, so
    /// there is a stretch without any question.
    pub async fn settled(&mut self, name: &str) -> anyhow::Result<(u64, u64)> {
        let mut last = None;
        loop {
            let trial = self.component(name).await?["trial"].clone();
            let count = |kind: &str| trial[kind].as_u64().with_context(|| format!("no trial of {name}: {trial}"));
            // Each question but this one has been shown by now, and there were none but these.
            let now = (count("same")?, count("different")?);
            let asked = u64::from(name == "auth");
            if last.is_some_and(|(same, different): (u64, u64)| now.0 + now.1 <= same + different + asked) {
                return Ok(now);
            }
            last = Some(now);
            tokio::time::sleep(STRETCH).await;
        }
    }

    /// Waits until something is so.
    pub async fn until(&mut self, name: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.0.send("GET", &format!("/gatewit/components/{name}"), &Value::Null).await?;
            let component = answer.json()?["data"].clone();
            if answer.status == 200 && is_so(&component) {
                return Ok(component);
            }
            ensure!(std::time::Instant::now() < deadline, "{component}");
            tokio::time::sleep(POLL).await;
        }
    }
}

/// How long a change may take to be seen: another host asks once a second.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
/// So long nothing is asked, for what watches to be through.
const STRETCH: std::time::Duration = std::time::Duration::from_millis(300);
/// How often it is looked for.
const POLL: std::time::Duration = std::time::Duration::from_millis(20);

/// The same component with another digest: with a section of its own at the end, which means nothing.
#[must_use]
pub fn variant(wasm: &[u8], mark: u8) -> Vec<u8> {
    let name = b"mark";
    let mut section =
        vec![0, 2 + u8::try_from(name.len()).unwrap_or_default(), u8::try_from(name.len()).unwrap_or_default()];
    section.extend_from_slice(name);
    section.push(mark);
    [wasm, &section].concat()
}

/// The digest of a component, as the server tells it.
#[must_use]
pub fn digest(wasm: &[u8]) -> String {
    hex(&Sha256::digest(wasm))
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
