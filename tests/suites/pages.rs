//! The pages under `/admin` in a real Chromium: against the server as it is built, its components, a real OpenID provider and
//! real mails.
//!
//! The scripts are in `pages/`, one test each; what they share is with those of the SDK. `directory` needs `slapd`. Pictures of all pages, in light, in
//! dark and on a telephone, are kept in `<target>/tmp/pages`, with an `index.html` for people. Without Node, npm, a browser or
//! a registry they are skipped by name.

use std::ffi::OsString;

use anyhow::Context as _;
use e2e::mail;
use e2e::runner::{Part, Test};
use e2e::slapd::{Options, ROOT, SERVICE, Slapd};
use serde_json::json;

use crate::sdk_web;

const SCRIPTS: [&str; 5] = ["served", "persons", "providers", "administration", "looks"];

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    let test = |name: &'static str| Test::in_parts(format!("pages::{name}"), move || script(name, vec![]));
    SCRIPTS.into_iter().map(test).chain([Test::in_parts("pages::directory", directory)]).collect()
}

/// The script about passwords of a directory, with one that runs while it does.
async fn directory() -> anyhow::Result<Vec<Part>> {
    let slapd = Slapd::start(&Options::default()).await?;
    let settings = json!({
        "DRIVER": "ldap",
        "CLIENT_URL": format!("ldap://127.0.0.1:{}", slapd.port),
        "BIND_DN": SERVICE.0,
        "BIND_PASSWORD": SERVICE.1,
        "USER_DN": format!("ou=people,{ROOT}"),
    });
    script("directory", vec![("DIRECTORY", settings.to_string().into())]).await
}

async fn script(name: &str, mut more: Vec<(&'static str, OsString)>) -> anyhow::Result<Vec<Part>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).context("no path of this test binary")?;
    let report = target.join("tmp/pages");
    let wasm = std::env::var_os("GATEWIT_WASM").unwrap_or_else(|| target.join("wasm").into());
    more.extend([("MAIL_MODULES", mail::modules()?.into()), ("GATEWIT_WASM", wasm), ("REPORT", report.clone().into())]);
    let parts = sdk_web::script("pages", name, true, &more).await?;
    if name == "looks" {
        println!("pages   {}", report.join("index.html").display());
    }
    Ok(parts)
}
