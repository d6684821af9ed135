//! What every backend must pass, in each form in which tokens are kept.

mod audit;
mod counters;
mod identities;
mod open_sessions;
#[expect(dead_code, unreachable_pub, reason = "the tests of the server use it, too, and there it is public")]
#[path = "../../../../../tests/support/postgres.rs"]
mod postgres;
mod records;
mod together;
mod traces;

use super::{
    Backend, Client, Columns, FirstAdmin, NewSession, Rotated, Rotation, Seen, Source, Status, UserKey, Value, open,
};
use crate::config::{Config, Sources, Storage, TokenStorage};
use postgres::Postgres;
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

const NOW: u64 = 1_795_280_676_000;
const HOUR: u64 = 3_600_000;

/// A store with what it lies in, which goes with it.
struct Opened(
    Arc<dyn Backend>,
    #[expect(dead_code, reason = "the folder or server lives as long as the store")] Box<dyn Any + Send>,
);

/// An empty store of each kind, with an administrator.
async fn stores() -> Vec<(String, Opened)> {
    let mut stores = Vec::new();
    for tokens in [TokenStorage::Hashed, TokenStorage::Plain] {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { filename: folder.path().join("t.db"), ..Storage::default() };
        stores.push((format!("sqlite3, {tokens:?}"), opened(storage, tokens, Box::new(folder)).await));
        match Postgres::shared() {
            Ok(server) => {
                let storage = in_postgres(&server);
                stores.push((format!("pg, {tokens:?}"), opened(storage, tokens, Box::new(server)).await));
            }
            Err(missing) => skipped(&missing),
        }
    }
    stores
}

/// A new database in a server.
fn in_postgres(server: &Postgres) -> Storage {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let settings = server.database(&name).unwrap();
    let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Config::from_sources(&Sources { environment, ..Sources::default() }).unwrap().0.storage
}

#[expect(clippy::print_stderr, reason = "a test cannot be skipped at run time, but it can say so")]
fn skipped(missing: &postgres::Missing) {
    eprintln!("not run on PostgreSQL: {missing}");
}

async fn opened(storage: Storage, tokens: TokenStorage, place: Box<dyn Any + Send>) -> Opened {
    let store = open(&Storage { tokens: Some(tokens), ..storage }).await.unwrap();
    let admin = FirstAdmin { email: "Admin@example.com", password_hash: "$hash", static_token: Some("static") };
    assert!(store.create_first_admin(admin).await.unwrap());
    Opened(store, place)
}

fn token(family: char, rest: char) -> String {
    format!("{}{}", family.to_string().repeat(22), rest.to_string().repeat(42))
}

fn client() -> Client {
    Client { address: Some("192.0.2.1".into()), user_agent: Some("test".into()), origin: None }
}

async fn admin(store: &dyn Backend) -> String {
    store.user(UserKey::Email("admin@EXAMPLE.com")).await.unwrap().unwrap().id
}

async fn begin(store: &dyn Backend, token: &str) {
    let user = admin(store).await;
    let session = NewSession {
        token: token.to_owned(),
        user: Some(user),
        share: None,
        source: None,
        parting_data: None,
        expires_at_ms: NOW + HOUR,
        client: client(),
    };
    store.begin_session(session, NOW).await.unwrap();
}

fn rotation(from: &str, to: &str) -> Rotation {
    Rotation {
        token: from.to_owned(),
        successor: to.to_owned(),
        expires_at_ms: NOW + HOUR,
        grace_until_ms: NOW + 10,
        client: client(),
    }
}

#[tokio::test]
async fn accounts_are_found_by_all_their_keys() {
    for (name, Opened(store, _)) in stores().await {
        let user = store.user(UserKey::StaticToken("static")).await.unwrap().unwrap();
        assert_eq!(user.id, admin(store.as_ref()).await, "{name}");
        assert!(matches!(user.status, Status::Active), "{name}");
        let found = store.user(UserKey::Id(&user.id)).await.unwrap().unwrap();
        assert_eq!(found.role, user.role, "{name}");
        assert!(store.user(UserKey::Id("nobody")).await.unwrap().is_none(), "{name}");
        assert!(store.user(UserKey::StaticToken("")).await.unwrap().is_none(), "{name}");
        assert!(store.user(UserKey::Email("%")).await.unwrap().is_none(), "{name}");
        assert!(store.user_of_identity("default", "x").await.unwrap().is_none(), "{name}");
        let (id, hash) = store.password("admin@example.com", "default").await.unwrap().unwrap();
        assert_eq!((id.as_str(), hash.as_deref()), (user.id.as_str(), Some("$hash")), "{name}");
        assert_eq!(store.password_hash(&id).await.unwrap(), Some(Some("$hash".into())), "{name}");
        assert_eq!(store.password_hash("nobody").await.unwrap(), None, "{name}");
        assert_eq!(store.share_password(&id).await.unwrap(), None, "{name}");
        assert!(store.password("admin@example.com", "other").await.unwrap().is_none(), "{name}");
    }
}

