//! Attacks on algorithms, on markup, and on what an assertion says.

use super::Attack;
use crate::{
    forge::{
        self, ACS, IDP, REQUEST, SP, Signer, Signing, assertion, response, sign, transform, unsigned,
        with_signed_assertion,
    },
    names::{ENVELOPED, EXCLUSIVE},
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// A response whose assertion is signed so.
fn signed(signing: &Signing) -> String {
    unsigned(&response(&signing.sign(&assertion("_a", "alice"), "_a")))
}

/// A response whose assertion was changed before it was signed.
fn saying(from: &str, to: &str) -> String {
    let assertion = assertion("_a", "alice");
    assert!(assertion.contains(from), "{from}");
    unsigned(&response(&sign(&assertion.replace(from, to), "_a")))
}

pub(super) fn algorithms() -> Vec<Attack> {
    let attack = |name, source, what, signing: Signing, why| Attack { name, source, what, xml: signed(&signing), why };
    let standard = Signing::default;
    let dsig = "XML Signature 1.1 6, SAML core 5.4";
    vec![
        attack(
            "key-substitution",
            "SAML core 5.4.5; KeyInfo is not trust",
            "signed with a key that only the message names",
            Signing { signer: Signer::Stranger, ..standard() },
            "the signature (RS256) is of none of the keys",
        ),
        attack(
            "hmac-confusion",
            "CVE-2017-11424 and its kin",
            "the provider's certificate as a shared secret",
            Signing {
                signer: Signer::Hmac,
                method: "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
                ..standard()
            },
            "the signature algorithm `http://www.w3.org/2001/04/xmldsig-more#hmac-sha256` is not allowed",
        ),
        attack(
            "sha1-signature",
            "RFC 9231, NIST SP 800-131A",
            "a signature over SHA-1",
            Signing { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..standard() },
            "the signature algorithm `http://www.w3.org/2000/09/xmldsig#rsa-sha1` rests on SHA-1",
        ),
        attack(
            "sha1-digest",
            "RFC 9231, NIST SP 800-131A",
            "a digest of SHA-1",
            Signing { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..standard() },
            "the digest algorithm `http://www.w3.org/2000/09/xmldsig#sha1` rests on SHA-1",
        ),
        attack(
            "dsa-signature",
            dsig,
            "an algorithm that is on no list",
            Signing { method: "http://www.w3.org/2009/xmldsig11#dsa-sha256", ..standard() },
            "the signature algorithm `http://www.w3.org/2009/xmldsig11#dsa-sha256` is not allowed",
        ),
        attack(
            "no-algorithm",
            dsig,
            "an algorithm without a name",
            Signing { method: "", ..standard() },
            "the signature algorithm is not named",
        ),
        attack(
            "canonicalisation-with-comments",
            "CVE-2017-11427 and its kin",
            "a canonical form with comments",
            Signing { canonicalisation: "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ..standard() },
            "the canonicalisation `http://www.w3.org/2001/10/xml-exc-c14n#WithComments` is not allowed",
        ),
        attack(
            "inclusive-canonicalisation",
            "SAML core 5.4.3",
            "a canonical form that depends on what is around",
            Signing { canonicalisation: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ..standard() },
            "the canonicalisation `http://www.w3.org/TR/2001/REC-xml-c14n-20010315` is not allowed",
        ),
        Attack {
            name: "void-canonicalisation",
            source: "The Fragile Lock (PortSwigger 2025), ruby-saml CVE-2025-66568",
            what: "a relative namespace, which has no canonical form, so that a hash of nothing is compared",
            xml: with_signed_assertion().replace("<saml:Subject>", "<saml:Subject xmlns:v=\"1\" v:x=\"\">"),
            why: "there is no canonical form",
        },
        Attack {
            name: "hmac-output-length",
            source: "CVE-2009-0217",
            what: "a parameter of the algorithm",
            xml: with_signed_assertion().replace(
                "rsa-sha256\"></ds:SignatureMethod>",
                "rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
            ),
            why: "{http://www.w3.org/2000/09/xmldsig#}SignatureMethod has parameters",
        },
    ]
}

pub(super) fn references() -> Vec<Attack> {
    let attack = |name, source, what, signing: Signing, why| Attack { name, source, what, xml: signed(&signing), why };
    let transforms = |list: &[String]| Signing { transforms: list.concat(), ..Signing::default() };
    let core = "SAML core 5.4.2, 5.4.4";
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>false()</ds:XPath></ds:Transform>";
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\"/></ds:Transform>";
    let second = "<ds:Reference URI=\"#_r\"><ds:Transforms></ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>AA==</ds:DigestValue></ds:Reference>";
    vec![
        attack(
            "empty-reference",
            core,
            "a reference to the whole document",
            Signing { uri: Some(""), ..Signing::default() },
            "the reference of the signature is ``",
        ),
        attack(
            "external-reference",
            core,
            "a reference to somewhere else",
            Signing { uri: Some("https://evil.example.com/"), ..Signing::default() },
            "the reference of the signature is `https://evil.example.com/`",
        ),
        attack(
            "xpointer-reference",
            core,
            "a reference in another language",
            Signing { uri: Some("#xpointer(id('_a'))"), ..Signing::default() },
            "the reference of the signature is `#xpointer",
        ),
        Attack {
            name: "no-reference",
            source: core,
            what: "no reference",
            xml: with_signed_assertion().replace("ds:Reference", "ds:Other"),
            why: "the signature has 0 references",
        },
        attack(
            "two-references",
            "ruby-saml CVE-2024-45409, samlify CVE-2025-47949",
            "a second reference",
            Signing { more_references: second.to_string(), ..Signing::default() },
            "the signature has 2 references",
        ),
        attack(
            "no-enveloped-transform",
            core,
            "one transform",
            transforms(&[transform(EXCLUSIVE)]),
            "the list of transforms is",
        ),
        attack(
            "xpath-transform",
            "On Breaking SAML 4.3, SAML core 5.4.4",
            "XPath that leaves everything out",
            transforms(&[transform(ENVELOPED), xpath.to_string(), transform(EXCLUSIVE)]),
            "the list of transforms is",
        ),
        attack(
            "xslt-transform",
            "CVE-2007-3715, SAML core 5.4.4",
            "a program as transform",
            transforms(&[transform(ENVELOPED), xslt.to_string()]),
            "the second transform `http://www.w3.org/TR/1999/REC-xslt-19991116` is not allowed",
        ),
        attack(
            "twice-enveloped",
            core,
            "the same transform twice",
            transforms(&[transform(ENVELOPED), transform(ENVELOPED)]),
            "the second transform `http://www.w3.org/2000/09/xmldsig#enveloped-signature` is not allowed",
        ),
        attack(
            "object-in-signature",
            "xmldsig 4.5",
            "an object behind the key",
            Signing { tail: "<ds:Object></ds:Object>".to_string(), ..Signing::default() },
            "{http://www.w3.org/2000/09/xmldsig#}Signature is",
        ),
        Attack {
            name: "digest-with-comment",
            source: "xml-crypto CVE-2025-29775",
            what: "a comment in the digest",
            xml: with_signed_assertion().replace("<ds:DigestValue>", "<ds:DigestValue><!--AAAA-->"),
            why: "it holds a comment",
        },
        Attack {
            name: "two-signed-infos",
            source: "xml-crypto CVE-2025-29774",
            what: "a second SignedInfo",
            xml: with_signed_assertion()
                .replace("<ds:SignatureValue>", "<ds:SignedInfo></ds:SignedInfo><ds:SignatureValue>"),
            why: "{http://www.w3.org/2000/09/xmldsig#}Signature is",
        },
    ]
}

pub(super) fn markup() -> Vec<Attack> {
    let good = with_signed_assertion();
    let named = |to: &str| good.replace(">alice</saml:NameID>", to);
    let attack = |name, source, what, xml: String, why| Attack { name, source, what, xml, why };
    let laughs = "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>";
    vec![
        attack(
            "comment-in-name",
            "CVE-2017-11427, CVE-2018-0489",
            "a comment that cuts a name short",
            named(">alice<!-- -->.evil</saml:NameID>"),
            "it holds a comment",
        ),
        attack(
            "cdata-in-name",
            "CVE-2025-25291 and its kin",
            "a CDATA section in a name",
            named("><![CDATA[alice]]></saml:NameID>"),
            "it holds a CDATA section",
        ),
        attack(
            "instruction-in-name",
            "CVE-2025-25292 and its kin",
            "a processing instruction in a name",
            named(">alice<?x y?>.evil</saml:NameID>"),
            "it holds a processing instruction",
        ),
        attack(
            "doctype",
            "OWASP, XML external entities",
            "a document type",
            ["<!DOCTYPE samlp:Response>", &good].concat(),
            "it holds a document type",
        ),
        attack(
            "external-entity",
            "OWASP, XML external entities",
            "an entity that is a file",
            ["<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", &named(">&x;</saml:NameID>")].concat(),
            "it holds a document type",
        ),
        attack(
            "billion-laughs",
            "CWE-776",
            "entities of entities",
            [laughs, &named(">&c;</saml:NameID>")].concat(),
            "it holds a document type",
        ),
        attack(
            "unknown-entity",
            "XML 1.0 4.1",
            "an entity without a declaration",
            named(">&alice;</saml:NameID>"),
            "it is not well-formed XML",
        ),
        attack(
            "duplicate-attribute",
            "CVE-2025-25291 and its kin",
            "an attribute that is there twice",
            good.replace("Version=\"2.0\"><saml:Issuer>", "Version=\"2.0\" Version=\"2.0\"><saml:Issuer>"),
            "it is not well-formed XML",
        ),
        attack(
            "doubled-root",
            "XML 1.0 2.1",
            "something behind the message",
            [good.as_str(), "<x/>"].concat(),
            "it is not well-formed XML",
        ),
        attack(
            "not-a-response",
            "SAML core 3.3.3",
            "an assertion without a response",
            sign(&assertion("_a", "alice"), "_a"),
            "the message is `{urn:oasis:names:tc:SAML:2.0:assertion}Assertion`",
        ),
        attack(
            "element-in-name",
            "CVE-2017-11427 and its kin",
            "an element in a signed name",
            saying(">alice</saml:NameID>", ">ali<x/>ce</saml:NameID>"),
            "{urn:oasis:names:tc:SAML:2.0:assertion}NameID holds more than a text",
        ),
    ]
}

pub(super) fn conditions() -> Vec<Attack> {
    let core = "SAML core 2.5.1, profiles 4.1.4.3";
    let attack =
        |name, what, from: &str, to: &str, why| Attack { name, source: core, what, xml: saying(from, to), why };
    let audience = format!("<saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction>");
    let conditions = [
        "<saml:Conditions NotBefore=\"2026-11-22T11:59:00Z\" NotOnOrAfter=\"2026-11-22T12:05:00Z\">",
        &audience,
        "</saml:Conditions>",
    ]
    .concat();
    let end = "NotOnOrAfter=\"2026-11-22T12:05:00Z\">";
    let bearer = "NotOnOrAfter=\"2026-11-22T12:05:00Z\" Recipient";
    vec![
        attack(
            "expired",
            "the conditions ended",
            end,
            "NotOnOrAfter=\"2026-11-22T11:58:59Z\">",
            "`NotOnOrAfter` of the conditions, 2026-11-22T11:58:59Z, is past",
        ),
        attack(
            "not-yet",
            "the conditions begin later",
            "NotBefore=\"2026-11-22T11:59:00Z\"",
            "NotBefore=\"2026-11-22T12:01:01Z\"",
            "`NotBefore` of the conditions, 2026-11-22T12:01:01Z, is yet to come",
        ),
        attack(
            "confirmation-expired",
            "the confirmation ended",
            bearer,
            "NotOnOrAfter=\"2026-11-22T11:59:00Z\" Recipient",
            "`NotOnOrAfter` of the subject's confirmation, 2026-11-22T11:59:00Z, is past",
        ),
        attack(
            "confirmation-without-end",
            "the confirmation has no end",
            bearer,
            "Recipient",
            "`NotOnOrAfter` of the subject's confirmation is missing",
        ),
        attack(
            "confirmation-not-yet",
            "the confirmation begins later",
            bearer,
            "NotBefore=\"2026-11-22T13:00:00Z\" NotOnOrAfter=\"2026-11-22T13:05:00Z\" Recipient",
            "`NotBefore` of the subject's confirmation",
        ),
        attack(
            "issued-in-the-future",
            "the assertion is of tomorrow",
            "IssueInstant=\"2026-11-22",
            "IssueInstant=\"2026-11-23",
            "`IssueInstant` of the assertion",
        ),
        attack(
            "session-over",
            "the session at the provider ended",
            "SessionIndex=\"1\"",
            "SessionIndex=\"1\" SessionNotOnOrAfter=\"2026-11-22T11:00:00Z\"",
            "`SessionNotOnOrAfter`, 2026-11-22T11:00:00Z, is past",
        ),
        attack(
            "local-time",
            "a time without a zone",
            end,
            "NotOnOrAfter=\"2026-11-22T12:05:00\">",
            "`NotOnOrAfter` of the conditions is `2026-11-22T12:05:00`",
        ),
        attack(
            "other-audience",
            "for another service (CVE-2026-41577)",
            SP,
            "https://other.example.com/metadata",
            "`Audience` is `https://other.example.com/metadata`",
        ),
        attack(
            "audience-prefix",
            "for a service whose name begins like ours",
            SP,
            "https://sp.example.com/auth/login/corp/metadata2",
            "`Audience` is",
        ),
        attack("no-audience", "for anybody", &audience, "", "`AudienceRestriction` is missing"),
        attack(
            "second-audience-restriction",
            "for us, and for others only",
            "</saml:AudienceRestriction>",
            "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>https://other.example.com</saml:Audience></saml:AudienceRestriction>",
            "`Audience` is `https://other.example.com`",
        ),
        attack("no-conditions", "under no conditions", &conditions, "", "there is no `Conditions`"),
        attack(
            "unknown-condition",
            "a condition that nobody here knows",
            "<saml:AudienceRestriction>",
            "<saml:Condition></saml:Condition><saml:AudienceRestriction>",
            "the condition {urn:oasis:names:tc:SAML:2.0:assertion}Condition is not known",
        ),
        attack(
            "no-confirmation",
            "nobody may present it",
            "cm:bearer",
            "cm:holder-of-key",
            "the subject has no confirmation by bearer",
        ),
        attack(
            "no-sign-in",
            "it does not say that anybody signed in",
            "<saml:AuthnStatement AuthnInstant=\"2026-11-22T12:00:00Z\" SessionIndex=\"1\"></saml:AuthnStatement>",
            "",
            "the assertion does not say that anybody signed in",
        ),
        attack(
            "old-version",
            "SAML 1.1",
            "Version=\"2.0\"><saml:Issuer>",
            "Version=\"1.1\"><saml:Issuer>",
            "the version of {urn:oasis:names:tc:SAML:2.0:assertion}Assertion is `1.1`",
        ),
    ]
}

pub(super) fn addresses() -> Vec<Attack> {
    let profile = "SAML profiles 4.1.4.3, 4.1.5";
    let good = with_signed_assertion();
    let attack = |name, source, what, xml: String, why| Attack { name, source, what, xml, why };
    let other = "https://evil.example.com/metadata";
    vec![
        attack("wrong-recipient", profile, "meant for another address", saying(&format!("Recipient=\"{ACS}\""), "Recipient=\"https://other.example.com/acs\""), "`Recipient` is `https://other.example.com/acs`"),
        attack("no-recipient", profile, "meant for any address", saying(&format!(" Recipient=\"{ACS}\""), ""), "`Recipient` is missing"),
        attack("wrong-destination", "SAML Bindings 3.5.5.2", "brought to another address", good.replace(&format!("Destination=\"{ACS}\""), "Destination=\"https://other.example.com/acs\""), "`Destination` is `https://other.example.com/acs`"),
        attack("signed-without-destination", "SAML Bindings 3.5.5.2", "signed, and brought anywhere", sign(&response(&unsigned(&assertion("_a", "alice"))).replace(&format!("Destination=\"{ACS}\" "), ""), "_r"), "`Destination` of a signed message is missing"),
        attack("other-request", profile, "an answer to another request", good.replace(&format!("ID=\"_r\" InResponseTo=\"{REQUEST}\""), "ID=\"_r\" InResponseTo=\"_other\""), "`InResponseTo` of the response is `_other`"),
        attack("other-request-in-confirmation", profile, "a confirmation of another request", saying(REQUEST, "_other"), "`InResponseTo` of the subject's confirmation is `_other`"),
        attack("unsolicited", profile, "an answer to no request", good.replace(&format!(" InResponseTo=\"{REQUEST}\""), ""), "`InResponseTo` of the response is `missing`"),
        attack("unsolicited-assertion", profile, "an assertion for no request in an answer", saying(&format!("InResponseTo=\"{REQUEST}\" "), ""), "`InResponseTo` of the subject's confirmation is `missing`"),
        attack("provider-confusion", "RFC 9700 4.4, authentik CVE-2026-25922", "an assertion of another provider", saying(IDP, other), "the issuer of the assertion is `https://evil.example.com/metadata`"),
        attack("provider-confusion-response", "RFC 9700 4.4", "a response of another provider", good.replace(&format!("{IDP}</saml:Issuer><samlp:Status>"), &format!("{other}</saml:Issuer><samlp:Status>")), "the issuer of the response is `https://evil.example.com/metadata`"),
        attack("failed", "SAML core 3.2.2.2", "the provider says no", good.replace("status:Success", "status:Responder"), "the provider answers `urn:oasis:names:tc:SAML:2.0:status:Responder`"),
        attack("no-status", "SAML core 3.2.2", "the provider does not say yes", good.replace("<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>", ""), "there is no `Status`"),
    ]
}

pub(super) fn limits() -> Vec<Attack> {
    let good = forge::with_signed_assertion();
    let put = |text: String| good.replace("</samlp:Status>", &[text.as_str(), "</samlp:Status>"].concat());
    vec![Attack {
        name: "deep",
        source: "ruby-saml CVE-2025-54572 and its kin",
        what: "elements in elements",
        xml: put(["<x>".repeat(40), "</x>".repeat(40)].concat()),
        why: "it is more than 32 elements deep",
    }]
}

#[test]
fn what_is_too_large_is_not_parsed() {
    let good = forge::with_signed_assertion();
    let long = good.replace("<samlp:Status>", &["<samlp:Status>", &" ".repeat(crate::xml::MOST_BYTES)].concat());
    assert!(super::tests::read(&long).unwrap_err().to_string().ends_with("at most 262144 are read"));
    let many = good.replace("<samlp:Status>", &["<samlp:Status>", &"<x/>".repeat(25_000)].concat());
    assert_eq!(super::tests::read(&many).unwrap_err().to_string(), "it has more than 20000 tags");
}
