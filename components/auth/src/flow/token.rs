//! What is in an access token, and which tokens are ours.
//!
//! The claims and their order are Directus's: clients and servers that share a `SECRET` read each other's tokens. What a
//! token says of rights is never believed; it is there for clients that look.

use super::Refusal;
use alloc::string::{String, ToString};
use gatewit_jose::Compact;
use serde::{Deserialize, Serialize};

/// The issuer in every token.
pub const ISSUER: &str = "directus";

/// The only algorithm that we sign with and accept (RFC 8725, section 3.1).
pub const ALGORITHM: &str = "HS256";

/// The claims of a token that we issue, in the order on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims<'a> {
    /// The account.
    pub id: &'a str,
    /// Its role; present even if null.
    pub role: Option<&'a str>,
    /// Whether the account may use the app, when the token was made.
    pub app_access: bool,
    /// Whether the account is an administrator, when the token was made.
    pub admin_access: bool,
    /// True where a second factor is demanded and not set up.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub enforce_tfa: bool,
    /// The session that the token is bound to, in the form `session`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<&'a str>,
    /// Seconds since the Unix epoch.
    pub iat: u64,
    /// Seconds since the Unix epoch.
    pub exp: u64,
    /// [`ISSUER`].
    pub iss: &'static str,
}

/// The claims of a share's token, in the order on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShareClaims<'a> {
    /// Never.
    pub app_access: bool,
    /// Never.
    pub admin_access: bool,
    /// None.
    pub role: Option<&'a str>,
    /// The share.
    pub share: &'a str,
    /// The session that the token is bound to, in the form `session`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<&'a str>,
    /// Seconds since the Unix epoch.
    pub iat: u64,
    /// Seconds since the Unix epoch.
    pub exp: u64,
    /// [`ISSUER`].
    pub iss: &'static str,
}

/// The same claims in the order that a refresh has on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefreshedShareClaims<'a> {
    role: Option<&'a str>,
    app_access: bool,
    admin_access: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    share: &'a str,
    iat: u64,
    exp: u64,
    iss: &'static str,
}

impl<'a> ShareClaims<'a> {
    /// The claims of a share that signs in now.
    #[must_use]
    pub fn new(share: &'a str, session: Option<&'a str>, now_seconds: u64, life_seconds: u64) -> Self {
        let (iat, exp) = (now_seconds, now_seconds + life_seconds);
        Self { app_access: false, admin_access: false, role: None, share, session, iat, exp, iss: ISSUER }
    }

    /// In the order of a refresh.
    #[must_use]
    pub fn refreshed(self) -> RefreshedShareClaims<'a> {
        let Self { app_access, admin_access, role, share, session, iat, exp, iss } = self;
        RefreshedShareClaims { role, app_access, admin_access, session, share, iat, exp, iss }
    }
}

/// What a presented token claims, before and after its signature is verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    /// The account; absent for a share.
    pub id: Option<String>,
    /// The role at the time of issue.
    pub role: Option<String>,
    /// The session that the token is bound to.
    pub session: Option<String>,
    /// The share that the token opens.
    pub share: Option<String>,
}

/// A presented token, sorted.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    /// By its issuer one of ours: a signature to verify.
    Ours(Compact<'a>),
    /// Anything else is looked up as a static token.
    Static(&'a str),
}

/// Sorts a token by its unverified issuer.
#[must_use]
pub fn sort(token: &str) -> Presented<'_> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    match Compact::parse(token) {
        Some(jws) if jws.claims::<Issuer>().is_some_and(|claims| claims.iss == ISSUER) => Presented::Ours(jws),
        _ => Presented::Static(token),
    }
}

