//! `gatewit:storage`: what Gatewit remembers, as typed repositories.
//!
//! [`Backend`] is what a store must do; [`repository`] does it with the statements of [`sql`] in a database, [`sqlite`]
//! or [`postgres`]; [`mod@open`] takes the one that is configured. Tokens are hashed on the way in ([`tokens`]). Absent: SQL
//! outside of these folders, and decisions about who may do what.

#[cfg(test)]
mod contract;
mod examine;
mod open;
pub(crate) mod operation;
mod own;
mod postgres;
mod queue;
mod recent;
mod repository;
mod sql;
mod sqlite;
mod tokens;
mod view;

use super::{
    audit::chain::{self, Entry, Found, Head},
    keys::hmac::Seals,
    metrics::Connections,
};
pub(crate) use crate::bindings::auth::gatewit::storage::{
    access::{Permission, Policy, Source},
    counters::Count,
    identities::{Identity, NewIdentity},
    records::{
        Action, Assignment, Author, Change, Comparison, Ending, Expectation, Input, Node, Operator, Order, Query,
        Relation, Taken, Written,
    },
    sessions::{Client, NewSession, OpenSession, Rotated, Rotation, Session, Source as SessionSource},
    types::{Columns, Field, Value},
    users::{Status, User},
};
use async_trait::async_trait;
pub use examine::Findings;
pub(crate) use examine::{examine, trace, verify_audit};
pub use open::OpenError;
pub(crate) use open::open;
use operation::{Move, NewComponent, StoredComponent, StoredProvider};
pub(crate) use own::Own;
pub use own::SqlDatabase;
pub(crate) use recent::Seen;
pub use sql::{Cell, Connection, Dialect, Failure, Row, Statement};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
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
    /// The call watches another one, and may not do what that one did not.
    #[error("whoever watches changes nothing")]
    Denied,
    /// The database answered something that it should not.
    #[error("the database failed")]
    Failed(#[source] Cause),
}

