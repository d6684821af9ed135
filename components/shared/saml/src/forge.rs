//! A provider for tests: it makes responses, signs and encrypts them with keys of `tests/fixtures/saml/keys`, and lies where it
//! is told to. Whatever it makes is the same each time, so that what it made can be kept in files.

use crate::{
    Keys, key,
    metadata::{Binding, Endpoint, Provider},
    names::{self, ASSERTION, ENCRYPTION, ENVELOPED, EXCLUSIVE, Hash, PROTOCOL, SIGNATURE, SUCCESS},
    ourselves::Ourselves,
    response::Expected,
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
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaEncoding, RsaKeyPair, UnparsedPublicKey},
};
use serde_json::Value;

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

/// Whose key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    Idp,
    /// The provider's key on P-256.
    P256,
    /// The provider's key on P-384.
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

/// The keys of whoever reads: signatures by *ring*; of what is encrypted, the two keys that are known to be in there.
pub(crate) struct Reader;

impl Keys for Reader {
    fn verifies(&self, key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, String> {
        let key: Value = serde_json::from_str(key).unwrap();
        let bytes = |name: &str| {
            let text = key[name].as_str().unwrap().replace('-', "+").replace('_', "/");
            let padding = "=".repeat((4 - text.len() % 4) % 4);
            base64(&[text, padding].concat()).unwrap()
        };
        let curve = match algorithm {
            "ES256" => Some(&signature::ECDSA_P256_SHA256_FIXED),
            "ES384" => Some(&signature::ECDSA_P384_SHA384_FIXED),
            _ => None,
        };
        if let Some(curve) = curve {
            let point = [&[4][..], &bytes("x"), &bytes("y")].concat();
            return Ok(UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok());
        }
        let parameters = match algorithm {
            "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
            "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
            "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
            "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
            "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
            "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
            other => return Err(format!("{other} is not tested")),
        };
        let key = signature::RsaPublicKeyComponents { n: bytes("n"), e: bytes("e") };
        Ok(key.verify(parameters, message, signature).is_ok())
    }

    fn algorithm(&self) -> Result<String, String> {
        Ok("RS256".into())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        Ok(Signer::Idp.sign(RSA_SHA256, message))
    }

    fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let known = [
            ("RSA-OAEP", fixture!("wrapped-128.txt"), vec![7; 16]),
            ("RSA-OAEP", fixture!("wrapped-256.txt"), vec![9; 32]),
            ("RSA-OAEP-256", fixture!("wrapped-256-sha256.txt"), vec![9; 32]),
        ];
        let found =
            known.into_iter().find(|(of, text, _)| *of == algorithm && base64(text).as_deref() == Some(ciphertext));
        found.map(|(_, _, key)| key)
    }
}

pub(crate) fn provider() -> Provider {
    let endpoint =
        |location: &str| Endpoint { binding: Binding::Redirect, location: location.into(), response_location: None };
    Provider {
        entity_id: IDP.into(),
        sign_on: vec![endpoint("https://idp.example.com/sso")],
        logout: vec![endpoint("https://idp.example.com/slo")],
        keys: [Signer::Idp, Signer::P256, Signer::P384]
            .map(|signer| key::of_certificate(signer.certificate()).unwrap())
            .to_vec(),
        wants_signed_requests: false,
        valid_until: None,
    }
}

pub(crate) fn ourselves() -> Ourselves {
    Ourselves::new(ACS, None).unwrap()
}

pub(crate) fn expected<'a>(provider: &'a Provider, ourselves: &'a Ourselves) -> Expected<'a> {
    Expected { provider, ourselves, request: Some(REQUEST), now: NOW, skew: 60 }
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
        let bare = xml.replace("{SIGNATURE}", "");
        let tree = Tree::message(&bare).ok().unwrap();
        let element = tree.root().within().find(|element| element.attribute("ID") == Some(id)).unwrap();
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
        let value = to_base64(&self.signer.sign(self.method, info(&format!(" xmlns:ds=\"{SIGNATURE}\"")).as_bytes()));
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
