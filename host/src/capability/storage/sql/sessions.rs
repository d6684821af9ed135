//! Sessions, and who at which provider they go back to. A change is one transaction, whatever it touches.

use super::{Change, Connection, Dialect, Draft, Failure, Row, Statement, stamp, trail::Entry, users};
use crate::capability::storage::{Client, NewSession, Session, SessionSource, tokens::Form};
use async_trait::async_trait;
use serde::Serialize;
use std::{borrow::Cow, collections::HashMap};

/// What [`session`] reads.
macro_rules! columns {
    () => {
        concat!(
            "s.share, s.expires, s.next_token, f.provider, f.identifier, f.session, s.\"user\", ",
            users::columns!()
        )
    };
}

pub(crate) async fn find(
    connection: &mut dyn Connection,
    form: Form,
    key: &str,
    now_ms: u64,
) -> Result<Option<Session>, Failure> {
    const FIND: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM directus_sessions s LEFT JOIN directus_users u ON u.id = s.\"user\" \
         LEFT JOIN gatewit_session_sources f ON f.family = $3 WHERE s.token = $1 AND s.expires > $2"
    );
    let statement = Statement::new(FIND).bind(key).bind(stamp(now_ms)).bind(form.family_of_key(key));
    connection.row(&statement).await?.map(|mut row| session(&mut row, form)).transpose()
}

/// Asks for the sessions with any of these keys. For PostgreSQL, which takes as long for a statement as for many rows.
///
/// `OFFSET 0` keeps the planner from making other questions of it: while a table is small it would sooner read all of it than look rows
/// up, and its plan is kept.
pub(crate) fn wanted(form: Form, keys: &[&str], now_ms: u64) -> Result<Statement, Failure> {
    const FIND: &str = concat!(
        "SELECT k.token, found.* FROM json_array_elements_text(CAST($1 AS TEXT)::json) k (token) CROSS JOIN LATERAL (SELECT ",
        columns!(),
        " FROM (SELECT * FROM directus_sessions WHERE token = k.token OFFSET 0) s \
         LEFT JOIN LATERAL (SELECT * FROM directus_users WHERE id = s.\"user\" OFFSET 0) u ON TRUE \
         LEFT JOIN LATERAL (SELECT * FROM gatewit_session_sources WHERE family = substr(k.token, 1, $3) OFFSET 0) f ON TRUE \
         WHERE s.expires > $2) found"
    );
    let letters = i64::try_from(form.family_letters()).unwrap_or(i64::MAX);
    let keys: Vec<_> = keys.iter().map(|key| without_nul(key)).collect();
    Ok(Statement::new(FIND).bind(json(&keys)?).bind(stamp(now_ms)).bind(letters))
}

/// The sessions that were asked for, by their keys.
pub(crate) fn found(rows: Vec<Row>, form: Form) -> Result<HashMap<String, Session>, Failure> {
    rows.into_iter().map(|mut row| Ok((row.text()?, session(&mut row, form)?))).collect()
}

/// A session from the next cells of a row.
fn session(row: &mut Row, form: Form) -> Result<Session, Failure> {
    let (share, expires_at_ms, next) = (row.optional_text()?, row.time()?, row.optional_text()?);
    let (provider, identifier, session) = (row.optional_text()?, row.optional_text()?, row.optional_text()?);
    let source = provider.zip(identifier);
    let source = source.map(|(provider, identifier)| SessionSource { provider, identifier, session });
    let user = match row.optional_text()? {
        Some(_) => Some(users::from_row(row)?),
        None => None,
    };
    let superseded = next.is_some();
    let successor = next.and_then(|key| form.token(key));
    Ok(Session { user, share, source, expires_at_ms, superseded, successor })
}

/// Values as one text of JSON.
pub(super) fn json(values: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(values).map_err(|error| Failure::Failed(error.into()))
}

/// A text without the one letter that PostgreSQL has no place for, not even in JSON.
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
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
            others.extend(self.session.source.as_ref().map(|source| self.remember(user, source)));
            others.extend(self.tidies().then(|| self.forget(user)));
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

    /// Writes the source down.
    fn remember(&self, user: &str, source: &SessionSource) -> Statement {
        let written = Statement::new(
            "INSERT INTO gatewit_session_sources (family, \"user\", provider, identifier, session, parting_data) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        );
        written
            .bind(&self.family)
            .bind(user)
            .bind(&source.provider)
            .bind(&source.identifier)
            .bind(source.session.as_ref())
            .bind(self.session.parting_data.as_ref())
    }

    /// Whether sources of sessions that are gone go. It takes a look at all sessions of the account, so one in sixteen does it: families
    /// are random.
    fn tidies(&self) -> bool {
        self.session.source.is_some() && self.family.starts_with(['A', 'B', 'C', 'D'])
    }

    /// Forgets the sources of the account's sessions that are gone. They are looked up once, and not for each source.
    fn forget(&self, user: &str) -> Statement {
        let gone = Statement::new(
            "DELETE FROM gatewit_session_sources WHERE \"user\" = $1 AND family NOT IN \
             (SELECT substr(s.token, 1, $2) FROM directus_sessions s WHERE s.\"user\" = $1)",
        );
        let letters = i64::try_from(self.family.len()).unwrap_or(i64::MAX);
        gone.bind(user).bind(letters)
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
pub(super) async fn sweep(connection: &mut dyn Connection, now_ms: u64) -> Result<(), Failure> {
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

/// From when on the last visit of an account need not be written down anew.
pub(super) fn just_before(now_ms: u64) -> i64 {
    stamp(now_ms.saturating_sub(1000))
}

/// The account was here.
///
/// That is written down once a second, as an account may have many sessions. Whoever writes an account's row at the same time most
/// likely says the same, or has more to say: on PostgreSQL nobody waits for them, and no two transactions wait for each other.
fn touch(dialect: Dialect, user: &str, now_ms: u64) -> Statement {
    let text = match dialect {
        Dialect::Sqlite => {
            "UPDATE directus_users SET last_access = $1 WHERE id = $2 \
             AND coalesce(last_access, 0) NOT BETWEEN $3 AND $1"
        }
        Dialect::Postgres => {
            "UPDATE directus_users SET last_access = $1 WHERE id = \
             (SELECT u.id FROM directus_users u WHERE u.id = $2 AND (u.last_access IS NULL \
             OR u.last_access NOT BETWEEN $3 AND $1) \
             FOR NO KEY UPDATE SKIP LOCKED)"
        }
    };
    Statement::new(text).bind(stamp(now_ms)).bind(user).bind(just_before(now_ms))
}
