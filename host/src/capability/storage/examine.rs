//! What a database is like, and what would be done to it: for whoever wants to know before anything is done.

use super::{
    OpenError,
    open::form,
    postgres::{self, Postgres},
    sql::{
        Connection, Failure, Statement, audit,
        catalogue::Catalogue,
        schema::{self, Migration, Owner},
        select, traces,
    },
    sqlite::{self, Sqlite},
    tokens::Form,
};
use crate::{
    capability::{
        audit::chain::{Found, Noted},
        keys::hmac::Seals,
    },
    config::{DatabaseClient, Storage},
};
use std::fmt;

/// What was found. `Display` tells it to a person.
#[derive(Debug)]
pub struct Findings {
    client: DatabaseClient,
    database: String,
    owner: Owner,
    accounts: u64,
    sessions: u64,
    /// Columns without which Gatewit does not start.
    lacking: Vec<String>,
    /// Columns that are known and missing.
    missing: Vec<String>,
    /// Names of the migrations that a start would make.
    pending: Vec<&'static str>,
    /// How tokens would be kept, or why they cannot be so.
    form: Result<Form, String>,
}

/// Looks at the database that the configuration names. Nothing is made and nothing is changed.
pub(crate) async fn examine(storage: &Storage) -> Result<Findings, OpenError> {
    match storage.client {
        DatabaseClient::Sqlite => {
            let database = storage.filename.display().to_string();
            match Sqlite::look_at(&storage.filename)? {
                Some(mut connection) => findings(storage, database, &mut connection, sqlite::MIGRATIONS).await,
                None => Ok(Findings::nothing(storage, database, sqlite::MIGRATIONS)),
            }
        }
        DatabaseClient::Postgres => {
            let (database, mut connection) = Postgres::look_at(storage).await?;
            findings(storage, database, &mut connection, postgres::MIGRATIONS).await
        }
    }
}

/// The trace of a request, as JSON. Changes nothing either.
pub(crate) async fn trace(storage: &Storage, request: &str) -> Result<Option<String>, OpenError> {
    let opened = |database: String| |failure: Failure| OpenError::Open { database, source: failure.into() };
    match storage.client {
        DatabaseClient::Sqlite => match Sqlite::look_at(&storage.filename)? {
            Some(mut connection) => {
                let database = storage.filename.display().to_string();
                traces::read(&mut connection, request).await.map_err(opened(database))
            }
            None => Ok(None),
        },
        DatabaseClient::Postgres => {
            let (database, mut connection) = Postgres::look_at(storage).await?;
            traces::read(&mut connection, request).await.map_err(opened(database))
        }
    }
}

/// Looks at every entry of the audit log. Changes nothing either.
pub(crate) async fn verify_audit(
    storage: &Storage,
    seals: &Seals,
    noted: Option<Noted>,
) -> Result<Option<Found>, OpenError> {
    let opened = |database: String| |failure: Failure| OpenError::Open { database, source: failure.into() };
    match storage.client {
        DatabaseClient::Sqlite => match Sqlite::look_at(&storage.filename)? {
            Some(mut connection) => {
                let database = storage.filename.display().to_string();
                audit::verify(&mut connection, seals, noted).await.map(Some).map_err(opened(database))
            }
            None => Ok(None),
        },
        DatabaseClient::Postgres => {
            let (database, mut connection) = Postgres::look_at(storage).await?;
            audit::verify(&mut connection, seals, noted).await.map(Some).map_err(opened(database))
        }
    }
}

