//! How it is all put together, once: data folder, secret, store, keys, components, providers, first administrator.
//!
//! Whatever is wrong is said here, in one line with its cause, and nothing is served. Absent: work at run time.

pub(crate) mod secret;
mod settings;

use crate::{
    Config, Secret,
    capability::{
        audit::Audit,
        cache::Cache,
        clock::Clock,
        keys::{hmac, kept, sealing::Sealer},
        mail::{self, Post},
        metrics::Metrics,
        passwords::{
            Passwords, argon2,
            pool::{Crews, Pool},
        },
        storage::{self, Backend},
        traces::Traces,
    },
    embed::Brought,
    engine::{Budget, CodeCache, Live, LoadError, Runtime, Services},
    gatewit::FirstAdmin,
    http::email,
    registry::{BuiltIn, Registry, Started},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes of a password that is made up, 16 letters.
const PASSWORD_BYTES: usize = 12;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be sent on the wire.
    #[error("{0}")]
    Setting(String),
    /// Providers cannot be served as they are set.
    #[error("providers cannot be served as they are set:\n  {}", .0.join("\n  "))]
    Providers(Vec<String>),
    /// The data folder cannot be used.
    #[error("cannot use the data folder `{}`", path.display())]
    Data {
        /// The folder or the file in it.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] storage::OpenError),
    /// A component cannot be used.
    #[error(transparent)]
    Component(#[from] LoadError),
    /// What the server keeps about itself in the database cannot be read or written.
    #[error("the audit log or a kept key cannot be used: {0}")]
    Kept(String),
    /// There is no secret, and so nothing that was vouched for with it.
    #[error("there is no SECRET, and none was made up in the data folder")]
    NoSecret,
    /// A head of the audit log is none.
    #[error("a head of the audit log is written <number>:<hash>, as `gatewit audit verify` tells it")]
    NotAHead,
    /// Passwords cannot be hashed as configured.
    #[error("passwords cannot be hashed with the configured cost")]
    Passwords(#[from] argon2::Error),
    /// There are no threads or no randomness.
    #[error("the system refuses a thread or random bytes")]
    System(#[from] std::io::Error),
    /// Mail cannot be sent as configured.
    #[error(transparent)]
    Mail(#[from] mail::OpenError),
    /// The first administrator could not sign in with this address.
    #[error("ADMIN_EMAIL: `{0}` is not an e-mail address that can sign in; write one with a public top-level domain")]
    AdminEmail(String),
    /// The first administrator cannot be written.
    #[error("the first administrator cannot be created: {0}")]
    Admin(String),
}

/// What a running server consists of.
pub(crate) struct Parts {
    pub(crate) registry: Started,
    pub(crate) services: Arc<Services>,
    pub(crate) first_admin: Option<FirstAdmin>,
}

pub(crate) async fn assemble(config: &Config, brought: Brought) -> Result<Parts, StartError> {
    let built_in = BuiltIn::with(brought.components.clone());
    let Ground { services, runtime, code, sealer } = prepare(config, brought).await?;
    let settings = settings::of_rules(config);
    let started = Registry::start(config, runtime, code, services.clone(), settings, sealer, built_in).await?;
    let registry = started.map_err(StartError::Providers)?;

    let first_admin = first_admin(config, &services).await?;
    Ok(Parts { registry, services, first_admin })
}

/// What components need around them, before there are any.
pub(crate) struct Ground {
    pub(crate) services: Arc<Services>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) code: CodeCache,
    sealer: Sealer,
}

pub(crate) async fn prepare(config: &Config, brought: Brought) -> Result<Ground, StartError> {
    let clock = brought.clock;
    let data = &config.storage.data_folder;
    make_folder(data)?;
    let secrets = secret::of(config, clock.as_ref())?;
    if let Some(folder) = config.storage.filename.parent() {
        make_folder(folder)?;
    }
    let store: Arc<dyn Backend> = match brought.storage {
        Some(database) => Arc::new(storage::Own::open(database, &config.storage).await?),
        None => storage::open(&config.storage).await?,
    };
    let recovery = kept::recovery(store.as_ref(), &secrets, clock.as_ref()).await;
    let keys = hmac::keys(&secrets, &recovery.map_err(|error| StartError::Kept(told(&error)))?);
    let audit = Audit::new(store.clone(), secrets.audit(), clock.clone());
    audit.begin().await.map_err(|error| StartError::Kept(told(&error)))?;
    let post =
        Post::start(&config.mail, &config.server.public_url, data, store.clone(), clock.clone(), brought.mailer)?;
    let passwords = passwords(config, &store)?;
    let (cache, traces, drivers) = (Cache::default(), Traces::start(store.clone()), Live::default());
    let metrics = Metrics::default();
    let services = Arc::new(Services { store, passwords, keys, post, cache, traces, audit, metrics, clock, drivers });

    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let granted = config.engine.grants.values().filter_map(|grant| grant.memory_bytes);
    let most = granted.chain([config.engine.call_memory_bytes]).max().map_or(0, bytes);
    let budget = Budget {
        memory_bytes: bytes(config.engine.call_memory_bytes),
        time: config.engine.call_time,
        calls: config.engine.calls,
        waiting: config.outbound.calls,
        wait: config.outbound.call_timeout,
        outbound: None,
    };
    let runtime = Arc::new(Runtime::start(budget, most)?);
    let code = CodeCache::new(config.engine.code_cache.clone(), secrets.compiled_code())?;
    let sealer = secrets.providers(config.keys.sealing.as_ref());
    Ok(Ground { services, runtime, code, sealer })
}

fn make_folder(path: &Path) -> Result<(), StartError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::Data { path: path.to_owned(), source })
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn random_text<const BYTES: usize>(clock: &dyn Clock) -> std::io::Result<String> {
    let mut bytes = [0; BYTES];
    clock.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn passwords(config: &Config, store: &Arc<dyn Backend>) -> Result<Passwords, StartError> {
    let settings = &config.passwords;
    let cost = argon2::Cost::new(settings)?;
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = settings.workers.map_or_else(cores, |workers| usize::try_from(workers).unwrap_or(1));
    let lanes = usize::try_from(settings.parallelism).unwrap_or(usize::MAX);
    let pool = Pool::start(Crews::of(workers, lanes), usize::try_from(settings.queue).unwrap_or(usize::MAX))?;
    Ok(Passwords::new(pool, cost, store.clone()))
}

/// An empty database gets an administrator, with the configured password or one that is made up and told once.
async fn first_admin(config: &Config, services: &Arc<Services>) -> Result<Option<FirstAdmin>, StartError> {
    let failed = |error: &dyn std::error::Error| StartError::Admin(error.to_string());
    if services.store.has_users().await.map_err(|error| failed(&error))? {
        return Ok(None);
    }
    let address = config.admin.email.clone().unwrap_or_else(|| "admin@example.com".to_owned());
    if !email::is_valid(&address) {
        return Err(StartError::AdminEmail(address));
    }
    let (password, made_up) = match &config.admin.password {
        Some(password) => (password.clone(), false),
        None => (Secret::new(random_text::<PASSWORD_BYTES>(services.clock.as_ref())?), true),
    };
    let salt = argon2::salt(services.clock.as_ref())?;
    let hash = services.passwords.hash(password.expose().clone(), salt).await.map_err(|error| failed(&error))?;
    let row = crate::capability::storage::FirstAdmin {
        email: &address,
        password_hash: &hash,
        static_token: config.admin.token.as_ref().map(|token| token.expose().as_str()),
    };
    let created = services.store.create_first_admin(row).await.map_err(|error| failed(&error))?;
    Ok(created.then(|| FirstAdmin { email: address, password: made_up.then_some(password) }))
}
