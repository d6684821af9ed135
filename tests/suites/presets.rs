//! Ready-made settings of well-known providers, at a server: each is taken without a warning, is listed, and leads where its
//! provider publicly says that people sign in. Nothing leaves this machine: the way out is a proxy here that hears where one
//! wants to go, and refuses.

use std::sync::{Arc, Mutex};

use anyhow::{Context as _, ensure};
use e2e::browser::Browser;
use e2e::calls::quick;
use e2e::provider::form;
use e2e::server::TestServer;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

e2e::suite! {
    each_preset_leads_to_its_provider,
    what_is_set_goes_before_the_preset,
    a_preset_that_lacks_something_is_told_at_the_start,
}

/// Settings that presets need besides, by preset.
const NEEDED: [(&str, &str, &str); 5] = [
    ("entra", "TENANT", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"),
    ("okta", "DOMAIN", "example.okta.com"),
    ("auth0", "DOMAIN", "example.eu.auth0.com"),
    ("keycloak", "DOMAIN", "id.example.com"),
    ("keycloak", "REALM", "main"),
];

/// Where discovery documents are asked for, by preset (label, host).
const OPENID: [(&str, &str, &str); 8] = [
    ("apple", "Apple", "appleid.apple.com:443"),
    ("auth0", "Auth0", "example.eu.auth0.com:443"),
    ("entra", "Microsoft", "login.microsoftonline.com:443"),
    ("gitlab", "GitLab", "gitlab.com:443"),
    ("google", "Google", "accounts.google.com:443"),
    ("keycloak", "Keycloak", "id.example.com:443"),
    ("linkedin", "LinkedIn", "www.linkedin.com:443"),
    ("okta", "Okta", "example.okta.com:443"),
];

/// Where people are sent, by preset (label, address, scope).
const OAUTH2: [(&str, &str, &str, &str); 3] = [
    ("discord", "Discord", "https://discord.com/oauth2/authorize", "identify email"),
    ("facebook", "Facebook", "https://www.facebook.com/v24.0/dialog/oauth", "public_profile email"),
    ("github", "GitHub", "https://github.com/login/oauth/authorize", "read:user user:email"),
];

/// A proxy that refuses, and what it was asked.
async fn proxy() -> anyhow::Result<(String, Arc<Mutex<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            if stream.read_line(&mut line).await.is_ok() {
                heard.lock().unwrap().push(line.trim().to_owned());
                let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
            }
        }
    });
    Ok((address, asked))
}

async fn each_preset_leads_to_its_provider() -> anyhow::Result<()> {
    let (proxy, asked) = proxy().await?;
    let names: Vec<&str> = OPENID.iter().map(|preset| preset.0).chain(OAUTH2.iter().map(|preset| preset.0)).collect();
    let setting = |name: &str, setting: &str| format!("AUTH_{}_{setting}", name.to_uppercase());
    let mut own: Vec<(String, &str)> = names
        .iter()
        .flat_map(|name| {
            [
                (setting(name, "PRESET"), *name),
                (setting(name, "CLIENT_ID"), "us"),
                (setting(name, "CLIENT_SECRET"), "s"),
            ]
        })
        .collect();
    own.extend(NEEDED.iter().map(|(name, needed, value)| (setting(name, needed), *value)));
    let all = names.join(",");
    let mut env = quick(&[("AUTH_PROVIDERS", all.as_str()), ("HTTPS_PROXY", proxy.as_str())]);
    env.extend(own.iter().map(|(name, value)| (name.as_str(), *value)));
    let server = TestServer::start(&env).await?;
    ensure!(!server.log().contains("has no setting of this name"), "{}", server.log());
    let mut browser = Browser::new(&server);
    let listed: Value = browser.get("/auth").await?.json()?;
    let label = |name: &str| {
        let found = listed["data"].as_array().into_iter().flatten().find(|provider| provider["name"] == name);
        found.and_then(|provider| provider["label"].as_str()).unwrap_or_default()
    };
    for (name, called, host) in OPENID {
        ensure!(label(name) == called, "{name}: {listed}");
        browser.get(&format!("/auth/login/{name}")).await?;
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        ensure!(asked == [format!("CONNECT {host} HTTP/1.1")], "{name}: {asked:?}");
    }
    for (name, called, place, scope) in OAUTH2 {
        ensure!(label(name) == called, "{name}: {listed}");
        let left = browser.get(&format!("/auth/login/{name}")).await?;
        let (page, query) = left.header("location").and_then(|to| to.split_once('?')).context("no way")?;
        let query = form::parse(query);
        ensure!(page == place && form::get(&query, "scope") == Some(scope), "{name}: {page} {query:?}");
        ensure!(asked.lock().unwrap().is_empty(), "somebody was asked before the browser left");
    }
    Ok(())
}

async fn what_is_set_goes_before_the_preset() -> anyhow::Result<()> {
    let server = TestServer::start(&quick(&[
        ("AUTH_PROVIDERS", "git"),
        ("AUTH_GIT_PRESET", "github"),
        ("AUTH_GIT_LABEL", "Our GitHub"),
        ("AUTH_GIT_AUTHORIZE_URL", "https://git.example.com/login/oauth/authorize"),
        ("AUTH_GIT_CLIENT_ID", "us"),
        ("AUTH_GIT_CLIENT_SECRET", "s"),
    ]))
    .await?;
    let mut browser = Browser::new(&server);
    let listed: Value = browser.get("/auth").await?.json()?;
    ensure!(listed["data"][0]["label"] == "Our GitHub" && listed["data"][0]["icon"] == "github", "{listed}");
    let left = browser.get("/auth/login/git").await?;
    let location = left.header("location").unwrap_or_default();
    ensure!(location.starts_with("https://git.example.com/login/oauth/authorize?client_id=us"), "{location}");
    Ok(())
}

async fn a_preset_that_lacks_something_is_told_at_the_start() -> anyhow::Result<()> {
    for (preset, why) in [("okta", "the preset needs \"domain\""), ("gitub", "there is no preset \"gitub\"")] {
        let started = TestServer::start(&quick(&[
            ("AUTH_PROVIDERS", "a"),
            ("AUTH_A_PRESET", preset),
            ("AUTH_A_CLIENT_ID", "us"),
            ("AUTH_A_CLIENT_SECRET", "s"),
        ]))
        .await;
        let told = started.err().map(|error| format!("{error:#}")).unwrap_or_default();
        ensure!(told.contains(why), "{preset}: {told}");
    }
    Ok(())
}
