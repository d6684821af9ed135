//! Sessions, and who at which provider they go back to. A change is one transaction, whatever it touches.

use super::{
    Change, Connection, Draft, Failure, Statement, stamp,
    trail::{self, Entry},
    users,
};
use crate::capability::storage::{Client, NewSession, Rotated, Rotation, Session, SessionSource, tokens::Form};
use async_trait::async_trait;

pub(crate) async fn find(
    connection: &mut dyn Connection,
    form: Form,
    key: &str,
    now_ms: u64,
) -> Result<Option<Session>, Failure> {
    const FIND: &str = concat!(
        "SELECT s.share, s.expires, s.next_token, f.provider, f.identifier, f.session, s.\"user\", ",
        users::columns!(),
        " FROM directus_sessions s LEFT JOIN directus_users u ON u.id = s.\"user\" \
         LEFT JOIN gatewit_session_sources f ON f.family = $3 \
         WHERE s.token = $1 AND s.expires > $2"
    );
    let statement = Statement::new(FIND).bind(key).bind(stamp(now_ms)).bind(form.family_of_key(key));
    let Some(mut row) = connection.row(&statement).await? else { return Ok(None) };
    let (share, expires_at_ms, next) = (row.optional_text()?, row.time()?, row.optional_text()?);
    let (provider, identifier, session) = (row.optional_text()?, row.optional_text()?, row.optional_text()?);
    let source = provider.zip(identifier);
    let source = source.map(|(provider, identifier)| SessionSource { provider, identifier, session });
    let user = match row.optional_text()? {
        Some(_) => Some(users::from_row(&mut row)?),
        None => None,
    };
    let superseded = next.is_some();
    let successor = next.and_then(|key| form.token(key));
    Ok(Some(Session { user, share, source, expires_at_ms, superseded, successor }))
}

/// What was given for the end of a family.
pub(crate) async fn parting_data(connection: &mut dyn Connection, family: &str) -> Result<Option<String>, Failure> {
    let statement = Statement::new("SELECT parting_data FROM gatewit_session_sources WHERE family = $1");
    let row = connection.row(&statement.bind(family)).await?;
    Ok(row.map(|mut row| row.optional_text()).transpose()?.flatten())
}

/// Whose a session is: an account's or a share's.
struct Owner<'a> {
    user: Option<&'a str>,
    share: Option<&'a str>,
}

/// A new row; expired rows of everybody go.
pub(crate) struct Begin {
    pub(crate) key: String,
    pub(crate) family: String,
    pub(crate) session: NewSession,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for Begin {
    type Output = ();

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let NewSession { user, share, expires_at_ms, client, .. } = &self.session;
        let expired = Statement::new("DELETE FROM directus_sessions WHERE expires < $1");
        connection.run(&expired.bind(stamp(self.now_ms))).await?;
        let owner = Owner { user: user.as_deref(), share: share.as_deref() };
        insert(connection, &self.key, &owner, *expires_at_ms, client).await?;
        let Some(user) = user else { return Ok(()) };
        if let Some(source) = &self.session.source {
            self.remember(connection, user, source).await?;
        }
        record(connection, "login", user, client, self.now_ms).await?;
        touch(connection, user, self.now_ms).await
    }
}

