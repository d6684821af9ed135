//! The official client of Directus, from its registry, against the server: every call that concerns accounts, in each
//! of its modes, each counted by its name.
//!
//! `sdk.mjs` and the files in `sdk/` are the script. Without Node, npm or a registry it is skipped by name.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, bail, ensure};
use e2e::calls::quick;
use e2e::mail::MailServer;
use e2e::needs;
use e2e::runner::{Part, Test};
use e2e::server::TestServer;
use serde_json::json;

/// The release that the server's behaviour was measured with.
pub(crate) const VERSION: &str = "26.0.0";

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    vec![Test::in_parts("sdk", every_call_in_every_mode)]
}

async fn every_call_in_every_mode() -> anyhow::Result<Vec<Part>> {
    let node = needs::program("node")?;
    let sdk = needs::packages("npm-sdk", &[("@directus/sdk", VERSION)])?;
    let mut mail = MailServer::start().await?;
    let more = [
        ("AUTH_PROVIDERS", "staff"),
        ("AUTH_STAFF_DRIVER", "local"),
        ("RATE_LIMITER_REGISTRATION_ENABLED", "false"),
        ("REGISTER_STALL_TIME", "0"),
        ("PUBLIC_URL", "http://127.0.0.1"),
        ("USER_INVITE_URL_ALLOW_LIST", "https://app.example.com/welcome"),
    ];
    let server = TestServer::seeded(&quick(&mail.settings(&more))).await?;
    let mut script = Command::new(node);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/sdk.mjs"));
    script.env("SERVER", format!("http://{}", server.address)).env("SDK", &sdk);
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().context("running node")?;
    let mut letters = child.stdin.take().context("no standard input")?;
    let mut output = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = loop {
        tokio::select! {
            ended = &mut output => break ended??,
            // No letter for a while is for the script to judge.
            letter = mail.next_letter() => if let Ok(letter) = letter {
                writeln!(letters, "{}", json!({"recipients": letter.recipients, "text": letter.text}))?;
            },
        }
    };
    parts(&output)
}

/// What a script said of its checks. One that did not come to its end has said too little.
pub(crate) fn parts(output: &Output) -> anyhow::Result<Vec<Part>> {
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut parts = Vec::new();
    for line in text.lines() {
        let part = if let Some(name) = line.strip_prefix("ok ") {
            Part { name: name.to_owned(), failure: None }
        } else if let Some((name, why)) = line.strip_prefix("not ok ").and_then(|line| line.split_once("): ")) {
            Part { name: format!("{name})"), failure: Some(why.to_owned()) }
        } else if line.starts_with("finished ") {
            let failed = parts.iter().filter(|part: &&Part| part.failure.is_some()).count();
            ensure!(line == format!("finished {failed}") && !parts.is_empty(), "{line}, but {failed} were told");
            return Ok(parts);
        } else {
            bail!("the script said {line:?}\n{errors}");
        };
        parts.push(part);
    }
    bail!("the script was cut short\n{text}{errors}")
}
