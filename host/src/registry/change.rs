//! The changes, one at a time: publish, go back, withdraw, try out. Each is made where it lasts before anybody is served by it,
//! and what fails changes nothing.

use super::{
    Refused, Registry, State,
    generation::{self, AUTH, Generation, Origin},
    grants::{self, Difference, Manifest},
    promotion::Rule,
    provider,
    providers::Problems,
    reach,
    slot::{Mode, Slot, Trial},
    sources::{COMPONENT_BYTES_MAX, Source},
};
use crate::{
    capability::{
        comparison::Comparison,
        drivers::Drivers,
        storage::operation::{Move, NewComponent, Place, StoredComponent},
    },
    engine::Digest,
};
use std::sync::Arc;

/// Longest name of a component. It is a part of paths, and of a column.
const NAME_BYTES_MAX: usize = 64;

/// What an operator sends.
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) wasm: Vec<u8>,
    pub(crate) signature: Option<String>,
    /// The name that it was fetched by, where it came from a registry.
    pub(crate) reference: Option<String>,
    /// To be tried out instead of serving at once.
    pub(crate) trial: Option<Mode>,
    /// When one that is tried out is to serve everybody.
    pub(crate) rule: Option<Rule>,
    /// May use what the one before could not.
    pub(crate) accepts_more: bool,
    /// Only to see whether it would be taken.
    pub(crate) only_checks: bool,
}

/// What became of it.
pub(crate) struct Taken {
    pub(crate) generation: Arc<Generation>,
    pub(crate) difference: Difference,
}

impl Registry {
    /// Takes a component for all hosts: it serves from now on, or is tried out.
    ///
    /// # Errors
    /// Why it is not used. What served before does so still.
    pub(crate) async fn upload(&self, upload: Upload) -> Result<Taken, Refused> {
        check(&upload)?;
        let name = upload.name.as_str();
        if !self.takes_uploads {
            return Err(Refused::UploadsOff);
        }
        self.state.lock().await.not_pinned(name)?;
        let rule = upload.rule.or(self.rule).filter(|_| upload.trial.is_some()).map(Rule::check).transpose()?;
        let source = Source::new(upload.wasm.into(), upload.signature, Origin::Uploaded);
        let source = source.referred_to(upload.reference);
        // Compiling may take long, and other changes need not wait for it.
        let generation = Arc::new(self.loader.load(name, &source).await?);
        let accepts = upload.accepts_more || upload.only_checks;
        let added = self.state.lock().await.difference(name, &generation).accepted(accepts)?.added;
        // What nobody has accepted yet does not run with it, not even to be looked at.
        if upload.accepts_more || added.is_empty() {
            self.self_check(&generation).await?;
        }
        let mut state = self.state.lock().await;
        state.not_pinned(name)?;
        let slot = state.slot(name);
        let difference = state.difference(name, &generation).accepted(accepts)?;
        let after = match upload.trial {
            Some(mode) => slot.with_trial(generation.clone(), mode, rule),
            None => slot.with(generation.clone()),
        };
        let prepared = self.prepare(&state, name, &after)?;
        if upload.only_checks {
            return Ok(Taken { generation, difference });
        }
        let place = match upload.trial {
            Some(Mode::Canary(share)) => Place::Trial(Some(share)),
            Some(Mode::Shadow) => Place::Trial(None),
            None => Place::Current,
        };
        let digest = generation.digest.to_string();
        let component = StoredComponent {
            name: name.to_owned(),
            place,
            digest,
            signature: source.signature,
            reference: source.reference,
            rule: rule.map(Rule::write),
        };
        let code = source.wasm.to_vec();
        self.services().store.store_component(NewComponent { component, code }, self.now_ms()).await?;
        self.publish(&mut state, name, after, prepared);
        Ok(Taken { generation, difference })
    }

    /// Serves the generation before again.
    ///
    /// # Errors
    /// There is none, or the change cannot be made to last.
    pub(crate) async fn roll_back(&self, name: &str) -> Result<Arc<Generation>, Refused> {
        let mut state = self.state.lock().await;
        self.roll_back_in(&mut state, name).await
    }

