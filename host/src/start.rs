//! How it is all put together, once: data folder, secret, store, keys, components, providers, first administrator.
//!
//! Whatever is wrong is said here, in one line with its cause, and nothing is served. Absent: work at run time.

mod components;
mod drivers;
mod provider;
mod settings;

use crate::{
    Config, Secret,
    capability::{
        cache::Cache,
        clock::Clock,
        keys::hmac,
        mail::{self, Post},
        passwords::{Passwords, argon2, pool::Pool},
        storage::{self, Backend},
        traces::Traces,
    },
    engine::{Budget, CodeCache, LoadError, Rules, Runtime, Services},
    gatewit::FirstAdmin,
    http::email,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// Bytes of a secret that is made up: as many as the hash gives (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

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
    pub(crate) rules: Rules,
    pub(crate) services: Arc<Services>,
    pub(crate) first_admin: Option<FirstAdmin>,
}

pub(crate) async fn assemble(config: &Config, clock: Arc<dyn Clock>) -> Result<Parts, StartError> {
    let data = &config.storage.data_folder;
    make_folder(data)?;
    let secret = secret(config, clock.as_ref())?;
    if let Some(folder) = config.storage.filename.parent() {
        make_folder(folder)?;
    }
    let store = storage::open(&config.storage).await?;
    let (keys, code_key) = hmac::keys(&secret);
    let post = Post::start(&config.mail, &config.server.public_url, data, store.clone(), clock.clone())?;
    let passwords = passwords(config, &store)?;
    let (cache, traces, drivers) = (Cache::default(), Traces::start(store.clone()), OnceLock::new());
    let services = Arc::new(Services { store, passwords, keys, post, cache, traces, clock, drivers });

    let runtime = Arc::new(Runtime::start(Budget {
        memory_bytes: usize::try_from(config.engine.call_memory_bytes).unwrap_or(usize::MAX),
        time: config.engine.call_time,
        calls: config.engine.calls,
        waiting: config.outbound.calls,
        wait: config.outbound.call_timeout,
    })?);
    let code = CodeCache::new(config.engine.code_cache.clone(), code_key);
    let mut components = components::all(&config.engine.components)?;
    let auth = components.remove(components::AUTH).unwrap_or_default();
    let rules = Rules::load(&runtime, &code, components::AUTH, &auth.wasm, settings::of_rules(config))?;
    rules.check(&services).await?;
    let drivers = drivers::load(config, &runtime, &code, &services, components).await?;
    let _ = services.drivers.set(drivers);

    let first_admin = first_admin(config, &services).await?;
    Ok(Parts { rules, services, first_admin })
}

fn make_folder(path: &Path) -> Result<(), StartError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::Data { path: path.to_owned(), source })
}

/// The configured secret, or one that is made up once and kept, so that tokens outlive a restart.
fn secret(config: &Config, clock: &dyn Clock) -> Result<Secret<String>, StartError> {
    if let Some(secret) = &config.keys.secret {
        return Ok(secret.clone());
    }
    let path = config.storage.data_folder.join("secret");
    let failed = |source| StartError::Data { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= SECRET_BYTES => return Ok(Secret::new(text.trim().to_owned())),
        Ok(_) => {
            return Err(failed(std::io::Error::other("the file is too short to be a secret; restore or remove it")));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Err(_) => {}
    }
    let secret = Secret::new(random_text::<SECRET_BYTES>(clock)?);
    let draft = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(secret.expose().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)
    };
    write().map_err(failed)?;
    tracing::info!(file = %path.display(), "made up a secret; set SECRET to use one of your own");
    Ok(secret)
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
    let pool = Pool::start(workers, usize::try_from(settings.queue).unwrap_or(usize::MAX))?;
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
