//! Sign-in at a real SAML provider, from the first redirect to the session and back out, as browsers see it. Each attack on a
//! message has its test beside the reader (`components/shared/saml/src/corpus`), and goes the whole way in `saml_corpus.rs`; who
//! people are here, and second factors, are in `saml_people.rs`.

pub(crate) mod site;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::oidc::free_port;
use e2e::saml::{Provider, form, key};
use e2e::server::TestServer;
use e2e::simplesaml::SimpleSaml;
use e2e::traveller::Traveller;
use serde_json::json;

use site::{SESSION, Site, borrowed, post, refused, signed_in, with_keys};

e2e::suite! {
    a_signed_assertion_signs_in,
    a_signed_response_signs_in,
    an_encrypted_assertion_signs_in,
    a_key_with_a_pass_phrase_signs_and_decrypts,
    block_ciphers_count_in_signed_responses_only,
    requests_are_signed_in_both_bindings,
    metadata_tells_the_provider_who_we_are,
    a_new_key_of_the_provider_is_found,
    metadata_may_be_written_into_the_settings,
    an_answer_counts_once,
    an_answer_without_a_request_counts_where_that_is_switched_on,
    a_changed_answer_is_refused_with_a_trace,
    the_second_attribute_identifies_whoever_has_no_first,
    signing_out_here_signs_out_there,
    signing_out_there_signs_out_here,
    another_provider_signs_in_and_out,
}

async fn a_signed_assertion_signs_in() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    ensure!(site.me(&mut browser).await?.status == 200);
    ensure!(site.accounts().await? == [("alice".to_owned(), "alice@idp.example.com".to_owned())]);
    // Again, as the same person; and another.
    let mut again = Traveller::default();
    signed_in(&site.sign_in(&mut again).await?, &again)?;
    let mut other = Traveller::default();
    other.put("127.0.0.1", "person", "Bob");
    signed_in(&site.sign_in(&mut other).await?, &other)?;
    ensure!(site.accounts().await?.len() == 2, "{:?}", site.accounts().await?);
    // Without a place to go to, the answer is told right here, as Directus does.
    let mut plain = Traveller::default();
    let back = site.leave(&mut plain, "").await?;
    ensure!(back.get("RelayState").is_none(), "{back:?}");
    let page = post(&mut plain, &back).await?;
    ensure!(page.status == 200 && page.json()?["data"]["access_token"].is_string(), "{} {}", page.status, page.text);
    Ok(())
}

async fn a_signed_response_signs_in() -> anyhow::Result<()> {
    let site = Site::open(json!({"sign_response": true, "sign_assertion": false}), &[]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)
}

async fn an_encrypted_assertion_signs_in() -> anyhow::Result<()> {
    let keys = with_keys()?;
    let mut settings = borrowed(&keys);
    settings.push(("AUTH_CORP_IDP_IS_ASSERTION_ENCRYPTED", "true"));
    for sign_response in [false, true] {
        let site = Site::open(json!({"encrypt": true, "sign_response": sign_response}), &settings).await?;
        let mut browser = Traveller::default();
        let back = site.leave(&mut browser, "?redirect=%2Fafter").await?;
        let message = String::from_utf8(BASE64.decode(back.get("SAMLResponse").context("no response")?)?)?;
        ensure!(message.contains("EncryptedAssertion") && !message.contains("alice"), "{message}");
        signed_in(&post(&mut browser, &back).await?, &browser)?;
    }
    Ok(())
}

async fn a_key_with_a_pass_phrase_signs_and_decrypts() -> anyhow::Result<()> {
    let read = |name: &str| std::fs::read_to_string(key(name)).map(|text| format!("string:{text}"));
    let (sealed, certificate) = (read("sp.key.sealed.pem")?, read("sp.crt")?);
    let pass = "the pass phrase of the tests";
    let settings = [
        ("AUTH_CORP_SP_PRIVATE_KEY", sealed.as_str()),
        ("AUTH_CORP_SP_PRIVATE_KEY_PASS", pass),
        ("AUTH_CORP_SP_SIGNING_CERT", certificate.as_str()),
        ("AUTH_CORP_SP_ENC_PRIVATE_KEY", sealed.as_str()),
        ("AUTH_CORP_SP_ENC_PRIVATE_KEY_PASS", pass),
        ("AUTH_CORP_SP_ENCRYPT_CERT", certificate.as_str()),
        ("AUTH_CORP_IDP_IS_ASSERTION_ENCRYPTED", "true"),
        ("LOG_LEVEL", "trace"),
    ];
    let site = Site::open(json!({"encrypt": true, "wants_signed_requests": true}), &settings).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    ensure!(!site.server.log().contains(pass), "the pass phrase is in the log");
    Ok(())
}

