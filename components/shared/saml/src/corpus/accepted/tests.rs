//! What is read of good messages, and what is insisted on.

use crate::{
    corpus::tests::read,
    forge::{
        self, REQUEST, Reader, assertion, expected, ourselves, provider, response, sign, signed_response, unsigned,
        with_signed_assertion,
    },
    key, response as reading,
    text::to_base64,
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

#[test]
fn what_is_read_is_what_was_signed() {
    let read = read(&with_signed_assertion()).unwrap();
    assert_eq!((read.id.as_str(), read.expires), ("_a", forge::NOW + 300 + 60 + 1));
    assert_eq!(read.session.as_deref(), Some("1"));
    let told: Vec<_> = read.attributes.iter().map(|one| (one.name.as_str(), one.values.join(","))).collect();
    let email = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    assert_eq!(told, [(email, "alice@example.com".to_string()), ("groups", "staff,editors".to_string())]);
}

#[test]
fn one_key_of_several_is_enough_and_an_unknown_one_is_told_apart() {
    let mut provider = provider();
    let ourselves = ourselves();
    let form = to_base64(with_signed_assertion().as_bytes());
    let stranger = key::of_certificate(forge::fixture!("stranger.crt")).unwrap();
    provider.keys.insert(0, stranger.clone());
    assert!(reading::read(&form, &expected(&provider, &ourselves), &Reader).is_ok());
    provider.keys = vec![stranger];
    let refusal = reading::read(&form, &expected(&provider, &ourselves), &Reader).unwrap_err();
    assert!(matches!(refusal, crate::Refusal::UnknownKey(_)), "{refusal}");
}

#[test]
fn an_answer_to_nothing_is_read_where_none_was_asked() {
    let (provider, ourselves) = (provider(), ourselves());
    let mut expected = expected(&provider, &ourselves);
    expected.request = None;
    let asked = format!("InResponseTo=\"{REQUEST}\" ");
    let assertion = sign(&assertion("_a", "alice").replace(&asked, ""), "_a");
    let form = to_base64(unsigned(&response(&assertion)).replace(&asked, "").as_bytes());
    assert_eq!(reading::claimed_state(&form), Ok(None));
    assert!(reading::read(&form, &expected, &Reader).is_ok());
    let form = to_base64(with_signed_assertion().as_bytes());
    assert_eq!(reading::claimed_state(&form).unwrap().as_deref(), REQUEST.strip_prefix('_'));
    let refusal = reading::read(&form, &expected, &Reader).unwrap_err().to_string();
    assert!(refusal.ends_with("expected `none`"), "{refusal}");
}

#[test]
fn what_is_asked_for_is_insisted_on() {
    let provider = provider();
    let read = |xml: &str, change: fn(&mut crate::ourselves::Ourselves)| {
        let mut ourselves = ourselves();
        change(&mut ourselves);
        let read = reading::read(&to_base64(xml.as_bytes()), &expected(&provider, &ourselves), &Reader);
        read.map_or_else(|refusal| refusal.to_string(), |_| String::new())
    };
    let (assertion, whole) = (with_signed_assertion(), signed_response());
    assert!(read(&whole, |ourselves| ourselves.wants_assertions_signed = true).contains("SP_WANT_ASSERTIONS_SIGNED"));
    assert!(read(&assertion, |ourselves| ourselves.wants_responses_signed = true).contains("SP_WANT_MESSAGE_SIGNED"));
    assert!(read(&assertion, |ourselves| ourselves.wants_encryption = true).contains("IDP_IS_ASSERTION_ENCRYPTED"));
    assert_eq!(read(&assertion, |ourselves| ourselves.wants_assertions_signed = true), "");
}
