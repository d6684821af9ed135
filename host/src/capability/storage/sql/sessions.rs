//! Sessions, and who at which provider they go back to. A change is one transaction, whatever it touches.

use super::{Change, Connection, Dialect, Draft, Failure, Statement, stamp, trail::Entry, users};
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

/// A new row.
pub(crate) struct Begin {
    pub(crate) key: String,
    pub(crate) family: String,
    pub(crate) session: NewSession,
    /// Whether expired rows go.
    pub(crate) sweeps: bool,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for Begin {
    type Output = ();

    fn shares(&self) -> bool {
        true
    }

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        if self.sweeps {
            sweep(connection, self.now_ms).await?;
        }
        let mut others = Vec::new();
        if let Some(user) = &self.session.user {
            others.extend(self.session.source.iter().flat_map(|source| self.remember(user, source)));
            others.push(own_action("login", user, &self.session.client, self.now_ms));
            others.push(touch(connection.dialect(), user, self.now_ms));
        }
        connection.chain(self.insert(), others).await.map(drop)
    }
}

impl Begin {
    fn insert(&self) -> Statement {
        let NewSession { user, share, expires_at_ms, client, .. } = &self.session;
        Statement::new(
            "INSERT INTO directus_sessions (token, \"user\", share, expires, ip, user_agent, origin) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&self.key)
        .bind(user.as_deref())
        .bind(share.as_deref())
        .bind(stamp(*expires_at_ms))
        .bind(client.address.as_deref())
        .bind(client.user_agent.as_deref())
        .bind(client.origin.as_deref())
    }

    /// Writes the source down; those of the account's sessions that are gone go.
    fn remember(&self, user: &str, source: &SessionSource) -> [Statement; 2] {
        // Looked up once, and not for each of the account's sources.
        let gone = Statement::new(
            "DELETE FROM gatewit_session_sources WHERE \"user\" = $1 AND family NOT IN \
             (SELECT substr(s.token, 1, $2) FROM directus_sessions s WHERE s.\"user\" = $1)",
        );
        let letters = i64::try_from(self.family.len()).unwrap_or(i64::MAX);
        let written = Statement::new(
            "INSERT INTO gatewit_session_sources (family, \"user\", provider, identifier, session, parting_data) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&self.family)
        .bind(user)
        .bind(&source.provider)
        .bind(&source.identifier)
        .bind(source.session.as_ref())
        .bind(self.session.parting_data.as_ref());
        [gone.bind(user).bind(letters), written]
    }
}

/// The old row gets a successor, once.
pub(crate) struct Rotate {
    pub(crate) form: Form,
    pub(crate) rotation: Rotation,
    /// Whether expired rows go.
    pub(crate) sweeps: bool,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for Rotate {
    type Output = Rotated;

    fn shares(&self) -> bool {
        true
    }

    async fn apply(&self, connection: &mut dyn Connection) -> Result<Rotated, Failure> {
        let Self { form, rotation, sweeps, now_ms } = self;
        let (old, new) = (form.key(&rotation.token), form.key(&rotation.successor));
        // Whether the exchange is done decides what the others find.
        let touch = touch_owner(connection.dialect(), &new, *now_ms);
        let rows = connection.chain(self.exchange(&old, &new), vec![self.succeed(&old, &new), touch]).await?;
        if rows.is_empty() {
            return self.was_first(connection, &old).await;
        }
        if *sweeps {
            sweep(connection, *now_ms).await?;
        }
        Ok(Rotated::Done)
    }
}

impl Rotate {
    fn exchange(&self, old: &str, new: &str) -> Statement {
        Statement::new(
            "UPDATE directus_sessions SET next_token = $1, expires = $2 \
             WHERE token = $3 AND expires > $4 AND next_token IS NULL AND (\"user\" IS NOT NULL OR share IS NOT NULL) \
             RETURNING token",
        )
        .bind(new)
        .bind(stamp(self.rotation.grace_until_ms))
        .bind(old)
        .bind(stamp(self.now_ms))
    }

    /// The new row, with the owner of the old one. Of several exchanges at the same moment all know the same successor, so
    /// only the first may write it.
    fn succeed(&self, old: &str, new: &str) -> Statement {
        let Client { address, user_agent, origin } = &self.rotation.client;
        Statement::new(
            "INSERT INTO directus_sessions (token, \"user\", share, expires, ip, user_agent, origin) \
             SELECT s.next_token, s.\"user\", s.share, CAST($1 AS TIMESTAMPTZ), CAST($2 AS VARCHAR), \
             CAST($3 AS VARCHAR), CAST($4 AS VARCHAR) FROM directus_sessions s \
             WHERE s.token = $5 AND s.next_token = $6 AND s.expires = $7 \
             AND NOT EXISTS (SELECT 1 FROM directus_sessions n WHERE n.token = $6)",
        )
        .bind(stamp(self.rotation.expires_at_ms))
        .bind(address.as_deref())
        .bind(user_agent.as_deref())
        .bind(origin.as_deref())
        .bind(old)
        .bind(new)
        .bind(stamp(self.rotation.grace_until_ms))
    }

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
            connection.run(&own_action("logout", &user, client, self.now_ms)).await?;
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
pub(super) async fn end(
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

/// Removes expired rows of everybody. A Directus's table has no index for that: all of it is looked at.
async fn sweep(connection: &mut dyn Connection, now_ms: u64) -> Result<(), Failure> {
    let expired = Statement::new("DELETE FROM directus_sessions WHERE expires < $1");
    connection.run(&expired.bind(stamp(now_ms))).await?;
    Ok(())
}

/// Puts on record what somebody did with their own account.
pub(super) fn own_action(action: &str, user: &str, client: &Client, now_ms: u64) -> Statement {
    Entry { action, user: Some(user), client, collection: "directus_users", item: user, now_ms }.statement()
}

/// Puts on record that somebody was signed out, by themselves or by somebody else.
pub(super) fn ended(author: &str, user: &str, client: &Client, now_ms: u64) -> Statement {
    Entry { action: "logout", user: Some(author), client, collection: "directus_users", item: user, now_ms }.statement()
}

/// The account was here.
fn touch(dialect: Dialect, user: &str, now_ms: u64) -> Statement {
    let text = match dialect {
        Dialect::Sqlite => "UPDATE directus_users SET last_access = $1 WHERE id = $2",
        Dialect::Postgres => {
            "UPDATE directus_users SET last_access = $1 WHERE id = \
             (SELECT u.id FROM directus_users u WHERE u.id = $2 FOR NO KEY UPDATE SKIP LOCKED)"
        }
    };
    Statement::new(text).bind(stamp(now_ms)).bind(user)
}

/// The account of a session was here.
///
/// Whoever writes an account's row at the same time most likely says the same, or has more to say: on PostgreSQL nobody waits
/// for them, and no two transactions wait for each other.
fn touch_owner(dialect: Dialect, key: &str, now_ms: u64) -> Statement {
    let text = match dialect {
        Dialect::Sqlite => {
            "UPDATE directus_users SET last_access = $1 \
             WHERE id = (SELECT s.\"user\" FROM directus_sessions s WHERE s.token = $2)"
        }
        Dialect::Postgres => {
            "UPDATE directus_users SET last_access = $1 WHERE id = (SELECT u.id FROM directus_users u WHERE u.id = \
             (SELECT s.\"user\" FROM directus_sessions s WHERE s.token = $2) FOR NO KEY UPDATE SKIP LOCKED)"
        }
    };
    Statement::new(text).bind(stamp(now_ms)).bind(key)
}
