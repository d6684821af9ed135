//! The state that a database file is in, told by one system call.
//!
//! Every commit, of whichever process, changes the header of the write-ahead log's index (the `-shm` file;
//! sqlite.org/walformat.html, section 2.1).

use crate::capability::storage::recent::{VERSION_BYTES, Version};
use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

/// The header of the index of a database's write-ahead log: change counter, last frame, checksums and salts.
pub(super) struct Index(&'static File);

impl Index {
    /// Opens the index of a database that a connection has open.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        // Never closed: closing any descriptor of a file drops the POSIX locks that SQLite holds on it (fcntl(2)).
        Ok(Self(Box::leak(Box::new(File::open(name)?))))
    }

    /// The state that the database is in; `None` if it cannot be told, and then nothing is kept.
    pub(super) fn version(&self) -> Option<Version> {
        let mut version = [0; VERSION_BYTES];
        self.0.read_exact_at(&mut version, 0).ok()?;
        Some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::storage::{recent::Recent, sql::Failure};
    use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions, sqlite::SqliteJournalMode};

    async fn open(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        SqliteConnection::connect_with(&options.journal_mode(SqliteJournalMode::Wal)).await.unwrap()
    }

    async fn count(recent: &Recent<(), i64>, index: &Index, connection: &mut SqliteConnection) -> (i64, bool) {
        let mut asked = false;
        let read = async {
            asked = true;
            let count = sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(connection).await;
            count.map_err(|error| Failure::Failed(error.into()))
        };
        let answer = recent.answer(index.version(), (), read).await.unwrap();
        (answer, asked)
    }

    #[tokio::test]
    async fn an_answer_is_kept_until_anybody_commits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let (mut ours, mut theirs) = (open(&path).await, open(&path).await);
        sqlx::query("CREATE TABLE t (x)").execute(&mut ours).await.unwrap();
        let (index, recent) = (Index::open(&path).unwrap(), Recent::default());

        assert_eq!(count(&recent, &index, &mut ours).await, (0, true));
        assert_eq!(count(&recent, &index, &mut ours).await, (0, false));
        sqlx::query("INSERT INTO t VALUES (1)").execute(&mut theirs).await.unwrap();
        assert_eq!(count(&recent, &index, &mut ours).await, (1, true));
        assert_eq!(count(&recent, &index, &mut ours).await, (1, false));
        for checkpoint in ["PASSIVE", "TRUNCATE"] {
            let statement = format!("PRAGMA wal_checkpoint({checkpoint})");
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut theirs).await.unwrap();
            sqlx::query("INSERT INTO t VALUES (1)").execute(&mut theirs).await.unwrap();
            let before = count(&recent, &index, &mut ours).await;
            assert!(before.1, "{checkpoint}");
            assert_eq!(count(&recent, &index, &mut ours).await, (before.0, false));
        }
        assert_eq!(count(&recent, &index, &mut theirs).await.0, 3);
    }
}
