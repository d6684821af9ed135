//! The audit log, and keys that are kept.

use super::{Opened, stores};
use crate::{
    Secret,
    capability::{
        audit::chain::{Entry, UNSEALED},
        keys::hmac::{Seals, Secrets},
        storage::Backend,
    },
};
use std::sync::Arc;

fn seals(secrets: &[&str]) -> Arc<Seals> {
    let mut secrets = secrets.iter().map(|text| Secret::from((*text).to_owned()));
    Arc::new(Secrets { present: secrets.next().unwrap(), earlier: secrets.collect() }.audit())
}

fn entry(object: &str) -> Entry {
    Entry {
        at_ms: 7,
        who: "admin".to_owned(),
        what: "session.delete".to_owned(),
        object: object.to_owned(),
        outcome: "done".to_owned(),
        request: None,
        address: Some("192.0.2.1".to_owned()),
    }
}

async fn append(store: &dyn Backend, object: &str, seals: &Arc<Seals>) -> i64 {
    store.append_audit(entry(object), seals.clone()).await.unwrap()
}

#[tokio::test]
async fn entries_come_one_after_the_other_and_are_whole() {
    for (name, Opened(store, _)) in stores().await {
        let seals = seals(&["secret"]);
        assert!(store.audit_head().await.unwrap().unwrap().is_blank(), "{name}");
        let one = |number: u32, store: Arc<dyn Backend>, seals: Arc<Seals>| async move {
            append(store.as_ref(), &number.to_string(), &seals).await
        };
        let all: Vec<_> = (0..20).map(|number| tokio::spawn(one(number, store.clone(), seals.clone()))).collect();
        let mut numbers = Vec::new();
        for each in all {
            numbers.push(each.await.unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>(), "{name}");
        let found = store.verify_audit(&seals).await.unwrap();
        assert_eq!((found.entries, found.broken), (20, None), "{name}");
        let last = store.audit_entries(None, 2).await.unwrap();
        assert_eq!(last.iter().map(|row| row.number).collect::<Vec<_>>(), [20, 19], "{name}");
        let before = store.audit_entries(Some(3), 10).await.unwrap();
        assert_eq!(before.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 1], "{name}");
        assert_eq!(last[0].entry, entry(&last[0].entry.object), "{name}: as it was written");
    }
}

#[tokio::test]
async fn a_log_goes_on_under_a_new_secret_while_the_old_one_is_known() {
    for (name, Opened(store, _)) in stores().await {
        let (old, both, new) = (seals(&["old"]), seals(&["new", "old"]), seals(&["new"]));
        append(store.as_ref(), "1", &old).await;
        assert!(store.verify_audit(&new).await.unwrap().broken.unwrap().reason.contains("no seal"), "{name}");
        append(store.as_ref(), "2", &both).await;
        assert_eq!(store.verify_audit(&new).await.unwrap().broken, None, "{name}: vouched for anew");
        assert_eq!(append(store.as_ref(), "3", &old).await, 4, "{name}: what cannot be vouched for stays on record");
        let last = store.audit_entries(None, 2).await.unwrap();
        assert_eq!(last[1].entry.what, UNSEALED, "{name}");
        let broken = store.verify_audit(&old).await.unwrap().broken.unwrap();
        assert_eq!(broken.number, Some(3), "{name}");
    }
}

#[tokio::test]
async fn a_key_is_kept_by_whoever_comes_first_and_replaced_by_whoever_knows_it() {
    for (name, Opened(store, _)) in stores().await {
        assert_eq!(store.kept_key("a").await.unwrap(), None, "{name}");
        assert!(store.keep_key("a", None, "one").await.unwrap(), "{name}");
        assert!(!store.keep_key("a", None, "two").await.unwrap(), "{name}");
        assert!(!store.keep_key("a", Some("two"), "three").await.unwrap(), "{name}");
        assert!(store.keep_key("a", Some("one"), "three").await.unwrap(), "{name}");
        assert_eq!(store.kept_key("a").await.unwrap().as_deref(), Some("three"), "{name}");
        assert_eq!(store.kept_key("b").await.unwrap(), None, "{name}");
    }
}
