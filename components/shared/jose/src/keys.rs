//! Sets of public keys (RFC 7517), and which key of a set a token means.
//!
//! A key is chosen by what its owner published about it, for the algorithm that the caller allows: so a key for RSA never
//! verifies a MAC. Only public members leave this module. Absent: symmetric keys, which nobody publishes.

use crate::{Compact, strict, weak};
use alloc::{string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// Most keys that a set may have: providers publish two or three, one that serves many tenants a few dozen.
const MOST: usize = 128;

/// The members of a key that a verifier needs, and for whom it signs, where a set is of several issuers; everything else, private members above all, is left behind.
const PUBLIC: [&str; 10] = ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "issuer"];

/// The public keys of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySet {
    keys: Vec<Map<String, Value>>,
}

/// Why no key of a set can verify a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// No key fits. The set may be out of date.
    None,
    /// Several fit, and the token does not tell which (OpenID Connect Core 1.0, section 10.1).
    Several,
}

impl KeySet {
    /// Reads a set. Keys that cannot be understood are left out, as RFC 7517 (section 5) asks. `None` if it is no set.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let Some(Value::Array(keys)) = strict::object(bytes)?.remove("keys") else { return None };
        if keys.len() > MOST {
            return None;
        }
        let objects = keys.into_iter().filter_map(|key| match key {
            Value::Object(key) => Some(key),
            _ => None,
        });
        Some(Self { keys: objects.collect() })
    }

    /// The key that a token means, as a JWK of its public members.
    pub fn choose(&self, token: &Compact<'_>) -> Result<String, Choice> {
        let mut found =
            self.keys.iter().filter(|key| fits(key, &token.algorithm) && is_meant(key, token) && !is_weak(key));
        let key = found.next().ok_or(Choice::None)?;
        if found.next().is_some() {
            return Err(Choice::Several);
        }
        let public = PUBLIC.iter().filter_map(|name| Some((String::from(*name), key.get(*name)?.clone())));
        serde_json::to_string(&public.collect::<Map<_, _>>()).map_err(|_| Choice::None)
    }
}

/// Whether a key is the one that the token names, if it names one.
fn is_meant(key: &Map<String, Value>, token: &Compact<'_>) -> bool {
    token.key_id.as_deref().is_none_or(|id| text(key, "kid") == Some(id))
}

/// Whether a key may verify signatures of this algorithm, by its type and by what its owner says of it.
fn fits(key: &Map<String, Value>, algorithm: &str) -> bool {
    let Some((kind, curve)) = type_of(algorithm) else { return false };
    let signs = key.get("use").is_none_or(|purpose| purpose == "sig");
    let verifies = match key.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    };
    let for_it = key.get("alg").is_none_or(|known| known == algorithm || is_edwards(known) && is_edwards(algorithm));
    text(key, "kty") == Some(kind)
        && curve.is_none_or(|curve| text(key, "crv") == Some(curve))
        && signs
        && verifies
        && for_it
}

/// Whether the private half of a key can be found out.
fn is_weak(key: &Map<String, Value>) -> bool {
    let modulus = text(key, "n").and_then(|modulus| URL_SAFE_NO_PAD.decode(modulus).ok());
    modulus.is_some_and(|modulus| weak::has_pattern(&modulus))
}

/// Type and curve of the keys of an algorithm (RFC 7518, section 3.1; RFC 8037, section 3.1).
fn type_of(algorithm: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match algorithm {
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => ("RSA", None),
        "ES256" => ("EC", Some("P-256")),
        "ES384" => ("EC", Some("P-384")),
        "ES512" => ("EC", Some("P-521")),
        "EdDSA" | "Ed25519" => ("OKP", Some("Ed25519")),
        _ => return None,
    })
}

/// RFC 9864 gave the one curve that everybody means by `EdDSA` a name of its own.
fn is_edwards<T: PartialEq<str> + ?Sized>(algorithm: &T) -> bool {
    *algorithm == *"EdDSA" || *algorithm == *"Ed25519"
}

