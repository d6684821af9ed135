//! What we are by our addresses, by metadata of ours, and what we tell of it.

use super::*;
use crate::{
    forge::{ACS, SP, fixture, ourselves},
    names::TRANSIENT,
    xml::Element,
};
use alloc::vec::Vec;

#[test]
fn addresses_make_us() {
    let ourselves = ourselves();
    assert_eq!((ourselves.entity_id.as_str(), ourselves.acs.as_str()), (SP, ACS));
    assert_eq!(ourselves.logout, "https://sp.example.com/auth/login/corp/logout");
    assert!(!ourselves.signs_requests && !ourselves.wants_assertions_signed && !ourselves.wants_encryption);
}

#[test]
fn metadata_of_ours_counts() {
    let text = format!(
        "<?xml version=\"1.0\"?><!-- ours --><EntityDescriptor xmlns=\"{METADATA}\" entityID=\"urn:us\"><SPSSODescriptor \
         AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"1\"><NameIDFormat>{TRANSIENT}</NameIDFormat>\
         <AssertionConsumerService Location=\"https://evil.example.com/acs\"/></SPSSODescriptor></EntityDescriptor>"
    );
    let read = Ourselves::new(ACS, Some(&text)).unwrap();
    assert_eq!((read.entity_id.as_str(), read.acs.as_str()), ("urn:us", ACS), "addresses are ours alone");
    assert!(read.signs_requests && read.wants_assertions_signed);
    assert_eq!(read.name_id_format.as_deref(), Some(TRANSIENT));
    let bare = format!("<EntityDescriptor xmlns=\"{METADATA}\" entityID=\"\"/>");
    assert_eq!(Ourselves::new(ACS, Some(&bare)).unwrap(), ourselves());
    let no = text.replace("\"true\"", "\"false\"").replace("Signed=\"1\"", "Signed=\"0\"");
    let read = Ourselves::new(ACS, Some(&no)).unwrap();
    assert!(!read.signs_requests && !read.wants_assertions_signed);
}

#[test]
fn what_is_no_metadata_of_ours_is_told() {
    for (text, why) in [
        ("", "`SP_metadata` cannot be used: it is not well-formed XML"),
        ("https://sp.example.com/metadata", "`SP_metadata` cannot be used: it is not well-formed XML"),
        ("<a/>", "`SP_metadata` cannot be used: it begins with {}a, expected EntityDescriptor"),
    ] {
        let Err(Refusal::Misconfigured(told)) = Ourselves::new(ACS, Some(text)) else { panic!("{text}") };
        assert!(told.starts_with(why), "{told}");
    }
}

fn attributes(element: Element<'_>, name: &'static str, of: &str) -> Vec<String> {
    element.all((METADATA, name)).filter_map(|one| one.attribute(of)).map(ToString::to_string).collect()
}

#[test]
fn what_we_tell_is_what_we_are() {
    let mut us = Ourselves::new("https://sp.example.com/a&b/acs", None).unwrap();
    (us.signs_requests, us.wants_assertions_signed) = (true, true);
    us.name_id_format = Some("a<b".into());
    let certificates =
        Certificates { signing: Some(fixture!("sp.crt")), encryption: Some(key::body(fixture!("idp-ec.crt"))) };
    let text = us.describe(certificates).unwrap();
    let again = Ourselves::new(&us.acs, Some(&text)).unwrap();
    assert_eq!(again, us);
    let tree = Tree::document(&text).unwrap();
    let role = tree.root().child((METADATA, "SPSSODescriptor")).unwrap().unwrap();
    assert_eq!(role.attribute("protocolSupportEnumeration"), Some(PROTOCOL));
    assert_eq!(attributes(role, "AssertionConsumerService", "Location"), [us.acs.as_str()]);
    assert_eq!(attributes(role, "SingleLogoutService", "Binding"), [REDIRECT, POST]);
    assert_eq!(attributes(role, "SingleLogoutService", "Location"), [us.logout.as_str(), us.logout.as_str()]);
    assert_eq!(attributes(role, "KeyDescriptor", "use"), ["signing", "encryption"]);
    let told = role.within().filter(|element| element.is((SIGNATURE, "X509Certificate")));
    let told: Vec<_> = told.map(|one| key::of_certificate(&one.text().unwrap()).unwrap()).collect();
    assert_eq!(told, [fixture!("sp.crt"), fixture!("idp-ec.crt")].map(|one| key::of_certificate(one).unwrap()));
}

#[test]
fn a_private_key_is_never_told() {
    let secret = fixture!("sp.key.pem");
    for certificates in [
        Certificates { signing: Some(secret), ..Certificates::default() },
        Certificates { encryption: Some(secret), ..Certificates::default() },
    ] {
        let Err(Refusal::Misconfigured(why)) = ourselves().describe(certificates) else { panic!("it is told") };
        assert!(why.contains("holds no key that is used here"), "{why}");
        assert!(secret.lines().skip(1).all(|line| !why.contains(line)), "{why}");
    }
    let bare: String = secret.lines().filter(|line| !line.starts_with("--")).collect();
    let refusal = ourselves().describe(Certificates { signing: Some(&bare), ..Certificates::default() });
    let why = refusal.unwrap_err().to_string();
    assert!(!why.contains(&bare[..40]), "{why}");
    let none = ourselves().describe(Certificates::default()).unwrap();
    assert!(!none.contains("KeyDescriptor") && !none.contains("NameIDFormat"), "{none}");
}
