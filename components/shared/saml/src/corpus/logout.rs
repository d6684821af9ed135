//! Attacks on messages about signing out.

#[cfg(test)]
pub(super) mod tests;

use super::Attack;
use crate::{
    forge::{IDP, Signer, Signing, sign, unsigned},
    names::{ASSERTION, PROTOCOL},
};
use alloc::{format, string::String, vec, vec::Vec};

const SLO: &str = "https://sp.example.com/auth/login/corp/logout";

pub(super) fn request(id: &str, name: &str) -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" Destination=\"{SLO}\" ID=\"{id}\" IssueInstant=\"2026-11-22T12:00:00Z\" \
         Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{IDP}</saml:Issuer>{{SIGNATURE}}<saml:NameID \
         xmlns:saml=\"{ASSERTION}\">{name}</saml:NameID><samlp:SessionIndex>1</samlp:SessionIndex></samlp:LogoutRequest>"
    )
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
