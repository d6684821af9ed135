//! What the OpenID Foundation's conformance suite asks of relying parties, module by module and by its names: the plans
//! Basic, Config, Refresh Token and Logout (`openid_sessions.rs`), and of the others what a client meets that was registered
//! by hand. Absent are the modules of what is not offered: registering by oneself, `WebFinger`, request objects, other flows
//! than that of the code, tokens in a body, and logout in hidden frames.
//!
//! The suite is told what a client did by what it asks for next. Here the outcome is looked at as well: where the browser
//! ends, what the log says, and that nothing of an account has changed. `oidcc-client-test-idtoken-sig-none` is in two plans.

use anyhow::ensure;
use e2e::browser::Landing;
use e2e::provider::{CLIENT_SECRET, Script, Seal, SigningKey, Token};
use e2e::stage::{NAME, Stage};
use serde_json::json;

e2e::suite! {
    oidcc_client_test,
    oidcc_client_test_invalid_iss,
    oidcc_client_test_missing_sub,
    oidcc_client_test_invalid_aud,
    oidcc_client_test_missing_aud,
    oidcc_client_test_missing_iat,
    oidcc_client_test_kid_absent_single_jwks,
    oidcc_client_test_kid_absent_multiple_jwks,
    oidcc_client_test_idtoken_sig_rs256,
    oidcc_client_test_idtoken_sig_none,
    oidcc_client_test_invalid_sig_rs256,
    oidcc_client_test_userinfo_invalid_sub,
    oidcc_client_test_nonce_invalid,
    oidcc_client_test_scope_userinfo_claims,
    oidcc_client_test_client_secret_basic,
    oidcc_client_test_discovery_openid_config,
    oidcc_client_test_discovery_jwks_uri_keys,
    oidcc_client_test_discovery_issuer_mismatch,
    oidcc_client_test_signing_key_rotation,
    oidcc_client_test_signing_key_rotation_just_before_signing,
    oidcc_client_test_missing_athash,
    oidcc_client_test_invalid_athash,
    oidcc_client_test_missing_chash,
    oidcc_client_test_invalid_chash,
    oidcc_client_test_invalid_sig_es256,
    oidcc_client_test_invalid_sig_hs256,
    oidcc_client_test_ignores_unparseable_key_in_jwks,
    oidcc_client_test_userinfo_bearer_header,
    oidcc_client_test_userinfo_signed,
    oidcc_client_test_userinfo_signed_says_the_wrong_thing,
    oidcc_client_test_aggregated_claims,
    oidcc_client_test_distributed_claims,
    oidcc_client_test_3rd_party_init_login,
}

/// What is wrong with the sign-in, for the person.
fn refused() -> Landing {
    Landing::refused("INVALID_CREDENTIALS")
}

async fn refuses(misbehave: impl FnOnce(&mut Script), why: &str) -> anyhow::Result<()> {
    Stage::openid(&[]).await?.refuses(misbehave, refused(), why).await
}

async fn oidcc_client_test() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let mut browser = stage.signed_in().await?;
    ensure!(browser.is_signed_in().await?);
    let accounts = stage.accounts().await?.join("\n");
    for part in ["ann@example.com", "Ann", "Lee", NAME, r#"\"refreshToken\":\"refresh-token-"#] {
        ensure!(accounts.contains(part), "no {part} in {accounts}");
    }
    let calls = stage.provider.take_calls();
    ensure!(calls == ["discovery", "authorize", "token", "keys", "userinfo"], "{calls:?}");
    // Discovery and keys are known by now.
    stage.signed_in().await?;
    let calls = stage.provider.take_calls();
    ensure!(calls == ["authorize", "token", "userinfo"], "{calls:?}");
    Ok(())
}

async fn oidcc_client_test_invalid_iss() -> anyhow::Result<()> {
    let edit = |script: &mut Script| {
        script.id_token = Some(Box::new(|token| token.claims["iss"] = json!("https://evil.example.com")));
    };
    refuses(edit, "`iss` of the ID token is `https://evil.example.com`").await
}

async fn oidcc_client_test_missing_sub() -> anyhow::Result<()> {
    refuses(|script| script.id_token = Some(Box::new(|token| token.without("sub"))), "`sub` of the ID token is missing")
        .await
}

