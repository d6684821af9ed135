//! What else a provider says of a person (OpenID Connect Core 1.0, section 5.3), and what a profile endpoint of an OAuth 2.0
//! provider says.

use crate::{
    Refusal, Request, Response,
    id_token::{self, LEEWAY},
    issuer::Issuer,
    refusal::{mismatch, missing},
    signed::{Unverified, Verified, moment},
    text::shown,
    token::nonsense,
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
};
use gatewit_jose::strict;
use serde_json::{Map, Value};

/// The claims of an ID token that are about the token and not about the person: userinfo never replaces them.
const OF_THE_TOKEN: [&str; 10] = ["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "sid", "jti", "auth_time"];

/// The request. The token goes into a header and never into a URL (RFC 6750, section 5.3).
#[must_use]
pub fn request(endpoint: &str, access_token: &str) -> Request {
    let authorization = format!("Bearer {access_token}");
    let headers = vec![("accept", String::from("application/json, application/jwt")), ("authorization", authorization)];
    Request { url: endpoint.into(), headers, form: None }
}

/// Reads what a profile endpoint says.
pub fn profile(response: Response<'_>) -> Result<Map<String, Value>, Refusal> {
    let members = strict::object(response.body).filter(|_| response.status == 200);
    members.ok_or_else(|| Refusal::Unavailable(nonsense("profile", response)))
}

/// What a signed answer is, for texts.
const SIGNED: &str = "answer of the userinfo endpoint";

/// What the userinfo endpoint answered.
#[derive(Debug)]
pub enum Told<'a> {
    /// As it stands: whoever answered holds the certificate of its host.
    Plainly(Map<String, Value>),
    /// As a token, to be verified.
    Signed(Unverified<'a>),
}

/// Reads an answer (section 5.3.2). `algorithm` is the one that it has to be signed with, if that is configured.
pub fn read<'a>(response: Response<'a>, algorithm: Option<&str>) -> Result<Told<'a>, Refusal> {
    let nonsense = || Refusal::Unavailable(nonsense("userinfo", response));
    if response.status != 200 {
        return Err(nonsense());
    }
    let kind = response.content_type.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/jwt") {
        let text = core::str::from_utf8(response.body).map_err(|_| nonsense())?;
        return Ok(Told::Signed(Unverified::read(SIGNED, text.trim(), &id_token::KINDS, algorithm)?));
    }
    if algorithm.is_some() {
        let why =
            format!("the userinfo endpoint does not sign: it answers with {}, expected application/jwt", shown(kind));
        return Err(Refusal::Refused(why));
    }
    strict::object(response.body).map(Told::Plainly).ok_or_else(nonsense)
}

/// The claims of a signed answer: by the provider, and for us. The specification recommends both claims; without them
/// whatever the provider ever signed for anybody would do.
pub fn signed(token: Verified, issuer: &Issuer, client_id: &str, now: u64) -> Result<Map<String, Value>, Refusal> {
    let claims = &token.claims;
    // The tenant is looked at in the ID token; here it need not be named again.
    let name = claims.get("iss").and_then(Value::as_str).ok_or_else(|| missing(&format!("`iss` of the {SIGNED}")))?;
    if !issuer.is(name) {
        return Err(mismatch(&format!("`iss` of the {SIGNED}"), name, issuer.written()));
    }
    id_token::audience(claims, SIGNED, client_id)?;
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let ends = moment(claims, "exp");
    if claims.contains_key("exp") && ends.is_none_or(|ends| ends.saturating_add(LEEWAY) <= now) {
        let ends = ends.map_or_else(|| "no time".to_string(), |ends| ends.to_string());
        return Err(Refusal::Refused(format!("`exp` of the {SIGNED} is {ends}, now it is {now}")));
    }
    Ok(token.claims)
}

