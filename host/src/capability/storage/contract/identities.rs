//! Identities at providers, and sessions that go back to them.

use super::{HOUR, NOW, Opened, admin, client, stores, token};
use crate::capability::storage::{Backend, NewIdentity, NewSession, Seen, SessionSource, UserKey};

fn identity(user: &str, provider: &str, identifier: &str) -> NewIdentity {
    NewIdentity {
        user: user.to_owned(),
        provider: provider.to_owned(),
        identifier: identifier.to_owned(),
        email: Some("a@example.com".to_owned()),
    }
}

async fn begin(store: &dyn Backend, token: &str, identifier: &str, session: &str) {
    let user = admin(store).await;
    let source = SessionSource {
        provider: "okta".to_owned(),
        identifier: identifier.to_owned(),
        session: Some(session.to_owned()),
    };
    let session = NewSession {
        token: token.to_owned(),
        user: Some(user),
        share: None,
        source: Some(source),
        parting_data: Some("hint".to_owned()),
        expires_at_ms: NOW + HOUR,
        client: client(),
    };
    store.begin_session(session, NOW).await.unwrap();
}

#[tokio::test]
async fn an_identity_signs_in_to_one_account() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        assert!(store.link_identity(identity(&user, "okta", "Sub"), client(), NOW).await.unwrap(), "{name}");
        for again in [identity(&user, "okta", "Sub"), identity(&user, "okta", "sub")] {
            assert!(!store.link_identity(again, client(), NOW).await.unwrap(), "{name}");
        }
        assert!(store.link_identity(identity(&user, "google", "Sub"), client(), NOW + 1).await.unwrap(), "{name}");
        assert_eq!(store.user_of_identity("okta", "SUB").await.unwrap().unwrap().id, user, "{name}");
        assert!(store.user_of_identity("entra", "Sub").await.unwrap().is_none(), "{name}");
        let linked = store.identities(&user).await.unwrap();
        let shown: Vec<_> =
            linked.iter().map(|each| (each.provider.as_str(), each.primary, each.linked_at_ms)).collect();
        assert_eq!(shown, [("okta", false, Some(NOW)), ("google", false, Some(NOW + 1))], "{name}");
        assert!(!store.unlink_identity("somebody", &linked[0].id, client(), NOW).await.unwrap(), "{name}");
        assert!(store.unlink_identity(&user, &linked[0].id, client(), NOW).await.unwrap(), "{name}");
        assert!(store.user_of_identity("okta", "Sub").await.unwrap().is_none(), "{name}");
    }
}

#[tokio::test]
async fn what_a_driver_wants_back_is_kept_with_the_identity() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        store.link_identity(identity(&user, "okta", "Sub"), client(), NOW).await.unwrap();
        let data = || Some(r#"{"refreshToken":"x"}"#.to_owned());
        store.set_auth_data("okta", "sub", data()).await.unwrap();
        store.set_auth_data("okta", "nobody", data()).await.unwrap();
        assert_eq!(store.auth_data("okta", "Sub").await.unwrap(), data(), "{name}");
        assert_eq!(store.auth_data("google", "Sub").await.unwrap(), None, "{name}");
        store.set_auth_data("okta", "Sub", None).await.unwrap();
        assert_eq!(store.auth_data("okta", "Sub").await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn sessions_end_with_what_they_go_back_to() {
    for (name, Opened(store, _)) in stores().await {
        begin(store.as_ref(), &token('a', '1'), "one", "s1").await;
        begin(store.as_ref(), &token('b', '1'), "one", "s2").await;
        begin(store.as_ref(), &token('c', '1'), "two", "s3").await;
        let session = store.session(&token('a', '1'), NOW, &mut Seen::default()).await.unwrap().unwrap();
        let source = session.source.unwrap();
        assert_eq!((source.provider.as_str(), source.identifier.as_str()), ("okta", "one"), "{name}");
        assert_eq!(store.parting_data(&token('a', '9')).await.unwrap().as_deref(), Some("hint"), "{name}");
        let end = async |identifier, session| store.end_by_source("okta", identifier, session, NOW).await.unwrap();
        assert_eq!(end(Some("one"), Some("s3")).await, 0, "{name}");
        assert_eq!(end(None, Some("s1")).await, 1, "{name}");
        assert!(store.session(&token('a', '1'), NOW, &mut Seen::default()).await.unwrap().is_none(), "{name}");
        assert_eq!(store.parting_data(&token('a', '1')).await.unwrap(), None, "{name}");
        assert_eq!(end(Some("ONE"), None).await, 1, "{name}");
        assert!(store.session(&token('c', '1'), NOW, &mut Seen::default()).await.unwrap().is_some(), "{name}");
        assert_eq!(store.end_by_source("google", Some("two"), None, NOW).await.unwrap(), 0, "{name}");
    }
}

#[tokio::test]
async fn an_identity_takes_its_sessions_along() {
    for (name, Opened(store, _)) in stores().await {
        let user = store.user(UserKey::Email("admin@example.com")).await.unwrap().unwrap().id;
        store.link_identity(identity(&user, "okta", "one"), client(), NOW).await.unwrap();
        begin(store.as_ref(), &token('a', '1'), "one", "s1").await;
        let id = store.identities(&user).await.unwrap().remove(0).id;
        assert!(store.unlink_identity(&user, &id, client(), NOW).await.unwrap(), "{name}");
        assert!(store.session(&token('a', '1'), NOW, &mut Seen::default()).await.unwrap().is_none(), "{name}");
    }
}
