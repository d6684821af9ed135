//! A driver in the engine that serves it elsewhere, with a database of its own and settings as they are asked for: the same
//! grants, the same budgets, the same way to the network.
//!
//! Invariant: nothing of it stays but compiled code. Deliberately absent: what is asked, and what is right.

use super::{answer::Answer, sample};
use crate::{
    Config, StartError,
    bindings::{
        auth::gatewit::driver::types::{Arrival, Claim, Departure, Identity, Parameter, Refusal, Start},
        driver::exports::gatewit::driver::about::Description,
    },
    capability::{drivers::Served, trace::Trace},
    config::{Grant, Keys, Mail, Provider, ProviderMode, ProviderSetting, Storage},
    embed::Brought,
    engine::{CallError, Digest, Driver, Health, LoadError, Occasion, Services, Wasm},
    registry::{self, Ways},
    start::{self, Ground},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// The name of the provider that the driver serves here, as in [`sample::CALLBACK`].
const PROVIDER: &str = "conformance";

/// A folder that goes when it is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Nobody else uses it: it is named by this process, and by how many it has made.
    fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("gatewit-driver-test-{}-{made}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies where the system clears up by itself.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where drivers are loaded.
pub(super) struct Laboratory {
    ground: Ground,
    ways: Ways,
    grants: BTreeMap<String, Grant>,
    /// What all calls so far have told, and how long the longest took.
    seen: Mutex<Seen>,
    _folder: Folder,
}

/// What is looked at once all calls are over.
#[derive(Default)]
pub(super) struct Seen {
    /// Texts of refusals and lines of the log.
    pub(super) told: Vec<String>,
    /// Why calls had no answer.
    pub(super) failed: Vec<Failure>,
    pub(super) longest: Duration,
}

/// A call without an answer.
pub(super) struct Failure {
    pub(super) reason: String,
    /// It took too much, of time, memory or words.
    pub(super) is_about_the_budget: bool,
}

impl Laboratory {
    pub(super) async fn open(config: &Config) -> Result<Self, StartError> {
        let folder = Folder::new();
        let config = apart(config, &folder.0);
        let ground = start::prepare(&config, Brought::default()).await?;
        let grants = config.engine.grants;
        let ways = Ways::new(config.outbound, grants.clone());
        Ok(Self { ground, ways, grants, seen: Mutex::default(), _folder: folder })
    }

    pub(super) fn load(&self, name: &str, wasm: &[u8]) -> Result<Arc<Driver>, LoadError> {
        // Never given a rest: each input counts for itself.
        let health = Health::new(false, 0, None);
        let grant = self.grants.get(name).cloned().unwrap_or_default();
        let budget = self.ground.runtime.budget.granted(Some(&grant));
        let wasm = Wasm { name, bytes: wasm, digest: Digest::of(wasm) };
        Driver::load(&self.ground.runtime, &self.ground.code, wasm, health, budget, &grant.withheld).map(Arc::new)
    }

    pub(super) async fn describe(&self, driver: &Driver) -> Result<Description, CallError> {
        driver.describe(self.services()).await
    }

    /// A provider with these settings, and values that fit for what is required besides.
    pub(super) fn serve(
        &self,
        driver: &Arc<Driver>,
        description: &Description,
        given: &[ProviderSetting],
    ) -> Result<Served, Vec<String>> {
        let mut settings = given.to_vec();
        let is_given = |name: &str| given.iter().any(|setting| setting.name == name);
        let missing = description.settings.iter().filter(|setting| setting.required && !is_given(&setting.name));
        settings.extend(missing.filter_map(sample::placeholder));
        let provider = Provider {
            name: PROVIDER.to_owned(),
            driver: driver.name().to_owned(),
            label: None,
            icon: None,
            mode: ProviderMode::Session,
            settings,
            is_stored: false,
        };
        registry::serve(&Arc::new(provider), driver, description, PROVIDER, &self.ways)
    }

    pub(super) async fn login(&self, served: &Arc<Served>, values: &[String]) -> Answer<Identity> {
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.login(self.occasion(served, &trace), values).await;
        self.noted(started, &trace, answer)
    }

    pub(super) async fn begin(&self, served: &Arc<Served>, prompt: bool) -> Answer<Departure> {
        let start =
            Start { callback: sample::CALLBACK.to_owned(), state: sample::STATE.to_owned(), target: None, prompt };
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.begin(self.occasion(served, &trace), start).await;
        self.noted(started, &trace, answer)
    }

    pub(super) async fn recall(&self, served: &Arc<Served>, parameters: Vec<Parameter>) -> Answer<Claim> {
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.recall(self.occasion(served, &trace), parameters).await;
        self.noted(started, &trace, answer)
    }

    pub(super) async fn finish(&self, served: &Arc<Served>, arrival: Arrival) -> Answer<Identity> {
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.finish(self.occasion(served, &trace), arrival).await;
        self.noted(started, &trace, answer)
    }

    pub(super) async fn refresh(&self, served: &Arc<Served>, data: &str) -> Answer<Option<String>> {
        let trace = Trace::start();
        let started = Instant::now();
        let data = Some(data.to_owned());
        let answer = served.driver.refresh(self.occasion(served, &trace), sample::NAME, data).await;
        self.noted(started, &trace, answer)
    }

    /// Signs out at the provider, with what the driver is to have left for that.
    pub(super) async fn leave(&self, served: &Arc<Served>, data: &str) -> Answer<()> {
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.leave(self.occasion(served, &trace), Some(data), sample::CALLBACK).await;
        self.noted(started, &trace, answer.map(|answer| answer.map(drop)))
    }

    /// Reads a message of the provider.
    pub(super) async fn read_notice(&self, served: &Arc<Served>, parameters: Vec<Parameter>) -> Answer<()> {
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.read_notice(self.occasion(served, &trace), parameters, sample::CALLBACK).await;
        self.noted(started, &trace, answer.map(|answer| answer.map(drop)))
    }

    /// Describes us to the provider.
    pub(super) async fn describe_us(&self, served: &Arc<Served>) -> Answer<()> {
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.describe_us(self.occasion(served, &trace), sample::CALLBACK).await;
        self.noted(started, &trace, answer.map(|answer| answer.map(drop)))
    }

    /// Has it try its settings; `None` if it does not do that.
    pub(super) async fn check(&self, served: &Arc<Served>) -> Option<Answer<Vec<String>>> {
        let trace = Trace::start();
        let started = Instant::now();
        let answer = served.driver.check(self.occasion(served, &trace)).await?;
        if let Ok(Ok(lines)) = &answer {
            self.seen().told.extend(lines.iter().cloned());
        }
        Some(self.noted(started, &trace, answer))
    }

    /// What all calls have told.
    pub(super) fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of everything.
    pub(super) async fn close(&self) {
        self.services().post.close().await;
        self.services().traces.close().await;
        self.services().store.close().await;
    }

    fn services(&self) -> &Arc<Services> {
        &self.ground.services
    }

    fn occasion<'a>(&'a self, served: &'a Arc<Served>, trace: &'a Trace) -> Occasion<'a> {
        Occasion { served, services: self.services(), trace }
    }

    fn noted<T>(&self, started: Instant, trace: &Trace, answer: Answer<T>) -> Answer<T> {
        let mut seen = self.seen();
        seen.longest = seen.longest.max(started.elapsed());
        seen.told.extend(trace.steps().into_iter().map(|step| step.text));
        match &answer {
            Ok(Err(refusal)) => seen.told.push(text_of(refusal)),
            Ok(Ok(_)) => {}
            Err(error) => seen.failed.push(Failure {
                reason: error.to_string(),
                is_about_the_budget: !matches!(error, CallError::Trapped { .. }),
            }),
        }
        answer
    }
}

fn text_of(refusal: &Refusal) -> String {
    super::answer::text(refusal).to_owned()
}

/// The same engine and the same way out, and nothing of the server's data. Compiled code is kept where the server keeps its
/// own, if it would be trusted there.
fn apart(config: &Config, folder: &Path) -> Config {
    let mut apart = Config {
        storage: Storage { data_folder: folder.to_owned(), filename: folder.join("gatewit.db"), ..Storage::default() },
        mail: Mail::default(),
        keys: Keys { secret: config.keys.secret.clone(), ..Keys::default() },
        passwords: config.passwords.clone(),
        engine: config.engine.clone(),
        outbound: config.outbound.clone(),
        ..Config::default()
    };
    if config.keys.secret.is_none() {
        apart.engine.code_cache = folder.join("code-cache");
    }
    apart
}
