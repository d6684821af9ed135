//! The package around the module: its requests go through the browser's `fetch` to a real server, and it reads and cleans the
//! address of the page.

use js_sys::{Array, Object, Promise};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use super::page::{address, create_client, global, go, kept, stored};
use crate::web::convert::{function, get, set, text};

/// The administrator whom `module.mjs` has the server made with.
const ADMIN: [(&str, &str); 2] = [("email", "admin@example.com"), ("password", "Adm1n-password")];

fn object(pairs: &[(&str, &str)]) -> JsValue {
    let object = Object::new().into();
    pairs.iter().for_each(|(name, value)| set(&object, name, &(*value).into()));
    object
}

fn origin() -> String {
    text(&get(&global(), "location"), "origin").unwrap()
}

fn client(options: &[(&str, &str)]) -> JsValue {
    create_client(&origin(), &object(options))
}

/// Calls a method and waits for what it promises.
async fn ask(object: &JsValue, name: &str, given: &[JsValue]) -> Result<JsValue, JsValue> {
    let given: Array = given.iter().collect();
    let promise: Promise = function(object, name).unwrap().apply(object, &given)?.unchecked_into();
    kept(promise.into()).await
}

#[wasm_bindgen_test]
async fn the_browsers_fetch_signs_in_and_carries_the_token() {
    let client = client(&[("mode", "json"), ("storage", "local")]);
    ask(&client, "login", &[object(&ADMIN)]).await.unwrap();
    let key = format!("gatewit:{}", origin());
    assert!(stored("localStorage", &key).unwrap().contains("refresh_token"));
    let answer = ask(&client, "fetch", &["/users/me?fields=email".into()]).await.unwrap();
    let body = ask(&answer, "json", &[]).await.unwrap();
    assert_eq!(text(&get(&body, "data"), "email").as_deref(), Some(ADMIN[0].1));
    ask(&client, "logout", &[]).await.unwrap();
    assert_eq!(stored("localStorage", &key), None);
}

#[wasm_bindgen_test]
async fn the_browsers_cookies_hold_a_session_that_scripts_do_not_see() {
    let session = client(&[("mode", "session")]);
    ask(&session, "login", &[object(&ADMIN)]).await.unwrap();
    let me = ask(&session, "me", &[object(&[("fields", "email")])]).await.unwrap();
    assert_eq!(text(&me, "email").as_deref(), Some(ADMIN[0].1));
    assert_eq!(text(&get(&global(), "document"), "cookie").as_deref(), Some(""));
    ask(&session, "logout", &[]).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_server_that_is_away_is_told_apart_from_one_that_refuses() {
    let nowhere = create_client("http://127.0.0.1:9", &object(&[("mode", "json")]));
    let error = ask(&nowhere, "login", &[object(&ADMIN)]).await.unwrap_err();
    assert_eq!(text(&error, "code").as_deref(), Some("NETWORK"));
    let error = ask(&client(&[("mode", "json")]), "login", &[object(&[("email", "a@b.cd"), ("password", "x")])]).await;
    assert_eq!(text(&error.unwrap_err(), "code").as_deref(), Some("INVALID_CREDENTIALS"));
}

#[wasm_bindgen_test]
async fn what_a_redirect_says_is_an_error_and_leaves_the_address() {
    go("?kept=1&reason=INVALID_OTP&gatewit=back");
    let error = ask(&client(&[]), "handleRedirect", &[]).await.unwrap_err();
    assert_eq!(text(&error, "code").as_deref(), Some("INVALID_OTP"));
    assert!(address().ends_with("?kept=1"), "{}", address());
}

#[wasm_bindgen_test]
async fn an_address_without_a_redirect_stays_as_it_is() {
    go("?kept=1&reason=late");
    assert!(ask(&client(&[]), "handleRedirect", &[]).await.unwrap().is_null());
    assert!(address().ends_with("?kept=1&reason=late"), "{}", address());
}
