//! Providers that operators make, change, try and remove while the server runs.

use anyhow::{Context as _, ensure};
use e2e::calls::{self, Caller, quick};
use e2e::client::Request;
use e2e::oidc::{CLIENT, Options, Provider, free_port};
use e2e::operator::{Operator, variant};
use e2e::server::{self, TestServer};
use e2e::traveller::{Traveller, resolve};
use serde_json::{Value, json};

e2e::suite! {
    people_sign_in_with_a_provider_that_was_just_made,
    a_sign_in_that_has_begun_ends_well_after_a_swap,
    secrets_are_sealed_and_shown_to_nobody,
    settings_have_to_fit_the_driver,
    what_the_configuration_says_is_read_only,
    a_provider_is_switched_off_and_removed,
    every_driver_tells_what_it_takes,
}

const SECRET_TEXT: &str = "a-secret-of-the-provider";

fn acme(more: &Value) -> Value {
    let mut settings = json!({
        "client-id": "me",
        "client-secret": SECRET_TEXT,
        "authorize-url": "https://idp.example.com/a",
        "access-url": "https://idp.example.com/t",
        "profile-url": "https://idp.example.com/p",
    });
    if let (Some(settings), Some(more)) = (settings.as_object_mut(), more.as_object()) {
        settings.extend(more.clone());
    }
    json!({ "name": "acme", "driver": "oauth2", "label": "Acme", "settings": settings })
}

/// A server at an address that a real provider knows.
async fn stage() -> anyhow::Result<(Provider, TestServer, String)> {
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let provider = Provider::start(&url, &["live"], Options::default()).await?;
    let (port, address) = (port.to_string(), url.clone());
    let env = quick(&[("PORT", &port), ("PUBLIC_URL", &address)]);
    let server = TestServer::seeded(&env).await?;
    Ok((provider, server, url))
}

fn live(provider: &Provider) -> Value {
    json!({ "name": "live", "driver": "openid", "label": "Live", "settings": {
        "client_id": CLIENT.0,
        "client_secret": CLIENT.1,
        "issuer_url": provider.issuer,
        "allow_public_registration": true,
    }})
}

/// Goes to the provider, signs in there, and answers where it sends the browser.
async fn at_provider(browser: &mut Traveller, url: &str) -> anyhow::Result<String> {
    let left = browser.get(&format!("{url}/auth/login/live?redirect=%2Fdone")).await?;
    ensure!(left.status == 302, "{} {}", left.status, left.text);
    let ours = |address: &str| address.starts_with(url);
    let mut page = browser.follow(left.location(), ours).await?;
    if page.location().is_empty() {
        page = browser.follow(&format!("{}?login=alice", page.url), ours).await?;
    }
    resolve(&page.url, page.location())
}

