//! Who people of a real SAML provider are here: second factors, roles and policies by groups, names.

use anyhow::ensure;
use e2e::oidc::free_port;
use e2e::otp;
use e2e::saml::{form, key};
use e2e::server::{self, TestServer};
use e2e::simplesaml::SimpleSaml;
use e2e::traveller::Traveller;
use serde_json::json;

use crate::saml::site::{SESSION, Site, column, post, refused, run, signed_in};

e2e::suite! {
    a_second_factor_comes_along,
    a_demanded_second_factor_is_set_up_first,
    roles_follow_groups_at_each_sign_in,
    policies_follow_groups_at_each_sign_in,
    groups_are_found_where_the_operator_says,
    without_a_mapping_groups_mean_nothing,
    names_follow_the_provider_if_wanted,
    an_address_of_somebody_else_is_not_taken,
    registration_can_be_switched_off,
    roles_follow_the_groups_of_another_provider,
}

/// Roles and policies of the seed.
const EDITOR: &str = "2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6";
const API_ONLY: &str = "3b59bf5a-82a4-4f92-8c50-1ef9965795aa";
const SELF_SERVICE: &str = "6b7fa2d5-b04b-401e-99fc-c853d388a56d";
const EDITOR_POLICY: &str = "78e7d754-6df5-4292-91a6-ec08269b081d";
const SELF_POLICY: &str = "397aa115-26d7-4235-a41a-6eab4e15e9fc";

/// A browser of Alice, who is in these groups at the provider, with dots in between; `none` for no such attribute.
fn in_groups(groups: &str) -> Traveller {
    let mut browser = Traveller::default();
    browser.put("127.0.0.1", "groups", groups);
    browser
}

async fn a_second_factor_comes_along() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    site.run(&format!("UPDATE directus_users SET tfa_secret = '{}' WHERE provider = 'corp'", otp::SECRET)).await?;
    // The provider's word is not enough any more …
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser).await?;
    refused(&page, &browser)?;
    ensure!(page.location() == "/after?reason=INVALID_OTP", "{}", page.location());
    let mut browser = Traveller::default();
    let page = site.sign_in_with(&mut browser, "?redirect=%2Fafter&otp=000000").await?;
    ensure!(page.location() == "/after?reason=INVALID_OTP", "{}", page.location());
    refused(&page, &browser)?;
    // … and not without a place to go to either.
    let mut browser = Traveller::default();
    let page = site.sign_in_with(&mut browser, "").await?;
    ensure!(page.status == 401 && page.json()?["errors"][0]["extensions"]["code"] == "INVALID_OTP", "{}", page.text);
    otp::settle().await?;
    let code = otp::code(otp::KEY, 0)?;
    let query = format!("?redirect=%2Fafter&otp={code}");
    let mut browser = Traveller::default();
    signed_in(&site.sign_in_with(&mut browser, &query).await?, &browser)?;
    ensure!(site.me(&mut browser).await?.status == 200);
    // A code counts once, and what carries it does not tell it.
    let mut again = Traveller::default();
    refused(&site.sign_in_with(&mut again, &query).await?, &again)?;
    ensure!(!site.server.log().contains(&code), "the code is in the log");
    Ok(())
}

async fn a_demanded_second_factor_is_set_up_first() -> anyhow::Result<()> {
    let mut browser = Traveller::default();
    let site = Site::open(json!({}), &[]).await?;
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    site.run(
        "INSERT INTO directus_roles (id, name) VALUES ('r-tfa', 'tfa'); \
         INSERT INTO directus_policies (id, name, enforce_tfa, admin_access, app_access) VALUES ('p-tfa', 'tfa', 1, 0, 1); \
         INSERT INTO directus_access (id, role, policy) VALUES ('a-tfa', 'r-tfa', 'p-tfa'); \
         UPDATE directus_users SET role = 'r-tfa' WHERE provider = 'corp'",
    )
    .await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser).await?;
    let expected = format!("{}/admin/tfa-setup?redirect=%2Fafter&provider=corp", site.url);
    ensure!(page.status == 302 && page.location() == expected, "{} {}", page.status, page.location());
    ensure!(browser.cookie("127.0.0.1", SESSION).is_some(), "no session");
    Ok(())
}

