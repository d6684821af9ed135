//! What is served now: which generation of each component, for which providers, and how that changes while requests are in
//! flight.
//!
//! A generation is loaded, compared with its contract and tried before anybody is served by it, and then it is put in the
//! place of the one before in one step. Requests finish with the generation that they began with; the one before stays at
//! hand, to go back to. What cannot be served changes nothing.
//!
//! | file | what it does |
//! |---|---|
//! | [`sources`] | components as bytes: in the binary, in the folder |
//! | [`folder`] | notices what changes in the folder |
//! | [`signature`] | who vouches for a component |
//! | [`generation`] | a component that is ready, and how it becomes that |
//! | [`slot`] | which generations there are of one component (pure) |
//! | [`grants`] | what a component may use, and how that differs from the one before (pure) |
//! | [`change`] | the changes: publish, go back, withdraw, try out |
//! | [`promotion`], [`trials`] | when a trial ends without anybody deciding it |
//! | [`reach`] | which hosts a driver reaches by its providers' settings (pure) |
//! | [`remote`] | components of registries |
//! | [`self_check`] | whether a new generation works for its providers |
//! | [`store`] | the same across restarts and hosts |
//! | [`provider`], [`providers`] | the settings of providers, and who serves them |
//! | [`live`] | providers that operators make while the server runs |
//! | [`view`] | all that, as an operator may see it |
//!
//! Absent: HTTP, SQL, sandboxes, and who may ask for a change.

mod change;
mod folder;
mod generation;
mod grants;
mod live;
mod promotion;
mod provider;
mod providers;
mod reach;
mod remote;
mod self_check;
mod signature;
mod slot;
mod sources;
mod store;
mod trials;
mod view;

use crate::{
    Config,
    capability::{
        audit::{self, Event},
        drivers::Drivers,
        keys::sealing::{SealError, Sealer},
        storage,
    },
    config, distribution,
    engine::{Alarm, CallError, CodeCache, Conversation, Live, LoadError, Runtime, Services, Watched},
};
pub(crate) use change::{Taken, Upload};
pub(crate) use generation::Generation;
use generation::{AUTH, LOCAL, Loader};
pub(crate) use grants::Difference;
use live::CONCEALED;
pub(crate) use live::{Draft, LiveProvider};
pub(crate) use promotion::Rule;
pub(crate) use provider::{is_reserved, read_default};
use providers::{Parts, Problems};
pub(crate) use providers::{Ways, serve};
pub(crate) use slot::{Mode, Slot};
pub(crate) use sources::{BuiltIn, COMPONENT_BYTES_MAX};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Weak, atomic::AtomicU64},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::AbortHandle,
};
pub(crate) use view::generation as shown;

