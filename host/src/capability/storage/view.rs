//! The view of one call on the store: translation between the contract and [`Backend`].

use super::{Backend, Columns, Error, Field, Permission, Policy, Rotated, Session, User, UserKey};
use crate::bindings::auth::gatewit::storage::{access, sessions, types, users};
use wasmtime::component::{HasData, Linker};

pub(crate) struct StorageView<'a>(pub(crate) &'a dyn Backend);

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
    access::add_to_linker::<T, Granted>(linker, view)
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
        self.0.user(UserKey::Email(&email)).await
    }

    async fn find_by_identifier(&mut self, provider: String, identifier: String) -> Answer<Option<User>> {
        self.0.user(UserKey::Identifier { provider: &provider, identifier: &identifier }).await
    }

    async fn find_by_static_token(&mut self, token: String) -> Answer<Option<User>> {
        self.0.user(UserKey::StaticToken(&token)).await
    }

    async fn read(&mut self, id: String, columns: Columns) -> Answer<Option<Vec<Field>>> {
        self.0.user_columns(&id, &columns).await
    }
}

impl sessions::Host for StorageView<'_> {
    async fn find(&mut self, token: String, now_ms: u64) -> Answer<Option<Session>> {
        self.0.session(&token, now_ms).await
    }

    async fn begin(&mut self, session: sessions::NewSession, now_ms: u64) -> Answer<()> {
        self.0.begin_session(session, now_ms).await
    }

    async fn rotate(&mut self, rotation: sessions::Rotation, now_ms: u64) -> Answer<Rotated> {
        self.0.rotate_session(rotation, now_ms).await
    }

    async fn end(&mut self, token: String, client: sessions::Client, now_ms: u64) -> Answer<bool> {
        self.0.end_session(&token, client, now_ms).await
    }

    async fn end_family(&mut self, token: String, now_ms: u64) -> Answer<u32> {
        self.0.end_family(&token, now_ms).await
    }
}

impl access::Host for StorageView<'_> {
    async fn policies(&mut self, user: Option<String>, role: Option<String>) -> Answer<Vec<Policy>> {
        self.0.policies(user.as_deref(), role.as_deref()).await
    }

    async fn permissions(
        &mut self,
        policies: Vec<String>,
        collection: String,
        action: String,
    ) -> Answer<Vec<Permission>> {
        self.0.permissions(&policies, &collection, &action).await
    }

    async fn read_role(&mut self, id: String, columns: Columns) -> Answer<Option<Vec<Field>>> {
        self.0.role_columns(&id, &columns).await
    }
}
