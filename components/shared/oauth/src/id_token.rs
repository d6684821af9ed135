//! Whether an ID token is good, and for us (OpenID Connect Core 1.0, section 3.1.3.7; line by line in [`claims`]).
//!
//! Its signature was verified before: there is no [`Verified`] token otherwise. We ask for a signature even where TLS to the
//! token endpoint would do (item 6), because a proxy may end that TLS.

use crate::{
    Refusal,
    issuer::Issuer,
    refusal::{mismatch, missing},
    signed::{Verified, audiences, moment},
    text::shown,
};
use alloc::{format, string::String};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The `typ` of ID tokens: none of their own.
pub const KINDS: [&str; 1] = ["JWT"];

/// By how many seconds a provider's clock may differ from ours.
pub(crate) const LEEWAY: i64 = 60;

/// What a good token says.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider's name of itself.
    pub issuer: &'a Issuer,
    /// Our name there.
    pub client_id: &'a str,
    /// Seconds since the Unix epoch.
    pub now: u64,
    /// The nonce of the beginning; `None` for a token that came with a refresh.
    pub nonce: Option<&'a str>,
    /// Whether a token without a nonce will do, for providers that give none back.
    pub nonce_is_optional: bool,
    /// What came along with it, if it is bound to that.
    pub access_token: Option<&'a str>,
    /// The code that it was got for.
    pub code: Option<&'a str>,
}

/// The claims of a good token.
pub fn claims(token: Verified, expected: &Expected<'_>) -> Result<Map<String, Value>, Refusal> {
    let claims = &token.claims;
    expected.issuer.check("ID token", claims)?; // item 2
    audience(claims, "ID token", expected.client_id)?; // items 3 to 5
    let now = i64::try_from(expected.now).unwrap_or(i64::MAX);
    lifetime(claims, now)?; // items 9 and 10
    nonce(claims, expected)?; // item 11
    subject(claims, "ID token")?; // section 2
    let algorithm = token.algorithm.as_str();
    bound(claims, "at_hash", expected.access_token, algorithm)?; // section 3.1.3.8
    bound(claims, "c_hash", expected.code, algorithm)?; // section 3.3.2.11
    Ok(token.claims)
}

/// We are an audience; where there are others, the token says that it was made for us, and where it says for whom it was
/// made, that is us.
pub(crate) fn audience(claims: &Map<String, Value>, what: &str, client_id: &str) -> Result<(), Refusal> {
    let audiences = audiences(claims).ok_or_else(|| missing(&format!("`aud` of the {what}")))?;
    if !audiences.contains(&client_id) {
        return Err(mismatch(&format!("`aud` of the {what}"), &audiences.join(" "), client_id));
    }
    match claims.get("azp") {
        None if audiences.len() > 1 => Err(missing(&format!("`azp` of the {what}, which has several `aud`,"))),
        None => Ok(()),
        Some(Value::String(party)) if party == client_id => Ok(()),
        Some(other) => Err(mismatch(&format!("`azp` of the {what}"), other.as_str().unwrap_or("no text"), client_id)),
    }
}

fn lifetime(claims: &Map<String, Value>, now: i64) -> Result<(), Refusal> {
    let ends = moment(claims, "exp").ok_or_else(|| missing("`exp` of the ID token"))?;
    let made = moment(claims, "iat").ok_or_else(|| missing("`iat` of the ID token"))?;
    if ends.saturating_add(LEEWAY) <= now {
        return Err(Refusal::Refused(format!("the ID token ended at {ends}, now it is {now}")));
    }
    not_yet("iat", made, "ID token", now)?;
    if !claims.contains_key("nbf") {
        return Ok(());
    }
    let begins = moment(claims, "nbf").ok_or_else(|| Refusal::Refused("`nbf` of the ID token is no time".into()))?;
    not_yet("nbf", begins, "ID token", now)
}

pub(crate) fn not_yet(name: &str, moment: i64, what: &str, now: i64) -> Result<(), Refusal> {
    if moment > now.saturating_add(LEEWAY) {
        return Err(Refusal::Refused(format!("`{name}` of the {what} is {moment}, but now it is {now}")));
    }
    Ok(())
}

