//! What codes and refresh tokens are exchanged for (RFC 6749, sections 4.1.3, 5 and 6).

use crate::{Refusal, Response, authorization::explained, text::shown};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use gatewit_jose::strict;
use serde_json::{Map, Value};

/// Longest token that is kept, in bytes: it goes into a header of a request.
const LONGEST: usize = 128 * 1024;

/// The form that redeems a code, with the verifier of PKCE if a challenge was sent.
#[must_use]
pub fn redeem<'a>(code: &'a str, callback: &'a str, verifier: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback)];
    form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    form
}

/// The form that renews.
#[must_use]
pub fn renew(refresh_token: &str) -> [(&'static str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", refresh_token)]
}

/// What the token endpoint gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Opens the userinfo endpoint.
    pub access_token: String,
    /// Who signed in, if OpenID Connect was spoken.
    pub id_token: Option<String>,
    /// For the next time.
    pub refresh_token: Option<String>,
}

/// Reads an answer of the token endpoint.
pub fn tokens(response: Response<'_>) -> Result<Tokens, Refusal> {
    let members = strict::object(response.body);
    if let Some(error) = members.as_ref().and_then(|members| members.get("error")) {
        return Err(refused(
            response.status,
            error,
            members.as_ref().and_then(|members| members.get("error_description")),
        ));
    }
    let Some(members) = members.filter(|_| response.status == 200) else {
        return Err(Refusal::Unavailable(nonsense("token", response)));
    };
    if let Some(kind) = members.get("token_type")
        && !kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    {
        let kind = shown(&kind.to_string());
        return Err(Refusal::Unavailable(format!(
            "the token endpoint gave a token of the type {kind}, expected `Bearer`"
        )));
    }
    let access_token = token(&members, "access_token")?;
    Ok(Tokens {
        access_token: access_token.ok_or_else(|| unusable("no", "access_token"))?,
        id_token: token(&members, "id_token")?,
        refresh_token: token(&members, "refresh_token")?,
    })
}

/// A token: a text that fits into a header (RFC 6749, appendix A.12).
fn token(members: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() <= LONGEST && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(unusable("an unusable", name)),
    }
}

fn unusable(how: &str, name: &str) -> Refusal {
    Refusal::Unavailable(format!("the token endpoint gave {how} `{name}`"))
}

/// `invalid_grant` is about the code or the refresh token, everything else about the provider and us. GitHub says it in
/// words of its own.
fn refused(status: u16, error: &Value, description: Option<&Value>) -> Refusal {
    let error = error.as_str().map_or_else(|| error.to_string(), ToString::to_string);
    let what = format!("the token endpoint answers {status} with");
    let text = explained(&what, &error, description.and_then(Value::as_str));
    match error.as_str() {
        "invalid_grant" | "bad_verification_code" | "bad_refresh_token" => Refusal::Expired(text),
        _ => Refusal::Unavailable(text),
    }
}

/// What an answer is that cannot be read, without repeating any of it.
pub(crate) fn nonsense(endpoint: &str, response: Response<'_>) -> String {
    let kind = shown(response.content_type.unwrap_or("nothing that has a type"));
    format!("the {endpoint} endpoint answers {} with {kind}, expected 200 with a JSON object", response.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    fn read(status: u16, body: &str) -> Result<Tokens, Refusal> {
        tokens(Response { status, content_type: Some("text/html"), body: body.as_bytes() })
    }

    #[test]
    fn tokens_are_read() {
        let body = r#"{"access_token":"a","token_type":"bearer","expires_in":3600,"id_token":"i","refresh_token":"r"}"#;
        let tokens = read(200, body).unwrap();
        assert_eq!(tokens.access_token, "a");
        assert_eq!((tokens.id_token.as_deref(), tokens.refresh_token.as_deref()), (Some("i"), Some("r")));
        let tokens = read(200, r#"{"access_token":"a","refresh_token":null}"#).unwrap();
        assert_eq!((tokens.id_token, tokens.refresh_token), (None, None));
    }

    #[test]
    fn a_code_that_is_no_longer_good_is_told_from_a_provider_that_is_not() {
        let answers: Vec<_> = [
            (400, r#"{"error":"invalid_grant","error_description":"grant request is invalid"}"#),
            (200, r#"{"error":"bad_verification_code"}"#),
            (401, r#"{"error":"invalid_client"}"#),
            (400, r#"{"error":{"code":1}}"#),
            (500, "<html>oops</html>"),
            (200, "<html>welcome</html>"),
            (302, ""),
            (200, r#"{"access_token":"a","access_token":"b"}"#),
            (200, r#"{"access_token":"a\nb"}"#),
            (200, r#"{"access_token":1}"#),
            (200, "{}"),
            (200, r#"{"access_token":"a","token_type":"DPoP"}"#),
            (201, r#"{"access_token":"a"}"#),
        ]
        .map(|(status, body)| read(status, body).err().unwrap())
        .into();
        expect![[r#"
            [
                Expired(
                    "the token endpoint answers 400 with `invalid_grant`: grant request is invalid",
                ),
                Expired(
                    "the token endpoint answers 200 with `bad_verification_code`",
                ),
                Unavailable(
                    "the token endpoint answers 401 with `invalid_client`",
                ),
                Unavailable(
                    "the token endpoint answers 400 with `{\"code\":1}`",
                ),
                Unavailable(
                    "the token endpoint answers 500 with text/html, expected 200 with a JSON object",
                ),
                Unavailable(
                    "the token endpoint answers 200 with text/html, expected 200 with a JSON object",
                ),
                Unavailable(
                    "the token endpoint answers 302 with text/html, expected 200 with a JSON object",
                ),
                Unavailable(
                    "the token endpoint answers 200 with text/html, expected 200 with a JSON object",
                ),
                Unavailable(
                    "the token endpoint gave an unusable `access_token`",
                ),
                Unavailable(
                    "the token endpoint gave an unusable `access_token`",
                ),
                Unavailable(
                    "the token endpoint gave no `access_token`",
                ),
                Unavailable(
                    "the token endpoint gave a token of the type \"DPoP\", expected `Bearer`",
                ),
                Unavailable(
                    "the token endpoint answers 201 with text/html, expected 200 with a JSON object",
                ),
            ]
        "#]]
        .assert_debug_eq(&answers);
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(status: u16, body: Vec<u8>, token: String) {
            let _ = tokens(Response { status, content_type: None, body: &body });
            let body = serde_json::json!({"access_token": token}).to_string();
            if let Ok(tokens) = tokens(Response { status: 200, content_type: None, body: body.as_bytes() }) {
                prop_assert!(tokens.access_token.bytes().all(|byte| (b' '..0x7f).contains(&byte)));
            }
        }
    }
}
