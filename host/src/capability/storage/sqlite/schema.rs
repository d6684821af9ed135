//! The tables, and their migrations. Names and types are Directus's own, as far as authentication touches them; the
//! indexes are ours.

use super::OpenError;
use sqlx::{
    SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
};
use std::{borrow::Cow, path::Path};

/// Migrations in order: number, name, statements. What was released is never changed; changes are new migrations.
const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "accounts, access and sessions", include_str!("migrations/0001.sql"))];

/// Brings the tables of a database of our own up to date.
pub(super) async fn prepare(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let opened = |source| OpenError::Open { path: path.to_owned(), source };
    if has_table(connection, "directus_users").await.map_err(opened)?
        && !has_table(connection, "_sqlx_migrations").await.map_err(opened)?
    {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    migrator().run(connection).await.map_err(|source| OpenError::Migrate { path: path.to_owned(), source })
}

fn migrator() -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

async fn has_table(connection: &mut SqliteConnection, name: &str) -> Result<bool, sqlx::Error> {
    let query = sqlx::query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").bind(name);
    Ok(query.fetch_optional(connection).await?.is_some())
}
