//! SQLite, the embedded default: one file, nothing to install.
//!
//! Reads go to a few connections that cannot write ([`readers`]). Writes go to one connection ([`writer`]) on a thread of its own, and
//! what arrives while a commit is under way shares the next one. A commit of anybody shows in the [`index`]. Write-ahead log, and every
//! commit is on the disk before it is told.

mod connection;
mod index;
mod readers;
mod writer;

use super::{
    Cause, Error, OpenError,
    open::{check, form},
    queue::{self, Queue},
    recent::State,
    repository::Repository,
    sql::{
        Change, Connection as _, Database, Failure,
        schema::{self, Found, Migration},
    },
};
use crate::{capability::metrics::Connections, config::Storage};
use async_trait::async_trait;
use connection::{Local, failure};
use index::Index;
use readers::{READERS, Reader, Readers};
use std::{os::unix::fs::OpenOptionsExt, path::Path};

/// What Directus calls it.
pub(super) const NAME: &str = "sqlite3";

/// Migrations in order.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "accounts, access and sessions",
        ours_alone: false,
        text: include_str!("migrations/0001.sql"),
    },
    Migration { number: 2, name: "counts", ours_alone: true, text: include_str!("migrations/0002.sql") },
    Migration {
        number: 3,
        name: "address of the project",
        ours_alone: false,
        text: include_str!("migrations/0003.sql"),
    },
    Migration { number: 4, name: "identities", ours_alone: true, text: include_str!("migrations/0004.sql") },
    Migration { number: 5, name: "traces", ours_alone: true, text: include_str!("migrations/0005.sql") },
    Migration { number: 6, name: "audit log and keys", ours_alone: true, text: include_str!("migrations/0006.sql") },
    Migration {
        number: 7,
        name: "components and providers",
        ours_alone: true,
        text: include_str!("migrations/0007.sql"),
    },
    Migration {
        number: 8,
        name: "where components come from and when they are promoted",
        ours_alone: true,
        text: include_str!("migrations/0008.sql"),
    },
];

/// A SQLite file.
pub(crate) struct Sqlite {
    readers: Readers,
    writer: Queue,
    index: Index,
}

impl Sqlite {
    /// Opens or makes a database file and brings its tables up to date.
    pub(crate) async fn open(storage: &Storage) -> Result<Repository<Self>, OpenError> {
        let path = &storage.filename;
        let name = path.display().to_string();
        let opened = |source: Cause| OpenError::Open { database: name.clone(), source };
        make_private(path).map_err(|error| opened(error.into()))?;
        let mut connection = Local::open(path, true).map_err(|error| opened(error.into()))?;
        connection.log_ahead().map_err(|error| opened(error.into()))?;
        let found = prepare(&mut connection)
            .await
            .map_err(|failure| OpenError::Migrate { database: name.clone(), source: failure.into() })?;
        check(&found, &name)?;
        let form = form(storage, found.owner)?;
        let readers = Readers::open(path.clone()).map_err(|error| opened(error.into()))?;
        let index = Index::open(path).map_err(|error| opened(error.into()))?;
        let writer = Queue::on_thread("sqlite", |jobs| writer::write(connection, jobs));
        let writer = writer.map_err(|error| opened(error.into()))?;
        let database = Self { readers, writer, index };
        Ok(Repository::new(database, found.catalogue(), form))
    }

    /// A connection that only looks, if there is such a file.
    pub(super) fn look_at(path: &Path) -> Result<Option<Local>, OpenError> {
        if !path.exists() {
            return Ok(None);
        }
        let opened =
            |error: rusqlite::Error| OpenError::Open { database: path.display().to_string(), source: error.into() };
        Local::reading(path).map(Some).map_err(opened)
    }
}

/// Brings the tables up to date, one process at a time.
async fn prepare(connection: &mut Local) -> Result<Found, Failure> {
    connection.script("BEGIN IMMEDIATE").await?;
    // Of a failure nothing stays: the connection is not used again, and with it goes the transaction.
    let found = schema::prepare(connection, MIGRATIONS).await?;
    connection.script("COMMIT").await?;
    Ok(found)
}

/// Makes the file, if there is none, for this account alone; SQLite gives its other files the same permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

#[async_trait]
impl Database for Sqlite {
    type Reader = Reader;

    fn name(&self) -> &'static str {
        NAME
    }

    async fn reader(&self) -> Result<Reader, Failure> {
        self.readers.lend().await
    }

    async fn write<C: Change>(&self, change: C) -> Result<C::Output, Error> {
        let (job, outcome) = queue::job(change);
        self.writer.push(job).await?;
        outcome.wait().await
    }

    async fn state(&self) -> Option<State> {
        self.index.version().map(State::plain)
    }

    fn connections(&self) -> Connections {
        let (open, idle) = self.readers.count();
        // And the one that writes.
        Connections { open: open + 1, idle, limit: u64::from(READERS) + 1 }
    }

    async fn close(&self) {
        self.readers.close().await;
        // Whoever closes last tidies the log up, and only it can write.
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Backend as _;
    use super::*;

    #[tokio::test]
    async fn a_file_of_the_first_days_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { filename: folder.path().join("t.db"), ..Storage::default() };
        let mut old = Local::open(&storage.filename, true).unwrap();
        old.script(include_str!("migrations/0001.sql")).await.unwrap();
        let book =
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY); INSERT INTO _sqlx_migrations VALUES (1)";
        old.script(book).await.unwrap();
        for _ in 0..2 {
            let store = Sqlite::open(&storage).await.unwrap();
            store.add_to_count("a", 1, 2, 1).await.unwrap();
            let found = schema::look(&mut old).await.unwrap();
            assert_eq!((found.owner, found.pending(MIGRATIONS).count()), (schema::Owner::Gatewit, 0));
            assert!(found.catalogue().missing().is_empty());
            store.close().await;
        }
    }
}