async fn people_sign_in_with_a_provider_that_was_just_made() -> anyhow::Result<()> {
    let (provider, server, url) = stage().await?;
    let mut operator = Operator::new(&server).await?;
    let before = server.client().send(&Request::new("GET", "/auth/login/live")).await?;
    ensure!(before.status == 404, "{}", before.status);
    let made = operator.caller().data("POST", "/gatewit/providers", &live(&provider)).await?;
    ensure!(made["served"] == true && made["source"] == "database" && made["problems"] == json!([]), "{made}");
    let tried = operator.caller().data("POST", "/gatewit/providers/live/test", &Value::Null).await?;
    ensure!(tried["works"] == true && tried["found"].to_string().contains(&provider.issuer), "{tried}");
    let listed = server.client().send(&Request::new("GET", "/auth")).await?;
    ensure!(
        listed.text().contains(r#""name":"live""#) && listed.text().contains(r#""label":"Live""#),
        "{}",
        listed.text()
    );
    let mut browser = Traveller::default();
    let back = at_provider(&mut browser, &url).await?;
    let page = browser.get(&back).await?;
    ensure!(page.status == 302 && page.location() == "/done", "{} {}", page.status, page.location());
    Ok(())
}

async fn a_sign_in_that_has_begun_ends_well_after_a_swap() -> anyhow::Result<()> {
    let (provider, server, url) = stage().await?;
    let mut operator = Operator::new(&server).await?;
    operator.caller().data("POST", "/gatewit/providers", &live(&provider)).await?;
    let openid = std::fs::read(e2e::guests::first_party("openid")?)?;
    let auth = std::fs::read(e2e::guests::first_party("auth")?)?;
    // Once, and the one that began is at hand; twice, and it is not.
    for swaps in 1..=2_u8 {
        let mut browser = Traveller::default();
        let back = at_provider(&mut browser, &url).await?;
        for swap in 0..swaps {
            operator.swap("openid", &variant(&openid, 10 * swaps + swap)).await?;
            operator.swap("auth", &variant(&auth, 10 * swaps + swap)).await?;
        }
        let page = browser.get(&back).await?;
        ensure!(page.status == 302 && page.location() == "/done", "{swaps}: {} {}", page.status, page.location());
        let session = browser.cookie("127.0.0.1", "directus_session_token").context("no session")?.to_owned();
        let mut person = Caller::with(server.client(), &session);
        ensure!(person.get("/users/me").await?["id"].is_string(), "nobody is signed in");
    }
    Ok(())
}

async fn secrets_are_sealed_and_shown_to_nobody() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let made = operator.caller().data("POST", "/gatewit/providers", &acme(&json!({}))).await?;
    ensure!(made["settings"]["client-secret"] == "**********" && made["settings"]["client-id"] == "me", "{made}");
    // Whoever sends back what they saw changes nothing of it.
    let shown = json!({ "settings": made["settings"], "label": "Renamed" });
    let changed = operator.caller().data("PATCH", "/gatewit/providers/acme", &shown).await?;
    ensure!(changed["settings"]["label"] == "Renamed", "{changed}");
    for path in ["/gatewit/providers", "/gatewit/providers/acme", "/gatewit/status"] {
        let answer = operator.caller().send("GET", path, &Value::Null).await?;
        ensure!(!answer.text().contains(SECRET_TEXT), "{path}: {}", answer.text());
    }
    ensure!(!server.log().contains(SECRET_TEXT), "the log holds it");
    let mut database = server::open(&server.database()?).await?;
    let row: (String, String) =
        sqlx::query_as("SELECT settings, sealed FROM gatewit_providers").fetch_one(&mut database).await?;
    ensure!(row.0.contains("https://idp.example.com/t") && !row.0.contains(SECRET_TEXT), "{}", row.0);
    ensure!(!row.1.is_empty() && !row.1.contains(SECRET_TEXT), "{}", row.1);
    Ok(())
}

