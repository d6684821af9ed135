//! Whose signature a token bears. Claims can be had of a [`Verified`] token only, and there is no other way to one.

use crate::{Refusal, issuer, text::shown};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gatewit_jose::{Compact, keys::Choice};
use serde_json::{Map, Value};

pub use gatewit_jose::keys::KeySet;

/// The algorithms that a provider may use without being told to (RFC 7518, section 3.1; RFC 8037): those with a public key.
const PUBLIC: [&str; 11] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

/// The algorithms with a common secret, which an operator has to ask for (OpenID Connect Core 1.0, section 10.1).
const SECRET: [&str; 3] = ["HS256", "HS384", "HS512"];

/// A token whose signature nobody has looked at.
#[derive(Debug)]
pub struct Unverified<'a> {
    what: &'static str,
    compact: Compact<'a>,
}

/// A token that was signed by the key of whom it should be from.
#[derive(Debug)]
pub struct Verified {
    /// The algorithm of its signature.
    pub algorithm: String,
    /// The claims.
    pub(crate) claims: Map<String, Value>,
}

/// A key to try a signature with.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The key as a JWK.
    pub key: &'a str,
    /// The one algorithm that it is for.
    pub algorithm: &'a str,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
}

/// What became of a token.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Its signature is good.
    Verified(Verified),
    /// No key here made it. One that the provider has published since might have.
    Unknown(Unverified<'a>, Refusal),
}

impl<'a> Unverified<'a> {
    /// Takes a token apart: `what` it is, for texts, and the values of `typ` that such tokens have. `algorithm` is the only
    /// one that is allowed, if one is configured.
    pub fn read(what: &'static str, token: &'a str, kinds: &[&str], algorithm: Option<&str>) -> Result<Self, Refusal> {
        let refused = |text: String| Refusal::Refused(text);
        let compact = Compact::read(token).map_err(|flaw| refused(format!("the {what} cannot be read: {flaw}")))?;
        let found = compact.algorithm.as_str();
        let allowed = algorithm.map_or_else(|| PUBLIC.contains(&found), |algorithm| algorithm == found);
        if !allowed || !(PUBLIC.contains(&found) || SECRET.contains(&found)) {
            let expected = algorithm.unwrap_or("one with a public key");
            return Err(refused(format!("`alg` of the {what} is `{}`, expected {expected}", shown(found))));
        }
        let kind = compact.kind.as_deref().unwrap_or("JWT");
        let kind = kind.strip_prefix("application/").unwrap_or(kind);
        if !kinds.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
            return Err(refused(format!("`typ` of the {what} is `{}`, expected {}", shown(kind), kinds.join(" or "))));
        }
        Ok(Self { what, compact })
    }

    /// What it is.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// The name of the key, for a log.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.compact.key_id.as_deref().map_or_else(|| "none".to_string(), shown)
    }

    /// Whether it bears no signature but a code that anybody with the secret can make.
    #[must_use]
    pub fn is_by_secret(&self) -> bool {
        SECRET.contains(&self.compact.algorithm.as_str())
    }

    /// Tries the one key of a set that the token means.
    pub fn verify(
        self,
        keys: &KeySet,
        verifies: impl FnOnce(Trial<'_>) -> Result<bool, Refusal>,
    ) -> Result<Outcome<'a>, Refusal> {
        let (what, id) = (self.what, self.key_id());
        match keys.choose(&self.compact) {
            Ok(key) => self.try_key(&key, verifies),
            Err(Choice::None) => {
                let text = format!("the provider has no key `{id}` for {} of the {what}", self.compact.algorithm);
                Ok(Outcome::Unknown(self, Refusal::Refused(text)))
            }
            Err(Choice::Several) => {
                Err(Refusal::Refused(format!("the {what} names the key `{id}`, and several keys of the provider fit")))
            }
        }
    }

    /// Tries the client's secret, for the algorithms that are made with it.
    pub fn verify_by_secret(
        self,
        secret: Option<&str>,
        verifies: impl FnOnce(Trial<'_>) -> Result<bool, Refusal>,
    ) -> Result<Verified, Refusal> {
        let missing =
            || Refusal::Misconfigured("`client-secret` is not set, and the ID token is signed with it".into());
        let secret = URL_SAFE_NO_PAD.encode(secret.filter(|secret| !secret.is_empty()).ok_or_else(missing)?);
        match self.try_key(&format!(r#"{{"kty":"oct","k":"{secret}"}}"#), verifies)? {
            Outcome::Verified(token) => Ok(token),
            Outcome::Unknown(_, refusal) => Err(refusal),
        }
    }

    fn try_key(
        self,
        key: &str,
        verifies: impl FnOnce(Trial<'_>) -> Result<bool, Refusal>,
    ) -> Result<Outcome<'a>, Refusal> {
        let Compact { signing_input, algorithm, signature, .. } = &self.compact;
        let trial = Trial { key, algorithm, message: signing_input.as_bytes(), signature };
        if !verifies(trial)? {
            let refusal = Refusal::Refused(format!("the signature of the {} is wrong", self.what));
            return Ok(Outcome::Unknown(self, refusal));
        }
        let no_claims =
            || Refusal::Refused(format!("the {} holds no JSON object of members that occur once", self.what));
        let claims = self.compact.object().ok_or_else(no_claims)?;
        if issuer_of(key).is_some_and(|owner| !issuer::owns(&owner, &claims)) {
            return Err(Refusal::Refused(format!("the key that signed the {} is one of another issuer", self.what)));
        }
        Ok(Outcome::Verified(Verified { algorithm: self.compact.algorithm, claims }))
    }
}

/// For whom a key signs, where it says so. A set of many tenants may hold keys of one of them.
fn issuer_of(key: &str) -> Option<String> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(key) else { return None };
    members.remove("issuer").map(|issuer| issuer.as_str().unwrap_or_default().to_string())
}

