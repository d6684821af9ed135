//! The connections that read.
//!
//! What looks few rows up by their keys takes microseconds, less than the way to another thread and back, and is asked where
//! the request is. What may look at many is asked on a thread where nobody else waits.

use super::{Local, failure};
use crate::capability::storage::sql::{Connection, Dialect, Failure, Row, Statement};
use async_trait::async_trait;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections that read. Two cores keep no more than that busy; each costs a page cache.
pub(super) const READERS: u32 = 3;

/// The connections that read a file.
pub(super) struct Readers {
    path: PathBuf,
    room: Arc<Semaphore>,
    idle: Arc<Idle>,
}

#[derive(Default)]
struct Idle(Mutex<Vec<Local>>);

impl Idle {
    fn list(&self) -> MutexGuard<'_, Vec<Local>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readers {
    /// Opens the first one.
    pub(super) fn open(path: PathBuf) -> rusqlite::Result<Self> {
        let idle = Idle::default();
        idle.list().push(Local::reading(&path)?);
        Ok(Self { path, room: Arc::new(Semaphore::new(READERS as usize)), idle: Arc::new(idle) })
    }

    /// Lends one, as soon as there is one.
    pub(super) async fn lend(&self) -> Result<Reader, Failure> {
        let closed = |_| Failure::Unavailable("the database is closed".into());
        let room = self.room.clone().acquire_owned().await.map_err(closed)?;
        let idle = self.idle.list().pop();
        let local = idle.map_or_else(|| Local::reading(&self.path).map_err(failure), Ok)?;
        Ok(Reader { local: Some(local), idle: self.idle.clone(), _room: room })
    }

    /// How many are open, and how many of them idle.
    pub(super) fn count(&self) -> (u64, u64) {
        let idle = self.idle.list().len();
        let lent = (READERS as usize).saturating_sub(self.room.available_permits());
        (u64::try_from(idle + lent).unwrap_or_default(), u64::try_from(idle).unwrap_or_default())
    }

    /// Closes them when all are back.
    pub(super) async fn close(&self) {
        drop(self.room.acquire_many(READERS).await);
        self.room.close();
        self.idle.list().drain(..).for_each(Local::close);
    }
}

/// A connection that is lent.
pub(crate) struct Reader {
    /// None while it works elsewhere; and for ever, if nobody waited for that.
    local: Option<Local>,
    idle: Arc<Idle>,
    _room: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.idle.list().extend(self.local.take());
    }
}

impl Reader {
    fn local(&mut self) -> Result<&mut Local, Failure> {
        self.local.as_mut().ok_or_else(lost)
    }

    async fn ask_elsewhere(&mut self, statement: Statement) -> Result<Vec<Row>, Failure> {
        let local = self.local.take().ok_or_else(lost)?;
        let work = move || {
            let rows = local.ask(&statement);
            (local, rows)
        };
        let (local, rows) = tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Failed(error.into()))?;
        self.local = Some(local);
        rows
    }
}

fn lost() -> Failure {
    Failure::Unavailable("the connection is lost".into())
}

#[async_trait]
impl Connection for Reader {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        if statement.lasting { self.local()?.ask(statement) } else { self.ask_elsewhere(statement.clone()).await }
    }

    async fn run(&mut self, statement: &Statement) -> Result<u64, Failure> {
        self.local()?.run(statement).await
    }

    async fn script(&mut self, text: &'static str) -> Result<(), Failure> {
        self.local()?.batch(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_comes_back_even_if_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        Local::open(&path, true).unwrap().batch("CREATE TABLE t (x)").unwrap();
        let readers = Readers::open(path).unwrap();
        for _ in 0..2 * READERS {
            let mut reader = readers.lend().await.unwrap();
            // Asked once and left.
            let asked = reader.ask_elsewhere(Statement::new("SELECT count(*) FROM t"));
            tokio::select! { biased; _ = asked => {}, () = std::future::ready(()) => {} }
        }
        let mut reader = readers.lend().await.unwrap();
        let rows = reader.rows(&Statement::new("SELECT count(*) FROM t").afresh()).await.unwrap();
        assert_eq!(rows.len(), 1);
        drop(reader);
        assert_eq!(readers.count(), (1, 1));
        readers.close().await;
        assert!(readers.lend().await.is_err());
    }
}
