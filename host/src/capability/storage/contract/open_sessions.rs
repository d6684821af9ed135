//! Sessions as they are shown to people, and their end.

use super::{HOUR, NOW, Opened, admin, begin, client, rotation, stores, token};
use crate::capability::storage::{NewSession, Seen, SessionSource};

#[tokio::test]
async fn sessions_are_shown_by_family_and_not_by_token() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        begin(store.as_ref(), &token('a', '1')).await;
        store.rotate_session(rotation(&token('a', '1'), &token('a', '2')), NOW).await.unwrap();
        let source = SessionSource { provider: "okta".into(), identifier: "x".into(), session: None };
        let second = NewSession {
            token: token('b', '1'),
            user: Some(user.clone()),
            share: None,
            source: Some(source),
            parting_data: None,
            expires_at_ms: NOW + 2 * HOUR,
            client: client(),
        };
        store.begin_session(second, NOW).await.unwrap();
        let all = store.open_sessions(None, 10, NOW).await.unwrap();
        let own = store.open_sessions(Some(&user), 10, NOW).await.unwrap();
        assert_eq!((all.len(), own.len()), (2, 2), "{name}");
        let [later, earlier] = all.as_slice() else { panic!("{name}") };
        assert_eq!((later.provider.as_deref(), later.expires_at_ms), (Some("okta"), NOW + 2 * HOUR), "{name}");
        assert_eq!((earlier.provider.as_deref(), earlier.user.as_ref()), (None, Some(&user)), "{name}");
        assert_eq!(earlier.client.address.as_deref(), Some("192.0.2.1"), "{name}");
        assert_eq!(earlier.id, store.family_id(&token('a', '9')), "{name}: any token of a family names it");
        assert!(
            !all.iter().any(|session| "ab"
                .chars()
                .any(|letter| session.id.starts_with(letter.to_string().repeat(5).as_str()))),
            "{name}"
        );
        assert_eq!(store.count_sessions(NOW).await.unwrap(), 2, "{name}");
        assert_eq!(store.open_sessions(Some("nobody"), 10, NOW).await.unwrap().len(), 0, "{name}");
        assert_eq!(store.open_sessions(None, 1, NOW).await.unwrap().len(), 1, "{name}");
        let late = store.open_sessions(None, 10, NOW + HOUR).await.unwrap();
        assert_eq!(late.iter().map(|session| &session.id).collect::<Vec<_>>(), [&later.id], "{name}");
    }
}

#[tokio::test]
async fn sessions_end_by_name_and_by_owner_and_in_no_other_way() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        for family in ['a', 'b', 'c'] {
            begin(store.as_ref(), &token(family, '1')).await;
        }
        store.rotate_session(rotation(&token('a', '1'), &token('a', '2')), NOW).await.unwrap();
        let id = |family| store.family_id(&token(family, '1'));
        let end = async |user: Option<&str>, id: Option<&str>, keep: Option<&str>| {
            let own = |text: Option<&str>| text.map(ToOwned::to_owned);
            store.end_open(own(user), own(id), own(keep), None, client(), NOW).await.unwrap()
        };
        let alive = async || store.count_sessions(NOW).await.unwrap();
        assert_eq!(end(None, None, None).await, 0, "{name}: nobody named, nothing ended");
        for stray in ["", "a", "%", &token('a', '1'), &token('a', '1')[..21], &token('a', '1')[..22]] {
            assert_eq!(end(None, Some(stray), None).await, 0, "{name}: {stray}");
        }
        assert_eq!(end(Some("somebody else"), Some(&id('a')), None).await, 0, "{name}");
        assert_eq!(alive().await, 3, "{name}");
        assert_eq!(end(Some(&user), Some(&id('a')), None).await, 1, "{name}: a family counts once");
        for rest in ['1', '2'] {
            assert!(store.session(&token('a', rest), NOW, &mut Seen::default()).await.unwrap().is_none(), "{name}");
        }
        assert_eq!(end(None, Some(&id('a')), None).await, 0, "{name}: it is over");
        assert_eq!(end(Some(&user), None, Some(&id('c'))).await, 1, "{name}");
        assert!(
            store.session(&token('c', '1'), NOW, &mut Seen::default()).await.unwrap().is_some(),
            "{name}: the one that stays"
        );
        assert_eq!(end(None, Some(&id('c')), None).await, 1, "{name}");
        assert_eq!(alive().await, 0, "{name}");
    }
}
