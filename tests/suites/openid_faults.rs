//! Sign-in at a provider when something is wrong: with the browser's answer, with the provider, with its network.

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use e2e::browser::{Browser, Landing, PUBLIC_URL, redirected};
use e2e::provider::{CLIENT_ID, Fault, Provider, Script, SigningKey, form};
use e2e::stage::{NAME, Stage};
use ring::hmac;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

e2e::suite! {
    state_nonce_and_verifier_are_three_values,
    only_the_state_of_this_browsers_sign_in_counts,
    an_answer_is_taken_once,
    an_answer_that_comes_too_late_is_refused,
    an_answer_to_another_provider_is_refused,
    two_tabs_may_sign_in_at_once,
    a_provider_that_refuses_is_heard,
    an_answer_of_another_provider_is_told_apart_by_its_name,
    answers_may_come_as_a_form,
    a_key_of_somebody_else_under_the_right_name_signs_nothing,
    a_provider_that_changes_its_issuer_is_not_believed,
    a_code_that_is_no_longer_good_is_asked_for_once_more,
    a_broken_provider_is_unavailable_and_no_more,
    an_answer_without_end_has_one,
    nobody_is_sent_on_to_where_the_provider_says,
    a_provider_that_is_down_at_the_start_stops_nothing_and_heals,
    a_provider_that_is_down_is_not_asked_by_every_sign_in,
    each_way_to_show_who_we_are_works,
    a_secret_may_sign_instead_of_being_sent,
    pkce_may_be_plain_if_it_must,
    pkce_and_nonce_may_be_left_out_if_they_must,
    params_are_sent_and_replace_nothing_of_the_protocol,
    every_algorithm_with_a_public_key_is_known,
    claims_are_found_where_the_operator_says,
}

/// Deadlines that a test can wait for.
const SHORT: [(&str, &str); 3] = [
    ("GATEWIT_OUTBOUND_READ_TIMEOUT", "400ms"),
    ("GATEWIT_OUTBOUND_TIMEOUT", "1s"),
    ("GATEWIT_OUTBOUND_CALL_TIMEOUT", "2s"),
];

/// A browser that is back from the provider, and where it is about to go.
async fn away(stage: &Stage) -> anyhow::Result<(Browser, String)> {
    let mut browser = stage.browser();
    match browser.leave(&stage.provider, NAME).await? {
        Ok(url) => Ok((browser, url)),
        Err(landing) => bail!("{landing:?}: {}", stage.server.log()),
    }
}

/// An address with one parameter changed.
fn with(url: &str, name: &str, value: Option<&str>) -> String {
    let (page, query) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs: Vec<_> = form::parse(query).into_iter().filter(|(known, _)| known != name).collect();
    pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    format!("{page}?{}", form::write(&pairs))
}

fn refused() -> Landing {
    Landing::refused("INVALID_CREDENTIALS")
}

async fn state_nonce_and_verifier_are_three_values() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let mut values = Vec::new();
    for _ in 0..2 {
        let url = stage.browser().begin(NAME).await?;
        let query = form::parse(url.split_once('?').map_or("", |(_, query)| query));
        let names: Vec<_> = query.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
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
        ensure!(names == expected, "{names:?}");
        ensure!(url.contains("scope=openid%20profile%20email%20offline_access&"), "{url}");
        ensure!(form::get(&query, "client_id") == Some(CLIENT_ID), "{url}");
        let callback = format!("{PUBLIC_URL}/auth/login/{NAME}/callback");
        ensure!(form::get(&query, "redirect_uri") == Some(callback.as_str()), "{url}");
        values.extend(["state", "nonce", "code_challenge"].map(|name| form::get(&query, name).map(ToOwned::to_owned)));
    }
    ensure!(values.iter().all(|value| value.as_ref().is_some_and(|value| value.len() == 43)), "{values:?}");
    values.sort();
    values.dedup();
    ensure!(values.len() == 6, "a value occurs twice: {values:?}");
    Ok(())
}

