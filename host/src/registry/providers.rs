//! Who serves which provider: from settings and the generations of drivers to what sign-ins use.
//!
//! What did not change is taken over with its open connections. All that is wrong with a provider is told together.

use super::{
    generation::{self, Generation, LOCAL},
    provider, reach,
    slot::Slot,
};
use crate::{
    bindings::{auth::gatewit::drivers::dispatch::Provider, driver::exports::gatewit::driver::about::Description},
    capability::{
        drivers::{Drivers, Outbound, Served},
        http,
        network::tls::Trust,
        streams,
    },
    config::{self, Grant, ProviderMode},
    engine::Driver,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// What is wrong with a provider's settings: its name, and a line each.
pub(crate) type Problems = BTreeMap<String, Vec<String>>;

/// What all ways to the outside share.
pub(crate) struct Ways {
    pub(super) settings: config::Outbound,
    /// What single drivers may use instead of what all may.
    pub(super) grants: BTreeMap<String, Grant>,
    /// Read when the first provider needs it.
    pub(super) trust: OnceLock<Trust>,
}

impl Ways {
    /// By these settings, for whom no provider is served yet.
    pub(crate) fn new(settings: config::Outbound, grants: BTreeMap<String, Grant>) -> Self {
        Self { settings, grants, trust: OnceLock::new() }
    }

    fn trust(&self) -> Result<&Trust, String> {
        if self.trust.get().is_none() {
            let _ = self.trust.set(Trust::load(&self.settings)?);
        }
        self.trust.get().ok_or_else(|| "certificates cannot be read".to_owned())
    }
}

/// A provider as it is set, with its driver: settings for whoever reads them, and the ways to its hosts.
///
/// # Errors
/// All that is wrong with its settings.
pub(crate) fn serve(
    provider: &Arc<config::Provider>,
    driver: &Arc<Driver>,
    description: &Description,
    tag: &str,
    ways: &Ways,
) -> Result<Served, Vec<String>> {
    let mut read = provider::read(provider, description)?;
    let grant = ways.grants.get(driver.name());
    if let Some(grant) = grant {
        let problems = reach::beyond(&read.own, grant, driver.name());
        if !problems.is_empty() {
            return Err(problems);
        }
        read.own.granted.clone_from(&grant.hosts);
    }
    for warning in &read.warnings {
        tracing::warn!(provider = provider.name, "{warning}");
    }
    let name: Arc<str> = provider.name.as_str().into();
    let outbound = if driver.is_networked() {
        let settings = &ways.settings;
        let made = ways.trust().and_then(|trust| {
            let http = http::Client::new(&name, settings, trust, &read.own)?;
            let streams = streams::Client::new(&name, settings, trust, &read.own)?;
            let gets = |name: &str| grant.is_none_or(|grant| !grant.withheld.contains(name));
            let (http, streams) = (gets("http").then(|| http.into()), gets("streams").then(|| streams.into()));
            Ok(Outbound { http, streams })
        });
        Some(made.map_err(|problem| vec![problem])?)
    } else {
        None
    };
    Ok(Served {
        cache_key: format!("{name} {tag}").into(),
        name,
        driver: driver.clone(),
        tag: tag.into(),
        made_of: Some(provider.clone()),
        fields: description.fields.clone(),
        settings: Arc::new(read.driver),
        rules: Arc::new(read.rules),
        keys: read.keys,
        outbound,
    })
}

/// What there is to put together.
pub(super) struct Parts<'a> {
    pub(super) slots: &'a BTreeMap<String, Slot>,
    /// In the order in which people see them.
    pub(super) providers: &'a [Arc<config::Provider>],
    /// Whether the built-in provider is left out.
    pub(super) disable_default: bool,
    pub(super) ways: &'a Ways,
    /// What is served now.
    pub(super) old: &'a Drivers,
}

