//! What is kept for us: from the beginning of a sign-in to its end, and from one refresh to the next.

use crate::Refusal;
use alloc::string::{String, ToString};
use gatewit_jose::strict;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the end of a sign-in needs of its beginning. The rules keep it, signed, in the browser that began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// PKCE.
    pub verifier: String,
    /// OpenID Connect's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

impl Memory {
    /// As a text.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From a text that was ours.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let foreign = |_| Refusal::Expired("what was kept of the beginning cannot be read".into());
        serde_json::from_str(text).map_err(foreign)
    }
}

/// What is kept of a refresh token, as Directus keeps it; nothing without one.
#[must_use]
pub fn auth_data(refresh_token: Option<&str>) -> Option<String> {
    refresh_token.map(|token| json!({ "refreshToken": token }).to_string())
}

/// The refresh token that is kept.
#[must_use]
pub fn refresh_token(auth_data: Option<&str>) -> Option<String> {
    match strict::object(auth_data?.as_bytes())?.remove("refreshToken") {
        Some(Value::String(token)) if !token.is_empty() => Some(token),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_kept_comes_back() {
        for nonce in [None, Some("n".into())] {
            let memory = Memory { verifier: "v".into(), nonce };
            assert_eq!(Memory::read(&memory.write()), Ok(memory));
        }
        assert!(Memory::read("{}").is_err());
        assert_eq!(auth_data(Some("t\"")).as_deref(), Some(r#"{"refreshToken":"t\""}"#));
        assert_eq!(auth_data(None), None);
    }

    #[test]
    fn what_others_keep_is_no_token() {
        for text in ["", "null", "{}", r#"{"refreshToken":""}"#, r#"{"refreshToken":1}"#, r#"{"refresh":"t"}"#] {
            assert_eq!(refresh_token(Some(text)), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_token_comes_back(token in ".+", text: String) {
            prop_assert_eq!(refresh_token(auth_data(Some(&token)).as_deref()), Some(token));
            let _ = (Memory::read(&text), refresh_token(Some(&text)));
        }
    }
}
