//! A real Directus 11 behind the server, on the same database and `SECRET`: its Studio, in a real Chromium, signs in through the
//! server with a password, with a second factor and at an OpenID provider, and works on; and so does its client.
//!
//! The scripts are in `studio/`. Without npm, a registry or a browser these tests are skipped by name.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use e2e::calls::{ADMIN, Caller, quick, sign_in};
use e2e::client::Request;
use e2e::directus::Directus;
use e2e::oidc::{self, CLIENT, Options, Provider, free_port};
use e2e::runner::{Part, Test};
use e2e::server::TestServer;
use e2e::{chromium, needs, otp};
use serde_json::json;
use tempfile::TempDir;

use crate::sdk_web::{BROWSER, parts};

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    vec![Test::in_parts("studio::behind_the_server", behind_the_server)]
}

/// Who signs in at the Studio.
const PASSWORD: &str = "User-password1";
const PLAIN: &str = "plain@example.com";
const FACTOR: &str = "factor@example.com";

/// A Directus, the server in front of it, and a provider that the server knows.
struct House {
    url: String,
    server: TestServer,
    _directus: Directus,
    _provider: Provider,
    _folder: TempDir,
}

impl House {
    async fn build() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("directus.db").display().to_string();
        let database = [("DB_CLIENT", "sqlite3"), ("DB_FILENAME", file.as_str())];
        Directus::bootstrap(&database).await?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let provider = Provider::start(&url, &["oid"], Options::default()).await?;
        let own = [("PUBLIC_URL", url.as_str()), ("IP_TRUST_PROXY", "true")];
        let directus = Directus::start(&[&database[..], &own].concat()).await?;
        let role = role(&directus).await?;
        let (upstream, port) = (format!("http://{}", directus.address), port.to_string());
        let settings = [
            ("PORT", port.as_str()),
            ("PUBLIC_URL", &url),
            ("GATEWIT_UPSTREAM", &upstream),
            ("GATEWIT_UPSTREAM_PATHS", "directus"),
            ("AUTH_PROVIDERS", "oid"),
            ("AUTH_OID_DRIVER", "openid"),
            ("AUTH_OID_CLIENT_ID", CLIENT.0),
            ("AUTH_OID_CLIENT_SECRET", CLIENT.1),
            ("AUTH_OID_ISSUER_URL", &provider.issuer),
            ("AUTH_OID_ALLOW_PUBLIC_REGISTRATION", "true"),
            ("AUTH_OID_DEFAULT_ROLE_ID", &role),
        ];
        let server = TestServer::start(&quick(&[&database[..], &settings].concat())).await?;
        Ok(Self { url, server, _directus: directus, _provider: provider, _folder: folder })
    }

    /// Accounts, made through the server: records by the Directus behind it, the second factor by the server. Its key.
    async fn people(&self) -> anyhow::Result<String> {
        let mut client = self.server.client();
        let admin = sign_in(&mut client, ADMIN).await?.access;
        let mut caller = Caller::with(client, &admin);
        let role = caller.get("/roles?filter[name][_eq]=Staff&fields=id").await?[0]["id"].clone();
        for email in [PLAIN, FACTOR] {
            caller.data("POST", "/users", &json!({"email": email, "password": PASSWORD, "role": role})).await?;
        }
        let mut client = self.server.client();
        let token = sign_in(&mut client, (FACTOR, PASSWORD)).await?.access;
        let mut own = Caller::with(client, &token);
        let made = own.data("POST", "/users/me/tfa/generate", &json!({"password": PASSWORD})).await?;
        let secret = made["secret"].as_str().context("no secret")?.to_owned();
        otp::settle().await?;
        let code = otp::code(&otp::key(&secret)?, 0)?;
        let enabled = own.send("POST", "/users/me/tfa/enable", &json!({"secret": secret, "otp": code})).await?;
        ensure!(enabled.status == 204, "{} {}", enabled.status, enabled.text());
        Ok(secret)
    }
}

/// A role that may use the Studio and administer, and a collection to look at.
async fn role(directus: &Directus) -> anyhow::Result<String> {
    let mut client = directus.client();
    let admin = sign_in(&mut client, ADMIN).await?.access;
    let mut caller = Caller::with(client, &admin);
    let policy = json!({"name": "Staff", "admin_access": true, "app_access": true});
    let policy = caller.data("POST", "/policies", &policy).await?["id"].clone();
    let role = caller.data("POST", "/roles", &json!({"name": "Staff"})).await?["id"].clone();
    caller.data("POST", "/access", &json!({"role": role, "policy": policy})).await?;
    let notes = json!({"collection": "notes", "schema": {}, "meta": {}, "fields": [
        {"field": "id", "type": "integer", "schema": {"is_primary_key": true, "has_auto_increment": true}},
        {"field": "text", "type": "string", "schema": {}, "meta": {"interface": "input"}},
    ]});
    caller.data("POST", "/collections", &notes).await?;
    caller.data("POST", "/items/notes", &json!({"text": "a note of the tests"})).await?;
    Ok(role.as_str().context("no role")?.to_owned())
}

async fn behind_the_server() -> anyhow::Result<Vec<Part>> {
    Directus::available().await?;
    let (node, modules, browser) =
        (needs::program("node")?, needs::packages("npm-browser", &BROWSER)?, chromium::find()?);
    let sdk = needs::packages("npm-sdk", &[("@directus/sdk", crate::sdk::VERSION)])?;
    oidc::modules()?;
    let house = House::build().await?;
    let whose = house.server.client().send(&Request::new("GET", "/admin/")).await?;
    ensure!(whose.status == 200 && whose.text().contains("Directus"), "{} {}", whose.status, whose.text());
    let secret = house.people().await?;
    let mut told = Vec::new();
    for script in ["studio", "client"] {
        let mut command = Command::new(&node);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("suites/studio/{script}.mjs")));
        command.env("URL", &house.url).env("SECRET", &secret).env("PASSWORD", PASSWORD).env("MODULES", &modules);
        command.env("SERVER", &house.url).env("SDK", &sdk).env("CHROMIUM", &browser.program);
        command.envs(browser.environment.iter().map(|(name, value)| (*name, value)));
        command.stdin(std::process::Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await?.context("running node")?;
        told.extend(parts(&output).with_context(|| house.server.log())?);
    }
    Ok(told)
}
