//! Exchanges of a session's token for its successor, one or many at once.

use super::{
    Change, Connection, Dialect, Failure, Statement,
    sessions::{json, just_before, sweep, without_nul},
    stamp,
};
use crate::capability::storage::{Client, Rotated, Rotation, tokens::Form};
use async_trait::async_trait;
use serde::Serialize;
use std::{borrow::Cow, collections::HashMap};

/// The old row gets a successor, once.
#[derive(Clone)]
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

    async fn apply(&self, connection: &mut dyn Connection) -> Result<Rotated, Failure> {
        let done = match connection.dialect() {
            Dialect::Sqlite => self.exchange(connection).await?,
            Dialect::Postgres => !exchange(connection, exchanges(&[self])?.afresh()).await?.is_empty(),
        };
        if !done {
            return self.was_first(connection).await;
        }
        if self.sweeps {
            sweep(connection, self.now_ms).await?;
        }
        Ok(Rotated::Done)
    }
}

/// What became of several exchanges, in their order.
pub(crate) struct Renewed {
    pub(crate) rotated: Vec<Rotated>,
    /// The number of the transaction, if there was anything to change.
    pub(crate) transaction: Option<u64>,
}

/// Makes several exchanges inside of a transaction, on PostgreSQL, that looks rows up wherever it can.
pub(crate) async fn rotate_all(connection: &mut dyn Connection, changes: &[&Rotate]) -> Result<Renewed, Failure> {
    let mut done = exchange(connection, exchanges(changes)?).await?;
    let transaction = done.values().next().copied();
    if let Some(sweeps) = changes.iter().find(|change| change.sweeps) {
        sweep(connection, sweeps.now_ms).await?;
    }
    let mut rotated = Vec::with_capacity(changes.len());
    for change in changes {
        // Of several that want to spend the same token one has spent it, and the others come late.
        let first = done.remove(&change.form.key(&change.rotation.token)).is_some();
        rotated.push(if first { Rotated::Done } else { change.was_first(connection).await? });
    }
    Ok(Renewed { rotated, transaction })
}

impl Rotate {
    /// Three statements, as SQLite likes it: whether the first is done decides what the others find.
    async fn exchange(&self, connection: &mut dyn Connection) -> Result<bool, Failure> {
        let Self { form, rotation, now_ms, .. } = self;
        let (old, new) = (form.key(&rotation.token), form.key(&rotation.successor));
        let touch = Statement::new(
            "UPDATE directus_users SET last_access = $1 \
             WHERE id = (SELECT s.\"user\" FROM directus_sessions s WHERE s.token = $2) \
             AND coalesce(last_access, 0) NOT BETWEEN $3 AND $1",
        );
        let touch = touch.bind(stamp(*now_ms)).bind(&new).bind(just_before(*now_ms));
        let rows = connection.chain(self.spend(&old, &new), vec![self.succeed(&old, &new), touch]).await?;
        Ok(!rows.is_empty())
    }

    fn spend(&self, old: &str, new: &str) -> Statement {
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
             SELECT s.next_token, s.\"user\", s.share, $1, $2, $3, $4 FROM directus_sessions s \
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
    async fn was_first(&self, connection: &mut dyn Connection) -> Result<Rotated, Failure> {
        let statement = Statement::new("SELECT next_token FROM directus_sessions WHERE token = $1 AND expires > $2");
        let key = self.form.key(&self.rotation.token);
        let row = connection.row(&statement.bind(key).bind(stamp(self.now_ms))).await?;
        Ok(match row.map(|mut row| row.optional_text()).transpose()? {
            Some(Some(next)) => Rotated::Superseded(self.form.token(next)),
            _ => Rotated::Gone,
        })
    }
}

/// An exchange as a record of JSON. Times are milliseconds.
#[derive(Serialize)]
struct Exchange<'a> {
    spent: Cow<'a, str>,
    successor: Cow<'a, str>,
    now: u64,
    grace: u64,
    expires: u64,
    ip: Option<Cow<'a, str>>,
    agent: Option<Cow<'a, str>>,
    origin: Option<Cow<'a, str>>,
}

