//! What was encrypted for us.

use super::{Attack, Variant};
use crate::{
    forge::{self, CBC_128, Encryption, GCM_128, GCM_256, assertion, response, sign, unsigned},
    text::{base64, to_base64},
};
use alloc::{format, string::String, vec, vec::Vec};

fn signed_assertion() -> String {
    sign(&assertion("_a", "alice"), "_a")
}

fn bare_assertion() -> String {
    unsigned(&assertion("_a", "alice"))
}

fn around(inside: &str) -> String {
    unsigned(&response(inside))
}

fn in_signed(inside: &str) -> String {
    sign(&response(inside), "_r")
}

const HOLDER: &str = "EncryptedAssertion";
const FAILED: &str = "what was encrypted for us cannot be decrypted";

/// A message with one byte of the last ciphertext changed.
fn flipped(xml: &str, from_end: usize, bits: u8) -> String {
    let start = xml.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
    let end = start + xml[start..].find('<').unwrap();
    let mut bytes = base64(&xml[start..end]).unwrap();
    let place = bytes.len() - from_end;
    bytes[place] ^= bits;
    [&xml[..start], &to_base64(&bytes), &xml[end..]].concat()
}

pub(super) fn attacks() -> Vec<Attack> {
    let good = around(&GCM_256.encrypt(&signed_assertion(), HOLDER));
    let with = |encryption: Encryption| around(&encryption.encrypt(&signed_assertion(), HOLDER));
    let oracle = "Jager, Somorovsky, How to Break XML Encryption, CCS 2011";
    let attack = |name, source, what, xml: String, why| Attack { name, source, what, xml, why };
    vec![
        attack(
            "cbc-not-signed",
            oracle,
            "AES-CBC that anybody may change",
            with(CBC_128),
            "AES-CBC does not tell whether a text was changed",
        ),
        attack("gcm-changed", oracle, "a changed ciphertext", flipped(&good, 40, 1), FAILED),
        attack("gcm-tag-changed", oracle, "a changed tag", flipped(&good, 1, 1), FAILED),
        attack(
            "wrapped-key-unknown",
            "Bleichenbacher 1998, Manger 2001",
            "a key that was encrypted for somebody else",
            good.replace(forge::fixture!("wrapped-256.txt"), "AAAA"),
            FAILED,
        ),
        attack(
            "wrapped-key-short",
            oracle,
            "a key of another length",
            good.replace(forge::fixture!("wrapped-256.txt"), forge::fixture!("wrapped-128.txt")),
            FAILED,
        ),
        attack(
            "encrypted-nonsense",
            oracle,
            "a plaintext that is no XML",
            around(&GCM_256.encrypt("<x", HOLDER)),
            FAILED,
        ),
        attack(
            "encrypted-two",
            "SAML core 2.3.4",
            "two assertions in one ciphertext",
            around(&GCM_256.encrypt(&[signed_assertion(), sign(&assertion("_b", "bob"), "_b")].concat(), HOLDER)),
            FAILED,
        ),
        attack(
            "encrypted-breakout",
            "XML Encryption 4.3.3",
            "a plaintext that closes what is around it",
            around(&GCM_256.encrypt(&format!("</decrypted>{}<decrypted>", signed_assertion()), HOLDER)),
            FAILED,
        ),
        attack(
            "encrypted-doctype",
            "OWASP, XML external entities",
            "a document type in a plaintext",
            around(&GCM_256.encrypt(&["<!DOCTYPE x>", &signed_assertion()].concat(), HOLDER)),
            FAILED,
        ),
        attack(
            "encrypted-not-signed",
            "SAML core 6; everybody has our public key",
            "encrypted, and signed by nobody",
            around(&GCM_256.encrypt(&bare_assertion(), HOLDER)),
            "neither the response nor the assertion is signed",
        ),
        attack(
            "encrypted-changed-before",
            "SAML core 6",
            "changed, then encrypted",
            around(&GCM_256.encrypt(&signed_assertion().replace("alice", "mallory"), HOLDER)),
            "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion was changed after it was signed",
        ),
        attack(
            "encrypted-wrapping",
            "On Breaking SAML",
            "another assertion around the signed one, encrypted",
            around(
                &GCM_256.encrypt(
                    &unsigned(&assertion("_evil", "mallory"))
                        .replace("</saml:Assertion>", &[&signed_assertion(), "</saml:Assertion>"].concat()),
                    HOLDER,
                ),
            ),
            "the assertion holds another one",
        ),
        attack(
            "encrypted-and-plain",
            "SAML core 2.3.4",
            "an encrypted assertion beside one that is not",
            around(
                &[GCM_256.encrypt(&signed_assertion(), HOLDER), bare_assertion().replace("\"_a\"", "\"_b\"")].concat(),
            ),
            "the response holds 2 assertions",
        ),
        attack(
            "triple-des",
            "NIST SP 800-131A",
            "an algorithm that is on no list",
            with(Encryption { method: "http://www.w3.org/2001/04/xmlenc#tripledes-cbc", ..CBC_128 }),
            "the encryption algorithm `http://www.w3.org/2001/04/xmlenc#tripledes-cbc` is not allowed",
        ),
        attack(
            "rsa-1_5",
            "Bleichenbacher 1998",
            "a key that was encrypted the old way",
            with(Encryption { key_method: "http://www.w3.org/2001/04/xmlenc#rsa-1_5", ..GCM_256 }),
            "the encryption of the key `http://www.w3.org/2001/04/xmlenc#rsa-1_5` is not allowed",
        ),
        attack(
            "oaep-two-hashes",
            "RFC 7518 4.3",
            "RSA-OAEP with two hashes",
            with(Encryption {
                key_parameters: "<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
                ..GCM_256
            }),
            "the key was encrypted with RSA-OAEP over `sha256` and `sha1`",
        ),
        attack(
            "cipher-reference",
            "XML Encryption 3.3.1",
            "a ciphertext that is elsewhere",
            good.replace("CipherValue", "CipherReference"),
            "there is no `CipherValue`",
        ),
        attack(
            "encrypted-without-key",
            "XML Encryption 3.5",
            "no key beside it",
            good.replace("xenc:EncryptedKey", "xenc:Other"),
            "there is no encrypted key beside what it encrypts",
        ),
    ]
}

