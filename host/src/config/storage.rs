//! `[storage]`: where data lies.
//!
//! Directus's names for SQLite and PostgreSQL. Databases that Directus knows and Gatewit does not serve are refused by
//! name, so nobody signs in against an empty database by mistake. Deliberately absent: opening anything.

use std::path::{Path, PathBuf};

use super::cast::Value;
use super::decode::{boolean, integer, list, one_of, optional_text, path, secret, text};
use super::error::Refusal;
use super::setting::{Setting, put};
use crate::Secret;

/// Most connections that may be asked for: what a PostgreSQL serves by default.
const CONNECTIONS_MAX: u64 = 100;

/// Data at rest. Relative paths start at the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Folder of all that Gatewit writes (`GATEWIT_DATA`, default `./data`).
    pub data_folder: PathBuf,
    /// Kind of database (`DB_CLIENT`, default `sqlite3`).
    pub client: DatabaseClient,
    /// The SQLite file (`DB_FILENAME`, default `<data folder>/gatewit.db`).
    pub filename: PathBuf,
    /// The PostgreSQL server.
    pub postgres: Postgres,
    /// How tokens are kept (`GATEWIT_TOKEN_STORAGE`). Default: `plain` in the database of a Directus, which could not find
    /// its sessions otherwise, and `hashed` in one of our own.
    pub tokens: Option<TokenStorage>,
}

/// The databases that are supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseClient {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL 12 and later.
    Postgres,
}

/// How refresh tokens and session ids are kept in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStorage {
    /// As hashes: who reads the database cannot use them.
    Hashed,
    /// In clear, as Directus does; needed where a Directus works on the same sessions.
    Plain,
}

/// A PostgreSQL server and how to reach it. What the connection string says wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// `postgres://user:password@host:port/database` (`DB_CONNECTION_STRING`).
    pub connection_string: Option<Secret<String>>,
    /// Name or address, or the folder of a Unix socket (`DB_HOST`).
    pub host: Option<String>,
    /// Port (`DB_PORT`, default 5432).
    pub port: u16,
    /// Name of the database (`DB_DATABASE`).
    pub database: Option<String>,
    /// Name of the account (`DB_USER`).
    pub user: Option<String>,
    /// Its password (`DB_PASSWORD`).
    pub password: Option<Secret<String>>,
    /// Encryption of the connection (`DB_SSL`, default off).
    pub encryption: Encryption,
    /// Certificates to trust instead of the system's, as PEM (`DB_SSL__CA`).
    pub certificates: Option<String>,
    /// Connections that are opened at the start (`DB_POOL__MIN`, default 0).
    pub connections_min: u32,
    /// Most connections (`DB_POOL__MAX`, default 10).
    pub connections_max: u32,
    /// Schemas that are searched for tables (`DB_SEARCH_PATH`); empty: as the server has it.
    pub search_path: Vec<String>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    Off,
    /// TLS, and the server's certificate is verified.
    Verified,
    /// TLS with whoever answers (`DB_SSL__REJECT_UNAUTHORIZED=false`).
    Unverified,
}

impl Default for Postgres {
    fn default() -> Self {
        Self {
            connection_string: None,
            host: None,
            port: 5432,
            database: None,
            user: None,
            password: None,
            encryption: Encryption::Off,
            certificates: None,
            connections_min: 0,
            connections_max: 10,
            search_path: Vec::new(),
        }
    }
}

impl Storage {
    /// The defaults with all data in `folder`.
    pub(super) fn within(folder: &Path) -> Self {
        Self {
            data_folder: folder.to_owned(),
            client: DatabaseClient::Sqlite,
            filename: folder.join("gatewit.db"),
            postgres: Postgres::default(),
            tokens: None,
        }
    }

