//! What the same machine does without a server around it: the other column of the table.

use std::path::Path;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use e2e::server;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

/// Argon2id hashes a second with Directus's default cost, in one thread for each core. Each hash has memory of its own,
/// as the crate does it by default.
pub(crate) fn hashes(time: Duration) -> anyhow::Result<f64> {
    let params = Params::new(64 * 1024, 3, 4, Some(32)).map_err(|error| anyhow::anyhow!("{error}"))?;
    let cores = std::thread::available_parallelism()?.get();
    let hash_for_a_while = || {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let (started, mut count, mut hash) = (Instant::now(), 0.0, [0; 32]);
        while started.elapsed() < time {
            argon2.hash_password_into(b"User-password1", b"sixteen bytes...", &mut hash).unwrap();
            count += 1.0;
        }
        assert_ne!(hash, [0; 32]);
        count / started.elapsed().as_secs_f64()
    };
    let rates = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(hash_for_a_while)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    Ok(rates)
}

/// Commits of one row a second into a new database in `folder`, one after the other, as durable as the server's.
pub(crate) async fn commits(folder: &Path, time: Duration) -> anyhow::Result<f64> {
    let options = SqliteConnectOptions::new().filename(folder.join("commits")).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let mut database = SqliteConnection::connect_with(&options).await?;
    sqlx::query("create table rows (token text primary key) without rowid").execute(&mut database).await?;
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < time {
        let token = format!("{count:064}");
        sqlx::query("insert into rows values (?)").bind(token).execute(&mut database).await?;
        count += 1;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    database.close().await?;
    Ok(rate)
}

/// What the hash of an account says of its cost.
pub(crate) async fn stored_hash(database: &Path, email: &str) -> anyhow::Result<String> {
    let mut database = server::open(database).await?;
    let query = sqlx::query_scalar("select password from directus_users where email = ?").bind(email);
    Ok(query.fetch_one(&mut database).await?)
}