async fn block_ciphers_count_in_signed_responses_only() -> anyhow::Result<()> {
    let keys = with_keys()?;
    for sign_response in [false, true] {
        let options = json!({
            "encrypt": true, "sign_response": sign_response,
            "encryption": "http://www.w3.org/2001/04/xmlenc#aes128-cbc", "session_key": "aes-128",
        });
        let site = Site::open(options, &borrowed(&keys)).await?;
        let mut browser = Traveller::default();
        let page = site.sign_in(&mut browser).await?;
        if sign_response { signed_in(&page, &browser)? } else { refused(&page, &browser)? }
    }
    Ok(())
}

async fn requests_are_signed_in_both_bindings() -> anyhow::Result<()> {
    let keys = with_keys()?;
    for post_only in [false, true] {
        let options = json!({"wants_signed_requests": true, "post_only": post_only});
        let site = Site::open(options, &borrowed(&keys)).await?;
        let mut browser = Traveller::default();
        let left = browser.get(&format!("{}/auth/login/corp?redirect=%2Fafter", site.url)).await?;
        if post_only {
            let form = form(&left.text)?;
            let xml = String::from_utf8(BASE64.decode(form.get("SAMLRequest").context("no request")?)?)?;
            ensure!(
                form.action == format!("{}/sso", site.provider.base) && xml.contains("<ds:SignatureValue>"),
                "{xml}"
            );
        } else {
            ensure!(
                left.location().contains("&SigAlg=") && left.location().contains("&Signature="),
                "{}",
                left.location()
            );
        }
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    }
    Ok(())
}

async fn metadata_tells_the_provider_who_we_are() -> anyhow::Result<()> {
    let keys = with_keys()?;
    let site = Site::open(json!({}), &borrowed(&keys)).await?;
    let page = Traveller::default().get(&format!("{}/auth/login/corp/metadata", site.url)).await?;
    ensure!(page.status == 200 && page.header("content-type") == Some("text/xml; charset=utf-8"), "{page:?}");
    for part in [
        format!("entityID=\"{}/auth/login/corp/metadata\"", site.url),
        format!("Location=\"{}/auth/login/corp/acs\"", site.url),
        format!("Location=\"{}/auth/login/corp/logout\"", site.url),
        "use=\"signing\"".to_owned(),
        "use=\"encryption\"".to_owned(),
    ] {
        ensure!(page.text.contains(&part), "no {part} in {}", page.text);
    }
    Ok(())
}

async fn a_new_key_of_the_provider_is_found() -> anyhow::Result<()> {
    let mut site = Site::open(json!({}), &[]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    let port: u16 = site.provider.base.rsplit_once(':').context("no port")?.1.parse()?;
    let options = json!({"port": port, "key": key("stranger.key.pem"), "certificate": key("stranger.crt")});
    let service = format!("{}/auth/login/corp", site.url);
    // The same address with another key: first the old one goes.
    drop(std::mem::replace(&mut site.provider, Provider::start(&service, &json!({})).await?));
    site.provider = Provider::start(&service, &options).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)
}

async fn metadata_may_be_written_into_the_settings() -> anyhow::Result<()> {
    let port = free_port()?;
    let certificate = std::fs::read_to_string(key("idp.crt"))?;
    let certificate: String = certificate.lines().filter(|line| !line.starts_with("--")).collect();
    let base = format!("http://127.0.0.1:{port}");
    let metadata = format!(
        "string:<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{base}/metadata\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor>\
         <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{base}/sso\"/></md:IDPSSODescriptor>\
         </md:EntityDescriptor>"
    );
    let site = Site::open(json!({"port": port}), &[("AUTH_CORP_IDP_metadata", &metadata)]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)
}

