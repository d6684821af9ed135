//! The page, as the tests see it: functions of `page.js` and of the npm package, and functions that remember their calls.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::core::session::{Facts, Mode, Session};

/// How often something is looked at that is to happen, and for how long, in milliseconds.
const LOOK: (i32, i32) = (5, 20_000);

#[wasm_bindgen(module = "/src/web/tests/page.js")]
extern "C" {
    pub(super) fn global() -> JsValue;
    fn sleep(ms: i32) -> Promise;
    #[wasm_bindgen(js_name = moveClock)]
    pub(super) fn move_clock(ms: f64);
    #[wasm_bindgen(js_name = holdTimers)]
    pub(super) fn hold_timers() -> Array;
    pub(super) fn happen(place: &str, event: &str);
    pub(super) fn copied(value: &JsValue) -> JsValue;
    pub(super) fn fill();
    pub(super) fn block(name: &str);
    pub(super) fn stored(name: &str, key: &str) -> Option<String>;
    pub(super) fn store(name: &str, key: &str, text: &str);
    pub(super) fn locking(answer: &JsValue) -> JsValue;
    pub(super) fn rejected() -> Promise;
    pub(super) fn later() -> JsValue;
    pub(super) fn go(query: &str);
    pub(super) fn address() -> String;
    pub(super) fn options(storage: &JsValue, life_ms: f64, name: &str) -> JsValue;
}

// The package as apps import it: `module.mjs` serves it there.
#[wasm_bindgen(raw_module = "/gatewit/index.js")]
extern "C" {
    #[wasm_bindgen(js_name = createClient)]
    pub(super) fn create_client(url: &str, options: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = localStorage)]
    pub(super) fn local_storage(key: &str) -> JsValue;
    #[wasm_bindgen(js_name = sessionStorage)]
    pub(super) fn session_storage(key: &str) -> JsValue;
    #[wasm_bindgen(js_name = memoryStorage)]
    pub(super) fn memory_storage() -> JsValue;
}

/// Waits.
pub(super) async fn pause(ms: i32) {
    JsFuture::from(sleep(ms)).await.unwrap();
}

/// Waits until something is so.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..LOOK.1 / LOOK.0 {
        if holds() {
            return;
        }
        pause(LOOK.0).await;
    }
    panic!("it never came to be that {what}");
}

/// What a promise is kept with, or what it is broken with.
pub(super) async fn kept(promise: JsValue) -> Result<JsValue, JsValue> {
    JsFuture::from(promise.unchecked_into::<Promise>()).await
}

/// The texts of an array.
pub(super) fn texts(array: &JsValue) -> Vec<String> {
    array.unchecked_ref::<Array>().iter().map(|value| value.as_string().unwrap_or_default()).collect()
}

/// A session that is good for so long from now.
pub(super) fn session(mode: Mode, life_ms: f64) -> Session {
    let access = (mode != Mode::Session).then(|| "an access token".to_owned());
    let refresh = (mode == Mode::Json).then(|| "a refresh token".to_owned());
    Facts { mode, access, refresh, life_ms, expires_at: js_sys::Date::now() + life_ms }.into()
}

/// A function of JavaScript that remembers what it was called with.
pub(super) struct Listener {
    pub(super) function: Function,
    calls: Rc<RefCell<Vec<JsValue>>>,
}

impl Listener {
    pub(super) fn new() -> Self {
        let calls = Rc::<RefCell<Vec<JsValue>>>::default();
        let own = Rc::clone(&calls);
        let closure = Closure::<dyn FnMut(JsValue)>::new(move |argument| own.borrow_mut().push(argument));
        Self { function: closure.into_js_value().unchecked_into(), calls }
    }

    pub(super) fn count(&self) -> usize {
        self.calls.borrow().len()
    }

    pub(super) fn last(&self) -> JsValue {
        self.calls.borrow().last().cloned().unwrap_or_default()
    }
}