/// Reads a token of ours. `genuine` says whether its signature was verified with our key.
///
/// # Errors
/// [`Refusal::InvalidToken`] for another algorithm, a wrong signature or claims that are not an access token's (scoped
/// tokens carry no rights); [`Refusal::TokenExpired`] after `exp`.
pub fn read(jws: &Compact<'_>, genuine: bool, now_seconds: u64) -> Result<Claimed, Refusal> {
    if jws.algorithm != ALGORITHM || !genuine {
        return Err(Refusal::InvalidToken);
    }
    let claims: serde_json::Map<String, serde_json::Value> = jws.claims().ok_or(Refusal::InvalidToken)?;
    let seconds = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Refusal::InvalidToken),
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a double for ages")]
    let now = now_seconds as f64;
    if seconds("nbf")?.is_some_and(|from| from > now) {
        return Err(Refusal::InvalidToken);
    }
    if seconds("exp")?.is_some_and(|until| until <= now) {
        return Err(Refusal::TokenExpired);
    }
    if !["role", "app_access", "admin_access"].iter().all(|name| claims.contains_key(*name)) {
        return Err(Refusal::InvalidToken);
    }
    let text = |name: &str| match claims.get(name) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(value) => value.as_str().map(|text| Some(text.to_string())).ok_or(Refusal::InvalidToken),
    };
    Ok(Claimed { id: text("id")?, role: text("role")?, session: text("session")?, share: text("share")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use gatewit_jose::{compact, signing_input};
    use serde_json::{Value, json};

    fn token(algorithm: &str, claims: &Value) -> String {
        compact(signing_input(algorithm, claims).unwrap(), b"s")
    }

    fn read_at_100(claims: &Value, genuine: bool) -> Result<Claimed, Refusal> {
        let token = token("HS256", claims);
        let Presented::Ours(jws) = sort(&token) else { panic!("not ours") };
        read(&jws, genuine, 100)
    }

    fn good() -> Value {
        json!({"id": "u", "role": "r", "app_access": true, "admin_access": false, "exp": 101, "iss": "directus"})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = good();
        claims[name] = value;
        claims
    }

    #[test]
    fn claims_are_written_in_the_order_of_the_wire() {
        let claims = Claims {
            id: "u",
            role: None,
            app_access: true,
            admin_access: false,
            enforce_tfa: true,
            session: Some("s"),
            iat: 1,
            exp: 2,
            iss: ISSUER,
        };
        expect![[r#"{"id":"u","role":null,"app_access":true,"admin_access":false,"enforce_tfa":true,"session":"s","iat":1,"exp":2,"iss":"directus"}"#]]
            .assert_eq(&serde_json::to_string(&claims).unwrap());
        let plain = Claims { enforce_tfa: false, session: None, ..claims };
        expect![[r#"{"id":"u","role":null,"app_access":true,"admin_access":false,"iat":1,"exp":2,"iss":"directus"}"#]]
            .assert_eq(&serde_json::to_string(&plain).unwrap());
    }

    #[test]
    fn a_good_token_is_read() {
        let claimed = read_at_100(&good(), true).unwrap();
        assert_eq!(claimed, Claimed { id: Some("u".into()), role: Some("r".into()), session: None, share: None });
    }

    #[test]
    fn a_token_without_exp_never_expires() {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove("exp");
        assert!(read_at_100(&claims, true).is_ok());
    }

    #[test]
    fn a_token_ends_with_its_last_second() {
        assert_eq!(read_at_100(&with("exp", json!(100)), true), Err(Refusal::TokenExpired));
    }

    #[test]
    fn a_wrong_signature_is_refused_before_the_time_is_looked_at() {
        assert_eq!(read_at_100(&with("exp", json!(1)), false), Err(Refusal::InvalidToken));
    }

    #[test]
    fn tokens_of_other_kinds_are_refused() {
        for name in ["role", "app_access", "admin_access"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(read_at_100(&claims, true), Err(Refusal::InvalidToken), "{name}");
        }
    }

    #[test]
    fn claims_of_the_wrong_type_are_refused() {
        for (name, value) in [("exp", json!("soon")), ("nbf", json!(101)), ("id", json!(5)), ("session", json!({}))] {
            assert_eq!(read_at_100(&with(name, value), true), Err(Refusal::InvalidToken), "{name}");
        }
    }

    #[test]
    fn another_algorithm_is_refused_even_if_the_signature_fits() {
        for algorithm in ["none", "HS512", "hs256", "RS256"] {
            let token = token(algorithm, &good());
            let Presented::Ours(jws) = sort(&token) else { panic!("not ours") };
            assert_eq!(read(&jws, true, 100), Err(Refusal::InvalidToken), "{algorithm}");
        }
    }

    #[test]
    fn what_is_not_ours_is_a_static_token() {
        let foreign = token("HS256", &with("iss", json!("somebody")));
        let nameless = token("HS256", &with("iss", json!(null)));
        for text in ["", "a.b.c", "static", &foreign, &nameless] {
            assert_eq!(sort(text), Presented::Static(text));
        }
    }
}
