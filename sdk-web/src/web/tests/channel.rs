//! `BroadcastChannel` carries what one tab says to those who share its session.

use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::page::{Listener, global, pause, session, until};
use crate::core::machine::Message;
use crate::core::session::Mode;
use crate::web::channel::open;
use crate::web::convert::{get, heard, message};

#[wasm_bindgen_test]
async fn a_message_reaches_others_of_its_name_and_nobody_else() {
    let (own, other, stranger) = (Listener::new(), Listener::new(), Listener::new());
    let channel = open(&global(), "a session", &own.function).unwrap();
    let _other = open(&global(), "a session", &other.function).unwrap();
    let _stranger = open(&global(), "another session", &stranger.function).unwrap();
    let said = Message::Renewed { renewed: session(Mode::Json, 900_000.0), from: Some("before".into()) };
    channel.post_message(&message(&said)).unwrap();
    until("the other has heard", || other.count() == 1).await;
    assert_eq!(heard(&get(&other.last(), "data"), Mode::Json), Some(said));
    pause(50).await;
    assert_eq!((own.count(), stranger.count(), other.count()), (0, 0, 1));
}

#[wasm_bindgen_test]
async fn a_closed_channel_hears_nothing_and_says_nothing() {
    let (one, two) = (Listener::new(), Listener::new());
    let closed = open(&global(), "a session", &one.function).unwrap();
    let open = open(&global(), "a session", &two.function).unwrap();
    closed.close();
    assert!(closed.post_message(&JsValue::from("x")).is_err());
    open.post_message(&JsValue::from("x")).unwrap();
    pause(50).await;
    assert_eq!((one.count(), two.count()), (0, 0));
}

#[wasm_bindgen_test]
fn a_browser_without_channels_has_none() {
    assert!(open(&Object::new().into(), "a session", &Listener::new().function).is_none());
}
