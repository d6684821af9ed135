//! What Gatewit remembers, in any database that speaks SQL: the one [`Backend`].
//!
//! It prepares questions and changes ([`super::sql`]), lets the [`Database`] run them, and gives answers again while nothing was
//! committed ([`Recent`]).

use super::{
    Backend, Client, Columns, Count, Error, Field, FirstAdmin, Identity, NewIdentity, NewSession, Node, OpenSession,
    Permission, Policy, Query, Rotated, Rotation, Session, Step, User, UserKey, Value, Written,
    operation::{Move, NewComponent, StoredComponent, StoredProvider},
    recent::{Recent, Seen, State, Version},
    sql::{
        Cell, Connection as _, Database, Statement, access, audit, catalogue::Catalogue, counters, fields,
        first_admin::CreateFirstAdmin, identities, keys, open_sessions, operation, renewal, select, sessions,
        step::Write, traces, users,
    },
    tokens::Form,
};
use crate::capability::{
    audit::chain::{Entry, Found, Head, Row},
    keys::hmac::Seals,
    metrics::Connections,
};
use async_trait::async_trait;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How often expired sessions are removed, at most, in milliseconds. With each change of a session it would cost more than
/// the change.
const SWEEP_MS: u64 = 1_000;

/// The store in a database.
pub(crate) struct Repository<D> {
    database: D,
    catalogue: Catalogue,
    form: Form,
    answers: Answers,
    /// When expired sessions are to be removed next.
    next_sweep_ms: AtomicU64,
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

impl<D: Database> Repository<D> {
    pub(crate) fn new(database: D, catalogue: Catalogue, form: Form) -> Self {
        Self { database, catalogue, form, answers: Answers::default(), next_sweep_ms: AtomicU64::new(0) }
    }

    /// Whether it is time to remove expired sessions, which is then done by whoever asks.
    fn sweeps(&self, now_ms: u64) -> bool {
        let next = self.next_sweep_ms.load(Ordering::Relaxed);
        let taken =
            |next| self.next_sweep_ms.compare_exchange(next, now_ms + SWEEP_MS, Ordering::Relaxed, Ordering::Relaxed);
        now_ms >= next && taken(next).is_ok()
    }

    /// Fields of one record.
    async fn record(
        &self,
        table: &'static str,
        id: Cell,
        columns: &Columns,
        seen: &mut Seen,
    ) -> Result<Option<Vec<Field>>, Error> {
        let names = match columns {
            Columns::All => None,
            Columns::Only(names) => Some(names.join(",")),
        };
        let collection = self.catalogue.collection(table)?;
        let question = (table, format!("{id:?}"), names);
        let read = async { fields::read(&mut self.database.reader().await?, collection, id, columns).await };
        let state = self.state(seen).await;
        // What an account is asked for changes with its sessions: when it was last here.
        let version = state.map(|state| if table == "directus_users" { state.whole } else { state.beside_sessions });
        self.answers.records.answer(version, question, read).await
    }

    async fn state(&self, seen: &mut Seen) -> Option<State> {
        seen.state(self.database.state()).await
    }

    /// The state as far as policies and permissions go.
    async fn access_version(&self, seen: &mut Seen) -> Option<Version> {
        self.state(seen).await.map(|state| state.beside_sessions)
    }
}

#[async_trait]
impl<D: Database> Backend for Repository<D> {
    fn name(&self) -> &'static str {
        self.database.name()
    }

    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, Error> {
        Ok(users::find(&mut self.database.reader().await?, key).await?)
    }

    async fn user_columns(&self, id: &str, columns: &Columns, seen: &mut Seen) -> Result<Option<Vec<Field>>, Error> {
        self.record("directus_users", id.into(), columns, seen).await
    }

    async fn password(&self, email: &str, provider: &str) -> Result<Option<(String, Option<String>)>, Error> {
        Ok(users::password(&mut self.database.reader().await?, email, provider).await?)
    }