async fn only_the_state_of_this_browsers_sign_in_counts() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    let before = stage.accounts().await?;
    let (_, foreign) = away(&stage).await?;
    let foreign = form::parse(foreign.split_once('?').map_or("", |(_, query)| query));
    for state in [None, Some(""), Some("made-up"), form::get(&foreign, "state")] {
        let (mut browser, url) = away(&stage).await?;
        let landing = browser.arrive(&with(&url, "state", state)).await?;
        ensure!(landing == refused(), "{state:?}: {landing:?}");
    }
    // Somebody else's answer in a browser that began nothing.
    let (_, url) = away(&stage).await?;
    let landing = stage.browser().arrive(&url).await?;
    ensure!(landing == Landing::refused_at_once("INVALID_CREDENTIALS"), "{landing:?}");
    ensure!(stage.provider.calls("token") == 1, "a code was redeemed");
    ensure!(stage.accounts().await? == before);
    Ok(())
}

async fn an_answer_is_taken_once() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let (mut browser, url) = away(&stage).await?;
    let cookie = browser.cookie("openid.op").context("no cookie")?.to_owned();
    ensure!(browser.arrive(&url).await? == Landing::good());
    ensure!(browser.cookie("openid.op").is_none(), "the cookie stays");
    let landing = browser.arrive(&url).await?;
    ensure!(landing == Landing::refused_at_once("INVALID_CREDENTIALS"), "{landing:?}");
    // Nor with the cookie that somebody kept.
    let mut thief = stage.browser();
    thief.set_cookie("openid.op", &cookie);
    let landing = thief.arrive(&url).await?;
    ensure!(landing == refused(), "{landing:?}");
    ensure!(stage.provider.calls("token") == 1, "a code was redeemed again");
    Ok(())
}

async fn an_answer_that_comes_too_late_is_refused() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_LOGIN_TIMEOUT", "1s")]).await?;
    let (mut browser, url) = away(&stage).await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let landing = browser.arrive(&url).await?;
    ensure!(landing == Landing::refused_at_once("INVALID_CREDENTIALS"), "{landing:?}");
    Ok(())
}

async fn an_answer_to_another_provider_is_refused() -> anyhow::Result<()> {
    let provider = Provider::start().await?;
    let other = provider.url.clone();
    let more = [
        ("AUTH_PROVIDERS", "op,other"),
        ("AUTH_OP_DRIVER", "openid"),
        ("AUTH_OP_ISSUER_URL", other.as_str()),
        ("AUTH_OTHER_DRIVER", "openid"),
        ("AUTH_OTHER_ISSUER_URL", other.as_str()),
        ("AUTH_OTHER_CLIENT_ID", "x"),
        ("AUTH_OTHER_CLIENT_SECRET", "y"),
    ];
    let stage = Stage::start(provider, &more).await?;
    let (mut browser, url) = away(&stage).await?;
    let cookie = browser.cookie("openid.op").context("no cookie")?.to_owned();
    browser.set_cookie("openid.other", &cookie);
    let landing = browser.arrive(&url.replace("/login/op/", "/login/other/")).await?;
    ensure!(landing == Landing::refused_at_once("INVALID_CREDENTIALS"), "{landing:?}");
    ensure!(stage.provider.calls("token") == 0, "the code was sent to the other provider");
    Ok(())
}

/// The second tab's cookie replaces the first one's: the last one that began signs in, the other begins again.
async fn two_tabs_may_sign_in_at_once() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let mut browser = stage.browser();
    let first = browser.leave(&stage.provider, NAME).await?.map_err(|landing| anyhow::anyhow!("{landing:?}"))?;
    let second = browser.leave(&stage.provider, NAME).await?.map_err(|landing| anyhow::anyhow!("{landing:?}"))?;
    ensure!(browser.arrive(&second).await? == Landing::good());
    let landing = browser.arrive(&first).await?;
    ensure!(!landing.signed_in, "{landing:?}");
    ensure!(browser.is_signed_in().await?, "the other tab was signed out");
    Ok(())
}

