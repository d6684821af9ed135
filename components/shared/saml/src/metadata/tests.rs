//! Metadata as providers write it, and what cannot be used.

use super::*;
use crate::forge::{Signer, fixture};
use alloc::vec;
use proptest::prelude::*;

fn descriptor(usage: &str, signer: Signer) -> String {
    let certificate = signer.certificate();
    format!(
        "<md:KeyDescriptor{usage}><ds:KeyInfo xmlns:ds=\"{SIGNATURE}\"><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn service(kind: &str, binding: &str, location: &str) -> String {
    format!("<md:{kind} Binding=\"{binding}\" Location=\"{location}\"/>")
}

fn sign_on() -> String {
    service("SingleSignOnService", REDIRECT, "https://idp.example.com/sso")
}

fn entity(name: &str, attributes: &str, inside: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{name}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol {PROTOCOL}\"{attributes}>{inside}\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

fn usual() -> String {
    [descriptor(" use=\"signing\"", Signer::Idp), sign_on()].concat()
}

fn several(entities: &[String]) -> String {
    format!("<md:EntitiesDescriptor xmlns:md=\"{METADATA}\">{}</md:EntitiesDescriptor>", entities.concat())
}

fn why(text: &str, name: Option<&str>) -> String {
    let Err(Refusal::Misconfigured(why)) = read(text, name) else { panic!("it is read: {text}") };
    why.strip_prefix("the provider's metadata cannot be used: ").unwrap().to_string()
}

#[test]
fn a_provider_is_what_its_metadata_says() {
    let inside = [
        usual(),
        service("SingleSignOnService", POST, "https://idp.example.com/sso/post"),
        service("SingleSignOnService", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP", "https://idp.example.com/soap"),
        format!(
            "<md:SingleLogoutService Binding=\"{POST}\" Location=\" https://idp.example.com/slo \" \
             ResponseLocation=\"https://idp.example.com/slo/done\"/>"
        ),
    ]
    .concat();
    let text = entity("https://idp.example.com", " WantAuthnRequestsSigned=\"1\"", &inside);
    let provider = read(&format!("\n<?xml version=\"1.0\"?>\n<!-- ours -->{text}\n"), None).unwrap();
    assert_eq!(provider.entity_id, "https://idp.example.com");
    assert!(provider.wants_signed_requests && provider.valid_until.is_none());
    assert_eq!(provider.keys, vec![key::of_certificate(fixture!("idp.crt")).unwrap()]);
    let told: Vec<_> = provider.sign_on.iter().map(|one| (one.binding, one.location.as_str())).collect();
    assert_eq!(
        told,
        [(Binding::Redirect, "https://idp.example.com/sso"), (Binding::Post, "https://idp.example.com/sso/post")]
    );
    let logout = provider.logout(None).unwrap();
    assert_eq!((logout.binding, logout.location.as_str()), (Binding::Post, "https://idp.example.com/slo"));
    assert_eq!(logout.for_answers(), "https://idp.example.com/slo/done");
    assert_eq!(Provider::from_cache(&provider.write()), Some(provider));
    assert_eq!(Provider::from_cache("{}"), None);
}

#[test]
fn the_preferred_binding_is_taken_or_none() {
    let post = service("SingleSignOnService", POST, "https://idp.example.com/post");
    let keys = descriptor("", Signer::Idp);
    let both = read(&entity("x", "", &[keys.as_str(), &post, &sign_on()].concat()), None).unwrap();
    assert_eq!(both.sign_on(None).unwrap().binding, Binding::Redirect);
    assert_eq!(both.sign_on(Some(Binding::Post)).unwrap().binding, Binding::Post);
    assert_eq!(both.logout(None), None);
    let post_only = read(&entity("x", "", &[keys.as_str(), &post].concat()), None).unwrap();
    assert_eq!(post_only.sign_on(None).unwrap().binding, Binding::Post);
    assert!(post_only.sign_on(Some(Binding::Redirect)).is_err());
}

#[test]
fn addresses_that_are_no_web_addresses_are_left_out() {
    for location in ["javascript:alert(1)", "//idp.example.com", "https://", "data:text/html,x", ""] {
        let inside = [descriptor("", Signer::Idp), service("SingleSignOnService", REDIRECT, location)].concat();
        let provider = read(&entity("x", "", &inside), None).unwrap();
        let refusal = provider.sign_on(None).unwrap_err().to_string();
        assert_eq!(refusal, "the provider's metadata names no address for sign-ins", "{location}");
    }
}

#[test]
fn keys_for_signatures_are_trusted_and_no_others() {
    let kinds = |inside: &[String]| {
        let provider = read(&entity("x", "", &inside.concat()), None).unwrap();
        provider.keys.iter().map(|key| key.kind).collect::<Vec<_>>()
    };
    let encryption = descriptor(" use=\"encryption\"", Signer::Idp);
    let (signing, any) = (descriptor(" use=\"signing\"", Signer::P256), descriptor("", Signer::P384));
    assert_eq!(kinds(&[encryption.clone(), signing.clone(), any]), [key::Type::P256, key::Type::P384]);
    let unreadable = descriptor("", Signer::Idp).replace(Signer::Idp.certificate(), "AAAA");
    assert_eq!(kinds(&[unreadable, signing.clone()]), [key::Type::P256]);
    let none = "it holds no certificate with a key for signatures that is used here";
    assert_eq!(why(&entity("x", "", &encryption), None), none);
    assert_eq!(why(&entity("x", "", ""), None), none);
    // A key of the service role of the same entity is not the provider's.
    let beside = format!("<md:SPSSODescriptor>{signing}</md:SPSSODescriptor></md:EntityDescriptor>");
    let text = entity("x", "", &encryption).replace("</md:EntityDescriptor>", &beside);
    assert_eq!(why(&text, None), none);
}

#[test]
fn one_of_several_providers_is_named() {
    let service_only = format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"sp\"><md:SPSSODescriptor/></md:EntityDescriptor>"
    );
    let other = entity("b", "", &descriptor("", Signer::P256));
    let all = several(&[service_only.clone(), entity("a", "", &usual()), several(&[other])]);
    assert_eq!(read(&all, Some("a")).unwrap().entity_id, "a");
    let found = read(&all, Some("b")).unwrap();
    assert_eq!((found.entity_id.as_str(), found.keys[0].kind), ("b", key::Type::P256));
    assert_eq!(why(&all, None), "it holds several identity providers; name one with `IDP_ENTITY_ID`");
    assert_eq!(why(&all, Some("c")), "it holds no identity provider named `c` that speaks SAML 2.0");
    assert_eq!(why(&all, Some("sp")), "it holds no identity provider named `sp` that speaks SAML 2.0");
    assert_eq!(read(&several(&[service_only, entity("a", "", &usual())]), None).unwrap().entity_id, "a");
    let one = entity("a", "", &usual());
    assert_eq!(why(&one, Some("b")), "it holds no identity provider named `b` that speaks SAML 2.0");
}

#[test]
fn what_is_no_metadata_is_told_apart() {
    let none = "it holds no identity provider that speaks SAML 2.0";
    assert_eq!(why(&entity("x", "", &usual()).replace(PROTOCOL, "urn:x"), None), none);
    assert_eq!(why(&entity("x", "", &usual()).replace(METADATA, "urn:x"), None), none);
    assert_eq!(why("<html></html>", None), none);
    assert_eq!(why(&entity("", "", &usual()), None), "it has no `entityID`");
    for text in ["", "not found", "<a>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"] {
        assert!(!why(text, None).is_empty());
    }
}

#[test]
fn metadata_is_good_until_the_first_of_its_ends() {
    let text = entity("x", " validUntil=\"2026-11-22T12:00:00Z\"", &usual())
        .replace("entityID", "validUntil=\"2027-01-01T00:00:00Z\" entityID");
    let provider = read(&text, None).unwrap();
    let end = crate::forge::NOW;
    assert_eq!(provider.valid_until, Some(i64::try_from(end).unwrap()));
    assert_eq!(provider.check_validity(end - 1), Ok(()));
    assert!(matches!(provider.check_validity(end), Err(Refusal::Unavailable(_))));
    assert!(provider.check_validity(u64::MAX).is_err());
    assert_eq!(crate::forge::provider().check_validity(u64::MAX), Ok(()));
    assert!(why(&text.replace("2026-11-22T12:00:00Z", "tomorrow"), None).starts_with("`validUntil` is `tomorrow`"));
}

proptest! {
    #[test]
    fn any_text_is_judged(text: String, cut in 0_usize..2000, put: String) {
        let _ = read(&text, None);
        let good = entity("x", "", &usual());
        let (before, after) = good.split_at(cut.min(good.len()));
        if let Ok(provider) = read(&[before, put.as_str(), after].concat(), None) {
            prop_assert!(!provider.entity_id.is_empty() && !provider.keys.is_empty());
        }
    }
}
