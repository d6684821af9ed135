//! PostgreSQL: for several hosts on one database, and for the databases of a Directus.
//!
//! A pool of connections. A change is a transaction of its own or shares one ([`writer`]); sessions that are wanted or renewed at the
//! same moment share even the statement ([`together`]). A server that is away is told within moments, and a connection that broke is replaced by the next request that needs
//! one. What is kept in memory between requests is given again only after the server has said that nobody has committed since.

mod cell;
mod connection;
mod gather;
mod listen;
mod options;
mod pulse;
mod snapshot;
mod tls;
mod together;
mod writer;

use super::{
    Cause, Error, OpenError, Rotated, Session,
    open::{check, form},
    queue::{self, Queue},
    recent::State,
    repository::Repository,
    sql::{
        Change, Connection as _, Database, Failure, Statement,
        renewal::Rotate,
        schema::{self, Found, Migration},
    },
    tokens::Form,
};
use crate::{capability::metrics::Connections, config::Storage};
use async_trait::async_trait;
use connection::{Reader, pool_failure};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use listen::Listener;
use pulse::{Pulse, Quiet};
use std::{sync::Arc, time::Duration};
use together::{Renewals, Sessions, Wanted, renewals, sessions};
use tokio::sync::Notify;

/// How long a connection may take to be made. A server that is there answers in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a request waits for a connection when all are in use.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements are planned once and not for each of their arguments: they look for few rows by keys, and planning costs more
/// than finding them.
const PLAN_ONCE: &str = "SET plan_cache_mode = force_generic_plan";

/// What Directus calls it.
pub(super) const NAME: &str = "pg";

/// Migrations in order.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "accounts, access and sessions",
        ours_alone: false,
        text: include_str!("migrations/0001.sql"),
    },
    Migration { number: 2, name: "counts", ours_alone: true, text: include_str!("migrations/0002.sql") },
    Migration { number: 3, name: "identities", ours_alone: true, text: include_str!("migrations/0003.sql") },
    Migration { number: 4, name: "traces", ours_alone: true, text: include_str!("migrations/0004.sql") },
    Migration { number: 5, name: "audit log and keys", ours_alone: true, text: include_str!("migrations/0005.sql") },
    Migration {
        number: 6,
        name: "components and providers",
        ours_alone: true,
        text: include_str!("migrations/0006.sql"),
    },
    Migration {
        number: 7,
        name: "where components come from and when they are promoted",
        ours_alone: true,
        text: include_str!("migrations/0007.sql"),
    },
];

/// Keeps other hosts out while tables are looked at and made. The number is one that nobody takes by chance: `gatewit`.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(x'67617465776974'::bigint)";

/// A PostgreSQL server.
pub(crate) struct Postgres {
    pool: Pool,
    /// Changes that share their commits.
    queue: Queue,
    sessions: Sessions,
    renewals: Renewals,
    pulse: Pulse,
    /// Hears of what other hosts change; none where somebody only looks.
    listener: Option<Arc<Listener>>,
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    pub(crate) async fn open(storage: &Storage) -> Result<Repository<Self>, OpenError> {
        let (name, mut database) = Self::connect(storage)?;
        let mut reader = database.first(&name).await?;
        let found = prepare(&mut reader)
            .await
            .map_err(|failure| OpenError::Migrate { database: name.clone(), source: failure.into() })?;
        drop(reader);
        check(&found, &name)?;
        let form = form(storage, found.owner)?;
        let (config, encryption) = options::options(&storage.postgres)?;
        let tls = tls::connector(encryption, storage.postgres.certificates.as_deref())?;
        database.listener = Some(Arc::new(Listener::start(config, tls)));
        database.open_early(storage.postgres.connections_min).await;
        Ok(Repository::new(database, found.catalogue(), form))
    }

