//! Providers that operators make, change and remove while the server runs.
//!
//! They are in the database, for all hosts, and what a driver says of its settings decides whether they are taken. Secrets are
//! sealed there and leave only for the driver: whoever looks at a provider sees that one is set. Those of the configuration
//! stand before them and cannot be changed here.

use super::{
    Refused, Registry, State,
    generation::{Generation, LOCAL},
    providers::{self, Parts},
};
use crate::{
    capability::{
        storage::{self, operation::StoredProvider},
        trace::Trace,
    },
    config,
    engine::Occasion,
};
use serde_json::{Map, Value as Json};
use std::{collections::BTreeMap, sync::Arc};

/// What stands for a secret that is set.
pub(crate) const CONCEALED: &str = "**********";

/// Settings of the connection that are secrets, whatever the driver.
const SECRETS: [&str; 3] = ["client-http-key", "client.tls-options.key", "client-http-proxy"];

/// Most providers of operators: each has a pool of connections.
const PROVIDERS_MAX: usize = 1_000;

/// Bytes of all settings of one provider: metadata documents and keys fit.
const SETTINGS_BYTES_MAX: usize = 512 << 10;

/// A provider of an operator.
#[derive(Clone)]
pub(crate) struct LiveProvider {
    pub(crate) stored: StoredProvider,
    /// All settings, secrets included.
    settings: Map<String, Json>,
    /// As it is served; `None` while it is switched off or cannot be read.
    pub(super) served: Option<Arc<config::Provider>>,
    /// Names of settings that are secrets.
    secrets: Vec<String>,
}

/// What an operator asks for.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) driver: Option<String>,
    pub(crate) enabled: Option<bool>,
    /// What is named is set, or with `null` taken away; the rest stays.
    pub(crate) settings: Map<String, Json>,
}

impl LiveProvider {
    pub(crate) fn name(&self) -> &str {
        &self.stored.name
    }

    /// The settings as they may be seen.
    pub(crate) fn shown(&self) -> Map<String, Json> {
        let shown = |(name, value): (&String, &Json)| {
            let value = if self.secrets.contains(name) { Json::from(CONCEALED) } else { value.clone() };
            (name.clone(), value)
        };
        self.settings.iter().map(shown).collect()
    }
}

impl Registry {
    /// Reads the providers of the database.
    pub(super) async fn read_providers(&self, state: &mut State) -> Result<(), storage::Error> {
        let stored = self.services().store.stored_providers().await?;
        state.live.clear();
        for provider in stored {
            let provider = self.renew(provider).await;
            state.live.push(self.unseal(provider));
        }
        Ok(())
    }