async fn an_answer_counts_once() -> anyhow::Result<()> {
    let site = Site::open(json!({}), &[]).await?;
    let mut browser = Traveller::default();
    let back = site.leave(&mut browser, "?redirect=%2Fafter").await?;
    let mut copy = browser.clone();
    signed_in(&post(&mut browser, &back).await?, &browser)?;
    refused(&post(&mut copy, &back).await?, &copy)?;
    // A stranger's browser, which did not begin.
    let mut stranger = Traveller::default();
    let page = post(&mut stranger, &back).await?;
    ensure!(stranger.cookie("127.0.0.1", SESSION).is_none() && page.status != 200, "{} {}", page.status, page.text);
    Ok(())
}

async fn an_answer_without_a_request_counts_where_that_is_switched_on() -> anyhow::Result<()> {
    for allowed in ["false", "true"] {
        let site = Site::open(json!({}), &[("AUTH_CORP_ALLOW_IDP_INITIATED", allowed)]).await?;
        let mut browser = Traveller::default();
        let page = browser.get(&format!("{}/initiate?RelayState=%2Fafter", site.provider.base)).await?;
        let back = form(&page.text)?;
        let page = post(&mut browser, &back).await?;
        if allowed == "true" {
            signed_in(&page, &browser)?;
            let mut copy = Traveller::default();
            refused(&post(&mut copy, &back).await?, &copy)?;
        } else {
            ensure!(browser.cookie("127.0.0.1", SESSION).is_none() && page.status != 200, "{}", page.text);
        }
    }
    Ok(())
}

async fn a_changed_answer_is_refused_with_a_trace() -> anyhow::Result<()> {
    for (from, to, why) in [
        (">alice<", ">admin<", "was changed after it was signed"),
        (">alice<", "><!-- -->alice<", "it holds a comment"),
        ("/acs\"", "/acs/\"", "`Destination` is"),
        ("rsa-sha256", "rsa-sha1", "rests on SHA-1"),
        ("status:Success", "status:Responder", "the provider answers"),
    ] {
        let site = Site::open(json!({}), &[]).await?;
        let mut browser = Traveller::default();
        let mut back = site.leave(&mut browser, "?redirect=%2Fafter").await?;
        let field = back.fields.iter_mut().find(|(name, _)| name == "SAMLResponse").context("no response")?;
        let xml = String::from_utf8(BASE64.decode(&field.1)?)?;
        ensure!(xml.contains(from), "no {from} in {xml}");
        field.1 = BASE64.encode(xml.replace(from, to));
        refused(&post(&mut browser, &back).await?, &browser)?;
        site.server.logged(why).await?;
        ensure!(site.accounts().await?.is_empty());
    }
    Ok(())
}

