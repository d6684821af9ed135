//! Sign-in at a real OpenID provider, from the first redirect to the session, as browsers see it; what was recorded with a
//! Directus and the same provider is what is expected.

mod site;

use anyhow::{Context as _, ensure};
use e2e::forward_proxy::ForwardProxy;
use e2e::oidc::{Options, Provider, free_port};
use e2e::otp;
use e2e::traveller::{Page, Traveller, resolve};
use serde_json::json;

use site::{NAMES, Site, refused, replace, signed_in};

e2e::suite! {
    a_new_person_comes_back_signed_in,
    who_is_known_is_signed_in_to_the_same_account,
    in_cookie_mode_there_is_a_refresh_cookie,
    oauth2_signs_in_too,
    refusals_are_told_in_the_query,
    a_code_that_is_not_good_is_asked_for_once_more,
    an_answer_by_form_goes_on_by_get,
    redirects_lead_to_allowed_places_only,
    a_second_factor_comes_along,
    a_demanded_second_factor_is_set_up_first,
    a_refresh_asks_the_provider,
    one_sign_in_costs_what_the_protocol_needs,
    a_provider_that_was_away_at_the_start_works_as_soon_as_it_is_back,
    tls_by_a_private_authority,
    through_a_forward_proxy_that_wants_credentials,
    an_identity_is_linked_and_unlinked,
    signing_out_there_and_here,
    the_provider_ends_a_session,
    a_key_of_ones_own_takes_the_place_of_the_secret,
}

