//! Sessions of the same moment: found by one statement, and exchanged by one.
//!
//! A server takes about as long for a statement as for the fifty rows that it is about. What fails together is tried one by one, so
//! that nobody fails, or waits for a row that somebody else holds, for another's sake.

use super::{
    Pool, Reader,
    gather::{Asked, Gather},
    pool_failure,
    pulse::Quiet,
    writer::{Setback, alone, begin_together, end},
};
use crate::capability::storage::{
    Error, Rotated, Session, queue,
    sql::{
        Failure,
        renewal::{Renewed, Rotate, rotate_all},
        sessions,
    },
    tokens::Form,
};
use std::collections::HashMap;

/// A question for a session.
pub(super) struct Wanted {
    pub(super) form: Form,
    pub(super) key: String,
    pub(super) now_ms: u64,
}

/// Begins a look at few rows by their keys, even where reading all of a table seems no dearer: the table may grow, and plans are kept.
const LOOK_UP: &str = "BEGIN READ ONLY; SET LOCAL enable_seqscan = off";

type Found = Result<Option<Session>, Failure>;
pub(super) type Sessions = Gather<Wanted, Found>;

/// Finds sessions with connections of `pool`.
pub(super) fn sessions(pool: Pool) -> Sessions {
    Gather::start(move |asked| find(pool.clone(), asked))
}

async fn find(pool: Pool, asked: Vec<Asked<Wanted, Found>>) {
    match find_all(&pool, &asked).await {
        Ok(found) => {
            for one in asked {
                // Several may want the same one.
                let session = found.get(&one.question.key).cloned();
                one.answer(Ok(session));
            }
        }
        Err(failure) if asked.len() > 1 => {
            tracing::debug!(error = &failure as &dyn std::error::Error, "sessions are looked for one by one");
            for one in asked {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let found = find_one(&pool, &one.question).await;
                    one.answer(found);
                });
            }
        }
        Err(failure) => {
            if let Some(one) = asked.into_iter().next() {
                one.answer(Err(failure));
            }
        }
    }
}

async fn find_all(pool: &Pool, asked: &[Asked<Wanted, Found>]) -> Result<HashMap<String, Session>, Failure> {
    let form = asked.first().map_or_else(Form::default, |one| one.question.form);
    let keys: Vec<_> = asked.iter().map(|one| one.question.key.as_str()).collect();
    // Whoever asks looks again at the hour.
    let now_ms = asked.iter().map(|one| one.question.now_ms).min().unwrap_or_default();
    let wanted = sessions::wanted(form, &keys, now_ms)?;
    let reader = pool.get().await.map(Reader::new).map_err(pool_failure)?;
    sessions::found(reader.whole(LOOK_UP, &wanted).await?, form)
}

async fn find_one(pool: &Pool, Wanted { form, key, now_ms }: &Wanted) -> Found {
    let mut reader = pool.get().await.map(Reader::new).map_err(pool_failure)?;
    sessions::find(&mut reader, *form, key, *now_ms).await
}

type Exchanged = Result<Rotated, Error>;
pub(super) type Renewals = Gather<Rotate, Exchanged>;

/// Exchanges tokens with connections of `pool`.
pub(super) fn renewals(pool: Pool, quiet: Quiet) -> Renewals {
    Gather::start(move |asked| renew(pool.clone(), quiet.clone(), asked))
}

async fn renew(pool: Pool, quiet: Quiet, asked: Vec<Asked<Rotate, Exchanged>>) {
    match renew_all(&pool, &quiet, &asked).await {
        Ok(done) => asked.into_iter().zip(done).for_each(|(one, rotated)| one.answer(Ok(rotated))),
        Err(setback) => {
            let failure = Failure::from(setback);
            tracing::debug!(error = &failure as &dyn std::error::Error, "tokens are exchanged one by one");
            for one in asked {
                let (job, outcome) = queue::job(one.question.clone());
                let pool = pool.clone();
                tokio::spawn(async move {
                    alone(pool, job).await;
                    one.answer(outcome.wait().await);
                });
            }
        }
    }
}

async fn renew_all(pool: &Pool, quiet: &Quiet, asked: &[Asked<Rotate, Exchanged>]) -> Result<Vec<Rotated>, Setback> {
    let mut reader = begin_together(pool).await?;
    let changes: Vec<_> = asked.iter().map(|one| &one.question).collect();
    let done = rotate_all(&mut reader, &changes).await.map(|Renewed { rotated, transaction }| {
        // Whoever sees the transaction over knows by then that it is quiet.
        if let Some(number) = transaction {
            quiet.add(number);
        }
        rotated
    });
    end(reader, done).await
}