/// Lays what the userinfo endpoint says over the claims of the ID token. It must be about the same person (section 5.3.2).
pub fn overlay(claims: &mut Map<String, Value>, members: Map<String, Value>) -> Result<(), Refusal> {
    let expected = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    match members.get("sub").and_then(Value::as_str) {
        Some(found) if found == expected => {}
        Some(found) => return Err(mismatch("`sub` of the userinfo endpoint", found, expected)),
        None => return Err(missing("`sub` of the userinfo endpoint")),
    }
    claims.extend(members.into_iter().filter(|(name, _)| !OF_THE_TOKEN.contains(&name.as_str())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use serde_json::json;

    fn plainly(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
        match read(Response { status: 200, content_type: None, body }, None)? {
            Told::Plainly(members) => Ok(members),
            Told::Signed(token) => panic!("{token:?}"),
        }
    }

    fn overlaid(body: &str) -> Result<Value, Refusal> {
        let mut claims = json!({"sub": "s", "iss": "i", "sid": "session", "email": "old"}).as_object().unwrap().clone();
        overlay(&mut claims, plainly(body.as_bytes())?)?;
        Ok(Value::Object(claims))
    }

    #[test]
    fn userinfo_lies_over_the_id_token() {
        let claims = overlaid(r#"{"sub":"s","email":"new","sid":"other","iss":"other","name":"N"}"#).unwrap();
        assert_eq!(claims, json!({"sub": "s", "iss": "i", "sid": "session", "email": "new", "name": "N"}));
    }

    #[test]
    fn another_person_is_refused() {
        for body in [r#"{"sub":"t"}"#, r#"{"email":"x"}"#, r#"{"sub":["s"]}"#] {
            assert!(matches!(overlaid(body), Err(Refusal::Refused(_))), "{body}");
        }
    }

    #[test]
    fn what_is_no_object_or_no_success_is_a_broken_provider() {
        for body in ["", "<html>", r#"{"sub":"s","sub":"s"}"#, "ey.ey.s"] {
            assert!(matches!(overlaid(body), Err(Refusal::Unavailable(_))), "{body}");
        }
        for status in [201, 204, 302, 401, 500] {
            assert!(profile(Response { status, content_type: None, body: b"{}" }).is_err(), "{status}");
        }
    }

    #[test]
    fn the_token_is_in_a_header_only() {
        let request = request("https://op/me", "a");
        assert_eq!((request.url.as_str(), request.form), ("https://op/me", None));
        assert_eq!(request.headers[1], ("authorization", "Bearer a".into()));
    }

    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl";

    fn told(content_type: &str, body: &str, algorithm: Option<&str>) -> Result<bool, String> {
        let response = Response { status: 200, content_type: Some(content_type), body: body.as_bytes() };
        let read = read(response, algorithm).map_err(|refusal| refusal.to_string())?;
        Ok(matches!(read, Told::Signed(_)))
    }

    #[test]
    fn an_answer_is_signed_by_its_type_and_has_to_be_where_that_is_configured() {
        for kind in ["application/jwt", "application/JWT; charset=utf-8"] {
            assert_eq!(told(kind, TOKEN, None), Ok(true));
            assert_eq!(told(kind, TOKEN, Some("RS256")), Ok(true));
        }
        assert_eq!(told("application/json", "{}", None), Ok(false));
        let refusal = told("application/json", "{}", Some("RS256")).unwrap_err();
        assert_eq!(
            refusal,
            "the userinfo endpoint does not sign: it answers with application/json, expected application/jwt"
        );
        let refusal = told("application/jwt", TOKEN, Some("ES256")).unwrap_err();
        assert_eq!(refusal, "`alg` of the answer of the userinfo endpoint is `RS256`, expected ES256");
        for body in ["{}", "eyJhbGciOiJub25lIn0.e30.", "a.b.c.d.e", ""] {
            assert!(told("application/jwt", body, None).is_err(), "{body}");
        }
    }

    fn judge(claims: &Value) -> Result<(), String> {
        let token = Verified { algorithm: "RS256".into(), claims: claims.as_object().unwrap().clone() };
        let issuer = Issuer::new("https://op".into(), Vec::new()).unwrap();
        signed(token, &issuer, "us", 1000).map(drop).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_signed_answer_is_by_the_provider_and_for_us() {
        assert_eq!(judge(&json!({"iss": "https://op", "aud": "us", "sub": "s"})), Ok(()));
        assert_eq!(judge(&json!({"iss": "https://op", "aud": ["us"], "exp": 941})), Ok(()));
        let refusals: Vec<_> = [
            json!({"aud": "us"}),
            json!({"iss": "https://evil", "aud": "us"}),
            json!({"iss": "https://op"}),
            json!({"iss": "https://op", "aud": "them"}),
            json!({"iss": "https://op", "aud": "us", "exp": 940}),
            json!({"iss": "https://op", "aud": "us", "exp": "941"}),
        ]
        .iter()
        .map(|claims| judge(claims).unwrap_err())
        .collect();
        expect_test::expect![[r#"
            [
                "`iss` of the answer of the userinfo endpoint is missing",
                "`iss` of the answer of the userinfo endpoint is `https://evil`, expected `https://op`",
                "`aud` of the answer of the userinfo endpoint is missing",
                "`aud` of the answer of the userinfo endpoint is `them`, expected `us`",
                "`exp` of the answer of the userinfo endpoint is 940, now it is 1000",
                "`exp` of the answer of the userinfo endpoint is no time, now it is 1000",
            ]
        "#]]
        .assert_debug_eq(&refusals);
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(status: u16, kind: String, body: Vec<u8>) {
            let _ = profile(Response { status, content_type: None, body: &body });
            for kind in [kind.as_str(), "application/jwt"] {
                let _ = read(Response { status, content_type: Some(kind), body: &body }, Some("RS256"));
                let _ = read(Response { status: 200, content_type: Some(kind), body: &body }, None);
            }
        }
    }
}
