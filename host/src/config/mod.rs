//! Everything that can be set about a host.
//!
//! Settings come from four places; what is set in a higher one wins:
//!
//! 1. the process environment,
//! 2. the `.env` file in the working directory,
//! 3. `gatewit.toml` (its path is in `GATEWIT_CONFIG`; else `./gatewit.toml` if it is there),
//! 4. defaults.
//!
//! Variables have Directus's names and are cast as Directus casts them, so that its `.env` works as it is; settings that
//! Directus has no word for start with `GATEWIT_`. `X_FILE=/path` takes `X` from a file. `reference.toml` beside this file
//! lists every setting with its default.
//!
//! Invariants: a configuration is read once, all its problems are reported together, a value is never guessed from a
//! broken setting, and no message holds a secret. An unknown variable is ignored (it may be Directus's) unless it starts
//! with `GATEWIT_`; an unknown key of `gatewit.toml` is an error. Only [`Sources::read`] touches the process and its
//! files. Deliberately absent: what is kept in the database, and changing settings while the host runs.

mod accounts;
mod admin;
mod auth;
mod cast;
mod client;
mod cookies;
mod cors;
mod decode;
mod dotenv;
mod duration;
mod engine;
mod error;
mod file;
pub(crate) mod front;
mod grants;
mod graphql;
mod host_pattern;
mod keys;
mod kind;
mod limits;
mod log;
mod mail;
mod metrics;
mod network;
mod oci;
mod origin_pattern;
pub(crate) mod outbound;
mod passwords;
mod preset;
mod provider;
mod server;
mod setting;
mod size;
mod sources;
mod storage;
mod telemetry;
#[cfg(test)]
mod tests;
mod upstream;

use std::collections::BTreeMap;
use std::path::Path;

pub use self::accounts::{Accounts, Attempts, EnforceTfa};
pub use self::admin::Admin;
pub use self::auth::Auth;
pub use self::cast::{Value, cast};
pub use self::client::Client;
pub use self::cookies::{Cookie, Cookies, SameSite};
pub use self::cors::{AllowedOrigin, Cors, CorsOrigin};
pub use self::duration::{Ttl, milliseconds};
pub use self::engine::Engine;
pub use self::error::{ConfigErrors, Warning};
pub use self::front::Front;
pub use self::grants::Grant;
pub use self::graphql::Graphql;
pub use self::host_pattern::HostPattern;
pub use self::keys::Keys;
pub use self::kind::{Cast, Kind, ProviderSetting};
pub use self::limits::{Limit, LimitStore, Limits};
pub use self::log::{Log, LogLevel, LogStyle};
pub use self::mail::{Mail, MailTransport, NewLine, Sendmail, Smtp, SmtpTls};
pub use self::metrics::{Metrics, MetricsAccess};
pub use self::network::{Network, TrustProxy};
pub use self::oci::Oci;
pub use self::origin_pattern::OriginPattern;
pub use self::outbound::Outbound;
pub use self::passwords::{Argon2Variant, Passwords};
pub use self::provider::{Provider, ProviderMode};
pub use self::server::{Directive, Hsts, Server};
pub use self::size::bytes;
pub use self::sources::{ReadFile, Sources};
pub use self::storage::{DatabaseClient, Encryption, Postgres, Storage, TokenStorage};
pub use self::telemetry::{Exporter, Sampler, Telemetry};
pub use self::upstream::{Anonymous, OwnPath, Upstream, UpstreamHost};

use self::error::Report;
pub(crate) use self::error::hint;
use self::file::TomlFile;
use self::setting::Setting;
use self::sources::{DIRECTIVE_PREFIX, Entry, Variables};

/// The configuration of a host. `Default` is what holds where nothing is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Where and how the server answers.
    pub server: Server,
    /// Standing in front of other applications.
    pub front: Front,
    /// The application behind this server, where it is a reverse proxy.
    pub upstream: Upstream,
    /// Sign-in, tokens, providers.
    pub auth: Auth,
    /// Accounts besides their sign-in: links, second factors, guessed passwords.
    pub accounts: Accounts,
    /// The refresh and the session cookie.
    pub cookies: Cookies,
    /// Where data lies.
    pub storage: Storage,
    /// Hashing of passwords.
    pub passwords: Passwords,
    /// Keys of the server.
    pub keys: Keys,
    /// The WebAssembly engine.
    pub engine: Engine,
    /// The way to providers.
    pub outbound: Outbound,
    /// Registries of components.
    pub oci: Oci,
    /// The log.
    pub log: Log,
    /// Traces for a collector.
    pub telemetry: Telemetry,
    /// Letters.
    pub mail: Mail,
    /// Figures for Prometheus.
    pub metrics: Metrics,
    /// The way of the command line to a server.
    pub client: Client,
    /// The first administrator.
    pub admin: Admin,
}

impl Config {
    /// Reads the configuration of this process: its environment and the files in its working directory.
    ///
    /// # Errors
    /// All problems at once.
    pub fn load() -> Result<(Self, Vec<Warning>), ConfigErrors> {
        Self::from_sources(&Sources::read()?)
    }

