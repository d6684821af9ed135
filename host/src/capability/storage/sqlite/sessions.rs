//! Sessions: found by readers, changed by the writer. A change is one transaction, whatever it touches.

use super::{Client, NewSession, Rotated, Rotation, Session, tokens::Form, users, writer::Change};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, SqlitePool};
use std::sync::LazyLock;

static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT s.user, s.share, s.expires, s.next_token, {} FROM directus_sessions s \
         LEFT JOIN directus_users u ON u.id = s.user WHERE s.token = ? AND s.expires > ?",
        users::COLUMNS
    )
});

/// Milliseconds as SQLite's signed integer.
fn stamp(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

pub(super) async fn find(
    readers: &SqlitePool,
    form: Form,
    key: &str,
    now_ms: u64,
) -> Result<Option<Session>, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(FIND.as_str())).bind(key).bind(stamp(now_ms));
    let Some(row) = query.fetch_optional(readers).await? else { return Ok(None) };
    let user = match row.try_get::<Option<String>, _>("user")? {
        Some(_) => Some(users::from_row(&row)?),
        None => None,
    };
    let next: Option<String> = row.try_get("next_token")?;
    Ok(Some(Session {
        user,
        share: row.try_get("share")?,
        expires_at_ms: u64::try_from(row.try_get::<i64, _>("expires")?).unwrap_or_default(),
        superseded: next.is_some(),
        successor: next.and_then(|key| form.token(key)),
    }))
}

/// A new row; expired rows of everybody go.
pub(super) struct Begin {
    pub(super) key: String,
    pub(super) session: NewSession,
    pub(super) now_ms: u64,
}

#[async_trait]
impl Change for Begin {
    type Output = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let NewSession { user, expires_at_ms, client, .. } = &self.session;
        sqlx::query("DELETE FROM directus_sessions WHERE expires < ?")
            .bind(stamp(self.now_ms))
            .execute(&mut *connection)
            .await?;
        insert(connection, &self.key, user, *expires_at_ms, client).await?;
        record(connection, "login", user, client, self.now_ms).await?;
        touch(connection, user, self.now_ms).await
    }
}

/// The old row gets a successor, once; expired rows of the owner go.
pub(super) struct Rotate {
    pub(super) form: Form,
    pub(super) rotation: Rotation,
    pub(super) now_ms: u64,
}

#[async_trait]
impl Change for Rotate {
    type Output = Rotated;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Rotated, sqlx::Error> {
        let Self { form, rotation, now_ms } = self;
        let (old, new) = (form.key(&rotation.token), form.key(&rotation.successor));
        let exchanged: Option<(Option<String>,)> = sqlx::query_as(
            "UPDATE directus_sessions SET next_token = ?, expires = ? \
             WHERE token = ? AND expires > ? AND next_token IS NULL AND user IS NOT NULL RETURNING user",
        )
        .bind(&new)
        .bind(stamp(rotation.grace_until_ms))
        .bind(&old)
        .bind(stamp(*now_ms))
        .fetch_optional(&mut *connection)
        .await?;
        let Some((Some(user),)) = exchanged else { return self.was_first(connection, &old).await };
        insert(connection, &new, &user, rotation.expires_at_ms, &rotation.client).await?;
        sqlx::query("DELETE FROM directus_sessions WHERE user = ? AND expires < ?")
            .bind(&user)
            .bind(stamp(*now_ms))
            .execute(&mut *connection)
            .await?;
        touch(connection, &user, *now_ms).await?;
        Ok(Rotated::Done)
    }
}

impl Rotate {
    /// Whether another exchange was first. Nobody can get in between: the transaction holds the lock.
    async fn was_first(&self, connection: &mut SqliteConnection, old: &str) -> Result<Rotated, sqlx::Error> {
        let row: Option<(Option<String>,)> =
            sqlx::query_as("SELECT next_token FROM directus_sessions WHERE token = ? AND expires > ?")
                .bind(old)
                .bind(stamp(self.now_ms))
                .fetch_optional(connection)
                .await?;
        Ok(match row {
            Some((Some(next),)) => Rotated::Superseded(self.form.token(next)),
            _ => Rotated::Gone,
        })
    }
}

/// Removes a token's family; with a client, as a sign-out that goes on record. How many rows were alive.
pub(super) struct End {
    /// The keys of the family: from the first, up to the second.
    pub(super) family: (String, String),
    pub(super) signed_out: Option<Client>,
    pub(super) now_ms: u64,
}

#[async_trait]
impl Change for End {
    type Output = u32;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<u32, sqlx::Error> {
        let ended: Vec<(Option<String>, i64)> =
            sqlx::query_as("DELETE FROM directus_sessions WHERE token >= ? AND token < ? RETURNING user, expires")
                .bind(&self.family.0)
                .bind(&self.family.1)
                .fetch_all(&mut *connection)
                .await?;
        let owner = ended.iter().find_map(|(user, _)| user.as_deref());
        if let (Some(user), Some(client)) = (owner, &self.signed_out) {
            record(connection, "logout", user, client, self.now_ms).await?;
        }
        let alive = ended.iter().filter(|(_, expires)| *expires > stamp(self.now_ms)).count();
        Ok(u32::try_from(alive).unwrap_or(u32::MAX))
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    key: &str,
    user: &str,
    expires_at_ms: u64,
    client: &Client,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO directus_sessions (token, user, expires, ip, user_agent, origin) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(key)
    .bind(user)
    .bind(stamp(expires_at_ms))
    .bind(client.address.as_deref())
    .bind(client.user_agent.as_deref())
    .bind(client.origin.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

async fn record(
    connection: &mut SqliteConnection,
    action: &str,
    user: &str,
    client: &Client,
    now_ms: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO directus_activity (action, user, timestamp, ip, user_agent, collection, item, origin) \
         VALUES (?, ?, ?, ?, ?, 'directus_users', ?, ?)",
    )
    .bind(action)
    .bind(user)
    .bind(stamp(now_ms))
    .bind(client.address.as_deref())
    .bind(client.user_agent.as_deref())
    .bind(user)
    .bind(client.origin.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

async fn touch(connection: &mut SqliteConnection, user: &str, now_ms: u64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE directus_users SET last_access = ? WHERE id = ?")
        .bind(stamp(now_ms))
        .bind(user)
        .execute(connection)
        .await?;
    Ok(())
}
