//! Sign-in at a provider whose issuer stands for many tenants, as at Microsoft's `common`: who may come, and whose keys sign.

use anyhow::ensure;
use e2e::browser::Landing;
use e2e::provider::Provider;
use e2e::stage::{NAME, Stage};
use serde_json::{Value, json};

e2e::suite! {
    people_of_named_tenants_come_in,
    nobody_comes_where_no_tenant_is_named,
    people_of_other_tenants_stay_out,
    an_answer_that_names_another_tenant_is_refused,
    a_tenants_key_signs_for_that_tenant_only,
    one_issuer_may_be_restricted_too,
    only_the_endpoint_for_all_tenants_has_their_name,
}

/// Two tenants, one of them in other letters.
const TENANTS: (&str, &str) = ("AUTH_OP_ALLOWED_TENANTS", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490,CONTOSO");
const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";

/// A provider for all tenants, at which people are of one of them, and a server that goes to its endpoint for all.
async fn stage(settings: &[(&str, &str)]) -> anyhow::Result<Stage> {
    let provider = Provider::start().await?;
    let common = format!("{}/common/v2.0", provider.url);
    let name = format!("{}/{{tenantid}}/v2.0", provider.url);
    let discovery = move |document: &mut Value| {
        document["issuer"] = json!(name);
        document["authorization_response_iss_parameter_supported"] = json!(false);
    };
    provider.script(|script| {
        script.discovery = Some(Box::new(discovery));
        script.callback = Some(Box::new(|pairs: &mut Vec<(String, String)>| pairs.retain(|(name, _)| name != "iss")));
    });
    of_tenant(&provider, TENANT, TENANT);
    let ours = [("AUTH_OP_DRIVER", "openid"), ("AUTH_OP_ISSUER_URL", common.as_str())];
    Stage::start(provider, &[&ours, settings].concat()).await
}

fn issuer_of(provider: &Provider, tenant: &str) -> String {
    format!("{}/{tenant}/v2.0", provider.url)
}

/// From now on tokens say that people are of one tenant, and that they are by the issuer of one.
fn of_tenant(provider: &Provider, tenant: &str, issuer: &str) {
    let (tenant, issuer) = (tenant.to_owned(), issuer_of(provider, issuer));
    provider.script(|script| {
        script.id_token = Some(Box::new(move |token| {
            token.claims["iss"] = json!(issuer);
            token.claims["tid"] = json!(tenant);
        }));
    });
}

async fn refused(stage: &Stage, why: &str) -> anyhow::Result<()> {
    let mut browser = stage.browser();
    let landing = browser.sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused("INVALID_CREDENTIALS"), "{landing:?}; {}", stage.server.log());
    ensure!(!browser.is_signed_in().await?);
    stage.server.logged(why).await.map(drop)
}

async fn people_of_named_tenants_come_in() -> anyhow::Result<()> {
    let stage = stage(&[TENANTS]).await?;
    stage.signed_in().await?;
    of_tenant(&stage.provider, "contoso", "contoso");
    stage.signed_in().await?;
    Ok(())
}

async fn nobody_comes_where_no_tenant_is_named() -> anyhow::Result<()> {
    for settings in [&[][..], &[("AUTH_OP_ALLOWED_TENANTS", ",")]] {
        let stage = stage(settings).await?;
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused_at_once("INVALID_PROVIDER_CONFIG"), "{landing:?}");
        stage.server.logged("name those whose people may come in `allowed-tenants`").await?;
        ensure!(stage.provider.calls("authorize") == 0, "the browser was sent there");
    }
    Ok(())
}

async fn people_of_other_tenants_stay_out() -> anyhow::Result<()> {
    let stage = stage(&[TENANTS]).await?;
    for (tenant, issuer, why) in [
        ("mallory", "mallory", "`tid` of the ID token is `mallory`, expected `one of `allowed-tenants``"),
        // What a token says of its tenant must be what its issuer says.
        (TENANT, "mallory", "`iss` of the ID token is"),
        ("{tenantid}", "{tenantid}", "`tid` of the ID token is `{tenantid}`"),
    ] {
        of_tenant(&stage.provider, tenant, issuer);
        refused(&stage, why).await?;
    }
    let issuer = issuer_of(&stage.provider, TENANT);
    let unnamed = move |token: &mut e2e::provider::Token| token.claims["iss"] = json!(issuer);
    stage.provider.script(|script| script.id_token = Some(Box::new(unnamed)));
    refused(&stage, "`tid` of the ID token is missing").await?;
    ensure!(stage.accounts().await?.iter().all(|account| !account.contains("ann@example.com")));
    Ok(())
}

/// RFC 9207, where the tenant is part of the name.
async fn an_answer_that_names_another_tenant_is_refused() -> anyhow::Result<()> {
    let stage = stage(&[TENANTS]).await?;
    for (tenant, is_good) in [(TENANT, true), ("mallory", false), ("{tenantid}", false)] {
        let name = issuer_of(&stage.provider, tenant);
        stage.provider.script(|script| {
            script.callback = Some(Box::new(move |pairs: &mut Vec<(String, String)>| {
                pairs.retain(|(name, _)| name != "iss");
                pairs.push(("iss".to_owned(), name.clone()));
            }));
        });
        if is_good {
            stage.signed_in().await?;
        } else {
            refused(&stage, "`iss` of the answer is").await?;
        }
    }
    Ok(())
}

/// Microsoft's set for all tenants says of each key for whom it signs.
async fn a_tenants_key_signs_for_that_tenant_only() -> anyhow::Result<()> {
    for (owner, is_good) in [("{tenantid}", true), (TENANT, true), ("contoso", false)] {
        let stage = stage(&[TENANTS]).await?;
        let owner = issuer_of(&stage.provider, owner);
        let edit = move |set: &mut Value| set["keys"][0]["issuer"] = json!(owner);
        stage.provider.script(|script| script.keys = Some(Box::new(edit)));
        if is_good {
            stage.signed_in().await?;
        } else {
            refused(&stage, "the key that signed the ID token is one of another issuer").await?;
        }
    }
    Ok(())
}

async fn one_issuer_may_be_restricted_too() -> anyhow::Result<()> {
    let stage = Stage::openid(&[TENANTS]).await?;
    refused(&stage, "`tid` of the ID token is missing").await?;
    stage.provider.script(|script| script.id_token = Some(Box::new(|token| token.claims["tid"] = json!(TENANT))));
    stage.signed_in().await?;
    Ok(())
}

async fn only_the_endpoint_for_all_tenants_has_their_name() -> anyhow::Result<()> {
    let stage = Stage::openid(&[TENANTS]).await?;
    let name = format!("{}/{{tenantid}}/v2.0", stage.provider.url);
    let edit = move |document: &mut Value| document["issuer"] = json!(name);
    stage.provider.script(|script| script.discovery = Some(Box::new(edit)));
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    ensure!(landing == Landing::refused_at_once("SERVICE_UNAVAILABLE"), "{landing:?}");
    stage.server.logged("`issuer` of the discovery document is `").await.map(drop)
}
