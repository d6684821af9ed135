//! The public key in an X.509 certificate, as a JWK.
//!
//! Metadata is where trust comes from (SAML metadata interoperability profile, section 2.6.1): a certificate in it is a
//! wrapping of a key, so its issuer, names, dates and extensions say nothing and are not read.

use crate::text;
use alloc::{format, string::String};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use der::{
    Decode, Reader, SliceReader, Tag, TagNumber,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef},
};
use serde::{Deserialize, Serialize};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// What a key can be used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Type {
    /// RSA.
    Rsa,
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// What it can be used with.
    pub kind: Type,
    /// Itself, as a JWK.
    pub jwk: String,
}

impl Key {
    /// Whether an algorithm (a JWA name) uses such keys.
    #[must_use]
    pub fn fits(&self, algorithm: &str) -> bool {
        match self.kind {
            Type::Rsa => algorithm.starts_with("RS") || algorithm.starts_with("PS"),
            Type::P256 => algorithm == "ES256",
            Type::P384 => algorithm == "ES384",
        }
    }
}

/// The key in a certificate, which is base64 of DER, with or without the lines of PEM. `None` if it holds none that can be used.
#[must_use]
pub fn of_certificate(certificate: &str) -> Option<Key> {
    let inner = body(certificate);
    read(&text::base64(inner)?).ok().flatten()
}

/// The base64 of a certificate, without the lines that PEM puts around it.
pub(crate) fn body(certificate: &str) -> &str {
    let after = certificate.split_once("-----BEGIN CERTIFICATE-----").map_or(certificate, |(_, after)| after);
    after.split_once("-----END").map_or(after, |(body, _)| body).trim()
}

fn read(certificate: &[u8]) -> der::Result<Option<Key>> {
    let mut outer = SliceReader::new(certificate)?;
    let mut certificate = SliceReader::new(AnyRef::decode(&mut outer)?.value())?;
    let mut contents = SliceReader::new(AnyRef::decode(&mut certificate)?.value())?;
    let version = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    if contents.peek_byte().is_some() && Tag::peek(&contents)? == version {
        AnyRef::decode(&mut contents)?;
    }
    // Serial number, signature, issuer, validity, subject.
    for _ in 0..5 {
        AnyRef::decode(&mut contents)?;
    }
    let mut info = SliceReader::new(AnyRef::decode(&mut contents)?.value())?;
    let mut algorithm = SliceReader::new(AnyRef::decode(&mut info)?.value())?;
    let kind = ObjectIdentifier::decode(&mut algorithm)?;
    let bits = BitStringRef::decode(&mut info)?;
    let Some(key) = bits.as_bytes() else { return Ok(None) };
    if kind == RSA {
        return rsa(key).map(Some);
    }
    if kind != ELLIPTIC {
        return Ok(None);
    }
    let curve = ObjectIdentifier::decode(&mut algorithm)?;
    Ok(point(curve, key))
}

