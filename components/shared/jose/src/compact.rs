//! Tokens in compact form (RFC 7515, section 7.1): taken apart, and put together.
//!
//! Whoever sent a token chose its header. So a header in which a member occurs twice is not read, and one that asks for
//! extensions (`crit`, `b64`) is refused, as RFC 7515 (section 4.1.11) wants from those who know none.

use crate::strict;
use alloc::{string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use core::fmt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Longest token that is looked at, in bytes: those of providers have a few kilobytes, and groups by the hundred make some
/// of them ten times that.
const LONGEST: usize = 256 * 1024;

/// A token taken apart; nothing about it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compact<'a> {
    /// What the signature covers: header and payload as they came.
    pub signing_input: &'a str,
    /// The `alg` of the header (RFC 7515, section 4.1.1).
    pub algorithm: String,
    /// The `kid` of the header: which key signed, by the name that its owner gave it.
    pub key_id: Option<String>,
    /// The `typ` of the header: what the token is for (RFC 8725, section 3.11).
    pub kind: Option<String>,
    payload: Vec<u8>,
    /// The decoded signature.
    pub signature: Vec<u8>,
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Longer than any token.
    TooLong,
    /// Not three parts.
    Parts,
    /// A part is not base64url without padding.
    Encoding,
    /// The header is no JSON object, or a member occurs twice.
    Header,
    /// The header names no algorithm, or a member that is a text by definition is none.
    Members,
    /// The header asks for an extension: `crit` or `b64`.
    Extension,
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLong => "it is too long",
            Self::Parts => "it has not three parts",
            Self::Encoding => "a part is not base64url",
            Self::Header => "its header is no JSON object of members that occur once",
            Self::Members => "its header names no algorithm",
            Self::Extension => "its header asks for an extension",
        })
    }
}

impl<'a> Compact<'a> {
    /// Takes a token apart. `None` if it is not three base64url parts with a JSON header that names an algorithm.
    #[must_use]
    pub fn parse(token: &'a str) -> Option<Self> {
        Self::read(token).ok()
    }

    /// Takes a token apart, or says why it is none.
    pub fn read(token: &'a str) -> Result<Self, Flaw> {
        if token.len() > LONGEST {
            return Err(Flaw::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Flaw::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Flaw::Parts)?;
        if payload.contains('.') {
            return Err(Flaw::Parts);
        }
        let header = strict::object(&decode(header)?).ok_or(Flaw::Header)?;
        if ["crit", "b64"].iter().any(|name| header.contains_key(*name)) {
            return Err(Flaw::Extension);
        }
        Ok(Self {
            signing_input,
            algorithm: text(&header, "alg")?.ok_or(Flaw::Members)?,
            key_id: text(&header, "kid")?,
            kind: text(&header, "typ")?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// The payload as claims; `None` if it is not such JSON.
    #[must_use]
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }

    /// The payload as a JSON object whose members, and theirs, occur once; `None` if it is none.
    #[must_use]
    pub fn object(&self) -> Option<Map<String, Value>> {
        strict::object(&self.payload)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Flaw> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Encoding)
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, Flaw> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Flaw::Members),
    }
}

/// The text to sign: header (`{"alg":…,"typ":"JWT"}`) and claims. `None` if the claims are not serialisable.
#[must_use]
pub fn signing_input<T: Serialize>(algorithm: &str, claims: &T) -> Option<String> {
    signing_input_of(algorithm, None, claims)
}

/// The same with the name of the key (`kid`) in the header, if it has one.
#[must_use]
pub fn signing_input_of<T: Serialize>(algorithm: &str, key_id: Option<&str>, claims: &T) -> Option<String> {
    #[derive(Serialize)]
    struct Head<'a> {
        alg: &'a str,
        typ: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
    }
    let mut text = String::with_capacity(512);
    let head = Head { alg: algorithm, typ: "JWT", kid: key_id };
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&head).ok()?, &mut text);
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
    use alloc::format;
    use serde_json::json;

    #[test]
    fn a_token_comes_apart_as_it_was_put_together() {
        let input = signing_input("HS256", &json!({"id": "u", "iss": "directus"})).unwrap();
        let token = compact(input.clone(), b"signature");
        let parsed = Compact::parse(&token).unwrap();
        assert_eq!(parsed.signing_input, input);
        assert_eq!(parsed.algorithm, "HS256");
        assert_eq!(parsed.kind.as_deref(), Some("JWT"));
        assert_eq!(parsed.key_id, None);
        assert_eq!(parsed.signature, b"signature");
        assert_eq!(parsed.claims::<Value>().unwrap()["iss"], "directus");
        assert_eq!(parsed.object().unwrap()["iss"], "directus");
    }

    #[test]
    fn the_header_is_the_one_that_clients_know() {
        let input = signing_input("HS256", &json!({})).unwrap();
        assert_eq!(input, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30");
    }

    #[test]
    fn the_name_of_the_key_is_in_the_header() {
        let token = compact(signing_input_of("ES256", Some("one"), &json!({})).unwrap(), b"s");
        assert_eq!(Compact::parse(&token).unwrap().key_id.as_deref(), Some("one"));
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

    fn with_header(header: &str) -> Result<String, Flaw> {
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        Compact::read(&token).map(|token| token.algorithm)
    }

    #[test]
    fn a_header_is_read_in_one_way_or_not_at_all() {
        assert_eq!(with_header(r#"{"alg":"ES256","zip":"DEF","jku":"https://evil"}"#), Ok("ES256".into()));
        for (header, flaw) in [
            (r#"{"alg":"none","alg":"ES256"}"#, Flaw::Header),
            (r#"{"alg":"ES256","x":{"y":1,"y":2}}"#, Flaw::Header),
            (r#"["alg"]"#, Flaw::Header),
            (r#"{"typ":"JWT"}"#, Flaw::Members),
            (r#"{"alg":["ES256"]}"#, Flaw::Members),
            (r#"{"alg":"ES256","kid":1}"#, Flaw::Members),
            (r#"{"alg":"ES256","crit":[]}"#, Flaw::Extension),
            (r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, Flaw::Extension),
            (r#"{"alg":"ES256","b64":false}"#, Flaw::Extension),
        ] {
            assert_eq!(with_header(header), Err(flaw), "{header}");
        }
    }

    #[test]
    fn a_token_without_end_is_not_looked_at() {
        assert_eq!(Compact::read(&"a".repeat(LONGEST + 1)), Err(Flaw::TooLong));
    }
}