    async fn password_hash(&self, user: &str) -> Result<Option<Option<String>>, Error> {
        Ok(users::password_hash(&mut self.database.reader().await?, user).await?)
    }

    async fn share_password(&self, share: &str) -> Result<Option<Option<String>>, Error> {
        Ok(users::share_password(&mut self.database.reader().await?, share).await?)
    }

    async fn renew_password(&self, user: &str, old: &str, new: &str) -> Result<(), Error> {
        let (user, old, new) = (user.to_owned(), old.to_owned(), new.to_owned());
        self.database.write(users::RenewPassword { user, old, new }).await
    }

    async fn session(&self, token: &str, now_ms: u64, seen: &mut Seen) -> Result<Option<Session>, Error> {
        let key = self.form.key(token);
        let question = key.clone();
        let read = self.database.session(self.form, key, now_ms);
        // Tokens of refreshes are asked for once: to know whether an answer is still good would be for nothing.
        let again = self.answers.sessions.was_asked(&question);
        let version = if again { self.state(seen).await.map(|state| state.whole) } else { None };
        let session = self.answers.sessions.answer(version, question, read).await?;
        Ok(session.filter(|session| session.expires_at_ms > now_ms))
    }

    async fn begin_session(&self, session: NewSession, now_ms: u64) -> Result<(), Error> {
        let key = self.form.key(&session.token);
        let (family, _) = self.form.family_range(&session.token);
        let sweeps = self.sweeps(now_ms);
        self.database.write(sessions::Begin { key, family, session, sweeps, now_ms }).await
    }

    async fn rotate_session(&self, rotation: Rotation, now_ms: u64) -> Result<Rotated, Error> {
        let (form, sweeps) = (self.form, self.sweeps(now_ms));
        self.database.rotate(renewal::Rotate { form, rotation, sweeps, now_ms }).await
    }

    async fn end_session(&self, token: &str, client: Client, now_ms: u64) -> Result<bool, Error> {
        let family = self.form.family_range(token);
        Ok(self.database.write(sessions::End { family, signed_out: Some(client), now_ms }).await? > 0)
    }

    async fn end_family(&self, token: &str, now_ms: u64) -> Result<u32, Error> {
        let family = self.form.family_range(token);
        self.database.write(sessions::End { family, signed_out: None, now_ms }).await
    }

    async fn end_by_source(
        &self,
        provider: &str,
        identifier: Option<&str>,
        session: Option<&str>,
        now_ms: u64,
    ) -> Result<u32, Error> {
        let (provider, identifier) = (provider.to_owned(), identifier.map(ToOwned::to_owned));
        let session = session.map(ToOwned::to_owned);
        self.database.write(sessions::EndBySource { provider, identifier, session, now_ms }).await
    }

    async fn parting_data(&self, token: &str) -> Result<Option<String>, Error> {
        let (family, _) = self.form.family_range(token);
        Ok(sessions::parting_data(&mut self.database.reader().await?, &family).await?)
    }

    async fn open_sessions(&self, user: Option<&str>, limit: u32, now_ms: u64) -> Result<Vec<OpenSession>, Error> {
        Ok(open_sessions::list(&mut self.database.reader().await?, self.form, user, limit, now_ms).await?)
    }

    fn family_id(&self, token: &str) -> String {
        self.form.name(token)
    }

    async fn end_open(
        &self,
        user: Option<String>,
        id: Option<String>,
        keep: Option<String>,
        actor: Option<String>,
        client: Client,
        now_ms: u64,
    ) -> Result<u32, Error> {
        self.database.write(open_sessions::EndOpen { form: self.form, user, id, keep, actor, client, now_ms }).await
    }

    async fn user_of_identity(&self, provider: &str, identifier: &str) -> Result<Option<User>, Error> {
        Ok(identities::find(&mut self.database.reader().await?, provider, identifier).await?)
    }

    async fn identities(&self, user: &str) -> Result<Vec<Identity>, Error> {
        Ok(identities::list(&mut self.database.reader().await?, user).await?)
    }

