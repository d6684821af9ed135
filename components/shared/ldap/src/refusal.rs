//! Why nobody was identified, by who can do something about it.

use alloc::string::String;
use core::fmt;

/// The cases of `gatewit:driver` that a directory knows. Texts are for whoever reads the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The password is wrong, or there is no such person.
    InvalidCredentials,
    /// The directory does not let this person in.
    Refused(String),
    /// The directory cannot be reached or answers nonsense.
    Unavailable(String),
    /// A setting cannot be used.
    Misconfigured(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidCredentials => formatter.write_str("the credentials are wrong"),
            Self::Refused(text) | Self::Unavailable(text) | Self::Misconfigured(text) => formatter.write_str(text),
        }
    }
}
