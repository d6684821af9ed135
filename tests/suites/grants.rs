//! What single components may use: where they reach, what is withheld from them, and how an operator sees it.

use anyhow::ensure;
use e2e::browser::Landing;
use e2e::calls::{ADMIN, USER, quick, refused, sign_in};
use e2e::client::Request;
use e2e::guests::{self, Folder};
use e2e::operator::Operator;
use e2e::provider::Provider;
use e2e::server::{TestServer, refusal};
use e2e::stage::Stage;
use e2e::upstream::{Manner, Upstream};
use serde_json::json;

use crate::guests::FETCHER;

e2e::suite! {
    a_provider_names_no_host_that_its_driver_is_not_given,
    a_document_opens_no_way_that_a_grant_has_closed,
    what_is_withheld_fails_and_nothing_else_does,
    what_asks_for_more_than_it_is_given_is_refused,
    an_operator_sees_what_a_component_may_use,
}

async fn a_provider_names_no_host_that_its_driver_is_not_given() -> anyhow::Result<()> {
    let grants = r#"{"oauth2":{"hosts":["*.example.com"]}}"#;
    let server = TestServer::seeded(&quick(&[("GATEWIT_GRANTS", grants)])).await?;
    let mut operator = Operator::new(&server).await?;
    let provider = |profile: &str| {
        let settings = json!({
            "client-id": "me", "client-secret": "hush-hush", "authorize-url": "https://idp.example.com/a",
            "access-url": "https://idp.example.com/t", "profile-url": profile,
        });
        json!({ "name": "acme", "driver": "oauth2", "settings": settings })
    };
    for elsewhere in ["https://example.com/p", "https://example.com.evil.test/p", "https://127.0.0.1/p"] {
        let answer = operator.caller().send("POST", "/gatewit/providers", &provider(elsewhere)).await?;
        refused(&answer, 400, "INVALID_PAYLOAD")?;
        ensure!(answer.text().contains("GATEWIT_GRANTS does not give"), "{elsewhere}: {}", answer.text());
    }
    operator.caller().data("POST", "/gatewit/providers", &provider("https://api.example.com/p")).await?;
    let component = operator.component("oauth2").await?;
    let reaches = json!(["api.example.com:443", "idp.example.com:443"]);
    ensure!(component["current"]["reaches"] == reaches, "{component}");
    // One of the configuration keeps the server from starting, as all that is wrong with it does.
    let wrong = [
        ("GATEWIT_GRANTS", grants),
        ("AUTH_PROVIDERS", "acme"),
        ("AUTH_ACME_DRIVER", "oauth2"),
        ("AUTH_ACME_CLIENT_ID", "me"),
        ("AUTH_ACME_CLIENT_SECRET", "hush-hush"),
        ("AUTH_ACME_AUTHORIZE_URL", "https://idp.example.com/a"),
        ("AUTH_ACME_ACCESS_URL", "https://idp.test/t"),
        ("AUTH_ACME_PROFILE_URL", "https://idp.example.com/p"),
    ];
    let output = refusal(&wrong).await?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && told.contains("idp.test"), "{told}");
    Ok(())
}