    pub(super) async fn roll_back_in(&self, state: &mut State, name: &str) -> Result<Arc<Generation>, Refused> {
        let slot = state.slots.get(name).ok_or_else(|| Refused::NotThere(name.to_owned()))?;
        let (Some(current), Some(after)) = (slot.current.clone(), slot.rolled_back()) else {
            return Err(Refused::NothingBefore(name.to_owned()));
        };
        let before = after.current.clone().ok_or_else(|| Refused::NothingBefore(name.to_owned()))?;
        let prepared = self.prepare(state, name, &after)?;
        match &current.origin {
            Origin::BuiltIn => return Err(Refused::NothingBefore(name.to_owned())),
            Origin::File(path) => self.folder_rolls_back(state, path, &before)?,
            Origin::Uploaded => {
                self.services().store.move_component(name, Move::RollBack).await?;
            }
        }
        self.publish(state, name, after, prepared);
        Ok(before)
    }

    /// Has the generation that is tried out serve everybody.
    ///
    /// # Errors
    /// None is tried out, or the change cannot be made to last.
    pub(crate) async fn promote(&self, name: &str) -> Result<Arc<Generation>, Refused> {
        let mut state = self.state.lock().await;
        self.promote_in(&mut state, name).await
    }

    pub(super) async fn promote_in(&self, state: &mut State, name: &str) -> Result<Arc<Generation>, Refused> {
        let slot = state.slot(name);
        let trial = slot.trial.clone().ok_or_else(|| Refused::NoTrial(name.to_owned()))?;
        state.not_pinned(name)?;
        let after = slot.with(trial.generation.clone());
        let prepared = self.prepare(state, name, &after)?;
        self.services().store.move_component(name, Move::Promote).await?;
        self.publish(state, name, after, prepared);
        Ok(trial.generation)
    }

    /// Ends a trial.
    ///
    /// # Errors
    /// None is tried out, or the change cannot be made to last.
    pub(crate) async fn end_trial(&self, name: &str) -> Result<(), Refused> {
        let mut state = self.state.lock().await;
        self.end_trial_in(&mut state, name).await
    }

    pub(super) async fn end_trial_in(&self, state: &mut State, name: &str) -> Result<(), Refused> {
        let mut after = state.slot(name);
        after.trial.take().ok_or_else(|| Refused::NoTrial(name.to_owned()))?;
        let prepared = self.prepare(state, name, &after)?;
        self.services().store.move_component(name, Move::EndTrial).await?;
        self.publish(state, name, after, prepared);
        Ok(())
    }

    /// Forgets what operators sent under a name: what is in the binary serves again.
    ///
    /// # Errors
    /// Nothing was sent, providers need it, or the change cannot be made to last.
    pub(crate) async fn withdraw(&self, name: &str) -> Result<(), Refused> {
        let mut state = self.state.lock().await;
        state.not_pinned(name)?;
        let slot = state.slot(name);
        if slot.current.as_ref().is_none_or(|current| current.origin != Origin::Uploaded) {
            return Err(Refused::NotThere(name.to_owned()));
        }
        let after = self.below(&state, name, &slot).await?;
        let prepared = self.prepare(&state, name, &after)?;
        self.services().store.move_component(name, Move::Withdraw).await?;
        self.publish(&mut state, name, after, prepared);
        Ok(())
    }

    /// The slot with what is in the binary, or empty if nothing is and nobody needs it.
    pub(super) async fn below(&self, state: &State, name: &str, slot: &Slot) -> Result<Slot, Refused> {
        if let Some(source) = self.built_in.get(name) {
            let generation = self.loader.load(name, &source).await?;
            return Ok(Slot { previous: None, trial: None, ..slot.with(Arc::new(generation)) });
        }
        let users: Vec<_> =
            state.providers().filter(|provider| provider.driver == name).map(|p| p.name.clone()).collect();
        if users.is_empty() { Ok(Slot::default()) } else { Err(Refused::InUse(users.join(", "))) }
    }

    /// Puts together what would be served with a slot, and looks whether every provider would still be.
    pub(super) fn prepare(&self, state: &State, name: &str, slot: &Slot) -> Result<Prepared, Refused> {
        if name == AUTH {
            return Ok(Prepared::Rules);
        }
        let mut slots = state.slots.clone();
        slots.insert(name.to_owned(), slot.clone());
        let (drivers, problems) = self.put_together(state, &slots);
        let is_new = |name: &&String| !state.problems.contains_key(*name);
        if let Some(worse) = problems.keys().find(is_new) {
            let lines = problems.get(worse).map(|lines| lines.join("; ")).unwrap_or_default();
            return Err(Refused::Provider { name: worse.clone(), problem: lines });
        }
        Ok(Prepared::Drivers { drivers, problems })
    }