async fn oidcc_client_test_invalid_aud() -> anyhow::Result<()> {
    let edit =
        |script: &mut Script| script.id_token = Some(Box::new(|token| token.claims["aud"] = json!("somebody else")));
    refuses(edit, "`aud` of the ID token is `somebody else`, expected `gatewit:test`").await
}

async fn oidcc_client_test_missing_aud() -> anyhow::Result<()> {
    refuses(|script| script.id_token = Some(Box::new(|token| token.without("aud"))), "`aud` of the ID token is missing")
        .await
}

async fn oidcc_client_test_missing_iat() -> anyhow::Result<()> {
    refuses(|script| script.id_token = Some(Box::new(|token| token.without("iat"))), "`iat` of the ID token is missing")
        .await
}

fn without_key_id(script: &mut Script) {
    script.id_token = Some(Box::new(|token| {
        token.header.as_object_mut().unwrap().remove("kid");
    }));
}

async fn oidcc_client_test_kid_absent_single_jwks() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.provider.script(without_key_id);
    stage.signed_in().await?;
    Ok(())
}

/// The suite lets a client try all keys or refuse; it was never said which key was meant, so we refuse.
async fn oidcc_client_test_kid_absent_multiple_jwks() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let other = SigningKey::load("rsa-two")?;
    stage.provider.script(|script| script.published.push(other));
    stage.refuses(without_key_id, refused(), "several keys of the provider fit").await
}

async fn oidcc_client_test_idtoken_sig_rs256() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG", "RS256")]).await?;
    stage.signed_in().await?;
    Ok(())
}

async fn oidcc_client_test_idtoken_sig_none() -> anyhow::Result<()> {
    let edit = |script: &mut Script| {
        script.id_token = Some(Box::new(|token| {
            token.header = json!({"alg": "none"});
            token.seal = Seal::None;
        }));
    };
    refuses(edit, "`alg` of the ID token is `none`").await
}

async fn oidcc_client_test_invalid_sig_rs256() -> anyhow::Result<()> {
    let edit = |script: &mut Script| script.id_token = Some(Box::new(|token| token.seal = Seal::Broken));
    refuses(edit, "the signature of the ID token is wrong").await
}

async fn oidcc_client_test_userinfo_invalid_sub() -> anyhow::Result<()> {
    let edit = |script: &mut Script| script.userinfo = Some(Box::new(|claims| claims["sub"] = json!("somebody else")));
    refuses(edit, "`sub` of the userinfo endpoint is `somebody else`, expected `ann`").await
}

async fn oidcc_client_test_nonce_invalid() -> anyhow::Result<()> {
    let edit = |script: &mut Script| script.id_token = Some(Box::new(|token| token.claims["nonce"] = json!("another")));
    refuses(edit, "`nonce` of the ID token is not the one of this sign-in").await
}

async fn oidcc_client_test_scope_userinfo_claims() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_SCOPE", "openid profile email phone")]).await?;
    stage.signed_in().await?;
    let asked = stage.provider.last("authorize")?;
    ensure!(asked.get("scope") == Some("openid profile email phone"), "{asked:?}");
    // What only userinfo told is in the account.
    ensure!(stage.accounts().await?.join("\n").contains("ann@example.com"));
    Ok(())
}

async fn oidcc_client_test_client_secret_basic() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    let asked = stage.provider.last("token")?;
    ensure!(asked.authorization.as_deref().is_some_and(|header| header.starts_with("Basic ")), "{asked:?}");
    ensure!(asked.get("client_secret").is_none() && asked.get("client_assertion").is_none(), "{asked:?}");
    Ok(())
}

async fn oidcc_client_test_discovery_openid_config() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    ensure!(stage.provider.calls("discovery") == 1, "{}", stage.provider.calls("discovery"));
    Ok(())
}

async fn oidcc_client_test_discovery_jwks_uri_keys() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    ensure!(stage.provider.calls("keys") == 1, "{}", stage.provider.calls("keys"));
    Ok(())
}

async fn oidcc_client_test_discovery_issuer_mismatch() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let edit = |document: &mut serde_json::Value| document["issuer"] = json!("https://evil.example.com");
    stage.provider.script(|script| script.discovery = Some(Box::new(edit)));
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused_at_once("SERVICE_UNAVAILABLE"), "{landing:?}");
    stage.server.logged("`issuer` of the discovery document is `https://evil.example.com`").await?;
    ensure!(stage.provider.calls("authorize") == 0, "the browser was sent there");
    Ok(())
}