async fn a_new_person_comes_back_signed_in() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    let left = site.leave(&mut browser, "oid", "?redirect=%2Fadmin%2Fcontent").await?;
    let parameters: Vec<_> =
        left.location().split(['?', '&']).map(|part| part.split('=').next().unwrap_or_default()).collect();
    let authorize = format!("{}/auth", site.provider.issuer);
    let expected = [
        authorize.as_str(),
        "client_id",
        "scope",
        "response_type",
        "redirect_uri",
        "access_type",
        "code_challenge",
        "code_challenge_method",
        "state",
        "nonce",
    ];
    ensure!(parameters == expected, "{parameters:?}");
    ensure!(left.location().contains("scope=openid%20profile%20email%20offline_access&response_type=code&"));
    let cookie = left.header("set-cookie").context("no cookie")?;
    ensure!(cookie.starts_with("openid.oid=ey") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let back = site.sign_in_there(&mut browser, &left, "login=alice").await?;
    let page = browser.get(&back).await?;
    signed_in(&browser, &page, "/admin/content")?;
    let cookies: Vec<_> =
        page.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect();
    ensure!(cookies.first() == Some(&"openid.oid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{cookies:?}");
    let rows = site.rows("alice@idp.example.com").await?;
    let [row] = rows.as_slice() else { anyhow::bail!("{rows:?}") };
    ensure!(row[1].as_deref() == Some("oid") && row[2].as_deref() == Some("alice"), "{row:?}");
    ensure!(row[3].as_deref().is_some_and(|data| data.starts_with(r#"{"refreshToken":""#)), "{row:?}");
    ensure!(row[4].as_deref() == Some("Alice"), "{row:?}");
    // The same answer again finds no cookie.
    let again = browser.clone().get(&back).await?;
    ensure!(again.location() == format!("{}/admin/login?reason=INVALID_CREDENTIALS", site.url), "{}", again.location());
    Ok(())
}

async fn who_is_known_is_signed_in_to_the_same_account() -> anyhow::Result<()> {
    let site = Site::open().await?;
    for provider in ["oid", "oid", "cookie"] {
        let mut browser = Traveller::default();
        let page = site.sign_in(&mut browser, provider, "", "login=alice").await?;
        ensure!(page.status == 302, "{}", page.text);
    }
    // At the provider with another name, it is somebody else with the same address.
    let rows = site.rows("alice@idp.example.com").await?;
    ensure!(rows.len() == 1 && rows[0][1].as_deref() == Some("oid"), "{rows:?}");
    Ok(())
}

async fn in_cookie_mode_there_is_a_refresh_cookie() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser, "cookie", "?redirect=%2Fafter", "login=dave").await?;
    ensure!(page.location() == "/after", "{} {}", page.location(), page.text);
    ensure!(browser.cookie("127.0.0.1", "directus_session_token").is_none());
    let refreshed = browser.json("POST", &format!("{}/auth/refresh", site.url), &json!({"mode": "cookie"})).await?;
    ensure!(refreshed.status == 200 && refreshed.text.contains("access_token"), "{}", refreshed.text);
    Ok(())
}

async fn oauth2_signs_in_too() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    let left = site.leave(&mut browser, "oa", "?redirect=%2Fx").await?;
    ensure!(!left.location().contains("nonce="), "{}", left.location());
    ensure!(left.header("set-cookie").is_some_and(|cookie| cookie.starts_with("oauth2.oa=ey")));
    let back = site.sign_in_there(&mut browser, &left, "login=bob").await?;
    let page = browser.get(&back).await?;
    signed_in(&browser, &page, "/x")?;
    let rows = site.rows("bob@idp.example.com").await?;
    ensure!(rows.len() == 1 && rows[0][1].as_deref() == Some("oa") && rows[0][2].as_deref() == Some("bob"), "{rows:?}");
    // Without its cookie the driver tells right here.
    let left = site.leave(&mut browser, "oa", "?redirect=%2Fx").await?;
    browser.put("127.0.0.1", "oauth2.oa", "");
    let back = site.sign_in_there(&mut browser, &left, "login=bob").await?;
    let page = browser.get(&back).await?;
    ensure!(page.status == 401 && page.text.contains("INVALID_CREDENTIALS"), "{} {}", page.status, page.text);
    Ok(())
}

async fn refusals_are_told_in_the_query() -> anyhow::Result<()> {
    let site = Site::open().await?;
    for (provider, redirect, how, location) in [
        ("closed", "%2Fadmin%2Flogin", "login=dave", "/admin/login?reason=INVALID_CREDENTIALS"),
        ("oid", "%2Fadmin%2Flogin%3Fcontinue%3D1", "login=carol", "/admin/login?continue=1&reason=INVALID_PROVIDER"),
        ("oid", "%2Fadmin%2Flogin", "deny=1", "/admin/login?reason=INVALID_CREDENTIALS"),
        ("strict", "%2Fx", "login=erin", "/x?reason=INVALID_CREDENTIALS"),
        // The provider takes no plain challenge.
        ("plain", "%2Fx", "login=alice", "/x?reason=INVALID_CREDENTIALS"),
    ] {
        let mut browser = Traveller::default();
        let page = site.sign_in(&mut browser, provider, &format!("?redirect={redirect}"), how).await?;
        refused(&browser, &page, location).with_context(|| format!("{provider} {how}"))?;
    }
    for (tampered, location) in [
        ("state=tampered", "/x?reason=INVALID_CREDENTIALS"),
        ("iss=https%3A%2F%2Fevil.example", "/x?reason=INVALID_CREDENTIALS"),
    ] {
        let mut browser = Traveller::default();
        let left = site.leave(&mut browser, "oid", "?redirect=%2Fx").await?;
        let back = site.sign_in_there(&mut browser, &left, "login=alice").await?;
        let page = browser.get(&replace(&back, tampered)).await?;
        refused(&browser, &page, location).with_context(|| tampered.to_owned())?;
    }
    site.run("UPDATE directus_users SET status = 'suspended' WHERE email = 'bob@idp.example.com'").await?;
    let mut browser = Traveller::default();
    site.sign_in(&mut browser, "oid", "", "login=bob").await?;
    site.run("UPDATE directus_users SET status = 'suspended' WHERE email = 'bob@idp.example.com'").await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser, "oid", "?redirect=%2Fx", "login=bob").await?;
    refused(&browser, &page, "/x?reason=INVALID_CREDENTIALS")
}