async fn a_provider_that_refuses_is_heard() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let deny = |parameters: &mut Vec<(String, String)>| {
        parameters[0] = ("error".to_owned(), "access_denied".to_owned());
        parameters.push(("error_description".to_owned(), "Not today".to_owned()));
    };
    let misbehave = move |script: &mut Script| script.callback = Some(Box::new(deny));
    stage.refuses(misbehave, refused(), "the provider answers `access_denied`: Not today").await
}

async fn an_answer_of_another_provider_is_told_apart_by_its_name() -> anyhow::Result<()> {
    for (iss, why) in [
        (Some("https://evil.example.com"), "`iss` of the answer is `https://evil.example.com`"),
        (None, "`iss` of the answer is missing"),
    ] {
        let stage = Stage::openid(&[]).await?;
        stage.signed_in().await?;
        let (mut browser, url) = away(&stage).await?;
        let landing = browser.arrive(&with(&url, "iss", iss)).await?;
        ensure!(landing == refused(), "{landing:?}");
        stage.server.logged(why).await?;
        ensure!(stage.provider.calls("token") == 1, "the code was redeemed");
    }
    let stage = Stage::openid(&[]).await?;
    let silent = |document: &mut Value| {
        document.as_object_mut().unwrap().remove("authorization_response_iss_parameter_supported");
    };
    stage.provider.script(|script| script.discovery = Some(Box::new(silent)));
    let (mut browser, url) = away(&stage).await?;
    ensure!(browser.arrive(&with(&url, "iss", None)).await? == Landing::good());
    Ok(())
}

async fn answers_may_come_as_a_form() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let (mut browser, url) = away(&stage).await?;
    let (page, query) = url.split_once('?').context("no query")?;
    let pairs = form::parse(query);
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = browser.post(page.strip_prefix(PUBLIC_URL).unwrap_or(page), &pairs).await?;
    ensure!(answer.status == 303, "{}", answer.status);
    let location = redirected(&answer)?;
    let query = location.strip_prefix("./callback").with_context(|| location.clone())?;
    ensure!(browser.arrive(&format!("{page}{query}")).await? == Landing::good());
    Ok(())
}

async fn a_key_of_somebody_else_under_the_right_name_signs_nothing() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let other = SigningKey::load("rsa-two")?;
    let misbehave = |script: &mut Script| script.id_token = Some(Box::new(move |token| token.key = other.clone()));
    stage.refuses(misbehave, refused(), "the signature of the ID token is wrong").await
}

async fn a_provider_that_changes_its_issuer_is_not_believed() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let misbehave = |script: &mut Script| {
        let other = "http://127.0.0.1:1";
        script.discovery = Some(Box::new(move |document| document["issuer"] = json!(other)));
        script.id_token = Some(Box::new(move |token| token.claims["iss"] = json!(other)));
    };
    stage.refuses(misbehave, refused(), "`iss` of the ID token is `http://127.0.0.1:1`").await
}

async fn a_code_that_is_no_longer_good_is_asked_for_once_more() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.provider.fault("token", Fault::Refuse(400, "invalid_grant"));
    let mut browser = stage.browser();
    let landing = browser.sign_in(&stage.provider, NAME).await?;
    let again = landing.target.strip_prefix('.').with_context(|| format!("{landing:?}"))?;
    ensure!(again.contains("prompt=true") && !landing.signed_in, "{landing:?}");
    let away = redirected(&browser.get(&format!("/auth/login/{NAME}{}", again.trim_start_matches('/'))).await?)?;
    ensure!(away.contains("&prompt=consent&"), "{away}");
    let landing = browser.arrive(&stage.provider.visit(&away).await?).await?;
    ensure!(landing == Landing::refused("INVALID_TOKEN"), "{landing:?}");
    Ok(())
}