    async fn link_identity(&self, identity: NewIdentity, client: Client, now_ms: u64) -> Result<bool, Error> {
        self.database.write(identities::Link { identity, client, now_ms }).await
    }

    async fn unlink_identity(&self, user: &str, id: &str, client: Client, now_ms: u64) -> Result<bool, Error> {
        let (user, id) = (user.to_owned(), id.to_owned());
        self.database.write(identities::Unlink { user, id, client, now_ms }).await
    }

    async fn auth_data(&self, provider: &str, identifier: &str) -> Result<Option<String>, Error> {
        Ok(identities::auth_data(&mut self.database.reader().await?, provider, identifier).await?)
    }

    async fn set_auth_data(&self, provider: &str, identifier: &str, auth_data: Option<String>) -> Result<(), Error> {
        let (provider, identifier) = (provider.to_owned(), identifier.to_owned());
        self.database.write(identities::SetAuthData { provider, identifier, auth_data }).await
    }

    async fn policies(&self, user: Option<&str>, role: Option<&str>, seen: &mut Seen) -> Result<Vec<Policy>, Error> {
        let question = (user.map(ToOwned::to_owned), role.map(ToOwned::to_owned));
        let read = async { access::policies(&mut self.database.reader().await?, user, role).await };
        self.answers.policies.answer(self.access_version(seen).await, question, read).await
    }

    async fn permissions(
        &self,
        policies: &[String],
        collection: &str,
        action: &str,
        seen: &mut Seen,
    ) -> Result<Vec<Permission>, Error> {
        let question = format!("{collection} {action} {}", policies.join(" "));
        let read =
            async { access::permissions(&mut self.database.reader().await?, policies, collection, action).await };
        self.answers.permissions.answer(self.access_version(seen).await, question, read).await
    }

    async fn role_columns(&self, id: &str, columns: &Columns, seen: &mut Seen) -> Result<Option<Vec<Field>>, Error> {
        self.record("directus_roles", id.into(), columns, seen).await
    }

    async fn settings(&self) -> Result<Vec<Field>, Error> {
        Ok(self
            .record("directus_settings", Cell::Integer(1), &Columns::All, &mut Seen::default())
            .await?
            .unwrap_or_default())
    }

    async fn find_records(&self, query: &Query) -> Result<Vec<Vec<Value>>, Error> {
        let find = select::find(&self.catalogue, query)?;
        Ok(find.ask(&mut self.database.reader().await?).await?)
    }

    async fn count_records(&self, collection: &str, condition: &[Node]) -> Result<u64, Error> {
        let statement = select::count(&self.catalogue, collection, condition)?;
        Ok(select::counted(&mut self.database.reader().await?, &statement).await?)
    }

    async fn write_records(&self, step: Step) -> Result<Written, Error> {
        match Write::new(&self.catalogue, self.form, step)? {
            Ok(write) => self.database.write(write).await,
            Err(answer) => Ok(answer),
        }
    }

    async fn add_to_count(&self, key: &str, amount: u32, expires_at_ms: u64, now_ms: u64) -> Result<Count, Error> {
        self.database.write(counters::Add::new(key, amount, expires_at_ms, now_ms)?).await
    }

    async fn read_count(&self, key: &str, now_ms: u64) -> Result<Option<Count>, Error> {
        Ok(counters::read(&mut self.database.reader().await?, key, now_ms).await?)
    }

    async fn clear_count(&self, key: &str) -> Result<(), Error> {
        // Signing in clears a count that mostly is not there: a look costs nothing, a commit waits for the disk.
        if counters::read(&mut self.database.reader().await?, key, 0).await?.is_none() {
            return Ok(());
        }
        self.database.write(counters::Clear(key.to_owned())).await
    }

    async fn keep_trace(&self, request: &str, at_ms: u64, trace: &str) -> Result<(), Error> {
        self.database.write(traces::Keep { id: request.to_owned(), at_ms, trace: trace.to_owned() }).await
    }

