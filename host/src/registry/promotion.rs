//! When a generation that is tried out is to serve everybody, or nobody, without anybody deciding it. Pure.
//!
//! A rule is strict unless it says otherwise: one difference or one failure too many ends the trial at once, and only after
//! as many calls as it wants does the generation serve. Each host counts its own calls; the first that has seen enough decides.

use super::Refused;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Calls that a rule may wait for. More would be a trial for ever.
const AFTER_MAX: u64 = 1_000_000_000;

/// What a generation on trial has to do, to serve everybody.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// Calls that it has to have taken, or been shown.
    pub(crate) after: u64,
    /// Answers that may differ.
    pub(crate) max_differences: u64,
    /// The share of calls that may fail, from 0 to 1.
    pub(crate) max_failures: f64,
}

/// How it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) calls: u64,
    pub(crate) differences: u64,
    pub(crate) failures: u64,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It serves everybody.
    Promote,
    /// It is tried out no longer.
    End,
}

impl Rule {
    /// # Errors
    /// It could never be kept, or would wait for ever.
    pub(super) fn check(self) -> Result<Self, Refused> {
        let is_share = (0.0..=1.0).contains(&self.max_failures);
        if is_share && (1..=AFTER_MAX).contains(&self.after) { Ok(self) } else { Err(Refused::Rule) }
    }

    /// What is to be done now, if anything is.
    #[expect(clippy::cast_precision_loss, reason = "a share of a thousand million calls need not be exact")]
    pub(super) fn decide(self, figures: Figures) -> Option<Decision> {
        let Figures { calls, differences, failures } = figures;
        // What fails is measured against all calls of the trial: the first of them must not end what one in a hundred may.
        let bearable = self.max_failures * calls.max(self.after) as f64;
        if differences > self.max_differences || failures as f64 > bearable {
            return Some(Decision::End);
        }
        (calls >= self.after).then_some(Decision::Promote)
    }

    /// As it lies in the database.
    pub(super) fn write(self) -> String {
        serde_json::to_string(&self).unwrap_or_default()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As an operator sees it.
    pub(super) fn shown(self) -> Json {
        let Self { after, max_differences, max_failures } = self;
        json!({ "promote_after": after, "max_differences": max_differences, "max_failures": max_failures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(rule: Rule, calls: u64, differences: u64, failures: u64) -> Option<Decision> {
        rule.decide(Figures { calls, differences, failures })
    }

    #[test]
    fn what_does_well_long_enough_serves() {
        let strict = Rule { after: 100, max_differences: 0, max_failures: 0.0 };
        assert_eq!(decide(strict, 0, 0, 0), None);
        assert_eq!(decide(strict, 99, 0, 0), None);
        assert_eq!(decide(strict, 100, 0, 0), Some(Decision::Promote));
        assert_eq!(decide(strict, 1, 1, 0), Some(Decision::End));
        assert_eq!(decide(strict, 1, 0, 1), Some(Decision::End));
        assert_eq!(decide(strict, 200, 1, 0), Some(Decision::End), "however long it did well");
    }

    #[test]
    fn what_may_fail_sometimes_is_not_ended_by_the_first_time() {
        let mild = Rule { after: 100, max_differences: 2, max_failures: 0.02 };
        assert_eq!(decide(mild, 1, 2, 1), None);
        assert_eq!(decide(mild, 10, 0, 2), None);
        assert_eq!(decide(mild, 10, 0, 3), Some(Decision::End), "it cannot keep the rule any more");
        assert_eq!(decide(mild, 10, 3, 0), Some(Decision::End));
        assert_eq!(decide(mild, 100, 2, 2), Some(Decision::Promote));
    }

    #[test]
    fn a_rule_is_kept_as_it_is_and_one_that_makes_no_sense_is_refused() {
        let rule = Rule { after: 5, max_differences: 1, max_failures: 0.5 };
        assert_eq!(Rule::read(&rule.write()), Some(rule));
        assert!(rule.check().is_ok());
        assert!(Rule { after: 0, ..rule }.check().is_err());
        assert!(Rule { max_failures: 1.5, ..rule }.check().is_err());
        assert!(Rule { max_failures: f64::NAN, ..rule }.check().is_err());
    }
}
