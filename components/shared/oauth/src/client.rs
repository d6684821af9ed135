//! How we show a provider who we are (RFC 6749, section 2.3; RFC 7523; OpenID Connect Core 1.0, section 9).

use crate::{Refusal, Request, code, text};
use alloc::{format, string::String, vec, vec::Vec};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

/// How long an assertion is good: it is used at once.
const ASSERTION_SECONDS: u64 = 60;

/// What an assertion is (RFC 7523, section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The methods that are known, by their registered names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `client_secret_basic`, the default.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `client_secret_jwt`: the secret signs, and stays here.
    SecretKey,
    /// `private_key_jwt`.
    PrivateKey,
    /// `none`: a client without a secret.
    None,
}

impl Method {
    /// The method of a setting.
    pub fn parse(name: Option<&str>) -> Result<Self, Refusal> {
        match name {
            None | Some("" | "client_secret_basic") => Ok(Self::Basic),
            Some("client_secret_post") => Ok(Self::Post),
            Some("client_secret_jwt") => Ok(Self::SecretKey),
            Some("private_key_jwt") => Ok(Self::PrivateKey),
            Some("none") => Ok(Self::None),
            Some(other) => Err(Refusal::Misconfigured(format!(
                "`client-token-endpoint-auth-method` is `{}`; known are client_secret_basic, client_secret_post, \
                 client_secret_jwt, private_key_jwt and none",
                text::shown(other)
            ))),
        }
    }
}

/// Who we are at a provider.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// Our name there.
    pub id: &'a str,
    /// What only the provider and we know.
    pub secret: Option<&'a str>,
    /// How we show it.
    pub method: Method,
    /// The algorithm that assertions are signed with, if one is configured.
    pub algorithm: Option<&'a str>,
}

/// The setting with the algorithm of assertions.
const ALGORITHM: &str = "client-token-endpoint-auth-signing-alg";

/// The claims of an assertion.
#[derive(Debug, Serialize)]
pub struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Vec<&'a str>,
    jti: &'a str,
    iat: u64,
    exp: u64,
}

impl Assertion<'_> {
    /// The text to sign, by a key of this algorithm and name.
    pub fn signing_input(&self, algorithm: &str, key_id: Option<&str>) -> Result<String, Refusal> {
        let input = gatewit_jose::signing_input_of(algorithm, key_id, self);
        input.ok_or_else(|| Refusal::Misconfigured("an assertion cannot be written".into()))
    }
}

/// A signed assertion.
#[must_use]
pub fn signed(signing_input: String, signature: &[u8]) -> String {
    gatewit_jose::compact(signing_input, signature)
}

impl<'a> Client<'a> {
    /// What is signed for [`Method::PrivateKey`] and [`Method::SecretKey`]: for this provider by all of its names, once, now.
    #[must_use]
    pub fn assertion(&self, issuer: Option<&'a str>, endpoint: &'a str, id: &'a str, now: u64) -> Assertion<'a> {
        let aud = issuer.into_iter().filter(|issuer| *issuer != endpoint).chain([endpoint]).collect();
        Assertion { iss: self.id, sub: self.id, aud, jti: id, iat: now, exp: now + ASSERTION_SECONDS }
    }

    /// An assertion that the secret signed, for [`Method::SecretKey`].
    pub fn signed_by_secret(&self, assertion: &Assertion<'_>) -> Result<String, Refusal> {
        let algorithm = code::algorithm(ALGORITHM, self.algorithm)?;
        let input = assertion.signing_input(algorithm, None)?;
        let code = code::code(algorithm, self.secret()?, input.as_bytes())?;
        Ok(signed(input, &code))
    }

    /// Whether a key of this algorithm may sign assertions.
    pub fn check_algorithm(&self, of_key: &str) -> Result<(), Refusal> {
        match self.algorithm {
            Some(wanted) if wanted != of_key => Err(Refusal::Misconfigured(format!(
                "`{ALGORITHM}` is `{}`, and the key signs with {of_key}",
                text::shown(wanted)
            ))),
            _ => Ok(()),
        }
    }

    /// The request that posts a form as this client. `assertion` is the signed one, for the methods that have one.
    pub fn post(&self, endpoint: &str, form: &[(&str, &str)], assertion: Option<&str>) -> Result<Request, Refusal> {
        let mut pairs = form.to_vec();
        let mut headers = vec![("accept", String::from("application/json"))];
        match self.method {
            Method::Basic => headers.push(("authorization", basic(self.id, self.secret()?))),
            Method::Post => pairs.extend([("client_id", self.id), ("client_secret", self.secret()?)]),
            Method::None => pairs.push(("client_id", self.id)),
            Method::PrivateKey | Method::SecretKey => {
                let assertion =
                    assertion.ok_or_else(|| Refusal::Misconfigured("there is no key to sign with".into()))?;
                pairs.push(("client_id", self.id));
                pairs.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)]);
            }
        }
        Ok(Request { url: endpoint.into(), headers, form: Some(text::form(&pairs)) })
    }

    fn secret(&self) -> Result<&'a str, Refusal> {
        let missing =
            || Refusal::Misconfigured("`client-secret` is not set, and this way to authenticate needs it".into());
        self.secret.filter(|secret| !secret.is_empty()).ok_or_else(missing)
    }
}