async fn role(site: &Site) -> anyhow::Result<Option<String>> {
    let roles = site.column("SELECT role FROM directus_users WHERE provider = 'corp'").await?;
    ensure!(roles.len() == 1, "{roles:?}");
    Ok(roles.into_iter().flatten().next())
}

async fn roles_follow_groups_at_each_sign_in() -> anyhow::Result<()> {
    let mapping = format!(r#"json:{{"editors":"{EDITOR}","helpers":"{SELF_SERVICE}"}}"#);
    let settings = [("AUTH_CORP_ROLE_MAPPING", mapping.as_str()), ("AUTH_CORP_DEFAULT_ROLE_ID", API_ONLY)];
    let site = Site::open(json!({}), &settings).await?;
    for (groups, expected) in [
        // A new account; the first of the mapping counts, whatever the order of the groups.
        ("staff.helpers.editors", EDITOR),
        ("helpers", SELF_SERVICE),
        // Letter by letter.
        ("Editors.editor.editors2", API_ONLY),
        ("editors", EDITOR),
        // Who is in no group, or of whom nothing is said, has the default one.
        ("staff", API_ONLY),
        ("editors", EDITOR),
        ("none", API_ONLY),
    ] {
        let mut browser = in_groups(groups);
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        ensure!(role(&site).await?.as_deref() == Some(expected), "{groups}: {:?}", role(&site).await?);
    }
    // Of a role that does not exist nobody is let in.
    let nowhere = r#"json:{"editors":"00000000-0000-4000-8000-000000000000"}"#;
    let site = Site::open(json!({}), &[("AUTH_CORP_ROLE_MAPPING", nowhere)]).await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser).await?;
    refused(&page, &browser)?;
    ensure!(page.location() == "/after?reason=INVALID_PROVIDER_CONFIG", "{}", page.location());
    ensure!(site.accounts().await?.is_empty(), "there is an account");
    Ok(())
}

async fn policies(site: &Site) -> anyhow::Result<Vec<String>> {
    let query = "SELECT policy FROM directus_access JOIN directus_users ON directus_users.id = directus_access.\"user\" \
                 WHERE provider = 'corp' ORDER BY policy";
    Ok(site.column(query).await?.into_iter().flatten().collect())
}

async fn policies_follow_groups_at_each_sign_in() -> anyhow::Result<()> {
    let mapping = format!(r#"json:{{"editors":["{EDITOR_POLICY}","{SELF_POLICY}"],"helpers":"{SELF_POLICY}"}}"#);
    let site = Site::open(json!({}), &[("AUTH_CORP_POLICY_MAPPING", &mapping)]).await?;
    let both = [SELF_POLICY, EDITOR_POLICY];
    for (groups, expected) in [
        ("staff", &[][..]),
        ("editors", &both[..]),
        ("helpers", &both[..1]),
        ("helpers.editors", &both[..]),
        ("none", &[][..]),
    ] {
        let mut browser = in_groups(groups);
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        ensure!(policies(&site).await? == expected, "{groups}: {:?}", policies(&site).await?);
    }
    Ok(())
}

/// As Microsoft Entra names the attribute, and as its friendly name is at others.
async fn groups_are_found_where_the_operator_says() -> anyhow::Result<()> {
    let name = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups";
    let mapping = format!(r#"json:{{"editors":"{EDITOR}"}}"#);
    for (claim, expected) in [(name, Some(EDITOR)), ("groups", None)] {
        let settings = [("AUTH_CORP_ROLE_MAPPING", mapping.as_str()), ("AUTH_CORP_GROUP_CLAIM_NAME", claim)];
        let site = Site::open(json!({"group_name": name}), &settings).await?;
        let mut browser = in_groups("staff.editors");
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        ensure!(role(&site).await?.as_deref() == expected, "{claim}: {:?}", role(&site).await?);
    }
    Ok(())
}

/// As in Directus, which knows no mapping here: a role that somebody was given stays.
async fn without_a_mapping_groups_mean_nothing() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[("AUTH_CORP_DEFAULT_ROLE_ID", API_ONLY)]).await?;
    let mut browser = in_groups("Editor");
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    ensure!(role(&site).await?.as_deref() == Some(API_ONLY));
    site.run(&format!("UPDATE directus_users SET role = '{EDITOR}' WHERE provider = 'corp'")).await?;
    let mut browser = in_groups("staff");
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    ensure!(role(&site).await?.as_deref() == Some(EDITOR), "the role was taken");
    Ok(())
}