fn text<'a>(key: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    key.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compact, signing_input_of};
    use alloc::{format, string::ToString};
    use serde_json::json;

    fn choose(keys: &Value, algorithm: &str, id: Option<&str>) -> Result<String, Choice> {
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        let token = compact(signing_input_of(algorithm, id, &json!({})).unwrap(), b"");
        set.choose(&Compact::read(&token).unwrap())
    }

    fn chosen(keys: &Value, algorithm: &str, id: Option<&str>) -> Result<String, Choice> {
        let key: Value = serde_json::from_str(&choose(keys, algorithm, id)?).unwrap();
        Ok(key["kid"].as_str().unwrap_or("none").to_string())
    }

    #[test]
    fn the_name_decides_and_without_one_there_must_be_no_choice() {
        let keys = json!([
            {"kty": "RSA", "kid": "one", "n": "Aw", "e": "AQAB"},
            {"kty": "RSA", "kid": "two", "n": "Aw", "e": "AQAB"},
            {"kty": "EC", "crv": "P-256", "kid": "three", "x": "AQ", "y": "AQ"},
        ]);
        assert_eq!(chosen(&keys, "RS256", Some("two")), Ok("two".into()));
        assert_eq!(chosen(&keys, "RS256", Some("four")), Err(Choice::None));
        assert_eq!(chosen(&keys, "RS256", None), Err(Choice::Several));
        assert_eq!(chosen(&keys, "ES256", None), Ok("three".into()));
        assert_eq!(chosen(&keys, "ES384", None), Err(Choice::None));
    }

    #[test]
    fn two_keys_of_one_name_are_none() {
        let key = json!({"kty": "RSA", "kid": "one", "n": "Aw", "e": "AQAB"});
        assert_eq!(chosen(&json!([key, key]), "RS256", Some("one")), Err(Choice::Several));
    }

    #[test]
    fn what_the_owner_says_of_a_key_holds() {
        let one = |members: Value| {
            let mut key = json!({"kty": "RSA", "kid": "k", "n": "Aw", "e": "AQAB"});
            key.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            chosen(&json!([key]), "RS256", Some("k")).is_ok()
        };
        assert!(one(json!({})));
        assert!(one(json!({"use": "sig", "alg": "RS256", "key_ops": ["verify"]})));
        for wrong in [
            json!({"use": "enc"}),
            json!({"use": 1}),
            json!({"alg": "PS256"}),
            json!({"alg": null}),
            json!({"key_ops": ["encrypt"]}),
            json!({"key_ops": "verify"}),
            json!({"kty": "oct"}),
        ] {
            assert!(!one(wrong.clone()), "{wrong}");
        }
    }

    #[test]
    fn a_public_key_never_verifies_a_mac_and_a_secret_is_no_public_key() {
        let rsa = json!([{"kty": "RSA", "kid": "k", "n": "Aw", "e": "AQAB"}]);
        let oct = json!([{"kty": "oct", "kid": "k", "k": "AQ"}]);
        for algorithm in ["HS256", "none", "None", "nOnE", "NONE", "", "dir", "RSA1_5", "ES256K"] {
            assert_eq!(chosen(&rsa, algorithm, Some("k")), Err(Choice::None), "{algorithm}");
            assert_eq!(chosen(&oct, algorithm, Some("k")), Err(Choice::None), "{algorithm}");
        }
    }

    #[test]
    fn both_names_of_the_edwards_curve_are_one() {
        let key = json!([{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AQ", "alg": "EdDSA"}]);
        assert_eq!(chosen(&key, "Ed25519", Some("k")), Ok("k".into()));
        assert_eq!(chosen(&key, "EdDSA", None), Ok("k".into()));
    }

    #[test]
    fn private_members_stay_behind() {
        let key = json!([{"kty": "RSA", "n": "Aw", "e": "AQAB", "d": "secret", "p": "secret", "x5c": ["MII"]}]);
        let text = choose(&key, "RS256", None).unwrap();
        assert_eq!(text, r#"{"e":"AQAB","kty":"RSA","n":"Aw"}"#);
    }

    #[test]
    fn what_is_no_set_is_none() {
        let many = format!(r#"{{"keys":[{}1]}}"#, "1,".repeat(MOST));
        for text in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, &many] {
            assert_eq!(KeySet::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(KeySet::parse(br#"{"keys":[1,null]}"#).unwrap().keys.len(), 0);
    }
}
