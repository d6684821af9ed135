//! A provider for tests: it makes responses, signs and encrypts them with keys of `tests/fixtures/saml/keys`, and lies where it
//! is told to. Whatever it makes is the same each time, so that what it made can be kept in files.

#![expect(clippy::unwrap_used, reason = "only tests of servers make messages, with this feature")]

extern crate std;

#[cfg(test)]
mod reader;

#[cfg(test)]
pub(crate) use reader::{Reader, expected, ourselves, provider};

use crate::{
    key, moment,
    names::{self, ASSERTION, ENCRYPTION, ENVELOPED, EXCLUSIVE, Hash, PROTOCOL, SIGNATURE, SUCCESS},
    text::{base64, to_base64},
    xml::Tree,
};
use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit, aead::Aead};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use ring::{
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaEncoding, RsaKeyPair},
};
use std::cell::RefCell;

pub(crate) const IDP: &str = "https://idp.example.com/metadata";
pub(crate) const SP: &str = "https://sp.example.com/auth/login/corp/metadata";
pub(crate) const ACS: &str = "https://sp.example.com/auth/login/corp/acs";
pub(crate) const REQUEST: &str = "_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";
/// 2026-11-22T12:00:00Z.
pub(crate) const NOW: u64 = 1_795_348_800;
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/saml/keys/", $name))
    };
}
pub(crate) use fixture;

/// The moment and the request that messages are made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The ID of the request.
    pub request: String,
    /// Seconds since the epoch.
    pub now: u64,
    /// The ID of the assertion, which counts once.
    pub assertion: String,
}

/// The ID of the good assertion.
const ASSERTION_ID: &str = "_a";

std::thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

impl Stage {
    /// Makes something on this stage.
    pub(crate) fn play<T>(&self, make: impl FnOnce() -> T) -> T {
        STAGE.with_borrow_mut(|stage| *stage = Some(self.clone()));
        let outcome = make();
        STAGE.with_borrow_mut(|stage| *stage = None);
        outcome
    }

    /// The same text for this stage: its request, its assertion, and each moment as far from now as it was.
    pub(crate) fn moved(&self, text: &str) -> String {
        let mut text = text.replace(REQUEST, &self.request);
        // In messages, and in what is said of them.
        for (before, after) in [("\"", "\""), ("\"#", "\""), ("`", "`"), ("`#", "`")] {
            let id = |id: &str| [before, id, after].concat();
            text = text.replace(&id(ASSERTION_ID), &id(&self.assertion));
        }
        let mut moved = String::with_capacity(text.len());
        // All moments are of one month.
        while let Some(place) = text.find("2026-11-2") {
            let (before, rest) = text.split_at(place);
            moved.push_str(before);
            let (written, rest) = rest.split_at(MOMENT_BYTES);
            let then = moment::read("", &format!("{written}Z")).unwrap();
            let shifted = then - i64::try_from(NOW).unwrap() + i64::try_from(self.now).unwrap();
            moved.push_str(moment::write(shifted.unsigned_abs()).trim_end_matches('Z'));
            text = rest.to_string();
        }
        moved + &text
    }
}

/// Bytes of a moment without its zone.
const MOMENT_BYTES: usize = "2026-11-22T12:00:00".len();

/// A text as it is on the present stage.
pub(crate) fn staged(text: &str) -> String {
    STAGE.with_borrow(|stage| stage.as_ref().map_or_else(|| text.to_string(), |stage| stage.moved(text)))
}

/// Whose key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    Idp,
    /// The provider's key on P-256.
    #[cfg_attr(not(test), expect(dead_code, reason = "all algorithms are gone through in the tests of this crate"))]
    P256,
    /// The provider's key on P-384.
    #[cfg_attr(not(test), expect(dead_code, reason = "as above"))]
    P384,
    Stranger,
    /// A code with the certificate as secret, for those who take what they find.
    Hmac,
}

