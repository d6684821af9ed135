//! Settings of the SAML driver that the other suites do not touch, each with what it changes at a real provider.

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::oidc::free_port;
use e2e::saml::{form, key};
use e2e::traveller::Traveller;
use serde_json::json;

use crate::saml::site::{SESSION, Site, borrowed, post, refused, signed_in, with_keys};

e2e::suite! {
    our_name_and_the_kind_of_theirs,
    one_provider_of_several_in_one_document,
    a_second_key_decrypts_while_the_provider_changes_over,
    what_has_to_be_signed_is_insisted_on,
    an_address_that_the_provider_vouches_for_links_an_account,
    signing_out_may_stay_here,
    signing_out_may_go_by_form,
    relay_states_lead_to_allowed_places_only,
}

async fn our_name_and_the_kind_of_theirs() -> anyhow::Result<()> {
    let (name, kind) = ("urn:example:gatewit", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    let settings = [
        ("AUTH_CORP_SP_ENTITY_ID", name),
        ("AUTH_CORP_SP_NAME_ID_FORMAT", kind),
        ("AUTH_CORP_SP_REQUEST_BINDING", "post"),
    ];
    let site = Site::open(json!({"audience": name}), &settings).await?;
    let mut browser = Traveller::default();
    let metadata = browser.get(&format!("{}/auth/login/corp/metadata", site.url)).await?.text;
    ensure!(metadata.contains(&format!("entityID=\"{name}\"")), "{metadata}");
    ensure!(metadata.contains(&format!("<md:NameIDFormat>{kind}</md:NameIDFormat>")), "{metadata}");
    let left = browser.get(&format!("{}/auth/login/corp?redirect=%2Fafter", site.url)).await?;
    let request = BASE64.decode(form(&left.text)?.get("SAMLRequest").context("no request")?)?;
    let request = String::from_utf8(request)?;
    ensure!(request.contains(&format!(">{name}</saml:Issuer>")) && request.contains(kind), "{request}");
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    // By default it is another name, and what is meant for that is not for this one.
    let other = Site::open(json!({}), &settings[..1]).await?;
    let mut browser = Traveller::default();
    refused(&other.sign_in(&mut browser).await?, &browser)?;
    other.server.logged("`Audience` is `").await.map(drop)
}

/// The metadata of a provider at an address, with one of the keys of the tests.
fn entity(base: &str, certificate: &str) -> anyhow::Result<String> {
    let certificate = std::fs::read_to_string(key(certificate))?;
    let certificate: String = certificate.lines().filter(|line| !line.starts_with("--")).collect();
    Ok(format!(
        "<md:EntityDescriptor entityID=\"{base}/metadata\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor><ds:KeyInfo \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{base}/sso\"/></md:IDPSSODescriptor>\
         </md:EntityDescriptor>"
    ))
}

async fn one_provider_of_several_in_one_document() -> anyhow::Result<()> {
    let port = free_port()?;
    let base = format!("http://127.0.0.1:{port}");
    let document = format!(
        "string:<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}</md:EntitiesDescriptor>",
        entity("https://other.example.com", "stranger.crt")?,
        entity(&base, "idp.crt")?
    );
    let name = format!("{base}/metadata");
    let settings = [("AUTH_CORP_IDP_metadata", document.as_str()), ("AUTH_CORP_IDP_ENTITY_ID", name.as_str())];
    let site = Site::open(json!({"port": port}), &settings).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    drop(site);
    // Which one is meant has to be said, and no other's key is good.
    let unsaid = Site::open(json!({}), &settings[..1]).await?;
    let left = Traveller::default().get(&format!("{}/auth/login/corp?redirect=%2Fafter", unsaid.url)).await?;
    ensure!(left.location().ends_with("reason=INVALID_PROVIDER_CONFIG"), "{}", left.location());
    Ok(())
}

async fn a_second_key_decrypts_while_the_provider_changes_over() -> anyhow::Result<()> {
    let read = |name: &str| std::fs::read_to_string(key(name)).map(|text| format!("string:{text}"));
    let (new, old, certificate) = (read("stranger.key.pem")?, read("sp.key.pem")?, read("sp.crt")?);
    let settings = [
        ("AUTH_CORP_SP_ENC_PRIVATE_KEY", new.as_str()),
        ("AUTH_CORP_SP_ENCRYPT_CERT", certificate.as_str()),
        ("AUTH_CORP_SP_NEXT_ENC_PRIVATE_KEY", old.as_str()),
    ];
    for (settings, is_good) in [(&settings[..], true), (&settings[..2], false)] {
        let site = Site::open(json!({"encrypt": true}), settings).await?;
        let mut browser = Traveller::default();
        let page = site.sign_in(&mut browser).await?;
        if is_good { signed_in(&page, &browser)? } else { refused(&page, &browser)? }
    }
    Ok(())
}

async fn what_has_to_be_signed_is_insisted_on() -> anyhow::Result<()> {
    for (setting, response, assertion, why) in [
        ("AUTH_CORP_SP_WANT_MESSAGE_SIGNED", true, false, "SP_WANT_MESSAGE_SIGNED"),
        ("AUTH_CORP_SP_WANT_ASSERTIONS_SIGNED", false, true, "SP_WANT_ASSERTIONS_SIGNED"),
    ] {
        let good = json!({"sign_response": response, "sign_assertion": assertion});
        let site = Site::open(good, &[(setting, "true")]).await?;
        let mut browser = Traveller::default();
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        let bad = json!({"sign_response": !response, "sign_assertion": !assertion});
        let site = Site::open(bad, &[(setting, "true")]).await?;
        let mut browser = Traveller::default();
        refused(&site.sign_in(&mut browser).await?, &browser)?;
        site.server.logged(why).await?;
    }
    Ok(())
}

async fn an_address_that_the_provider_vouches_for_links_an_account() -> anyhow::Result<()> {
    let settings = [("AUTH_CORP_EMAIL_VERIFIED_KEY", "verified"), ("AUTH_CORP_LINK_VERIFIED_EMAIL", "true")];
    for (verified, is_linked) in [("true", true), ("false", false), ("", false)] {
        let site = Site::open(json!({"verified": verified}), &settings).await?;
        site.run("UPDATE directus_users SET email = 'alice@idp.example.com' WHERE email = 'user@example.com'").await?;
        let mut browser = Traveller::default();
        let page = site.sign_in(&mut browser).await?;
        if is_linked {
            signed_in(&page, &browser)?;
            let me = site.me(&mut browser).await?.json()?;
            ensure!(me["data"]["id"] == "850106de-8796-48c0-90f0-bb78f04dfc8a", "{me}");
        } else {
            refused(&page, &browser)?;
            ensure!(page.location() == "/after?reason=INVALID_PROVIDER", "{}", page.location());
        }
        ensure!(site.accounts().await?.is_empty(), "there is another account");
    }
    Ok(())
}

async fn signing_out_may_stay_here() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[("AUTH_CORP_NO_SINGLE_LOGOUT", "true")]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    let session = browser.clone();
    let left = browser.post(&format!("{}/auth/login/corp/logout", site.url), "").await?;
    ensure!(left.status == 302 && !left.location().contains("/slo"), "{} {}", left.status, left.location());
    ensure!(browser.cookie("127.0.0.1", SESSION).is_none());
    ensure!(site.me(&mut session.clone()).await?.status != 200, "the session is still good");
    Ok(())
}