async fn a_code_that_is_not_good_is_asked_for_once_more() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    let left = site.leave(&mut browser, "oid", "?redirect=%2Fx").await?;
    let back = site.sign_in_there(&mut browser, &left, "login=alice").await?;
    let page = browser.get(&replace(&back, "code=tampered")).await?;
    refused(&browser, &page, "./?redirect=/x&prompt=true")?;
    let left = browser.get(&resolve(&page.url, page.location())?).await?;
    ensure!(left.location().contains("access_type=offline&prompt=consent&code_challenge="), "{}", left.location());
    let back = site.sign_in_there(&mut browser, &left, "login=alice").await?;
    let page = browser.get(&replace(&back, "code=tampered")).await?;
    refused(&browser, &page, "/x?reason=INVALID_TOKEN")
}

async fn an_answer_by_form_goes_on_by_get() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    let left = site.leave(&mut browser, "oid", "?redirect=%2Fx").await?;
    let back = site.sign_in_there(&mut browser, &left, "login=alice").await?;
    let (callback, query) = back.split_once('?').context("no query")?;
    let page = browser.post(callback, query).await?;
    ensure!(
        page.status == 303 && page.location() == format!("./callback?{query}"),
        "{} {}",
        page.status,
        page.location()
    );
    let page = browser.get(&resolve(callback, page.location())?).await?;
    signed_in(&browser, &page, "/x")
}

async fn redirects_lead_to_allowed_places_only() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    for (provider, redirect, shown) in [
        ("oid", "http%3A%2F%2Fevil.example.com%2F", "http://evil.example.com/"),
        ("oid", "%2F%2Fevil.example.com%2Fx", "//evil.example.com/x"),
        ("oid", "javascript%3Aalert(1)", "javascript:alert(1)"),
        ("listed", "http%3A%2F%2Fapp.example.com%2Fcb%2Fmore", "http://app.example.com/cb/more"),
        ("oa", "http%3A%2F%2Fevil.example.com%2F", "http://evil.example.com/"),
    ] {
        let page = site.leave(&mut browser, provider, &format!("?redirect={redirect}")).await?;
        let reason = format!("URL \"{shown}\" can't be used to redirect after login");
        ensure!(
            page.status == 400 && page.json()?["errors"][0]["extensions"]["reason"] == reason.as_str(),
            "{}",
            page.text
        );
    }
    let page = site.leave(&mut browser, "oid", "?redirect=/a&redirect=/b").await?;
    ensure!(page.status == 400 && page.text.contains("/a,/b"), "{}", page.text);
    for (provider, redirect, location) in [
        ("listed", "http%3A%2F%2Fapp.example.com%2Fcb%3Fa%3D1", "http://app.example.com/cb?a=1".to_owned()),
        (
            "oid",
            &format!("http%3A%2F%2F127.0.0.1%3A{}%2Fanything%3Fx%3D1", site.server.address.port()),
            format!("{}/anything?x=1", site.url),
        ),
        ("oid", "foo%2Fbar", "/foo/bar".to_owned()),
    ] {
        let mut browser = Traveller::default();
        let who = if provider == "listed" { "login=dave" } else { "login=alice" };
        let page = site.sign_in(&mut browser, provider, &format!("?redirect={redirect}"), who).await?;
        signed_in(&browser, &page, &location)?;
    }
    let page = browser.post(&format!("{}/auth/login/oid", site.url), "").await?;
    ensure!(page.status == 404, "{} {}", page.status, page.text);
    Ok(())
}

async fn a_second_factor_comes_along() -> anyhow::Result<()> {
    let site = Site::open().await?;
    site.sign_in(&mut Traveller::default(), "oid", "", "login=alice").await?;
    site.run(&format!("UPDATE directus_users SET tfa_secret = '{}' WHERE external_identifier = 'alice'", otp::SECRET))
        .await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser, "oid", "?redirect=%2Fadmin%2Flogin", "login=alice").await?;
    refused(&browser, &page, "/admin/login?reason=INVALID_OTP")?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let query = format!("?redirect=%2Fx&otp={}", otp::code_at(now)?);
    let page = site.sign_in(&mut browser, "oid", &query, "login=alice").await?;
    signed_in(&browser, &page, "/x")
}

