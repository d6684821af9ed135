//! The view of one call on the store: translation between the contract and [`Backend`].

use super::{
    Backend, Columns, Count, Error, Field, Identity, NewIdentity, Node, Permission, Policy, Query, Rotated, Seen,
    Session, Step, User, UserKey, Value, Written,
};
use crate::{
    bindings::auth::gatewit::storage::{access, counters, identities, records, sessions, types, users},
    capability::script::{Asked, Nature, Script},
    telemetry::spans,
};
use std::fmt::Debug;
use tracing::{Instrument as _, Span};
use wasmtime::component::{HasData, Linker};

pub(crate) struct StorageView<'a> {
    store: &'a dyn Backend,
    seen: &'a mut Seen,
    /// The hashes that were made in this call.
    hashes: &'a [String],
    /// The account that this call was made for, where that is known.
    actor: Option<&'a str>,
    script: &'a Script,
}

/// A question or a change that is about to be put to the store.
struct Put {
    asked: Asked,
    span: Span,
}

impl Put {
    /// What the store says of it.
    async fn to<T: Clone + Send + 'static>(self, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
        self.asked.told(answer.instrument(self.span), || Error::Denied).await
    }
}

impl<'a> StorageView<'a> {
    /// A view of the store for a call that has `seen` it, has made these `hashes`, was made for `actor` where that is known, and
    /// is told what is in a `script`.
    pub(crate) fn new(
        store: &'a dyn Backend,
        seen: &'a mut Seen,
        hashes: &'a [String],
        actor: Option<&'a str>,
        script: &'a Script,
    ) -> Self {
        Self { store, seen, hashes, actor, script }
    }

    /// The store, for what is not answered from what is kept. It may change the store, so what was seen of it is over.
    fn store(&mut self) -> &'a dyn Backend {
        *self.seen = Seen::default();
        self.store
    }

    fn asks(&self, operation: &'static str, about: &dyn Debug) -> Put {
        self.put(Nature::Question, operation, about)
    }

    fn does(&self, operation: &'static str, about: &dyn Debug) -> Put {
        self.put(Nature::Effect, operation, about)
    }

    fn put(&self, nature: Nature, operation: &'static str, about: &dyn Debug) -> Put {
        Put { asked: self.script.ask(nature, operation, about), span: spans::storage(operation, self.store.name()) }
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
        if matches!(error, Error::Denied) {
            return Ok(types::Error::Denied);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        Ok(match error {
            Error::Unavailable(_) => types::Error::Unavailable,
            _ => types::Error::Other("the store failed".to_owned()),
        })
    }
}

impl users::Host for StorageView<'_> {
    async fn find_by_email(&mut self, email: String) -> Answer<Option<User>> {
        self.asks("user", &UserKey::Email(&email)).to(self.store().user(UserKey::Email(&email))).await
    }

    async fn find(&mut self, id: String) -> Answer<Option<User>> {
        self.asks("user", &UserKey::Id(&id)).to(self.store().user(UserKey::Id(&id))).await
    }

    async fn find_by_static_token(&mut self, token: String) -> Answer<Option<User>> {
        self.asks("user", &UserKey::StaticToken(&token)).to(self.store().user(UserKey::StaticToken(&token))).await
    }

    async fn read(&mut self, id: String, columns: Columns) -> Answer<Option<Vec<Field>>> {
        self.asks("user_columns", &(&id, &columns)).to(self.store.user_columns(&id, &columns, self.seen)).await
    }
}

impl sessions::Host for StorageView<'_> {
    async fn find(&mut self, token: String, now_ms: u64) -> Answer<Option<Session>> {
        self.asks("session", &(&token, now_ms)).to(self.store.session(&token, now_ms, self.seen)).await
    }

    async fn begin(&mut self, session: sessions::NewSession, now_ms: u64) -> Answer<()> {
        self.does("begin_session", &(&session, now_ms)).to(self.store().begin_session(session, now_ms)).await
    }

    async fn rotate(&mut self, rotation: sessions::Rotation, now_ms: u64) -> Answer<Rotated> {
        self.does("rotate_session", &(&rotation, now_ms)).to(self.store().rotate_session(rotation, now_ms)).await
    }

    async fn end(&mut self, token: String, client: sessions::Client, now_ms: u64) -> Answer<bool> {
        let put = self.does("end_session", &(&token, &client, now_ms));
        put.to(self.store().end_session(&token, client, now_ms)).await
    }

    async fn end_family(&mut self, token: String, now_ms: u64) -> Answer<u32> {
        self.does("end_family", &(&token, now_ms)).to(self.store().end_family(&token, now_ms)).await
    }

    async fn end_by_source(
        &mut self,
        provider: String,
        identifier: Option<String>,
        session: Option<String>,
        now_ms: u64,
    ) -> Answer<u32> {
        let put = self.does("end_by_source", &(&provider, &identifier, &session, now_ms));
        put.to(self.store().end_by_source(&provider, identifier.as_deref(), session.as_deref(), now_ms)).await
    }

    async fn parting_data(&mut self, token: String) -> Answer<Option<String>> {
        self.asks("parting_data", &token).to(self.store().parting_data(&token)).await
    }

    async fn open_sessions(
        &mut self,
        user: Option<String>,
        limit: u32,
        now_ms: u64,
    ) -> Answer<Vec<sessions::OpenSession>> {
        let put = self.asks("open_sessions", &(&user, limit, now_ms));
        put.to(self.store().open_sessions(user.as_deref(), limit, now_ms)).await
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
        let put = self.does("end_open", &(&user, &id, &keep, &actor, &client, now_ms));
        put.to(self.store().end_open(user, id, keep, actor, client, now_ms)).await
    }
}

