//! Answers of reads, good for as long as nobody commits.
//!
//! A request asks the same few questions again and again (which policies, which fields), and asking SQLite costs a trip to
//! another thread. Every commit, of whichever process, changes the header of the write-ahead log's index (the `-shm` file;
//! sqlite.org/walformat.html, section 2.1), and reading that header is one system call. So an answer is kept together
//! with the header that was read *before* the question was asked, and given again only while the header is the same: never
//! an answer that a fresh read would not give. Absent: expiry, guesses, and anything that is written.

use super::{Error, failed};
use std::{
    collections::HashMap,
    fs::File,
    hash::Hash,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Bytes of the header: change counter, last frame, checksums and salts.
const HEADER_BYTES: usize = 48;

/// Answers of one kind that are kept. With the largest, all fields of an account, a few megabytes.
const ANSWERS_MAX: usize = 1024;

/// A state of the database.
type Version = [u8; HEADER_BYTES];

/// The header of the index of a database's write-ahead log.
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
    fn version(&self) -> Option<Version> {
        let mut version = [0; HEADER_BYTES];
        self.0.read_exact_at(&mut version, 0).ok()?;
        Some(version)
    }
}

/// Answers of one kind, all to the same state of the database.
pub(super) struct Recent<K, V>(Mutex<(Version, HashMap<K, V>)>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::new(([0; HEADER_BYTES], HashMap::new())))
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// The answer to a question: one that is kept, or else a fresh one.
    pub(super) async fn answer(
        &self,
        index: &Index,
        question: K,
        read: impl Future<Output = Result<V, sqlx::Error>>,
    ) -> Result<V, Error> {
        let Some(version) = index.version() else { return read.await.map_err(failed) };
        if let Some(answer) = self.kept(&version, &question) {
            return Ok(answer);
        }
        let answer = read.await.map_err(failed)?;
        self.keep(version, question, answer.clone());
        Ok(answer)
    }

    fn kept(&self, version: &Version, question: &K) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 == *version { kept.1.get(question).cloned() } else { None }
    }

    fn keep(&self, version: Version, question: K, answer: V) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != version || kept.1.len() >= ANSWERS_MAX {
            kept.0 = version;
            kept.1.clear();
        }
        kept.1.insert(question, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions, sqlite::SqliteJournalMode};

    async fn open(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        SqliteConnection::connect_with(&options.journal_mode(SqliteJournalMode::Wal)).await.unwrap()
    }

    async fn count(recent: &Recent<(), i64>, index: &Index, connection: &mut SqliteConnection) -> (i64, bool) {
        let mut asked = false;
        let read = async {
            asked = true;
            sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(connection).await
        };
        let answer = recent.answer(index, (), read).await.unwrap();
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

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let recent = Recent::default();
        for question in 0..=ANSWERS_MAX {
            recent.keep([1; HEADER_BYTES], question, ());
        }
        assert_eq!(recent.0.lock().unwrap().1.len(), 1);
    }
}