async fn a_document_opens_no_way_that_a_grant_has_closed() -> anyhow::Result<()> {
    for (more, landing) in [("", Landing::refused("SERVICE_UNAVAILABLE")), (r#","localhost""#, Landing::good())] {
        let provider = Provider::start().await?;
        let issuer = provider.url.clone();
        let (_, port) = issuer.rsplit_once(':').unwrap_or_default();
        let token = format!("http://localhost:{port}/token");
        provider.script(|script| {
            script.discovery = Some(Box::new(move |document| document["token_endpoint"] = token.as_str().into()));
        });
        let grants = format!(r#"{{"openid":{{"hosts":["127.0.0.1"{more}]}}}}"#);
        let env = [
            ("AUTH_OP_DRIVER", "openid"),
            ("AUTH_OP_ISSUER_URL", issuer.as_str()),
            ("GATEWIT_GRANTS", grants.as_str()),
        ];
        let stage = Stage::start(provider, &env).await?;
        let found = stage.browser().sign_in(&stage.provider, e2e::stage::NAME).await?;
        ensure!(found == landing, "{grants}: {found:?}; {}", stage.server.log());
        if !more.is_empty() {
            continue;
        }
        stage.server.logged("is not among the hosts that GATEWIT_GRANTS gives the driver").await?;
        ensure!(stage.provider.calls("token") == 0, "it was asked all the same");
    }
    Ok(())
}

async fn what_is_withheld_fails_and_nothing_else_does() -> anyhow::Result<()> {
    let upstream = Upstream::start(|_| Manner::Body("hello".into())).await?;
    let folder = Folder::empty()?.with("fetcher", FETCHER)?;
    let url = upstream.url("/x");
    let env = [
        ("GATEWIT_COMPONENTS", folder.path()?),
        ("GATEWIT_GRANTS", r#"{"fetcher":{"withheld":["http"]}}"#),
        ("AUTH_PROVIDERS", "fetcher"),
        ("AUTH_FETCHER_DRIVER", "fetcher"),
        ("AUTH_FETCHER_SERVICE_URL", url.as_str()),
        ("LOG_LEVEL", "debug"),
    ];
    let server = TestServer::seeded(&quick(&env)).await?;
    let mut operator = Operator::new(&server).await?;
    let component = operator.component("fetcher").await?;
    let capabilities = component["current"]["capabilities"].to_string();
    ensure!(capabilities.contains("cache") && !capabilities.contains("http"), "{component}");
    let fetch = |lines: &str| Request::new("POST", "/auth/login/fetcher").json(&json!({ "addresses": lines }));
    // What it got works …
    refused(&server.client().send(&fetch("keep a b\nkept a")).await?, 401, "INVALID_CREDENTIALS")?;
    // … and what it did not get is there and leads nowhere.
    refused(&server.client().send(&fetch(&url)).await?, 401, "INVALID_CREDENTIALS")?;
    server.logged("sends too many requests, or where it has no network").await?;
    ensure!(upstream.asked().is_empty(), "it went out: {:?}", upstream.asked());
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn what_asks_for_more_than_it_is_given_is_refused() -> anyhow::Result<()> {
    let wasm = std::fs::read(guests::file(FETCHER)?)?;
    let server = |given: &'static str| async move {
        let grants = json!({ "fetcher": { "capabilities": given.split(' ').collect::<Vec<_>>() } }).to_string();
        TestServer::seeded(&quick(&[("GATEWIT_GRANTS", &grants)])).await
    };
    let strict = server("clock log cache").await?;
    let mut operator = Operator::new(&strict).await?;
    // Whoever swaps may accept what is more than before, but not what is more than the settings give.
    for how in ["", "?accept_grants=true"] {
        let answer = operator.upload("fetcher", &wasm, how).await?;
        refused(&answer, 400, "INVALID_PAYLOAD")?;
        let told = answer.text();
        ensure!(told.contains("it asks for `http`, which GATEWIT_GRANTS does not give it"), "{told}");
    }
    let generous = server("clock log cache http").await?;
    Operator::new(&generous).await?.swap("fetcher", &wasm).await.map(drop)
}

async fn an_operator_sees_what_a_component_may_use() -> anyhow::Result<()> {
    let grants = r#"{"openid":{"memory":"32mb","time":"2s","wait":"9s","outbound":5}}"#;
    let env = [("ADMIN_EMAIL", ADMIN.0), ("ADMIN_PASSWORD", ADMIN.1), ("GATEWIT_GRANTS", grants)];
    let stage = Stage::openid(&env).await?;
    let mut operator = Operator::new(&stage.server).await?;
    let component = operator.component("openid").await?;
    let budget = json!({ "memory_bytes": 32 << 20, "time_ms": 2000, "wait_ms": 9000, "outbound": 5 });
    ensure!(component["current"]["budget"] == budget, "{component}");
    let (_, place) = stage.provider.url.split_once("://").unwrap_or_default();
    ensure!(component["current"]["reaches"] == json!([place]), "{component}");
    let usual = operator.component("local").await?["current"].clone();
    ensure!(usual["budget"]["memory_bytes"] == 16 << 20 && usual["reaches"] == json!([]), "{usual}");
    Ok(())
}
