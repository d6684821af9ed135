//! Sessions that go along with the provider's: the conformance suite's plans Refresh Token and Logout by its names, and what
//! follows from signing out here or there.

use anyhow::ensure;
use e2e::browser::{Browser, PUBLIC_URL, redirected};
use e2e::provider::{Fault, Script, Seal, SigningKey, Token, form};
use e2e::stage::Stage;
use serde_json::json;

e2e::suite! {
    oidcc_client_test_refresh_token,
    oidcc_client_test_refresh_token_invalid_issuer,
    oidcc_client_test_refresh_token_invalid_sub,
    oidcc_client_test_refresh_token_invalid_aud,
    oidcc_client_test_refresh_token_invalid_azp,
    a_refresh_that_the_provider_refuses_leaves_the_session_as_it_is,
    a_refresh_without_an_answer_leaves_the_session_as_it_is,
    oidcc_client_test_rp_init_logout,
    oidcc_client_test_rp_init_logout_other_state,
    oidcc_client_test_rp_init_logout_no_state,
    signing_out_stays_here_unless_the_provider_is_to_be_told,
    oidcc_client_test_rp_backchannel_rpinitlogout,
    oidcc_client_test_rp_backchannel_rpinitlogout_alg_none,
    oidcc_client_test_rp_backchannel_rpinitlogout_no_event,
    oidcc_client_test_rp_backchannel_rpinitlogout_with_nonce,
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg,
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_aud,
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_event,
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_iss,
    a_notice_is_taken_once_and_only_where_it_is_wanted,
    a_notice_ends_one_session_or_all_of_a_person,
    strangers_do_not_make_the_server_ask_for_keys,
}

async fn refresh_with(edit: impl FnOnce(&mut Script)) -> anyhow::Result<(Stage, Browser, u16)> {
    let stage = Stage::openid(&[]).await?;
    let mut browser = stage.signed_in().await?;
    stage.provider.forget_calls();
    stage.provider.script(edit);
    let status = browser.refresh().await?.status;
    Ok((stage, browser, status))
}

/// A refresh with an ID token that is wrong is refused, and the session is what it was.
async fn refresh_is_refused(edit: fn(&mut Token), why: &str) -> anyhow::Result<()> {
    let misbehave = |script: &mut Script| {
        script.renews_id_token = true;
        script.id_token = Some(Box::new(edit));
    };
    let (stage, mut browser, status) = refresh_with(misbehave).await?;
    ensure!(status == 401, "{status}");
    stage.server.logged(why).await?;
    ensure!(browser.is_signed_in().await?, "the session is gone");
    Ok(())
}

async fn oidcc_client_test_refresh_token() -> anyhow::Result<()> {
    let (stage, mut browser, status) = refresh_with(|script| script.renews_id_token = true).await?;
    ensure!(status == 200, "{status}; {}", stage.server.log());
    let calls = stage.provider.take_calls();
    ensure!(calls == ["token"], "{calls:?}");
    // The provider gives another token each time, and takes each once.
    ensure!(browser.refresh().await?.status == 200);
    let asked = stage.provider.last("token")?;
    ensure!(asked.get("grant_type") == Some("refresh_token"), "{asked:?}");
    ensure!(browser.is_signed_in().await?);
    Ok(())
}

async fn oidcc_client_test_refresh_token_invalid_issuer() -> anyhow::Result<()> {
    let edit = |token: &mut Token| token.claims["iss"] = json!("https://evil.example.com");
    refresh_is_refused(edit, "`iss` of the ID token is `https://evil.example.com`").await
}

async fn oidcc_client_test_refresh_token_invalid_sub() -> anyhow::Result<()> {
    let edit = |token: &mut Token| token.claims["sub"] = json!("somebody else");
    refresh_is_refused(edit, "`sub` of the ID token is not the one of the sign-in").await
}

async fn oidcc_client_test_refresh_token_invalid_aud() -> anyhow::Result<()> {
    refresh_is_refused(|token| token.claims["aud"] = json!("somebody else"), "`aud` of the ID token is").await
}

async fn oidcc_client_test_refresh_token_invalid_azp() -> anyhow::Result<()> {
    refresh_is_refused(|token| token.claims["azp"] = json!("somebody else"), "`azp` of the ID token is").await
}

