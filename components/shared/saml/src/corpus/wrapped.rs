//! Attacks that keep a good signature and move it, or what it signs, somewhere else.

use super::Attack;
use crate::{
    forge::{self, assertion, response, sign, signed_response, unsigned, with_signed_assertion},
    names::{ASSERTION, SIGNATURE},
};
use alloc::{format, string::String, vec, vec::Vec};

const MATH: &str = "Somorovsky et al., On Breaking SAML, USENIX Security 2012";

/// The signature of a message.
fn signature(xml: &str) -> String {
    let start = xml.find("<ds:Signature ").unwrap();
    let end = xml.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    xml[start..end].into()
}

/// A signature with something in an object at its end.
fn with_object(signature: &str, inside: &str) -> String {
    signature.replace("</ds:Signature>", &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"))
}

fn evil_assertion() -> String {
    unsigned(&assertion("_evil", "mallory"))
}

/// A response of another ID around an assertion of somebody else.
fn evil_response() -> String {
    response(&evil_assertion()).replace("ID=\"_r\"", "ID=\"_evil_r\"")
}

pub(super) fn of_responses() -> Vec<Attack> {
    let good = signed_response();
    let its_signature = signature(&good);
    let bare = good.replace(&its_signature, "");
    vec![
        Attack {
            name: "xsw1",
            source: MATH,
            what: "the signed response in the signature of another one",
            xml: evil_response().replace("{SIGNATURE}", &with_object(&its_signature, &bare)),
            why: "two elements have the ID",
        }
        .distinct("{http://www.w3.org/2000/09/xmldsig#}Signature is"),
        Attack {
            name: "xsw2",
            source: MATH,
            what: "the signed response before its detached signature in another one",
            xml: evil_response().replace("{SIGNATURE}", &[bare.as_str(), &its_signature].concat()),
            why: "the signature is not where it belongs",
        },
    ]
}

impl Attack {
    fn distinct(self, why: &'static str) -> Self {
        Self { why, ..self }
    }
}

pub(super) fn of_assertions() -> Vec<Attack> {
    let signed = sign(&assertion("_a", "alice"), "_a");
    let its_signature = signature(&signed);
    let bare = signed.replace(&its_signature, "");
    let around = |inside: &str| unsigned(&response(inside));
    let taking = |signature: &str| assertion("_evil", "mallory").replace("{SIGNATURE}", signature);
    let attack = |name, what, inside: String, why| Attack { name, source: MATH, what, xml: around(&inside), why };
    vec![
        attack(
            "xsw3",
            "an assertion before the signed one",
            [evil_assertion(), signed.clone()].concat(),
            "the response holds 2 assertions",
        ),
        attack(
            "xsw4",
            "an assertion around the signed one",
            evil_assertion().replace("</saml:Assertion>", &format!("{signed}</saml:Assertion>")),
            "the response holds 2 assertions",
        ),
        attack(
            "xsw5",
            "an assertion with the signature of the one behind it",
            [taking(&its_signature), bare.clone()].concat(),
            "the response holds 2 assertions",
        ),
        attack(
            "xsw6",
            "an assertion whose signature holds the signed one",
            taking(&its_signature.replace("</ds:Signature>", &format!("{bare}</ds:Signature>"))),
            "the response holds 2 assertions",
        ),
        attack(
            "xsw7",
            "an assertion in extensions before the signed one",
            format!("<samlp:Extensions>{}</samlp:Extensions>{signed}", evil_assertion().replace("_evil", "_a2")),
            "the response holds 2 assertions",
        ),
        attack(
            "xsw8",
            "an assertion whose signature holds the signed one in an object",
            taking(&with_object(&its_signature, &bare)),
            "the response holds 2 assertions",
        ),
        attack(
            "signature-of-another-element",
            "an assertion with the signature of another one that is not there",
            taking(&its_signature),
            "the reference of the signature is `#_a`, expected `#_evil`",
        ),
    ]
}

pub(super) fn hidden() -> Vec<Attack> {
    let signed = sign(&assertion("_a", "alice"), "_a");
    let its_signature = signature(&signed);
    let source = "field corpus: ruby-saml CVE-2025-66567, The Fragile Lock (PortSwigger 2025)";
    let attack = |name, what, xml: String, why| Attack { name, source, what, xml: unsigned(&xml), why };
    let advice = format!("<saml:Advice>{signed}</saml:Advice><saml:AuthnStatement");
    vec![
        attack(
            "assertion-in-extensions",
            "the signed assertion in extensions, and none where one belongs",
            response(&format!("<samlp:Extensions>{signed}</samlp:Extensions>")),
            "the assertion is not right inside of the response",
        ),
        attack(
            "assertion-in-object",
            "the signed assertion in an object of a signature of the response",
            response("").replace(
                "{SIGNATURE}",
                &format!("<ds:Signature xmlns:ds=\"{SIGNATURE}\"><ds:Object>{signed}</ds:Object></ds:Signature>"),
            ),
            "{http://www.w3.org/2000/09/xmldsig#}Signature is `{http://www.w3.org/2000/09/xmldsig#}Object`",
        ),
        attack(
            "assertion-in-advice",
            "the signed assertion as advice in another one",
            response(&evil_assertion().replace("<saml:AuthnStatement", &advice)),
            "the response holds 2 assertions",
        ),
        attack(
            "signature-in-extensions",
            "the signature of the assertion in extensions of the response",
            response(&format!(
                "<samlp:Extensions>{its_signature}</samlp:Extensions>{}",
                unsigned(&assertion("_a", "mallory"))
            )),
            "neither the response nor the assertion is signed",
        ),
        attack(
            "signature-in-subject",
            "the signature deeper in the assertion",
            response(
                &unsigned(&assertion("_a", "alice"))
                    .replace("</saml:Subject>", &format!("{its_signature}</saml:Subject>")),
            ),
            "neither the response nor the assertion is signed",
        ),
        attack(
            "signature-at-the-end",
            "the signature at the end of the assertion",
            response(
                &unsigned(&assertion("_a", "alice"))
                    .replace("</saml:Assertion>", &format!("{its_signature}</saml:Assertion>")),
            ),
            "the signature is not where it belongs",
        ),
        attack(
            "response-in-assertion",
            "a response inside of a signed assertion",
            response(&sign(
                &assertion("_a", "alice").replace(
                    "</saml:Assertion>",
                    &format!("{}</saml:Assertion>", unsigned(&evil_response()).replace("saml:Assertion", "saml:X")),
                ),
                "_a",
            )),
            "the assertion holds another one",
        ),
    ]
}

pub(super) fn doubled() -> Vec<Attack> {
    let signed = sign(&assertion("_a", "alice"), "_a");
    let its_signature = signature(&signed);
    let source = "artifact-keeper#2449, SAML core 1.3.4";
    let attack =
        |name, what, inside: String, why| Attack { name, source, what, xml: unsigned(&response(&inside)), why };
    vec![
        attack(
            "two-assertions-unsigned-last",
            "an assertion behind the signed one",
            [signed.clone(), evil_assertion()].concat(),
            "the response holds 2 assertions",
        ),
        attack(
            "two-signed-assertions",
            "two assertions, both signed",
            [signed.clone(), sign(&assertion("_b", "bob"), "_b")].concat(),
            "the response holds 2 assertions",
        ),
        attack(
            "duplicate-id",
            "two assertions with one ID",
            [unsigned(&assertion("_a", "mallory")), signed.clone()].concat(),
            "two elements have the ID `_a`",
        ),
        attack(
            "duplicate-id-xml-id",
            "another kind of attribute with the same ID",
            signed.replace("<saml:Subject>", "<saml:Subject xml:id=\"_a\">"),
            "two elements have the ID `_a`",
        ),
        attack(
            "two-signatures",
            "two signatures in one assertion",
            signed.replace(&its_signature, &[its_signature.as_str(), &its_signature].concat()),
            "there are two `Signature`",
        ),
        attack(
            "two-subjects",
            "a second subject",
            sign(&assertion("_a", "alice").replace("<saml:Conditions", "<saml:Subject/><saml:Conditions"), "_a"),
            "there are two `Subject`",
        ),
        Attack {
            name: "changed-after-signing",
            source: "Directus, traces of its SAML driver",
            what: "another name in the signed assertion",
            xml: with_signed_assertion().replace("alice", "mallory"),
            why: "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion was changed after it was signed",
        },
        Attack {
            name: "response-changed-after-signing",
            source: "SAML core 5",
            what: "another status in the signed response",
            xml: signed_response().replace("alice", "mallory"),
            why: "{urn:oasis:names:tc:SAML:2.0:protocol}Response was changed after it was signed",
        },
        Attack {
            name: "bad-response-signature-good-assertion",
            source: "SAML core 5: a signature that is there must be good",
            what: "a response with a broken signature around a signed assertion",
            xml: sign(&response(&signed), "_r").replace(
                "IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\"><saml:Issuer xmlns",
                "IssueInstant=\"2026-11-22T12:00:01Z\" Version=\"2.0\"><saml:Issuer xmlns",
            ),
            why: "{urn:oasis:names:tc:SAML:2.0:protocol}Response was changed after it was signed",
        },
        Attack {
            name: "foreign-namespace",
            source: "The Fragile Lock (PortSwigger 2025)",
            what: "an assertion of another namespace, whose prefix is the same",
            xml: with_signed_assertion().replace(
                &format!("<saml:Assertion xmlns:saml=\"{ASSERTION}\""),
                "<saml:Assertion xmlns:saml=\"urn:other\"",
            ),
            why: "the response holds 0 assertions",
        },
        Attack {
            name: "polluted-attribute",
            source: "The Fragile Lock (PortSwigger 2025)",
            what: "a second ID in a namespace, for those who look at local names",
            xml: with_signed_assertion().replace("<saml:Subject>", "<saml:Subject saml:ID=\"_a\">"),
            why: "two elements have the ID `_a`",
        },
        Attack {
            name: "not-signed",
            source: "SAML profiles 4.1.4.2",
            what: "nothing is signed",
            xml: unsigned(&forge::response(&assertion("_a", "alice"))),
            why: "neither the response nor the assertion is signed",
        },
    ]
}