    async fn append_audit(&self, entry: Entry, seals: Arc<Seals>) -> Result<i64, Error> {
        self.database.write(audit::Append { entry, seals }).await
    }

    async fn audit_entries(&self, before: Option<i64>, limit: u32) -> Result<Vec<Row>, Error> {
        Ok(audit::list(&mut self.database.reader().await?, before, limit).await?)
    }

    async fn audit_head(&self) -> Result<Option<Head>, Error> {
        Ok(audit::head(&mut self.database.reader().await?).await?)
    }

    async fn verify_audit(&self, seals: &Seals) -> Result<Found, Error> {
        Ok(audit::verify(&mut self.database.reader().await?, seals, None).await?)
    }

    async fn kept_key(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(keys::read(&mut self.database.reader().await?, name).await?)
    }

    async fn keep_key(&self, name: &str, expected: Option<&str>, sealed: &str) -> Result<bool, Error> {
        let (name, expected) = (name.to_owned(), expected.map(ToOwned::to_owned));
        self.database.write(keys::Keep { name, expected, sealed: sealed.to_owned() }).await
    }

    async fn trace(&self, request: &str) -> Result<Option<String>, Error> {
        Ok(traces::read(&mut self.database.reader().await?, request).await?)
    }

    async fn traces(&self, before: Option<i64>, limit: u32) -> Result<Vec<(i64, String)>, Error> {
        Ok(traces::list(&mut self.database.reader().await?, before, limit).await?)
    }

    async fn revision(&self) -> Result<u64, Error> {
        Ok(operation::revision(&mut self.database.reader().await?).await?)
    }

    async fn components(&self) -> Result<Vec<StoredComponent>, Error> {
        Ok(operation::components(&mut self.database.reader().await?).await?)
    }

    async fn component_code(&self, name: &str, digest: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(operation::code(&mut self.database.reader().await?, name, digest).await?)
    }

    async fn store_component(&self, component: NewComponent, now_ms: u64) -> Result<(), Error> {
        let store = operation::StoreComponent::new(component, now_ms).map_err(|error| Error::Failed(error.into()))?;
        self.database.write(store).await
    }

    async fn move_component(&self, name: &str, to: Move) -> Result<bool, Error> {
        self.database.write(operation::MoveComponent { name: name.to_owned(), to }).await
    }

    async fn stored_providers(&self) -> Result<Vec<StoredProvider>, Error> {
        Ok(operation::providers(&mut self.database.reader().await?).await?)
    }

    async fn store_provider(&self, provider: StoredProvider) -> Result<(), Error> {
        self.database.write(operation::StoreProvider(provider)).await
    }

    async fn remove_provider(&self, name: &str) -> Result<bool, Error> {
        self.database.write(operation::RemoveProvider(name.to_owned())).await
    }

    fn changes(&self) -> Option<Arc<Notify>> {
        self.database.changes()
    }

    fn connections(&self) -> Connections {
        self.database.connections()
    }

    async fn count_sessions(&self, now_ms: u64) -> Result<u64, Error> {
        Ok(open_sessions::count(&mut self.database.reader().await?, now_ms).await?)
    }

    async fn ping(&self) -> Result<Duration, Error> {
        let started = Instant::now();
        self.database.reader().await?.row(&Statement::new("SELECT 1 FROM directus_settings")).await?;
        Ok(started.elapsed())
    }

    async fn has_users(&self) -> Result<bool, Error> {
        Ok(users::any(&mut self.database.reader().await?).await?)
    }

    async fn create_first_admin(&self, admin: FirstAdmin<'_>) -> Result<bool, Error> {
        let change = CreateFirstAdmin {
            email: admin.email.to_owned(),
            password_hash: admin.password_hash.to_owned(),
            static_token: admin.static_token.map(ToOwned::to_owned),
        };
        self.database.write(change).await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}