fn rsa(key: &[u8]) -> der::Result<Key> {
    let mut outer = SliceReader::new(key)?;
    let mut numbers = SliceReader::new(AnyRef::decode(&mut outer)?.value())?;
    let (modulus, exponent) = (UintRef::decode(&mut numbers)?, UintRef::decode(&mut numbers)?);
    let (n, e) = (URL_SAFE_NO_PAD.encode(modulus.as_bytes()), URL_SAFE_NO_PAD.encode(exponent.as_bytes()));
    Ok(Key { kind: Type::Rsa, jwk: format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#) })
}

fn point(curve: ObjectIdentifier, key: &[u8]) -> Option<Key> {
    let (kind, name, bytes) = match curve {
        P256 => (Type::P256, "P-256", 32),
        P384 => (Type::P384, "P-384", 48),
        _ => return None,
    };
    // Uncompressed (SEC 1, section 2.3.3).
    let (x, y) = key.strip_prefix(&[4]).filter(|point| point.len() == 2 * bytes)?.split_at_checked(bytes)?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    Some(Key { kind, jwk: format!(r#"{{"kty":"EC","crv":"{name}","x":"{x}","y":"{y}"}}"#) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::{der, fixture};
    use crate::text::to_base64;
    use alloc::{string::ToString, vec, vec::Vec};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    /// On a curve for signatures that SAML has no name for (Ed25519).
    const EDWARDS: &str = "\
        MIIBLjCB4aADAgECAhQIaAjxge4ymWAwBSz62hUwbDa4RDAFBgMrZXAwDDEKMAgGA1UEAwwBeDAgFw0yNjExMjIwNTU3NTFaGA8yMTI2MTAyOT\
        A1NTc1MVowDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMhACmOeMUQqCEAImkVYUxL1TsrTn+iE4QZMx0lnWnj8MS3o1MwUTAdBgNVHQ4EFgQUN5CQ\
        Kq6BfVSKrtlxQK2fMsbcjpUwHwYDVR0jBBgwFoAUN5CQKq6BfVSKrtlxQK2fMsbcjpUwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQDkE1R/2d\
        sS/1pxfLMXnxH1tsEHhXDt9u/1XIyLXOqdcHbgtMtX+bvGhITZJFXZcijid5N/DH4RJTVquY3QjWcC";

    /// Expected values are those that OpenSSL prints.
    #[test]
    fn keys_are_what_other_software_finds() {
        let rsa = of_certificate(fixture!("idp.crt")).unwrap();
        assert_eq!(rsa.kind, Type::Rsa);
        let read: serde_json::Value = serde_json::from_str(&rsa.jwk).unwrap();
        assert_eq!((read["kty"].as_str(), read["e"].as_str()), (Some("RSA"), Some("AQAB")));
        let modulus = URL_SAFE_NO_PAD.decode(read["n"].as_str().unwrap()).unwrap();
        assert_eq!(modulus.len(), 256);
        assert_eq!(to_base64(&Sha256::digest(modulus)), "WYSg8ePLLNf87BFzQUD9CkwpW2pGHDMLDaGXZbKiFMU=");
        let short = of_certificate(fixture!("idp-ec.crt")).unwrap();
        let jwk = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"LLQyz0X9NT8T9ywTAATvWYb_VatPmdrV7auRrMZyAm0\",\
                   \"y\":\"koEG2-ia0H1lQis4RO0oBHlPSQlcC2tSqw6fyK88JA0\"}";
        assert_eq!((short.kind, short.jwk.as_str()), (Type::P256, jwk));
        let long = of_certificate(fixture!("idp-p384.crt")).unwrap();
        let jwk = "{\"kty\":\"EC\",\"crv\":\"P-384\",\
                   \"x\":\"BU2YO2zWAJfDE_-60yv3sW753r3ZvXihaABmFEziwMzZPnEJtK-nmurJcu5G4mcv\",\
                   \"y\":\"rO-8doeI7Q2RDY-9bUj8Obcdzwmi82xBFokwG16JMbH2MIPb5drnwN0_0B5UUzT8\"}";
        assert_eq!((long.kind, long.jwk.as_str()), (Type::P384, jwk));
    }

    #[test]
    fn the_lines_of_pem_may_be_there() {
        let pem = fixture!("idp.crt");
        let bare: String = body(pem).split_whitespace().collect();
        let indented = format!("\n  {}\n  ", pem.replace('\n', "\r\n    "));
        for form in [bare.as_str(), body(pem), &indented, &format!("Subject: x\n{pem}")] {
            assert_eq!(of_certificate(form), of_certificate(pem), "{form}");
        }
    }

    #[test]
    fn what_is_no_certificate_holds_no_key() {
        assert!(of_certificate(&EDWARDS.replace(' ', "")).is_none());
        for text in ["", "x", "AAAA", "-----BEGIN CERTIFICATE-----", fixture!("idp.key.pem")] {
            assert!(of_certificate(text).is_none(), "{text}");
        }
        let point = |first: u8, bytes: usize| [vec![first], vec![1; bytes]].concat();
        assert!(super::point(P256, &point(4, 64)).is_some());
        for key in [point(2, 32), point(2, 64), point(4, 63), point(4, 65), point(4, 96), Vec::new()] {
            assert!(super::point(P256, &key).is_none(), "{}", key.len());
        }
        assert!(super::point(RSA, &point(4, 64)).is_none(), "{}", RSA.to_string());
    }

    #[test]
    fn a_certificate_that_ends_early_holds_no_key() {
        let whole = der(fixture!("idp.crt"));
        for end in 0..whole.len() {
            assert!(of_certificate(&to_base64(&whole[..end])).is_none(), "{end}");
        }
    }

    #[test]
    fn algorithms_go_with_their_keys() {
        let fitting = |kind| {
            let key = Key { kind, jwk: String::new() };
            let all = ["RS256", "RS512", "PS256", "PS512", "ES256", "ES384", "ES512", "HS256", "none", ""];
            all.into_iter().filter(|algorithm| key.fits(algorithm)).collect::<Vec<_>>()
        };
        assert_eq!(fitting(Type::Rsa), ["RS256", "RS512", "PS256", "PS512"]);
        assert_eq!(fitting(Type::P256), ["ES256"]);
        assert_eq!(fitting(Type::P384), ["ES384"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes: Vec<u8>, place in 0_usize..800, change: u8) {
            let _ = of_certificate(&to_base64(&bytes));
            let mut changed = der(fixture!("idp.crt"));
            let place = place % changed.len();
            changed[place] = change;
            if let Some(key) = of_certificate(&to_base64(&changed)) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&key.jwk).is_ok());
            }
        }
    }
}
