//! The pages under `/admin` in a real Chromium: against the server as it is built, its components, a real OpenID provider and
//! real mails.
//!
//! The scripts are in `pages/`, one test each; what they share is with those of the SDK. Pictures of all pages, in light, in
//! dark and on a telephone, are kept in `<target>/tmp/pages`, with an `index.html` for people. Without Node, npm, a browser or
//! a registry they are skipped by name.

use std::path::PathBuf;

use anyhow::Context as _;
use e2e::mail;
use e2e::runner::{Part, Test};

use crate::sdk_web;

const SCRIPTS: [&str; 5] = ["served", "persons", "providers", "administration", "looks"];

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    let test = |name: &'static str| Test::in_parts(format!("pages::{name}"), move || script(name));
    SCRIPTS.into_iter().map(test).collect()
}

async fn script(name: &str) -> anyhow::Result<Vec<Part>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).context("no path of this test binary")?;
    let report = target.join("tmp/pages");
    let wasm = std::env::var_os("GATEWIT_WASM").map_or_else(|| target.join("wasm"), PathBuf::from);
    let more = [("MAIL_MODULES", mail::modules()?), ("GATEWIT_WASM", wasm), ("REPORT", report.clone())];
    let parts = sdk_web::script("pages", name, true, &more).await?;
    if name == "looks" {
        println!("pages   {}", report.join("index.html").display());
    }
    Ok(parts)
}
