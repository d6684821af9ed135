//! SQLite, the embedded default: one file, nothing to install.
//!
//! Reads go to a small pool of connections that cannot write. Writes go to one connection ([`writer`]), and what arrives
//! while a commit is under way shares the next one. Answers are given again while nothing was committed ([`recent`]).
//! Write-ahead log, and every commit is on the disk before it is told.

mod access;
mod recent;
mod records;
mod schema;
mod sessions;
mod users;
mod writer;

use super::{
    Backend, Client, Columns, Error, Field, FirstAdmin, NewSession, Permission, Policy, Rotated, Rotation, Session,
    User, UserKey, tokens,
};
use async_trait::async_trait;
use recent::{Index, Recent};
use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use writer::Writer;

/// Connections that read. Two cores keep no more than that busy; each costs a thread and a page cache.
const READERS: u32 = 3;

/// How long a connection waits for another process that holds the lock, a backup for instance.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a database file cannot be used. Said once, at the start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or file cannot be made or opened.
    #[error("cannot open the database `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A migration failed; the database is as it was.
    #[error("cannot bring the database `{}` up to date", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The tables were made by a Directus.
    #[error("the database `{}` belongs to a Directus; this version works on a database of its own", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// The store in a SQLite file.
pub(crate) struct Sqlite {
    readers: SqlitePool,
    writer: Writer,
    form: tokens::Form,
    index: Index,
    answers: Answers,
}

/// Fields of a record: table, id, and the names of the fields where not all are wanted.
type Record = (&'static str, String, Option<String>);

/// What is asked with every request, and was answered since the last commit.
#[derive(Default)]
struct Answers {
    sessions: Recent<String, Option<Session>>,
    policies: Recent<(Option<String>, Option<String>), Vec<Policy>>,
    permissions: Recent<String, Vec<Permission>>,
    records: Recent<Record, Option<Vec<Field>>>,
}

impl Sqlite {
    /// Opens or makes a database file and brings its tables up to date.
    pub(crate) async fn open(path: &Path, form: tokens::Form) -> Result<Self, OpenError> {
        let opened = |source| OpenError::Open { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        make_private(path).map_err(|error| opened(error.into()))?;
        let mut connection = options.connect().await.map_err(opened)?;
        schema::prepare(&mut connection, path).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(1)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(opened)?;
        let index = Index::open(path).map_err(|error| opened(error.into()))?;
        Ok(Self { readers, writer: Writer::start(connection), form, index, answers: Answers::default() })
    }

    /// Fields of one record.
    async fn record(
        &self,
        table: &'static records::Table,
        id: &str,
        columns: &Columns,
    ) -> Result<Option<Vec<Field>>, Error> {
        let names = match columns {
            Columns::All => None,
            Columns::Only(names) => Some(names.join(",")),
        };
        let question = (table.name, id.to_owned(), names);
        self.answers.records.answer(&self.index, question, records::read(&self.readers, table, id, columns)).await
    }
}

/// Makes the file, if there is none, for this account alone; SQLite gives its other files the same permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

/// Sorts failures by what can be done about them.
fn failed(error: sqlx::Error) -> Error {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, WorkerCrashed};
    // Busy, locked, read-only, I/O error, full (sqlite.org, result codes; extended codes carry these in the low byte).
    const PASSING: [i32; 6] = [5, 6, 8, 10, 13, 14];
    let code =
        error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    match (&error, code) {
        (Io(_) | PoolClosed | PoolTimedOut | WorkerCrashed, _) => Error::Unavailable(error.into()),
        (_, Some(code)) if PASSING.contains(&(code & 0xff)) => Error::Unavailable(error.into()),
        _ => Error::Failed(error.into()),
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, Error> {
        users::find(&self.readers, key).await.map_err(failed)
    }

    async fn user_columns(&self, id: &str, columns: &Columns) -> Result<Option<Vec<Field>>, Error> {
        self.record(&records::USERS, id, columns).await
    }

    async fn password(&self, email: &str, provider: &str) -> Result<Option<(String, Option<String>)>, Error> {
        users::password(&self.readers, email, provider).await.map_err(failed)
    }

    async fn renew_password(&self, user: &str, old: &str, new: &str) -> Result<(), Error> {
        let (user, old, new) = (user.to_owned(), old.to_owned(), new.to_owned());
        self.writer.write(users::RenewPassword { user, old, new }).await
    }

    async fn session(&self, token: &str, now_ms: u64) -> Result<Option<Session>, Error> {
        let key = self.form.key(token);
        let read = sessions::find(&self.readers, self.form, &key, now_ms);
        let session = self.answers.sessions.answer(&self.index, key.clone(), read).await?;
        Ok(session.filter(|session| session.expires_at_ms > now_ms))
    }

    async fn begin_session(&self, session: NewSession, now_ms: u64) -> Result<(), Error> {
        let key = self.form.key(&session.token);
        self.writer.write(sessions::Begin { key, session, now_ms }).await
    }

    async fn rotate_session(&self, rotation: Rotation, now_ms: u64) -> Result<Rotated, Error> {
        self.writer.write(sessions::Rotate { form: self.form, rotation, now_ms }).await
    }

    async fn end_session(&self, token: &str, client: Client, now_ms: u64) -> Result<bool, Error> {
        let family = self.form.family_range(token);
        Ok(self.writer.write(sessions::End { family, signed_out: Some(client), now_ms }).await? > 0)
    }

    async fn end_family(&self, token: &str, now_ms: u64) -> Result<u32, Error> {
        let family = self.form.family_range(token);
        self.writer.write(sessions::End { family, signed_out: None, now_ms }).await
    }

    async fn policies(&self, user: Option<&str>, role: Option<&str>) -> Result<Vec<Policy>, Error> {
        let question = (user.map(ToOwned::to_owned), role.map(ToOwned::to_owned));
        self.answers.policies.answer(&self.index, question, access::policies(&self.readers, user, role)).await
    }

    async fn permissions(&self, policies: &[String], collection: &str, action: &str) -> Result<Vec<Permission>, Error> {
        let question = format!("{collection} {action} {}", policies.join(" "));
        let read = access::permissions(&self.readers, policies, collection, action);
        self.answers.permissions.answer(&self.index, question, read).await
    }

    async fn role_columns(&self, id: &str, columns: &Columns) -> Result<Option<Vec<Field>>, Error> {
        self.record(&records::ROLES, id, columns).await
    }

    async fn settings(&self) -> Result<Vec<Field>, Error> {
        Ok(self.record(&records::SETTINGS, "1", &Columns::All).await?.unwrap_or_default())
    }

    async fn ping(&self) -> Result<Duration, Error> {
        let started = Instant::now();
        sqlx::query("SELECT 1 FROM directus_settings").fetch_optional(&self.readers).await.map_err(failed)?;
        Ok(started.elapsed())
    }

    async fn has_users(&self) -> Result<bool, Error> {
        users::any(&self.readers).await.map_err(failed)
    }

    async fn create_first_admin(&self, admin: FirstAdmin<'_>) -> Result<bool, Error> {
        let change = users::CreateFirstAdmin {
            email: admin.email.to_owned(),
            password_hash: admin.password_hash.to_owned(),
            static_token: admin.static_token.map(ToOwned::to_owned),
        };
        self.writer.write(change).await
    }

    async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}
