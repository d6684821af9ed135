//! Changes that share a commit: each stands or falls by itself, and none waits for another's row.

use super::*;
use crate::capability::storage::SessionSource;
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
            assert!(
                store.session(&token_of(number), NOW, &mut Seen::default()).await.unwrap().is_some(),
                "{name}: {number}"
            );
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

#[tokio::test]
async fn of_many_tokens_each_is_spent_once() {
    for (name, Opened(store, _)) in stores().await {
        let next = |family: usize| token_of(family).replace("1111", "1112");
        for family in 0..20 {
            begin(store.as_ref(), &token_of(family)).await;
        }
        let exchanges = (0..60_usize).map(|number| {
            // The last ten have never been given to anybody.
            let family = if number < 50 { number % 20 } else { number };
            let mut rotation = rotation(&token_of(family), &next(family));
            rotation.client.user_agent = Some("{\"a\":\"\\u0000\"},'\0\u{7f}é".to_owned());
            store.rotate_session(rotation, NOW)
        });
        let made = join_all(exchanges).await.into_iter().map(Result::unwrap);
        let (mut done, mut superseded, mut gone) = (0, 0, 0);
        for rotated in made {
            match rotated {
                Rotated::Done => done += 1,
                Rotated::Superseded(_) => superseded += 1,
                Rotated::Gone => gone += 1,
            }
        }
        assert_eq!((done, superseded, gone), (20, 30, 10), "{name}");
        let asked: Vec<_> =
            (0..25).map(|family| if family < 20 { next(family) } else { "\0\\u0000\"".to_owned() }).collect();
        let found =
            join_all(asked.iter().map(|token| async { store.session(token, NOW, &mut Seen::default()).await })).await;
        let found: Vec<_> = found.into_iter().map(|session| session.unwrap().is_some()).collect();
        assert_eq!(found, [vec![true; 20], vec![false; 5]].concat(), "{name}");
        let user = admin(store.as_ref()).await;
        let open = store.open_sessions(Some(&user), 100, NOW).await.unwrap();
        assert!(
            open.iter().all(|session| session.client.user_agent.as_ref().is_some_and(|agent| agent.ends_with('é')))
        );
    }
}

#[tokio::test]
async fn what_others_commit_is_seen_between_renewals() {
    let server = match Postgres::shared() {
        Ok(server) => server,
        Err(missing) => return skipped(&missing),
    };
    let settings = server.database("others").unwrap();
    let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (config, _) = Config::from_sources(&Sources { environment, ..Sources::default() }).unwrap();
    let Opened(store, _) = opened(config.storage, TokenStorage::Plain, Box::new(())).await;
    let user = store.user(UserKey::StaticToken("static")).await.unwrap().unwrap();
    let admin = async || {
        let policies = store.policies(Some(&user.id), user.role.as_deref(), &mut Seen::default()).await.unwrap();
        policies.iter().any(|policy| policy.admin)
    };
    begin(store.as_ref(), &token('a', '0')).await;
    for (from, to) in [('0', '1'), ('1', '2'), ('2', '3')] {
        assert!(admin().await);
        store.rotate_session(rotation(&token('a', from), &token('a', to)), NOW).await.unwrap();
        assert!(admin().await);
        assert!(store.session(&token('a', from), NOW, &mut Seen::default()).await.unwrap().unwrap().superseded);
        server.query("others", "UPDATE directus_policies SET admin_access = false").unwrap();
        assert!(!admin().await);
        store.rotate_session(rotation(&token('b', from), &token('b', to)), NOW).await.unwrap();
        server.query("others", "UPDATE directus_policies SET admin_access = true").unwrap();
    }
}

#[tokio::test]
async fn sources_go_some_time_after_their_sessions() {
    // Of families that begin with any letter.
    let of = |family: usize| {
        format!("{}{}", char::from(b'A' + u8::try_from((family + 20) % 26).unwrap()), &token_of(family)[1..])
    };
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        let begin = async |family: usize, now: u64| {
            let source = SessionSource { provider: "op".into(), identifier: "1".into(), session: None };
            let session = NewSession {
                token: of(family),
                user: Some(user.clone()),
                share: None,
                source: Some(source),
                parting_data: Some("{}".into()),
                expires_at_ms: now + HOUR,
                client: client(),
            };
            store.begin_session(session, now).await.unwrap();
        };
        begin(0, NOW).await;
        assert!(store.parting_data(&of(0)).await.unwrap().is_some(), "{name}");
        // Every sixteenth or so tidies up.
        for family in 1..200 {
            begin(family, NOW + 2 * HOUR).await;
        }
        assert!(store.parting_data(&of(0)).await.unwrap().is_none(), "{name}");
        for family in 1..200 {
            assert!(store.parting_data(&of(family)).await.unwrap().is_some(), "{name}: {family}");
        }
    }
}
