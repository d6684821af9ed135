//! The machine with its hands on a real page: timers, channel, lock and storage together.

use js_sys::Object;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use super::page::{Listener, happen, kept, later, local_storage, move_clock, options, pause, stored, texts, until};
use crate::web::client::Core;
use crate::web::convert::{call, get, set, text};

const KEY: &str = "gatewit:tests";
/// A life of sessions that ends within no test.
const LONG: f64 = 900_000.0;

/// A tab with its options, by which it tells what it did.
struct Page {
    core: Core,
    options: JsValue,
}

impl Page {
    /// One that shares what it keeps with others of its name.
    fn open(name: &str, life_ms: f64) -> Self {
        Self::with(&local_storage(KEY), name, life_ms)
    }

    fn with(storage: &JsValue, name: &str, life_ms: f64) -> Self {
        let options = options(storage, life_ms, name);
        let core = Core::new(options.clone());
        core.restored(call(storage, "get", &JsValue::UNDEFINED).unwrap_or(JsValue::NULL));
        Self { core, options }
    }

    fn sign_in(&self, life_ms: f64) {
        let data = Object::new().into();
        set(&data, "access_token", &"a0".into());
        set(&data, "refresh_token", &"r0".into());
        set(&data, "expires", &life_ms.into());
        assert!(self.core.signed_in(&data, "json").is_object());
    }

    /// What it was told, after having found out that there is nobody.
    fn told(&self) -> Vec<String> {
        let mut told = texts(&get(&self.options, "told"));
        assert_eq!(told.remove(0), "signed-out");
        told
    }

    fn asked(&self) -> usize {
        texts(&get(&self.options, "asked")).len()
    }

    fn access(&self) -> Option<String> {
        text(&self.core.current(), "access_token")
    }
}

#[wasm_bindgen_test]
async fn a_sign_in_is_kept_told_and_heard_by_the_other_tab() {
    let (one, two) = (Page::open("x", LONG), Page::open("x", LONG));
    one.sign_in(LONG);
    assert_eq!(one.told(), ["signed-in"]);
    assert!(stored("localStorage", KEY).unwrap().contains("r0"));
    until("the other has heard", || two.told() == ["signed-in"]).await;
    assert_eq!(two.access().as_deref(), Some("a0"));
}

#[wasm_bindgen_test]
async fn a_session_is_renewed_by_the_timer_and_by_one_of_two_tabs() {
    let (one, two) = (Page::open("x", LONG), Page::open("x", LONG));
    one.sign_in(400.0);
    until("both have the next one", || one.access() == two.access() && one.access().as_deref() != Some("a0")).await;
    until("both are told", || [&one, &two].iter().all(|tab| tab.told() == ["signed-in", "renewed"])).await;
    pause(300).await;
    assert_eq!(one.asked() + two.asked(), 1);
}

#[wasm_bindgen_test]
async fn both_may_want_it_at_the_same_moment() {
    let (one, two) = (Page::open("x", LONG), Page::open("x", LONG));
    one.sign_in(LONG);
    until("the other has heard", || two.told() == ["signed-in"]).await;
    let both = [one.core.renew(true), two.core.renew(true)];
    for renewed in both {
        assert!(kept(renewed.into()).await.unwrap().is_undefined());
    }
    assert_eq!((one.asked() + two.asked(), one.access()), (1, two.access()));
}

#[wasm_bindgen_test]
async fn a_tab_that_slept_renews_when_it_is_looked_at() {
    let tab = Page::open("x", LONG);
    tab.sign_in(LONG);
    pause(50).await;
    assert_eq!(tab.asked(), 0);
    move_clock(86_400_000.0);
    happen("document", "visibilitychange");
    until("it is renewed", || tab.told() == ["signed-in", "renewed"]).await;
    assert_eq!(tab.asked(), 1);
}

#[wasm_bindgen_test]
async fn a_sign_out_is_one_everywhere_and_the_server_is_told_once() {
    let (one, two) = (Page::open("x", LONG), Page::open("x", LONG));
    one.sign_in(LONG);
    until("the other has heard", || two.told() == ["signed-in"]).await;
    assert!(kept(two.core.sign_out().into()).await.unwrap().is_undefined());
    until("the first has heard", || one.told() == ["signed-in", "signed-out"]).await;
    assert_eq!((one.access(), stored("localStorage", KEY)), (None, None));
    assert_eq!(texts(&get(&two.options, "ended")), ["r0"]);
    assert!(texts(&get(&one.options, "ended")).is_empty());
}

#[wasm_bindgen_test]
async fn tabs_of_another_name_hear_nothing_and_neither_do_closed_ones() {
    let (one, stranger, closed) = (Page::open("x", LONG), Page::open("y", LONG), Page::open("x", LONG));
    closed.core.close();
    one.sign_in(LONG);
    pause(100).await;
    assert!(stranger.told().is_empty() && closed.told().is_empty());
}

#[wasm_bindgen_test]
async fn nothing_is_told_before_a_slow_storage_has_it() {
    let saving = later();
    let tab = Page::with(&slow(&saving), "x", LONG);
    tab.sign_in(LONG);
    pause(50).await;
    assert!(tab.told().is_empty(), "{:?}", tab.told());
    call(&saving, "keep", &JsValue::UNDEFINED);
    until("it is told", || tab.told() == ["signed-in"]).await;
}

#[wasm_bindgen_test]
async fn a_storage_that_fails_later_is_told_and_ends_nothing() {
    let saving = later();
    let tab = Page::with(&slow(&saving), "x", LONG);
    tab.sign_in(LONG);
    call(&saving, "breakIt", &JsValue::UNDEFINED);
    until("it is told", || tab.told().len() == 2).await;
    assert!(tab.told().contains(&"unsaved".to_owned()) && tab.access().is_some());
}

/// A storage of the app that answers when it wants to.
fn slow(saving: &JsValue) -> JsValue {
    let (get_nothing, adapter) = (Listener::new(), Object::new().into());
    let promise = get(saving, "promise");
    let put = wasm_bindgen::closure::Closure::<dyn FnMut() -> JsValue>::new(move || promise.clone()).into_js_value();
    set(&adapter, "get", get_nothing.function.unchecked_ref());
    set(&adapter, "set", &put);
    adapter
}