    /// Serves it, from this moment on.
    pub(super) fn publish(&self, state: &mut State, name: &str, slot: Slot, prepared: Prepared) {
        if let Some(current) = &slot.current {
            let (number, digest, origin) = (current.number, generation::tag(current.digest), current.origin.name());
            tracing::info!(component = name, generation = number, digest, origin, "serves from now on");
        }
        match prepared {
            Prepared::Rules => self.rules.set(slot.clone()),
            Prepared::Drivers { drivers, problems } => {
                self.services().drivers.set(drivers);
                state.problems = problems;
            }
        }
        state.refusals.remove(name);
        state.slots.insert(name.to_owned(), slot);
    }
}

/// What is ready to be served.
pub(super) enum Prepared {
    Rules,
    Drivers { drivers: Drivers, problems: Problems },
}

impl Difference {
    /// The difference, if there is nothing more in it than before, or that is accepted.
    fn accepted(self, accepts_more: bool) -> Result<Self, Refused> {
        if accepts_more || self.added.is_empty() { Ok(self) } else { Err(Refused::Grants(self.added.join(", "))) }
    }
}

impl Slot {
    /// The slot with a generation on trial.
    pub(super) fn with_trial(&self, generation: Arc<Generation>, mode: Mode, rule: Option<Rule>) -> Self {
        let trial = Trial { generation, mode, comparison: Arc::new(Comparison::default()), rule };
        Self { trial: Some(trial), ..self.clone() }
    }
}

/// What can be said before anything is done.
fn check(upload: &Upload) -> Result<(), Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if upload.name.is_empty() || upload.name.len() > NAME_BYTES_MAX || !upload.name.chars().all(fits) {
        return Err(Refused::Name(upload.name.clone()));
    }
    if upload.wasm.len() > COMPONENT_BYTES_MAX {
        return Err(Refused::TooLarge(COMPONENT_BYTES_MAX));
    }
    match upload.trial {
        Some(Mode::Canary(share)) if !(share > 0.0 && share <= 1.0) => Err(Refused::Share(share)),
        _ => Ok(()),
    }
}

impl State {
    /// A file in the folder stands before everything else.
    fn not_pinned(&self, name: &str) -> Result<(), Refused> {
        let current = self.slots.get(name).and_then(|slot| slot.current.as_ref());
        match current.map(|current| &current.origin) {
            Some(Origin::File(path)) => Err(Refused::Pinned { name: name.to_owned(), path: path.clone() }),
            _ => Ok(()),
        }
    }

    /// What a generation may use, and where it reaches for the providers that there are.
    pub(super) fn manifest(&self, generation: &Generation) -> Manifest {
        let imports = generation.imports();
        let Some((_, description)) = generation.driver() else { return Manifest { imports, ..Manifest::default() } };
        let its = self.providers().filter(|provider| provider.driver == *generation.name);
        let read = its.filter_map(|provider| provider::read(provider, description).ok());
        Manifest { imports, places: read.flat_map(|read| reach::places(&read.own)).collect() }
    }

    /// What a generation may use that the one which serves may not.
    pub(super) fn difference(&self, name: &str, generation: &Generation) -> Difference {
        let current = self.slots.get(name).and_then(|slot| slot.current.as_ref());
        let between =
            |current: &Arc<Generation>| grants::difference(&self.manifest(current), &self.manifest(generation));
        current.map(between).unwrap_or_default()
    }

    pub(super) fn slot(&self, name: &str) -> Slot {
        self.slots.get(name).cloned().unwrap_or_default()
    }
}

/// Whether a stored component is what a slot serves.
pub(super) fn is_served(slot: &Slot, stored: &StoredComponent) -> bool {
    let fits = |generation: &Arc<Generation>| {
        generation.origin == Origin::Uploaded && generation.digest.to_string() == stored.digest
    };
    slot.current.as_ref().is_some_and(fits)
}

/// The digest of code, to compare with the one that it is stored under.
pub(super) fn is_intact(stored: &StoredComponent, code: &[u8]) -> bool {
    Digest::of(code).to_string() == stored.digest
}