/// Name and secret are encoded as in a form before they are joined (RFC 6749, section 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn post(method: Method, secret: Option<&str>) -> Result<Request, Refusal> {
        Client { id: "us:1", secret, method, algorithm: None }.post("https://op/token", &[("code", "a b")], Some("jwt"))
    }

    #[test]
    fn basic_encodes_name_and_secret_before_it_joins_them() {
        let request = post(Method::Basic, Some("p ä:%+&")).unwrap();
        let expected = STANDARD.encode("us%3A1:p+%C3%A4%3A%25%2B%26");
        assert_eq!(request.headers[1], ("authorization", format!("Basic {expected}")));
        assert_eq!(request.form.as_deref(), Some("code=a+b"));
    }

    #[test]
    fn the_other_methods_are_in_the_form() {
        let form = |method| post(method, Some("s&")).unwrap().form.unwrap();
        assert_eq!(form(Method::Post), "code=a+b&client_id=us%3A1&client_secret=s%26");
        assert_eq!(form(Method::None), "code=a+b&client_id=us%3A1");
        assert_eq!(
            form(Method::PrivateKey),
            "code=a+b&client_id=us%3A1&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A\
             jwt-bearer&client_assertion=jwt"
        );
        assert!(post(Method::Post, Some("s")).unwrap().headers.iter().all(|(name, _)| *name != "authorization"));
    }

    #[test]
    fn a_secret_that_is_needed_must_be_there() {
        for secret in [None, Some("")] {
            assert!(matches!(post(Method::Basic, secret), Err(Refusal::Misconfigured(_))));
            assert!(matches!(post(Method::Post, secret), Err(Refusal::Misconfigured(_))));
        }
        assert!(post(Method::None, None).is_ok());
        assert!(by_secret(None, None).is_err() && by_secret(Some(""), None).is_err());
    }

    fn by_secret(secret: Option<&str>, algorithm: Option<&str>) -> Result<String, Refusal> {
        let client = Client { id: "us", secret, method: Method::SecretKey, algorithm };
        client.signed_by_secret(&client.assertion(Some("https://op"), "https://op/token", "id", 100))
    }

    #[test]
    fn a_secret_signs_with_the_algorithm_that_is_asked_for() {
        let secret = "s3cret of the tests, which is longer than the longest hash, that of 64 bytes";
        let parts = |algorithm| {
            let token = by_secret(Some(secret), algorithm).unwrap();
            let read = gatewit_jose::Compact::read(&token).unwrap();
            assert!(!token.contains("s3cret") && read.claims::<serde_json::Value>().unwrap()["sub"] == "us");
            (read.algorithm.clone(), read.signature.len())
        };
        assert_eq!(parts(None), ("HS256".into(), 32));
        assert_eq!(parts(Some("HS256")), ("HS256".into(), 32));
        assert_eq!(parts(Some("HS384")), ("HS384".into(), 48));
        assert_eq!(parts(Some("HS512")), ("HS512".into(), 64));
        assert!(by_secret(Some(secret), Some("RS256")).is_err());
        assert!(by_secret(Some("short"), None).is_err());
        assert_eq!(form_of_assertion(Method::SecretKey), form_of_assertion(Method::PrivateKey));
    }

    fn form_of_assertion(method: Method) -> Option<String> {
        post(method, Some("s")).unwrap().form
    }

    #[test]
    fn a_key_signs_with_the_algorithm_that_is_asked_for() {
        let client = |algorithm| Client { id: "us", secret: None, method: Method::PrivateKey, algorithm };
        assert_eq!(client(None).check_algorithm("ES256"), Ok(()));
        assert_eq!(client(Some("ES256")).check_algorithm("ES256"), Ok(()));
        assert!(matches!(client(Some("RS256")).check_algorithm("ES256"), Err(Refusal::Misconfigured(_))));
    }

    #[test]
    fn an_assertion_is_for_this_provider_and_a_minute() {
        let client = Client { id: "us", secret: None, method: Method::PrivateKey, algorithm: None };
        let claims = |issuer| serde_json::to_value(client.assertion(issuer, "https://op/token", "id", 100)).unwrap();
        assert_eq!(
            claims(Some("https://op")),
            json!({"iss": "us", "sub": "us", "aud": ["https://op", "https://op/token"], "jti": "id", "iat": 100, "exp": 160})
        );
        assert_eq!(claims(None)["aud"], json!(["https://op/token"]));
    }

    #[test]
    fn unknown_methods_are_named() {
        assert_eq!(Method::parse(None), Ok(Method::Basic));
        assert_eq!(Method::parse(Some("none")), Ok(Method::None));
        assert!(
            matches!(Method::parse(Some("tls_client_auth")), Err(Refusal::Misconfigured(text)) if text.contains("tls_"))
        );
    }
}
