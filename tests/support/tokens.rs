//! JSON Web Tokens for tests: signs them, the bad ones too, and reads them.
//!
//! By hand (RFC 7515 compact form, RFC 7518 §3.2 HMAC) because a test has to make what no library will: a header that
//! says one algorithm over a signature of another, no signature at all, claims in a given order. Nothing here decides
//! whether a token is acceptable.

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// No signature: the third part is empty (RFC 7519 §6).
    #[serde(rename = "none")]
    None,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::None => "none",
        }
    }

    fn sign(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        macro_rules! hmac {
            ($hash:ty) => {
                Hmac::<$hash>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
            };
        }
        match self {
            Self::HS256 => hmac!(sha2::Sha256),
            Self::HS384 => hmac!(sha2::Sha384),
            Self::HS512 => hmac!(sha2::Sha512),
            Self::None => Vec::new(),
        }
    }
}

/// A token with `claims` as they stand, whose header says `says` and whose signature is made with `signed_as`.
#[must_use]
pub fn forge(says: Algorithm, signed_as: Algorithm, key: &str, claims: &Value) -> String {
    let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, says.name());
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(signed_as.sign(key.as_bytes(), signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The same token with a signature that does not fit.
#[must_use]
pub fn tampered(token: &str) -> String {
    let kept = token.len().saturating_sub(4);
    let end = if token.ends_with("AAAA") { "BBBB" } else { "AAAA" };
    format!("{}{end}", &token[..kept])
}

/// The header and the claims of a token as they were written, after its HS256 signature was found good.
pub fn open(token: &str, key: &str) -> anyhow::Result<(String, String)> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { bail!("not three parts: {token:?}") };
    let signed = format!("{header}.{claims}");
    let good = URL_SAFE_NO_PAD.encode(Algorithm::HS256.sign(key.as_bytes(), signed.as_bytes()));
    ensure!(signature == good, "the signature is not HS256 with the server's SECRET");
    let text = |part: &str| -> anyhow::Result<String> {
        Ok(String::from_utf8(URL_SAFE_NO_PAD.decode(part).context("not base64url")?)?)
    };
    Ok((text(header)?, text(claims)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The expected token was made with Python's `hmac`.
    #[test]
    fn a_token_is_what_other_tools_make_of_the_same_claims() {
        let token = forge(Algorithm::HS256, Algorithm::HS256, "secret", &json!({"a": 1}));
        assert_eq!(
            token,
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxfQ.57TF7smP9XDhIexBqPC-F1toZReYZLWb_YRU5tv0sxM"
        );
    }

    #[test]
    fn claims_keep_their_order() {
        let token = forge(Algorithm::HS256, Algorithm::HS256, "k", &json!({"z": 1, "a": null}));
        let (header, claims) = open(&token, "k").unwrap();
        assert_eq!(header, r#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(claims, r#"{"z":1,"a":null}"#);
    }

    #[test]
    fn a_token_with_another_key_or_a_changed_signature_is_refused() {
        let token = forge(Algorithm::HS256, Algorithm::HS256, "k", &json!({}));
        assert!(open(&token, "k").is_ok());
        assert!(open(&token, "other").is_err());
        assert!(open(&tampered(&token), "k").is_err());
        assert!(open(&forge(Algorithm::HS512, Algorithm::HS512, "k", &json!({})), "k").is_err());
        assert!(open("a.b", "k").is_err());
    }

    #[test]
    fn alg_none_has_an_empty_signature_and_sha_512_a_long_one() {
        assert!(forge(Algorithm::None, Algorithm::None, "k", &json!({})).ends_with('.'));
        let long = forge(Algorithm::HS512, Algorithm::HS512, "k", &json!({}));
        assert_eq!(long.rsplit('.').next().unwrap().len(), 86);
    }
}
