//! When a document of a provider is asked for again, so that a provider that is down for a while is not noticed, and one
//! that is down for long is not asked by every sign-in.
//!
//! | there is | and it is | then |
//! |---|---|---|
//! | a copy | young | it is used |
//! | a copy | old | it is asked for; if that fails, the copy is used |
//! | a failure | a moment old | nobody asks; the copy is used, if there is one |
//! | nothing | | it is asked for |
//!
//! Keys are asked for again when one is missing, too: providers change them without notice.

/// For how many seconds a copy is used without asking.
pub const FRESH_SECONDS: u32 = 3600;

/// For how many seconds a copy is kept, for the day on which the provider does not answer.
pub const KEEP_SECONDS: u32 = 86_400 + FRESH_SECONDS;

/// For how many seconds after a failure nobody asks.
pub const FAILURE_SECONDS: u32 = 5;

/// For how many seconds after keys were asked for because one was missing, that is not done again: whoever sends tokens
/// with keys of their imagination does not make us ask for each.
pub const REFETCH_SECONDS: u32 = 30;

/// What to do about a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Use the copy.
    Use,
    /// Ask for it.
    Ask,
    /// Neither is possible: there is no copy, and asking has just failed.
    Fail,
}

/// What to do, by the age of the copy and by whether asking has just failed.
#[must_use]
pub fn step(age_seconds: Option<u32>, failed: bool) -> Step {
    match (age_seconds, failed) {
        (Some(age), _) if age < FRESH_SECONDS => Step::Use,
        (Some(_), true) => Step::Use,
        (None, true) => Step::Fail,
        (_, false) => Step::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_above_holds() {
        assert_eq!(step(Some(0), false), Step::Use);
        assert_eq!(step(Some(FRESH_SECONDS - 1), true), Step::Use);
        assert_eq!(step(Some(FRESH_SECONDS), false), Step::Ask);
        assert_eq!(step(Some(KEEP_SECONDS), true), Step::Use);
        assert_eq!(step(None, false), Step::Ask);
        assert_eq!(step(None, true), Step::Fail);
    }
}