    /// Seals secrets anew that were sealed under a key that is not the present one, before that is forgotten.
    async fn renew(&self, stored: StoredProvider) -> StoredProvider {
        let Some(opened) = self.sealer.open(&stored.name, &stored.sealed).filter(|opened| !opened.is_present) else {
            return stored;
        };
        let clock = self.services().clock.as_ref();
        let Ok(sealed) = self.sealer.seal(&stored.name, opened.bytes.expose(), clock) else { return stored };
        let renewed = StoredProvider { sealed, ..stored };
        match self.services().store.store_provider(renewed.clone()).await {
            Ok(()) => tracing::info!(provider = renewed.name, "its secrets are sealed under the present key now"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the secrets of a provider cannot be sealed anew"
                );
            }
        }
        renewed
    }

    fn unseal(&self, stored: StoredProvider) -> LiveProvider {
        let mut settings: Map<String, Json> = serde_json::from_str(&stored.settings).unwrap_or_default();
        let opened = self.sealer.open(&stored.name, &stored.sealed);
        let secrets: Option<Map<String, Json>> =
            opened.and_then(|opened| serde_json::from_slice(opened.bytes.expose()).ok());
        let names = secrets.iter().flatten().map(|(name, _)| name.clone()).collect();
        let is_open = secrets.is_some();
        settings.extend(secrets.into_iter().flatten());
        if !is_open {
            let provider = &stored.name;
            tracing::error!(
                provider,
                "its secrets were sealed with another SECRET or GATEWIT_SEALING_KEY; set them again"
            );
        }
        let served = (stored.enabled && is_open)
            .then(|| config::Provider::of_json(&stored.name, &stored.driver, &settings))
            .and_then(|read| {
                let told = |problems: &Vec<String>| {
                    tracing::error!(
                        provider = stored.name,
                        problems = problems.join("; "),
                        "a provider cannot be served"
                    );
                };
                read.inspect_err(told).ok()
            });
        LiveProvider { stored, settings, served: served.map(Arc::new), secrets: names }
    }

    /// Makes a provider.
    ///
    /// # Errors
    /// Its name is taken, its settings do not fit its driver, or it cannot be stored.
    pub(crate) async fn create_provider(&self, name: &str, draft: Draft) -> Result<LiveProvider, Refused> {
        let mut state = self.state.lock().await;
        let is_same = |other: &str| other.eq_ignore_ascii_case(name);
        if state.configured.iter().any(|provider| is_same(&provider.name))
            || state.live.iter().any(|p| is_same(p.name()))
        {
            return Err(Refused::Taken(name.to_owned()));
        }
        if state.live.len() >= PROVIDERS_MAX {
            return Err(Refused::Settings(vec![format!("there may be at most {PROVIDERS_MAX} providers")]));
        }
        let driver = draft.driver.clone().ok_or_else(|| Refused::Settings(vec!["driver: is missing".to_owned()]))?;
        self.write_provider(&mut state, name, &driver, draft.enabled.unwrap_or(true), Map::new(), draft.settings).await
    }

    /// Changes a provider: what the draft names.
    ///
    /// # Errors
    /// There is none, it is not an operator's, its settings do not fit its driver, or it cannot be stored.
    pub(crate) async fn change_provider(&self, name: &str, draft: Draft) -> Result<LiveProvider, Refused> {
        let mut state = self.state.lock().await;
        let old = state.find_live(name)?.clone();
        let driver = draft.driver.unwrap_or(old.stored.driver);
        let enabled = draft.enabled.unwrap_or(old.stored.enabled);
        self.write_provider(&mut state, name, &driver, enabled, old.settings, draft.settings).await
    }

    /// Removes a provider. Accounts that were made for it stay, and nobody signs in to them through it.
    ///
    /// # Errors
    /// There is none, it is not an operator's, or that cannot be stored.
    pub(crate) async fn remove_provider(&self, name: &str) -> Result<(), Refused> {
        let mut state = self.state.lock().await;
        state.find_live(name)?;
        self.services().store.remove_provider(name).await?;
        state.live.retain(|provider| provider.name() != name);
        self.serve_all(&mut state);
        Ok(())
    }

    async fn write_provider(
        &self,
        state: &mut State,
        name: &str,
        driver: &str,
        enabled: bool,
        mut settings: Map<String, Json>,
        changes: Map<String, Json>,
    ) -> Result<LiveProvider, Refused> {
        for (key, value) in changes {
            match value {
                Json::Null => drop(settings.remove(&key)),
                // Whoever sends back what they were shown means what is there.
                Json::String(text) if text == CONCEALED => {}
                value => drop(settings.insert(key, value)),
            }
        }
        let generation = self.driver(state, driver).await?;
        let made = config::Provider::of_json(name, driver, &settings).map_err(Refused::Settings)?;
        let served = Arc::new(made);
        self.try_out(state, &served, &generation)?;
        let secrets = secret_names(&settings, &generation);
        let (sealed, plain): (Map<_, _>, Map<_, _>) =
            settings.clone().into_iter().partition(|(key, _)| secrets.contains(key));
        let (sealed, plain) = (Json::Object(sealed).to_string(), Json::Object(plain).to_string());
        if sealed.len() + plain.len() > SETTINGS_BYTES_MAX {
            return Err(Refused::Settings(vec![format!("the settings are larger than {SETTINGS_BYTES_MAX} bytes")]));
        }
        let stored = StoredProvider {
            name: name.to_owned(),
            driver: driver.to_owned(),
            enabled,
            settings: plain,
            sealed: self.sealer.seal(name, sealed.as_bytes(), self.services().clock.as_ref())?,
            changed_ms: self.now_ms(),
        };
        self.services().store.store_provider(stored.clone()).await?;
        let live = LiveProvider { stored, settings, served: enabled.then_some(served), secrets };
        match state.live.iter_mut().find(|provider| provider.name() == name) {
            Some(place) => *place = live.clone(),
            None => state.live.push(live.clone()),
        }
        self.serve_all(state);
        Ok(live)
    }

    /// The generation of a driver that serves, loaded if nobody has used it yet.
    pub(super) async fn driver(&self, state: &mut State, name: &str) -> Result<Arc<Generation>, Refused> {
        if let Some(source) = self.built_in.get(name)
            && name != super::AUTH
            && state.slots.get(name).is_none_or(|slot| slot.current.is_none())
        {
            self.place(state, name, &source).await?;
        }
        let current = state.slots.get(name).and_then(|slot| slot.current.clone());
        current.filter(|generation| generation.driver().is_some() && name != LOCAL).ok_or_else(|| {
            let mut drivers: Vec<_> = self.built_in.names().map(ToOwned::to_owned).collect();
            drivers.extend(state.slots.keys().cloned());
            drivers.retain(|driver| driver != super::AUTH && driver != LOCAL);
            drivers.sort();
            drivers.dedup();
            Refused::Settings(vec![format!("driver: there is no driver {name:?}; there are {}", drivers.join(", "))])
        })
    }

    /// Whether a provider could be served by a driver.
    fn try_out(
        &self,
        state: &State,
        provider: &Arc<config::Provider>,
        generation: &Arc<Generation>,
    ) -> Result<(), Refused> {
        let slot = super::Slot { current: Some(generation.clone()), ..super::Slot::default() };
        let slots = BTreeMap::from([(provider.driver.clone(), slot)]);
        let (list, old) = (std::slice::from_ref(provider), self.services().drivers.get());
        let parts = Parts { slots: &slots, providers: list, disable_default: true, ways: &self.ways, old: &old };
        let (_, problems) = providers::assemble(&parts);
        debug_assert!(state.slots.contains_key(&provider.driver), "a driver is loaded before it is tried");
        match problems.into_values().next() {
            Some(lines) => Err(Refused::Settings(lines)),
            None => Ok(()),
        }
    }

    /// Has the driver of a provider try its settings: what it found, a line each, or what does not work.
    ///
    /// # Errors
    /// There is no such provider, or it is not served.
    pub(crate) async fn test_provider(&self, name: &str) -> Result<Result<Vec<String>, String>, Refused> {
        let drivers = self.services().drivers.get();
        let Some(served) = drivers.find(name) else {
            let state = self.state.lock().await;
            let problem = state.problems.get(name).map(|lines| lines.join("; "));
            return problem.map_or_else(|| Err(Refused::NoProvider(name.to_owned())), |problem| Ok(Err(problem)));
        };
        let trace = Trace::start();
        let occasion = Occasion { served, services: self.services(), trace: &trace };
        Ok(match served.driver.check(occasion).await {
            None => Ok(vec![format!("the settings fit; the driver {} cannot try more", served.driver_name())]),
            Some(Ok(Ok(found))) => Ok(found),
            Some(Ok(Err(refusal))) => Err(crate::capability::drivers::told(&refusal)),
            Some(Err(error)) => Err(error.to_string()),
        })
    }
}

impl State {
    fn find_live(&self, name: &str) -> Result<&LiveProvider, Refused> {
        if self.configured.iter().any(|provider| provider.name == name) {
            return Err(Refused::ReadOnly(name.to_owned()));
        }
        self.live.iter().find(|provider| provider.name() == name).ok_or_else(|| Refused::NoProvider(name.to_owned()))
    }
}

/// The settings whose values nobody is shown: those that the driver says are secrets, and those of the connection.
fn secret_names(settings: &Map<String, Json>, generation: &Generation) -> Vec<String> {
    use crate::bindings::driver::exports::gatewit::driver::about::Kind;
    let declared = generation.driver().map(|(_, description)| description.settings.as_slice()).unwrap_or_default();
    let is_secret = |key: &&String| {
        let name = super::provider::written_kebab(key);
        SECRETS.contains(&name.as_str())
            || declared.iter().any(|setting| setting.name == name && (setting.secret || setting.kind == Kind::Keys))
            || super::provider::is_pass_phrase(&name, declared)
    };
    settings.keys().filter(is_secret).cloned().collect()
}