/// Why a change is not made. Everything is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Component(#[from] LoadError),
    #[error("`{0}` is not the name of a component; use letters, digits, - and _")]
    Name(String),
    #[error("a component may have at most {0} bytes")]
    TooLarge(usize),
    #[error("{0} is not a share; write a number above 0 and up to 1")]
    Share(f64),
    #[error("a rule of promotion names how many calls it waits for, at least 1, and a share of failures from 0 to 1")]
    Rule,
    #[error(transparent)]
    Remote(#[from] distribution::Failure),
    #[error("it asks for more than the one before: {0}; repeat it and accept that, if it is right")]
    Grants(String),
    #[error("the provider `{name}` could no longer be served: {problem}")]
    Provider { name: String, problem: String },
    #[error("the component `{name}` is the file {}, which stands before everything else; change or remove it there", path.display())]
    Pinned { name: String, path: PathBuf },
    #[error("there is no component `{0}` that was sent")]
    NotThere(String),
    #[error("there is no generation of `{0}` to go back to")]
    NothingBefore(String),
    #[error("no generation of `{0}` is tried out")]
    NoTrial(String),
    #[error("providers use it: {0}; change or remove them first")]
    InUse(String),
    #[error("GATEWIT_UPLOADED_COMPONENTS=false keeps components of the database out")]
    UploadsOff,
    #[error("{}", .0.join("; "))]
    Settings(Vec<String>),
    #[error("there is no provider `{0}`")]
    NoProvider(String),
    #[error("there is a provider `{0}` already")]
    Taken(String),
    #[error("the provider `{0}` is set in the configuration and can only be changed there")]
    ReadOnly(String),
    #[error("cannot write {}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error("the secrets cannot be sealed")]
    Seal(#[from] SealError),
}

/// What is served, and the way to change it.
pub(crate) struct Registry {
    loader: Loader,
    ways: Ways,
    folder: PathBuf,
    built_in: BuiltIn,
    disable_default: bool,
    takes_uploads: bool,
    sealer: Sealer,
    /// When a trial ends by itself, where nothing else is said.
    rule: Option<Rule>,
    oci: config::Oci,
    outbound: config::Outbound,
    /// The generations of the rules.
    rules: Live<Slot>,
    /// One change at a time.
    state: tokio::sync::Mutex<State>,
}

/// What only changes look at.
#[derive(Default)]
struct State {
    slots: BTreeMap<String, Slot>,
    /// The providers of the configuration …
    configured: Vec<Arc<config::Provider>>,
    /// … and those of operators.
    live: Vec<LiveProvider>,
    /// Providers that cannot be served as they are set.
    problems: Problems,
    /// Component files as they were seen last.
    files: BTreeMap<String, folder::Seen>,
    /// Why components were not taken, by name, until one is.
    refusals: BTreeMap<String, String>,
    /// How often the database was changed when it was looked at.
    revision: u64,
}

impl State {
    /// Those to be served, in the order in which people see them. The configuration stands before the database.
    fn providers(&self) -> impl Iterator<Item = &Arc<config::Provider>> {
        let is_free = |live: &&LiveProvider| !self.configured.iter().any(|provider| provider.name == live.name());
        let live = self.live.iter().filter(is_free).filter_map(|live| live.served.as_ref());
        self.configured.iter().chain(live)
    }
}

/// What a start has found.
pub(crate) struct Started {
    pub(crate) registry: Arc<Registry>,
    alarms: UnboundedReceiver<Alarm>,
}

impl Registry {
    /// Loads everything that somebody uses.
    ///
    /// # Errors
    /// A component cannot be used, or (the inner one) providers of the configuration cannot be served as they are set.
    pub(crate) async fn start(
        config: &Config,
        runtime: Arc<Runtime>,
        cache: CodeCache,
        services: Arc<Services>,
        settings: crate::capability::config::Settings,
        sealer: Sealer,
        built_in: BuiltIn,
    ) -> Result<Result<Started, Vec<String>>, LoadError> {
        let engine = &config.engine;
        let trusted = match signature::Trusted::new(&engine.trusted_keys, engine.require_signed) {
            Ok(trusted) => trusted,
            Err(problem) => return Ok(Err(vec![problem])),
        };
        let (alarms, heard) = unbounded_channel();
        let cache = Arc::new(cache);
        let registry = Self {
            loader: Loader {
                runtime,
                cache,
                services,
                settings,
                trusted,
                grants: engine.grants.clone(),
                crashes: engine.rollback_crashes,
                alarms,
                number: AtomicU64::new(0),
            },
            ways: Ways::new(config.outbound.clone(), engine.grants.clone()),
            folder: engine.components.clone(),
            built_in,
            disable_default: config.auth.disable_default,
            takes_uploads: engine.uploaded,
            sealer,
            rule: (engine.promote_after > 0).then_some(Rule {
                after: engine.promote_after,
                max_differences: engine.promote_max_differences,
                max_failures: engine.promote_max_failures,
            }),
            oci: config.oci.clone(),
            outbound: config.outbound.clone(),
            rules: Live::default(),
            state: tokio::sync::Mutex::default(),
        };
        let mut state =
            State { configured: config.auth.providers.iter().cloned().map(Arc::new).collect(), ..State::default() };
        if let Err(failure) = registry.fetch_all(&engine.sources).await {
            return Ok(Err(vec![failure]));
        }
        registry.load_all(&mut state).await?;
        let problems: Vec<_> = state
            .problems
            .iter()
            .filter(|(name, _)| state.configured.iter().any(|provider| provider.name == **name))
            .flat_map(|(_, lines)| lines.clone())
            .collect();
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        *registry.state.lock().await = state;
        Ok(Ok(Started { registry: Arc::new(registry), alarms: heard }))
    }

    /// Opens a sandbox of the rules for one request: mostly of those that serve, for its share of the requests of those on
    /// trial. Those that watch are shown it afterwards.
    pub(crate) async fn open(&self, trace: &crate::capability::trace::Trace) -> Result<Conversation, CallError> {
        let slot = self.rules.get();
        let services = self.services();
        let taken = slot.trial.as_ref().filter(|trial| match trial.mode {
            Mode::Canary(share) => services.clock.roll() < share,
            Mode::Shadow => false,
        });
        let generation = taken.map(|trial| &trial.generation).or(slot.current.as_ref());
        let none = || CallError::Trapped { component: AUTH.into(), cause: "there are no rules".to_owned() };
        let rules = generation.and_then(|generation| generation.rules()).ok_or_else(none)?;
        let watched = slot
            .trial
            .as_ref()
            .filter(|trial| trial.mode == Mode::Shadow)
            .and_then(|trial| Watched::begin(trial.generation.rules()?, &trial.comparison, services));
        match watched {
            Some(watched) => rules.open_watched(services, trace, watched).await,
            None => rules.open(services, trace).await,
        }
    }

    /// Puts on record what the server did by itself. What a file says is served even if that cannot be written: the log has it,
    /// too, and an operator who repairs a driver by hand may have no database.
    async fn note(&self, what: &str, object: &str, outcome: &str) {
        let event = Event { who: audit::SERVER, what, object, outcome, ..Event::default() };
        if let Err(error) = self.services().audit.record(event).await {
            tracing::error!(error = &error as &dyn std::error::Error, what, object, "what was done is not on record");
        }
    }

    fn services(&self) -> &Arc<Services> {
        &self.loader.services
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.services().clock.now().as_millis()).unwrap_or_default()
    }

    /// Every component that is used, from the folder, else from the database, else from the binary; and then the providers.
    async fn load_all(&self, state: &mut State) -> Result<(), LoadError> {
        let unreadable = |error: storage::Error| LoadError::Engine(format!("the database: {error}"));
        let store = &self.services().store;
        state.revision = store.revision().await.map_err(unreadable)?;
        let stored = if self.takes_uploads { store.components().await.map_err(unreadable)? } else { Vec::new() };
        self.read_providers(state).await.map_err(unreadable)?;
        let files = sources::files(&self.folder)?;
        let mut names: BTreeSet<String> = state.providers().map(|provider| provider.driver.clone()).collect();
        names.extend(files.keys().cloned());
        names.extend(stored.iter().map(|component| component.name.clone()));
        names.insert(AUTH.to_owned());
        if !self.disable_default {
            names.insert(LOCAL.to_owned());
        }
        for name in names {
            if let Some(path) = files.get(&name) {
                tracing::info!(component = name, file = %path.display(), "a component of the folder is used");
                let source = sources::file(path)?;
                self.keep_source(&name, &source);
                state.files.insert(name.clone(), folder::Seen::of(path));
                self.place(state, &name, &source).await?;
            } else if !self.place_stored(state, &name, &stored).await.map_err(|refused| uploaded(&name, &refused))?
                && let Some(source) = self.built_in.get(&name)
            {
                self.place(state, &name, &source).await?;
            }
        }
        self.serve_all(state);
        Ok(())
    }

    /// Keeps a file, so that it can be put back when the next one is given up.
    fn keep_source(&self, name: &str, source: &sources::Source) {
        let digest = source.digest.to_string();
        if let Err(error) = self.loader.cache.keep_source(&digest, &source.wasm, source.signature.as_deref()) {
            tracing::warn!(component = name, %error, "the file is not kept; it cannot be put back later");
        }
    }

    /// Puts a component in its slot, before anybody is served.
    async fn place(&self, state: &mut State, name: &str, source: &sources::Source) -> Result<(), LoadError> {
        let generation = self.loader.load(name, source).await?;
        let slot = state.slot(name).with(Arc::new(generation));
        state.slots.insert(name.to_owned(), slot);
        Ok(())
    }

    /// Everybody who would be served with these slots, and what is wrong with the others.
    fn put_together(&self, state: &State, slots: &BTreeMap<String, Slot>) -> (Drivers, Problems) {
        let (providers, old) = (state.providers().cloned().collect::<Vec<_>>(), self.services().drivers.get());
        let (disable_default, ways) = (self.disable_default, &self.ways);
        providers::assemble(&Parts { slots, providers: &providers, disable_default, ways, old: &old })
    }

    /// Serves what is in the slots.
    fn serve_all(&self, state: &mut State) {
        if let Some(rules) = state.slots.get(AUTH) {
            self.rules.set(rules.clone());
        }
        let (drivers, problems) = self.put_together(state, &state.slots);
        for provider in state.providers().filter(|provider| !state.slots.contains_key(&provider.driver)) {
            let (provider, driver) = (&provider.name, &provider.driver);
            tracing::warn!(provider, driver, "there is no such driver; the provider is listed only");
        }
        for (provider, lines) in &problems {
            tracing::error!(provider, problems = lines.join("; "), "a provider cannot be served as it is set");
        }
        self.services().drivers.set(drivers);
        state.problems = problems;
    }
}

