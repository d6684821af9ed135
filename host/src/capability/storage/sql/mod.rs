//! SQL, written once for every database that speaks it.
//!
//! What is here turns questions and changes into statements with `$1`-placeholders and reads the rows that come back;
//! a [`Connection`] runs them, a [`Database`] lends connections. Names of tables and columns come from constants or from
//! the [`catalogue`], never from a caller. Absent: every database's own protocol, types and failures, which are the
//! backends'.

pub(super) mod access;
pub(super) mod audit;
pub(super) mod catalogue;
mod condition;
pub(super) mod counters;
pub(super) mod fields;
pub(super) mod first_admin;
pub(super) mod identities;
pub(super) mod keys;
pub(super) mod open_sessions;
pub(super) mod operation;
mod plan;
pub(super) mod renewal;
mod row;
pub(super) mod schema;
pub(super) mod select;
pub(super) mod sessions;
pub(super) mod step;
pub(super) mod traces;
mod trail;
pub(super) mod users;
mod value;

use super::{Cause, Error, Rotated, Session, recent::State, tokens::Form};
use crate::capability::metrics::Connections;
use async_trait::async_trait;
pub use row::{Cell, Row};
use std::{borrow::Cow, sync::Arc};
use tokio::sync::Notify;

/// A statement with its arguments.
#[derive(Debug, Clone)]
pub struct Statement {
    /// One statement of SQL, with places `$1`, `$2` and so on for arguments.
    pub text: Cow<'static, str>,
    /// The arguments, which may be secrets.
    pub arguments: Vec<Cell>,
    /// Whether the text is one of few, and about few rows that are looked up by their keys, so that a connection should keep it
    /// prepared.
    pub lasting: bool,
}

impl Statement {
    /// A statement that is part of the program.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), arguments: Vec::new(), lasting: true }
    }

    /// A statement that was made, but comes again: there are as many as there are tables.
    pub(crate) fn made(text: String) -> Self {
        Self { text: Cow::Owned(text), arguments: Vec::new(), lasting: true }
    }

    /// The statement planned anew each time, for the tables as they are then: one about many rows may read all of a table while that
    /// is small, and had better not go on so when it has grown.
    pub(crate) fn afresh(self) -> Self {
        Self { lasting: false, ..self }
    }

    /// Adds the next argument.
    pub(crate) fn bind(mut self, argument: impl Into<Cell>) -> Self {
        self.arguments.push(argument.into());
        self
    }
}

/// A statement that is being made for one occasion.
#[derive(Debug, Default)]
struct Draft {
    text: String,
    arguments: Vec<Cell>,
}

impl Draft {
    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A name, in quotes: some of Directus's are words of SQL.
    fn name(&mut self, name: &str) -> &mut Self {
        self.push(&quoted(name))
    }

    fn argument(&mut self, argument: impl Into<Cell>) -> &mut Self {
        self.arguments.push(argument.into());
        let number = self.arguments.len();
        self.push(&format!("${number}"))
    }

    fn finish(self) -> Statement {
        Statement { text: Cow::Owned(self.text), arguments: self.arguments, lasting: false }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database is away or busy.
    #[error("the database does not answer")]
    Unavailable(#[source] Cause),
    /// Another row has this value.
    #[error("a value is there already")]
    Unique(#[source] Cause),
    /// A row that is named is not there, or one that is named by others would go.
    #[error("a row that is named is not there")]
    Reference(#[source] Cause),
    /// Two transactions stood in each other's way; the same again will do.
    #[error("two changes stood in each other's way")]
    Conflict(#[source] Cause),
    /// Anything else.
    #[error("the database failed")]
    Failed(#[source] Cause),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(cause) | Failure::Conflict(cause) => Self::Unavailable(cause),
            Failure::Unique(cause) | Failure::Reference(cause) | Failure::Failed(cause) => Self::Failed(cause),
        }
    }
}

/// Where the databases differ in what they understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of SQLite 3.35 and later.
    Sqlite,
    /// That of PostgreSQL 12 and later.
    Postgres,
}

impl Dialect {
    /// What makes a comparison of texts one of bytes.
    fn bytewise(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " COLLATE \"C\"",
        }
    }
}

/// What runs statements: alone, or inside of a transaction that somebody else began.
#[async_trait]
pub trait Connection: Send {
    /// Which SQL it understands.
    fn dialect(&self) -> Dialect;
    /// The rows that a statement gives.
    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure>;
    /// How many rows a statement touched.
    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure>;
    /// Runs statements that take and give nothing.
    async fn script(&mut self, text: &'static str) -> Result<(), Failure>;

    /// Runs statements of which none needs another's answer, in their order, and gives the rows of the first: in one go
    /// where the database can.
    async fn chain(&mut self, first: Statement, others: Vec<Statement>) -> Result<Vec<Row>, Failure> {
        let rows = self.rows(&first).await?;
        for other in &others {
            self.run(other).await?;
        }
        Ok(rows)
    }

    /// The first row that a statement gives.
    async fn row(&mut self, statement: &Statement) -> Result<Option<Row>, Failure> {
        Ok(self.rows(statement).await?.into_iter().next())
    }
}

/// A change that can be tried more than once.
#[async_trait]
pub(crate) trait Change: Send + Sync + 'static {
    /// What the caller learns once the change is durable.
    type Output: Send + 'static;

    /// Whether it may wait for others and share a transaction with them, where each has its own otherwise. It locks nothing
    /// that two would lock in different orders, and seldom fails.
    fn shares(&self) -> bool {
        false
    }

    /// Makes the change inside of a transaction that others may share.
    async fn apply(&self, connection: &mut dyn Connection) -> Result<Self::Output, Failure>;
}

/// A database: it lends connections that read, and makes changes durable.
#[async_trait]
pub(crate) trait Database: Send + Sync + 'static {
    /// A connection that reads.
    type Reader: Connection;

    /// What Directus calls it in `DB_CLIENT`.
    fn name(&self) -> &'static str;

    async fn reader(&self) -> Result<Self::Reader, Failure>;
    /// Makes a change and returns after it is durable.
    async fn write<C: Change>(&self, change: C) -> Result<C::Output, Error>;
    /// The session with a key. Here, and at an exchange, a database may take several of the same moment together.
    async fn session(&self, form: Form, key: String, now_ms: u64) -> Result<Option<Session>, Failure> {
        sessions::find(&mut self.reader().await?, form, &key, now_ms).await
    }
    /// Exchanges the token of a session, durably.
    async fn rotate(&self, change: renewal::Rotate) -> Result<Rotated, Error> {
        self.write(change).await
    }
    /// The state that the database is in, if that can be told for less than it costs to ask it something.
    async fn state(&self) -> Option<State>;
    /// What connections there are.
    fn connections(&self) -> Connections;
    /// Told when any host changed what operators put in; `None` if the database cannot tell.
    fn changes(&self) -> Option<Arc<Notify>> {
        None
    }
    async fn close(&self);
}

/// Milliseconds as a signed integer.
fn stamp(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// A failure for a question that makes no sense.
fn nonsense(reason: impl Into<String>) -> Error {
    Error::Failed(Cause::from(reason.into()))
}