#[tokio::test]
async fn there_is_one_first_administrator_with_all_rights() {
    for (name, Opened(store, _)) in stores().await {
        let second = FirstAdmin { email: "b@example.com", password_hash: "$", static_token: None };
        assert!(!store.create_first_admin(second).await.unwrap(), "{name}");
        let user = store.user(UserKey::StaticToken("static")).await.unwrap().unwrap();
        let policies = store.policies(Some(&user.id), user.role.as_deref(), &mut Seen::default()).await.unwrap();
        assert!(
            matches!(policies.as_slice(), [policy] if policy.admin && matches!(policy.source, Source::Role)),
            "{name}"
        );
        assert!(store.policies(None, None, &mut Seen::default()).await.unwrap().is_empty(), "{name}");
        let only = Columns::Only(vec!["password".into(), "nope".into(), "email".into()]);
        let fields = store.user_columns(&user.id, &only, &mut Seen::default()).await.unwrap().unwrap();
        let shown: Vec<_> = fields.iter().map(|field| (field.name.as_str(), &field.value)).collect();
        let expected = matches!(shown.as_slice(), [("password", Value::Concealed), ("email", Value::Text(_))]);
        assert!(expected, "{name}: {shown:?}");
    }
}

#[tokio::test]
async fn a_hash_is_renewed_only_if_it_is_still_the_old_one() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        store.renew_password(&user, "$stale", "$lost").await.unwrap();
        store.renew_password(&user, "$hash", "$new").await.unwrap();
        let (_, hash) = store.password("admin@example.com", "default").await.unwrap().unwrap();
        assert_eq!(hash.as_deref(), Some("$new"), "{name}");
    }
}

#[tokio::test]
async fn a_session_is_found_until_it_expires() {
    for (name, Opened(store, _)) in stores().await {
        begin(store.as_ref(), &token('a', '1')).await;
        for (now, found) in [(NOW, true), (NOW + HOUR - 1, true), (NOW + HOUR, false), (NOW, true)] {
            assert_eq!(
                store.session(&token('a', '1'), now, &mut Seen::default()).await.unwrap().is_some(),
                found,
                "{name} at {now}"
            );
        }
        assert!(store.session(&token('a', '2'), NOW, &mut Seen::default()).await.unwrap().is_none(), "{name}");
    }
}

#[tokio::test]
async fn exactly_one_of_many_exchanges_wins() {
    for (name, Opened(store, _)) in stores().await {
        begin(store.as_ref(), &token('a', '1')).await;
        let exchange = |store: Arc<dyn Backend>| async move {
            store.rotate_session(rotation(&token('a', '1'), &token('a', '2')), NOW).await.unwrap()
        };
        let all: Vec<_> = (0..16).map(|_| tokio::spawn(exchange(store.clone()))).collect();
        let mut done = 0;
        for each in all {
            match each.await.unwrap() {
                Rotated::Done => done += 1,
                Rotated::Superseded(successor) => {
                    assert!(successor.is_none_or(|successor| successor == token('a', '2')), "{name}");
                }
                Rotated::Gone => panic!("{name}: gone"),
            }
        }
        assert_eq!(done, 1, "{name}");
        assert!(
            store.session(&token('a', '1'), NOW, &mut Seen::default()).await.unwrap().unwrap().superseded,
            "{name}"
        );
        assert!(store.session(&token('a', '1'), NOW + 10, &mut Seen::default()).await.unwrap().is_none(), "{name}");
        assert!(
            !store.session(&token('a', '2'), NOW + 10, &mut Seen::default()).await.unwrap().unwrap().superseded,
            "{name}"
        );
        let late = store.rotate_session(rotation(&token('a', '1'), &token('a', '3')), NOW + 10).await.unwrap();
        assert!(matches!(late, Rotated::Gone), "{name}");
    }
}

#[tokio::test]
async fn a_family_ends_together_and_alone() {
    for (name, Opened(store, _)) in stores().await {
        begin(store.as_ref(), &token('a', '1')).await;
        begin(store.as_ref(), &token('b', '1')).await;
        store.rotate_session(rotation(&token('a', '1'), &token('a', '2')), NOW).await.unwrap();
        assert!(store.end_session(&token('a', '1'), client(), NOW).await.unwrap(), "{name}");
        assert!(!store.end_session(&token('a', '1'), client(), NOW).await.unwrap(), "{name}");
        assert!(store.session(&token('a', '2'), NOW, &mut Seen::default()).await.unwrap().is_none(), "{name}");
        assert!(store.session(&token('b', '1'), NOW, &mut Seen::default()).await.unwrap().is_some(), "{name}");
        assert_eq!(store.end_family("b", NOW).await.unwrap(), 0, "{name}: a text that is no token has no family");
        assert_eq!(store.end_family(&token('b', '9'), NOW).await.unwrap(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    for (name, Opened(store, _)) in stores().await {
        store.close().await;
        let answer = store.end_family(&token('a', '1'), NOW).await;
        assert!(matches!(answer, Err(super::Error::Unavailable(_))), "{name}: {answer:?}");
    }
}