/// Reads the document with a provider's keys.
pub fn keys(body: &[u8]) -> Result<KeySet, String> {
    KeySet::parse(body).ok_or_else(|| "the provider's keys are no JSON Web Key Set".into())
}

/// Whether `aud` names us, alone or among others (RFC 7519, section 4.1.3).
pub(crate) fn audiences(claims: &Map<String, Value>) -> Option<Vec<&str>> {
    match claims.get("aud")? {
        Value::String(one) => Some([one.as_str()].into()),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// A `NumericDate` (RFC 7519, section 2) in seconds; fractions are cut off.
pub(crate) fn moment(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let number = claims.get(name)?.as_number()?;
    #[expect(clippy::cast_possible_truncation, reason = "a moment beyond all times is the last one")]
    number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn token(header: &Value, claims: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(&header.to_string()), encode(claims), encode("signature"))
    }

    fn read(header: &Value, algorithm: Option<&str>) -> Result<(), String> {
        let token = token(header, "{}");
        let read = Unverified::read("ID token", &token, &["JWT"], algorithm);
        read.map(|_| ()).map_err(|refusal| refusal.to_string())
    }

    fn keys() -> KeySet {
        let key = |id: &str| json!({"kty": "EC", "crv": "P-256", "kid": id, "x": "AQ", "y": "AQ"});
        KeySet::parse(json!({"keys": [key("a"), key("b")]}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn none_is_never_an_algorithm_and_a_secret_only_if_asked_for() {
        for algorithm in ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "dir", "ES256K", "rs256"] {
            let header = json!({"alg": algorithm});
            assert!(read(&header, None).is_err(), "{algorithm}");
            assert!(read(&header, Some("RS256")).is_err(), "{algorithm}");
        }
        assert!(read(&json!({"alg": "none"}), Some("none")).is_err());
        assert_eq!(read(&json!({"alg": "HS256"}), Some("HS256")), Ok(()));
        assert_eq!(read(&json!({"alg": "PS384"}), None), Ok(()));
        assert_eq!(
            read(&json!({"alg": "ES256"}), Some("RS256")),
            Err("`alg` of the ID token is `ES256`, expected RS256".into())
        );
    }

    #[test]
    fn a_token_for_something_else_is_not_read() {
        for kind in ["at+jwt", "logout+jwt", "dpop+jwt", "application/at+jwt", "JOSE", ""] {
            assert!(read(&json!({"alg": "ES256", "typ": kind}), None).is_err(), "{kind}");
        }
        for kind in ["JWT", "jwt", "application/jwt"] {
            assert_eq!(read(&json!({"alg": "ES256", "typ": kind}), None), Ok(()), "{kind}");
        }
    }

    #[test]
    fn the_key_that_is_meant_is_tried_and_no_key_of_the_header() {
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": "evil", "y": "evil"});
        let header = json!({"alg": "ES256", "kid": "b", "jwk": jwk, "jku": "https://evil", "x5u": "https://evil"});
        let token = token(&header, r#"{"sub":"s"}"#);
        let read = Unverified::read("ID token", &token, &["JWT"], None).unwrap();
        let outcome = read.verify(&keys(), |trial| {
            assert!(trial.key.contains(r#""kid":"b""#) && !trial.key.contains("evil"), "{}", trial.key);
            assert_eq!((trial.algorithm, trial.signature), ("ES256", b"signature".as_slice()));
            assert!(token.as_bytes().starts_with(trial.message));
            Ok(true)
        });
        let Ok(Outcome::Verified(verified)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(verified.claims["sub"], "s");
    }

    #[test]
    fn without_a_good_signature_there_are_no_claims() {
        let good = token(&json!({"alg": "ES256", "kid": "a"}), "{}");
        let read = |token| Unverified::read("ID token", token, &["JWT"], None).unwrap();
        assert!(matches!(read(&good).verify(&keys(), |_| Ok(false)), Ok(Outcome::Unknown(..))));
        let unknown = token(&json!({"alg": "ES256", "kid": "z"}), "{}");
        assert!(matches!(read(&unknown).verify(&keys(), |_| Ok(true)), Ok(Outcome::Unknown(..))));
        let unnamed = token(&json!({"alg": "ES256"}), "{}");
        assert!(matches!(read(&unnamed).verify(&keys(), |_| Ok(true)), Err(Refusal::Refused(_))));
        let twice = token(&json!({"alg": "ES256", "kid": "a"}), r#"{"sub":"a","sub":"b"}"#);
        assert!(matches!(read(&twice).verify(&keys(), |_| Ok(true)), Err(Refusal::Refused(_))));
    }

    #[test]
    fn a_key_of_another_issuer_signs_nothing() {
        let verified = |issuer: Value| {
            let key = json!({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ", "issuer": issuer});
            let keys = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
            let token = token(&json!({"alg": "ES256"}), r#"{"iss":"https://op/a","tid":"a"}"#);
            let read = Unverified::read("ID token", &token, &["JWT"], None).unwrap();
            matches!(read.verify(&keys, |_| Ok(true)), Ok(Outcome::Verified(_)))
        };
        assert!(verified(json!("https://op/a")) && verified(json!("https://op/{tenantid}")));
        assert!(!verified(json!("https://op/b")) && !verified(json!("")) && !verified(json!(5)));
    }

    #[test]
    fn a_secret_is_the_clients_own() {
        let token = token(&json!({"alg": "HS256"}), "{}");
        let read = || Unverified::read("ID token", &token, &["JWT"], Some("HS256")).unwrap();
        assert!(read().is_by_secret());
        assert!(matches!(read().verify_by_secret(None, |_| Ok(true)), Err(Refusal::Misconfigured(_))));
        let verified =
            read().verify_by_secret(Some("secret"), |trial| Ok(trial.key == r#"{"kty":"oct","k":"c2VjcmV0"}"#));
        assert!(verified.is_ok());
        assert!(read().verify_by_secret(Some("other"), |_| Ok(false)).is_err());
        assert!(matches!(read().verify(&keys(), |_| Ok(true)), Ok(Outcome::Unknown(..))));
    }

    #[test]
    fn moments_are_numbers() {
        let claims = json!({"a": 1, "b": 1.9, "c": "1", "d": 1e300, "e": -5, "f": null});
        let claims = claims.as_object().unwrap();
        let moments: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].iter().map(|name| moment(claims, name)).collect();
        assert_eq!(moments, [Some(1), Some(1), None, Some(i64::MAX), Some(-5), None, None]);
    }

    proptest! {
        #[test]
        fn any_set_of_keys_is_read(body: Vec<u8>, name: String, value: String) {
            let _ = super::keys(&body);
            let set = json!({"keys": [{"kty": "RSA", "n": value, "e": "AQAB", name: value}]}).to_string();
            let token = token(&json!({"alg": "RS256"}), "{}");
            let read = Unverified::read("ID token", &token, &["JWT"], None).unwrap();
            let _ = read.verify(&super::keys(set.as_bytes()).unwrap_or_else(|_| keys()), |_| Ok(true));
        }

        #[test]
        fn any_token_is_judged(text: String, header: String, claims: String) {
            let made = format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            for token in [text, made] {
                if let Ok(read) = Unverified::read("ID token", &token, &["JWT"], None) {
                    let _ = read.verify(&keys(), |_| Ok(true));
                }
            }
        }
    }
}