/// How to find an account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UserKey<'a> {
    /// By id.
    Id(&'a str),
    /// By e-mail address, without regard to case.
    Email(&'a str),
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

/// Changes that are made together or not at all.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) changes: Vec<Change>,
    /// Hashes of passwords, which assignments name by their number.
    pub(crate) hashes: Vec<String>,
    pub(crate) endings: Vec<Ending>,
    pub(crate) author: Author,
    pub(crate) now_ms: u64,
}

/// The mark of a password, by which a link to reset it ends with it: a digest of the hash, or of the word `null`. It is
/// the one that Directus puts into its links.
pub(crate) fn mark(hash: Option<&str>) -> String {
    let fold = |mark: i32, unit: u16| mark.wrapping_mul(31).wrapping_add(i32::from(unit));
    let mark = hash.unwrap_or("null").encode_utf16().fold(0, fold);
    format!("{:x}", mark.unsigned_abs())
}

/// What a store must do. Times are milliseconds since the Unix epoch; writes are durable when they return. What is asked with every
/// request is told what the call has [`Seen`].
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// What Directus calls the database: `sqlite3`, `pg`.
    fn name(&self) -> &'static str;

    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, Error>;
    async fn user_columns(&self, id: &str, columns: &Columns, seen: &mut Seen) -> Result<Option<Vec<Field>>, Error>;
    /// Id and password hash of an account of a provider, by e-mail address.
    async fn password(&self, email: &str, provider: &str) -> Result<Option<(String, Option<String>)>, Error>;
    /// The password hash of an account; outer `None` if there is no such account.
    async fn password_hash(&self, user: &str) -> Result<Option<Option<String>>, Error>;
    /// The password hash of a share; outer `None` if there is no such share.
    async fn share_password(&self, share: &str) -> Result<Option<Option<String>>, Error>;
    /// Replaces a hash, if it is still the old one.
    async fn renew_password(&self, user: &str, old: &str, new: &str) -> Result<(), Error>;

    async fn session(&self, token: &str, now_ms: u64, seen: &mut Seen) -> Result<Option<Session>, Error>;
    async fn begin_session(&self, session: NewSession, now_ms: u64) -> Result<(), Error>;
    async fn rotate_session(&self, rotation: Rotation, now_ms: u64) -> Result<Rotated, Error>;
    async fn end_session(&self, token: &str, client: Client, now_ms: u64) -> Result<bool, Error>;
    async fn end_family(&self, token: &str, now_ms: u64) -> Result<u32, Error>;
    /// Ends the sessions that go back to somebody at a provider, or to a session there.
    async fn end_by_source(
        &self,
        provider: &str,
        identifier: Option<&str>,
        session: Option<&str>,
        now_ms: u64,
    ) -> Result<u32, Error>;
    /// What was given at the beginning of a token's family for its end.
    async fn parting_data(&self, token: &str) -> Result<Option<String>, Error>;

    /// The families of sessions that are alive, of `user` or of everybody; those that end last come first.
    async fn open_sessions(&self, user: Option<&str>, limit: u32, now_ms: u64) -> Result<Vec<OpenSession>, Error>;
    /// The name by which a token's family is shown.
    fn family_id(&self, token: &str) -> String;
    /// Ends families, see `gatewit:storage/sessions`; on record as the deed of `actor`, else of whoever is signed out. How many
    /// were alive.
    async fn end_open(
        &self,
        user: Option<String>,
        id: Option<String>,
        keep: Option<String>,
        actor: Option<String>,
        client: Client,
        now_ms: u64,
    ) -> Result<u32, Error>;

    /// The account of somebody at a provider, without regard to case.
    async fn user_of_identity(&self, provider: &str, identifier: &str) -> Result<Option<User>, Error>;
    async fn identities(&self, user: &str) -> Result<Vec<Identity>, Error>;
    async fn link_identity(&self, identity: NewIdentity, client: Client, now_ms: u64) -> Result<bool, Error>;
    async fn unlink_identity(&self, user: &str, id: &str, client: Client, now_ms: u64) -> Result<bool, Error>;
    async fn auth_data(&self, provider: &str, identifier: &str) -> Result<Option<String>, Error>;
    async fn set_auth_data(&self, provider: &str, identifier: &str, auth_data: Option<String>) -> Result<(), Error>;

    async fn policies(&self, user: Option<&str>, role: Option<&str>, seen: &mut Seen) -> Result<Vec<Policy>, Error>;
    async fn permissions(
        &self,
        policies: &[String],
        collection: &str,
        action: &str,
        seen: &mut Seen,
    ) -> Result<Vec<Permission>, Error>;
    async fn role_columns(&self, id: &str, columns: &Columns, seen: &mut Seen) -> Result<Option<Vec<Field>>, Error>;

    async fn find_records(&self, query: &Query) -> Result<Vec<Vec<Value>>, Error>;
    async fn count_records(&self, collection: &str, condition: &[Node]) -> Result<u64, Error>;
    async fn write_records(&self, step: Step) -> Result<Written, Error>;

    async fn add_to_count(&self, key: &str, amount: u32, expires_at_ms: u64, now_ms: u64) -> Result<Count, Error>;
    async fn read_count(&self, key: &str, now_ms: u64) -> Result<Option<Count>, Error>;
    async fn clear_count(&self, key: &str) -> Result<(), Error>;

    /// Keeps what happened in a request, as JSON, for a while.
    async fn keep_trace(&self, request: &str, at_ms: u64, trace: &str) -> Result<(), Error>;
    /// What happened in a request, as JSON.
    async fn trace(&self, request: &str) -> Result<Option<String>, Error>;
    /// The last traces, or those before a number, the newest first; each with its number.
    async fn traces(&self, before: Option<i64>, limit: u32) -> Result<Vec<(i64, String)>, Error>;

    /// How often operators changed something: others compare.
    async fn revision(&self) -> Result<u64, Error>;
    /// The components that operators stored, without their code.
    async fn components(&self) -> Result<Vec<StoredComponent>, Error>;
    async fn component_code(&self, name: &str, digest: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Stores a component in its place. The one that was in the place of what serves is then the one before.
    async fn store_component(&self, component: NewComponent, now_ms: u64) -> Result<(), Error>;
    /// Moves the components of one name. Whether there was anything to move.
    async fn move_component(&self, name: &str, to: Move) -> Result<bool, Error>;
    /// The providers that operators stored, in the order in which they did.
    async fn stored_providers(&self) -> Result<Vec<StoredProvider>, Error>;
    /// Stores a provider, in the place of the one of its name if there is one.
    async fn store_provider(&self, provider: StoredProvider) -> Result<(), Error>;
    /// Whether there was one.
    async fn remove_provider(&self, name: &str) -> Result<bool, Error>;

    /// Appends an entry to the audit log, after all others and durably. Its number.
    async fn append_audit(&self, entry: Entry, seals: Arc<Seals>) -> Result<i64, Error>;
    /// Entries of the audit log before a number, the newest first.
    async fn audit_entries(&self, before: Option<i64>, limit: u32) -> Result<Vec<chain::Row>, Error>;
    /// What the audit log remembers of its last entry.
    async fn audit_head(&self) -> Result<Option<Head>, Error>;
    /// Looks at every entry of the audit log.
    async fn verify_audit(&self, seals: &Seals) -> Result<Found, Error>;

    /// A key that is kept, sealed.
    async fn kept_key(&self, name: &str) -> Result<Option<String>, Error>;
    /// Keeps a key, if what is there is still what is expected. Whether it was.
    async fn keep_key(&self, name: &str, expected: Option<&str>, sealed: &str) -> Result<bool, Error>;

    /// The columns of the one row of settings.
    async fn settings(&self) -> Result<Vec<Field>, Error>;
    /// Told when any host changed what operators put in; `None` if the database cannot tell.
    fn changes(&self) -> Option<Arc<Notify>>;
    /// The connections to the database.
    fn connections(&self) -> Connections;
    /// Sessions that are alive.
    async fn count_sessions(&self, now_ms: u64) -> Result<u64, Error>;
    /// How long the database takes to answer.
    async fn ping(&self) -> Result<Duration, Error>;
    /// Whether there is any account.
    async fn has_users(&self) -> Result<bool, Error>;
    /// Makes the first account, with a role and a policy that allow everything, unless there is one already.
    async fn create_first_admin(&self, admin: FirstAdmin<'_>) -> Result<bool, Error>;
    /// Finishes what is under way and lets go of the database.
    async fn close(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_the_one_of_directus() {
        for (hash, expected) in
            [(Some(""), "0"), (Some("a"), "61"), (None, "33c587"), (Some("$argon2id$v=19"), "3d8b5389")]
        {
            assert_eq!(mark(hash), expected, "{hash:?}");
        }
    }
}
