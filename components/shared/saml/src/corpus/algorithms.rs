//! Every algorithm for signatures that is allowed, with a key that fits and with those that do not.

use super::logout::{
    request,
    tests::{decoded, leaves, read_parameters},
};
use crate::{
    Keys, Refusal,
    binding::{Kind, Outgoing},
    forge::{Reader, Signer, Signing, assertion, expected, ourselves, provider, response, unsigned},
    key::{self, Type},
    metadata::Binding,
    names, response as reading,
    text::to_base64,
};
use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// Name for JWA, name for XML, whose key.
const ALGORITHMS: [(&str, &str, Signer); 8] = [
    ("RS256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", Signer::Idp),
    ("RS384", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", Signer::Idp),
    ("RS512", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", Signer::Idp),
    ("PS256", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", Signer::Idp),
    ("PS384", "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1", Signer::Idp),
    ("PS512", "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", Signer::Idp),
    ("ES256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", Signer::P256),
    ("ES384", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", Signer::P384),
];

const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];

fn signed(signer: Signer, method: &'static str, digest: &'static str) -> String {
    let signing = Signing { signer, method, digest, ..Signing::default() };
    unsigned(&response(&signing.sign(&assertion("_a", "alice"), "_a")))
}

/// The name that is read with keys of these kinds.
fn read(xml: &str, kinds: &[Type]) -> Result<String, Refusal> {
    let (mut provider, ourselves) = (provider(), ourselves());
    provider.keys.retain(|key| kinds.contains(&key.kind));
    let read = reading::read(&to_base64(xml.as_bytes()), &expected(&provider, &ourselves), &Reader);
    read.map(|assertion| assertion.name_id.unwrap().value)
}

#[test]
fn each_signature_counts_with_a_key_of_its_kind_only() {
    let all = [Type::Rsa, Type::P256, Type::P384];
    for (name, method, signer) in ALGORITHMS {
        let own = key::of_certificate(signer.certificate()).unwrap().kind;
        let others: Vec<_> = all.into_iter().filter(|kind| *kind != own).collect();
        for digest in DIGESTS {
            let xml = signed(signer, method, digest);
            assert_eq!(read(&xml, &all), Ok("alice".into()), "{name} {digest}");
            assert_eq!(read(&xml, &[own]), Ok("alice".into()), "{name} {digest}");
            let unknown = read(&xml, &others).unwrap_err();
            assert!(matches!(unknown, Refusal::UnknownKey(_)) && unknown.to_string().contains(name), "{unknown}");
            let changed = read(&xml.replace(">alice<", ">admin<"), &all).unwrap_err().to_string();
            assert!(changed.ends_with("was changed after it was signed"), "{name} {digest}: {changed}");
        }
    }
}

#[test]
fn a_signature_is_not_one_of_another_algorithm() {
    for (name, method, signer) in ALGORITHMS {
        for (other, claimed, _) in ALGORITHMS.into_iter().filter(|(other, ..)| *other != name) {
            let xml = signed(signer, method, DIGESTS[0]).replace(method, claimed);
            let refusal = read(&xml, &[Type::Rsa, Type::P256, Type::P384]).unwrap_err();
            let expected = ["the signature (", other, ") is of none of the keys"].concat();
            assert!(refusal.to_string().starts_with(&expected), "{name} as {other}: {refusal}");
        }
    }
}

#[test]
fn a_signature_has_its_own_length() {
    let whole = signed(Signer::P256, ALGORITHMS[6].1, DIGESTS[0]);
    let (start, end) = (whole.find("<ds:SignatureValue>").unwrap() + 19, whole.find("</ds:SignatureValue>").unwrap());
    for bytes in [vec![], vec![0; 64], vec![0; 96], vec![0xff; 4096]] {
        let xml = [&whole[..start], &to_base64(&bytes), &whole[end..]].concat();
        let refusal = read(&xml, &[Type::P256]).unwrap_err().to_string();
        assert!(refusal.starts_with("the signature (ES256) is of none of the keys"), "{refusal}");
    }
}

/// Somebody with one key and one algorithm.
struct Sender(&'static str, &'static str, Signer);

impl Keys for Sender {
    fn verifies(&self, key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, String> {
        Reader.verifies(key, algorithm, message, signature)
    }

    fn algorithm(&self) -> Result<String, String> {
        Ok(self.0.to_string())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.2.sign(self.1, message))
    }

    fn decrypt(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

#[test]
fn what_is_sent_with_each_algorithm_is_read_in_both_bindings() {
    let xml = unsigned(&request("_l", "alice"));
    for (name, method, signer) in ALGORITHMS {
        let outgoing = Outgoing { kind: Kind::Request, id: "_l", xml: &xml, relay_state: Some("x"), is_signed: true };
        let keys = Sender(name, method, signer);
        let posted = outgoing.to("https://idp.example.com/slo", Binding::Post, &keys).unwrap();
        assert_eq!(read_parameters(&posted.form), Ok(leaves()), "{name}");
        let sent = outgoing.to("https://idp.example.com/slo", Binding::Redirect, &keys).unwrap();
        let mut parameters = decoded(sent.url.split_once('?').unwrap().1);
        assert_eq!(read_parameters(&parameters), Ok(leaves()), "{name}");
        let algorithm = parameters.iter_mut().find(|(name, _)| name == "SigAlg").unwrap();
        assert_eq!(algorithm.1, method);
        algorithm.1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1".into();
        assert!(read_parameters(&parameters).unwrap_err().contains("rests on SHA-1"), "{name}");
    }
}

#[test]
fn an_algorithm_without_a_name_in_xml_signs_nothing() {
    let xml = unsigned(&request("_l", "alice"));
    let outgoing = Outgoing { kind: Kind::Request, id: "_l", xml: &xml, relay_state: None, is_signed: true };
    for binding in [Binding::Redirect, Binding::Post] {
        let refusal = outgoing.to("https://idp.example.com/slo", binding, &Sender("EdDSA", "", Signer::Idp));
        let Err(Refusal::Misconfigured(why)) = refusal else { panic!("it is sent") };
        assert!(why.contains("SP_PRIVATE_KEY") && why.contains("EdDSA"), "{why}");
    }
    assert!(ALGORITHMS.iter().all(|(name, method, _)| names::signature_uri(name) == Some(*method)));
}
