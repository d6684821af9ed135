//! Changes that share a commit: each stands or falls by itself, and none waits for another's row.

use super::*;
use futures_util::future::join_all;

/// A token of a family of its own.
fn token_of(family: usize) -> String {
    format!("{family:022}{}", "1".repeat(42))
}

#[tokio::test]
async fn one_that_fails_takes_nobody_along() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        let begun = join_all((0..32_usize).map(|number| {
            let session = NewSession {
                // Two of them want the same row.
                token: token_of(number.max(1)),
                user: Some(user.clone()),
                share: None,
                source: None,
                parting_data: None,
                expires_at_ms: NOW + HOUR,
                client: client(),
            };
            store.begin_session(session, NOW)
        }));
        let failed = begun.await.into_iter().filter(Result::is_err).count();
        assert_eq!(failed, 1, "{name}");
        for number in 1..32 {
            assert!(store.session(&token_of(number), NOW).await.unwrap().is_some(), "{name}: {number}");
        }
    }
}

#[tokio::test]
async fn whoever_waits_for_a_row_waits_alone() {
    let server = match Postgres::shared() {
        Ok(server) => server,
        Err(missing) => return skipped(&missing),
    };
    let settings = server.database("waiting").unwrap();
    let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() }).unwrap();
    let Opened(store, _) = opened(config.storage, TokenStorage::Plain, Box::new(())).await;
    for family in 0..8 {
        begin(store.as_ref(), &token_of(family)).await;
    }

    let taken = format!("UPDATE directus_sessions SET origin = 'x' WHERE token = '{}'", token_of(0));
    let held = format!("BEGIN; {taken}; SELECT pg_sleep(4); COMMIT");
    let others = server.clone();
    let holder = std::thread::spawn(move || others.query("waiting", &held).map(drop));
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'waiting' AND wait_event = 'PgSleep'";
    while server.query("postgres", asleep).unwrap().trim() != "1" {
        assert!(!holder.is_finished(), "the row was never held");
    }

    let exchange = |family: usize| {
        let (store, successor) = (store.clone(), token_of(family).replace("1111", "1112"));
        async move { store.rotate_session(rotation(&token_of(family), &successor), NOW).await.unwrap() }
    };
    let waits = tokio::spawn(exchange(0));
    for done in join_all((1..8).map(exchange)).await {
        assert!(matches!(done, Rotated::Done));
    }
    assert!(!waits.is_finished() && !holder.is_finished(), "they waited for somebody else's row");
    assert!(matches!(waits.await.unwrap(), Rotated::Done));
    holder.join().unwrap().unwrap();
}