/// One server, one fault after the other: what each leaves is a working server.
async fn a_broken_provider_is_unavailable_and_no_more() -> anyhow::Result<()> {
    let stage = Stage::openid(&SHORT).await?;
    stage.signed_in().await?;
    let before = stage.accounts().await?;
    let unavailable = Landing::refused("SERVICE_UNAVAILABLE");
    for endpoint in ["token", "userinfo"] {
        for fault in [
            Fault::Html,
            Fault::Refuse(500, "server_error"),
            Fault::Refuse(401, "invalid_client"),
            Fault::Bytes(50 << 20),
            Fault::Bytes(0),
            Fault::Redirect(format!("{}/me", stage.provider.url)),
        ] {
            stage.provider.fault(endpoint, fault.clone());
            let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
            ensure!(landing == unavailable, "{endpoint}, {fault:?}: {landing:?}");
        }
        stage.provider.script(|script| script.faults.clear());
    }
    ensure!(stage.accounts().await? == before, "an account changed");
    stage.signed_in().await?;
    Ok(())
}

async fn an_answer_without_end_has_one() -> anyhow::Result<()> {
    let stage = Stage::openid(&SHORT).await?;
    let unavailable = Landing::refused("SERVICE_UNAVAILABLE");
    for fault in [Fault::Hang, Fault::Drip, Fault::Flood] {
        stage.provider.fault("token", fault.clone());
        let started = Instant::now();
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == unavailable, "{fault:?}: {landing:?}");
        ensure!(started.elapsed() < Duration::from_secs(10), "{fault:?}: {:?}", started.elapsed());
    }
    stage.provider.script(|script| script.faults.clear());
    stage.signed_in().await?;
    Ok(())
}

async fn nobody_is_sent_on_to_where_the_provider_says() -> anyhow::Result<()> {
    let stage = Stage::openid(&SHORT).await?;
    let metadata = "http://169.254.169.254/latest/meta-data/";
    stage.provider.fault("token", Fault::Redirect(metadata.to_owned()));
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused("SERVICE_UNAVAILABLE"), "{landing:?}");
    stage.server.logged("the token endpoint answers 302").await?;

    // An address in the discovery document is asked only if it may be.
    let stage = Stage::openid(&SHORT).await?;
    let edit = move |document: &mut Value| document["token_endpoint"] = json!(metadata);
    stage.provider.script(|script| script.discovery = Some(Box::new(edit)));
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused("SERVICE_UNAVAILABLE"), "{landing:?}");
    stage.server.logged("this server may not go there").await?;
    Ok(())
}

async fn a_provider_that_is_down_at_the_start_stops_nothing_and_heals() -> anyhow::Result<()> {
    let provider = Provider::start().await?;
    provider.fault("discovery", Fault::Refuse(503, "down"));
    let issuer = provider.url.clone();
    let stage =
        Stage::start(provider, &[("AUTH_OP_DRIVER", "openid"), ("AUTH_OP_ISSUER_URL", issuer.as_str())]).await?;
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused_at_once("SERVICE_UNAVAILABLE"), "{landing:?}");
    stage.provider.script(|script| script.faults.clear());
    let deadline = Instant::now() + Duration::from_secs(15);
    while stage.browser().sign_in(&stage.provider, NAME).await? != Landing::good() {
        ensure!(Instant::now() < deadline, "it does not heal: {}", stage.server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

async fn a_provider_that_is_down_is_not_asked_by_every_sign_in() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.provider.fault("discovery", Fault::Html);
    for _ in 0..10 {
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused_at_once("SERVICE_UNAVAILABLE"), "{landing:?}");
    }
    // Ten sign-ins take less than a failure is remembered, but a busy machine may need a second look.
    ensure!(stage.provider.calls("discovery") <= 2, "{}", stage.provider.calls("discovery"));
    Ok(())
}

