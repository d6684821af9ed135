//! What was found: named checks, each with its outcome, for people and as JSON.

use super::rule::Rule;
use serde_json::{Value, json};
use std::fmt;

/// Problems of one check that are told. The next ones are found when these are gone.
const PROBLEMS_SHOWN: usize = 3;

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The rule is kept.
    Passed,
    /// It is broken.
    Failed {
        /// What the driver did.
        problem: String,
        /// What its author does about it.
        advice: &'static str,
    },
    /// It could not be tried.
    Skipped(String),
}

/// One rule, and whether it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The name of the rule.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
}

/// What was found out about a driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What the component is called, by its file.
    pub driver: String,
    /// `credentials`, `redirect` and further interfaces of ours that it exports.
    pub powers: Vec<&'static str>,
    /// What it imports, as the engine names it.
    pub imports: Vec<String>,
    /// The longest call, in milliseconds.
    pub slowest_ms: u64,
    /// All checks, in their order.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether no rule is broken.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.verdict, Verdict::Failed { .. }))
    }

    pub(super) fn pass(&mut self, rule: &Rule) {
        self.checks.push(Check { name: rule.name, verdict: Verdict::Passed });
    }

    pub(super) fn skip(&mut self, rule: &Rule, why: impl Into<String>) {
        self.checks.push(Check { name: rule.name, verdict: Verdict::Skipped(why.into()) });
    }

    /// Fails with the problems that there are, passes without one.
    pub(super) fn judge(&mut self, rule: &Rule, problems: &[String]) {
        let verdict = if problems.is_empty() {
            Verdict::Passed
        } else {
            Verdict::Failed { problem: told(problems), advice: rule.advice }
        };
        self.checks.push(Check { name: rule.name, verdict });
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let check = |check: &Check| match &check.verdict {
            Verdict::Passed => json!({"name": check.name, "outcome": "passed"}),
            Verdict::Failed { problem, advice } => {
                json!({"name": check.name, "outcome": "failed", "problem": problem, "advice": advice})
            }
            Verdict::Skipped(why) => json!({"name": check.name, "outcome": "skipped", "reason": why}),
        };
        json!({
            "driver": self.driver,
            "passed": self.passed(),
            "powers": self.powers,
            "imports": self.imports,
            "slowest_ms": self.slowest_ms,
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
        })
    }
}

/// The first problems, each once, and how many more there are.
fn told(problems: &[String]) -> String {
    let is_new = |(place, problem): &(usize, &String)| problems.iter().take(*place).all(|other| other != *problem);
    let each: Vec<&str> = problems.iter().enumerate().filter(is_new).map(|(_, problem)| problem.as_str()).collect();
    let shown = each.iter().take(PROBLEMS_SHOWN).copied().collect::<Vec<_>>().join("; ");
    match each.len().saturating_sub(PROBLEMS_SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let powers = if self.powers.is_empty() { "no contract".to_owned() } else { self.powers.join(", ") };
        writeln!(f, "{}: {powers}", self.driver)?;
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for Check { name, verdict } in &self.checks {
            match verdict {
                Verdict::Passed => {
                    passed += 1;
                    writeln!(f, "  ok    {name}")?;
                }
                Verdict::Failed { problem, advice } => {
                    failed += 1;
                    writeln!(f, "  FAIL  {name}: {problem}\n        → {advice}")?;
                }
                Verdict::Skipped(why) => {
                    skipped += 1;
                    writeln!(f, "  skip  {name}: {why}")?;
                }
            }
        }
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped; the longest call took {} ms", self.slowest_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::rule::{LOADS, NAME, STATE};

    fn report() -> Report {
        let mut report = Report { driver: "acme".into(), powers: vec!["redirect"], ..Report::default() };
        report.pass(&LOADS);
        report.judge(&NAME, &["it calls itself `Acme`".into(), "no".into()]);
        report.skip(&STATE, "nothing began");
        report
    }

    #[test]
    fn people_read_what_is_wrong_and_what_to_do() {
        let text = report().to_string();
        assert!(text.starts_with("acme: redirect\n  ok    it-loads\n  FAIL  its-name-is-plain: it calls itself `Acme`; no\n        → name"), "{text}");
        assert!(text.ends_with("1 passed, 1 failed, 1 skipped; the longest call took 0 ms"), "{text}");
    }

    #[test]
    fn programs_read_the_same() {
        let json = report().to_json();
        assert_eq!(json["passed"], false);
        assert_eq!(json["checks"][1]["outcome"], "failed");
        assert_eq!(json["checks"][2]["reason"], "nothing began");
        let mut good = report();
        good.checks.remove(1);
        assert!(good.passed());
    }
}