async fn oidcc_client_test_signing_key_rotation() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    stage.provider.rotate()?;
    stage.signed_in().await?;
    ensure!(stage.provider.calls("keys") == 2, "{}", stage.provider.calls("keys"));
    stage.signed_in().await?;
    ensure!(stage.provider.calls("keys") == 2, "{}", stage.provider.calls("keys"));
    Ok(())
}

async fn oidcc_client_test_signing_key_rotation_just_before_signing() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    let mut browser = stage.browser();
    let url = browser.leave(&stage.provider, NAME).await?;
    stage.provider.rotate()?;
    let landing = browser.arrive(&url.map_err(|landing| anyhow::anyhow!("{landing:?}"))?).await?;
    ensure!(landing == Landing::good(), "{landing:?}");
    Ok(())
}

/// The code flow asks for neither hash (OpenID Connect Core 1.0, section 3.1.3.6).
async fn oidcc_client_test_missing_athash() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.provider.script(|script| script.id_token = Some(Box::new(|token| token.without("at_hash"))));
    stage.signed_in().await?;
    Ok(())
}

async fn oidcc_client_test_invalid_athash() -> anyhow::Result<()> {
    let edit = |script: &mut Script| script.id_token = Some(Box::new(|token| token.claims["at_hash"] = json!("wrong")));
    refuses(edit, "`at_hash` of the ID token is wrong").await
}

async fn oidcc_client_test_missing_chash() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.provider.script(|script| script.id_token = Some(Box::new(|token| token.without("c_hash"))));
    stage.signed_in().await?;
    Ok(())
}

async fn oidcc_client_test_invalid_chash() -> anyhow::Result<()> {
    let edit = |script: &mut Script| script.id_token = Some(Box::new(|token| token.claims["c_hash"] = json!("wrong")));
    refuses(edit, "`c_hash` of the ID token is wrong").await
}

async fn oidcc_client_test_invalid_sig_es256() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let key = SigningKey::load("p256-one")?;
    stage.provider.script(|script| {
        script.algorithm = "ES256";
        script.published = vec![key.clone()];
        script.signs = key;
    });
    let edit = |script: &mut Script| script.id_token = Some(Box::new(|token| token.seal = Seal::Broken));
    stage.refuses(edit, refused(), "the signature of the ID token is wrong").await
}

async fn oidcc_client_test_invalid_sig_hs256() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG", "HS256")]).await?;
    let by = |secret: &'static str| {
        move |script: &mut Script| {
            script.algorithm = "HS256";
            script.id_token = Some(Box::new(move |token| token.seal = Seal::Secret(secret.into())));
        }
    };
    stage.provider.script(by(CLIENT_SECRET));
    let other = by("another secret, which is longer than 32 bytes, too");
    stage.refuses(other, refused(), "the signature of the ID token is wrong").await
}

async fn oidcc_client_test_ignores_unparseable_key_in_jwks() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let odd = json!([{"kty": "new", "kid": "odd"}, 5, {"kty": ["RSA"]}]);
    let odd = odd.as_array().cloned().unwrap_or_default();
    let edit = move |set: &mut serde_json::Value| set["keys"].as_array_mut().unwrap().extend(odd.iter().cloned());
    stage.provider.script(|script| script.keys = Some(Box::new(edit)));
    stage.signed_in().await?;
    Ok(())
}

async fn oidcc_client_test_userinfo_bearer_header() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    let asked = stage.provider.last("userinfo")?;
    ensure!(asked.authorization.as_deref() == Some("Bearer access-token") && asked.parameters.is_empty(), "{asked:?}");
    Ok(())
}

/// The setting that makes the userinfo endpoint sign.
const SIGNED_USERINFO: (&str, &str) = ("AUTH_OP_CLIENT_USERINFO_SIGNED_RESPONSE_ALG", "RS256");