async fn a_refresh_that_the_provider_refuses_leaves_the_session_as_it_is() -> anyhow::Result<()> {
    let refuse = |script: &mut Script| {
        script.faults.insert("token", Fault::Refuse(400, "invalid_grant"));
    };
    let (stage, mut browser, status) = refresh_with(refuse).await?;
    ensure!(status == 403, "{status}");
    stage.server.logged("the token endpoint answers 400 with `invalid_grant`").await?;
    ensure!(browser.is_signed_in().await?, "the session is gone");
    Ok(())
}

async fn a_refresh_without_an_answer_leaves_the_session_as_it_is() -> anyhow::Result<()> {
    let (stage, mut browser, status) = refresh_with(|script| {
        script.faults.insert("token", Fault::Html);
    })
    .await?;
    ensure!(status == 503, "{status}");
    ensure!(browser.is_signed_in().await?, "the session is gone");
    stage.provider.script(|script| script.faults.clear());
    ensure!(browser.refresh().await?.status == 200);
    Ok(())
}

const LEAVE: &str = "/auth/login/op/logout";
const NOTICE: &str = "/auth/login/op/backchannel-logout";

/// Somebody who signs out here: the address at the provider where the browser is sent.
async fn left(stage: &Stage) -> anyhow::Result<(Browser, String)> {
    let mut browser = stage.signed_in().await?;
    let answer = browser.post(LEAVE, &[("redirect", "/bye")]).await?;
    let url = redirected(&answer)?;
    ensure!(!browser.is_signed_in().await?, "still signed in here");
    Ok((browser, url))
}

async fn oidcc_client_test_rp_init_logout() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_END_SESSION", "true")]).await?;
    let (_, url) = left(&stage).await?;
    let query = form::parse(url.split_once('?').map_or("", |(_, query)| query));
    let hint = form::get(&query, "id_token_hint").unwrap_or_default();
    ensure!(hint.split('.').count() == 3, "{url}");
    ensure!(form::get(&query, "post_logout_redirect_uri") == Some(&format!("{PUBLIC_URL}/bye")), "{url}");
    ensure!(form::get(&query, "client_id") == Some("gatewit:test"), "{url}");
    let back = stage.provider.visit(&url).await?;
    ensure!(back == format!("{PUBLIC_URL}/bye"), "{back}");
    Ok(())
}

/// The session here has ended before the browser leaves, so nothing hangs on what it brings back: no state is sent, and one
/// that somebody adds changes nothing.
async fn oidcc_client_test_rp_init_logout_other_state() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_END_SESSION", "true")]).await?;
    let (mut browser, url) = left(&stage).await?;
    let back = stage.provider.visit(&format!("{url}&state=of-somebody-else")).await?;
    let before = stage.accounts().await?;
    browser.get(&back).await?;
    ensure!(!browser.is_signed_in().await? && stage.accounts().await? == before);
    Ok(())
}

async fn oidcc_client_test_rp_init_logout_no_state() -> anyhow::Result<()> {
    let stage = Stage::openid(&[("AUTH_OP_END_SESSION", "true")]).await?;
    let (mut browser, url) = left(&stage).await?;
    let back = stage.provider.visit(&url).await?;
    ensure!(!back.contains("state="), "{back}");
    browser.get(&back).await?;
    ensure!(!browser.is_signed_in().await?);
    Ok(())
}

async fn signing_out_stays_here_unless_the_provider_is_to_be_told() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let (_, url) = left(&stage).await?;
    ensure!(url == "/bye", "{url}");
    Ok(())
}

async fn with_notices() -> anyhow::Result<Stage> {
    Stage::openid(&[("AUTH_OP_BACK_CHANNEL_LOGOUT", "true")]).await
}

/// What the provider itself sends.
async fn notify(stage: &Stage, token: &str) -> anyhow::Result<u16> {
    Ok(stage.browser().post(NOTICE, &[("logout_token", token)]).await?.status)
}

async fn oidcc_client_test_rp_backchannel_rpinitlogout() -> anyhow::Result<()> {
    let stage = with_notices().await?;
    let mut browser = stage.signed_in().await?;
    let status = notify(&stage, &stage.provider.logout_token(|_| {})).await?;
    ensure!(status == 200, "{status}; {}", stage.server.log());
    ensure!(!browser.is_signed_in().await?, "the session is still there");
    Ok(())
}

/// A notice that is wrong is a bad request (section 2.8), and ends nothing.
async fn notice_is_refused(edit: impl FnOnce(&mut Token), why: &str) -> anyhow::Result<()> {
    let stage = with_notices().await?;
    let mut browser = stage.signed_in().await?;
    let status = notify(&stage, &stage.provider.logout_token(edit)).await?;
    ensure!(status == 400, "{status}");
    stage.server.logged(why).await?;
    ensure!(browser.is_signed_in().await?, "the session is gone");
    Ok(())
}

