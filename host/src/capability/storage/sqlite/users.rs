//! Accounts.

use super::{User, UserKey, writer::Change};
use crate::capability::storage::Status;
use async_trait::async_trait;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

/// The columns of a [`User`], for queries that join them.
pub(super) const COLUMNS: &str = "u.id, u.status, u.role, u.provider, u.tfa_secret";

const BY_EMAIL: &str =
    "SELECT u.id, u.status, u.role, u.provider, u.tfa_secret FROM directus_users u WHERE lower(u.email) = ?";
const BY_IDENTIFIER: &str = "SELECT u.id, u.status, u.role, u.provider, u.tfa_secret FROM directus_users u \
     WHERE lower(u.external_identifier) = ? AND u.provider = ?";
const BY_STATIC_TOKEN: &str =
    "SELECT u.id, u.status, u.role, u.provider, u.tfa_secret FROM directus_users u WHERE u.token = ?";

pub(super) async fn find(readers: &SqlitePool, key: UserKey<'_>) -> Result<Option<User>, sqlx::Error> {
    let query = match key {
        UserKey::Email(email) => sqlx::query(BY_EMAIL).bind(email.to_lowercase()),
        UserKey::Identifier { provider, identifier } => {
            sqlx::query(BY_IDENTIFIER).bind(identifier.to_lowercase()).bind(provider)
        }
        UserKey::StaticToken(token) => sqlx::query(BY_STATIC_TOKEN).bind(token),
    };
    query.fetch_optional(readers).await?.map(|row| from_row(&row)).transpose()
}

/// A user from a row that holds [`COLUMNS`].
pub(super) fn from_row(row: &SqliteRow) -> Result<User, sqlx::Error> {
    Ok(User {
        id: row.try_get("id")?,
        status: status(row.try_get("status")?),
        role: row.try_get("role")?,
        provider: row.try_get("provider")?,
        tfa_secret: row.try_get("tfa_secret")?,
    })
}

fn status(text: &str) -> Status {
    match text {
        "draft" => Status::Draft,
        "invited" => Status::Invited,
        "unverified" => Status::Unverified,
        "active" => Status::Active,
        "suspended" => Status::Suspended,
        "archived" => Status::Archived,
        _ => Status::Other,
    }
}

pub(super) async fn password(
    readers: &SqlitePool,
    email: &str,
    provider: &str,
) -> Result<Option<(String, Option<String>)>, sqlx::Error> {
    sqlx::query_as("SELECT id, password FROM directus_users WHERE lower(email) = ? AND provider = ?")
        .bind(email.to_lowercase())
        .bind(provider)
        .fetch_optional(readers)
        .await
}

/// Replaces a hash, if it is still the old one.
pub(super) struct RenewPassword {
    pub(super) user: String,
    pub(super) old: String,
    pub(super) new: String,
}

#[async_trait]
impl Change for RenewPassword {
    type Output = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE directus_users SET password = ? WHERE id = ? AND password = ?")
            .bind(&self.new)
            .bind(&self.user)
            .bind(&self.old)
            .execute(connection)
            .await?;
        Ok(())
    }
}

pub(super) async fn any(readers: &SqlitePool) -> Result<bool, sqlx::Error> {
    Ok(sqlx::query("SELECT 1 FROM directus_users LIMIT 1").fetch_optional(readers).await?.is_some())
}

/// The rows that Directus's own first start makes: a public policy, a role and a policy of administrators, the account.
pub(super) struct CreateFirstAdmin {
    pub(super) email: String,
    pub(super) password_hash: String,
    pub(super) static_token: Option<String>,
}

#[async_trait]
impl Change for CreateFirstAdmin {
    type Output = bool;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        if sqlx::query("SELECT 1 FROM directus_users LIMIT 1").fetch_optional(&mut *connection).await?.is_some() {
            return Ok(false);
        }
        insert_public_policy(connection).await?;
        let role = insert_administrators(connection).await?;
        sqlx::query(
            "INSERT INTO directus_users (id, first_name, last_name, email, password, role, token, status) \
             VALUES (?, 'Admin', 'User', ?, ?, ?, ?, 'active')",
        )
        .bind(new_id())
        .bind(&self.email)
        .bind(&self.password_hash)
        .bind(role)
        .bind(&self.static_token)
        .execute(connection)
        .await?;
        Ok(true)
    }
}

async fn insert_public_policy(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let policy = new_id();
    sqlx::query("INSERT INTO directus_policies (id, name, icon) VALUES (?, '$t:public_label', 'public')")
        .bind(&policy)
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO directus_access (id, policy, sort) VALUES (?, ?, 1)")
        .bind(new_id())
        .bind(&policy)
        .execute(connection)
        .await?;
    Ok(())
}

/// A role with a policy that allows everything; the role's id.
async fn insert_administrators(connection: &mut SqliteConnection) -> Result<String, sqlx::Error> {
    let (role, policy) = (new_id(), new_id());
    sqlx::query("INSERT INTO directus_roles (id, name, icon) VALUES (?, 'Administrator', 'verified')")
        .bind(&role)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO directus_policies (id, name, icon, admin_access, app_access) \
         VALUES (?, 'Administrator', 'verified', 1, 1)",
    )
    .bind(&policy)
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO directus_access (id, role, policy) VALUES (?, ?, ?)")
        .bind(new_id())
        .bind(&role)
        .bind(&policy)
        .execute(connection)
        .await?;
    Ok(role)
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}
