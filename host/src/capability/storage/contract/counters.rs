//! Counts with an end.

use super::{HOUR, NOW, Opened, stores};

#[tokio::test]
async fn a_count_grows_until_its_time_has_passed() {
    for (name, Opened(store, _)) in stores().await {
        assert!(store.read_count("a", NOW).await.unwrap().is_none(), "{name}");
        for (amount, expires, now, expected) in [
            (1, NOW + HOUR, NOW, (1, NOW + HOUR)),
            // A living count is not prolonged.
            (2, NOW + 2 * HOUR, NOW + 1, (3, NOW + HOUR)),
            (0, NOW + 2 * HOUR, NOW + HOUR - 1, (3, NOW + HOUR)),
            // One whose time has passed begins again.
            (5, NOW + 3 * HOUR, NOW + HOUR, (5, NOW + 3 * HOUR)),
            (u32::MAX, NOW + 3 * HOUR, NOW + HOUR, (100_000_005, NOW + 3 * HOUR)),
        ] {
            let count = store.add_to_count("a", amount, expires, now).await.unwrap();
            assert_eq!((count.value, count.expires_at_ms), expected, "{name}");
        }
        assert!(store.read_count("a", NOW + 3 * HOUR - 1).await.unwrap().is_some(), "{name}");
        assert!(store.read_count("a", NOW + 3 * HOUR).await.unwrap().is_none(), "{name}");
    }
}

#[tokio::test]
async fn counts_do_not_mix_and_are_forgotten_alone() {
    for (name, Opened(store, _)) in stores().await {
        store.add_to_count("a", 1, NOW + HOUR, NOW).await.unwrap();
        store.add_to_count("A", 2, NOW + HOUR, NOW).await.unwrap();
        store.clear_count("a").await.unwrap();
        store.clear_count("nothing").await.unwrap();
        assert!(store.read_count("a", NOW).await.unwrap().is_none(), "{name}");
        assert_eq!(store.read_count("A", NOW).await.unwrap().unwrap().value, 2, "{name}");
        assert!(store.add_to_count(&"k".repeat(256), 1, NOW, NOW).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn nobody_is_left_out_of_a_count() {
    for (name, Opened(store, _)) in stores().await {
        let add = || {
            let store = store.clone();
            tokio::spawn(async move { store.add_to_count("a", 1, NOW + HOUR, NOW).await.unwrap().value })
        };
        let mut values = Vec::new();
        for each in (0..20).map(|_| add()).collect::<Vec<_>>() {
            values.push(each.await.unwrap());
        }
        values.sort_unstable();
        assert_eq!(values, (1..=20).collect::<Vec<_>>(), "{name}");
    }
}
