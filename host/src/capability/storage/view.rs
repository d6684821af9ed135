//! The view of one call on the store: translation between the contract and [`Backend`].

use super::{
    Backend, Columns, Count, Error, Field, Identity, NewIdentity, Node, Permission, Policy, Query, Rotated, Seen,
    Session, Step, User, UserKey, Value, Written,
};
use crate::{
    bindings::auth::gatewit::storage::{access, counters, identities, records, sessions, types, users},
    telemetry::spans,
};
use tracing::{Instrument as _, Span};
use wasmtime::component::{HasData, Linker};

pub(crate) struct StorageView<'a> {
    store: &'a dyn Backend,
    seen: &'a mut Seen,
    /// The hashes that were made in this call.
    hashes: &'a [String],
    /// The account that this call was made for, where that is known.
    actor: Option<&'a str>,
}

impl<'a> StorageView<'a> {
    /// A view of the store for a call that has `seen` it, has made these `hashes`, and was made for `actor` where that is known.
    pub(crate) fn new(
        store: &'a dyn Backend,
        seen: &'a mut Seen,
        hashes: &'a [String],
        actor: Option<&'a str>,
    ) -> Self {
        Self { store, seen, hashes, actor }
    }

    /// The store, for what is not answered from what is kept. It may change the store, so what was seen of it is over.
    fn store(&mut self) -> &'a dyn Backend {
        *self.seen = Seen::default();
        self.store
    }

    /// The span of a question or a change.
    fn span(&self, operation: &'static str) -> Span {
        spans::storage(operation, self.store.name())
    }
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = StorageView<'a>;
}

/// Adds the store, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> StorageView<'_>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Granted>(linker, view)?;
    users::add_to_linker::<T, Granted>(linker, view)?;
    sessions::add_to_linker::<T, Granted>(linker, view)?;
    access::add_to_linker::<T, Granted>(linker, view)?;
    records::add_to_linker::<T, Granted>(linker, view)?;
    counters::add_to_linker::<T, Granted>(linker, view)?;
    identities::add_to_linker::<T, Granted>(linker, view)
}

type Answer<T> = Result<T, Error>;

impl types::Host for StorageView<'_> {
    /// The one place where a failure of the store is logged.
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<types::Error> {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        Ok(match error {
            Error::Unavailable(_) => types::Error::Unavailable,
            Error::Failed(_) => types::Error::Other("the store failed".to_owned()),
        })
    }
}

impl users::Host for StorageView<'_> {
    async fn find_by_email(&mut self, email: String) -> Answer<Option<User>> {
        self.store().user(UserKey::Email(&email)).instrument(self.span("user")).await
    }

    async fn find(&mut self, id: String) -> Answer<Option<User>> {
        self.store().user(UserKey::Id(&id)).instrument(self.span("user")).await
    }

    async fn find_by_static_token(&mut self, token: String) -> Answer<Option<User>> {
        self.store().user(UserKey::StaticToken(&token)).instrument(self.span("user")).await
    }

    async fn read(&mut self, id: String, columns: Columns) -> Answer<Option<Vec<Field>>> {
        let span = self.span("user_columns");
        self.store.user_columns(&id, &columns, self.seen).instrument(span).await
    }
}

impl sessions::Host for StorageView<'_> {
    async fn find(&mut self, token: String, now_ms: u64) -> Answer<Option<Session>> {
        let span = self.span("session");
        self.store.session(&token, now_ms, self.seen).instrument(span).await
    }

    async fn begin(&mut self, session: sessions::NewSession, now_ms: u64) -> Answer<()> {
        self.store().begin_session(session, now_ms).instrument(self.span("begin_session")).await
    }

    async fn rotate(&mut self, rotation: sessions::Rotation, now_ms: u64) -> Answer<Rotated> {
        self.store().rotate_session(rotation, now_ms).instrument(self.span("rotate_session")).await
    }

    async fn end(&mut self, token: String, client: sessions::Client, now_ms: u64) -> Answer<bool> {
        self.store().end_session(&token, client, now_ms).instrument(self.span("end_session")).await
    }

    async fn end_family(&mut self, token: String, now_ms: u64) -> Answer<u32> {
        self.store().end_family(&token, now_ms).instrument(self.span("end_family")).await
    }

    async fn end_by_source(
        &mut self,
        provider: String,
        identifier: Option<String>,
        session: Option<String>,
        now_ms: u64,
    ) -> Answer<u32> {
        self.store()
            .end_by_source(&provider, identifier.as_deref(), session.as_deref(), now_ms)
            .instrument(self.span("end_by_source"))
            .await
    }

    async fn parting_data(&mut self, token: String) -> Answer<Option<String>> {
        self.store().parting_data(&token).instrument(self.span("parting_data")).await
    }

    async fn open_sessions(
        &mut self,
        user: Option<String>,
        limit: u32,
        now_ms: u64,
    ) -> Answer<Vec<sessions::OpenSession>> {
        self.store().open_sessions(user.as_deref(), limit, now_ms).instrument(self.span("open_sessions")).await
    }

    async fn family_id(&mut self, token: String) -> wasmtime::Result<String> {
        Ok(self.store.family_id(&token))
    }

    async fn end_open(
        &mut self,
        user: Option<String>,
        id: Option<String>,
        keep: Option<String>,
        client: sessions::Client,
        now_ms: u64,
    ) -> Answer<u32> {
        let actor = self.actor.map(ToOwned::to_owned);
        self.store().end_open(user, id, keep, actor, client, now_ms).instrument(self.span("end_open")).await
    }
}

