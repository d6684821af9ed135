//! Components and providers of operators, in tables of our own. Each change counts up a revision, by which other hosts notice.

use super::{Change, Connection, Dialect, Failure, Row, Statement, stamp};
use crate::capability::storage::operation::{Move, NewComponent, Place, StoredComponent, StoredProvider};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use std::io::{Read, Write};

/// Largest code that is unpacked: what a host would load.
const CODE_BYTES_MAX: u64 = 64 << 20;

/// How often something was changed.
pub(crate) async fn revision(connection: &mut dyn Connection) -> Result<u64, Failure> {
    let statement = Statement::new("SELECT value FROM gatewit_revision WHERE id = 1");
    let Some(mut row) = connection.row(&statement).await? else { return Ok(0) };
    Ok(u64::try_from(row.integer()?).unwrap_or_default())
}

/// Counts up, and tells those who listen.
async fn changed(connection: &mut dyn Connection) -> Result<(), Failure> {
    connection.run(&Statement::new("UPDATE gatewit_revision SET value = value + 1 WHERE id = 1")).await?;
    if connection.dialect() == Dialect::Postgres {
        // Heard when this is committed, and not before.
        connection.rows(&Statement::new("SELECT pg_notify('gatewit', '')::text")).await?;
    }
    Ok(())
}

/// All components, without their code.
pub(crate) async fn components(connection: &mut dyn Connection) -> Result<Vec<StoredComponent>, Failure> {
    let statement = Statement::new(
        "SELECT name, place, digest, share, signature, reference, rule FROM gatewit_components ORDER BY name, place",
    );
    connection.rows(&statement).await?.into_iter().map(component).collect()
}

fn component(mut row: Row) -> Result<StoredComponent, Failure> {
    let (name, place, digest) = (row.text()?, row.text()?, row.text()?);
    let (share, signature) = (row.optional_integer()?, row.optional_text()?);
    let (reference, rule) = (row.optional_text()?, row.optional_text()?);
    let place = match place.as_str() {
        "current" => Place::Current,
        "previous" => Place::Previous,
        #[expect(clippy::cast_precision_loss, reason = "a share is at most a million")]
        _ => Place::Trial(share.map(|millionths| millionths as f64 / 1e6)),
    };
    Ok(StoredComponent { name, place, digest, signature, reference, rule })
}

/// The code of a component.
pub(crate) async fn code(
    connection: &mut dyn Connection,
    name: &str,
    digest: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let statement = Statement::new("SELECT code FROM gatewit_components WHERE name = $1 AND digest = $2");
    let Some(mut row) = connection.row(&statement.bind(name).bind(digest)).await? else { return Ok(None) };
    let broken =
        |error: &dyn std::error::Error| Failure::Failed(format!("a stored component is damaged: {error}").into());
    let packed = STANDARD.decode(row.text()?).map_err(|error| broken(&error))?;
    let mut code = Vec::new();
    GzDecoder::new(packed.as_slice()).take(CODE_BYTES_MAX).read_to_end(&mut code).map_err(|error| broken(&error))?;
    Ok(Some(code))
}

/// Stores a component in its place; what is there moves on.
pub(crate) struct StoreComponent {
    component: StoredComponent,
    /// Packed, because a component is mostly tables and repetition.
    code: String,
    now_ms: u64,
}

impl StoreComponent {
    pub(crate) fn new(new: NewComponent, now_ms: u64) -> std::io::Result<Self> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(&new.code)?;
        Ok(Self { component: new.component, code: STANDARD.encode(packer.finish()?), now_ms })
    }
}

#[async_trait]
impl Change for StoreComponent {
    type Output = ();

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let StoredComponent { name, place, digest, signature, reference, rule } = &self.component;
        let (word, share) = match place {
            Place::Current => ("current", None),
            Place::Previous => ("previous", None),
            #[expect(clippy::cast_possible_truncation, reason = "a share is from 0 to 1")]
            Place::Trial(share) => ("trial", share.map(|share| (share * 1e6) as i64)),
        };
        if word == "current" {
            step_back(connection, name).await?;
        } else {
            remove(connection, name, word).await?;
        }
        let insert = Statement::new(
            "INSERT INTO gatewit_components (name, place, digest, share, signature, made, code, reference, rule) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        );
        let insert = insert.bind(name).bind(word).bind(digest).bind(share).bind(signature.as_deref());
        let insert = insert.bind(stamp(self.now_ms)).bind(&self.code);
        connection.run(&insert.bind(reference.as_deref()).bind(rule.as_deref())).await?;
        changed(connection).await
    }
}

