//! Sign-in at providers that know OAuth 2.0 only: what is asked of them, what is believed, and what is not.

use anyhow::{Context as _, ensure};
use e2e::browser::Landing;
use e2e::calls::verdict;
use e2e::provider::{CLIENT_ID, Fault, Script, form};
use e2e::stage::{NAME, Stage};
use serde_json::json;

e2e::suite! {
    a_person_signs_in_and_out_and_in_again,
    the_provider_is_asked_as_directus_asks,
    a_browser_without_a_ticket_is_told_right_here,
    an_id_token_is_refused_because_nobody_would_check_it,
    people_may_be_numbered,
    a_profile_that_names_nobody_is_refused,
    groups_may_lie_deep,
    an_error_with_a_status_of_success_is_an_error,
    a_provider_that_refuses_is_heard,
    a_profile_that_is_none_makes_the_provider_unavailable,
    a_refresh_renews_and_keeps_what_is_given,
    signing_out_ends_here,
}

fn refused() -> Landing {
    Landing::refused("INVALID_CREDENTIALS")
}

async fn a_person_signs_in_and_out_and_in_again() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    let mut browser = stage.signed_in().await?;
    ensure!(browser.is_signed_in().await?);
    let calls = stage.provider.take_calls();
    ensure!(calls == ["authorize", "token", "userinfo"], "{calls:?}");
    let accounts = stage.accounts().await?;
    for part in ["ann@example.com", "Ann", "\"ann\"", NAME] {
        ensure!(accounts.concat().contains(part), "no {part} in {accounts:?}");
    }
    stage.provider.script(|script| script.person["given_name"] = json!("Anna"));
    stage.signed_in().await?;
    let again = stage.accounts().await?;
    ensure!(again.len() == accounts.len() && again.concat().contains("Anna"), "{again:?}");
    Ok(())
}

async fn the_provider_is_asked_as_directus_asks() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[("AUTH_OP_SCOPE", "")]).await?;
    let url = stage.browser().begin(NAME).await?;
    let query = form::parse(url.split_once('?').context("no query")?.1);
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
    ];
    ensure!(names == expected, "{names:?}");
    ensure!(form::get(&query, "scope") == Some("email") && form::get(&query, "client_id") == Some(CLIENT_ID), "{url}");
    ensure!(form::get(&query, "code_challenge") != form::get(&query, "state"), "one value for two");
    Ok(())
}

async fn a_browser_without_a_ticket_is_told_right_here() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    let mut browser = stage.browser();
    let url = browser.leave(&stage.provider, NAME).await?.map_err(|landing| anyhow::anyhow!("{landing:?}"))?;
    let answer = stage.browser().get(&url).await?;
    ensure!(verdict(&answer) == (401, "INVALID_CREDENTIALS".to_owned()), "{:?}", verdict(&answer));
    ensure!(stage.provider.calls("token") == 0, "the code was redeemed");
    Ok(())
}

async fn an_id_token_is_refused_because_nobody_would_check_it() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    let add = |script: &mut Script| script.tokens = Some(Box::new(|answer| answer["id_token"] = json!("a.b.c")));
    stage.refuses(add, refused(), "the token endpoint gave an `id_token`").await
}

/// GitHub numbers people.
async fn people_may_be_numbered() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[("AUTH_OP_IDENTIFIER_KEY", "id")]).await?;
    stage.provider.script(|script| script.person["id"] = json!(583_231));
    stage.signed_in().await?;
    ensure!(stage.accounts().await?.concat().contains("\"583231\""), "{:?}", stage.accounts().await?);
    Ok(())
}

async fn a_profile_that_names_nobody_is_refused() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[("AUTH_OP_IDENTIFIER_KEY", "")]).await?;
    let edit = |script: &mut Script| script.person = json!({"login": "ann"});
    stage.refuses(edit, refused(), "the provider tells no `email`, so there is nothing to know the person by").await
}

