//! The sessions that are alive, as they are shown to people, and their end at somebody's wish.
//!
//! One is shown by the name of its family, which is no token and tells nothing of one.

use super::{Change, Connection, Draft, Failure, Statement, select, sessions, stamp};
use crate::capability::storage::{Client, OpenSession, tokens::Form};
use async_trait::async_trait;
use std::collections::BTreeSet;

/// The families that are alive, each as its newest row has it.
pub(crate) async fn list(
    connection: &mut dyn Connection,
    form: Form,
    user: Option<&str>,
    limit: u32,
    now_ms: u64,
) -> Result<Vec<OpenSession>, Failure> {
    let letters = i64::try_from(form.family_letters()).unwrap_or(i64::MAX);
    let mut statement = Draft::default();
    statement.push("SELECT s.token, s.\"user\", s.share, s.expires, s.ip, s.user_agent, s.origin, f.provider");
    statement.push(" FROM directus_sessions s LEFT JOIN gatewit_session_sources f ON f.family = substr(s.token, 1, ");
    statement.argument(letters).push(") WHERE s.next_token IS NULL AND s.expires > ").argument(stamp(now_ms));
    statement.push(" AND (s.\"user\" IS NOT NULL OR s.share IS NOT NULL)");
    if let Some(user) = user {
        statement.push(" AND s.\"user\" = ").argument(user);
    }
    statement.push(" ORDER BY s.expires DESC, s.token LIMIT ").argument(i64::from(limit));
    let mut found = Vec::new();
    for mut row in connection.rows(&statement.finish()).await? {
        let key = row.text()?;
        found.push(OpenSession {
            id: form.name_of_key(&key),
            user: row.optional_text()?,
            share: row.optional_text()?,
            expires_at_ms: row.time()?,
            client: Client {
                address: row.optional_text()?,
                user_agent: row.optional_text()?,
                origin: row.optional_text()?,
            },
            provider: row.optional_text()?,
        });
    }
    Ok(found)
}

/// How many families are alive.
pub(crate) async fn count(connection: &mut dyn Connection, now_ms: u64) -> Result<u64, Failure> {
    let statement = Statement::new(
        "SELECT count(*) FROM directus_sessions WHERE next_token IS NULL AND expires > $1 \
         AND (\"user\" IS NOT NULL OR share IS NOT NULL)",
    );
    select::counted(connection, &statement.afresh().bind(stamp(now_ms))).await
}

/// Ends the families of a user, or the one of a name, or the one of this name if it is this user's. How many were alive.
pub(crate) struct EndOpen {
    pub(crate) form: Form,
    pub(crate) user: Option<String>,
    pub(crate) id: Option<String>,
    /// The name of the one that stays.
    pub(crate) keep: Option<String>,
    /// Whose deed it is, where that is known.
    pub(crate) actor: Option<String>,
    pub(crate) client: Client,
    pub(crate) now_ms: u64,
}

#[async_trait]
impl Change for EndOpen {
    type Output = u32;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<u32, Failure> {
        let mut ended = 0_u32;
        for family in self.families(connection).await? {
            let (owner, alive) = sessions::end(connection, &family, self.now_ms).await?;
            if alive == 0 {
                continue;
            }
            ended = ended.saturating_add(1);
            if let Some(user) = owner {
                let author = self.actor.as_deref().unwrap_or(&user);
                connection.run(&sessions::ended(author, &user, &self.client, self.now_ms)).await?;
            }
        }
        Ok(ended)
    }
}

impl EndOpen {
    /// The keys of the families that end, from the first up to the second.
    async fn families(&self, connection: &mut dyn Connection) -> Result<BTreeSet<(String, String)>, Failure> {
        let nobody = self.user.is_none() && self.id.is_none();
        if nobody || self.id.as_ref().is_some_and(|id| !Form::is_name(id)) {
            return Ok(BTreeSet::new());
        }
        let bytewise = connection.dialect().bytewise();
        let mut statement = Draft::default();
        statement.push("SELECT token FROM directus_sessions WHERE 1 = 1");
        if let Some(user) = &self.user {
            statement.push(" AND \"user\" = ").argument(user);
        }
        // Kept in clear, a name is not a part of the key, and all there are have to be looked at.
        if let (Some(id), Form::Hashed) = (&self.id, self.form) {
            let (first, end) = Form::range(id.clone());
            statement.push(&format!(" AND token{bytewise} >= ")).argument(first);
            statement.push(&format!(" AND token{bytewise} < ")).argument(end);
        }
        let mut families = BTreeSet::new();
        for mut row in connection.rows(&statement.finish()).await? {
            let key = row.text()?;
            let name = self.form.name_of_key(&key);
            let wanted = self.id.as_ref().is_none_or(|id| *id == name) && self.keep.as_ref() != Some(&name);
            families.extend(wanted.then(|| self.form.range_of_key(&key)));
        }
        Ok(families)
    }
}
