//! What the module exports: few calls, each of which decides something. Names and waiting are in `npm/client.js`.

use alloc::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::convert::{record, session_of};
use super::surroundings::now;
use super::tab::Tab;
use crate::core::machine::Event;
use crate::core::session::Mode;
use crate::core::verdict;

/// The session of one server in one tab.
#[wasm_bindgen]
pub struct Core {
    tab: Rc<Tab>,
}

#[wasm_bindgen]
impl Core {
    /// With options in which nothing is missing.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(options: JsValue) -> Self {
        Self { tab: Tab::open(options) }
    }

    /// Tells what the storage had.
    pub fn restored(&self, kept: JsValue) {
        self.tab.restored(Ok(kept));
    }

    /// What the app sees of the session; `null` if nobody is signed in.
    #[must_use]
    pub fn current(&self) -> JsValue {
        self.tab.current()
    }

    /// Whether a request should wait for a refresh.
    #[must_use]
    #[wasm_bindgen(js_name = needsRefresh)]
    pub fn needs_refresh(&self) -> bool {
        self.tab.needs_refresh()
    }

    /// Whether a request can do without the refresh that has failed.
    #[must_use]
    #[wasm_bindgen(js_name = canDoWithout)]
    pub fn can_do_without(&self) -> bool {
        self.tab.can_do_without()
    }

    /// Has the session renewed. It gets the properties of an error, or nothing.
    pub fn renew(&self, eager: bool) -> Promise {
        self.tab.renew(eager)
    }

    /// Waits while an answer is on its way whose cookie would come after another one.
    #[must_use]
    pub fn quiet(&self) -> Option<Promise> {
        self.tab.quiet()
    }

    /// Takes the session of an answer over, which was asked for in this mode. `undefined` if the answer has none.
    #[must_use]
    #[wasm_bindgen(js_name = signedIn)]
    pub fn signed_in(&self, data: &JsValue, mode: &str) -> JsValue {
        let session = Mode::of(mode).and_then(|mode| session_of(data, mode, now()));
        session.map_or(JsValue::UNDEFINED, |session| {
            let seen = record(&session);
            self.tab.feed(Event::SignedIn(session));
            seen
        })
    }

    /// Signs out. It gets the properties of an error, or nothing.
    #[wasm_bindgen(js_name = signOut)]
    pub fn sign_out(&self) -> Promise {
        self.tab.leave()
    }

    /// No refreshing by itself from now on.
    #[wasm_bindgen(js_name = stopRefreshing)]
    pub fn stop_refreshing(&self) {
        self.tab.stop_refreshing();
    }

    /// Ends timers and listening.
    pub fn close(&self) {
        self.tab.close();
    }
}

/// The code of an answer with this status, in which the server named `code`, or nothing.
#[must_use]
#[wasm_bindgen(js_name = codeOf, unchecked_return_type = "string")]
pub fn code_of(status: u16, code: &str) -> JsValue {
    verdict::code_of(status, code).text().into()
}
