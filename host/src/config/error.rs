//! What is wrong with a configuration, all of it at once.
//!
//! Invariant: no text here holds the value of a secret. Each problem names the setting as the person wrote it, the bad
//! value and what is expected.

use std::fmt;

/// All problems of a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    pub(super) fn new(problems: Vec<String>) -> Self {
        Self(problems)
    }

    /// One line a problem, such as `ACCESS_TOKEN_TTL: "soon" is not a duration; write for example 15m, 7d or 900s`.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}

/// Something that works but is probably not what was meant; to be logged at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub(super) String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a setting refuses a value, worded to follow the value: `is not a duration; write for example 15m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl Refusal {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// What reading a configuration has found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<Warning>,
}

impl Report {
    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(Warning(warning.into()));
    }

    /// The value of `result`, or its problem in the report.
    pub(super) fn keep<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.problem(problem)).ok()
    }
}

/// `, did you mean X?` with the name of `names` nearest to `wrong`, or nothing if none is near.
pub(crate) fn hint<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names.map(|name| (distance(wrong, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + wrong.len() / 5 => {
            format!("; did you mean {name}?")
        }
        _ => String::new(),
    }
}

/// Levenshtein's distance: insertions, deletions and replacements from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let cells = row.iter_mut().skip(1).zip(to.bytes());
        for (cell, b) in cells {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits() {
        for (from, to, edits) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("a", "", 1), ("ab", "ba", 2)]
        {
            assert_eq!(distance(from, to), edits, "{from} {to}");
        }
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["GATEWIT_CALLS", "GATEWIT_DATA"];
        assert_eq!(hint("GATEWIT_DATUM", names.into_iter()), "; did you mean GATEWIT_DATA?");
        assert_eq!(hint("GATEWIT_SOMETHING", names.into_iter()), "");
    }
}
