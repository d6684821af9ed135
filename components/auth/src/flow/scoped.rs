//! Tokens in mailed links: for one purpose, for an address, for a time.
//!
//! They have Directus's form, so that a link that it sent is good here and the other way round.

use super::{Refusal, token::ALGORITHM};
use alloc::{string::String, vec::Vec};
use gatewit_jose::Compact;
use serde::{Deserialize, Serialize};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Setting a new password.
    PasswordReset,
    /// Accepting an invitation.
    Invite,
    /// Verifying an address.
    Registration,
}

impl Scope {
    /// As the token names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset",
            Self::Invite => "invite",
            Self::Registration => "pending-registration",
        }
    }
}

/// The claims of such a token, in the order on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims<'a> {
    /// Whose account it is about.
    pub email: &'a str,
    /// [`Scope::name`].
    pub scope: &'static str,
    /// The mark of the password that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<&'a str>,
    /// Seconds since the Unix epoch.
    pub iat: u64,
    /// Seconds since the Unix epoch.
    pub exp: u64,
    /// The issuer.
    pub iss: &'static str,
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// Whose account it is about.
    pub email: String,
    /// The mark of the password that it replaces.
    pub mark: Option<String>,
}

#[derive(Deserialize)]
struct Claimed {
    email: Option<String>,
    scope: Option<String>,
    hash: Option<String>,
    exp: Option<u64>,
    iss: Option<String>,
}

/// Reads a token for a scope. `genuine` says whether its signature was verified with our key.
///
/// # Errors
/// [`Refusal::InvalidToken`] for what is not ours, [`Refusal::TokenExpired`] after its time,
/// [`Refusal::Forbidden`] for another purpose.
pub fn read(jws: &Compact<'_>, genuine: bool, scope: Scope, now_seconds: u64) -> Result<Mandate, Refusal> {
    if jws.algorithm != ALGORITHM || !genuine {
        return Err(Refusal::InvalidToken);
    }
    let claimed: Claimed = jws.claims().ok_or(Refusal::InvalidToken)?;
    if claimed.iss.as_deref() != Some(super::token::ISSUER) {
        return Err(Refusal::InvalidToken);
    }
    // A link without an end would be good for ever: fail closed.
    if claimed.exp.is_none_or(|until| until <= now_seconds) {
        return Err(Refusal::TokenExpired);
    }
    if claimed.scope.as_deref() != Some(scope.name()) {
        return Err(Refusal::Forbidden(None));
    }
    Ok(Mandate { email: claimed.email.ok_or(Refusal::Forbidden(None))?, mark: claimed.hash })
}

/// Addresses without those that come twice, whatever their case.
#[must_use]
pub fn distinct(emails: &[String]) -> Vec<&String> {
    let mut seen: Vec<String> = Vec::new();
    emails
        .iter()
        .filter(|email| {
            let folded = email.to_lowercase();
            let new = !seen.contains(&folded);
            seen.push(folded);
            new
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewit_jose::{compact, signing_input};
    use serde_json::{Value, json};

    fn at_100(claims: &Value, genuine: bool) -> Result<Mandate, Refusal> {
        let token = compact(signing_input(ALGORITHM, claims).unwrap(), b"s");
        read(&Compact::parse(&token).unwrap(), genuine, Scope::Invite, 100)
    }

    #[test]
    fn a_good_token_is_a_mandate() {
        let claims = json!({"email": "a@b.co", "scope": "invite", "exp": 101, "iss": "directus"});
        assert_eq!(at_100(&claims, true), Ok(Mandate { email: "a@b.co".into(), mark: None }));
        assert_eq!(at_100(&claims, false), Err(Refusal::InvalidToken));
    }

    #[test]
    fn other_purposes_and_times_are_refused() {
        let of = |scope: &str, exp: Value, iss: &str| {
            at_100(&json!({"email": "a@b.co", "scope": scope, "exp": exp, "iss": iss}), true).unwrap_err()
        };
        assert_eq!(of("password-reset", json!(101), "directus"), Refusal::Forbidden(None));
        assert_eq!(of("invite", json!(100), "directus"), Refusal::TokenExpired);
        assert_eq!(of("invite", json!(null), "directus"), Refusal::TokenExpired);
        assert_eq!(of("invite", json!(101), "somebody"), Refusal::InvalidToken);
        assert_eq!(
            at_100(&json!({"scope": "invite", "exp": 101, "iss": "directus"}), true),
            Err(Refusal::Forbidden(None))
        );
        // An access token has no scope.
        assert_eq!(at_100(&json!({"id": "x", "exp": 101, "iss": "directus"}), true), Err(Refusal::Forbidden(None)));
    }

    #[test]
    fn addresses_are_invited_once() {
        let emails = ["a@b.co".into(), "A@b.co".into(), "c@d.co".into()];
        assert_eq!(distinct(&emails), [&emails[0], &emails[2]]);
    }
}