impl Started {
    /// Begins to follow what changes: other hosts, the folder if it is to be watched, and crashes.
    pub(crate) fn run(self, watches: bool) -> (Arc<Registry>, Vec<AbortHandle>) {
        let Self { registry, alarms } = self;
        let mut tasks = vec![
            tokio::spawn(Registry::follow(Arc::downgrade(&registry))).abort_handle(),
            tokio::spawn(Registry::heed(Arc::downgrade(&registry), alarms)).abort_handle(),
        ];
        if watches {
            let watch = Registry::watch(Arc::downgrade(&registry), registry.folder.clone());
            tasks.push(tokio::spawn(watch).abort_handle());
        }
        (registry, tasks)
    }
}

impl Registry {
    /// Takes back generations that crash too often.
    async fn heed(this: Weak<Self>, mut alarms: UnboundedReceiver<Alarm>) {
        while let Some(Alarm { name, number }) = alarms.recv().await {
            let Some(registry) = this.upgrade() else { return };
            let mut state = registry.state.lock().await;
            let slot = state.slot(&name);
            let is = |generation: &Arc<Generation>| generation.number == number;
            let done = if slot.current.as_ref().is_some_and(is) {
                registry.roll_back_in(&mut state, &name).await.map(|before| Some(before.number))
            } else if slot.trial.as_ref().is_some_and(|trial| is(&trial.generation)) {
                registry.end_trial_in(&mut state, &name).await.map(|()| None)
            } else {
                continue;
            };
            let (component, generation) = (name, number);
            drop(state);
            registry.note("component.take-back", &component, if done.is_ok() { "done" } else { "failed" }).await;
            match done {
                Ok(before) => tracing::error!(component, generation, before, "crashed too often and is taken back"),
                Err(refused) => tracing::error!(
                    component,
                    generation,
                    error = &refused as &dyn std::error::Error,
                    "crashes too often, and there is nothing to go back to"
                ),
            }
        }
    }
}

/// A component of the database that does not work any more keeps the server from starting, with a way out.
fn uploaded(name: &str, refused: &Refused) -> LoadError {
    let hint = "GATEWIT_UPLOADED_COMPONENTS=false starts without components of the database";
    LoadError::Refused { name: name.to_owned(), reason: format!("{refused}; {hint}") }
}
