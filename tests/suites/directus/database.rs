//! A database of a Directus, and pictures of it: what is declared, and every row of Directus's tables.

use std::collections::BTreeMap;

use anyhow::ensure;
use e2e::needs::Skip;
use e2e::postgres::Postgres;
use e2e::server;
use tempfile::TempDir;

const NAME: &str = "directus";
const FILE: &str = "directus.db";

/// Where it is.
pub(super) enum Database {
    Sqlite(TempDir, String),
    Postgres(Postgres, Vec<(&'static str, String)>),
}

/// What a database holds, but for what has our prefix.
pub(super) struct Picture {
    /// Tables, columns and indexes.
    declared: String,
    /// The rows of each table, as text.
    rows: BTreeMap<String, String>,
}

impl Database {
    pub(super) fn sqlite() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join(FILE).display().to_string();
        Ok(Self::Sqlite(folder, file))
    }

    pub(super) fn postgres() -> anyhow::Result<Self> {
        let server = Postgres::start().map_err(|missing| Skip(missing.0))?;
        let settings = server.database(NAME).map_err(|missing| Skip(missing.0))?;
        Ok(Self::Postgres(server, settings))
    }

    /// The settings with which both servers use it.
    pub(super) fn settings(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Sqlite(_, file) => vec![("DB_CLIENT", "sqlite3"), ("DB_FILENAME", file)],
            Self::Postgres(_, settings) => settings.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        }
    }

    /// What it holds now.
    pub(super) async fn picture(&self) -> anyhow::Result<Picture> {
        match self {
            Self::Sqlite(folder, _) => sqlite(folder).await,
            Self::Postgres(server, _) => postgres(server),
        }
    }
}

async fn sqlite(folder: &TempDir) -> anyhow::Result<Picture> {
    let mut database = server::open(&folder.path().join(FILE)).await?;
    let declared: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, coalesce(sql, '') FROM sqlite_master \
         WHERE tbl_name NOT LIKE 'gatewit\\_%' ESCAPE '\\' AND name <> 'sqlite_sequence' ORDER BY name",
    )
    .fetch_all(&mut database)
    .await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'directus\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut database)
    .await?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let columns: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(&table).fetch_all(&mut database).await?;
        let row: Vec<String> = columns.iter().map(|column| format!("'{column}=' || quote(\"{column}\")")).collect();
        let statement = format!("SELECT {} FROM \"{table}\" ORDER BY 1", row.join(" || ' ' || "));
        let lines: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_all(&mut database).await?;
        rows.insert(table, lines.join("\n"));
    }
    let declared = declared.into_iter().map(|(name, sql)| format!("{name}: {sql}")).collect::<Vec<_>>().join("\n");
    Ok(Picture { declared, rows })
}

/// All that is declared in a database, but for what has our prefix.
const DECLARED: &str = "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default \
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'gatewit\\_%' \
     ORDER BY table_name, ordinal_position; \
     SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'gatewit\\_%' ORDER BY indexname; \
     SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint \
     WHERE conrelid::regclass::text NOT LIKE 'gatewit\\_%' ORDER BY conname, oid";

fn postgres(server: &Postgres) -> anyhow::Result<Picture> {
    let declared = server.query(NAME, DECLARED)?;
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'directus\\_%'";
    let mut rows = BTreeMap::new();
    for table in server.query(NAME, tables)?.lines() {
        let statement = format!("SELECT row_to_json(t) FROM {table} t ORDER BY row_to_json(t)::text");
        rows.insert(table.to_owned(), server.query(NAME, &statement)?);
    }
    Ok(Picture { declared, rows })
}

impl Picture {
    /// Fails unless nothing at all is different.
    pub(super) fn expect_same(&self, before: &Self) -> anyhow::Result<()> {
        self.expect_same_tables(before)?;
        // A picture of nothing would always be the same.
        ensure!(self.rows.len() > 20 && self.rows["directus_users"].contains("plain@example.com"), "not a Directus");
        for (table, rows) in &before.rows {
            let now = self.rows.get(table);
            ensure!(now == Some(rows), "rows of {table}\nbefore:\n{rows}\nnow:\n{}", now.map_or("", String::as_str));
        }
        Ok(())
    }

    /// Fails unless the same is declared.
    pub(super) fn expect_same_tables(&self, before: &Self) -> anyhow::Result<()> {
        ensure!(self.declared.contains("directus_sessions"), "not a Directus: {}", self.declared);
        ensure!(self.declared == before.declared, "before:\n{}\nnow:\n{}", before.declared, self.declared);
        Ok(())
    }
}