impl identities::Host for StorageView<'_> {
    async fn find(&mut self, provider: String, identifier: String) -> Answer<Option<User>> {
        let put = self.asks("user_of_identity", &(&provider, &identifier));
        put.to(self.store().user_of_identity(&provider, &identifier)).await
    }

    async fn list(&mut self, user: String) -> Answer<Vec<Identity>> {
        self.asks("identities", &user).to(self.store().identities(&user)).await
    }

    async fn link(&mut self, identity: NewIdentity, client: sessions::Client, now_ms: u64) -> Answer<bool> {
        let put = self.does("link_identity", &(&identity, &client, now_ms));
        put.to(self.store().link_identity(identity, client, now_ms)).await
    }

    async fn unlink(&mut self, user: String, id: String, client: sessions::Client, now_ms: u64) -> Answer<bool> {
        let put = self.does("unlink_identity", &(&user, &id, &client, now_ms));
        put.to(self.store().unlink_identity(&user, &id, client, now_ms)).await
    }

    async fn auth_data(&mut self, provider: String, identifier: String) -> Answer<Option<String>> {
        let put = self.asks("auth_data", &(&provider, &identifier));
        put.to(self.store().auth_data(&provider, &identifier)).await
    }

    async fn set_auth_data(&mut self, provider: String, identifier: String, auth_data: Option<String>) -> Answer<()> {
        let put = self.does("set_auth_data", &(&provider, &identifier, &auth_data));
        put.to(self.store().set_auth_data(&provider, &identifier, auth_data)).await
    }
}

impl access::Host for StorageView<'_> {
    async fn policies(&mut self, user: Option<String>, role: Option<String>) -> Answer<Vec<Policy>> {
        let put = self.asks("policies", &(&user, &role));
        put.to(self.store.policies(user.as_deref(), role.as_deref(), self.seen)).await
    }

    async fn permissions(
        &mut self,
        policies: Vec<String>,
        collection: String,
        action: String,
    ) -> Answer<Vec<Permission>> {
        let put = self.asks("permissions", &(&policies, &collection, &action));
        put.to(self.store.permissions(&policies, &collection, &action, self.seen)).await
    }

    async fn read_role(&mut self, id: String, columns: Columns) -> Answer<Option<Vec<Field>>> {
        self.asks("role_columns", &(&id, &columns)).to(self.store.role_columns(&id, &columns, self.seen)).await
    }
}

impl records::Host for StorageView<'_> {
    async fn find(&mut self, query: Query) -> Answer<Vec<Vec<Value>>> {
        self.asks("find_records", &query).to(self.store().find_records(&query)).await
    }

    async fn count(&mut self, collection: String, condition: Vec<Node>) -> Answer<u64> {
        let put = self.asks("count_records", &(&collection, &condition));
        put.to(self.store().count_records(&collection, &condition)).await
    }

    async fn write(
        &mut self,
        changes: Vec<records::Change>,
        endings: Vec<records::Ending>,
        author: records::Author,
        now_ms: u64,
    ) -> Answer<Written> {
        let put = self.does("write_records", &(&changes, &endings, &author, now_ms));
        let step = Step { changes, hashes: self.hashes.to_vec(), endings, author, now_ms };
        put.to(self.store().write_records(step)).await
    }
}

impl counters::Host for StorageView<'_> {
    async fn add(&mut self, key: String, amount: u32, expires_at_ms: u64, now_ms: u64) -> Answer<Count> {
        let put = self.does("add_to_count", &(&key, amount, expires_at_ms, now_ms));
        put.to(self.store().add_to_count(&key, amount, expires_at_ms, now_ms)).await
    }

    async fn read(&mut self, key: String, now_ms: u64) -> Answer<Option<Count>> {
        self.asks("read_count", &(&key, now_ms)).to(self.store().read_count(&key, now_ms)).await
    }

    async fn clear(&mut self, key: String) -> Answer<()> {
        self.does("clear_count", &key).to(self.store().clear_count(&key)).await
    }
}
