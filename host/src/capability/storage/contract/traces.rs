//! What happened in sign-ins that failed.

use super::{HOUR, NOW, Opened, stores};

#[tokio::test]
async fn a_trace_is_found_by_its_request_until_it_is_a_week_old() {
    for (name, Opened(store, _)) in stores().await {
        let week = 7 * 24 * HOUR;
        store.keep_trace("a", NOW, "{\"one\": 1}").await.unwrap();
        store.keep_trace("b", NOW + week, "{\"two\": 2}").await.unwrap();
        assert_eq!(store.trace("a").await.unwrap().as_deref(), Some("{\"one\": 1}"), "{name}");
        assert_eq!(store.trace("c").await.unwrap(), None, "{name}");
        store.keep_trace("b", NOW + week + 1, "{\"three\": 3}").await.unwrap();
        assert_eq!(store.trace("a").await.unwrap(), None, "{name}: too old");
        assert_eq!(store.trace("b").await.unwrap().as_deref(), Some("{\"three\": 3}"), "{name}: the last one");
        let texts = |found: &[(i64, String)]| found.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        let all = store.traces(None, 10).await.unwrap();
        assert_eq!(texts(&all), ["{\"three\": 3}", "{\"two\": 2}"], "{name}");
        assert_eq!(store.traces(None, 1).await.unwrap(), all[..1], "{name}");
        assert_eq!(store.traces(Some(all[0].0), 10).await.unwrap(), all[1..], "{name}");
    }
}