impl Signer {
    /// A signature as an algorithm has it, by its name in XML; RS256 for those that nobody should use.
    pub(crate) fn sign(self, method: &str, message: &[u8]) -> Vec<u8> {
        let pem = match self {
            Self::P256 => {
                return on_curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, fixture!("idp-ec.key.pem"), message);
            }
            Self::P384 => {
                return on_curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, fixture!("idp-p384.key.pem"), message);
            }
            Self::Idp => fixture!("idp.key.pem"),
            Self::Stranger => fixture!("stranger.key.pem"),
            Self::Hmac => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, fixture!("idp.crt").as_bytes());
                return ring::hmac::sign(&key, message).as_ref().to_vec();
            }
        };
        let key = RsaKeyPair::from_pkcs8(&der(pem)).unwrap();
        let mut signature = vec![0; key.public().modulus_len()];
        let encoding: &'static dyn RsaEncoding = match names::signature(method).unwrap_or_default() {
            "RS384" => &signature::RSA_PKCS1_SHA384,
            "RS512" => &signature::RSA_PKCS1_SHA512,
            "PS256" => &signature::RSA_PSS_SHA256,
            "PS384" => &signature::RSA_PSS_SHA384,
            "PS512" => &signature::RSA_PSS_SHA512,
            _ => &signature::RSA_PKCS1_SHA256,
        };
        key.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    pub(crate) fn certificate(self) -> &'static str {
        key::body(match self {
            Self::Stranger => fixture!("stranger.crt"),
            Self::P256 => fixture!("idp-ec.crt"),
            Self::P384 => fixture!("idp-p384.crt"),
            Self::Idp | Self::Hmac => fixture!("idp.crt"),
        })
    }
}

fn on_curve(algorithm: &'static EcdsaSigningAlgorithm, pem: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, &der(pem), &random).unwrap();
    key.sign(&random, message).unwrap().as_ref().to_vec()
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    base64(&body).unwrap()
}

/// How to sign, and what to lie about.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    pub(crate) signer: Signer,
    pub(crate) method: &'static str,
    pub(crate) digest: &'static str,
    pub(crate) canonicalisation: &'static str,
    /// The inner XML of `Transforms`.
    pub(crate) transforms: String,
    /// Instead of the ID of what is signed.
    pub(crate) uri: Option<&'static str>,
    /// Put behind the one reference.
    pub(crate) more_references: String,
    /// Put behind the value.
    pub(crate) tail: String,
}

pub(crate) fn transform(algorithm: &str) -> String {
    format!("<ds:Transform Algorithm=\"{algorithm}\"></ds:Transform>")
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            signer: Signer::Idp,
            method: RSA_SHA256,
            digest: SHA256,
            canonicalisation: EXCLUSIVE,
            transforms: [transform(ENVELOPED), transform(EXCLUSIVE)].concat(),
            uri: None,
            more_references: String::new(),
            tail: String::new(),
        }
    }
}

impl Signing {
    /// Signs the element of an ID, whose text holds `{SIGNATURE}` where its signature goes.
    pub(crate) fn sign(&self, xml: &str, id: &str) -> String {
        let bare = staged(&xml.replace("{SIGNATURE}", ""));
        let tree = Tree::message(&bare).ok().unwrap();
        let own_id = staged(&format!("\"{id}\""));
        let own_id = own_id.trim_matches('"');
        let element = tree.root().within().find(|element| element.attribute("ID") == Some(own_id)).unwrap();
        let hash = match names::digest(self.digest) {
            Ok(Hash::Sha384) => &ring::digest::SHA384,
            Ok(Hash::Sha512) => &ring::digest::SHA512,
            _ => &ring::digest::SHA256,
        };
        let digest = to_base64(ring::digest::digest(hash, &element.canonical("", None).unwrap()).as_ref());
        let uri = self.uri.map_or_else(|| format!("#{id}"), ToString::to_string);
        let info = |declaration: &str| {
            format!(
                "<ds:SignedInfo{declaration}><ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod>\
                 <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod><ds:Reference URI=\"{uri}\"><ds:Transforms>{}\
                 </ds:Transforms><ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue>\
                 </ds:Reference>{}</ds:SignedInfo>",
                self.canonicalisation, self.method, self.transforms, self.digest, self.more_references
            )
        };
        let signed = staged(&info(&format!(" xmlns:ds=\"{SIGNATURE}\"")));
        let value = to_base64(&self.signer.sign(self.method, signed.as_bytes()));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{SIGNATURE}\">{}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>\
             <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{}</ds:Signature>",
            info(""),
            self.signer.certificate(),
            self.tail
        );
        xml.replace("{SIGNATURE}", &signature)
    }
}

pub(crate) fn sign(xml: &str, id: &str) -> String {
    Signing::default().sign(xml, id)
}

