//! A SQL database that an embedding program brings.
//!
//! The statements, the tables and their migrations are those of the built-in backends; the program runs them. Absent: answers
//! that are given again ([`super::recent`]), because nothing here tells whether somebody has committed.

use super::{
    Cause, Error, OpenError,
    open::{check, form},
    postgres,
    recent::State,
    repository::Repository,
    sql::{
        Change, Connection, Database, Dialect, Failure, Row, Statement,
        schema::{self, Found},
    },
    sqlite,
};
use crate::{capability::metrics::Connections, config::Storage};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How often a change is tried that stands in another's way.
const ATTEMPTS: u32 = 8;

/// What the database is called in messages.
const NAME: &str = "of the embedding program";

/// A SQL database that an embedding program brings, in the place of the one that the configuration names.
#[async_trait]
pub trait SqlDatabase: Send + Sync + 'static {
    /// Which SQL it understands, and so which migrations make its tables.
    fn dialect(&self) -> Dialect;

    /// Lends a connection. Transactions are begun and ended on it by `BEGIN`, `COMMIT` and `ROLLBACK` as scripts; one that is
    /// dropped inside of a transaction must be rolled back before it is lent again.
    ///
    /// # Errors
    /// There is none to be had.
    async fn connect(&self) -> Result<Box<dyn Connection>, Failure>;

    /// Finishes what is under way. Nothing is asked for afterwards.
    async fn close(&self);
}

#[async_trait]
impl Connection for Box<dyn Connection> {
    fn dialect(&self) -> Dialect {
        self.as_ref().dialect()
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.as_mut().rows(statement).await
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        self.as_mut().run(statement).await
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        self.as_mut().script(text).await
    }

    async fn chain(&mut self, first: Statement, others: Vec<Statement>) -> Result<Vec<Row>, Failure> {
        self.as_mut().chain(first, others).await
    }
}

/// Such a database at work.
#[derive(Clone)]
pub(crate) struct Own {
    database: Arc<dyn SqlDatabase>,
    /// SQLite takes one writer at a time; who waits here does not wait there, where waiting has an end.
    turn: Arc<Mutex<()>>,
}

impl Own {
    /// Brings the tables up to date.
    pub(crate) async fn open(database: Arc<dyn SqlDatabase>, storage: &Storage) -> Result<Repository<Self>, OpenError> {
        let opened = |source: Cause| OpenError::Open { database: NAME.to_owned(), source };
        let mut connection = database.connect().await.map_err(|failure| opened(failure.into()))?;
        let found = prepare(&mut connection, database.dialect()).await;
        let found =
            found.map_err(|failure| OpenError::Migrate { database: NAME.to_owned(), source: failure.into() })?;
        drop(connection);
        check(&found, NAME)?;
        let form = form(storage, found.owner)?;
        Ok(Repository::new(Self { database, turn: Arc::default() }, found.catalogue(), form))
    }

    async fn attempt<C: Change>(&self, change: &C) -> Result<C::Output, Failure> {
        let dialect = self.database.dialect();
        let _turn = if dialect == Dialect::Sqlite { Some(self.turn.lock().await) } else { None };
        let mut connection = self.database.connect().await?;
        connection.script(begin(dialect)).await?;
        let done = match change.apply(&mut connection).await {
            Ok(output) => connection.script("COMMIT").await.map(|()| output),
            Err(failure) => Err(failure),
        };
        if done.is_err()
            && let Err(failure) = connection.script("ROLLBACK").await
        {
            tracing::warn!(error = &failure as &dyn std::error::Error, "a transaction is left to its database");
        }
        done
    }

    async fn insist<C: Change>(&self, change: &C) -> Result<C::Output, Failure> {
        let mut attempt = 1;
        loop {
            match self.attempt(change).await {
                Err(Failure::Conflict(_)) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }
}

fn begin(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    }
}

async fn prepare(connection: &mut Box<dyn Connection>, dialect: Dialect) -> Result<Found, Failure> {
    connection.script(begin(dialect)).await?;
    let migrations = match dialect {
        Dialect::Sqlite => sqlite::MIGRATIONS,
        Dialect::Postgres => {
            connection.rows(&Statement::new(postgres::LOCK)).await?;
            postgres::MIGRATIONS
        }
    };
    // Of a failure nothing stays: the connection goes, and with it the transaction.
    let found = schema::prepare(connection, migrations).await?;
    connection.script("COMMIT").await?;
    Ok(found)
}

#[async_trait]
impl Database for Own {
    type Reader = Box<dyn Connection>;

    fn name(&self) -> &'static str {
        match self.database.dialect() {
            Dialect::Sqlite => sqlite::NAME,
            Dialect::Postgres => postgres::NAME,
        }
    }

    async fn reader(&self) -> Result<Box<dyn Connection>, Failure> {
        self.database.connect().await
    }

    async fn write<C: Change>(&self, change: C) -> Result<C::Output, Error> {
        // A caller that goes away must not leave a transaction open: the change goes on without it.
        let this = self.clone();
        let task = tokio::spawn(async move { this.insist(&change).await });
        Ok(task.await.map_err(|error| Error::Failed(error.into()))??)
    }

    async fn state(&self) -> Option<State> {
        None
    }

    fn connections(&self) -> Connections {
        Connections::default()
    }

    async fn close(&self) {
        self.database.close().await;
    }
}
