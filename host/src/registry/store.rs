//! Components and providers in the database: what this host takes from it at the start, and whenever any host changed it.

use super::{
    Refused, Registry, State,
    change::{is_intact, is_served},
    generation::{AUTH, Origin},
    promotion::Rule,
    slot::{Mode, Slot},
    sources::Source,
};
use crate::capability::storage::{
    self,
    operation::{Place, StoredComponent},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Weak},
    time::Duration,
};

/// How often a host asks whether another one changed something, where the database does not tell it or was not heard.
const POLL: Duration = Duration::from_secs(1);

impl Registry {
    /// Takes over what other hosts change, for as long as there is a server.
    pub(super) async fn follow(this: Weak<Self>) {
        let mut away = false;
        let changes = this.upgrade().and_then(|registry| registry.services().store.changes());
        loop {
            match &changes {
                Some(changes) => drop(tokio::time::timeout(POLL, changes.notified()).await),
                None => tokio::time::sleep(POLL).await,
            }
            let Some(registry) = this.upgrade() else { return };
            registry.judge().await;
            match registry.look().await {
                Ok(()) => away = false,
                Err(error) if !away => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "changes of other hosts are not seen");
                    away = true;
                }
                Err(_) => {}
            }
        }
    }

    async fn look(&self) -> Result<(), storage::Error> {
        let revision = self.services().store.revision().await?;
        let mut state = self.state.lock().await;
        if revision == state.revision {
            return Ok(());
        }
        self.read_providers(&mut state).await?;
        if self.takes_uploads {
            let stored = self.services().store.components().await?;
            self.take_over(&mut state, &stored).await;
        }
        self.load_drivers(&mut state).await;
        self.serve_all(&mut state);
        state.revision = revision;
        Ok(())
    }

    /// Brings every slot to what the database says, as far as no file stands before it.
    async fn take_over(&self, state: &mut State, stored: &[StoredComponent]) {
        let uploaded = |slot: &Slot| slot.current.as_ref().is_some_and(|current| current.origin == Origin::Uploaded);
        let mut names: BTreeSet<String> = stored.iter().map(|component| component.name.clone()).collect();
        names.extend(
            state.slots.iter().filter(|(_, slot)| uploaded(slot) || slot.trial.is_some()).map(|(n, _)| n.clone()),
        );
        for name in names {
            let slot = state.slot(&name);
            if matches!(slot.current.as_ref().map(|current| &current.origin), Some(Origin::File(_))) {
                continue;
            }
            let has_current =
                stored.iter().any(|component| component.name == name && component.place == Place::Current);
            let taken = self.place_stored(state, &name, stored).await.map(drop);
            let below = if !has_current && uploaded(&slot) {
                self.below(state, &name, &slot).await.map(|slot| drop(state.slots.insert(name.clone(), slot)))
            } else {
                Ok(())
            };
            if let Err(refused) = taken.and(below) {
                tracing::error!(
                    component = name,
                    error = &refused as &dyn std::error::Error,
                    "what another host serves cannot be served here; what was served before goes on"
                );
                state.refusals.insert(name, refused.to_string());
            }
        }
    }

    /// Puts the stored components of one name in their slot. Whether one of them serves.
    pub(super) async fn place_stored(
        &self,
        state: &mut State,
        name: &str,
        stored: &[StoredComponent],
    ) -> Result<bool, Refused> {
        let of_name = || stored.iter().filter(|component| component.name == name);
        let mut slot = state.slot(name);
        let current = of_name().find(|component| component.place == Place::Current);
        if let Some(component) = current
            && !is_served(&slot, component)
        {
            let previous = slot.previous.clone().filter(|previous| previous.digest.to_string() == component.digest);
            let generation = match previous {
                Some(previous) => previous,
                None => Arc::new(self.loader.load(name, &self.fetch(component).await?).await?),
            };
            slot = slot.with(generation);
        }
        let trial = of_name().find(|component| matches!(component.place, Place::Trial(_)));
        slot.trial = match (trial, slot.trial.take()) {
            (Some(component), Some(trial)) if trial.generation.digest.to_string() == component.digest => Some(trial),
            (Some(component), _) => {
                let source = self.fetch(component).await?;
                let generation = Arc::new(self.loader.load(name, &source).await?);
                let mode = match component.place {
                    Place::Trial(Some(share)) => Mode::Canary(share),
                    _ => Mode::Shadow,
                };
                if slot.current.is_none() && current.is_none() {
                    slot = self.below(state, name, &slot).await?;
                }
                let rule = component.rule.as_deref().and_then(Rule::read);
                slot.with_trial(generation, mode, rule).trial
            }
            (None, _) => None,
        };
        state.slots.insert(name.to_owned(), slot);
        Ok(current.is_some() || state.slots.get(name).is_some_and(|slot| slot.current.is_some()))
    }

    async fn fetch(&self, component: &StoredComponent) -> Result<Source, Refused> {
        let store = &self.services().store;
        let code = store.component_code(&component.name, &component.digest).await?;
        let code = code.filter(|code| is_intact(component, code));
        let damaged = || crate::engine::LoadError::Refused {
            name: component.name.clone(),
            reason: "what the database has of it is damaged; send it again".to_owned(),
        };
        let wasm = code.ok_or_else(damaged)?.into();
        let source = Source::new(wasm, component.signature.clone(), Origin::Uploaded);
        Ok(source.referred_to(component.reference.clone()))
    }

    /// Loads the drivers that providers have come to need.
    pub(super) async fn load_drivers(&self, state: &mut State) {
        let needed: BTreeSet<String> = state.providers().map(|provider| provider.driver.clone()).collect();
        for name in needed {
            if name == AUTH || state.slots.get(&name).is_some_and(|slot| slot.current.is_some()) {
                continue;
            }
            if let Some(source) = self.built_in.get(&name)
                && let Err(error) = self.place(state, &name, &source).await
            {
                tracing::error!(
                    component = name,
                    error = &error as &dyn std::error::Error,
                    "a driver cannot be loaded"
                );
            }
        }
    }
}
