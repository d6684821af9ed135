//! The storages that browsers have, and all the ways in which they refuse.

use js_sys::{Function, Object};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use super::page::{Listener, block, fill, local_storage, memory_storage, session, session_storage, store, stored};
use crate::core::machine::Reading;
use crate::core::session::{Facts, Mode};
use crate::web::convert::set;
use crate::web::storage::Storage;

const KEY: &str = "gatewit:tests";
/// More letters than any browser keeps for a page.
const TOO_MUCH: usize = 6 << 20;

/// The browser's own storages, with the names under which a page has them.
fn own() -> [(&'static str, Storage); 2] {
    [("localStorage", local_storage(KEY)), ("sessionStorage", session_storage(KEY))]
        .map(|(name, adapter)| (name, Storage::new(adapter, Mode::Json)))
}

#[wasm_bindgen_test]
fn what_is_kept_is_found_and_what_is_removed_is_gone() {
    let all = own().into_iter().chain([("memory", Storage::new(memory_storage(), Mode::Json))]);
    for (name, storage) in all {
        let session = session(Mode::Json, 900_000.0);
        assert_eq!(storage.at_start(storage.get()), Reading::Absent, "{name}");
        storage.set(Some(&session)).unwrap();
        assert_eq!(storage.at_start(storage.get()), Reading::Record(session), "{name}");
        storage.set(None).unwrap();
        assert_eq!(storage.at_start(storage.get()), Reading::Absent, "{name}");
    }
}

#[wasm_bindgen_test]
fn each_is_where_it_says_and_nowhere_else() {
    for (name, storage) in own() {
        storage.set(Some(&session(Mode::Json, 900_000.0))).unwrap();
        assert!(stored(name, KEY).unwrap().contains("a refresh token"), "{name}");
        storage.set(None).unwrap();
        assert_eq!((stored("localStorage", KEY), stored("sessionStorage", KEY)), (None, None));
    }
    Storage::new(memory_storage(), Mode::Json).set(Some(&session(Mode::Json, 900_000.0))).unwrap();
    assert_eq!((stored("localStorage", KEY), stored("sessionStorage", KEY)), (None, None));
}

#[wasm_bindgen_test]
fn in_a_full_storage_nothing_old_stays_behind() {
    let [(_, storage), _] = own();
    storage.set(Some(&session(Mode::Json, 900_000.0))).unwrap();
    fill();
    let (access, refresh) = (Some("x".repeat(TOO_MUCH)), Some("the next refresh token".to_owned()));
    let larger = Facts { mode: Mode::Json, access, refresh, life_ms: 900_000.0, expires_at: 900_000.0 };
    assert!(storage.set(Some(&larger.into())).is_err());
    assert_eq!(stored("localStorage", KEY), None);
    assert_eq!(storage.later(storage.get()), Reading::Absent);
}

#[wasm_bindgen_test]
fn where_storages_are_blocked_there_is_nothing_and_nobody_is_signed_out_by_it() {
    for (name, storage) in own() {
        storage.set(Some(&session(Mode::Json, 900_000.0))).unwrap();
        block(name);
        assert!(storage.set(Some(&session(Mode::Json, 900_000.0))).is_err(), "{name}");
        assert_eq!(storage.at_start(storage.get()), Reading::Absent, "{name}");
        // Not `Absent`: that would mean that another tab has signed out.
        assert_eq!(storage.later(storage.get()), Reading::Unused, "{name}");
    }
}

#[wasm_bindgen_test]
fn what_is_no_session_is_none() {
    let [(name, storage), _] = own();
    for text in [
        "",
        "{\"access_token\": 1",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{}",
        "{\"expires\":\"soon\"}",
        "{\"expires\":1,\"expires_at\":2}",
    ] {
        store(name, KEY, text);
        assert_eq!(storage.at_start(storage.get()), Reading::Absent, "{text}");
    }
}

#[wasm_bindgen_test]
fn in_the_mode_cookie_no_storage_is_asked() {
    let (get, put) = (Listener::new(), Listener::new());
    let storage = Storage::new(adapter(&get.function, Some(&put.function)), Mode::Cookie);
    storage.set(Some(&session(Mode::Cookie, 900_000.0))).unwrap();
    assert_eq!(storage.at_start(storage.get()), Reading::Unused);
    assert_eq!((get.count(), put.count()), (0, 0));
}

#[wasm_bindgen_test]
fn an_adapter_of_the_app_is_given_records_and_null() {
    let (get, put) = (Listener::new(), Listener::new());
    let storage = Storage::new(adapter(&get.function, Some(&put.function)), Mode::Json);
    storage.set(Some(&session(Mode::Json, 900_000.0))).unwrap();
    assert!(put.last().is_object());
    storage.set(None).unwrap();
    assert!(put.last().is_null() && put.count() == 2);
    assert!(!storage.is_ours() && !storage.has_others(), "its code must not run while a lock is held");
}

#[wasm_bindgen_test]
fn an_adapter_that_lacks_something_fails_and_does_not_trap() {
    let storage = Storage::new(adapter(&Listener::new().function, None), Mode::Json);
    assert!(storage.set(None).is_err());
    for nothing in [JsValue::UNDEFINED, JsValue::NULL, "local".into()] {
        assert!(Storage::new(nothing, Mode::Json).get().is_err());
    }
}

fn adapter(get: &Function, put: Option<&Function>) -> JsValue {
    let adapter = Object::new().into();
    set(&adapter, "get", get.unchecked_ref());
    if let Some(put) = put {
        set(&adapter, "set", put.unchecked_ref());
    }
    adapter
}