impl Begin {
    /// Writes the source down; those of the account's sessions that are gone go.
    async fn remember(
        &self,
        connection: &mut dyn Connection,
        user: &str,
        source: &SessionSource,
    ) -> Result<(), Failure> {
        // Looked up once, and not for each of the account's sources.
        let gone = Statement::new(
            "DELETE FROM gatewit_session_sources WHERE \"user\" = $1 AND family NOT IN \
             (SELECT substr(s.token, 1, $2) FROM directus_sessions s WHERE s.\"user\" = $1)",
        );
        let letters = i64::try_from(self.family.len()).unwrap_or(i64::MAX);
        connection.run(&gone.bind(user).bind(letters)).await?;
        let statement = Statement::new(
            "INSERT INTO gatewit_session_sources (family, \"user\", provider, identifier, session, parting_data) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&self.family)
        .bind(user)
        .bind(&source.provider)
        .bind(&source.identifier)
        .bind(source.session.as_ref())
        .bind(self.session.parting_data.as_ref());
        connection.run(&statement).await?;
        Ok(())
    }
}

/// The old row gets a successor, once; expired rows of the owner go.
pub(crate) struct Rotate {
    pub(crate) form: Form,
    pub(crate) rotation: Rotation,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for Rotate {
    type Output = Rotated;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<Rotated, Failure> {
        let Self { form, rotation, now_ms } = self;
        let (old, new) = (form.key(&rotation.token), form.key(&rotation.successor));
        let exchange = Statement::new(
            "UPDATE directus_sessions SET next_token = $1, expires = $2 \
             WHERE token = $3 AND expires > $4 AND next_token IS NULL AND (\"user\" IS NOT NULL OR share IS NOT NULL) \
             RETURNING \"user\", share",
        );
        let exchange = exchange.bind(&new).bind(stamp(rotation.grace_until_ms)).bind(&old).bind(stamp(*now_ms));
        let Some(mut row) = connection.row(&exchange).await? else { return self.was_first(connection, &old).await };
        let (user, share) = (row.optional_text()?, row.optional_text()?);
        let owner = Owner { user: user.as_deref(), share: share.as_deref() };
        insert(connection, &new, &owner, rotation.expires_at_ms, &rotation.client).await?;
        if let Some(user) = owner.user {
            let expired = Statement::new("DELETE FROM directus_sessions WHERE \"user\" = $1 AND expires < $2");
            connection.run(&expired.bind(user).bind(stamp(*now_ms))).await?;
            touch(connection, user, *now_ms).await?;
        } else if let Some(share) = owner.share {
            let expired = Statement::new("DELETE FROM directus_sessions WHERE share = $1 AND expires < $2");
            connection.run(&expired.bind(share).bind(stamp(*now_ms))).await?;
        }
        Ok(Rotated::Done)
    }
}

impl Rotate {
    /// Whether another exchange was first. Nobody can get in between: the row was locked, or the database.
    async fn was_first(&self, connection: &mut dyn Connection, old: &str) -> Result<Rotated, Failure> {
        let statement = Statement::new("SELECT next_token FROM directus_sessions WHERE token = $1 AND expires > $2");
        let row = connection.row(&statement.bind(old).bind(stamp(self.now_ms))).await?;
        Ok(match row.map(|mut row| row.optional_text()).transpose()? {
            Some(Some(next)) => Rotated::Superseded(self.form.token(next)),
            _ => Rotated::Gone,
        })
    }
}

/// Removes a token's family; with a client, as a sign-out that goes on record. How many rows were alive.
pub(crate) struct End {
    /// The keys of the family: from the first, up to the second.
    pub(crate) family: (String, String),
    pub(crate) signed_out: Option<Client>,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for End {
    type Output = u32;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<u32, Failure> {
        let (owner, alive) = end(connection, &self.family, self.now_ms).await?;
        if let (Some(user), Some(client)) = (owner, &self.signed_out) {
            record(connection, "logout", &user, client, self.now_ms).await?;
        }
        Ok(alive)
    }
}

/// Removes the sessions that go back to somebody at a provider, or to a session there. How many rows were alive.
pub(crate) struct EndBySource {
    pub(crate) provider: String,
    pub(crate) identifier: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for EndBySource {
    type Output = u32;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<u32, Failure> {
        let mut statement = Draft::default();
        statement.push("SELECT family FROM gatewit_session_sources WHERE provider = ").argument(&self.provider);
        if let Some(identifier) = &self.identifier {
            statement.push(" AND lower(identifier) = lower(").argument(identifier).push(")");
        }
        if let Some(session) = &self.session {
            statement.push(" AND session = ").argument(session);
        }
        let mut alive = 0_u32;
        for mut row in connection.rows(&statement.finish()).await? {
            let (_, ended) = end(connection, &Form::range(row.text()?), self.now_ms).await?;
            alive = alive.saturating_add(ended);
        }
        Ok(alive)
    }
}

/// Removes the rows of a family, and where it goes back to. Its owner, and how many rows were alive.
async fn end(
    connection: &mut dyn Connection,
    (first, end): &(String, String),
    now_ms: u64,
) -> Result<(Option<String>, u32), Failure> {
    let bytewise = connection.dialect().bytewise();
    let statement = Statement::made(format!(
        "DELETE FROM directus_sessions WHERE token{bytewise} >= $1 AND token{bytewise} < $2 \
         RETURNING \"user\", expires"
    ));
    let (mut owner, mut alive) = (None, 0_u32);
    for mut row in connection.rows(&statement.bind(first).bind(end)).await? {
        owner = owner.or(row.optional_text()?);
        alive = alive.saturating_add(u32::from(row.time()? > now_ms));
    }
    let statement = Statement::new("DELETE FROM gatewit_session_sources WHERE family = $1");
    connection.run(&statement.bind(first)).await?;
    Ok((owner, alive))
}

async fn insert(
    connection: &mut dyn Connection,
    key: &str,
    owner: &Owner<'_>,
    expires_at_ms: u64,
    client: &Client,
) -> Result<(), Failure> {
    let statement = Statement::new(
        "INSERT INTO directus_sessions (token, \"user\", share, expires, ip, user_agent, origin) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(key)
    .bind(owner.user)
    .bind(owner.share)
    .bind(stamp(expires_at_ms))
    .bind(client.address.as_deref())
    .bind(client.user_agent.as_deref())
    .bind(client.origin.as_deref());
    connection.run(&statement).await?;
    Ok(())
}

async fn record(
    connection: &mut dyn Connection,
    action: &str,
    user: &str,
    client: &Client,
    now_ms: u64,
) -> Result<(), Failure> {
    let entry = Entry { action, user: Some(user), client, collection: "directus_users", item: user, now_ms };
    trail::record(connection, &entry).await?;
    Ok(())
}

async fn touch(connection: &mut dyn Connection, user: &str, now_ms: u64) -> Result<(), Failure> {
    let statement = Statement::new("UPDATE directus_users SET last_access = $1 WHERE id = $2");
    connection.run(&statement.bind(stamp(now_ms)).bind(user)).await?;
    Ok(())
}