async fn groups_may_lie_deep() -> anyhow::Result<()> {
    let role = "0b8643e8-c181-414d-a25c-18c96931b27b";
    let mapping = format!(r#"json:{{"admins":"{role}"}}"#);
    let more = [("AUTH_OP_GROUP_CLAIM_NAME", "realm.roles"), ("AUTH_OP_ROLE_MAPPING", mapping.as_str())];
    let stage = Stage::oauth2(&more).await?;
    e2e::server::seed(&stage.server.database()?).await?;
    stage.provider.script(|script| script.person["realm"] = json!({"roles": ["admins"]}));
    stage.signed_in().await?;
    let ann = stage.accounts().await?.into_iter().find(|account| account.contains("ann@example.com"));
    ensure!(ann.as_ref().is_some_and(|ann| ann.contains(role)), "{ann:?}");
    Ok(())
}

/// GitHub says `200 OK` to a code that is no longer good.
async fn an_error_with_a_status_of_success_is_an_error() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    stage.provider.fault("token", Fault::Refuse(200, "bad_verification_code"));
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing.target.contains("prompt=true") && !landing.signed_in, "{landing:?}");
    stage.provider.fault("token", Fault::Refuse(200, "incorrect_client_credentials"));
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused("SERVICE_UNAVAILABLE"), "{landing:?}");
    Ok(())
}

async fn a_provider_that_refuses_is_heard() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    let deny = |parameters: &mut Vec<(String, String)>| {
        parameters[0] = ("error".to_owned(), "access_denied".to_owned());
    };
    let misbehave = move |script: &mut Script| script.callback = Some(Box::new(deny));
    stage.refuses(misbehave, refused(), "the provider answers `access_denied`").await
}

async fn a_profile_that_is_none_makes_the_provider_unavailable() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    for fault in [Fault::Html, Fault::Refuse(401, "invalid_token"), Fault::Bytes(3 << 20), Fault::Bytes(0)] {
        stage.provider.fault("userinfo", fault.clone());
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused("SERVICE_UNAVAILABLE"), "{fault:?}: {landing:?}");
    }
    stage.provider.script(|script| {
        script.faults.clear();
        script.userinfo = Some(Box::new(|profile| *profile = json!(["ann"])));
    });
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused("SERVICE_UNAVAILABLE"), "{landing:?}");
    Ok(())
}

async fn a_refresh_renews_and_keeps_what_is_given() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    let mut browser = stage.signed_in().await?;
    let first = stage.accounts().await?.concat();
    ensure!(browser.refresh().await?.status == 200, "{}", stage.server.log());
    let second = stage.accounts().await?.concat();
    ensure!(first != second && second.contains("refreshToken"), "{second}");
    ensure!(browser.refresh().await?.status == 200);
    ensure!(stage.provider.calls("token") == 3, "{}", stage.provider.calls("token"));
    // A provider that gives no new one leaves the old one good.
    stage.provider.script(|script| {
        script.tokens = Some(Box::new(|answer| {
            answer.as_object_mut().unwrap().remove("refresh_token");
        }));
    });
    ensure!(browser.refresh().await?.status == 200);
    ensure!(stage.accounts().await?.concat().contains("refreshToken"));
    Ok(())
}

async fn signing_out_ends_here() -> anyhow::Result<()> {
    let stage = Stage::oauth2(&[]).await?;
    let mut browser = stage.signed_in().await?;
    let answer = browser.post(&format!("/auth/login/{NAME}/logout"), &[("redirect", "/bye")]).await?;
    ensure!(answer.status == 302 && answer.header("location") == Some("/bye"), "{} {}", answer.status, answer.text());
    ensure!(!browser.is_signed_in().await?);
    let notice = browser.post(&format!("/auth/login/{NAME}/backchannel-logout"), &[("logout_token", "a.b.c")]).await?;
    ensure!(notice.status == 400, "{}", notice.status);
    Ok(())
}
