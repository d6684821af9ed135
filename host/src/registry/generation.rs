//! A component that is ready to serve, and how it becomes that: signature, compilation, contract, a first call.

use super::{
    grants,
    signature::{Signed, Trusted},
    sources::{self, Source},
};
use crate::{
    bindings::driver::exports::gatewit::driver::about::Description,
    capability::config::Settings,
    config::Grant,
    engine::{Alarm, Budget, CallError, CodeCache, Digest, Driver, Health, LoadError, Rules, Runtime, Services},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::mpsc::UnboundedSender;

/// The name of the rules.
pub(crate) const AUTH: &str = "auth";

/// The driver of accounts here.
pub(super) const LOCAL: &str = "local";

/// Letters of a digest that tell the generations of one component apart.
const TAG_LENGTH: usize = 16;

/// A short name of a generation.
pub(crate) fn tag(digest: Digest) -> String {
    digest.to_string().chars().take(TAG_LENGTH).collect()
}

/// Where a component came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is in the binary.
    BuiltIn,
    /// It lies in the components folder of this host, and stands before everything else.
    File(PathBuf),
    /// An operator sent it, and it is in the database, for all hosts.
    Uploaded,
}

impl Origin {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::File(_) => "file",
            Self::Uploaded => "uploaded",
        }
    }
}

/// A component that is ready to serve.
pub(crate) struct Generation {
    pub(crate) name: Arc<str>,
    /// Counts up with every component that was loaded since the start.
    pub(crate) number: u64,
    pub(crate) digest: Digest,
    pub(crate) origin: Origin,
    /// The name that it was fetched by, where it came from a registry.
    pub(crate) reference: Option<String>,
    /// The comment of the trusted key that signed it.
    pub(crate) signed_by: Option<String>,
    /// In milliseconds since the Unix epoch.
    pub(crate) loaded_ms: u64,
    pub(crate) code: Code,
}

/// What kind of component it is.
pub(crate) enum Code {
    Rules(Arc<Rules>),
    Driver { driver: Arc<Driver>, description: Description },
}

impl Generation {
    pub(crate) fn health(&self) -> &Health {
        match &self.code {
            Code::Rules(rules) => rules.health(),
            Code::Driver { driver, .. } => driver.health(),
        }
    }

    pub(crate) fn imports(&self) -> Vec<String> {
        match &self.code {
            Code::Rules(rules) => rules.imports(),
            Code::Driver { driver, .. } => driver.imports(),
        }
    }

    /// What one of its calls may use.
    pub(crate) fn budget(&self) -> Budget {
        match &self.code {
            Code::Rules(rules) => rules.budget(),
            Code::Driver { driver, .. } => driver.budget(),
        }
    }

    pub(crate) fn rules(&self) -> Option<&Arc<Rules>> {
        match &self.code {
            Code::Rules(rules) => Some(rules),
            Code::Driver { .. } => None,
        }
    }

    pub(crate) fn driver(&self) -> Option<(&Arc<Driver>, &Description)> {
        match &self.code {
            Code::Driver { driver, description } => Some((driver, description)),
            Code::Rules(_) => None,
        }
    }
}

/// Makes generations of components.
pub(crate) struct Loader {
    pub(super) runtime: Arc<Runtime>,
    pub(super) cache: Arc<CodeCache>,
    pub(super) services: Arc<Services>,
    /// What the rules may know.
    pub(super) settings: Settings,
    pub(super) trusted: Trusted,
    /// What single components may use instead of what all may.
    pub(super) grants: BTreeMap<String, Grant>,
    /// Crashes within a minute that raise an alarm.
    pub(super) crashes: u32,
    pub(super) alarms: UnboundedSender<Alarm>,
    /// Of the last generation.
    pub(super) number: AtomicU64,
}

impl Loader {
    /// Compiles a component on a thread of its own, and tries whether it fits its contract.
    pub(super) async fn load(&self, name: &str, source: &Source) -> Result<Generation, LoadError> {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let signed_by = match self.trusted.judge(&source.wasm, source.signature.as_deref(), &source.origin) {
            Signed::By(key) => Some(key),
            Signed::NotNeeded => None,
            Signed::No(reason) => return Err(LoadError::Refused { name: name.to_owned(), reason }),
        };
        let code =
            if name == AUTH { self.rules(number, source).await? } else { self.driver(name, number, source).await? };
        let loaded_ms = u64::try_from(self.services.clock.now().as_millis()).unwrap_or_default();
        let (digest, origin, reference) = (source.digest, source.origin.clone(), source.reference.clone());
        Ok(Generation { name: name.into(), number, digest, origin, reference, signed_by, loaded_ms, code })
    }

    /// Reads a file with its signature.
    pub(super) async fn read(&self, path: &Path) -> Result<Source, LoadError> {
        let path = path.to_owned();
        self.apart(move || sources::file(&path)).await
    }

    async fn rules(&self, number: u64, source: &Source) -> Result<Code, LoadError> {
        let (runtime, cache, source) = (self.runtime.clone(), self.cache.clone(), source.clone());
        let (settings, health) = (self.settings.clone(), Arc::new(self.health(AUTH, number)));
        let budget = self.runtime.budget.granted(self.grants.get(AUTH));
        let load = move || Rules::load(&runtime, &cache, source.named(AUTH), settings, health, budget);
        let rules = self.apart(load).await?;
        rules.check(&self.services).await?;
        Ok(Code::Rules(Arc::new(rules)))
    }

    async fn driver(&self, name: &str, number: u64, source: &Source) -> Result<Code, LoadError> {
        let (runtime, cache, source) = (self.runtime.clone(), self.cache.clone(), source.clone());
        let (of, health) = (name.to_owned(), self.health(name, number));
        let grant = self.grants.get(name).cloned().unwrap_or_default();
        let (budget, withheld) = (self.runtime.budget.granted(Some(&grant)), grant.withheld);
        let load = move || Driver::load(&runtime, &cache, source.named(&of), health, budget, &withheld);
        let driver = Arc::new(self.apart(load).await?);
        let refused = |reason: String| LoadError::Refused { name: name.to_owned(), reason };
        let granted = self.grants.get(name).and_then(|grant| grant.capabilities.as_ref());
        if let Some(beyond) = granted.and_then(|granted| grants::beyond(&driver.imports(), granted)) {
            return Err(refused(format!("it asks for `{beyond}`, which GATEWIT_GRANTS does not give it")));
        }
        let described = driver.describe(&self.services).await;
        let description = described.map_err(|error: CallError| refused(error.to_string()))?;
        if description.name != name {
            return Err(refused(format!("it calls itself `{}`; name it so", description.name)));
        }
        Ok(Code::Driver { driver, description })
    }

    fn health(&self, name: &str, number: u64) -> Health {
        let alarm = Alarm { name: name.to_owned(), number };
        Health::new(name != AUTH, self.crashes, Some((self.alarms.clone(), alarm)))
    }

    /// Compiling takes seconds, and those who wait for the network are not to wait for that.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
    ) -> Result<T, LoadError> {
        let done = self.cache.workshop.work(work).await;
        done.unwrap_or_else(|| Err(LoadError::Engine("it panicked while it read a component".to_owned())))
    }
}
