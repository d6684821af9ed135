//! The audit log in two tables of our own: the entries, and the one row that tells of the last of them.
//!
//! That row is locked by whoever appends, so appends of all hosts come one after the other; and the entry and the row change
//! together. Absent: a statement that changes or removes an entry.

use super::{Change, Connection, Failure, Statement, stamp};
use crate::capability::{
    audit::{
        SERVER,
        chain::{self, Entry, Found, Head, Noted, Row, UNSEALED, Walk},
    },
    keys::hmac::Seals,
};
use async_trait::async_trait;
use std::sync::Arc;

/// Entries that are read at once for a walk: a quarter of a megabyte.
const PAGE: i64 = 1_000;

/// Appends an entry. Its number.
pub(crate) struct Append {
    pub(crate) entry: Entry,
    pub(crate) seals: Arc<Seals>,
}

#[async_trait]
impl Change for Append {
    type Output = i64;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<i64, Failure> {
        // Locks the row until the transaction ends, in any database, and reads it as the one before has left it.
        let lock = "UPDATE gatewit_audit_head SET number = number WHERE id = 1 RETURNING number, hash, seal";
        let mut row = connection.row(&Statement::new(lock)).await?;
        let row = row.as_mut().ok_or_else(|| Failure::Failed("the head of the audit log is missing".into()))?;
        let mut head = Head { number: row.integer()?, hash: row.text()?, seal: row.text()? };
        if !head.is_blank() && !head.is_sealed(&self.seals) {
            // Going on would vouch for what somebody else has written; that they have stays on record.
            let told = Entry {
                who: SERVER.to_owned(),
                what: UNSEALED.to_owned(),
                object: format!("entry {}", head.number),
                outcome: "found".to_owned(),
                ..self.entry.clone()
            };
            head = self.put(connection, &head, &told).await?;
        }
        let head = self.put(connection, &head, &self.entry).await?;
        let moved = Statement::new("UPDATE gatewit_audit_head SET number = $1, hash = $2, seal = $3 WHERE id = 1");
        connection.run(&moved.bind(head.number).bind(head.hash).bind(head.seal)).await?;
        Ok(head.number)
    }
}

impl Append {
    /// Puts one entry behind the head. The head after it.
    async fn put(&self, connection: &mut dyn Connection, head: &Head, entry: &Entry) -> Result<Head, Failure> {
        let number = head.number.saturating_add(1);
        let hash = chain::hash(&head.hash, number, entry);
        let insert = Statement::new(
            "INSERT INTO gatewit_audit (number, at, who, what, object, outcome, request, address, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(number)
        .bind(stamp(entry.at_ms))
        .bind(&entry.who)
        .bind(&entry.what)
        .bind(&entry.object)
        .bind(&entry.outcome)
        .bind(entry.request.as_ref())
        .bind(entry.address.as_ref())
        .bind(&hash);
        connection.run(&insert).await?;
        Ok(Head::sealed(number, hash, &self.seals))
    }
}

/// The last entry, as the log remembers it.
pub(crate) async fn head(connection: &mut dyn Connection) -> Result<Option<Head>, Failure> {
    let statement = Statement::new("SELECT number, hash, seal FROM gatewit_audit_head WHERE id = 1");
    let Some(mut row) = connection.row(&statement).await? else { return Ok(None) };
    Ok(Some(Head { number: row.integer()?, hash: row.text()?, seal: row.text()? }))
}

macro_rules! entries {
    ($rest:literal) => {
        concat!("SELECT number, at, who, what, object, outcome, request, address, hash FROM gatewit_audit ", $rest)
    };
}

/// Entries before a number, the newest first.
pub(crate) async fn list(
    connection: &mut dyn Connection,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Row>, Failure> {
    let statement = Statement::new(entries!("WHERE number < $1 ORDER BY number DESC LIMIT $2"));
    rows(connection, statement.bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit))).await
}

/// Walks along all entries.
pub(crate) async fn verify(
    connection: &mut dyn Connection,
    seals: &Seals,
    noted: Option<Noted>,
) -> Result<Found, Failure> {
    let mut walk = Walk::by(noted);
    let strays = Statement::new(entries!("WHERE number < 1 ORDER BY number LIMIT 1"));
    for row in rows(connection, strays).await? {
        walk.step(&row);
    }
    loop {
        let before = walk.last();
        onwards(connection, &mut walk).await?;
        // Entries come while we walk; the head is read behind them and can only be further on.
        let head = head(connection).await?;
        let caught_up = head.as_ref().is_none_or(|head| head.number <= walk.last());
        if caught_up || walk.is_broken() || walk.last() == before {
            return Ok(walk.end(head.as_ref(), seals));
        }
    }
}

/// Walks to the last entry that is there.
async fn onwards(connection: &mut dyn Connection, walk: &mut Walk) -> Result<(), Failure> {
    while !walk.is_broken() {
        let statement = Statement::new(entries!("WHERE number > $1 ORDER BY number LIMIT $2"));
        let page = rows(connection, statement.afresh().bind(walk.last()).bind(PAGE)).await?;
        if page.is_empty() {
            break;
        }
        for row in &page {
            walk.step(row);
        }
    }
    Ok(())
}

async fn rows(connection: &mut dyn Connection, statement: Statement) -> Result<Vec<Row>, Failure> {
    let mut found = Vec::new();
    for mut row in connection.rows(&statement).await? {
        let number = row.integer()?;
        let entry = Entry {
            at_ms: u64::try_from(row.integer()?).unwrap_or_default(),
            who: row.text()?,
            what: row.text()?,
            object: row.text()?,
            outcome: row.text()?,
            request: row.optional_text()?,
            address: row.optional_text()?,
        };
        found.push(Row { number, entry, hash: row.text()? });
    }
    Ok(found)
}