async fn settings_have_to_fit_the_driver() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let cases = [
        (json!({ "name": "x" }), r#""driver" is required"#),
        (json!({ "driver": "oauth2" }), r#""name" is required"#),
        (json!({ "name": "x", "driver": "nobody" }), "there are ldap, oauth2, openid, saml"),
        (json!({ "name": "x", "driver": "local" }), "there is no driver"),
        (json!({ "name": "x", "driver": "auth" }), "there is no driver"),
        (json!({ "name": "x", "driver": "oauth2" }), "client-id"),
        (json!({ "name": "a/b", "driver": "oauth2", "settings": acme(&json!({}))["settings"] }), "is not a name"),
        (json!({ "name": "default", "driver": "oauth2", "settings": acme(&json!({}))["settings"] }), "built-in"),
        (acme(&json!({ "access-url": "no address" })), "access-url"),
        (acme(&json!({ "client-id": null })), "client-id"),
        (json!({ "name": "x", "driver": "oauth2", "secret": 1 }), r#""secret" is not allowed"#),
        (json!({ "name": "x", "driver": "oauth2", "settings": [] }), r#""settings" must be an object"#),
        (json!({ "name": "x", "driver": "oauth2", "enabled": "yes" }), r#""enabled" must be a boolean"#),
    ];
    for (body, word) in cases {
        let answer = operator.caller().send("POST", "/gatewit/providers", &body).await?;
        calls::refused(&answer, 400, "INVALID_PAYLOAD").with_context(|| body.to_string())?;
        let text = answer.json()?["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        ensure!(text.contains(word) && !text.contains(SECRET_TEXT), "{body}: {text}");
    }
    ensure!(operator.caller().get("/gatewit/providers").await? == json!([]), "something was made");
    operator.caller().data("POST", "/gatewit/providers", &acme(&json!({}))).await?;
    let again = operator.caller().send("POST", "/gatewit/providers", &acme(&json!({}))).await?;
    calls::refused(&again, 400, "INVALID_PAYLOAD")?;
    let worse = json!({ "settings": { "access-url": "nowhere" } });
    calls::refused(&operator.caller().send("PATCH", "/gatewit/providers/acme", &worse).await?, 400, "INVALID_PAYLOAD")?;
    ensure!(operator.caller().get("/gatewit/providers/acme").await?["served"] == true);
    for (method, path) in [("GET", "/nobody"), ("PATCH", "/nobody"), ("DELETE", "/nobody"), ("POST", "/nobody/test")] {
        let answer = operator.caller().send(method, &format!("/gatewit/providers{path}"), &json!({})).await?;
        calls::refused(&answer, 403, "FORBIDDEN").with_context(|| method.to_owned())?;
    }
    Ok(())
}

async fn what_the_configuration_says_is_read_only() -> anyhow::Result<()> {
    let env = [
        ("AUTH_PROVIDERS", "acme"),
        ("AUTH_ACME_DRIVER", "oauth2"),
        ("AUTH_ACME_CLIENT_ID", "me"),
        ("AUTH_ACME_CLIENT_SECRET", SECRET_TEXT),
        ("AUTH_ACME_AUTHORIZE_URL", "https://idp.example.com/a"),
        ("AUTH_ACME_ACCESS_URL", "https://idp.example.com/t"),
        ("AUTH_ACME_PROFILE_URL", "https://idp.example.com/p"),
    ];
    let server = TestServer::seeded(&quick(&env)).await?;
    let mut operator = Operator::new(&server).await?;
    let listed = operator.caller().get("/gatewit/providers").await?;
    ensure!(listed[0]["read_only"] == true && listed[0]["source"] == "configuration", "{listed}");
    ensure!(!listed.to_string().contains(SECRET_TEXT), "{listed}");
    for (method, body) in [("PATCH", json!({ "enabled": false })), ("DELETE", Value::Null)] {
        let answer = operator.caller().send(method, "/gatewit/providers/acme", &body).await?;
        calls::refused(&answer, 400, "INVALID_PAYLOAD")?;
        ensure!(answer.text().contains("is set in the configuration"), "{}", answer.text());
    }
    calls::refused(
        &operator.caller().send("POST", "/gatewit/providers", &acme(&json!({}))).await?,
        400,
        "INVALID_PAYLOAD",
    )?;
    Ok(())
}

async fn a_provider_is_switched_off_and_removed() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    operator.caller().data("POST", "/gatewit/providers", &acme(&json!({}))).await?;
    let begin = Request::new("GET", "/auth/login/acme");
    let mut client = server.client();
    ensure!(client.send(&begin).await?.status == 302);
    let off = operator.caller().data("PATCH", "/gatewit/providers/acme", &json!({ "enabled": false })).await?;
    ensure!(off["enabled"] == false && off["served"] == false, "{off}");
    ensure!(client.send(&begin).await?.status == 404);
    operator.caller().data("PATCH", "/gatewit/providers/acme", &json!({ "enabled": true })).await?;
    ensure!(client.send(&begin).await?.status == 302);
    let removed = operator.caller().send("DELETE", "/gatewit/providers/acme", &Value::Null).await?;
    ensure!(removed.status == 204, "{}", removed.text());
    ensure!(client.send(&begin).await?.status == 404);
    ensure!(operator.caller().get("/gatewit/providers").await? == json!([]));
    Ok(())
}

async fn every_driver_tells_what_it_takes() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    // Whoever is about to make a provider chooses among all of them; nobody has used any yet.
    let drivers = operator.caller().get("/gatewit/drivers").await?;
    let names: Vec<_> = drivers.as_array().into_iter().flatten().filter_map(|driver| driver["name"].as_str()).collect();
    ensure!(names == ["ldap", "local", "oauth2", "openid", "saml"], "{names:?}");
    let oauth2 =
        drivers.as_array().into_iter().flatten().find(|driver| driver["name"] == "oauth2").context("no oauth2")?;
    let secret = oauth2["settings"].as_array().into_iter().flatten().find(|setting| setting["name"] == "client-secret");
    ensure!(secret.context("no client-secret")?["secret"] == true, "{oauth2}");
    Ok(())
}
