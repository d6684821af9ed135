//! `gatewit:storage`: what Gatewit remembers, as typed repositories.
//!
//! [`Backend`] is what a database must do; [`sqlite`] does it. Tokens are hashed on the way in ([`tokens`]). Absent: SQL
//! outside of a backend's folder, and decisions about who may do what.

#[cfg(test)]
mod contract;
pub(crate) mod sqlite;
pub(crate) mod tokens;
mod view;

pub(crate) use crate::bindings::auth::gatewit::storage::{
    access::{Permission, Policy, Source},
    sessions::{Client, NewSession, Rotated, Rotation, Session},
    types::{Columns, Field, Value},
    users::{Status, User},
};
use async_trait::async_trait;
use std::time::Duration;
pub(crate) use view::{StorageView, add_to_linker};

/// What a database says, whichever it is.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub enum Error {
    /// The database is away, busy beyond its timeout, or its disk is full. Worth another try later.
    #[error("the database does not answer")]
    Unavailable(#[source] Cause),
    /// The database answered something that it should not.
    #[error("the database failed")]
    Failed(#[source] Cause),
}

/// How to find an account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UserKey<'a> {
    /// By e-mail address, without regard to case.
    Email(&'a str),
    /// By the identifier at a provider, without regard to case.
    Identifier { provider: &'a str, identifier: &'a str },
    /// By a static token.
    StaticToken(&'a str),
}

/// The account that is made when a database has none.
#[derive(Debug)]
pub(crate) struct FirstAdmin<'a> {
    pub(crate) email: &'a str,
    /// A PHC string.
    pub(crate) password_hash: &'a str,
    pub(crate) static_token: Option<&'a str>,
}

/// What a database must do. Times are milliseconds since the Unix epoch; writes are durable when they return.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, Error>;
    async fn user_columns(&self, id: &str, columns: &Columns) -> Result<Option<Vec<Field>>, Error>;
    /// Id and password hash of an account of a provider, by e-mail address.
    async fn password(&self, email: &str, provider: &str) -> Result<Option<(String, Option<String>)>, Error>;
    /// Replaces a hash, if it is still the old one.
    async fn renew_password(&self, user: &str, old: &str, new: &str) -> Result<(), Error>;

    async fn session(&self, token: &str, now_ms: u64) -> Result<Option<Session>, Error>;
    async fn begin_session(&self, session: NewSession, now_ms: u64) -> Result<(), Error>;
    async fn rotate_session(&self, rotation: Rotation, now_ms: u64) -> Result<Rotated, Error>;
    async fn end_session(&self, token: &str, client: Client, now_ms: u64) -> Result<bool, Error>;
    async fn end_family(&self, token: &str, now_ms: u64) -> Result<u32, Error>;

    async fn policies(&self, user: Option<&str>, role: Option<&str>) -> Result<Vec<Policy>, Error>;
    async fn permissions(&self, policies: &[String], collection: &str, action: &str) -> Result<Vec<Permission>, Error>;
    async fn role_columns(&self, id: &str, columns: &Columns) -> Result<Option<Vec<Field>>, Error>;

    /// The columns of the one row of settings.
    async fn settings(&self) -> Result<Vec<Field>, Error>;
    /// How long the database takes to answer.
    async fn ping(&self) -> Result<Duration, Error>;
    /// Whether there is any account.
    async fn has_users(&self) -> Result<bool, Error>;
    /// Makes the first account, with a role and a policy that allow everything, unless there is one already.
    async fn create_first_admin(&self, admin: FirstAdmin<'_>) -> Result<bool, Error>;
    /// Finishes what is under way and lets go of the database.
    async fn close(&self);
}