async fn a_demanded_second_factor_is_set_up_first() -> anyhow::Result<()> {
    let site = Site::open().await?;
    site.sign_in(&mut Traveller::default(), "oid", "", "login=alice").await?;
    site.run(
        "INSERT INTO directus_roles (id, name) VALUES ('r-tfa', 'tfa'); \
         INSERT INTO directus_policies (id, name, enforce_tfa, admin_access, app_access) VALUES ('p-tfa', 'tfa', 1, 0, 1); \
         INSERT INTO directus_access (id, role, policy) VALUES ('a-tfa', 'r-tfa', 'p-tfa'); \
         UPDATE directus_users SET role = 'r-tfa' WHERE external_identifier = 'alice'",
    )
    .await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser, "oid", "?redirect=%2Fadmin%2Fcontent", "login=alice").await?;
    let setup = format!("{}/admin/tfa-setup?redirect=%2Fadmin%2Fcontent&provider=oid", site.url);
    signed_in(&browser, &page, &setup)
}

async fn a_refresh_asks_the_provider() -> anyhow::Result<()> {
    let mut site = Site::open().await?;
    let mut browser = Traveller::default();
    site.sign_in(&mut browser, "oid", "", "login=alice").await?;
    let refresh = format!("{}/auth/refresh", site.url);
    // Discovery, token, keys and profile of the sign-in.
    site.provider.asked(4, is_ours).await?;
    for _ in 0..2 {
        let page = browser.json("POST", &refresh, &json!({"mode": "session"})).await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text);
        ensure!(site.provider.asked(1, is_ours).await? == ["POST /token"]);
    }
    site.run(
        "UPDATE directus_users SET auth_data = '{\"refreshToken\":\"spent\"}' WHERE external_identifier = 'alice'",
    )
    .await?;
    let page = browser.clone().json("POST", &refresh, &json!({"mode": "session"})).await?;
    ensure!(page.status == 403 && page.text.contains("INVALID_TOKEN"), "{} {}", page.status, page.text);
    // The session stays.
    site.me(&mut browser).await?;
    site.provider.stop()?;
    let page = browser.clone().json("POST", &refresh, &json!({"mode": "session"})).await?;
    ensure!(page.status == 503 && page.text.contains("SERVICE_UNAVAILABLE"), "{} {}", page.status, page.text);
    site.me(&mut browser).await?;
    Ok(())
}

async fn one_sign_in_costs_what_the_protocol_needs() -> anyhow::Result<()> {
    let site = Site::open().await?;
    site.sign_in(&mut Traveller::default(), "oid", "", "login=alice").await?;
    let first = site.provider.asked(4, is_ours).await?;
    ensure!(
        first == ["GET /.well-known/openid-configuration", "POST /token", "GET /jwks", "GET /me"],
        "the first sign-in asked {first:?}"
    );
    site.sign_in(&mut Traveller::default(), "oid", "", "login=bob").await?;
    let second = site.provider.asked(2, is_ours).await?;
    ensure!(second == ["POST /token", "GET /me"], "the second one asked {second:?}");
    Ok(())
}

/// Whether a browser has no business with it.
fn is_ours(asked: &str) -> bool {
    !asked.contains("/auth") && !asked.contains("/interaction")
}

async fn a_provider_that_was_away_at_the_start_works_as_soon_as_it_is_back() -> anyhow::Result<()> {
    let mut site = Site::open().await?;
    let port = site.provider.port();
    site.provider.stop()?;
    let mut browser = Traveller::default();
    let page = site.leave(&mut browser, "oid", "?redirect=%2Fx").await?;
    let expected = format!("{}/admin/login?reason=SERVICE_UNAVAILABLE", site.url);
    ensure!(page.location() == expected, "{} {}", page.location(), page.text);
    ensure!(page.header("set-cookie").is_some_and(|cookie| cookie.starts_with("openid.oid=ey")));
    site.provider = Provider::start(&site.url, &NAMES, Options { port, ..Options::default() }).await?;
    // A failure is remembered for a moment, so that a dead provider is not asked by everybody.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while site.leave(&mut browser, "oid", "?redirect=%2Fx").await?.location() == expected {
        ensure!(std::time::Instant::now() < deadline, "it is back, and nobody looks");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let page = site.sign_in(&mut browser, "oid", "?redirect=%2Fx", "login=alice").await?;
    signed_in(&browser, &page, "/x")
}