/// Assigns the generations of drivers to providers. A provider with problems is listed and not served.
pub(super) fn assemble(parts: &Parts<'_>) -> (Drivers, Problems) {
    let (mut drivers, mut problems) = (Drivers::default(), Problems::new());
    if !parts.disable_default {
        drivers.served.extend(parts.current(LOCAL).map(default));
        let trial = parts.slots.get(LOCAL).and_then(|slot| slot.trial.as_ref());
        drivers.trials.extend(trial.map(|trial| trial.of(default(&trial.generation))));
    }
    for provider in parts.providers {
        drivers.listed.push(listed(provider));
        let Some(slot) = parts.slots.get(&provider.driver) else { continue };
        if let Some(generation) = &slot.current {
            match parts.serve(provider, generation) {
                Ok(served) => drivers.served.push(served),
                Err(found) => {
                    problems.insert(provider.name.clone(), found);
                }
            }
        }
        if let Some(trial) = &slot.trial {
            match parts.serve(provider, &trial.generation) {
                Ok(served) => drivers.trials.push(trial.of(served)),
                Err(found) => problems.entry(provider.name.clone()).or_default().extend(found),
            }
        }
    }
    drivers.earlier = parts.earlier();
    (drivers, problems)
}

/// The provider as people may choose it.
fn listed(provider: &config::Provider) -> Provider {
    Provider {
        name: provider.name.clone(),
        driver: provider.driver.clone(),
        label: provider.label.clone(),
        icon: provider.icon.clone(),
        session: matches!(provider.driver.as_str(), LOCAL | "ldap") || provider.mode == ProviderMode::Session,
    }
}

/// The built-in provider, of accounts with a password here.
fn default(generation: &Arc<Generation>) -> Arc<Served> {
    let (driver, fields) = match generation.driver() {
        Some((driver, description)) => (driver.clone(), description.fields.clone()),
        None => unreachable!("a slot of a driver holds drivers"),
    };
    Arc::new(Served {
        name: "default".into(),
        driver,
        tag: generation::tag(generation.digest).into(),
        cache_key: "default".into(),
        made_of: None,
        fields,
        settings: Arc::default(),
        rules: Arc::default(),
        keys: BTreeMap::new().into_iter().collect(),
        outbound: None,
    })
}

impl Parts<'_> {
    fn current(&self, driver: &str) -> Option<&Arc<Generation>> {
        self.slots.get(driver)?.current.as_ref().filter(|generation| generation.driver().is_some())
    }

    /// Everything that is at hand now, whoever it serves.
    fn at_hand(&self) -> impl Iterator<Item = &Arc<Served>> {
        let trials = self.old.trials.iter().map(|trial| &trial.served);
        self.old.served.iter().chain(&self.old.earlier).chain(trials)
    }

    /// What served with the generations before: sign-ins that are under way end there.
    fn earlier(&self) -> Vec<Arc<Served>> {
        let before = |served: &&Arc<Served>| {
            let slot = self.slots.get(served.driver.name());
            let previous = slot.and_then(|slot| slot.previous.as_ref()?.driver());
            previous.is_some_and(|(driver, _)| Arc::ptr_eq(driver, &served.driver))
        };
        let is_still_set = |served: &&Arc<Served>| {
            served.made_of.as_ref().is_none_or(|made_of| self.providers.iter().any(|provider| provider == made_of))
        };
        self.at_hand().filter(before).filter(is_still_set).cloned().collect()
    }

    fn serve(
        &self,
        provider: &Arc<config::Provider>,
        generation: &Arc<Generation>,
    ) -> Result<Arc<Served>, Vec<String>> {
        let Some((driver, description)) = generation.driver() else {
            return Err(vec![format!("{:?} is no driver", provider.driver)]);
        };
        let is_same = |served: &&Arc<Served>| {
            Arc::ptr_eq(&served.driver, driver) && served.made_of.as_ref().is_some_and(|made_of| made_of == provider)
        };
        if let Some(served) = self.at_hand().find(is_same) {
            return Ok(served.clone());
        }
        serve(provider, driver, description, &generation::tag(generation.digest), self.ways).map(Arc::new)
    }
}
