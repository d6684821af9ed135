//! `[storage]`: where data lies.
//!
//! Deliberately absent: settings of other databases than SQLite. Directus's `DB_HOST` and the like are ignored, but a
//! `DB_CLIENT` that would need them is refused, so nobody signs in against an empty database by mistake.

use std::path::{Path, PathBuf};

use super::cast::Value;
use super::decode::{one_of, path, text};
use super::error::Refusal;
use super::setting::{Setting, put};

/// Data at rest. Relative paths start at the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Folder of all that Gatewit writes (`GATEWIT_DATA`, default `./data`).
    pub data_folder: PathBuf,
    /// Kind of database (`DB_CLIENT`, default `sqlite3`).
    pub client: DatabaseClient,
    /// The SQLite file (`DB_FILENAME`, default `<data folder>/gatewit.db`).
    pub filename: PathBuf,
    /// How tokens are kept (`GATEWIT_TOKEN_STORAGE`, default `hashed`).
    pub tokens: TokenStorage,
}

/// The databases that are supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseClient {
    /// SQLite, embedded.
    Sqlite,
}

/// How refresh tokens and session ids are kept in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStorage {
    /// As hashes: who reads the database cannot use them.
    Hashed,
    /// In clear, as Directus does; needed where a Directus works on the same sessions.
    Plain,
}

impl Storage {
    /// The defaults with all data in `folder`.
    pub(super) fn within(folder: &Path) -> Self {
        Self {
            data_folder: folder.to_owned(),
            client: DatabaseClient::Sqlite,
            filename: folder.join("gatewit.db"),
            tokens: TokenStorage::Hashed,
        }
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
        put(&mut c.storage.tokens, one_of(v, &names))
    }),
];

/// Databases that Directus knows and Gatewit does not serve.
const UNSUPPORTED: [&str; 9] =
    ["pg", "postgres", "cockroachdb", "mysql", "mysql2", "mssql", "oracledb", "better-sqlite3", "redshift"];

fn client(value: &Value) -> Result<DatabaseClient, Refusal> {
    let name = text(value)?;
    if UNSUPPORTED.contains(&name.as_str()) {
        return Err(Refusal::new("is a database that Gatewit does not support; write sqlite3"));
    }
    one_of(value, &[("sqlite3", DatabaseClient::Sqlite)])
}