impl<'a> Exchange<'a> {
    fn new(Rotate { form, rotation, now_ms, .. }: &'a Rotate) -> Self {
        let key = |token: &str| Cow::Owned(without_nul(&form.key(token)).into_owned());
        let Client { address, user_agent, origin } = &rotation.client;
        Self {
            spent: key(&rotation.token),
            successor: key(&rotation.successor),
            now: *now_ms,
            grace: rotation.grace_until_ms,
            expires: rotation.expires_at_ms,
            ip: address.as_deref().map(without_nul),
            agent: user_agent.as_deref().map(without_nul),
            origin: origin.as_deref().map(without_nul),
        }
    }
}

/// Old rows get their successors, new rows the owners of the old ones, and the accounts were here.
///
/// One statement, however many exchanges there are: PostgreSQL takes as long for a statement as for many rows. Each table is asked for a
/// list of keys, so that even a plan that is made while it is small looks them up. Rows are locked in the order of the
/// exchanges, so whoever locks several brings them in the order of their keys. Whoever writes an account's row at the same time most
/// likely says the same of it, or has more to say: nobody waits for them.
const EXCHANGE: &str = "\
    WITH asked AS ( \
        SELECT * FROM json_to_recordset(CAST($1 AS TEXT)::json) AS r ( \
            spent TEXT, successor TEXT, now BIGINT, grace BIGINT, expires BIGINT, ip TEXT, agent TEXT, origin TEXT) \
    ), spent AS ( \
        UPDATE directus_sessions s \
        SET next_token = a.successor, expires = TIMESTAMPTZ 'epoch' + a.grace * INTERVAL '1 millisecond' \
        FROM asked a \
        WHERE s.token = ANY (ARRAY(SELECT spent FROM asked)) AND s.token = a.spent AND s.expires > TIMESTAMPTZ 'epoch' + a.now * INTERVAL '1 millisecond' \
            AND s.next_token IS NULL AND (s.\"user\" IS NOT NULL OR s.share IS NOT NULL) \
        RETURNING a.spent, a.successor, a.expires AS until, a.ip, a.agent, a.origin, s.\"user\", s.share \
    ), begun AS ( \
        INSERT INTO directus_sessions (token, \"user\", share, expires, ip, user_agent, origin) \
        SELECT successor, \"user\", share, TIMESTAMPTZ 'epoch' + until * INTERVAL '1 millisecond', ip, agent, origin \
        FROM spent ON CONFLICT DO NOTHING \
    ), seen AS ( \
        UPDATE directus_users SET last_access = $2 WHERE id = ANY (ARRAY( \
            SELECT u.id FROM directus_users u WHERE u.id = ANY (ARRAY(SELECT \"user\" FROM spent)) \
                AND (u.last_access IS NULL OR u.last_access NOT BETWEEN $3 AND $2) FOR NO KEY UPDATE SKIP LOCKED \
        )) \
    ) SELECT spent, txid_current() FROM spent";

fn exchanges(changes: &[&Rotate]) -> Result<Statement, Failure> {
    let mut exchanges: Vec<_> = changes.iter().map(|change| Exchange::new(change)).collect();
    exchanges.sort_by(|a, b| a.spent.cmp(&b.spent));
    let now_ms = changes.iter().map(|change| change.now_ms).max().unwrap_or_default();
    Ok(Statement::new(EXCHANGE).bind(json(&exchanges)?).bind(stamp(now_ms)).bind(just_before(now_ms)))
}

/// The keys of the rows that got a successor, with the number of the transaction.
async fn exchange(connection: &mut dyn Connection, exchanges: Statement) -> Result<HashMap<String, u64>, Failure> {
    let rows = connection.rows(&exchanges).await?;
    rows.into_iter().map(|mut row| Ok((row.text()?, u64::try_from(row.integer()?).unwrap_or_default()))).collect()
}