/// The nonce is the one of the beginning. A token that comes with a refresh need have none (section 12.2).
fn nonce(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Refusal> {
    match (claims.get("nonce").map(Value::as_str), expected.nonce) {
        (_, None) => Ok(()),
        (None, _) if expected.nonce_is_optional => Ok(()),
        (Some(Some(found)), Some(expected)) if found == expected => Ok(()),
        (Some(_), _) => Err(Refusal::Refused("`nonce` of the ID token is not the one of this sign-in".into())),
        (None, _) => Err(missing("`nonce` of the ID token")),
    }
}

/// Who it is about.
pub(crate) fn subject(claims: &Map<String, Value>, what: &str) -> Result<String, Refusal> {
    match claims.get("sub") {
        Some(Value::String(subject)) if !subject.is_empty() => Ok(subject.clone()),
        Some(Value::String(_)) | None => Err(missing(&format!("`sub` of the {what}"))),
        Some(other) => Err(mismatch(&format!("`sub` of the {what}"), &shown(&format!("{other}")), "a text")),
    }
}

/// Whether the token belongs to what came along with it: half of its hash, by the hash of the signature's algorithm.
fn bound(claims: &Map<String, Value>, name: &str, value: Option<&str>, algorithm: &str) -> Result<(), Refusal> {
    let (Some(claim), Some(value)) = (claims.get(name), value) else { return Ok(()) };
    let hash = match algorithm.get(algorithm.len().saturating_sub(3)..) {
        Some("256") => half(&Sha256::digest(value.as_bytes())),
        Some("384") => half(&Sha384::digest(value.as_bytes())),
        // Ed25519 hashes with SHA-512 (RFC 8032, section 5.1).
        _ => half(&Sha512::digest(value.as_bytes())),
    };
    if claim.as_str() == Some(&hash) {
        return Ok(());
    }
    Err(Refusal::Refused(format!("`{name}` of the ID token is wrong")))
}

fn half(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash.get(..hash.len() / 2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use expect_test::expect;
    use proptest::prelude::*;
    use serde_json::json;

    fn issuer() -> Issuer {
        Issuer::new("https://op".into(), Vec::new()).unwrap()
    }

    fn expected(issuer: &Issuer) -> Expected<'_> {
        Expected {
            issuer,
            client_id: "us",
            now: 1_000_000,
            nonce: Some("n"),
            nonce_is_optional: false,
            access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            code: Some("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
        }
    }

    fn good() -> Value {
        json!({"iss": "https://op", "aud": "us", "exp": 1_000_300, "iat": 1_000_000, "nonce": "n", "sub": "s"})
    }

    fn judge(changes: &Value, algorithm: &str) -> Result<(), String> {
        let mut claims = good();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut claims = claims.as_object().unwrap().clone();
        claims.retain(|_, value| *value != json!("absent"));
        let token = Verified { algorithm: algorithm.into(), claims };
        super::claims(token, &expected(&issuer())).map(|_| ()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn good_tokens_are_good() {
        for changes in [
            json!({}),
            json!({"aud": ["us"]}),
            json!({"aud": ["us", "them"], "azp": "us"}),
            json!({"exp": 999_950, "iat": 999_000}),
            json!({"exp": 1_000_300.5}),
            json!({"nbf": 1_000_050}),
        ] {
            assert_eq!(judge(&changes, "RS256"), Ok(()), "{changes}");
        }
    }

    #[test]
    fn each_check_refuses_what_it_is_for() {
        let refusals: Vec<_> = [
            json!({"iss": "https://op/"}),
            json!({"iss": "absent"}),
            json!({"aud": "them"}),
            json!({"aud": ["us", "them"]}),
            json!({"aud": ["us", 1]}),
            json!({"aud": []}),
            json!({"aud": "absent"}),
            json!({"azp": "them"}),
            json!({"azp": ["us"]}),
            json!({"exp": 999_940}),
            json!({"exp": "1000300"}),
            json!({"exp": "absent"}),
            json!({"iat": "absent"}),
            json!({"iat": 1_000_061}),
            json!({"nbf": 1_000_061}),
            json!({"nbf": "soon"}),
            json!({"nonce": "m"}),
            json!({"nonce": ["n"]}),
            json!({"nonce": "absent"}),
            json!({"sub": "absent"}),
            json!({"sub": ""}),
            json!({"sub": 5}),
            json!({"at_hash": "x"}),
            json!({"at_hash": null}),
            json!({"c_hash": "x"}),
        ]
        .map(|changes| judge(&changes, "RS256").unwrap_err())
        .into();
        expect![[r#"
            [
                "`iss` of the ID token is `https://op/`, expected `https://op`",
                "`iss` of the ID token is missing",
                "`aud` of the ID token is `them`, expected `us`",
                "`azp` of the ID token, which has several `aud`, is missing",
                "`aud` of the ID token is missing",
                "`aud` of the ID token is ``, expected `us`",
                "`aud` of the ID token is missing",
                "`azp` of the ID token is `them`, expected `us`",
                "`azp` of the ID token is `no text`, expected `us`",
                "the ID token ended at 999940, now it is 1000000",
                "`exp` of the ID token is missing",
                "`exp` of the ID token is missing",
                "`iat` of the ID token is missing",
                "`iat` of the ID token is 1000061, but now it is 1000000",
                "`nbf` of the ID token is 1000061, but now it is 1000000",
                "`nbf` of the ID token is no time",
                "`nonce` of the ID token is not the one of this sign-in",
                "`nonce` of the ID token is not the one of this sign-in",
                "`nonce` of the ID token is missing",
                "`sub` of the ID token is missing",
                "`sub` of the ID token is missing",
                "`sub` of the ID token is `5`, expected `a text`",
                "`at_hash` of the ID token is wrong",
                "`at_hash` of the ID token is wrong",
                "`c_hash` of the ID token is wrong",
            ]
        "#]]
        .assert_debug_eq(&refusals);
    }

    /// OpenID Connect Core 1.0, appendices A.3 and A.4.
    #[test]
    fn the_hashes_of_the_specification_hold() {
        let hashes = json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ", "c_hash": "LDktKdoQak3Pk0cnXxCltA"});
        assert_eq!(judge(&hashes, "RS256"), Ok(()));
        for algorithm in ["RS384", "EdDSA", "Ed25519", "ES512"] {
            assert!(judge(&hashes, algorithm).is_err(), "{algorithm}");
        }
    }

    #[test]
    fn a_token_of_a_refresh_needs_no_nonce() {
        let mut claims = good().as_object().unwrap().clone();
        claims.remove("nonce");
        let token = Verified { algorithm: "RS256".into(), claims };
        let issuer = issuer();
        let expected = Expected { nonce: None, ..expected(&issuer) };
        assert!(super::claims(token, &expected).is_ok());
    }

    #[test]
    fn a_nonce_may_be_missing_only_where_that_is_wanted_and_is_never_another() {
        let judge = |nonce: Option<&str>| {
            let mut claims = good().as_object().unwrap().clone();
            claims.remove("nonce");
            claims.extend(nonce.map(|nonce| ("nonce".into(), json!(nonce))));
            let issuer = issuer();
            let expected = Expected { nonce_is_optional: true, ..expected(&issuer) };
            super::claims(Verified { algorithm: "RS256".into(), claims }, &expected).is_ok()
        };
        assert!(judge(None) && judge(Some("n")));
        assert!(!judge(Some("m")) && !judge(Some("")));
    }

    proptest! {
        #[test]
        fn any_claim_is_judged(name in "iss|aud|azp|exp|iat|nbf|nonce|sub|at_hash|c_hash", text: String, number: f64) {
            let mut changes = json!({});
            changes[&name] = json!(text);
            prop_assume!(text != "us" && text != "https://op" && text != "n" && text != "absent");
            prop_assert!(judge(&changes, "RS256").is_err() == (name != "sub" || text.is_empty()));
            changes[&name] = json!(number);
            let _ = judge(&changes, "RS256");
        }
    }
}
