//! Opens the database that the configuration names, whichever it is.

use super::{
    Backend, Cause,
    postgres::Postgres,
    sql::schema::{Found, Owner},
    sqlite::Sqlite,
    tokens::Form,
};
use crate::config::{DatabaseClient, Storage, TokenStorage};
use std::sync::Arc;

/// Why a database cannot be used. Said once, at the start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting cannot be what it is.
    #[error("{0}")]
    Setting(String),
    /// It cannot be opened or made, or does not answer.
    #[error("cannot open the database `{database}`")]
    Open {
        /// Which.
        database: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A migration failed; the database is as it was.
    #[error("cannot bring the database `{database}` up to date")]
    Migrate {
        /// Which.
        database: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Its tables are of a Directus that is too old, or were changed.
    #[error("the database `{database}` lacks {}; Directus 11 or later is needed", columns.join(", "))]
    Incompatible {
        /// Which.
        database: String,
        /// What is missing, as `table.column`.
        columns: Vec<String>,
    },
}

/// Opens or makes the database and brings its tables up to date.
pub(crate) async fn open(storage: &Storage) -> Result<Arc<dyn Backend>, OpenError> {
    Ok(match storage.client {
        DatabaseClient::Sqlite => Arc::new(Sqlite::open(storage).await?),
        DatabaseClient::Postgres => Arc::new(Postgres::open(storage).await?),
    })
}

/// How tokens are kept. A Directus looks its sessions up by the token as it is, so hashes would sign everybody out, and
/// sessions that Gatewit begins would be nothing to it.
pub(super) fn form(storage: &Storage, owner: Owner) -> Result<Form, OpenError> {
    match (storage.tokens, owner) {
        (Some(TokenStorage::Hashed), Owner::Directus) => Err(OpenError::Setting(
            "GATEWIT_TOKEN_STORAGE: hashed cannot be in the database of a Directus, which finds its sessions by the \
             token as it is; write plain or leave it out"
                .to_owned(),
        )),
        (Some(TokenStorage::Plain), _) | (None, Owner::Directus) => Ok(Form::Plain),
        (Some(TokenStorage::Hashed) | None, _) => Ok(Form::Hashed),
    }
}

/// Whether the tables can be worked with.
pub(super) fn check(found: &Found, database: &str) -> Result<(), OpenError> {
    let columns = found.lacking();
    if columns.is_empty() { Ok(()) } else { Err(OpenError::Incompatible { database: database.to_owned(), columns }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_kept_as_the_owner_of_the_tables_needs_it() {
        for (tokens, owner, expected) in [
            (None, Owner::Gatewit, Some(Form::Hashed)),
            (None, Owner::Directus, Some(Form::Plain)),
            (Some(TokenStorage::Plain), Owner::Gatewit, Some(Form::Plain)),
            (Some(TokenStorage::Hashed), Owner::Gatewit, Some(Form::Hashed)),
            (Some(TokenStorage::Hashed), Owner::Directus, None),
        ] {
            assert_eq!(form(&Storage { tokens, ..Storage::default() }, owner).ok(), expected, "{tokens:?} {owner:?}");
        }
    }
}
