//! Settings of the OpenID and OAuth 2.0 drivers that the other suites do not touch, each with what it changes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::browser::Landing;
use e2e::oidc::free_port;
use e2e::provider::{Fault, form};
use e2e::stage::{NAME, Stage};
use serde_json::json;

e2e::suite! {
    the_cookie_of_the_way_is_secure_if_wanted,
    further_addresses_of_this_server_are_sent_back_to,
    discovery_need_not_succeed_and_nobody_is_warned,
    members_of_a_profile_are_named,
    a_slow_provider_is_left_in_its_own_time,
    an_address_that_the_provider_vouches_for_links_an_account,
}

async fn the_cookie_of_the_way_is_secure_if_wanted() -> anyhow::Result<()> {
    for (wanted, is_secure) in [("false", false), ("true", true)] {
        let stage = Stage::openid(&[("AUTH_OP_COOKIE_SECURE", wanted)]).await?;
        let left = stage.browser().get(&format!("/auth/login/{NAME}")).await?;
        let cookie = left.header("set-cookie").context("no cookie")?;
        ensure!(cookie.starts_with("openid.op=") && cookie.contains("; HttpOnly"), "{cookie}");
        ensure!(cookie.split("; ").any(|part| part == "Secure") == is_secure, "{wanted}: {cookie}");
    }
    Ok(())
}

/// A browser that came to one of them comes back to it.
async fn further_addresses_of_this_server_are_sent_back_to() -> anyhow::Result<()> {
    let port = free_port()?.to_string();
    let here = format!("http://127.0.0.1:{port}");
    for (allowed, expected) in [(here.as_str(), here.as_str()), ("http://127.0.0.1:1", e2e::browser::PUBLIC_URL)] {
        let stage = Stage::openid(&[("PORT", port.as_str()), ("AUTH_ALLOWED_PUBLIC_URLS", allowed)]).await?;
        let mut browser = stage.browser();
        let url = browser.begin(NAME).await?;
        let callback = format!("{expected}/auth/login/{NAME}/callback");
        let query = form::parse(url.split_once('?').map_or("", |(_, query)| query));
        ensure!(form::get(&query, "redirect_uri") == Some(callback.as_str()), "{url}");
        let back = stage.provider.visit(&url).await?;
        let path = back.strip_prefix(expected).context("elsewhere")?;
        let landing = browser.arrive(path).await?;
        ensure!(landing == Landing::good(), "{landing:?}");
        ensure!(stage.provider.last("token")?.get("redirect_uri") == Some(callback.as_str()));
    }
    Ok(())
}

/// Directus ends if it does not; here it is asked for when somebody signs in, whatever the setting says.
async fn discovery_need_not_succeed_and_nobody_is_warned() -> anyhow::Result<()> {
    for setting in ["true", "false"] {
        let stage = Stage::openid(&[("AUTH_OP_ISSUER_DISCOVERY_MUST_SUCCEED", setting)]).await?;
        ensure!(!stage.server.log().contains("ISSUER_DISCOVERY_MUST_SUCCEED"), "{}", stage.server.log());
        stage.provider.fault("discovery", Fault::Refuse(503, "away"));
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused_at_once("SERVICE_UNAVAILABLE"), "{landing:?}");
    }
    Ok(())
}

async fn members_of_a_profile_are_named() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[
        ("AUTH_OP_EMAIL_KEY", "contact.mail"),
        ("AUTH_OP_FIRST_NAME_KEY", "name.first"),
        ("AUTH_OP_LAST_NAME_KEY", "name.last"),
        ("AUTH_OP_IDENTIFIER_KEY", "number"),
    ])
    .await?;
    stage.provider.script(|script| {
        script.person = json!({
            "number": 4711, "contact": {"mail": "bea@example.com"}, "name": {"first": "Bea", "last": "Oak"},
            "email": "wrong@example.com",
        });
    });
    stage.signed_in().await?;
    let accounts = stage.accounts().await?.join("\n");
    for part in ["bea@example.com", "Bea", "Oak", "\"4711\""] {
        ensure!(accounts.contains(part), "no {part} in {accounts}");
    }
    ensure!(!accounts.contains("wrong"), "{accounts}");
    Ok(())
}

async fn a_slow_provider_is_left_in_its_own_time() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_CLIENT_HTTP_TIMEOUT", "300")]).await?;
    stage.signed_in().await?;
    stage.provider.fault("token", Fault::Hang);
    let started = Instant::now();
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused("SERVICE_UNAVAILABLE"), "{landing:?}");
    // Without the setting a silence may take ten seconds, or the driver's five.
    ensure!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    Ok(())
}

async fn an_address_that_the_provider_vouches_for_links_an_account() -> anyhow::Result<()> {
    for (links, verified, is_linked) in [
        ("true", json!(true), true),
        ("true", json!(false), false),
        ("true", json!(null), false),
        ("false", json!(true), false),
    ] {
        let stage = Stage::openid(&[("AUTH_OP_LINK_VERIFIED_EMAIL", links)]).await?;
        e2e::server::seed(&stage.server.database()?).await?;
        stage.provider.script(|script| {
            script.person["email"] = json!("user@example.com");
            script.person["email_verified"] = verified.clone();
        });
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        let expected = if is_linked { Landing::good() } else { Landing::refused("INVALID_PROVIDER") };
        ensure!(landing == expected, "{links} {verified}: {landing:?}");
        let accounts = stage.accounts().await?;
        ensure!(accounts.iter().filter(|account| account.contains("user@example.com")).count() == 1, "{accounts:?}");
    }
    Ok(())
}
