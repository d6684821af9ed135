//! What goes wrong, in the one form that every language makes its exceptions of.
//!
//! Invariant: nothing secret is in it, as in the errors that it is made of.

use gatewit_host::{Refused, StartError, config::ConfigErrors};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Settings cannot be used: a line each, as it is for people.
    Configuration(Vec<String>),
    /// The server cannot start, for a reason outside of its settings.
    Start(String),
    /// The rules refuse. The text may be told to whoever asked.
    Refused {
        /// The code of the wire, such as `INVALID_CREDENTIALS`.
        code: &'static str,
        /// For people.
        message: String,
        /// The status that HTTP would have.
        status: u16,
        /// After how long another try makes sense, in milliseconds.
        retry_after_ms: Option<u128>,
    },
    /// A call whose arguments are none: a mistake in the program.
    Usage(String),
    /// A call that the program gave up.
    Cancelled,
}

impl Problem {
    /// A call did not come to its end.
    pub(crate) fn broken() -> Self {
        let message = "An unexpected error occurred.".to_owned();
        Self::Refused { code: "INTERNAL_SERVER_ERROR", message, status: 500, retry_after_ms: None }
    }

    /// The same as JSON: `kind`, `code`, `message`, and what the kind has besides.
    pub(crate) fn to_json(&self) -> String {
        let value = match self {
            Self::Configuration(lines) => {
                let each = |line: &String| json!({"setting": setting(line), "message": line});
                let problems: Vec<Value> = lines.iter().map(each).collect();
                let first = lines.first().and_then(|line| setting(line));
                let message = lines.iter().fold("the configuration cannot be used:".to_owned(), |mut text, line| {
                    // Writing to a text cannot fail.
                    let _ = write!(text, "\n  {line}");
                    text
                });
                json!({
                    "kind": "configuration", "code": "INVALID_CONFIGURATION", "message": message,
                    "setting": first, "problems": problems,
                })
            }
            Self::Start(message) => json!({"kind": "start", "code": "CANNOT_START", "message": message}),
            Self::Refused { code, message, status, retry_after_ms } => json!({
                "kind": "refused", "code": code, "message": message, "status": status,
                "retry_after_ms": retry_after_ms.and_then(|time| u64::try_from(time).ok()),
            }),
            Self::Cancelled => {
                json!({"kind": "cancelled", "code": "CANCELLED", "message": "The call was given up."})
            }
            Self::Usage(message) => json!({"kind": "usage", "code": "INVALID_ARGUMENT", "message": message}),
        };
        value.to_string()
    }
}

/// The setting that a line is about: the name that it begins with.
fn setting(line: &str) -> Option<&str> {
    let is_name = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    let end = line.find(|letter| !is_name(letter)).unwrap_or(line.len());
    // One letter begins a sentence.
    line.get(..end).filter(|name| name.len() > 1)
}

impl From<ConfigErrors> for Problem {
    fn from(errors: ConfigErrors) -> Self {
        Self::Configuration(errors.problems().map(ToOwned::to_owned).collect())
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Setting(line) => Self::Configuration(vec![line]),
            StartError::Providers(lines) => Self::Configuration(lines),
            error @ StartError::AdminEmail(_) => Self::Configuration(vec![error.to_string()]),
            error => Self::Start(with_causes(&error)),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Refused {
            code: refused.code(),
            message: refused.to_string(),
            status: refused.status(),
            retry_after_ms: refused.retry_after().map(|time| time.as_millis()),
        }
    }
}

/// An error and what led to it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_named_by_the_beginning_of_its_line() {
        for (line, name) in [
            ("ACCESS_TOKEN_TTL: \"soon\" is not a duration", Some("ACCESS_TOKEN_TTL")),
            ("CORS_ORIGIN cannot be sent in a header", Some("CORS_ORIGIN")),
            ("A driver is missing", None),
            ("the database is away", None),
        ] {
            assert_eq!(setting(line), name, "{line}");
        }
    }

    #[test]
    fn a_refusal_has_the_words_of_the_wire() {
        let message = "Invalid user credentials.".to_owned();
        let refused =
            Problem::Refused { code: "INVALID_CREDENTIALS", message, status: 401, retry_after_ms: Some(1_500) };
        let json: Value = serde_json::from_str(&refused.to_json()).unwrap();
        assert_eq!((&json["kind"], &json["code"]), (&json!("refused"), &json!("INVALID_CREDENTIALS")));
        assert_eq!((&json["status"], &json["retry_after_ms"]), (&json!(401), &json!(1_500)));
    }
}
