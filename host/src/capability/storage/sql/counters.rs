//! Counts with an end, in a table of our own.

use super::{Change, Connection, Failure, Statement, nonsense, stamp};
use crate::capability::storage::{Count, Error};
use async_trait::async_trait;

/// Bytes of a key: what the column holds.
const KEY_BYTES_MAX: usize = 255;

/// Most that is added at once, so that a count, which stops at [`COUNT_MAX`], never leaves its column.
const AMOUNT_MAX: u32 = 100_000_000;

/// Where a count stops. With [`AMOUNT_MAX`] on top it is still an integer of four bytes.
const COUNT_MAX: u32 = 2_000_000_000;

/// Adds to a count; the ones whose time has passed go.
pub(crate) struct Add {
    key: String,
    amount: u32,
    expires_at_ms: u64,
    now_ms: u64,
}

impl Add {
    pub(crate) fn new(key: &str, amount: u32, expires_at_ms: u64, now_ms: u64) -> Result<Self, Error> {
        if key.len() > KEY_BYTES_MAX {
            return Err(nonsense("the key of a count is too long"));
        }
        Ok(Self { key: key.to_owned(), amount: amount.min(AMOUNT_MAX), expires_at_ms, now_ms })
    }
}

#[async_trait]
impl Change for Add {
    type Output = Count;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<Count, Failure> {
        let passed = Statement::new("DELETE FROM gatewit_counters WHERE expires <= $1 AND \"key\" <> $2")
            .bind(stamp(self.now_ms))
            .bind(&self.key);
        let add = Statement::new(
            "INSERT INTO gatewit_counters (\"key\", value, expires) VALUES ($1, $2, $3) \
             ON CONFLICT (\"key\") DO UPDATE SET \
             value = CASE WHEN gatewit_counters.expires <= $4 THEN excluded.value \
                          WHEN gatewit_counters.value >= $5 THEN gatewit_counters.value \
                          ELSE gatewit_counters.value + excluded.value END, \
             expires = CASE WHEN gatewit_counters.expires <= $4 THEN excluded.expires \
                            ELSE gatewit_counters.expires END \
             RETURNING value, expires",
        )
        .bind(&self.key)
        .bind(i64::from(self.amount))
        .bind(stamp(self.expires_at_ms))
        .bind(stamp(self.now_ms))
        .bind(i64::from(COUNT_MAX));
        let row = connection.chain(add, vec![passed]).await?.into_iter().next();
        let mut row = row.ok_or_else(|| Failure::Failed("a count is missing".into()))?;
        count(row.integer()?, row.integer()?)
    }
}

/// The count of a key.
pub(crate) async fn read(connection: &mut dyn Connection, key: &str, now_ms: u64) -> Result<Option<Count>, Failure> {
    let statement = Statement::new("SELECT value, expires FROM gatewit_counters WHERE \"key\" = $1 AND expires > $2");
    match connection.row(&statement.bind(key).bind(stamp(now_ms))).await? {
        Some(mut row) => Ok(Some(count(row.integer()?, row.integer()?)?)),
        None => Ok(None),
    }
}

fn count(value: i64, expires: i64) -> Result<Count, Failure> {
    let negative = |_| Failure::Failed("a count is negative".into());
    Ok(Count {
        value: u32::try_from(value).map_err(negative)?,
        expires_at_ms: u64::try_from(expires).map_err(negative)?,
    })
}

/// Forgets a count.
pub(crate) struct Clear(pub(crate) String);

#[async_trait]
impl Change for Clear {
    type Output = ();

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let statement = Statement::new("DELETE FROM gatewit_counters WHERE \"key\" = $1");
        connection.run(&statement.bind(&self.0)).await?;
        Ok(())
    }
}
