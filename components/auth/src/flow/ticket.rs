//! What a browser carries while it is away at a provider: a signed note of how the sign-in began.
//!
//! It has a key of its own, so no other token passes for it. Its state, the verifier and the nonce in the driver's memory
//! are three independent values (RFC 9700, section 2.1).

use super::{Refusal, token::ALGORITHM};
use alloc::string::String;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gatewit_jose::Compact;
use serde::{Deserialize, Serialize};

/// Random bytes of a state: 43 letters.
pub const STATE_BYTES: usize = 32;

/// Longest ticket that fits into a cookie beside its name and attributes (RFC 6265, section 6.1).
pub const LENGTH_MAX: usize = 3800;

/// The claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which provider the browser was sent to.
    pub provider: String,
    /// What the provider hands back.
    pub state: String,
    /// The driver's.
    pub memory: String,
    /// Where the browser goes in the end, resolved, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// Whether the provider was told to ask the person.
    pub prompt: bool,
    /// A one-time password for an account with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otp: Option<String>,
    /// The account that the identity is to be linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Where the provider sends the browser back to.
    #[serde(rename = "callbackUrl")]
    pub callback: String,
    /// Seconds since the Unix epoch.
    pub iat: u64,
    /// Seconds since the Unix epoch.
    pub exp: u64,
}

/// A state.
#[must_use]
pub fn state(entropy: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(entropy)
}

/// Reads a ticket for a provider. `genuine` says whether its signature was verified with the key for tickets.
///
/// # Errors
/// [`Refusal::InvalidCredentials`] for anything but a living ticket for this provider.
pub fn read(jws: &Compact<'_>, genuine: bool, provider: &str, now_seconds: u64) -> Result<Ticket, Refusal> {
    let ticket: Option<Ticket> = if genuine && jws.algorithm == ALGORITHM { jws.claims() } else { None };
    ticket.filter(|ticket| ticket.provider == provider && ticket.exp > now_seconds).ok_or(Refusal::InvalidCredentials)
}

impl Ticket {
    /// Whether an answer belongs to this beginning. The state is a secret of the browser, so the comparison looks at all
    /// of it.
    #[must_use]
    pub fn answers(&self, state: Option<&str>) -> bool {
        let Some(state) = state else { return false };
        let differences = self.state.bytes().zip(state.bytes()).fold(0, |found, (left, right)| found | (left ^ right));
        self.state.len() == state.len() && differences == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewit_jose::{compact, signing_input};

    fn ticket() -> Ticket {
        Ticket {
            provider: "okta".into(),
            state: state(&[7; STATE_BYTES]),
            memory: "m".into(),
            redirect: Some("/x".into()),
            prompt: false,
            otp: None,
            link: None,
            callback: "http://a/auth/login/okta/callback".into(),
            iat: 1,
            exp: 100,
        }
    }

    fn at(provider: &str, now: u64, genuine: bool, algorithm: &str) -> Result<Ticket, Refusal> {
        let text = compact(signing_input(algorithm, &ticket()).unwrap(), b"s");
        read(&Compact::parse(&text).unwrap(), genuine, provider, now)
    }

    #[test]
    fn a_ticket_is_good_for_its_provider_until_its_time_is_over() {
        assert_eq!(at("okta", 99, true, ALGORITHM), Ok(ticket()));
        for (provider, now, genuine, algorithm) in [
            ("okta", 100, true, ALGORITHM),
            ("google", 1, true, ALGORITHM),
            ("okta", 1, false, ALGORITHM),
            ("okta", 1, true, "none"),
        ] {
            assert_eq!(at(provider, now, genuine, algorithm), Err(Refusal::InvalidCredentials));
        }
    }

    #[test]
    fn another_kind_of_token_is_no_ticket() {
        let claims = serde_json::json!({"id": "u", "exp": 100, "iss": "directus"});
        let text = compact(signing_input(ALGORITHM, &claims).unwrap(), b"s");
        assert!(read(&Compact::parse(&text).unwrap(), true, "okta", 1).is_err());
    }

    #[test]
    fn only_the_same_state_answers() {
        let ticket = ticket();
        assert!(ticket.answers(Some(&ticket.state)));
        assert_eq!(ticket.state.len(), 43);
        let longer = alloc::format!("{}A", ticket.state);
        for other in [None, Some(""), Some("tampered"), Some(&longer), ticket.state.get(1..)] {
            assert!(!ticket.answers(other), "{other:?}");
        }
    }
}