async fn signing_out_may_go_by_form() -> anyhow::Result<()> {
    let keys = with_keys()?;
    let mut settings = borrowed(&keys);
    settings.push(("AUTH_CORP_SINGLE_LOGOUT_POST", "true"));
    let site = Site::open(json!({}), &settings).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    let left = browser.post(&format!("{}/auth/login/corp/logout", site.url), "").await?;
    let sent = form(&left.text)?;
    ensure!(sent.action == format!("{}/slo", site.provider.base) && sent.get("SAMLRequest").is_some(), "{sent:?}");
    let there = post(&mut browser, &sent).await?;
    ensure!(there.status == 200 || there.status == 302, "{} {}", there.status, there.text);
    Ok(())
}

/// CVE-2026-22032: a message of the provider must not lead anywhere but where a sign-in here may lead.
async fn relay_states_lead_to_allowed_places_only() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[("AUTH_CORP_ALLOW_IDP_INITIATED", "true")]).await?;
    for relay in [
        "https://evil.example.com/",
        "//evil.example.com/",
        "/\\evil.example.com",
        "\\\\evil.example.com",
        "https:evil.example.com",
        "http://127.0.0.1@evil.example.com/",
        "http://127.0.0.1.evil.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "\t//evil.example.com",
        "/\t/evil.example.com",
    ] {
        let mut browser = Traveller::default();
        let page = browser.get(&format!("{}/initiate", site.provider.base)).await?;
        let mut back = form(&page.text)?;
        back.fields.retain(|(name, _)| name != "RelayState");
        back.fields.push(("RelayState".to_owned(), relay.to_owned()));
        let answer = post(&mut browser, &back).await?;
        ensure!(
            answer.status == 400 && answer.location().is_empty(),
            "{relay}: {} {}",
            answer.status,
            answer.location()
        );
        ensure!(browser.cookie("127.0.0.1", SESSION).is_none(), "{relay}: there is a session");
        let redirect = e2e::provider::form::encode(relay);
        let left = browser.get(&format!("{}/auth/login/corp?redirect={redirect}", site.url)).await?;
        ensure!(left.status == 400, "{relay}: the browser is sent away");
    }
    Ok(())
}
