//! Why nobody was identified, by who can do something about it.

use crate::text::shown;
use alloc::{format, string::String};
use core::fmt;

/// The cases of `gatewit:driver` that this protocol knows. Texts are for whoever reads the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The provider refuses, or what it says must not be believed.
    Refused(String),
    /// A signature was made by no key of the metadata. Newer metadata may have one.
    UnknownKey(String),
    /// What the provider gave is no longer good.
    Expired(String),
    /// The provider cannot be reached or answers nonsense.
    Unavailable(String),
    /// A setting cannot be used.
    Misconfigured(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(text)
        | Self::UnknownKey(text)
        | Self::Expired(text)
        | Self::Unavailable(text)
        | Self::Misconfigured(text)) = self;
        formatter.write_str(text)
    }
}

/// A check that failed: what was looked at, what was found, what would have been right.
pub(crate) fn mismatch(what: &str, found: &str, expected: &str) -> Refusal {
    Refusal::Refused(format!("{what} is `{}`, expected `{}`", shown(found), shown(expected)))
}

/// Something that should be there and is not.
pub(crate) fn missing(what: &str) -> Refusal {
    Refusal::Refused(format!("{what} is missing"))
}

/// A refusal in plain words.
pub(crate) fn refused(text: &str) -> Refusal {
    Refusal::Refused(text.into())
}