async fn oidcc_client_test_userinfo_signed() -> anyhow::Result<()> {
    for settings in [&[][..], &[SIGNED_USERINFO]] {
        let stage = Stage::openid(settings).await?;
        stage.provider.script(|script| script.signs_userinfo = true);
        stage.signed_in().await?;
        // What only the signed answer told is in the account.
        ensure!(stage.accounts().await?.join("\n").contains("ann@example.com"));
        // A key that the provider began to use between the ID token and this answer is asked for.
        let rotated = SigningKey::load("rsa-two")?;
        stage.provider.script(|script| {
            script.published.push(rotated.clone());
            script.userinfo_token = Some(Box::new(move |token| {
                token.header["kid"] = json!(rotated.id);
                token.key = rotated.clone();
            }));
        });
        stage.signed_in().await?;
    }
    Ok(())
}

async fn oidcc_client_test_userinfo_signed_says_the_wrong_thing() -> anyhow::Result<()> {
    type Misbehaving = fn(&mut Token);
    let cases: [(Misbehaving, &str); 7] = [
        (
            |token| token.claims["iss"] = json!("https://evil.example.com"),
            "`iss` of the answer of the userinfo endpoint",
        ),
        (
            |token| token.claims["aud"] = json!("somebody else"),
            "`aud` of the answer of the userinfo endpoint is `somebody",
        ),
        (|token| token.without("aud"), "`aud` of the answer of the userinfo endpoint is missing"),
        (|token| token.claims["sub"] = json!("somebody else"), "`sub` of the userinfo endpoint is `somebody else`"),
        (|token| token.claims["exp"] = json!(1), "`exp` of the answer of the userinfo endpoint is 1"),
        (|token| token.seal = Seal::Broken, "the signature of the answer of the userinfo endpoint is wrong"),
        (|token| token.header = json!({"alg": "none"}), "`alg` of the answer of the userinfo endpoint is `none`"),
    ];
    for (misbehave, why) in cases {
        let stage = Stage::openid(&[SIGNED_USERINFO]).await?;
        stage.provider.script(|script| script.signs_userinfo = true);
        let edit = move |script: &mut Script| script.userinfo_token = Some(Box::new(misbehave));
        stage.refuses(edit, refused(), why).await?;
    }
    // An answer that is not signed, where signatures were agreed on.
    let stage = Stage::openid(&[SIGNED_USERINFO]).await?;
    stage.provider.script(|script| script.signs_userinfo = true);
    stage.refuses(|script| script.signs_userinfo = false, refused(), "the userinfo endpoint does not sign").await
}

/// Claims of somebody else come along in a token that nobody here verifies, so they count for nothing and harm nothing.
async fn oidcc_client_test_aggregated_claims() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.provider.script(|script| {
        script.person["_claim_names"] = json!({"given_name": "src1"});
        script.person["_claim_sources"] =
            json!({"src1": {"JWT": "eyJhbGciOiJub25lIn0.eyJnaXZlbl9uYW1lIjoiTWFsbG9yeSJ9."}});
    });
    stage.signed_in().await?;
    let accounts = stage.accounts().await?.join("\n");
    ensure!(accounts.contains("Ann") && !accounts.contains("Mallory"), "{accounts}");
    Ok(())
}

/// Claims that lie elsewhere are not fetched: where a provider sends us is no reason to go there.
async fn oidcc_client_test_distributed_claims() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let elsewhere = format!("{}/end", stage.provider.url);
    stage.provider.script(|script| {
        script.person["_claim_names"] = json!({"given_name": "src1"});
        script.person["_claim_sources"] = json!({"src1": {"endpoint": elsewhere, "access_token": "t"}});
    });
    stage.signed_in().await?;
    ensure!(stage.provider.calls("end_session") == 0, "the other source was asked");
    ensure!(stage.accounts().await?.join("\n").contains("Ann"));
    Ok(())
}

/// Anybody may send a browser here to sign in (OpenID Connect Core 1.0, section 4); what else they say leads nowhere.
async fn oidcc_client_test_3rd_party_init_login() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let query = "iss=https%3A%2F%2Fevil.example.com&login_hint=x&target_link_uri=https%3A%2F%2Fevil.example.com%2F";
    let left = stage.browser().get(&format!("/auth/login/{NAME}?{query}")).await?;
    let location = left.header("location").unwrap_or_default().to_owned();
    ensure!(left.status == 302 && location.starts_with(&format!("{}/authorize?", stage.provider.url)), "{location}");
    ensure!(!location.contains("evil"), "{location}");
    let mut browser = stage.browser();
    let landing = browser.sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::good(), "{landing:?}");
    Ok(())
}
