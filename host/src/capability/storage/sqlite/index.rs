//! The state that a database file is in, told by one system call.
//!
//! Every commit, of whichever process, changes the header of the write-ahead log's index (the `-shm` file;
//! sqlite.org/walformat.html, section 2.1).

use crate::capability::storage::recent::{VERSION_BYTES, Version};
use std::{fs::File, io, mem::ManuallyDrop, os::unix::fs::FileExt, path::Path};

/// The header of the index of a database's write-ahead log: change counter, last frame, checksums and salts.
///
/// Never closed: closing any descriptor of a file drops the POSIX locks that SQLite holds on it (fcntl(2)).
pub(super) struct Index(ManuallyDrop<File>);

impl Index {
    /// Opens the index of a database that a connection has open.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        Ok(Self(ManuallyDrop::new(File::open(name)?)))
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
    use rusqlite::Connection;

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        connection
    }

    async fn count(recent: &Recent<(), i64>, index: &Index, connection: &Connection) -> (i64, bool) {
        let mut asked = false;
        let read = async {
            asked = true;
            let count = connection.query_one("SELECT count(*) FROM t", [], |row| row.get(0));
            count.map_err(|error| Failure::Failed(error.into()))
        };
        let answer = recent.answer(index.version(), (), read).await.unwrap();
        (answer, asked)
    }

    #[tokio::test]
    async fn an_answer_is_kept_until_anybody_commits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let (ours, theirs) = (open(&path), open(&path));
        ours.execute_batch("CREATE TABLE t (x)").unwrap();
        let (index, recent) = (Index::open(&path).unwrap(), Recent::default());

        assert_eq!(count(&recent, &index, &ours).await, (0, true));
        assert_eq!(count(&recent, &index, &ours).await, (0, false));
        theirs.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(count(&recent, &index, &ours).await, (1, true));
        assert_eq!(count(&recent, &index, &ours).await, (1, false));
        for checkpoint in ["PASSIVE", "TRUNCATE"] {
            theirs.execute_batch(&format!("PRAGMA wal_checkpoint({checkpoint})")).unwrap();
            theirs.execute_batch("INSERT INTO t VALUES (1)").unwrap();
            let before = count(&recent, &index, &ours).await;
            assert!(before.1, "{checkpoint}");
            assert_eq!(count(&recent, &index, &ours).await, (before.0, false));
        }
        assert_eq!(count(&recent, &index, &theirs).await.0, 3);
    }
}
