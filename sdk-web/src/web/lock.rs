//! The lock of a refresh: Web Locks, asked for without waiting. An optimisation, and nothing else: a tab that has it and is
//! frozen holds up nobody (see `PATIENCE_MS` of the machine).

use alloc::rc::Rc;
use core::cell::Cell;

use js_sys::{Function, Object, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

use super::convert::{function, get, set};

/// A lock that this tab may hold.
#[derive(Clone, Default)]
pub(crate) struct Lock {
    release: Rc<Cell<Option<Function>>>,
}

/// The browser's locks, and how to ask for one; there are none without TLS, and in old browsers.
fn manager(global: &JsValue) -> Option<(JsValue, Function)> {
    let locks = get(&get(global, "navigator"), "locks");
    let request = function(&locks, "request")?;
    Some((locks, request))
}

/// Whether there are locks here.
pub(crate) fn is_there(global: &JsValue) -> bool {
    manager(global).is_some()
}

impl Lock {
    /// Asks for the lock of this name; `then` is told whether it is ours.
    pub(crate) fn claim(&self, global: &JsValue, name: &str, then: impl Fn(bool) + Clone + 'static) {
        let Some((locks, request)) = manager(global) else { return then(false) };
        let options = Object::new().into();
        set(&options, "ifAvailable", &JsValue::TRUE);
        let (release, granted) = (Rc::clone(&self.release), then.clone());
        let held = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            if lock.is_null() {
                granted(false);
                return JsValue::UNDEFINED;
            }
            let promise = Promise::new(&mut |resolve, _| {
                release.set(Some(resolve));
            });
            granted(true);
            promise.into()
        });
        // Refused to pages without an origin: then without a lock.
        let asked = request.call3(&locks, &name.into(), &options, &held).unwrap_or_default();
        let refused = Closure::once_into_js(move |_: JsValue| then(false));
        if let Some(method) = function(&asked, "catch") {
            let _ = method.call1(&asked, &refused);
        }
    }

    /// Gives it back.
    pub(crate) fn release(&self) {
        if let Some(release) = self.release.take() {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}