async fn tls_by_a_private_authority() -> anyhow::Result<()> {
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let provider = Provider::start(&url, &NAMES, Options { tls: true, ..Options::default() }).await?;
    let file = provider.certificate().display().to_string();
    for (setting, is_trusted) in
        [(None, false), (Some("NODE_EXTRA_CA_CERTS"), true), (Some("AUTH_OID_CLIENT_HTTP_CA_FILE"), true)]
    {
        let more: Vec<_> = setting.map(|name| (name, file.as_str())).into_iter().collect();
        let server = Site::serve(&provider, port, &url, &more).await?;
        let mut browser = provider.browser()?;
        let left = browser.get(&format!("{url}/auth/login/oid?redirect=%2Fx")).await?;
        if is_trusted {
            let ours = |address: &str| address.starts_with(&url);
            let page = browser.follow(left.location(), ours).await?;
            let page = browser.follow(&format!("{}?login=alice", page.url), ours).await?;
            let page = browser.get(&resolve(&page.url, page.location())?).await?;
            signed_in(&browser, &page, "/x").with_context(|| format!("{setting:?}"))?;
        } else {
            ensure!(left.location().ends_with("?reason=SERVICE_UNAVAILABLE"), "{}", left.location());
        }
        drop(server);
    }
    Ok(())
}

async fn through_a_forward_proxy_that_wants_credentials() -> anyhow::Result<()> {
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let provider = Provider::start(&url, &NAMES, Options { tls: true, ..Options::default() }).await?;
    let proxy = ForwardProxy::start(Some(("ann", "a-word"))).await?;
    let (file, way) =
        (provider.certificate().display().to_string(), format!("http://ann:a-word@127.0.0.1:{}", proxy.port));
    let more = [("NODE_EXTRA_CA_CERTS", file.as_str()), ("AUTH_OID_CLIENT_HTTP_PROXY", &way)];
    let _server = Site::serve(&provider, port, &url, &more).await?;
    let mut browser = provider.browser()?;
    let ours = |address: &str| address.starts_with(&url);
    let left = browser.get(&format!("{url}/auth/login/oid?redirect=%2Fx")).await?;
    let page = browser.follow(left.location(), ours).await?;
    let page = browser.follow(&format!("{}?login=alice", page.url), ours).await?;
    let page = browser.get(&resolve(&page.url, page.location())?).await?;
    signed_in(&browser, &page, "/x")?;
    let tunnel = format!("CONNECT 127.0.0.1:{}", provider.port());
    proxy.logged(&tunnel, 1).await
}

async fn an_identity_is_linked_and_unlinked() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    let (email, password) = e2e::calls::USER;
    let login = json!({"email": email, "password": password, "mode": "session"});
    ensure!(browser.json("POST", &format!("{}/auth/login", site.url), &login).await?.status == 200);
    let me = site.me(&mut browser).await?;
    let identities = format!("{}/users/me/identities", site.url);
    ensure!(browser.get(&identities).await?.json()? == json!({"data": []}));
    // A link alone links nothing: it takes a request with a body, from here.
    ensure!(browser.get(&format!("{identities}/closed")).await?.status == 404);
    ensure!(Traveller::default().json("POST", &format!("{identities}/closed"), &json!({})).await?.status == 401);
    let page = browser.json("POST", &format!("{identities}/closed"), &json!({"redirect": "/account"})).await?;
    let url = page.json()?["data"]["url"].as_str().with_context(|| page.text.clone())?.to_owned();
    let left = Page { status: 302, headers: vec![("location".into(), url)], ..Page::default() };
    let back = site.sign_in_there(&mut browser, &left, "login=alice").await?;
    let page = browser.get(&back).await?;
    ensure!(page.location() == "/account", "{} {}", page.location(), page.text);
    let listed = browser.get(&identities).await?.json()?;
    ensure!(listed["data"][0]["provider"] == "closed" && listed["data"][0]["identifier"] == "alice", "{listed}");
    // It signs in to the same account, where nobody may register.
    let mut other = Traveller::default();
    let page = site.sign_in(&mut other, "closed", "?redirect=%2Fx", "login=alice").await?;
    signed_in(&other, &page, "/x")?;
    ensure!(site.me(&mut other).await?["id"] == me["id"]);
    let id = listed["data"][0]["id"].as_str().context("no id")?;
    let page = browser.json("DELETE", &format!("{identities}/{id}"), &json!({})).await?;
    ensure!(page.status == 204, "{} {}", page.status, page.text);
    ensure!(other.get(&format!("{}/users/me", site.url)).await?.status == 401, "its session goes on");
    site.me(&mut browser).await?;
    let page = site.sign_in(&mut Traveller::default(), "closed", "?redirect=%2Fx", "login=alice").await?;
    ensure!(page.location() == "/x?reason=INVALID_CREDENTIALS", "{}", page.location());
    Ok(())
}

