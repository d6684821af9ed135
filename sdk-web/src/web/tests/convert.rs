//! Sessions and messages as other tabs and storages give them back.

use js_sys::Object;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use super::page::{copied, session};
use crate::core::code::Code;
use crate::core::machine::Message;
use crate::core::session::Mode;
use crate::core::verdict::Failure;
use crate::web::convert;

#[wasm_bindgen_test]
fn a_session_is_the_same_after_a_copy() {
    for mode in [Mode::Json, Mode::Cookie, Mode::Session] {
        let session = session(mode, 900_000.0);
        // The mode is in the record: after single sign-on it is another than the client's.
        assert_eq!(convert::session(&copied(&convert::record(&session)), Mode::Json), Some(session));
    }
}

#[wasm_bindgen_test]
fn a_record_of_directus_has_no_mode_and_gets_ours() {
    let record = convert::record(&session(Mode::Json, 900_000.0));
    js_sys::Reflect::delete_property(record.unchecked_ref::<Object>(), &"mode".into()).unwrap();
    assert_eq!(convert::session(&record, Mode::Json).map(|session| session.mode), Some(Mode::Json));
}

#[wasm_bindgen_test]
fn messages_are_the_same_after_a_copy() {
    let renewed = || session(Mode::Json, 900_000.0);
    let all = [
        Message::SignedIn(renewed()),
        Message::Renewed { renewed: renewed(), from: Some("before".into()) },
        Message::Renewed { renewed: renewed(), from: None },
        Message::Asked { from: "before".into() },
        Message::SignedOut { at: 17.0 },
        Message::Failed(Failure::own(Code::Network, "away")),
    ];
    for message in all {
        assert_eq!(convert::heard(&copied(&convert::message(&message)), Mode::Json), Some(message));
    }
}

#[wasm_bindgen_test]
fn what_another_release_says_is_nothing() {
    let other = Object::new().into();
    convert::set(&other, "type", &"something new".into());
    for told in [JsValue::UNDEFINED, JsValue::NULL, "signed-out".into(), 7.into(), Object::new().into(), other] {
        assert_eq!(convert::heard(&told, Mode::Json), None, "{told:?}");
    }
    let empty = Object::new().into();
    convert::set(&empty, "type", &"signed-in".into());
    assert_eq!(convert::heard(&empty, Mode::Json), None, "a sign-in without a session");
}
