//! Whether a new generation of a driver can do for its providers what the one that serves can: its own `check`, where it has one.
//!
//! A provider that is away is no reason to refuse a component, so what fails is asked of the generation that serves, too: only
//! what that one finds well and the new one does not is a reason. Absent: starts, and what other hosts serve already, which must
//! not depend on who is away just now.

use super::{Refused, Registry, change::Prepared, generation::Generation};
use crate::{
    capability::{
        drivers::{Served, told},
        trace::Trace,
    },
    engine::Occasion,
};
use std::sync::Arc;

/// Providers that are tried. Each may take as long as a sign-in, and an operator waits.
const TRIED_MAX: usize = 4;

impl Registry {
    /// Tries a generation with providers that it would serve, before anybody is served by it. Other changes do not wait for the
    /// providers to answer.
    ///
    /// # Errors
    /// The name of the first provider that it does not work for, and why.
    pub(super) async fn self_check(&self, generation: &Arc<Generation>) -> Result<(), Refused> {
        let Some((driver, _)) = generation.driver() else { return Ok(()) };
        let name = generation.name.as_ref();
        let prepared = {
            let state = self.state.lock().await;
            self.prepare(&state, name, &state.slot(name).with(generation.clone()))?
        };
        let Prepared::Drivers { drivers, .. } = prepared else { return Ok(()) };
        let is_its = |served: &&Arc<Served>| Arc::ptr_eq(&served.driver, driver) && served.made_of.is_some();
        for served in drivers.served.iter().filter(is_its).take(TRIED_MAX) {
            let Some(problem) = self.problem(served).await else { continue };
            let now = self.services().drivers.get();
            let serving = now.find(&served.name).filter(|now| !Arc::ptr_eq(&now.driver, driver));
            let Some(serving) = serving else { continue };
            if self.problem(serving).await.is_none() {
                return Err(Refused::Provider { name: served.name.to_string(), problem });
            }
            tracing::warn!(provider = %served.name, problem, "a provider could not be tried with a new generation of its driver");
        }
        Ok(())
    }

    /// What a driver finds wrong with its provider.
    async fn problem(&self, served: &Arc<Served>) -> Option<String> {
        let trace = Trace::start();
        match served.driver.check(Occasion { served, services: self.services(), trace: &trace }).await? {
            Ok(Ok(_)) => None,
            Ok(Err(refusal)) => Some(told(&refusal)),
            Err(error) => Some(error.to_string()),
        }
    }
}
