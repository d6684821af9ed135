//! JSON Web Signatures in compact form (RFC 7515, section 7.1), apart from the cryptography: components hold no keys, so
//! signing and verifying happen in the host and this crate prepares and reads the texts.
//!
//! Absent: keys, clocks, I/O, and any decision on whether a token is good.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A token taken apart; nothing about it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compact<'a> {
    /// What the signature covers: header and payload as they came.
    pub signing_input: &'a str,
    /// The `alg` of the header (RFC 7515, section 4.1.1).
    pub algorithm: String,
    payload: Vec<u8>,
    /// The decoded signature.
    pub signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

impl<'a> Compact<'a> {
    /// Takes a token apart. `None` if it is not three base64url parts with a JSON header that names an algorithm.
    #[must_use]
    pub fn parse(token: &'a str) -> Option<Self> {
        let (signing_input, signature) = token.rsplit_once('.')?;
        let (header, payload) = signing_input.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        Some(Self {
            signing_input,
            algorithm: header.alg,
            payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// The payload as claims; `None` if it is not such JSON.
    #[must_use]
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }
}

/// The text to sign: header (`{"alg":…,"typ":"JWT"}`) and claims. `None` if the claims are not serialisable.
#[must_use]
pub fn signing_input<T: Serialize>(algorithm: &str, claims: &T) -> Option<String> {
    #[derive(Serialize)]
    struct Head<'a> {
        alg: &'a str,
        typ: &'a str,
    }
    let mut text = String::with_capacity(512);
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&Head { alg: algorithm, typ: "JWT" }).ok()?, &mut text);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).ok()?, &mut text);
    Some(text)
}

/// The complete token.
#[must_use]
pub fn compact(mut signing_input: String, signature: &[u8]) -> String {
    signing_input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut signing_input);
    signing_input
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_token_comes_apart_as_it_was_put_together() {
        let input = signing_input("HS256", &json!({"id": "u", "iss": "directus"})).unwrap();
        let token = compact(input.clone(), b"signature");
        let parsed = Compact::parse(&token).unwrap();
        assert_eq!(parsed.signing_input, input);
        assert_eq!(parsed.algorithm, "HS256");
        assert_eq!(parsed.signature, b"signature");
        assert_eq!(parsed.claims::<Value>().unwrap()["iss"], "directus");
    }

    #[test]
    fn the_header_is_the_one_that_clients_know() {
        let input = signing_input("HS256", &json!({})).unwrap();
        assert_eq!(input, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30");
    }

    #[test]
    fn what_is_not_a_token_is_none() {
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            "a.b",
            "eyJhbGciOiJIUzI1NiJ9.e30",
            "eyJhbGciOiJIUzI1NiJ9.e30.!!",
            "W10.e30.",
            "eyJhbGciOiJIUzI1NiJ9.e30.e30.e30",
        ] {
            assert_eq!(Compact::parse(text), None, "{text:?}");
        }
    }
}
