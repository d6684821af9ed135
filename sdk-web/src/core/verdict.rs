//! What an answer to a refresh means for the session.
//!
//! Invariant: a session ends only when this server, in its own words, says that it has. Networks, proxies, portals, servers
//! that are starting or overloaded and answers that nobody understands leave it as it is.

use alloc::rc::Rc;
use alloc::string::String;
use core::ops::Deref;

use super::code::Code;

/// Why a request did not give what it was sent for. Shared like a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure(Rc<Reason>);

/// What there is to know of a failure.
#[derive(Debug, PartialEq)]
pub struct Reason {
    /// For programs.
    pub code: Code,
    /// For people who read logs.
    pub message: String,
    /// The status of the answer; 0 without one.
    pub status: f64,
    /// When the server wants to be asked again, in milliseconds from now.
    pub retry_ms: Option<f64>,
}

impl Deref for Failure {
    type Target = Reason;

    fn deref(&self) -> &Reason {
        &self.0
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self(Rc::new(reason))
    }
}

impl Failure {
    /// One of the SDK's own.
    #[must_use]
    pub fn own(code: Code, message: &str) -> Self {
        Reason { code, message: message.into(), status: 0.0, retry_ms: None }.into()
    }

    /// Whether the answer to a refresh says that the session is over.
    ///
    /// By its code and not by its status: a 401 or 403 of something in between has no code.
    #[must_use]
    pub fn ends_the_session(&self) -> bool {
        use Code::{InvalidCredentials, InvalidPayload, InvalidToken, SignedOut, TokenExpired, UserSuspended};
        // 400 `INVALID_PAYLOAD` is how a server says that there was no cookie.
        matches!(
            self.code,
            InvalidCredentials | InvalidPayload | InvalidToken | SignedOut | TokenExpired | UserSuspended
        )
    }
}

/// The code of an answer that is not what was asked for: `named` is what it says of itself, if anything.
#[must_use]
pub fn code_of(status: u16, named: &str) -> Code {
    match named {
        // Without a code it is not this server that spoke, or not in its right mind.
        "" if status == 429 || status >= 500 => Code::ServiceUnavailable,
        "" => Code::InvalidAnswer,
        named => Code::of(named),
    }
}

/// How long to wait after so many failures in a row, in milliseconds. What the server asked for goes first.
#[must_use]
pub fn pause_ms(failures: u32, asked_ms: Option<f64>) -> f64 {
    let doubled = FIRST_PAUSE_MS * f64::from(1_u32 << failures.saturating_sub(1).min(DOUBLINGS));
    asked_ms.unwrap_or(0.0).clamp(0.0, LONGEST_ASKED_MS).max(doubled.min(LONGEST_PAUSE_MS))
}

/// A server that restarts is back in a second or two.
const FIRST_PAUSE_MS: f64 = 1000.0;
/// Often enough that a person does not wait for a session to come back to life.
const LONGEST_PAUSE_MS: f64 = 60_000.0;
/// 2^6 seconds are more than the longest pause.
const DOUBLINGS: u32 = 6;
/// A server may ask for more than our longest pause, but not for a day.
const LONGEST_ASKED_MS: f64 = 600_000.0;

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_words_end_a_session() {
        let ends: Vec<&str> = Code::ALL
            .iter()
            .filter(|code| Failure::own(**code, "").ends_the_session())
            .map(|code| code.text())
            .collect();
        let expected = [
            "INVALID_CREDENTIALS",
            "INVALID_TOKEN",
            "TOKEN_EXPIRED",
            "USER_SUSPENDED",
            "INVALID_PAYLOAD",
            "SIGNED_OUT",
        ];
        assert_eq!(ends, expected);
    }

    #[test]
    fn answers_of_others_have_codes_that_end_nothing() {
        assert_eq!(code_of(401, "INVALID_OTP"), Code::InvalidOtp);
        assert_eq!(code_of(401, "NEW_ONE"), Code::Unknown);
        for (status, code) in [(200, Code::InvalidAnswer), (401, Code::InvalidAnswer), (502, Code::ServiceUnavailable)]
        {
            assert_eq!(code_of(status, ""), code);
            assert!(!Failure::own(code, "").ends_the_session());
        }
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_heed_the_server() {
        let pauses: Vec<f64> = (1..=9).map(|failures| pause_ms(failures, None) / 1000.0).collect();
        assert_eq!(pauses, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
        assert!((pause_ms(1, Some(7000.0)) - 7000.0).abs() < 0.1);
        assert!((pause_ms(3, Some(1.0)) - 4000.0).abs() < 0.1);
        assert!((pause_ms(1, Some(1e12)) - 600_000.0).abs() < 0.1);
        assert!((pause_ms(1, Some(f64::NAN)) - 1000.0).abs() < 0.1);
    }
}