async fn the_second_attribute_identifies_whoever_has_no_first() -> anyhow::Result<()> {
    let options = json!({"without": ["nameidentifier"]});
    let site = Site::open(options.clone(), &[]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    ensure!(site.accounts().await?[0].0 == "alice");
    let email = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    let site = Site::open(options, &[("AUTH_CORP_SECOND_IDENTIFIER_KEY", email)]).await?;
    let mut browser = Traveller::default();
    signed_in(&site.sign_in(&mut browser).await?, &browser)?;
    ensure!(site.accounts().await?[0].0 == "alice@idp.example.com");
    Ok(())
}

async fn signing_out_here_signs_out_there() -> anyhow::Result<()> {
    let keys = with_keys()?;
    for settings in [vec![], borrowed(&keys)] {
        let site = Site::open(json!({}), &settings).await?;
        let mut browser = Traveller::default();
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        let session = browser.clone();
        let left = browser.post(&format!("{}/auth/login/corp/logout", site.url), "").await?;
        ensure!(
            left.status == 302 && left.location().starts_with(&format!("{}/slo?SAMLRequest=", site.provider.base)),
            "{} {:?} {}",
            left.status,
            left.location(),
            left.text
        );
        ensure!(left.location().contains("&Signature=") != settings.is_empty(), "{}", left.location());
        ensure!(browser.cookie("127.0.0.1", SESSION).is_none());
        ensure!(site.me(&mut session.clone()).await?.status != 200, "the session is still good");
        let there = browser.get(left.location()).await?;
        ensure!(
            there.status == 302 && there.location().contains("/logout?SAMLResponse="),
            "{} {}",
            there.status,
            there.text
        );
        let home = browser.get(there.location()).await?;
        ensure!(home.status == 302, "{} {}", home.status, home.text);
    }
    Ok(())
}

async fn signing_out_there_signs_out_here() -> anyhow::Result<()> {
    let by_email = ("AUTH_CORP_IDENTIFIER_KEY", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress");
    // Of all sessions, or of one that nobody here knows; and where another name than the provider's identifies people.
    for (query, settings) in
        [("person=alice", &[][..]), ("person=alice&post=1", &[by_email][..]), ("person=alice&session=7", &[][..])]
    {
        let site = Site::open(json!({}), settings).await?;
        let mut browser = Traveller::default();
        signed_in(&site.sign_in(&mut browser).await?, &browser)?;
        let mut other = Traveller::default();
        other.put("127.0.0.1", "person", "bob");
        signed_in(&site.sign_in(&mut other).await?, &other)?;
        // From another browser, so that no cookie helps.
        let mut stranger = Traveller::default();
        let page = stranger.get(&format!("{}/leave?{query}", site.provider.base)).await?;
        let answer = match page.status {
            302 => stranger.get(page.location()).await?,
            _ => post(&mut stranger, &form(&page.text)?).await?,
        };
        ensure!(
            answer.status == 302 && answer.location().contains("/slo?SAMLResponse="),
            "{} {}",
            answer.status,
            answer.text
        );
        ensure!(answer.location().contains("RelayState=state%20of%20theirs"), "{}", answer.location());
        ensure!(site.me(&mut browser).await?.status != 200, "the session is still good");
        ensure!(site.me(&mut other).await?.status == 200, "somebody else's session is gone");
    }
    Ok(())
}

/// `SimpleSAMLphp` shares no code with pysaml2. It signs response and assertion, and encrypts with AES-CBC.
async fn another_provider_signs_in_and_out() -> anyhow::Result<()> {
    let keys = with_keys()?;
    for encrypts in [false, true] {
        let port = free_port()?.to_string();
        let url = format!("http://127.0.0.1:{port}");
        let provider = SimpleSaml::start(&format!("{url}/auth/login/corp"), encrypts).await?;
        let metadata = format!("{}/saml2/idp/metadata.php", provider.base);
        let mut env = borrowed(&keys);
        env.extend([
            ("PORT", port.as_str()),
            ("PUBLIC_URL", url.as_str()),
            ("LOGIN_STALL_TIME", "0"),
            ("AUTH_PROVIDERS", "corp"),
            ("AUTH_CORP_DRIVER", "saml"),
            ("AUTH_CORP_ALLOW_PUBLIC_REGISTRATION", "true"),
            ("AUTH_CORP_IDP_METADATA", metadata.as_str()),
            ("AUTH_CORP_IDP_IS_ASSERTION_ENCRYPTED", if encrypts { "true" } else { "false" }),
        ]);
        let server = TestServer::start(&env).await?;
        let mut browser = Traveller::default();
        let page = browser.follow(&format!("{url}/auth/login/corp?redirect=%2Fafter"), |_| false).await?;
        signed_in(&post(&mut browser, &form(&page.text)?).await?, &browser)?;
        let me = browser.get(&format!("{url}/users/me?fields=email,external_identifier")).await?;
        ensure!(me.status == 200, "{} {}", me.status, me.text);
        let session = browser.clone();
        let left = browser.post(&format!("{url}/auth/login/corp/logout"), "").await?;
        ensure!(left.location().starts_with(&provider.base), "{} {}", left.status, left.location());
        let home = |next: &str| next.starts_with(&url) && !next.contains("/auth/login/");
        let back = browser.follow(left.location(), home).await?;
        ensure!(back.url.contains("/logout?SAMLResponse="), "{} {}", back.url, back.text);
        ensure!(session.clone().get(&format!("{url}/users/me")).await?.status != 200, "the session is still good");
        drop(server);
    }
    Ok(())
}
