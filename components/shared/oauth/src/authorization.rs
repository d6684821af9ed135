//! Where the browser goes (RFC 6749, section 4.1.1), and what it brings back (section 4.1.2, RFC 9207).
//!
//! `state` is compared by the rules before anything else is looked at. Absent: other flows than that of the code.

use crate::{Refusal, issuer::Issuer, pkce, refusal::mismatch, refusal::missing, text};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use gatewit_jose::strict;
use serde_json::Value;

/// Longest code that is redeemed, in bytes: the longest ones known have 2 kilobytes.
const LONGEST_CODE: usize = 16 * 1024;

/// Parameters that an operator's additions never replace: they are the protocol.
const OURS: [&str; 9] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "state",
    "nonce",
    "request",
    "request_uri",
];

/// What the provider is asked.
#[derive(Debug, Clone)]
pub struct Beginning<'a> {
    /// The authorization endpoint.
    pub endpoint: &'a str,
    /// Our name there.
    pub client_id: &'a str,
    /// What we want to know.
    pub scope: &'a str,
    /// Where the browser comes back to.
    pub callback: &'a str,
    /// Whether the person shall be asked in any case.
    pub prompt: bool,
    /// What the operator adds, of [`additions`].
    pub additions: &'a [(String, String)],
    /// PKCE; `None` for providers that refuse it.
    pub method: Option<pkce::Method>,
    /// PKCE.
    pub verifier: &'a str,
    /// The rules' own.
    pub state: &'a str,
    /// OpenID Connect's, which comes back in the ID token.
    pub nonce: Option<&'a str>,
}

impl Beginning<'_> {
    /// The URL, its parameters in the order of Directus. An addition of a name that is there already takes its place.
    #[must_use]
    pub fn url(&self) -> String {
        let mut pairs: Vec<(&str, &str)> = vec![
            ("client_id", self.client_id),
            ("scope", self.scope),
            ("response_type", "code"),
            ("redirect_uri", self.callback),
            ("access_type", "offline"),
        ];
        if self.prompt {
            pairs.push(("prompt", "consent"));
        }
        for (name, value) in self.additions {
            match pairs.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = value,
                None => pairs.push((name, value)),
            }
        }
        let challenge = self.method.map(|method| (method.challenge(self.verifier), method.name()));
        if let Some((challenge, method)) = &challenge {
            pairs.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", *method)]);
        }
        pairs.push(("state", self.state));
        pairs.extend(self.nonce.map(|nonce| ("nonce", nonce)));
        text::with_query(self.endpoint, &pairs)
    }
}

/// Reads the setting `params`: parameters in the order written. Those that are the protocol's own are left out.
pub fn additions(json: &str) -> Result<Vec<(String, String)>, Refusal> {
    let wrong = || Refusal::Misconfigured("the setting `params` is no JSON object".into());
    let members = strict::members(json).ok_or_else(wrong)?;
    let free = members.into_iter().filter(|(name, value)| !OURS.contains(&name.as_str()) && !value.is_null());
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(free.map(|(name, value)| (name, text(value))).collect())
}

/// The value of a parameter that occurs once.
#[must_use]
pub fn single<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = parameters.iter().filter(|(known, _)| known == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

/// Who may have answered (RFC 9207).
#[derive(Debug, Clone, Copy)]
pub struct Party<'a> {
    /// The provider's name of itself.
    pub issuer: &'a Issuer,
    /// Whether its answers always say it.
    pub always: bool,
}

/// The code of an answer. `party` is `None` where the provider has no name for itself: then each provider's own callback
/// tells them apart (RFC 9700, section 4.4.2.2).
pub fn code<'a>(parameters: &'a [(String, String)], party: Option<Party<'_>>) -> Result<&'a str, Refusal> {
    for name in ["code", "error", "iss", "state"] {
        if parameters.iter().filter(|(known, _)| known == name).count() > 1 {
            return Err(Refusal::Refused(format!("the answer has `{name}` more than once")));
        }
    }
    let named = single(parameters, "iss");
    if let (Some(party), Some(found)) = (party, named)
        && !party.issuer.is(found)
    {
        return Err(mismatch("`iss` of the answer", found, party.issuer.written()));
    }
    if let Some(error) = single(parameters, "error") {
        return Err(Refusal::Refused(explained(
            "the provider answers",
            error,
            single(parameters, "error_description"),
        )));
    }
    if named.is_none() && party.is_some_and(|party| party.always) {
        return Err(missing("`iss` of the answer"));
    }
    match single(parameters, "code") {
        None | Some("") => Err(missing("`code` of the answer")),
        Some(code) if code.len() > LONGEST_CODE => Err(Refusal::Refused("`code` of the answer is too long".into())),
        Some(code) => Ok(code),
    }
}

