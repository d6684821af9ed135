//! Signing out at the provider (OpenID Connect RP-Initiated Logout 1.0), and being told that somebody did (OpenID Connect
//! Back-Channel Logout 1.0).

use crate::{
    Refusal,
    id_token::{LEEWAY, audience, not_yet, subject},
    issuer::Issuer,
    refusal::missing,
    signed::{Verified, moment},
    text,
};
use alloc::{format, string::String, vec};
use serde_json::{Map, Value};

/// The `typ` of logout tokens: their own, or the one that all tokens had before (section 2.4).
pub const KINDS: [&str; 2] = ["logout+jwt", "JWT"];

/// The event that makes a token one (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// For how many seconds after it was made a notice is taken, whatever it says of its end: so long whoever keeps their names
/// has to remember them. Section 2.4 recommends two minutes.
const SECONDS: i64 = 300;

/// Longest name of a notice or a session, in bytes: they are kept.
const LONGEST: usize = 512;

/// Where the browser goes to sign out at the provider.
#[must_use]
pub fn url(endpoint: &str, client_id: &str, id_token: Option<&str>, callback: &str) -> String {
    let mut pairs = vec![("post_logout_redirect_uri", callback), ("client_id", client_id)];
    pairs.extend(id_token.map(|token| ("id_token_hint", token)));
    text::with_query(endpoint, &pairs)
}

/// That somebody signed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its name.
    pub id: String,
    /// Who.
    pub subject: Option<String>,
    /// From which session.
    pub session: Option<String>,
}

impl Notice {
    /// The same, if people are known by the claim `identifier_key` here. By another one than `sub`, only the session tells
    /// whose it is.
    pub fn by(self, identifier_key: &str) -> Result<Self, Refusal> {
        match self.session {
            _ if identifier_key == "sub" => Ok(self),
            Some(_) => Ok(Self { subject: None, ..self }),
            None => Err(Refusal::Refused(format!(
                "the logout token names a person by `sub` and no session, and people are known by `{identifier_key}` here"
            ))),
        }
    }
}

/// How the provider calls its session, by the claims of an ID token.
#[must_use]
pub fn session(claims: &Map<String, Value>) -> Option<String> {
    claims.get("sid").and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= LONGEST).map(Into::into)
}

