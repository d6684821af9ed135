//! The way to the other tabs: `BroadcastChannel`, where there is one. Only pages of the same origin hear it.

use js_sys::Function;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::BroadcastChannel;

use super::convert::{call, function};

/// Opens the channel of this name, and has `heard` called with events that have the message in `data`.
pub(crate) fn open(global: &JsValue, name: &str, heard: &Function) -> Option<BroadcastChannel> {
    // It is missing in old browsers, and refused to pages without an origin.
    function(global, "BroadcastChannel")?;
    let channel = BroadcastChannel::new(name).ok()?;
    channel.set_onmessage(Some(heard));
    // Node would not end while it is open.
    call(channel.unchecked_ref(), "unref", &JsValue::UNDEFINED);
    Some(channel)
}
