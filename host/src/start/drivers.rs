//! Drivers and the providers that they serve.
//!
//! Built-in drivers are compiled if a provider uses them: each costs memory, and the first start the time to compile it. All
//! that is wrong with providers is told together.

use super::{
    StartError,
    components::{LOCAL, Source},
    provider,
};
use crate::{
    Config,
    bindings::{auth::gatewit::drivers::dispatch::Provider, driver::exports::gatewit::driver::about::Description},
    capability::{
        drivers::{Drivers, Outbound, Served},
        http,
        network::tls::Trust,
        streams,
    },
    config::{self, ProviderMode},
    engine::{CallError, CodeCache, Driver, LoadError, Runtime, Services},
};
use std::{collections::BTreeMap, sync::Arc};

/// The drivers that are loaded, by name.
type Loaded = BTreeMap<String, (Arc<Driver>, Description)>;

/// Loads the drivers and assigns them to providers.
pub(super) async fn load(
    config: &Config,
    runtime: &Arc<Runtime>,
    code: &CodeCache,
    services: &Arc<Services>,
    components: BTreeMap<String, Source>,
) -> Result<Drivers, StartError> {
    let mut loaded = Loaded::new();
    for (name, source) in components {
        let is_used = config.auth.providers.iter().any(|provider| provider.driver == name);
        if is_used || source.is_file || (name == LOCAL && !config.auth.disable_default) {
            let driver = one(runtime, code, services, &name, &source.wasm).await?;
            loaded.insert(name, driver);
        }
    }
    let mut drivers = Drivers::default();
    if !config.auth.disable_default {
        drivers.served.extend(default(&loaded));
    }
    let mut ways = Ways { settings: &config.outbound, trust: None };
    let mut problems = Vec::new();
    for provider in &config.auth.providers {
        if let Some((driver, description)) = loaded.get(&provider.driver) {
            match serve(provider, driver, description, &mut ways) {
                Ok(served) => drivers.served.push(Arc::new(served)),
                Err(found) => problems.extend(found),
            }
        } else {
            tracing::warn!(
                provider = provider.name,
                driver = provider.driver,
                "there is no such driver; the provider is listed only"
            );
        }
        drivers.listed.push(Provider {
            name: provider.name.clone(),
            driver: provider.driver.clone(),
            label: provider.label.clone(),
            icon: provider.icon.clone(),
            session: matches!(provider.driver.as_str(), LOCAL | "ldap") || provider.mode == ProviderMode::Session,
        });
    }
    if problems.is_empty() { Ok(drivers) } else { Err(StartError::Providers(problems)) }
}

async fn one(
    runtime: &Arc<Runtime>,
    code: &CodeCache,
    services: &Arc<Services>,
    name: &str,
    wasm: &[u8],
) -> Result<(Arc<Driver>, Description), LoadError> {
    let driver = Arc::new(Driver::load(runtime, code, name, wasm)?);
    let refused = |reason: String| LoadError::Refused { name: name.to_owned(), reason };
    let described = driver.describe(services).await.map_err(|error: CallError| refused(error.to_string()))?;
    if described.name != name {
        return Err(refused(format!("it calls itself `{}`; name the file {0}.wasm", described.name)));
    }
    Ok((driver, described))
}

/// The built-in provider, of accounts with a password here.
fn default(loaded: &Loaded) -> Option<Arc<Served>> {
    let (driver, description) = loaded.get(LOCAL)?;
    Some(Arc::new(Served {
        name: "default".into(),
        driver: driver.clone(),
        fields: description.fields.clone(),
        settings: Arc::default(),
        rules: Arc::default(),
        keys: BTreeMap::new().into_iter().collect(),
        outbound: None,
    }))
}

/// What all ways to the outside share.
struct Ways<'a> {
    settings: &'a config::Outbound,
    /// Read when the first provider needs it.
    trust: Option<Trust>,
}

impl Ways<'_> {
    fn trust(&mut self) -> Result<&Trust, String> {
        let trust = match self.trust.take() {
            Some(trust) => trust,
            None => Trust::load(self.settings)?,
        };
        Ok(self.trust.insert(trust))
    }
}

fn serve(
    provider: &config::Provider,
    driver: &Arc<Driver>,
    description: &Description,
    ways: &mut Ways<'_>,
) -> Result<Served, Vec<String>> {
    let read = provider::read(provider, description)?;
    for warning in &read.warnings {
        tracing::warn!(provider = provider.name, "{warning}");
    }
    let name: Arc<str> = provider.name.as_str().into();
    let outbound = if driver.is_networked() {
        let settings = ways.settings;
        let made = ways.trust().and_then(|trust| {
            let http = http::Client::new(&name, settings, trust, &read.own)?;
            let streams = streams::Client::new(&name, settings, trust, &read.own)?;
            Ok(Outbound { http: Arc::new(http), streams: Arc::new(streams) })
        });
        Some(made.map_err(|problem| vec![problem])?)
    } else {
        None
    };
    Ok(Served {
        name,
        driver: driver.clone(),
        fields: description.fields.clone(),
        settings: Arc::new(read.driver),
        rules: Arc::new(read.rules),
        keys: read.keys,
        outbound,
    })
}
