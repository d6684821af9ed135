//! What only a browser knows, asked of a browser: its storages, channels, locks, timers and events, and the real `fetch`.
//!
//! `tests/suites/sdk_web/module.mjs` runs each of these in a page of its own, in Chromium, with a server behind it. Absent:
//! the rules of a session, which are tested natively (`core`), and tabs that are tabs of their own (`tests/suites/sdk_web`).

mod channel;
mod convert;
mod lock;
mod package;
mod page;
mod storage;
mod surroundings;
mod tab;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// What runs the tests has to see it fail, or it would see nothing.
#[wasm_bindgen_test]
fn fails_on_purpose() {
    assert!(page::global().is_undefined(), "on purpose");
}