async fn remove(connection: &mut dyn Connection, name: &str, place: &'static str) -> Result<(), Failure> {
    let statement = Statement::new("DELETE FROM gatewit_components WHERE name = $1 AND place = $2");
    connection.run(&statement.bind(name).bind(place)).await?;
    Ok(())
}

async fn put(
    connection: &mut dyn Connection,
    name: &str,
    from: &'static str,
    to: &'static str,
) -> Result<u64, Failure> {
    let statement = Statement::new(
        "UPDATE gatewit_components SET place = $3, share = NULL, rule = NULL WHERE name = $1 AND place = $2",
    );
    connection.run(&statement.bind(name).bind(from).bind(to)).await
}

/// What serves becomes what served before.
async fn step_back(connection: &mut dyn Connection, name: &str) -> Result<(), Failure> {
    remove(connection, name, "previous").await?;
    put(connection, name, "current", "previous").await?;
    Ok(())
}

/// Moves the components of one name. Whether there was anything to move.
pub(crate) struct MoveComponent {
    pub(crate) name: String,
    pub(crate) to: Move,
}

#[async_trait]
impl Change for MoveComponent {
    type Output = bool;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<bool, Failure> {
        let name = &self.name;
        let moved = match self.to {
            Move::RollBack => {
                remove(connection, name, "current").await?;
                put(connection, name, "previous", "current").await? > 0
            }
            Move::Promote => {
                step_back(connection, name).await?;
                put(connection, name, "trial", "current").await? > 0
            }
            Move::EndTrial => {
                remove(connection, name, "trial").await?;
                true
            }
            Move::Withdraw => {
                let statement = Statement::new("DELETE FROM gatewit_components WHERE name = $1");
                connection.run(&statement.bind(name)).await? > 0
            }
        };
        changed(connection).await?;
        Ok(moved)
    }
}

/// All providers, by name.
pub(crate) async fn providers(connection: &mut dyn Connection) -> Result<Vec<StoredProvider>, Failure> {
    let statement = Statement::new(
        "SELECT name, driver, enabled, settings, sealed, changed FROM gatewit_providers ORDER BY number",
    );
    let provider = |mut row: Row| {
        Ok(StoredProvider {
            name: row.text()?,
            driver: row.text()?,
            enabled: row.integer()? != 0,
            settings: row.text()?,
            sealed: row.text()?,
            changed_ms: u64::try_from(row.integer()?).unwrap_or_default(),
        })
    };
    connection.rows(&statement).await?.into_iter().map(provider).collect()
}

/// Makes a provider, or replaces the one of its name.
pub(crate) struct StoreProvider(pub(crate) StoredProvider);

#[async_trait]
impl Change for StoreProvider {
    type Output = ();

    async fn apply(&self, connection: &mut dyn Connection) -> Result<(), Failure> {
        let StoredProvider { name, driver, enabled, settings, sealed, changed_ms } = &self.0;
        let statement = Statement::new(
            "INSERT INTO gatewit_providers (name, driver, enabled, settings, sealed, changed) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO UPDATE SET driver = excluded.driver, \
             enabled = excluded.enabled, settings = excluded.settings, sealed = excluded.sealed, \
             changed = excluded.changed",
        );
        let statement = statement.bind(name).bind(driver).bind(i64::from(*enabled)).bind(settings);
        connection.run(&statement.bind(sealed).bind(stamp(*changed_ms))).await?;
        changed(connection).await
    }
}

/// Removes a provider. Whether it was there.
pub(crate) struct RemoveProvider(pub(crate) String);

#[async_trait]
impl Change for RemoveProvider {
    type Output = bool;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<bool, Failure> {
        let statement = Statement::new("DELETE FROM gatewit_providers WHERE name = $1");
        let removed = connection.run(&statement.bind(&self.0)).await? > 0;
        changed(connection).await?;
        Ok(removed)
    }
}