/// Reads a logout token (section 2.6). Its signature was verified.
pub fn notice(token: &Verified, issuer: &Issuer, client_id: &str, now: u64) -> Result<Notice, Refusal> {
    const WHAT: &str = "logout token";
    let claims = &token.claims;
    issuer.check(WHAT, claims)?;
    audience(claims, WHAT, client_id)?;
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let made = moment(claims, "iat").ok_or_else(|| missing("`iat` of the logout token"))?;
    not_yet("iat", made, WHAT, now)?;
    let ends = match claims.get("exp") {
        None => None,
        Some(_) => Some(moment(claims, "exp").ok_or_else(|| missing("`exp` of the logout token"))?),
    };
    let last = made.saturating_add(SECONDS);
    if ends.unwrap_or(last).min(last).saturating_add(LEEWAY) <= now {
        return Err(Refusal::Refused(format!("the logout token was made at {made} and is too old at {now}")));
    }
    // An ID token must not pass for a notice.
    if claims.contains_key("nonce") {
        return Err(Refusal::Refused("the logout token has a `nonce`".into()));
    }
    match claims.get("events") {
        Some(Value::Object(events)) if events.get(EVENT).is_some_and(Value::is_object) => {}
        Some(_) => return Err(Refusal::Refused("`events` of the logout token does not name the logout".into())),
        None => return Err(missing("`events` of the logout token")),
    }
    let name = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= LONGEST => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::Refused(format!("`{name}` of the logout token is no usable text"))),
    };
    let id = name("jti")?.ok_or_else(|| missing("`jti` of the logout token"))?;
    let who = if claims.contains_key("sub") { Some(subject(claims, WHAT)?) } else { None };
    let session = name("sid")?;
    if who.is_none() && session.is_none() {
        return Err(Refusal::Refused("the logout token has neither `sub` nor `sid`".into()));
    }
    Ok(Notice { id, subject: who, session })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use expect_test::expect;
    use proptest::prelude::*;
    use serde_json::json;

    fn judge(changes: &Value) -> Result<Notice, String> {
        let mut claims = json!({
            "iss": "https://op", "aud": "us", "iat": 1000, "exp": 1120, "jti": "j", "sub": "s", "sid": "session",
            "events": {EVENT: {}},
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut claims = claims.as_object().unwrap().clone();
        claims.retain(|_, value| *value != json!("absent"));
        let token = Verified { algorithm: "RS256".into(), claims };
        notice(&token, &Issuer::new("https://op".into(), Vec::new()).unwrap(), "us", 1000)
            .map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_notice_is_read() {
        let notice = judge(&json!({})).unwrap();
        assert_eq!((notice.id.as_str(), notice.subject.as_deref()), ("j", Some("s")));
        assert_eq!(notice.session.as_deref(), Some("session"));
        assert_eq!(judge(&json!({"sid": "absent", "exp": "absent"})).unwrap().session, None);
        assert_eq!(judge(&json!({"sub": "absent"})).unwrap().subject, None);
    }

    #[test]
    fn each_check_refuses_what_it_is_for() {
        let refusals: Vec<_> = [
            json!({"iss": "https://evil"}),
            json!({"aud": "them"}),
            json!({"iat": "absent"}),
            json!({"iat": 1100}),
            json!({"iat": 600, "exp": 99_999}),
            json!({"exp": 900}),
            json!({"exp": "never"}),
            json!({"nonce": "n"}),
            json!({"nonce": null}),
            json!({"events": "absent"}),
            json!({"events": {"http://schemas.openid.net/event/other": {}}}),
            json!({"events": {EVENT: true}}),
            json!({"events": EVENT}),
            json!({"jti": "absent"}),
            json!({"jti": 1}),
            json!({"sub": "absent", "sid": "absent"}),
            json!({"sub": "", "sid": "session"}),
            json!({"sid": "x".repeat(LONGEST + 1)}),
        ]
        .map(|changes| judge(&changes).unwrap_err())
        .into();
        expect![[r#"
            [
                "`iss` of the logout token is `https://evil`, expected `https://op`",
                "`aud` of the logout token is `them`, expected `us`",
                "`iat` of the logout token is missing",
                "`iat` of the logout token is 1100, but now it is 1000",
                "the logout token was made at 600 and is too old at 1000",
                "the logout token was made at 1000 and is too old at 1000",
                "`exp` of the logout token is missing",
                "the logout token has a `nonce`",
                "the logout token has a `nonce`",
                "`events` of the logout token is missing",
                "`events` of the logout token does not name the logout",
                "`events` of the logout token does not name the logout",
                "`events` of the logout token does not name the logout",
                "`jti` of the logout token is missing",
                "`jti` of the logout token is no usable text",
                "the logout token has neither `sub` nor `sid`",
                "`sub` of the logout token is missing",
                "`sid` of the logout token is no usable text",
            ]
        "#]]
        .assert_debug_eq(&refusals);
    }

    #[test]
    fn people_who_are_known_by_another_claim_are_found_by_their_session() {
        let notice = judge(&json!({})).unwrap().by("email").unwrap();
        assert_eq!((notice.subject, notice.session.as_deref()), (None, Some("session")));
        assert!(judge(&json!({"sid": "absent"})).unwrap().by("email").is_err());
        assert_eq!(judge(&json!({"sid": "absent"})).unwrap().by("sub").unwrap().subject.as_deref(), Some("s"));
    }

    #[test]
    fn a_session_has_a_name() {
        let session = |value: Value| session(json!({ "sid": value }).as_object().unwrap());
        assert_eq!(session(json!("s")).as_deref(), Some("s"));
        for value in [json!(""), json!(1), json!("x".repeat(LONGEST + 1))] {
            assert_eq!(session(value), None);
        }
    }

    #[test]
    fn the_way_out_tells_who_and_where_to() {
        assert_eq!(
            url("https://op/end?x=1", "us", Some("a.b.c"), "https://here/bye"),
            "https://op/end?x=1&post_logout_redirect_uri=https%3A%2F%2Fhere%2Fbye&client_id=us&id_token_hint=a.b.c"
        );
    }

    proptest! {
        #[test]
        fn any_notice_is_judged(name in "iss|aud|iat|exp|jti|sub|sid|events|nonce", text: String, number: f64) {
            let mut changes = json!({});
            changes[&name] = json!(number);
            let _ = judge(&changes);
            changes[&name] = json!(text);
            if let Ok(notice) = judge(&changes) {
                prop_assert!(!notice.id.is_empty() && (notice.subject.is_some() || notice.session.is_some()));
            }
        }
    }
}