    /// What settings say together.
    pub(super) fn problems(&self) -> Vec<String> {
        let Postgres { connection_string, host, database, user, connections_min, connections_max, .. } = &self.postgres;
        let mut problems = Vec::new();
        if self.client == DatabaseClient::Postgres && connection_string.is_none() {
            let needed = [("DB_HOST", host), ("DB_DATABASE", database), ("DB_USER", user)];
            let missing = needed.into_iter().filter(|(_, value)| value.is_none());
            problems.extend(
                missing.map(|(name, _)| {
                    format!("{name}: is missing; DB_CLIENT=pg needs it, or else DB_CONNECTION_STRING")
                }),
            );
        }
        if connections_min > connections_max {
            problems.push(format!("DB_POOL__MIN: {connections_min} is more than DB_POOL__MAX={connections_max}"));
        }
        problems
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::within(Path::new("./data"))
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("GATEWIT_DATA", "storage.data_folder", |c, v| path(v).map(|folder| c.place_in(&folder))).text(),
    Setting::new("DB_CLIENT", "storage.client", |c, v| put(&mut c.storage.client, client(v))).text(),
    Setting::new("DB_FILENAME", "storage.filename", |c, v| put(&mut c.storage.filename, path(v))).text(),
    Setting::new("GATEWIT_TOKEN_STORAGE", "storage.tokens", |c, v| {
        let names = [("hashed", TokenStorage::Hashed), ("plain", TokenStorage::Plain)];
        put(&mut c.storage.tokens, one_of(v, &names).map(Some))
    }),
    Setting::new("DB_CONNECTION_STRING", "storage.postgres.connection_string", |c, v| {
        put(&mut c.storage.postgres.connection_string, secret(v))
    })
    .secret(),
    Setting::new("DB_HOST", "storage.postgres.host", |c, v| put(&mut c.storage.postgres.host, optional_text(v))).text(),
    Setting::new("DB_PORT", "storage.postgres.port", |c, v| put(&mut c.storage.postgres.port, integer(v, 1, 65535))),
    Setting::new("DB_DATABASE", "storage.postgres.database", |c, v| {
        put(&mut c.storage.postgres.database, optional_text(v))
    })
    .text(),
    Setting::new("DB_USER", "storage.postgres.user", |c, v| put(&mut c.storage.postgres.user, optional_text(v))).text(),
    Setting::new("DB_PASSWORD", "storage.postgres.password", |c, v| put(&mut c.storage.postgres.password, secret(v)))
        .secret(),
    Setting::new("DB_SSL", "storage.postgres.ssl", |c, v| put(&mut c.storage.postgres.encryption, encryption(v))),
    Setting::new("DB_SSL__REJECT_UNAUTHORIZED", "storage.postgres.ssl_reject_unauthorized", |c, v| {
        put(&mut c.storage.postgres.encryption, boolean(v).map(verified))
    }),
    Setting::new("DB_SSL__CA", "storage.postgres.ssl_ca", |c, v| {
        let ca = secret(v).map(|ca| ca.map(|ca| ca.expose().clone()));
        if matches!(ca, Ok(Some(_))) && c.storage.postgres.encryption == Encryption::Off {
            c.storage.postgres.encryption = Encryption::Verified;
        }
        put(&mut c.storage.postgres.certificates, ca)
    })
    .text(),
    Setting::new("DB_POOL__MIN", "storage.postgres.pool_min", |c, v| {
        put(&mut c.storage.postgres.connections_min, integer(v, 0, CONNECTIONS_MAX))
    }),
    Setting::new("DB_POOL__MAX", "storage.postgres.pool_max", |c, v| {
        put(&mut c.storage.postgres.connections_max, integer(v, 1, CONNECTIONS_MAX))
    }),
    Setting::new("DB_SEARCH_PATH", "storage.postgres.search_path", |c, v| {
        put(&mut c.storage.postgres.search_path, schemas(v))
    }),
];

/// Databases that Directus knows and Gatewit does not serve.
const UNSUPPORTED: [&str; 7] = ["cockroachdb", "mysql", "mysql2", "mssql", "oracledb", "better-sqlite3", "redshift"];

fn client(value: &Value) -> Result<DatabaseClient, Refusal> {
    let name = text(value)?;
    if UNSUPPORTED.contains(&name.as_str()) {
        return Err(Refusal::new("is a database that Gatewit does not support; write sqlite3 or pg"));
    }
    let names =
        [("sqlite3", DatabaseClient::Sqlite), ("pg", DatabaseClient::Postgres), ("postgres", DatabaseClient::Postgres)];
    one_of(value, &names)
}

/// `true`, `false`, or what Directus hands to its client as it is: `{"rejectUnauthorized": false}`.
fn encryption(value: &Value) -> Result<Encryption, Refusal> {
    match value {
        Value::Object(options) => match options.get("rejectUnauthorized") {
            None => Ok(Encryption::Verified),
            Some(truth) => boolean(&Value::from(truth.clone())).map(verified),
        },
        value => boolean(value).map(|on| if on { Encryption::Verified } else { Encryption::Off }),
    }
}

fn verified(rejects_unauthorized: bool) -> Encryption {
    if rejects_unauthorized { Encryption::Verified } else { Encryption::Unverified }
}

/// Names of schemas. Nothing but letters, digits, `_` and `$`, because they go into an option of the connection.
fn schemas(value: &Value) -> Result<Vec<String>, Refusal> {
    let names = list(value)?;
    let is_plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if names.iter().all(is_plain) { Ok(names) } else { Err(Refusal::new("is not a list of names of schemas")) }
}