    /// A connection that only looks, with the name of the database.
    pub(super) async fn look_at(storage: &Storage) -> Result<(String, Reader), OpenError> {
        let (name, database) = Self::connect(storage)?;
        let reader = database.first(&name).await?;
        Ok((name, reader))
    }

    /// A pool without connections, and what to call the database.
    fn connect(storage: &Storage) -> Result<(String, Self), OpenError> {
        let settings = &storage.postgres;
        let (config, encryption) = options::options(settings)?;
        let name = options::name(&config);
        let tls = tls::connector(encryption, settings.certificates.as_deref())?;
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(usize::try_from(settings.connections_max).unwrap_or(1))
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(CONNECT_TIMEOUT))
            .wait_timeout(Some(WAIT_TIMEOUT))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async { client.batch_execute(PLAN_ONCE).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| OpenError::Open { database: name.clone(), source: error.into() })?;
        let quiet = Quiet::default();
        let database = Self {
            queue: Queue::start(|jobs| writer::write(pool.clone(), quiet.clone(), jobs)),
            sessions: sessions(pool.clone()),
            renewals: renewals(pool.clone(), quiet.clone()),
            pulse: Pulse::start(pool.clone(), quiet),
            pool,
            listener: None,
        };
        Ok((name, database))
    }

    /// The first connection, which tells whether there can be any.
    async fn first(&self, name: &str) -> Result<Reader, OpenError> {
        let told = |failure| {
            let (Failure::Unavailable(source) | Failure::Failed(source)) = failure else {
                return OpenError::Open { database: name.to_owned(), source: Cause::from(failure) };
            };
            OpenError::Open { database: name.to_owned(), source }
        };
        self.reader().await.map_err(told)
    }

    /// Opens the connections that should be there from the start. They are a convenience: what fails is told later.
    async fn open_early(&self, connections: u32) {
        let mut early = Vec::new();
        for _ in 0..connections {
            early.extend(self.pool.get().await.ok());
        }
    }
}

/// Brings the tables up to date, one host at a time.
async fn prepare(reader: &mut Reader) -> Result<Found, Failure> {
    reader.script("BEGIN").await?;
    let prepared = async {
        reader.rows(&Statement::new(LOCK)).await?;
        let found = schema::prepare(reader, MIGRATIONS).await?;
        reader.script("COMMIT").await?;
        Ok(found)
    };
    let prepared = prepared.await;
    if prepared.is_err() {
        reader.discard();
    }
    prepared
}

#[async_trait]
impl Database for Postgres {
    type Reader = Reader;

    fn name(&self) -> &'static str {
        NAME
    }

    async fn reader(&self) -> Result<Reader, Failure> {
        self.pool.get().await.map(Reader::new).map_err(pool_failure)
    }

    async fn write<C: Change>(&self, change: C) -> Result<C::Output, Error> {
        let shares = change.shares();
        let (job, outcome) = queue::job(change);
        if shares {
            self.queue.push(job).await?;
        } else {
            // A caller that goes away must not leave a transaction open: the change goes on without it.
            tokio::spawn(writer::alone(self.pool.clone(), job));
        }
        outcome.wait().await
    }

    async fn session(&self, form: Form, key: String, now_ms: u64) -> Result<Option<Session>, Failure> {
        self.sessions.ask(Wanted { form, key, now_ms }).await?
    }

    async fn rotate(&self, change: Rotate) -> Result<Rotated, Error> {
        self.renewals.ask(change).await?
    }

    async fn state(&self) -> Option<State> {
        self.pulse.state().await
    }

    fn connections(&self) -> Connections {
        let status = self.pool.status();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Connections { open: number(status.size), idle: number(status.available), limit: number(status.max_size) }
    }

    fn changes(&self) -> Option<Arc<Notify>> {
        self.listener.as_ref().map(|listener| listener.changes())
    }

    async fn close(&self) {
        if let Some(listener) = &self.listener {
            listener.stop();
        }
        self.queue.close().await;
        self.pool.close();
    }
}
