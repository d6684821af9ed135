//! How it is all put together, once: data folder, secret, store, keys, components, providers, first administrator.
//!
//! Whatever is wrong is said here, in one line with its cause, and nothing is served. Absent: work at run time.

mod settings;

use crate::{
    Config, Secret,
    capability::{
        clock::Clock,
        config::Settings,
        drivers::{Drivers, Served},
        keys::hmac,
        mail::{self, Post},
        passwords::{Passwords, argon2, pool::Pool},
        storage::{self, Backend},
    },
    engine::{Budget, CallError, CodeCache, Driver, LoadError, Rules, Runtime, Services},
    gatewit::FirstAdmin,
    http::email,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::BTreeMap,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

const AUTH: &str = "auth";
const LOCAL: &str = "local";

/// The first-party components, inside of the binary.
const BUILT_IN: [(&str, &[u8]); 2] =
    [(AUTH, include_bytes!(env!("GATEWIT_COMPONENT_AUTH"))), (LOCAL, include_bytes!(env!("GATEWIT_COMPONENT_LOCAL")))];

/// Bytes of a secret that is made up: as many as the hash gives (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

/// Bytes of a password that is made up, 16 letters.
const PASSWORD_BYTES: usize = 12;

/// Largest component file that is read. A Python interpreter with its library is 18 MB.
const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be sent on the wire.
    #[error("{0}")]
    Setting(String),
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
    let services = Arc::new(Services { passwords, store, keys, post, clock, drivers: OnceLock::new() });

    let runtime = Arc::new(Runtime::start(Budget {
        memory_bytes: usize::try_from(config.engine.call_memory_bytes).unwrap_or(usize::MAX),
        time: config.engine.call_time,
        calls: config.engine.calls,
    })?);
    let cache = CodeCache::new(config.engine.code_cache.clone(), code_key);
    let mut components = components(&config.engine.components)?;
    let auth = components.remove(AUTH).unwrap_or_default();
    let rules = Rules::load(&runtime, &cache, AUTH, &auth, settings::of_rules(config))?;
    rules.check(&services).await?;
    let drivers = drivers(config, &runtime, &cache, &services, components).await?;
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

/// All components by name. A file in the folder stands in for the built-in one of its name.
fn components(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, LoadError> {
    let mut found: BTreeMap<String, Vec<u8>> =
        BUILT_IN.iter().map(|(name, wasm)| ((*name).to_owned(), wasm.to_vec())).collect();
    let unreadable = |name: &Path, source| LoadError::Read { name: name.display().to_string(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(unreadable(folder, error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let read = || match std::fs::metadata(&path)?.len() {
            ..=COMPONENT_BYTES_MAX => std::fs::read(&path),
            _ => Err(std::io::Error::other(format!("larger than {COMPONENT_BYTES_MAX} bytes"))),
        };
        tracing::info!(component = name, file = %path.display(), "a component of the folder is used");
        found.insert(name.to_owned(), read().map_err(|error| unreadable(&path, error))?);
    }
    Ok(found)
}

/// Loads the drivers and assigns them to providers.
async fn drivers(
    config: &Config,
    runtime: &Arc<Runtime>,
    cache: &CodeCache,
    services: &Arc<Services>,
    components: BTreeMap<String, Vec<u8>>,
) -> Result<Drivers, StartError> {
    use crate::bindings::auth::gatewit::drivers::dispatch::Provider;
    use crate::config::ProviderMode;
    let mut loaded = BTreeMap::new();
    for (name, wasm) in components {
        let driver = Arc::new(Driver::load(runtime, cache, &name, &wasm)?);
        let refused = |reason: String| LoadError::Refused { name: name.clone(), reason };
        let described = driver.describe(services).await.map_err(|error: CallError| refused(error.to_string()))?;
        if described.name != name {
            let reason = format!("it calls itself `{}`; name the file {0}.wasm", described.name);
            return Err(refused(reason).into());
        }
        loaded.insert(name, (driver, described.fields));
    }
    let serve = |name: &str, driver: &str, settings: Settings| {
        let (component, fields) = loaded.get(driver)?;
        Some(Served { name: name.into(), driver: component.clone(), fields: fields.clone(), settings })
    };
    let mut drivers = Drivers::default();
    if !config.auth.disable_default {
        drivers.served.extend(serve("default", LOCAL, Settings::default()));
    }
    for provider in &config.auth.providers {
        let served = serve(&provider.name, &provider.driver, settings::of_provider(&provider.settings));
        if served.is_none() {
            tracing::warn!(
                provider = provider.name,
                driver = provider.driver,
                "there is no such driver; the provider is listed only"
            );
        }
        drivers.served.extend(served);
        drivers.listed.push(Provider {
            name: provider.name.clone(),
            driver: provider.driver.clone(),
            label: provider.label.clone(),
            icon: provider.icon.clone(),
            session: matches!(provider.driver.as_str(), LOCAL | "ldap") || provider.mode == ProviderMode::Session,
        });
    }
    Ok(drivers)
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