async fn each_way_to_show_who_we_are_works() -> anyhow::Result<()> {
    const METHOD: &str = "AUTH_OP_CLIENT_TOKEN_ENDPOINT_AUTH_METHOD";
    let stage = Stage::openid(&[(METHOD, "client_secret_post")]).await?;
    stage.signed_in().await?;
    let asked = stage.provider.last("token")?;
    ensure!(asked.authorization.is_none() && asked.get("client_secret").is_some(), "{asked:?}");

    let keys = SigningKey::private_jwks("p256-two")?;
    let more =
        [(METHOD, "private_key_jwt"), ("AUTH_OP_CLIENT_SECRET", ""), ("AUTH_OP_CLIENT_PRIVATE_KEYS", keys.as_str())];
    let stage = Stage::openid(&more).await?;
    stage.signed_in().await?;
    let asked = stage.provider.last("token")?;
    let assertion = asked.get("client_assertion").context("no assertion")?;
    let claims = SigningKey::load("p256-two")?.open(assertion)?;
    let audience = json!([stage.provider.url, format!("{}/token", stage.provider.url)]);
    ensure!(claims["iss"] == CLIENT_ID && claims["sub"] == CLIENT_ID && claims["aud"] == audience, "{claims}");
    ensure!(claims["exp"].as_u64() == claims["iat"].as_u64().map(|iat| iat + 60), "{claims}");
    ensure!(claims["jti"].as_str().is_some_and(|id| id.len() == 43), "{claims}");
    ensure!(!stage.server.log().contains(assertion), "an assertion is in the log");
    Ok(())
}

/// `client_secret_jwt` (RFC 7523; OpenID Connect Core 1.0, section 9), for both drivers.
async fn a_secret_may_sign_instead_of_being_sent() -> anyhow::Result<()> {
    const SECRET: &str = "a secret of the tests, longer than the longest hash, which is one of 64 bytes";
    const METHOD: (&str, &str) = ("AUTH_OP_CLIENT_TOKEN_ENDPOINT_AUTH_METHOD", "client_secret_jwt");
    const ALGORITHM: &str = "AUTH_OP_CLIENT_TOKEN_ENDPOINT_AUTH_SIGNING_ALG";
    let secret = ("AUTH_OP_CLIENT_SECRET", SECRET);
    for (algorithm, hash) in [
        ("", hmac::HMAC_SHA256),
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        let settings = [METHOD, secret, (ALGORITHM, algorithm)];
        for (is_openid, stage) in [(true, Stage::openid(&settings).await?), (false, Stage::oauth2(&settings).await?)] {
            stage.signed_in().await.with_context(|| format!("{algorithm} {is_openid}"))?;
            let asked = stage.provider.last("token")?;
            ensure!(asked.authorization.is_none() && asked.get("client_secret").is_none(), "{asked:?}");
            let assertion = asked.get("client_assertion").context("no assertion")?;
            let (message, code) = assertion.rsplit_once('.').context("no code")?;
            let code = URL_SAFE_NO_PAD.decode(code)?;
            ensure!(hmac::verify(&hmac::Key::new(hash, SECRET.as_bytes()), message.as_bytes(), &code).is_ok());
            let read = gatewit_jose::Compact::parse(assertion).context("no token")?;
            ensure!(read.algorithm == if algorithm.is_empty() { "HS256" } else { algorithm }, "{}", read.algorithm);
            let claims: Value = read.claims().context("no claims")?;
            let endpoint = format!("{}/token", stage.provider.url);
            let audience = if is_openid { json!([stage.provider.url, endpoint]) } else { json!([endpoint]) };
            ensure!(claims["iss"] == CLIENT_ID && claims["sub"] == CLIENT_ID && claims["aud"] == audience, "{claims}");
            ensure!(claims["exp"].as_u64() == claims["iat"].as_u64().map(|iat| iat + 60), "{claims}");
            ensure!(
                !stage.server.log().contains(assertion) && !stage.server.log().contains(SECRET),
                "it is in the log"
            );
        }
    }
    for (settings, why) in [
        ([METHOD, secret, (ALGORITHM, "RS256")], "with a secret it is HS256, HS384 or HS512"),
        ([METHOD, ("AUTH_OP_CLIENT_SECRET", "short"), (ALGORITHM, "")], "`client-secret` is too short for HS256"),
    ] {
        let stage = Stage::openid(&settings).await?;
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused("INVALID_PROVIDER_CONFIG"), "{landing:?}");
        stage.server.logged(why).await?;
    }
    Ok(())
}

