//! What is around the module: the clock, timers, and the events that say that a page is looked at again.
//!
//! Each is looked up by name, because workers and Node have only some.

use core::cell::Cell;

use js_sys::{Date, Function, Math};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::convert::{call, function, get};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, after_ms: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// The longest nap: while a machine sleeps, timers may stand still, so that the clock has to be looked at from time to time.
const NAP_MS: f64 = 60_000.0;

/// The names of events that say that time may have jumped or the network be back: of the window and of the document.
const WAKES: [(&str, &str); 5] =
    [("", "online"), ("", "focus"), ("", "pageshow"), ("document", "visibilitychange"), ("document", "resume")];

/// Milliseconds since 1970.
pub(crate) fn now() -> f64 {
    Date::now()
}

/// A number between 0 and 1; not for secrets.
pub(crate) fn chance() -> f64 {
    Math::random()
}

/// A timer that can be set again.
pub(crate) struct Timer {
    then: Function,
    running: Cell<JsValue>,
}

impl Timer {
    pub(crate) fn new(then: Function) -> Self {
        Self { then, running: Cell::new(JsValue::UNDEFINED) }
    }

    /// Fires at `at`, or a little nap from now, or not at all.
    pub(crate) fn set(&self, at: Option<f64>) {
        clear_timeout(&self.running.take());
        let Some(at) = at else { return };
        let timer = set_timeout(&self.then, (at - now()).clamp(0.0, NAP_MS));
        // Node would not end while it runs.
        call(&timer, "unref", &JsValue::UNDEFINED);
        self.running.set(timer);
    }
}

/// Has `then` called when the page may have been away.
pub(crate) fn on_wake(global: &JsValue, then: &Function) {
    for_wakes(global, "addEventListener", then);
}

/// Ends what [`on_wake`] began.
pub(crate) fn off_wake(global: &JsValue, then: &Function) {
    for_wakes(global, "removeEventListener", then);
}

fn for_wakes(global: &JsValue, method: &str, then: &Function) {
    for (place, event) in WAKES {
        let target = if place.is_empty() { global.clone() } else { get(global, place) };
        if let Some(method) = function(&target, method) {
            let _ = method.call2(&target, &event.into(), then);
        }
    }
}
