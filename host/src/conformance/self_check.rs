//! The tries of a driver's own check of its settings, if it has one.
//!
//! What it finds depends on a provider that may not be there, so only this is asked: it answers, says what it found, and does not
//! find well what cannot be.

use super::{Subject, answer::Answer, report::Report, rule::CHECKS};
use crate::capability::drivers::Served;
use std::sync::Arc;

pub(super) async fn called(subject: &Subject<'_>, served: &Arc<Served>, report: &mut Report) {
    let Some(found) = subject.laboratory.check(served).await else {
        return report.skip(&CHECKS, "it has no `check`");
    };
    let mut problems: Vec<_> = judge(&found).into_iter().collect();
    for name in subject.required() {
        let Some(served) = subject.without(name) else { continue };
        let Some(found) = subject.laboratory.check(&served).await else { continue };
        problems.extend(judge_without(name, &found));
    }
    report.judge(&CHECKS, &problems);
}

fn judge(found: &Answer<Vec<String>>) -> Option<String> {
    match found {
        Ok(Ok(lines)) if lines.iter().all(|line| line.trim().is_empty()) => {
            Some("it finds that all is well, and does not say what it tried".to_owned())
        }
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

fn judge_without(name: &str, found: &Answer<Vec<String>>) -> Option<String> {
    match found {
        Ok(Ok(_)) => Some(format!("without `{name}` it finds that all is well")),
        Ok(Err(_)) => None,
        Err(error) => Some(format!("without `{name}`, {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::auth::gatewit::driver::types::Refusal;

    #[test]
    fn a_check_says_what_it_tried_and_misses_what_is_missing() {
        assert_eq!(judge(&Ok(Ok(vec!["the directory answers".to_owned()]))), None);
        assert!(judge(&Ok(Ok(vec![String::new()]))).is_some());
        assert!(judge(&Ok(Ok(Vec::new()))).is_some());
        assert_eq!(judge(&Ok(Err(Refusal::Unavailable(String::new())))), None);
        assert!(judge_without("url", &Ok(Ok(vec!["fine".to_owned()]))).is_some());
        assert_eq!(judge_without("url", &Ok(Err(Refusal::Misconfigured(String::new())))), None);
    }
}
