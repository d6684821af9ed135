//! What else a provider says of a person (OpenID Connect Core 1.0, section 5.3), and what a profile endpoint of an OAuth 2.0
//! provider says.

use crate::{
    Refusal, Request, Response,
    refusal::{mismatch, missing},
    token::nonsense,
};
use alloc::{format, string::String, vec};
use gatewit_jose::strict;
use serde_json::{Map, Value};

/// The claims of an ID token that are about the token and not about the person: userinfo never replaces them.
const OF_THE_TOKEN: [&str; 10] = ["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "sid", "jti", "auth_time"];

/// The request. The token goes into a header and never into a URL (RFC 6750, section 5.3).
#[must_use]
pub fn request(endpoint: &str, access_token: &str) -> Request {
    let authorization = format!("Bearer {access_token}");
    let headers = vec![("accept", String::from("application/json")), ("authorization", authorization)];
    Request { url: endpoint.into(), headers, form: None }
}

/// Reads what a profile endpoint says.
pub fn profile(response: Response<'_>) -> Result<Map<String, Value>, Refusal> {
    let members = strict::object(response.body).filter(|_| response.status == 200);
    members.ok_or_else(|| Refusal::Unavailable(nonsense("profile", response)))
}

/// Lays what the userinfo endpoint says over the claims of the ID token. It must be about the same person (section 5.3.2).
pub fn overlay(claims: &mut Map<String, Value>, response: Response<'_>) -> Result<(), Refusal> {
    let members = strict::object(response.body).filter(|_| response.status == 200);
    let members = members.ok_or_else(|| Refusal::Unavailable(nonsense("userinfo", response)))?;
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

    fn overlaid(body: &str) -> Result<Value, Refusal> {
        let mut claims = json!({"sub": "s", "iss": "i", "sid": "session", "email": "old"}).as_object().unwrap().clone();
        overlay(&mut claims, Response { status: 200, content_type: None, body: body.as_bytes() })?;
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

    proptest! {
        #[test]
        fn any_answer_is_judged(status: u16, body: Vec<u8>) {
            let _ = profile(Response { status, content_type: None, body: &body });
        }
    }
}