    /// Reads a configuration from `sources` and nothing else.
    ///
    /// # Errors
    /// All problems at once.
    pub fn from_sources(sources: &Sources) -> Result<(Self, Vec<Warning>), ConfigErrors> {
        let mut report = Report::default();
        let variables = Variables::collect(sources, &mut report);
        let file = TomlFile::parse(sources.toml.as_ref(), &mut report);
        let mut config = Self::default();
        for setting in setting::all() {
            let variable = setting.names().find_map(|name| variables.get(name));
            if let Some(entry) = variable.or_else(|| file.get(setting.path)) {
                report.keep(config.apply(setting, entry, &sources.read_file));
            }
        }
        config.server.content_security_policy = directives(&variables, &file, &sources.read_file, &mut report);
        config.auth.providers = provider::providers(&variables, &file, &sources.read_file, &mut report);
        config.check(&mut report);
        if report.problems.is_empty() { Ok((config, report.warnings)) } else { Err(ConfigErrors::new(report.problems)) }
    }

    /// Moves everything that lies in the data folder by default.
    fn place_in(&mut self, folder: &Path) {
        self.storage = Storage::within(folder);
        self.engine = Engine::within(folder);
        self.mail = Mail::within(folder);
    }

    fn apply(&mut self, setting: &Setting, entry: &Entry, read_file: &ReadFile) -> Result<(), String> {
        let given = entry.read(setting.variable, read_file)?;
        (setting.put)(self, &given.value).map_err(|refusal| {
            if setting.is_secret {
                format!("{}: the value {}", entry.written, refusal.0)
            } else {
                format!("{}: {:?} {}", entry.written, given.shown, refusal.0)
            }
        })
    }

    /// What settings say together.
    fn check(&self, report: &mut Report) {
        report.problems.extend(self.passwords.problem());
        report.problems.extend(self.storage.problems());
        self.mail.check(report);
        self.server.cors.check(report);
        self.server.limits.check(report);
        self.upstream.check(report);
        self.oci.check(report);
        self.telemetry.check(report);
        if self.cookies.refresh.name == self.cookies.session.name {
            report.problem("SESSION_COOKIE_NAME: is the same as REFRESH_TOKEN_COOKIE_NAME; choose another");
        }
        for (name, cookie) in [("REFRESH_TOKEN", &self.cookies.refresh), ("SESSION", &self.cookies.session)] {
            if cookie.same_site == SameSite::None && !cookie.secure {
                report.warn(format!(
                    "{name}_COOKIE_SAME_SITE: browsers drop the cookie unless {name}_COOKIE_SECURE=true"
                ));
            }
        }
        if self.keys.secret.as_ref().is_some_and(|secret| secret.expose().len() < keys::SECRET_BYTES_MIN) {
            report.warn(format!("SECRET: is shorter than {} bytes and may be guessed", keys::SECRET_BYTES_MIN));
        }
        if self.keys.previous.iter().any(|secret| secret.expose().len() < keys::SECRET_BYTES_MIN) {
            let bytes = keys::SECRET_BYTES_MIN;
            report.warn(format!("GATEWIT_PREVIOUS_SECRETS: one is shorter than {bytes} bytes and may be guessed"));
        }
        if self.keys.secret.is_some() && self.keys.previous.iter().any(|old| Some(old) == self.keys.secret.as_ref()) {
            report.warn("GATEWIT_PREVIOUS_SECRETS: holds SECRET itself; is the new one in place?");
        }
        let ttls = [
            ("ACCESS_TOKEN_TTL", self.auth.access_token_ttl),
            ("REFRESH_TOKEN_TTL", self.auth.refresh_token_ttl),
            ("SESSION_COOKIE_TTL", self.auth.session_cookie_ttl),
        ];
        for (name, ttl) in ttls.into_iter().filter(|(_, ttl)| ttl.is_bare()) {
            let amount = ttl.body_ms();
            report.warn(format!("{name}: {amount} means {amount}ms to clients but {amount}s in tokens; write a unit"));
        }
    }
}

/// The directives of the file, and over them those of variables.
fn directives(variables: &Variables, file: &TomlFile, read_file: &ReadFile, report: &mut Report) -> Vec<Directive> {
    let of_variables = variables.iter().filter_map(|(name, entry)| Some((name.strip_prefix(DIRECTIVE_PREFIX)?, entry)));
    let of_file = file.directives.iter().map(|(name, entry)| (name.as_str(), entry));
    let mut found = BTreeMap::new();
    for (name, entry) in of_file.chain(of_variables) {
        let read = entry.read("", read_file).and_then(|given| {
            let directive = server::directive(name, &given.value);
            directive.map_err(|refusal| format!("{}: {:?} {}", entry.written, given.shown, refusal.0))
        });
        found.extend(report.keep(read).map(|directive| (directive.name.clone(), directive)));
    }
    found.into_values().collect()
}