async fn pkce_may_be_plain_if_it_must() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_PLAIN_CODE_CHALLENGE", "true")]).await?;
    stage.signed_in().await?;
    ensure!(stage.provider.last("authorize")?.get("code_challenge_method") == Some("plain"));
    Ok(())
}

/// As `LinkedIn` needs it.
async fn pkce_and_nonce_may_be_left_out_if_they_must() -> anyhow::Result<()> {
    let without_nonce = |script: &mut Script| script.id_token = Some(Box::new(|token| token.without("nonce")));
    for driver in ["openid", "oauth2"] {
        let settings = [("AUTH_OP_NO_CODE_CHALLENGE", "true"), ("AUTH_OP_NONCE_IS_OPTIONAL", "true")];
        let stage =
            if driver == "openid" { Stage::openid(&settings).await? } else { Stage::oauth2(&settings[..1]).await? };
        stage.provider.script(without_nonce);
        stage.signed_in().await?;
        let asked = stage.provider.last("authorize")?;
        ensure!(asked.get("code_challenge").is_none() && asked.get("code_challenge_method").is_none(), "{asked:?}");
        ensure!(asked.get("nonce").is_some() == (driver == "openid"), "{asked:?}");
        ensure!(stage.provider.last("token")?.get("code_verifier").is_none());
    }
    // What is optional must still be right, and by default it is not.
    let stage = Stage::openid(&[("AUTH_OP_NONCE_IS_OPTIONAL", "true")]).await?;
    let another = |script: &mut Script| {
        script.id_token = Some(Box::new(|token| token.claims["nonce"] = json!("another")));
    };
    stage.refuses(another, refused(), "`nonce` of the ID token is not the one of this sign-in").await?;
    Stage::openid(&[]).await?.refuses(without_nonce, refused(), "`nonce` of the ID token is missing").await
}

async fn params_are_sent_and_replace_nothing_of_the_protocol() -> anyhow::Result<()> {
    let params = r#"json:{"prompt":"login","custom":1,"state":"fixed","redirect_uri":"https://evil.example.com"}"#;
    let stage = Stage::openid(&[("AUTH_OP_PARAMS", params)]).await?;
    stage.signed_in().await?;
    let asked = stage.provider.last("authorize")?;
    ensure!(asked.get("prompt") == Some("login") && asked.get("custom") == Some("1"), "{asked:?}");
    ensure!(asked.get("state") != Some("fixed") && asked.parameters.len() == 11, "{asked:?}");
    Ok(())
}

async fn every_algorithm_with_a_public_key_is_known() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let keys = ["rsa-one", "p256-one", "ed25519-one"].map(SigningKey::load);
    let [rsa, p256, edwards] = keys.map(|key| key.unwrap());
    let all = vec![rsa.clone(), p256.clone(), edwards.clone()];
    stage.provider.script(|script| script.published = all);
    for (algorithm, key) in [
        ("RS256", &rsa),
        ("RS384", &rsa),
        ("RS512", &rsa),
        ("PS256", &rsa),
        ("PS384", &rsa),
        ("PS512", &rsa),
        ("ES256", &p256),
        ("EdDSA", &edwards),
        ("Ed25519", &edwards),
    ] {
        stage.provider.script(|script| {
            script.algorithm = algorithm;
            script.signs = key.clone();
            script.id_token = Some(Box::new(|token| {
                token.without("at_hash");
                token.without("c_hash");
            }));
        });
        stage.signed_in().await.context(algorithm)?;
    }
    Ok(())
}

async fn claims_are_found_where_the_operator_says() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_IDENTIFIER_KEY", "employee.number")]).await?;
    stage.provider.script(|script| script.person["employee"] = json!({"number": 4711}));
    stage.signed_in().await?;
    ensure!(stage.accounts().await?.join("\n").contains("\"4711\""), "{:?}", stage.accounts().await?);
    let nobody = |script: &mut Script| script.person = json!({"sub": "ann"});
    stage.refuses(nobody, refused(), "the provider tells neither `employee.number` nor `email`").await?;
    Ok(())
}
