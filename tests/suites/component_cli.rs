//! `gatewit component` and `gatewit provider`, as an operator types them.

use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, USER, quick, sign_in};
use e2e::operator::variant;
use e2e::server::TestServer;
use e2e::{command, guests};
use serde_json::Value;

e2e::suite! {
    a_component_is_signed_swapped_and_taken_back,
    a_provider_is_made_tried_changed_and_removed,
    what_is_wrong_is_said_in_one_line,
}

/// The static token of the administrator.
const TOKEN: &str = "the-token-of-the-administrator";

/// A folder to type in, and a server to type at.
pub(crate) struct Desk {
    pub(crate) server: TestServer,
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) async fn new(env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let server = TestServer::seeded(&quick(env)).await?;
        let mut admin = Caller::new(&server, ADMIN).await?;
        let answer = admin.send("PATCH", "/users/me", &serde_json::json!({ "token": TOKEN })).await?;
        ensure!(answer.status == 200, "{}", answer.text());
        Ok(Self { server, folder: tempfile::tempdir()? })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> anyhow::Result<String> {
        Ok(self.path().join(name).to_str().context("path")?.to_owned())
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let address = format!("http://{}", self.server.address);
        command::run(self.path(), &[("GATEWIT_URL", &address), ("GATEWIT_TOKEN", TOKEN)], arguments).await
    }

    /// What a command says that works.
    pub(crate) async fn told(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments).await?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// What a command says that does not.
    pub(crate) async fn refused(&self, arguments: &[&str], word: &str) -> anyhow::Result<()> {
        let output = self.run(arguments).await?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "{arguments:?} works");
        ensure!(told.contains(word) && told.trim_end().lines().count() == 1, "{arguments:?}: {told}");
        Ok(())
    }
}

async fn a_component_is_signed_swapped_and_taken_back() -> anyhow::Result<()> {
    let keys = tempfile::tempdir()?;
    let key = keys.path().join("key");
    let secret = key.to_str().context("path")?;
    let public = format!("{secret}.pub");
    let made = command::run(keys.path(), &[], &["component", "keygen", secret]).await?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let told = String::from_utf8(made.stdout)?;
    let (_, trusted) = told.trim_end().split_once("GATEWIT_TRUSTED_KEYS=").context("no key")?;

    let env = [("GATEWIT_REQUIRE_SIGNED", "true"), ("GATEWIT_TRUSTED_KEYS", trusted)];
    let desk = Desk::new(&env).await?;
    let file = desk.file("local.wasm")?;
    std::fs::write(&file, variant(&std::fs::read(guests::first_party("local")?)?, 1))?;
    desk.refused(&["component", "swap", &file], "it is not signed").await?;
    desk.refused(&["component", "verify", &file, "--key", &public], "no signature beside it").await?;
    desk.told(&["component", "sign", &file, "--key", secret]).await?;
    ensure!(desk.told(&["component", "verify", &file, "--key", &public]).await?.starts_with("good"));

    let looked = desk.told(&["component", "swap", "--dry-run", &file]).await?;
    ensure!(looked.contains("may use: passwords"), "{looked}");
    let swapped: Value = serde_json::from_str(&desk.told(&["component", "swap", &file, "--json"]).await?)?;
    let digest = swapped["digest"].as_str().context("no digest")?;
    let listed = desk.told(&["component", "list"]).await?;
    ensure!(listed.contains(digest) && listed.contains("uploaded"), "{listed}");
    sign_in(&mut desk.server.client(), USER).await?;
    ensure!(desk.told(&["component", "rollback", "local"]).await?.contains("serves again"));
    ensure!(!desk.told(&["component", "list"]).await?.contains(digest));

    desk.told(&["component", "swap", "--canary", "0.5", &file]).await?;
    ensure!(desk.told(&["component", "list"]).await?.contains("canary"));
    desk.told(&["component", "promote", "local"]).await?;
    ensure!(desk.told(&["component", "show", "local"]).await?.contains(digest));
    desk.told(&["component", "remove", "local"]).await?;
    sign_in(&mut desk.server.client(), USER).await?;
    // What was done is on record.
    let audit = desk.told(&["audit", "list"]).await?;
    for deed in ["component.update", "component.roll-back", "component.promote", "component.delete"] {
        ensure!(audit.contains(deed), "{deed}: {audit}");
    }
    Ok(())
}

async fn a_provider_is_made_tried_changed_and_removed() -> anyhow::Result<()> {
    let desk = Desk::new(&[]).await?;
    let secrets = desk.file("secrets.json")?;
    std::fs::write(&secrets, r#"{"client-secret":"kept apart"}"#)?;
    let made = [
        "provider",
        "add",
        "acme",
        "--driver",
        "oauth2",
        "--settings",
        &secrets,
        "client-id=1234",
        "authorize-url=https://idp.example.com/a",
        "access-url=https://idp.example.com/t",
        "profile-url=https://idp.example.com/p",
    ];
    desk.told(&made).await?;
    let listed = desk.told(&["provider", "list"]).await?;
    ensure!(listed.contains("acme") && listed.contains("database"), "{listed}");
    let shown = desk.told(&["provider", "show", "acme"]).await?;
    ensure!(shown.contains("**********") && !shown.contains("kept apart") && shown.contains(r#""1234""#), "{shown}");
    ensure!(desk.told(&["provider", "test", "acme"]).await?.contains("https://idp.example.com/t"));
    ensure!(desk.told(&["provider", "settings", "oauth2"]).await?.contains("client-secret"));
    desk.told(&["provider", "set", "acme", "allow-public-registration=true"]).await?;
    desk.told(&["provider", "disable", "acme"]).await?;
    let listed: Value = serde_json::from_str(&desk.told(&["provider", "list", "--json"]).await?)?;
    ensure!(listed[0]["enabled"] == false && listed[0]["settings"]["allow-public-registration"] == true, "{listed}");
    desk.told(&["provider", "enable", "acme"]).await?;
    desk.told(&["provider", "remove", "acme"]).await?;
    ensure!(desk.told(&["provider", "list"]).await?.trim() == "nothing");
    Ok(())
}

async fn what_is_wrong_is_said_in_one_line() -> anyhow::Result<()> {
    let desk = Desk::new(&[]).await?;
    let file = desk.file("acme.wasm")?;
    desk.refused(&["component", "swap", &file], "cannot read").await?;
    std::fs::write(&file, "no component")?;
    desk.refused(&["component", "swap", &file], "cannot be loaded").await?;
    desk.refused(&["component", "rollback", "local"], "no generation").await?;
    desk.refused(&["component", "verify", &file], "no key to verify with").await?;
    desk.refused(&["provider", "show", "nobody"], "There is no provider").await?;
    desk.refused(&["provider", "add", "acme", "--driver", "oauth2"], "client-id: is missing").await?;
    desk.refused(&["provider", "set", "acme", "client-id"], "is not NAME=VALUE").await
}
