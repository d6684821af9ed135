//! Messages about signing out: attacks are refused, and what is good is read in both bindings.

use super::{SLO, attacks, request};
use crate::{
    binding::{self, Kind, Outgoing},
    corpus::tests::kept,
    forge::{IDP, NOW, Reader, SP, ourselves, provider, sign, unsigned},
    logout::{self, Expected, Leaves, Notice, Parting},
    metadata::{Binding, Endpoint},
    names::SUCCESS,
    text::to_base64,
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

pub(in crate::corpus) fn read_parameters(parameters: &[(String, String)]) -> Result<Notice, String> {
    let (provider, ourselves) = (provider(), ourselves());
    let expected = Expected { provider: &provider, ourselves: &ourselves, now: NOW, skew: 60 };
    let message = binding::receive(parameters).map_err(|refusal| refusal.to_string())?;
    logout::read(&message, &expected, &Reader).map_err(|refusal| refusal.to_string())
}

fn form(name: &str, xml: &str) -> Vec<(String, String)> {
    vec![(name.into(), to_base64(xml.as_bytes()))]
}

fn read(xml: &str) -> Result<Notice, String> {
    read_parameters(&form("SAMLRequest", xml))
}

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    for attack in attacks() {
        kept(&format!("refused/{}.xml", attack.name), &attack.xml);
        let refusal = read(&attack.xml).unwrap_err();
        assert!(refusal.starts_with(attack.why), "{}: {refusal}", attack.name);
    }
}

pub(in crate::corpus) fn leaves() -> Notice {
    Notice::Leaves(Leaves { id: "_l".into(), name: "alice".into() })
}

#[test]
fn a_signed_request_is_believed_in_both_bindings() {
    assert_eq!(read(&sign(&request("_l", "alice"), "_l")), Ok(leaves()));
    let xml = unsigned(&request("_l", "alice"));
    for relay_state in [None, Some("a b~c/ü+*'()!")] {
        let outgoing = Outgoing { kind: Kind::Request, id: "_l", xml: &xml, relay_state, is_signed: true };
        let sent = outgoing.to("https://idp.example.com/slo?x=y", Binding::Redirect, &Reader).unwrap();
        let query = sent.url.strip_prefix("https://idp.example.com/slo?x=y&").unwrap();
        let mut parameters = decoded(query);
        assert_eq!(read_parameters(&parameters), Ok(leaves()));
        parameters.last_mut().unwrap().1 = to_base64(&[0; 256]);
        assert!(read_parameters(&parameters).unwrap_err().starts_with("the signature (RS256) is of none"));
        let mut other = decoded(query);
        other.retain(|(name, _)| name != "RelayState");
        other.push(("RelayState".into(), "other".into()));
        assert!(read_parameters(&other).is_err(), "what the query carries along is signed, too");
        let mut without = decoded(query);
        without.retain(|(name, _)| name != "Signature" && name != "SigAlg");
        assert!(read_parameters(&without).unwrap_err().ends_with("is not signed"));
    }
}

pub(in crate::corpus) fn decoded(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.bytes());
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()].map(char::from);
                bytes.push(u8::from_str_radix(&String::from_iter(digits), 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.into(), plain(value)))
        .collect()
}

#[test]
fn our_messages_are_read_by_our_reader() {
    let name =
        crate::assertion::NameId { value: "a&b".into(), format: Some("f".into()), qualifier: None, sp_qualifier: None };
    let parting = Parting::of("https://sp.example.com/acs", Some(&name), Some("1")).unwrap();
    assert_eq!(Parting::read(&parting.write()), Some(parting.clone()));
    // As if we were the provider and it were us.
    let (mut sender, mut receiver) = (ourselves(), ourselves());
    (sender.entity_id, receiver.logout) = (IDP.into(), SLO.into());
    let xml = parting.request(&sender, SLO, "_q", NOW);
    let outgoing = Outgoing { kind: Kind::Request, id: "_q", xml: &xml, relay_state: Some("x"), is_signed: true };
    let posted = outgoing.to(SLO, Binding::Post, &Reader).unwrap();
    assert_eq!(posted.url, SLO);
    let read = read_parameters(&posted.form).unwrap();
    let expected = Leaves { id: "_q".into(), name: "a&b".into() };
    assert_eq!(read, Notice::Leaves(expected.clone()));
    let answer = expected.answer(&sender, SLO, "_s", NOW);
    let outgoing = Outgoing { kind: Kind::Response, id: "_s", xml: &answer, relay_state: None, is_signed: true };
    let posted = outgoing.to(SLO, Binding::Post, &Reader).unwrap();
    assert_eq!(read_parameters(&posted.form), Ok(Notice::Answered { id: "_s".into() }));
    let failed = answer.replace(SUCCESS, "urn:oasis:names:tc:SAML:2.0:status:Responder");
    let outgoing = Outgoing { xml: &failed, ..outgoing };
    let posted = outgoing.to(SLO, Binding::Post, &Reader).unwrap();
    assert!(read_parameters(&posted.form).unwrap_err().starts_with("the provider could not sign the person out"));
    let unsigned = Outgoing { xml: &answer, is_signed: false, ..outgoing };
    assert!(
        read_parameters(&unsigned.to(SLO, Binding::Post, &Reader).unwrap().form)
            .unwrap_err()
            .ends_with("is not signed")
    );
}

#[test]
fn a_request_is_for_all_sessions_of_a_name() {
    let index = "<samlp:SessionIndex>1</samlp:SessionIndex>";
    let one = request("_l", "alice");
    for indexes in [String::new(), index.replace('1', "other"), index.repeat(2)] {
        assert_eq!(read(&sign(&one.replace(index, &indexes), "_l")), Ok(leaves()), "{indexes}");
    }
    let format = "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" NameQualifier=\"x\"";
    assert_eq!(read(&sign(&one.replace("<saml:NameID", format), "_l")), Ok(leaves()));
    // As the driver finds them: by the name of the assertion that began each.
    let assertion = crate::corpus::tests::read(&crate::forge::with_signed_assertion()).unwrap();
    assert_eq!(logout::sessions_of(&assertion.name_id.unwrap().value), logout::sessions_of("alice"));
    assert_ne!(logout::sessions_of("alice"), logout::sessions_of("bob"));
    assert_eq!(logout::sessions_of(&"a".repeat(9000)).len(), 43);
}

#[test]
fn answers_may_go_elsewhere() {
    let elsewhere = Endpoint { binding: Binding::Post, location: "a".into(), response_location: Some("b".into()) };
    assert_eq!(elsewhere.for_answers(), "b");
    assert!(SP.starts_with("https://"));
}
