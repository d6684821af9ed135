//! Accounts.

use super::{Change, Connection, Failure, Row, Statement};
use crate::capability::storage::{Status, User, UserKey};
use async_trait::async_trait;

/// The columns of a [`User`], which [`from_row`] reads, of a table `u`.
macro_rules! columns {
    () => {
        "u.id, u.status, u.role, u.provider, u.tfa_secret"
    };
}
pub(super) use columns;

pub(crate) async fn find(connection: &mut dyn Connection, key: UserKey<'_>) -> Result<Option<User>, Failure> {
    const BY_ID: &str = concat!("SELECT ", columns!(), " FROM directus_users u WHERE u.id = $1");
    const BY_EMAIL: &str = concat!("SELECT ", columns!(), " FROM directus_users u WHERE lower(u.email) = lower($1)");
    const BY_STATIC_TOKEN: &str = concat!("SELECT ", columns!(), " FROM directus_users u WHERE u.token = $1");
    let statement = match key {
        UserKey::Id(id) => Statement::new(BY_ID).bind(id),
        UserKey::Email(email) => Statement::new(BY_EMAIL).bind(email),
        UserKey::StaticToken(token) => Statement::new(BY_STATIC_TOKEN).bind(token),
    };
    connection.row(&statement).await?.map(|mut row| from_row(&mut row)).transpose()
}

/// A user from the next cells of a row.
pub(super) fn from_row(row: &mut Row) -> Result<User, Failure> {
    Ok(User {
        id: row.text()?,
        status: status(&row.text()?),
        role: row.optional_text()?,
        provider: row.text()?,
        tfa_secret: row.optional_text()?,
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

/// Id and password hash of an account of a provider, by e-mail address.
pub(crate) async fn password(
    connection: &mut dyn Connection,
    email: &str,
    provider: &str,
) -> Result<Option<(String, Option<String>)>, Failure> {
    let statement =
        Statement::new("SELECT id, password FROM directus_users WHERE lower(email) = lower($1) AND provider = $2");
    let row = connection.row(&statement.bind(email).bind(provider)).await?;
    row.map(|mut row| Ok((row.text()?, row.optional_text()?))).transpose()
}

/// The password hash of an account, if there is the account.
pub(crate) async fn password_hash(
    connection: &mut dyn Connection,
    user: &str,
) -> Result<Option<Option<String>>, Failure> {
    let statement = Statement::new("SELECT password FROM directus_users WHERE id = $1");
    connection.row(&statement.bind(user)).await?.map(|mut row| row.optional_text()).transpose()
}

/// The password hash of a share, if there is the share.
pub(crate) async fn share_password(
    connection: &mut dyn Connection,
    share: &str,
) -> Result<Option<Option<String>>, Failure> {
    let statement = Statement::new("SELECT password FROM directus_shares WHERE id = $1");
    connection.row(&statement.bind(share)).await?.map(|mut row| row.optional_text()).transpose()
}

/// Replaces a hash, if it is still the old one.
pub(crate) struct RenewPassword {
    pub(crate) user: String,
    pub(crate) old: String,
    pub(crate) new: String,
}

#[async_trait]
impl Change for RenewPassword {
    type Output = ();

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let statement = Statement::new("UPDATE directus_users SET password = $1 WHERE id = $2 AND password = $3");
        connection.run(&statement.bind(&self.new).bind(&self.user).bind(&self.old)).await?;
        Ok(())
    }
}

/// Whether there is any account.
pub(crate) async fn any(connection: &mut dyn Connection) -> Result<bool, Failure> {
    Ok(connection.row(&Statement::new("SELECT 1 FROM directus_users LIMIT 1")).await?.is_some())
}