/// What a provider says of an error, for the log.
pub(crate) fn explained(what: &str, error: &str, description: Option<&str>) -> String {
    let (error, description) = (text::shown(error), description.map(text::shown));
    match description.filter(|description| !description.is_empty()) {
        Some(description) => format!("{what} `{error}`: {description}"),
        None => format!("{what} `{error}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    fn beginning() -> Beginning<'static> {
        Beginning {
            endpoint: "http://127.0.0.1:9000/auth",
            client_id: "directus-openid",
            scope: "openid profile email offline_access",
            callback: "http://127.0.0.1:8058/auth/login/oid/callback",
            prompt: false,
            additions: &[],
            method: Some(pkce::Method::S256),
            verifier: "xMo4x5UZDtU80cqeDE_i5Ut9wA7Rzpmvj5oFt_VoKfU",
            state: "the-state",
            nonce: Some("the-nonce"),
        }
    }

    #[test]
    fn the_url_is_the_recorded_one_but_for_state_and_nonce() {
        expect!["http://127.0.0.1:9000/auth?client_id=directus-openid&scope=openid%20profile%20email%20offline_access&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A8058%2Fauth%2Flogin%2Foid%2Fcallback&access_type=offline&code_challenge=2HCixbdtCWmRvmrjEDPeUdI0Za4d7SDeEvwCyyHF25c&code_challenge_method=S256&state=the-state&nonce=the-nonce"]
            .assert_eq(&beginning().url());
    }

    #[test]
    fn additions_stand_where_directus_puts_them() {
        let additions = additions(r#"{"prompt":"login","custom":1,"scope":"openid","state":"x","none":null}"#).unwrap();
        let url = Beginning { additions: &additions, prompt: true, nonce: None, ..beginning() }.url();
        let query = url.split_once('?').unwrap().1;
        let names: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("code_")).collect();
        expect![[r#"
            [
                "client_id=directus-openid",
                "scope=openid",
                "response_type=code",
                "redirect_uri=http%3A%2F%2F127.0.0.1%3A8058%2Fauth%2Flogin%2Foid%2Fcallback",
                "access_type=offline",
                "prompt=login",
                "custom=1",
                "state=the-state",
            ]
        "#]]
        .assert_debug_eq(&names);
    }

    #[test]
    fn the_person_is_asked_if_that_is_wanted() {
        assert!(Beginning { prompt: true, ..beginning() }.url().contains("&access_type=offline&prompt=consent&code_"));
    }

    #[test]
    fn a_challenge_is_left_out_where_the_provider_refuses_it() {
        let url = Beginning { method: None, ..beginning() }.url();
        assert!(!url.contains("code_challenge") && url.contains("&state=the-state&nonce="), "{url}");
    }

    #[test]
    fn additions_must_be_an_object() {
        for json in ["", "[]", "1", r#"{"a":1,"a":2}"#] {
            assert!(matches!(additions(json), Err(Refusal::Misconfigured(_))), "{json}");
        }
    }

    fn pairs(query: &str) -> Vec<(String, String)> {
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    fn issuer() -> Issuer {
        Issuer::new("https://op".into(), Vec::new()).unwrap()
    }

    #[test]
    fn an_answer_is_a_code_of_the_right_provider() {
        let issuer = issuer();
        let party = Some(Party { issuer: &issuer, always: true });
        let answer = |query| code(&pairs(query), party).map(String::from).map_err(|refusal| refusal.to_string());
        assert_eq!(answer("code=c&state=s&iss=https%3A%2F%2Fop"), Ok("c".into()));
        let refusals: Vec<_> = [
            "code=c&iss=https%3A%2F%2Fop%2F",
            "code=c",
            "code=c&code=d&iss=https%3A%2F%2Fop",
            "iss=https%3A%2F%2Fop",
            "code=&iss=https%3A%2F%2Fop",
            "error=access_denied&error_description=No%0Away&code=c&iss=https%3A%2F%2Fop",
            "error=access_denied&iss=https%3A%2F%2Fevil",
            "error=server_error",
        ]
        .map(|query| answer(query).unwrap_err())
        .into();
        expect![[r#"
            [
                "`iss` of the answer is `https://op/`, expected `https://op`",
                "`iss` of the answer is missing",
                "the answer has `code` more than once",
                "`code` of the answer is missing",
                "`code` of the answer is missing",
                "the provider answers `access_denied`: No�way",
                "`iss` of the answer is `https://evil`, expected `https://op`",
                "the provider answers `server_error`",
            ]
        "#]]
        .assert_debug_eq(&refusals);
    }

    #[test]
    fn a_provider_that_does_not_announce_its_name_may_leave_it_out_but_not_lie() {
        let issuer = issuer();
        let party = Some(Party { issuer: &issuer, always: false });
        assert_eq!(code(&pairs("code=c"), party), Ok("c"));
        assert!(code(&pairs("code=c&iss=x"), party).is_err());
        assert_eq!(code(&pairs("code=c&iss=x"), None), Ok("c"));
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(parameters: Vec<(String, String)>, json: String) {
            let issuer = issuer();
            if let Ok(code) = code(&parameters, Some(Party { issuer: &issuer, always: true })) {
                prop_assert!(!code.is_empty());
            }
            let _ = additions(&json);
        }
    }
}
