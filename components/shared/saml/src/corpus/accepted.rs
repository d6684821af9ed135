//! What resembles attacks and is good.

#[cfg(test)]
mod tests;

use super::Variant;
use crate::{
    forge::{self, REQUEST, Signing, assertion, response, sign, signed_response, unsigned, with_signed_assertion},
    names::{ENVELOPED, EXCLUSIVE},
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

pub(super) fn variants() -> Vec<Variant> {
    let good = with_signed_assertion();
    let variant = |name, what, xml: String| Variant { name, what, xml };
    let prefixes = format!(
        "<ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\"><ec:InclusiveNamespaces \
         xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"saml\"></ec:InclusiveNamespaces></ds:Transform>"
    );
    let with_prefixes = Signing { transforms: prefixes, ..Signing::default() };
    let two = "</saml:Subject>".to_string();
    let second = format!(
        "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         InResponseTo=\"{REQUEST}\" NotOnOrAfter=\"2026-11-22T12:05:00Z\" Recipient=\"https://other.example.com/\">\
         </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>"
    );
    vec![
        variant("signed-assertion", "the assertion is signed", good.clone()),
        variant("signed-response", "the response is signed", signed_response()),
        variant("both-signed", "both are signed", sign(&response(&sign(&assertion("_a", "alice"), "_a")), "_r")),
        variant("declaration", "an XML declaration", ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", &good].concat()),
        variant(
            "white-space",
            "white space around what is not signed",
            good.replace("<samlp:Status>", "\n  <samlp:Status>\n"),
        ),
        variant(
            "other-quotes",
            "what the canonical form makes the same",
            good.replace("<saml:Subject>", "<saml:Subject  >")
                .replace("Version=\"2.0\"><saml:Issuer>", "Version='2.0'><saml:Issuer>"),
        ),
        variant(
            "prefixes",
            "a signature that names prefixes",
            unsigned(&response(&with_prefixes.sign(&assertion("_a", "alice"), "_a"))),
        ),
        variant(
            "no-destination",
            "a response that is not signed and does not say where it goes",
            good.replace(&format!("Destination=\"{}\" ", forge::ACS), ""),
        ),
        variant("no-response-issuer", "a response that does not say who it is of", {
            let issuer = format!(
                "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml:Issuer>",
                forge::IDP
            );
            good.replace(&issuer, "")
        }),
        variant(
            "within-skew",
            "a clock that is a little off",
            unsigned(&response(&sign(
                &assertion("_a", "alice")
                    .replace("NotBefore=\"2026-11-22T11:59:00Z\"", "NotBefore=\"2026-11-22T12:00:59.9Z\""),
                "_a",
            ))),
        ),
        variant(
            "second-confirmation",
            "a confirmation for somebody else beside ours",
            unsigned(&response(&sign(&assertion("_a", "alice").replace(&two, &second), "_a"))),
        ),
        variant(
            "extensions",
            "extensions that mean nothing here",
            good.replace(
                "<samlp:Status>",
                "<samlp:Extensions><x xmlns=\"urn:x\" ID=\"_x\"/></samlp:Extensions><samlp:Status>",
            ),
        ),
        variant(
            "audiences",
            "several audiences, of which one is ours",
            unsigned(&response(&sign(
                &assertion("_a", "alice").replace(
                    "<saml:Audience>",
                    "<saml:Audience>https://other.example.com</saml:Audience><saml:Audience>",
                ),
                "_a",
            ))),
        ),
    ]
}
