//! People at providers, and the accounts that they sign in to. The identity that an account was made for lies in
//! Directus's columns of the account; further ones in a table of our own.

use super::{Change, Connection, Failure, Statement, sessions, stamp, users};
use crate::capability::storage::{Client, Identity, NewIdentity, User};
use async_trait::async_trait;
use uuid::Uuid;

/// The account of a person at a provider. The one that was made for it comes first.
pub(crate) async fn find(
    connection: &mut dyn Connection,
    provider: &str,
    identifier: &str,
) -> Result<Option<User>, Failure> {
    const PRIMARY: &str = concat!(
        "SELECT ",
        users::columns!(),
        " FROM directus_users u WHERE lower(u.external_identifier) = lower($1) AND u.provider = $2"
    );
    const LINKED: &str = concat!(
        "SELECT ",
        users::columns!(),
        " FROM gatewit_identities i JOIN directus_users u ON u.id = i.\"user\" \
         WHERE lower(i.identifier) = lower($1) AND i.provider = $2"
    );
    for text in [PRIMARY, LINKED] {
        if let Some(mut row) = connection.row(&Statement::new(text).bind(identifier).bind(provider)).await? {
            return users::from_row(&mut row).map(Some);
        }
    }
    Ok(None)
}

/// The identities of an account, the primary one first, the others in the order in which they were linked.
pub(crate) async fn list(connection: &mut dyn Connection, user: &str) -> Result<Vec<Identity>, Failure> {
    let primary = Statement::new(
        "SELECT id, provider, external_identifier, email FROM directus_users \
         WHERE id = $1 AND external_identifier IS NOT NULL",
    );
    let linked = Statement::new(
        "SELECT id, provider, identifier, email, linked FROM gatewit_identities WHERE \"user\" = $1 ORDER BY linked, id",
    );
    let mut identities = Vec::new();
    for (is_primary, statement) in [(true, primary), (false, linked)] {
        for mut row in connection.rows(&statement.bind(user)).await? {
            identities.push(Identity {
                id: row.text()?,
                provider: row.text()?,
                identifier: row.text()?,
                email: row.optional_text()?,
                primary: is_primary,
                linked_at_ms: if is_primary { None } else { Some(row.time()?) },
            });
        }
    }
    Ok(identities)
}

/// What the driver of a provider wants to see again.
pub(crate) async fn auth_data(
    connection: &mut dyn Connection,
    provider: &str,
    identifier: &str,
) -> Result<Option<String>, Failure> {
    for text in [
        "SELECT auth_data FROM directus_users WHERE lower(external_identifier) = lower($1) AND provider = $2",
        "SELECT auth_data FROM gatewit_identities WHERE lower(identifier) = lower($1) AND provider = $2",
    ] {
        if let Some(mut row) = connection.row(&Statement::new(text).bind(identifier).bind(provider)).await? {
            return row.optional_text();
        }
    }
    Ok(None)
}

/// Keeps what the driver of a provider wants to see again.
pub(crate) struct SetAuthData {
    pub(crate) provider: String,
    pub(crate) identifier: String,
    pub(crate) auth_data: Option<String>,
}

#[async_trait]
impl Change for SetAuthData {
    type Output = ();

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        for text in [
            "UPDATE directus_users SET auth_data = $1 WHERE lower(external_identifier) = lower($2) AND provider = $3",
            "UPDATE gatewit_identities SET auth_data = $1 WHERE lower(identifier) = lower($2) AND provider = $3",
        ] {
            let statement = Statement::new(text).bind(self.auth_data.as_ref());
            if connection.run(&statement.bind(&self.identifier).bind(&self.provider)).await? > 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Lets a person sign in to an account. False if they sign in to one already.
pub(crate) struct Link {
    pub(crate) identity: NewIdentity,
    pub(crate) client: Client,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for Link {
    type Output = bool;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<bool, Failure> {
        let NewIdentity { user, provider, identifier, email } = &self.identity;
        if find(connection, provider, identifier).await?.is_some() {
            return Ok(false);
        }
        let statement = Statement::new(
            "INSERT INTO gatewit_identities (id, \"user\", provider, identifier, email, linked) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(Uuid::new_v4().to_string())
        .bind(user)
        .bind(provider)
        .bind(identifier)
        .bind(email.as_ref())
        .bind(stamp(self.now_ms));
        if connection.run(&statement).await? == 0 {
            return Ok(false);
        }
        connection.run(&sessions::own_action("link", user, &self.client, self.now_ms)).await?;
        Ok(true)
    }
}

/// Takes a person from an account, with the sessions that go back to them. Whether there was one.
pub(crate) struct Unlink {
    pub(crate) user: String,
    pub(crate) id: String,
    pub(crate) client: Client,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for Unlink {
    type Output = bool;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<bool, Failure> {
        let statement = Statement::new(
            "DELETE FROM gatewit_identities WHERE id = $1 AND \"user\" = $2 RETURNING provider, identifier",
        );
        let Some(mut row) = connection.row(&statement.bind(&self.id).bind(&self.user)).await? else { return Ok(false) };
        let (provider, identifier) = (row.text()?, Some(row.text()?));
        let sources = sessions::EndBySource { provider, identifier, session: None, now_ms: self.now_ms };
        sources.apply(connection).await?;
        connection.run(&sessions::own_action("unlink", &self.user, &self.client, self.now_ms)).await?;
        Ok(true)
    }
}