async fn names_follow_the_provider_if_wanted() -> anyhow::Result<()> {
    for (syncs, expected) in [("false", "Somebody"), ("true", "Alice")] {
        let site = Site::open(json!({}), &[("AUTH_CORP_SYNC_USER_INFO", syncs)]).await?;
        let mut browser = Traveller::default();
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        site.run("UPDATE directus_users SET first_name = 'Somebody' WHERE provider = 'corp'").await?;
        let mut browser = Traveller::default();
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        let names = site.column("SELECT first_name FROM directus_users WHERE provider = 'corp'").await?;
        ensure!(names == [Some(expected.to_owned())], "{syncs}: {names:?}");
    }
    Ok(())
}

async fn an_address_of_somebody_else_is_not_taken() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[]).await?;
    site.run("UPDATE directus_users SET email = 'alice@idp.example.com' WHERE email = 'user@example.com'").await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser).await?;
    refused(&page, &browser)?;
    ensure!(page.location() == "/after?reason=INVALID_PROVIDER", "{}", page.location());
    ensure!(site.accounts().await?.is_empty());
    Ok(())
}

async fn registration_can_be_switched_off() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[("AUTH_CORP_ALLOW_PUBLIC_REGISTRATION", "false")]).await?;
    let mut browser = Traveller::default();
    let page = site.sign_in(&mut browser).await?;
    refused(&page, &browser)?;
    ensure!(page.location() == "/after?reason=INVALID_CREDENTIALS", "{}", page.location());
    ensure!(site.accounts().await?.is_empty());
    Ok(())
}

/// `SimpleSAMLphp` says that Alice is in `staff` and `editors`.
async fn roles_follow_the_groups_of_another_provider() -> anyhow::Result<()> {
    let port = free_port()?.to_string();
    let url = format!("http://127.0.0.1:{port}");
    let provider = SimpleSaml::start(&format!("{url}/auth/login/corp"), false).await?;
    let metadata = format!("{}/saml2/idp/metadata.php", provider.base);
    let roles = format!(r#"json:{{"nobody":"{API_ONLY}","editors":"{EDITOR}"}}"#);
    let policies = format!(r#"json:{{"staff":"{SELF_POLICY}"}}"#);
    let certificate = format!("string:{}", std::fs::read_to_string(key("sp.crt"))?);
    let server = TestServer::start(&[
        ("PORT", port.as_str()),
        ("PUBLIC_URL", url.as_str()),
        ("LOGIN_STALL_TIME", "0"),
        ("AUTH_PROVIDERS", "corp"),
        ("AUTH_CORP_DRIVER", "saml"),
        ("AUTH_CORP_ALLOW_PUBLIC_REGISTRATION", "true"),
        ("AUTH_CORP_IDP_METADATA", metadata.as_str()),
        ("AUTH_CORP_SP_SIGNING_CERT", certificate.as_str()),
        ("AUTH_CORP_ROLE_MAPPING", roles.as_str()),
        ("AUTH_CORP_POLICY_MAPPING", policies.as_str()),
    ])
    .await?;
    server::seed(&server.database()?).await?;
    let sign_in = async |query: &str| {
        let mut browser = Traveller::default();
        let page = browser.follow(&format!("{url}/auth/login/corp?redirect=%2Fafter{query}"), |_| false).await?;
        let page = post(&mut browser, &form(&page.text)?).await?;
        anyhow::Ok((browser, page))
    };
    let (browser, page) = sign_in("").await?;
    signed_in(&page, &browser)?;
    let role = column(&server, "SELECT role FROM directus_users WHERE provider = 'corp'").await?;
    ensure!(role == [Some(EDITOR.to_owned())], "{role:?}");
    let attached =
        "SELECT policy FROM directus_access WHERE \"user\" IN (SELECT id FROM directus_users WHERE provider = 'corp')";
    ensure!(column(&server, attached).await? == [Some(SELF_POLICY.to_owned())]);
    run(&server, &format!("UPDATE directus_users SET tfa_secret = '{}' WHERE provider = 'corp'", otp::SECRET)).await?;
    let (browser, page) = sign_in("").await?;
    refused(&page, &browser)?;
    otp::settle().await?;
    let (browser, page) = sign_in(&format!("&otp={}", otp::code(otp::KEY, 0)?)).await?;
    signed_in(&page, &browser)
}
