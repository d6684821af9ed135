//! Ends trials by the rules that they were given: the generation serves everybody, or is gone.
//!
//! What is done so is on record as the server's own deed, with the figures in the log.

use super::{Refused, Registry, promotion::Decision};
use std::collections::BTreeMap;

impl Registry {
    /// Looks at every trial that has a rule.
    pub(super) async fn judge(&self) {
        let mut state = self.state.lock().await;
        let due: Vec<_> = state
            .slots
            .iter()
            .filter_map(|(name, slot)| {
                let trial = slot.trial.as_ref()?;
                let figures = trial.figures();
                Some((name.clone(), trial.rule?.decide(figures)?, figures))
            })
            .collect();
        for (name, decision, figures) in due {
            let (what, done) = match decision {
                Decision::Promote => ("component.promote", self.promote_in(&mut state, &name).await.map(drop)),
                Decision::End => ("component.end-trial", self.end_trial_in(&mut state, &name).await),
            };
            match done {
                Ok(()) => {
                    let (calls, differences, failures) = (figures.calls, figures.differences, figures.failures);
                    let word = if decision == Decision::Promote { "serves everybody" } else { "is given up" };
                    tracing::info!(component = name, calls, differences, failures, "by its rule, a trial {word}");
                    state.refusals.remove(&name);
                    self.note(what, &name, "done").await;
                }
                Err(refused) => undecided(&mut state.refusals, name, &refused),
            }
        }
    }
}

/// Says once why a trial goes on that should have ended; it is tried again.
fn undecided(refusals: &mut BTreeMap<String, String>, name: String, refused: &Refused) {
    let text = refused.to_string();
    if refusals.get(&name) != Some(&text) {
        let error = refused as &dyn std::error::Error;
        tracing::error!(component = name, error, "the rule of a trial cannot be followed");
        refusals.insert(name, text);
    }
}