impl identities::Host for StorageView<'_> {
    async fn find(&mut self, provider: String, identifier: String) -> Answer<Option<User>> {
        self.store().user_of_identity(&provider, &identifier).instrument(self.span("user_of_identity")).await
    }

    async fn list(&mut self, user: String) -> Answer<Vec<Identity>> {
        self.store().identities(&user).instrument(self.span("identities")).await
    }

    async fn link(&mut self, identity: NewIdentity, client: sessions::Client, now_ms: u64) -> Answer<bool> {
        self.store().link_identity(identity, client, now_ms).instrument(self.span("link_identity")).await
    }

    async fn unlink(&mut self, user: String, id: String, client: sessions::Client, now_ms: u64) -> Answer<bool> {
        self.store().unlink_identity(&user, &id, client, now_ms).instrument(self.span("unlink_identity")).await
    }

    async fn auth_data(&mut self, provider: String, identifier: String) -> Answer<Option<String>> {
        self.store().auth_data(&provider, &identifier).instrument(self.span("auth_data")).await
    }

    async fn set_auth_data(&mut self, provider: String, identifier: String, auth_data: Option<String>) -> Answer<()> {
        self.store().set_auth_data(&provider, &identifier, auth_data).instrument(self.span("set_auth_data")).await
    }
}

impl access::Host for StorageView<'_> {
    async fn policies(&mut self, user: Option<String>, role: Option<String>) -> Answer<Vec<Policy>> {
        let span = self.span("policies");
        self.store.policies(user.as_deref(), role.as_deref(), self.seen).instrument(span).await
    }

    async fn permissions(
        &mut self,
        policies: Vec<String>,
        collection: String,
        action: String,
    ) -> Answer<Vec<Permission>> {
        let span = self.span("permissions");
        self.store.permissions(&policies, &collection, &action, self.seen).instrument(span).await
    }

    async fn read_role(&mut self, id: String, columns: Columns) -> Answer<Option<Vec<Field>>> {
        let span = self.span("role_columns");
        self.store.role_columns(&id, &columns, self.seen).instrument(span).await
    }
}

impl records::Host for StorageView<'_> {
    async fn find(&mut self, query: Query) -> Answer<Vec<Vec<Value>>> {
        self.store().find_records(&query).instrument(self.span("find_records")).await
    }

    async fn count(&mut self, collection: String, condition: Vec<Node>) -> Answer<u64> {
        self.store().count_records(&collection, &condition).instrument(self.span("count_records")).await
    }

    async fn write(
        &mut self,
        changes: Vec<records::Change>,
        endings: Vec<records::Ending>,
        author: records::Author,
        now_ms: u64,
    ) -> Answer<Written> {
        self.store()
            .write_records(Step { changes, hashes: self.hashes.to_vec(), endings, author, now_ms })
            .instrument(self.span("write_records"))
            .await
    }
}

impl counters::Host for StorageView<'_> {
    async fn add(&mut self, key: String, amount: u32, expires_at_ms: u64, now_ms: u64) -> Answer<Count> {
        self.store().add_to_count(&key, amount, expires_at_ms, now_ms).instrument(self.span("add_to_count")).await
    }

    async fn read(&mut self, key: String, now_ms: u64) -> Answer<Option<Count>> {
        self.store().read_count(&key, now_ms).instrument(self.span("read_count")).await
    }

    async fn clear(&mut self, key: String) -> Answer<()> {
        self.store().clear_count(&key).instrument(self.span("clear_count")).await
    }
}