async fn oidcc_client_test_rp_backchannel_rpinitlogout_alg_none() -> anyhow::Result<()> {
    let edit = |token: &mut Token| {
        token.header["alg"] = json!("none");
        token.seal = Seal::None;
    };
    notice_is_refused(edit, "`alg` of the logout token is `none`").await
}

async fn oidcc_client_test_rp_backchannel_rpinitlogout_no_event() -> anyhow::Result<()> {
    notice_is_refused(|token| token.without("events"), "`events` of the logout token is missing").await
}

async fn oidcc_client_test_rp_backchannel_rpinitlogout_with_nonce() -> anyhow::Result<()> {
    notice_is_refused(|token| token.claims["nonce"] = json!("n"), "the logout token has a `nonce`").await
}

/// A key of another kind, which the provider does not publish.
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg() -> anyhow::Result<()> {
    let key = SigningKey::load("p256-one")?;
    let edit = |token: &mut Token| {
        token.header["alg"] = json!("ES256");
        token.key = key;
    };
    notice_is_refused(edit, "the provider has no key `rsa-one` for ES256 of the logout token").await
}

async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_aud() -> anyhow::Result<()> {
    notice_is_refused(|token| token.claims["aud"] = json!("somebody else"), "`aud` of the logout token is").await
}

async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_event() -> anyhow::Result<()> {
    let edit = |token: &mut Token| token.claims["events"] = json!({"http://schemas.openid.net/event/other": {}});
    notice_is_refused(edit, "`events` of the logout token does not name the logout").await
}

async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_iss() -> anyhow::Result<()> {
    notice_is_refused(|token| token.claims["iss"] = json!("https://evil.example.com"), "`iss` of the logout token is")
        .await
}

async fn a_notice_is_taken_once_and_only_where_it_is_wanted() -> anyhow::Result<()> {
    let stage = with_notices().await?;
    let token = stage.provider.logout_token(|_| {});
    ensure!(notify(&stage, &token).await? == 200, "{}", stage.server.log());
    let mut browser = stage.signed_in().await?;
    ensure!(notify(&stage, &token).await? == 400, "it is taken twice");
    ensure!(browser.is_signed_in().await?);

    let stage = Stage::openid(&[]).await?;
    let mut browser = stage.signed_in().await?;
    ensure!(notify(&stage, &stage.provider.logout_token(|_| {})).await? == 400);
    ensure!(browser.is_signed_in().await?);
    Ok(())
}

async fn a_notice_ends_one_session_or_all_of_a_person() -> anyhow::Result<()> {
    let stage = with_notices().await?;
    stage.provider.script(|script| script.id_token = Some(Box::new(|token| token.claims["sid"] = json!("first"))));
    let mut first = stage.signed_in().await?;
    stage.provider.script(|script| script.id_token = Some(Box::new(|token| token.claims["sid"] = json!("second"))));
    let mut second = stage.signed_in().await?;
    let one = stage.provider.logout_token(|token| {
        token.without("sub");
        token.claims["sid"] = json!("first");
    });
    ensure!(notify(&stage, &one).await? == 200);
    ensure!(!first.is_signed_in().await? && second.is_signed_in().await?, "not the one session");
    let stranger = stage.provider.logout_token(|token| token.claims["sub"] = json!("bob"));
    ensure!(notify(&stage, &stranger).await? == 200);
    ensure!(second.is_signed_in().await?, "the session of somebody else");
    let all = stage.provider.logout_token(|token| token.without("sid"));
    ensure!(notify(&stage, &all).await? == 200);
    ensure!(!second.is_signed_in().await?, "still there");
    Ok(())
}

async fn strangers_do_not_make_the_server_ask_for_keys() -> anyhow::Result<()> {
    let stage = with_notices().await?;
    stage.signed_in().await?;
    stage.provider.forget_calls();
    for number in 0..10 {
        let token = stage.provider.logout_token(|token| token.header["kid"] = json!(format!("imagined-{number}")));
        ensure!(notify(&stage, &token).await? == 400);
    }
    let calls = stage.provider.take_calls();
    ensure!(calls == ["keys"], "{calls:?}");
    // And they do not keep it from noticing a real change.
    stage.provider.rotate()?;
    stage.signed_in().await?;
    Ok(())
}
