//! Messages about signing out.

use super::{Attack, kept};
use crate::{
    binding::{self, Kind, Outgoing},
    forge::{IDP, NOW, Reader, SP, Signer, Signing, ourselves, provider, sign, unsigned},
    logout::{self, Expected, Leaves, Notice, Parting},
    metadata::{Binding, Endpoint},
    names::{ASSERTION, PROTOCOL, SUCCESS},
    text::to_base64,
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

const SLO: &str = "https://sp.example.com/auth/login/corp/logout";

pub(super) fn request(id: &str, name: &str) -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" Destination=\"{SLO}\" ID=\"{id}\" IssueInstant=\"2026-11-22T12:00:00Z\" \
         Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{IDP}</saml:Issuer>{{SIGNATURE}}<saml:NameID \
         xmlns:saml=\"{ASSERTION}\">{name}</saml:NameID><samlp:SessionIndex>1</samlp:SessionIndex></samlp:LogoutRequest>"
    )
}

pub(super) fn read_parameters(parameters: &[(String, String)]) -> Result<Notice, String> {
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

pub(super) fn attacks() -> Vec<Attack> {
    let signed = sign(&request("_l", "alice"), "_l");
    let start = signed.find("<ds:Signature ").unwrap();
    let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &signed[start..end];
    let evil = request("_evil", "mallory");
    let source = "samlify#634, SAML core 3.7";
    let attack = |name, what, xml: String, why| Attack { name, source, what, xml, why };
    vec![
        attack(
            "logout-not-signed",
            "somebody wants everybody signed out",
            unsigned(&request("_l", "alice")),
            "{urn:oasis:names:tc:SAML:2.0:protocol}LogoutRequest is not signed",
        ),
        attack(
            "logout-wrapped",
            "the signed request in another one",
            evil.replace("{SIGNATURE}", "")
                .replace("</samlp:LogoutRequest>", &format!("{signed}</samlp:LogoutRequest>")),
            "{urn:oasis:names:tc:SAML:2.0:protocol}LogoutRequest is not signed",
        ),
        attack(
            "logout-foreign-signature",
            "another request with the signature of the signed one",
            evil.replace("{SIGNATURE}", signature),
            "the reference of the signature is `#_l`, expected `#_evil`",
        ),
        attack(
            "logout-wrapped-object",
            "the signed request in the signature of another one",
            evil.replace(
                "{SIGNATURE}",
                &signature.replace(
                    "</ds:Signature>",
                    &format!("<ds:Object>{}</ds:Object></ds:Signature>", unsigned(&request("_l", "alice"))),
                ),
            ),
            "{http://www.w3.org/2000/09/xmldsig#}Signature is",
        ),
        attack(
            "logout-changed",
            "another name in the signed request",
            signed.replace("alice", "mallory"),
            "{urn:oasis:names:tc:SAML:2.0:protocol}LogoutRequest was changed after it was signed",
        ),
        attack(
            "logout-stranger",
            "signed by somebody else",
            Signing { signer: Signer::Stranger, ..Signing::default() }.sign(&request("_l", "alice"), "_l"),
            "the signature (RS256) is of none of the keys",
        ),
        attack(
            "logout-other-destination",
            "meant for another service",
            sign(&request("_l", "alice").replace(SLO, "https://other.example.com/slo"), "_l"),
            "`Destination` is `https://other.example.com/slo`",
        ),
        attack(
            "logout-no-destination",
            "meant for anybody",
            sign(&request("_l", "alice").replace(&format!("Destination=\"{SLO}\" "), ""), "_l"),
            "`Destination` of a signed message is missing",
        ),
        attack(
            "logout-old",
            "a request of an hour ago",
            sign(&request("_l", "alice").replace("12:00:00Z", "11:00:00Z"), "_l"),
            "the message was good until",
        ),
        attack(
            "logout-other-provider",
            "a request of another provider",
            sign(&request("_l", "alice").replace(IDP, "https://other.example.com"), "_l"),
            "the issuer of the message is `https://other.example.com`",
        ),
        attack("logout-nobody", "nobody is named", sign(&request("_l", ""), "_l"), "`NameID` is missing"),
        attack(
            "authn-request",
            "a request of another kind",
            sign(&request("_l", "alice").replace("LogoutRequest", "AuthnRequest"), "_l"),
            "the message is `{urn:oasis:names:tc:SAML:2.0:protocol}AuthnRequest`",
        ),
    ]
}

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    for attack in attacks() {
        kept(&format!("refused/{}.xml", attack.name), &attack.xml);
        let refusal = read(&attack.xml).unwrap_err();
        assert!(refusal.starts_with(attack.why), "{}: {refusal}", attack.name);
    }
}

pub(super) fn leaves() -> Notice {
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

pub(super) fn decoded(query: &str) -> Vec<(String, String)> {
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
    let assertion = super::read(&crate::forge::with_signed_assertion()).unwrap();
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