pub(super) fn variants() -> Vec<Variant> {
    let encrypted = GCM_256.encrypt(&signed_assertion(), HOLDER);
    let sha256 = Encryption {
        key_method: "http://www.w3.org/2009/xmlenc11#rsa-oaep",
        key_parameters: "<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><xenc11:MGF xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"></xenc11:MGF>",
        wrapped: forge::fixture!("wrapped-256-sha256.txt"),
        ..GCM_256
    };
    let inherited = signed_assertion().replacen(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "", 1);
    let name = GCM_256.encrypt(
        "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">alice</saml:NameID>",
        "EncryptedID",
    );
    let with_name = assertion("_a", "alice").replace(
        "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">alice</saml:NameID>",
        &name,
    );
    let variant = |name, what, xml: String| Variant { name, what, xml };
    vec![
        variant("encrypted", "signed, then encrypted with AES-256-GCM", around(&encrypted)),
        variant(
            "encrypted-128",
            "signed, then encrypted with AES-128-GCM",
            around(&GCM_128.encrypt(&signed_assertion(), HOLDER)),
        ),
        variant(
            "encrypted-oaep-sha256",
            "a key under RSA-OAEP over SHA-256",
            around(&sha256.encrypt(&signed_assertion(), HOLDER)),
        ),
        variant(
            "encrypted-in-signed",
            "encrypted in a signed response",
            in_signed(&GCM_128.encrypt(&bare_assertion(), HOLDER)),
        ),
        variant(
            "cbc-in-signed",
            "AES-CBC in a signed response",
            in_signed(&CBC_128.encrypt(&bare_assertion(), HOLDER)),
        ),
        variant("encrypted-all-signed", "signed, encrypted and signed again", in_signed(&encrypted)),
        variant(
            "encrypted-inherited-prefix",
            "a plaintext whose prefix is declared around it",
            around(&GCM_256.encrypt(&inherited, HOLDER)),
        ),
        variant(
            "encrypted-declaration",
            "a plaintext with an XML declaration",
            around(&GCM_256.encrypt(&["<?xml version=\"1.0\"?>", &signed_assertion()].concat(), HOLDER)),
        ),
        variant("encrypted-name", "an encrypted name", around(&sign(&with_name, "_a"))),
    ]
}

#[test]
fn padding_is_that_of_the_recommendation() {
    use crate::xml::Tree;

    // A signature around it is broken by any change, so what is looked at is the decryption alone.
    let open = |xml: &str, is_signed| {
        let tree = Tree::message(xml).ok().unwrap();
        let holder = tree.root().within().find(|one| one.is((crate::names::ASSERTION, HOLDER))).unwrap();
        crate::encryption::decrypt(holder, is_signed, &forge::Reader)
            .map_err(|refusal| alloc::string::ToString::to_string(&refusal))
    };
    let xml = in_signed(&CBC_128.encrypt(&bare_assertion(), HOLDER));
    assert!(open(&xml, true).unwrap().contains("alice"));
    assert!(open(&xml, false).unwrap_err().starts_with("AES-CBC"));
    // The byte that says how many bytes were filled up is the last one: 128 more of them are more than a block has.
    assert_eq!(open(&flipped(&xml, 17, 0x80), true), Err(FAILED.into()));
}
