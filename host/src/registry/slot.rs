//! Which generations there are of one component: the one that serves, the one before, the one on trial. Pure.

use super::{
    generation::{Generation, Origin},
    promotion::{Figures, Rule},
};
use crate::capability::{
    comparison::Comparison,
    drivers::{OnTrial, Served},
};
use crate::engine::Digest;
use std::sync::Arc;

/// How a generation is tried out beside the one that serves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// It takes a share of the calls, from 0 to 1.
    Canary(f64),
    /// It sees copies of calls; its answers are compared and go to nobody.
    Shadow,
}

/// A generation on trial.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) generation: Arc<Generation>,
    pub(crate) mode: Mode,
    /// How its answers compare, over all providers.
    pub(crate) comparison: Arc<Comparison>,
    /// What has to happen so that it serves everybody; `None` while that is for somebody to decide.
    pub(crate) rule: Option<Rule>,
}

impl Trial {
    /// How it did so far. What is shown to somebody who watches is compared; what somebody takes may fail.
    pub(super) fn figures(&self) -> Figures {
        match self.mode {
            Mode::Shadow => {
                let (same, different) = self.comparison.shown();
                Figures { calls: same + different, differences: different, failures: 0 }
            }
            Mode::Canary(_) if self.generation.driver().is_none() => {
                let (calls, failures) = self.generation.health().counts();
                Figures { calls, differences: 0, failures }
            }
            Mode::Canary(_) => {
                let (calls, failures) = self.comparison.counts();
                Figures { calls, differences: 0, failures }
            }
        }
    }

    /// The trial as a provider sees it, whose driver it is served by.
    pub(super) fn of(&self, served: Arc<Served>) -> OnTrial {
        OnTrial { served, mode: self.mode, comparison: self.comparison.clone() }
    }
}

/// The generations of one component.
#[derive(Default, Clone)]
pub(crate) struct Slot {
    /// Serves; `None` while nobody uses it.
    pub(crate) current: Option<Arc<Generation>>,
    /// Served before, and can serve again.
    pub(crate) previous: Option<Arc<Generation>>,
    pub(crate) trial: Option<Trial>,
}

impl Slot {
    /// Whether this is what serves already.
    pub(super) fn serves(&self, digest: Digest, origin: &Origin) -> bool {
        self.current.as_ref().is_some_and(|current| current.digest == digest && current.origin == *origin)
    }

    /// The slot with another generation in service. What is on trial under the same digest has passed.
    pub(super) fn with(&self, generation: Arc<Generation>) -> Self {
        let trial = self.trial.clone().filter(|trial| trial.generation.digest != generation.digest);
        Self { previous: self.current.clone(), current: Some(generation), trial }
    }

    /// The slot as it was before; the one that served is gone.
    pub(super) fn rolled_back(&self) -> Option<Self> {
        let previous = self.previous.clone()?;
        Some(Self { current: Some(previous), previous: None, trial: None })
    }
}
