//! The tables: what a database has, whose it is, and the migrations that bring it up to date.
//!
//! A database of our own gets Directus's tables from us. In the database of a Directus nothing of its is changed: only
//! tables with our prefix are added, our bookkeeping among them.

use super::{
    Connection, Dialect, Failure, Statement,
    catalogue::{Catalogue, Tables},
};

/// A change of the tables. What was released is never changed; changes are new migrations.
pub(crate) struct Migration {
    /// Its place in the order.
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    /// Whether it touches nothing but tables with our prefix.
    pub(crate) ours_alone: bool,
    pub(crate) text: &'static str,
}

/// The migration that makes Directus's tables. Where they are without it, a Directus made them.
const FIRST: i64 = 1;

/// Whose the tables of a database are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// There are none.
    Nobody,
    Gatewit,
    Directus,
}

/// What a database is like.
pub(crate) struct Found {
    pub(crate) owner: Owner,
    /// Numbers of the migrations that were made.
    pub(crate) applied: Vec<i64>,
    tables: Tables,
}

impl Found {
    /// The collections as they are in this database.
    pub(crate) fn catalogue(&self) -> Catalogue {
        Catalogue::found(&self.tables)
    }

    /// The columns without which nobody can sign in and that are missing, as `table.column`.
    pub(crate) fn lacking(&self) -> Vec<String> {
        let has = |table: &str, column: &str| {
            self.tables.get(table).is_some_and(|columns| columns.iter().any(|(name, _)| name == column))
        };
        let needed = NEEDED.iter().flat_map(|(table, columns)| columns.iter().map(move |column| (*table, *column)));
        needed
            .filter(|(table, column)| !has(table, column))
            .map(|(table, column)| format!("{table}.{column}"))
            .collect()
    }

    /// The migrations that are yet to be made.
    pub(crate) fn pending(&self, migrations: &'static [Migration]) -> impl Iterator<Item = &'static Migration> {
        migrations.iter().filter(|migration| {
            !self.applied.contains(&migration.number) && (self.owner != Owner::Directus || migration.ours_alone)
        })
    }
}

/// Columns that statements name without a look at the catalogue. Directus has had them all since version 11.
const NEEDED: [(&str, &[&str]); 9] = [
    (
        "directus_users",
        &[
            "id",
            "email",
            "password",
            "status",
            "role",
            "token",
            "last_access",
            "provider",
            "external_identifier",
            "tfa_secret",
        ],
    ),
    ("directus_sessions", &["token", "user", "expires", "ip", "user_agent", "share", "origin", "next_token"]),
    ("directus_roles", &["id", "parent"]),
    ("directus_policies", &["id", "ip_access", "enforce_tfa", "admin_access", "app_access"]),
    ("directus_access", &["id", "role", "user", "policy", "sort"]),
    ("directus_permissions", &["id", "collection", "action", "permissions", "fields", "policy"]),
    ("directus_activity", &["id", "action", "user", "timestamp", "ip", "user_agent", "collection", "item", "origin"]),
    ("directus_revisions", &["id", "activity", "collection", "item", "data", "delta"]),
    ("directus_shares", &["id", "password"]),
];

/// Looks at a database and changes nothing.
pub(crate) async fn look(connection: &mut dyn Connection) -> Result<Found, Failure> {
    let mut tables = Tables::new();
    for name in Catalogue::collections() {
        tables.insert(name.to_owned(), columns(connection, name).await?);
    }
    let applied = applied(connection).await?;
    let is_there = tables.get("directus_users").is_some_and(|columns| !columns.is_empty());
    let owner = match (is_there, applied.contains(&FIRST)) {
        (_, true) => Owner::Gatewit,
        (true, false) => Owner::Directus,
        (false, false) => Owner::Nobody,
    };
    Ok(Found { owner, applied, tables })
}

/// Makes the pending migrations, inside of a transaction that keeps other hosts out, and looks again.
pub(crate) async fn prepare(
    connection: &mut dyn Connection,
    migrations: &'static [Migration],
) -> Result<Found, Failure> {
    let found = look(connection).await?;
    let pending: Vec<_> = found.pending(migrations).collect();
    // Nothing is added to tables that are of no use.
    if pending.is_empty() || (found.owner == Owner::Directus && !found.lacking().is_empty()) {
        return Ok(found);
    }
    connection
        .script(
            "CREATE TABLE IF NOT EXISTS gatewit_migrations \
             (number bigint NOT NULL PRIMARY KEY, name varchar(255) NOT NULL, \
              made timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)",
        )
        .await?;
    for Migration { number, name, text, .. } in pending {
        connection.script(text).await?;
        let statement = Statement::new("INSERT INTO gatewit_migrations (number, name) VALUES ($1, $2)");
        connection.run(&statement.bind(*number).bind(*name)).await?;
    }
    look(connection).await
}

async fn applied(connection: &mut dyn Connection) -> Result<Vec<i64>, Failure> {
    let mut numbers = Vec::new();
    // The first databases kept book under another name.
    for (table, statement) in [
        ("gatewit_migrations", "SELECT number FROM gatewit_migrations"),
        ("_sqlx_migrations", "SELECT version FROM _sqlx_migrations"),
    ] {
        if !columns(connection, table).await?.is_empty() {
            for mut row in connection.rows(&Statement::new(statement)).await? {
                numbers.push(row.integer()?);
            }
        }
    }
    Ok(numbers)
}

/// Name and declared type of a table's columns; none if there is no such table.
async fn columns(connection: &mut dyn Connection, table: &str) -> Result<Vec<(String, String)>, Failure> {
    let text = match connection.dialect() {
        Dialect::Sqlite => "SELECT name, type FROM pragma_table_info($1)",
        Dialect::Postgres => {
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        }
    };
    let rows = connection.rows(&Statement::new(text).bind(table)).await?;
    rows.into_iter().map(|mut row| Ok((row.text()?, row.text()?))).collect()
}