async fn findings(
    storage: &Storage,
    database: String,
    connection: &mut dyn Connection,
    migrations: &'static [Migration],
) -> Result<Findings, OpenError> {
    let looked = async {
        let found = schema::look(connection).await?;
        let there = found.owner != Owner::Nobody;
        let accounts = if there { count(connection, "directus_users").await? } else { 0 };
        let sessions = if there { count(connection, "directus_sessions").await? } else { 0 };
        Ok::<_, Failure>((found, accounts, sessions))
    };
    let opened = |failure: Failure| OpenError::Open { database: database.clone(), source: failure.into() };
    let (found, accounts, sessions) = looked.await.map_err(opened)?;
    if found.owner == Owner::Nobody {
        return Ok(Findings::nothing(storage, database, migrations));
    }
    Ok(Findings {
        client: storage.client,
        owner: found.owner,
        accounts,
        sessions,
        lacking: found.lacking(),
        missing: found.catalogue().missing(),
        pending: found.pending(migrations).map(|migration| migration.name).collect(),
        form: form(storage, found.owner).map_err(|error| error.to_string()),
        database,
    })
}

async fn count(connection: &mut dyn Connection, table: &str) -> Result<u64, Failure> {
    let statement = select::count(&Catalogue::known(), table, &[]);
    let statement: Statement = statement.map_err(|error| Failure::Failed(error.into()))?;
    select::counted(connection, &statement).await
}

impl Findings {
    /// Of a database that is not there yet, or is empty.
    fn nothing(storage: &Storage, database: String, migrations: &'static [Migration]) -> Self {
        Self {
            client: storage.client,
            database,
            owner: Owner::Nobody,
            accounts: 0,
            sessions: 0,
            lacking: Vec::new(),
            missing: Vec::new(),
            pending: migrations.iter().map(|migration| migration.name).collect(),
            form: form(storage, Owner::Nobody).map_err(|error| error.to_string()),
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let owner = match self.owner {
            Owner::Nobody => "nobody",
            Owner::Gatewit => "gatewit",
            Owner::Directus => "directus",
        };
        let tokens = self.form.as_ref().map(|form| if *form == Form::Plain { "plain" } else { "hashed" });
        serde_json::json!({
            "database": self.database,
            "owner": owner,
            "accounts": self.accounts,
            "sessions": self.sessions,
            "tokens": tokens.ok(),
            "problem": self.form.as_ref().err(),
            "lacking": self.lacking,
            "missing": self.missing,
            "pending": self.pending,
            "bad": self.is_bad(),
        })
    }

    /// Whether a start would fail.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        !self.lacking.is_empty() || self.form.is_err()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, accounts, sessions, .. } = self;
        writeln!(f, "database: {database}")?;
        match self.owner {
            Owner::Nobody => writeln!(f, "found: nothing; a start makes the tables and a first administrator")?,
            Owner::Gatewit => writeln!(f, "found: tables of our own, {accounts} accounts, {sessions} sessions")?,
            Owner::Directus => {
                writeln!(f, "found: tables of a Directus, {accounts} accounts, {sessions} sessions")?;
                writeln!(f, "untouched: no table, column or index of Directus is added, changed or removed;")?;
                writeln!(f, "  rows are written as Directus writes them, and both may work on them side by side")?;
                if self.client == DatabaseClient::Sqlite {
                    writeln!(f, "  the file gets a write-ahead log beside it, with which a Directus works as well")?;
                }
            }
        }
        match &self.form {
            Ok(Form::Hashed) => writeln!(f, "tokens: kept as hashes")?,
            Ok(Form::Plain) => writeln!(f, "tokens: kept as they are, as Directus does")?,
            Err(reason) => writeln!(f, "cannot start: {reason}")?,
        }
        if self.lacking.is_empty() {
            match self.pending.as_slice() {
                [] => writeln!(f, "up to date: a start changes no table")?,
                names => writeln!(f, "a start adds: {}", names.join("; "))?,
            }
        } else {
            let lacking = self.lacking.join(", ");
            writeln!(f, "cannot start: {lacking} is missing; Directus 11 or later is needed")?;
        }
        for column in self.missing.iter().filter(|column| !self.lacking.contains(column)) {
            writeln!(f, "missing: {column} reads as empty")?;
        }
        Ok(())
    }
}
