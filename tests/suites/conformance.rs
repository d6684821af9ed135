//! `gatewit driver test`: every driver of the server keeps the contract by it, and guests that misbehave are told apart by the
//! rule that they break.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use e2e::directory::{self, Directory};
use e2e::{guests, server};
use serde_json::Value;

use crate::guests::{CONFUSED, MISNAMED, ROGUE, SLOPPY, TRESPASSER};

e2e::suite! {
    every_driver_of_the_server_passes,
    each_misbehaviour_is_found_by_its_rule,
    carelessness_is_found_rule_by_rule,
    what_is_no_driver_is_told,
    people_are_told_what_to_do,
}

/// Runs the check: its report as JSON, and whether it says that all is well.
pub(crate) async fn test_driver(file: &Path, settings: &[&str]) -> anyhow::Result<(Value, bool)> {
    let folder = tempfile::tempdir()?;
    let mut command = server::command(folder.path(), &[])?;
    command.args(["driver", "test", "--json"]).arg(file).stdin(Stdio::null());
    for setting in settings {
        command.args(["--setting", setting]);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let told = String::from_utf8_lossy(&output.stdout);
    let line = told.lines().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("{told}{}", String::from_utf8_lossy(&output.stderr)))?;
    let report: Value = serde_json::from_str(line)?;
    ensure!(report["passed"] == output.status.success(), "{}: {report}", output.status);
    Ok((report, output.status.success()))
}

/// The names of the checks with this outcome.
fn with(report: &Value, outcome: &str) -> Vec<String> {
    let checks = report["checks"].as_array().into_iter().flatten();
    let found = checks.filter(|check| check["outcome"] == outcome);
    found.filter_map(|check| check["name"].as_str()).map(ToOwned::to_owned).collect()
}

async fn every_driver_of_the_server_passes() -> anyhow::Result<()> {
    // A directory that takes an empty password for a guest, as they do.
    let directory = Directory::start(None)?;
    let ldap = [
        format!("client-url=ldap://127.0.0.1:{}", directory.port),
        format!("bind-dn={}", directory::SERVICE.0),
        format!("bind-password={}", directory::SERVICE.1),
        "user-dn=ou=people".to_owned(),
    ];
    let ldap: Vec<_> = ldap.iter().map(String::as_str).collect();
    for (name, least) in [("local", 18), ("ldap", 19), ("oauth2", 26), ("openid", 20), ("saml", 20)] {
        let settings = match name {
            "ldap" => ldap.as_slice(),
            "oauth2" | "openid" => &["client-secret=what-both-know-and-nobody-else"],
            _ => &[],
        };
        let (report, passed) = test_driver(&guests::first_party(name)?, settings).await?;
        ensure!(passed, "{name}: {report:#}");
        let passed = with(&report, "passed").len();
        println!("        {name}: {passed} checks passed, {} skipped", with(&report, "skipped").len());
        ensure!(passed >= least, "{name}: only {passed} checks passed: {report:#}");
    }
    ensure!(!directory.asked().is_empty(), "the directory was not asked");
    Ok(())
}

async fn each_misbehaviour_is_found_by_its_rule() -> anyhow::Result<()> {
    for (guest, rule) in [
        (ROGUE, "its-fields-make-a-form"),
        (CONFUSED, "its-exports-are-the-contract"),
        (TRESPASSER, "its-imports-are-granted"),
        (MISNAMED, "its-name-is-plain"),
    ] {
        let (report, passed) = test_driver(&guests::file(guest)?, &[]).await?;
        let failed = with(&report, "failed");
        println!("        {guest}: {}", failed.join(", "));
        ensure!(!passed && failed.contains(&rule.to_owned()), "{guest} breaks {failed:?}: {report:#}");
    }
    Ok(())
}

/// What `sloppy` breaks; what it keeps is not found.
async fn carelessness_is_found_rule_by_rule() -> anyhow::Result<()> {
    let (report, _) = test_driver(&guests::file(SLOPPY)?, &["server-url=http://127.0.0.1:1/"]).await?;
    let expected = [
        "its-description-is-constant",
        "its-name-is-plain",
        "its-fields-make-a-form",
        "its-settings-are-sensible",
        "its-secrets-are-marked",
        "empty-values-are-refused",
        "odd-characters-are-refused",
        "huge-values-are-refused",
        "a-wrong-number-of-values-is-refused",
        "nothing-is-kept-between-calls",
        "missing-settings-are-misconfigured",
        "it-sends-browsers-to-the-web",
        "the-state-goes-along",
        "the-callback-goes-along",
        "the-memory-stays-here",
        "no-state-is-made-up",
        "an-empty-answer-is-refused",
        "the-providers-no-is-heard",
        "odd-answers-are-refused",
        "foreign-memory-is-refused",
        "a-replayed-answer-is-refused",
        "missing-settings-are-misconfigured",
        "secrets-stay-inside",
        "it-keeps-to-its-budget",
        "it-never-traps",
    ];
    let failed = with(&report, "failed");
    ensure!(failed == expected, "{failed:#?}");
    ensure!(!report.to_string().contains("canary-password"), "the report repeats what was told: {report:#}");
    Ok(())
}

async fn what_is_no_driver_is_told() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0", b"not a component at all"] {
        let file = folder.path().join("nothing.wasm");
        std::fs::write(&file, bytes)?;
        let (report, _) = test_driver(&file, &[]).await?;
        ensure!(with(&report, "failed") == ["it-loads"], "{report:#}");
    }
    let (report, _) = test_driver(&guests::first_party("auth")?, &[]).await?;
    ensure!(with(&report, "failed") == ["its-imports-are-granted"], "{report:#}");
    Ok(())
}

async fn people_are_told_what_to_do() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let run = |arguments: &[&str]| -> anyhow::Result<(bool, String, String)> {
        let output = server::command(folder.path(), &[])?.args(["driver", "test"]).args(arguments).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.success(), text(&output.stdout), text(&output.stderr)))
    };
    let local = guests::first_party("local")?;
    let (passed, told, _) = run(&[local.to_str().context("a path")?])?;
    ensure!(passed && told.contains("local: credentials\n  ok    it-loads\n"), "{told}");
    ensure!(told.contains(" passed, 0 failed, "), "{told}");
    let misnamed = guests::file(MISNAMED)?;
    let (passed, told, errors) = run(&[misnamed.to_str().context("a path")?])?;
    ensure!(!passed, "{told}{errors}");
    ensure!(told.contains("\n        → name the driver in lower-case letters"), "{told}");
    let (passed, _, errors) = run(&["/nowhere/acme.wasm"])?;
    ensure!(!passed && errors.contains("cannot read the component"), "{errors}");
    let (passed, _, errors) = run(&["acme.wasm", "--setting", "nothing"])?;
    ensure!(!passed && errors.contains("write NAME=VALUE"), "{errors}");
    Ok(())
}