/// An assertion about somebody, with a place for its signature.
pub(crate) fn assertion(id: &str, name: &str) -> String {
    format!(
        "<saml:Assertion xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\">\
         <saml:Issuer>{IDP}</saml:Issuer>{{SIGNATURE}}<saml:Subject><saml:NameID \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{name}</saml:NameID><saml:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData InResponseTo=\"{REQUEST}\" \
         NotOnOrAfter=\"2026-11-22T12:05:00Z\" Recipient=\"{ACS}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>\
         </saml:Subject><saml:Conditions NotBefore=\"2026-11-22T11:59:00Z\" NotOnOrAfter=\"2026-11-22T12:05:00Z\">\
         <saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant=\"2026-11-22T12:00:00Z\" SessionIndex=\"1\"></saml:AuthnStatement>\
         <saml:AttributeStatement><saml:Attribute FriendlyName=\"mail\" \
         Name=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress\"><saml:AttributeValue>{name}@example.com\
         </saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"groups\"><saml:AttributeValue>staff\
         </saml:AttributeValue><saml:AttributeValue>editors</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>\
         </saml:Assertion>"
    )
}

/// A response around something, with a place for its signature.
pub(crate) fn response(inside: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" Destination=\"{ACS}\" ID=\"_r\" InResponseTo=\"{REQUEST}\" \
         IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{IDP}</saml:Issuer>\
         {{SIGNATURE}}<samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"></samlp:StatusCode></samlp:Status>{inside}\
         </samlp:Response>"
    )
}

pub(crate) fn unsigned(xml: &str) -> String {
    xml.replace("{SIGNATURE}", "")
}

/// A response whose assertion is signed.
pub(crate) fn with_signed_assertion() -> String {
    unsigned(&response(&sign(&assertion("_a", "alice"), "_a")))
}

/// A response that is signed as a whole.
pub(crate) fn signed_response() -> String {
    sign(&response(&unsigned(&assertion("_a", "alice"))), "_r")
}

/// How to encrypt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encryption {
    pub(crate) method: &'static str,
    pub(crate) key_method: &'static str,
    /// Inside of the method of the key.
    pub(crate) key_parameters: &'static str,
    pub(crate) wrapped: &'static str,
}

pub(crate) const GCM_256: Encryption = Encryption {
    method: "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    key_method: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    key_parameters: "",
    wrapped: fixture!("wrapped-256.txt"),
};

pub(crate) const GCM_128: Encryption = Encryption {
    method: "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    wrapped: fixture!("wrapped-128.txt"),
    ..GCM_256
};

pub(crate) const CBC_128: Encryption = Encryption {
    method: "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    wrapped: fixture!("wrapped-128.txt"),
    ..GCM_256
};

impl Encryption {
    /// Encrypts an element into a `holder`.
    pub(crate) fn encrypt(&self, plain: &str, holder: &str) -> String {
        let plain = &staged(plain);
        let data = match self.method.rsplit_once('#').unwrap().1 {
            "aes128-gcm" => gcm(&Aes128Gcm::new_from_slice(&[7; 16]).unwrap(), plain),
            "aes256-gcm" => gcm(&Aes256Gcm::new_from_slice(&[9; 32]).unwrap(), plain),
            _ => {
                let padding = 16 - plain.len() % 16;
                let mut bytes = plain.as_bytes().to_vec();
                bytes.extend(vec![0; padding - 1]);
                bytes.push(u8::try_from(padding).unwrap());
                let length = bytes.len();
                let cipher = cbc::Encryptor::<aes::Aes128>::new_from_slices(&[7; 16], &[3; 16]).unwrap();
                cipher.encrypt_padded::<NoPadding>(&mut bytes, length).unwrap();
                [vec![3; 16], bytes].concat()
            }
        };
        format!(
            "<saml:{holder} xmlns:saml=\"{ASSERTION}\"><xenc:EncryptedData xmlns:xenc=\"{ENCRYPTION}\" \
             Type=\"{ENCRYPTION}Element\"><xenc:EncryptionMethod Algorithm=\"{}\"></xenc:EncryptionMethod><ds:KeyInfo \
             xmlns:ds=\"{SIGNATURE}\"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm=\"{}\">{}</xenc:EncryptionMethod>\
             <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
             <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:{holder}>",
            self.method,
            self.key_method,
            self.key_parameters,
            self.wrapped.trim(),
            to_base64(&data)
        )
    }
}

fn gcm(cipher: &impl Aead, plain: &str) -> Vec<u8> {
    let nonce = vec![5; 12];
    let sealed = cipher.encrypt(nonce.as_slice().try_into().ok().unwrap(), plain.as_bytes()).ok().unwrap();
    [nonce, sealed].concat()
}