async fn signing_out_there_and_here() -> anyhow::Result<()> {
    let site = Site::open().await?;
    for (provider, to_provider) in [("leaving", true), ("oid", false)] {
        let mut browser = Traveller::default();
        let who = if to_provider { "login=alice" } else { "login=bob" };
        site.sign_in(&mut browser, provider, "", who).await?;
        let page = browser.post(&format!("{}/auth/login/{provider}/logout", site.url), "redirect=%2Fbye").await?;
        ensure!(page.status == 302, "{} {}", page.status, page.text);
        let there = format!("{}/session/end?", site.provider.issuer);
        ensure!(page.location().starts_with(if to_provider { &there } else { "/bye" }), "{}", page.location());
        ensure!(browser.cookie("127.0.0.1", "directus_session_token").is_none(), "the cookie stays");
        ensure!(browser.get(&format!("{}/users/me", site.url)).await?.status != 200);
        if to_provider {
            let hint =
                page.location().contains("id_token_hint=") && page.location().contains("post_logout_redirect_uri=");
            ensure!(hint, "{}", page.location());
            let asked = browser.get(page.location()).await?;
            ensure!(asked.status == 200, "the provider does not like it: {}", asked.text);
        }
    }
    Ok(())
}

async fn the_provider_ends_a_session() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let mut browser = Traveller::default();
    site.sign_in(&mut browser, "oid", "", "login=alice").await?;
    let mut elsewhere = Traveller::default();
    site.sign_in(&mut elsewhere, "oid", "", "login=alice").await?;
    site.me(&mut browser).await?;
    // The person signs out at the provider, which tells us.
    let confirm = browser.get(&format!("{}/session/end", site.provider.issuer)).await?;
    let form = confirm.text.split("name=\"xsrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let form = format!("xsrf={}&logout=yes", form.with_context(|| confirm.text.clone())?);
    browser.post(&format!("{}/session/end/confirm", site.provider.issuer), &form).await?;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while browser.clone().get(&format!("{}/users/me", site.url)).await?.status == 200 {
        ensure!(std::time::Instant::now() < deadline, "the session goes on");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    site.me(&mut elsewhere).await.context("another session of the same person ended, too")?;
    Ok(())
}

async fn a_key_of_ones_own_takes_the_place_of_the_secret() -> anyhow::Result<()> {
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "ours", "alg": "ES256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    });
    let mut public = key.clone();
    public.as_object_mut().context("an object")?.remove("d");
    let client = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": { "keys": [public] },
    });
    let keys = format!("json:{}", json!([key]));
    let site = Site::start(
        Options { client, ..Options::default() },
        &[("AUTH_OID_CLIENT_TOKEN_ENDPOINT_AUTH_METHOD", "private_key_jwt"), ("AUTH_OID_CLIENT_PRIVATE_KEYS", &keys)],
    )
    .await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser, "oid", "?redirect=%2Fx", "login=alice").await?;
    signed_in(&browser, &page, "/x")
}
