//! Values of JavaScript and of `core`.

use alloc::string::String;

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::core::code::Code;
use crate::core::machine::{Change, Message};
use crate::core::session::{Facts, Mode, Session};
use crate::core::verdict::{Failure, Reason};

/// A property; `undefined` where there is none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A property that is a text.
pub(crate) fn text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).as_string()
}

/// Sets a property of an object of our own.
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    // It fails for frozen objects and proxies only.
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

/// A function among the properties.
pub(crate) fn function(object: &JsValue, name: &str) -> Option<js_sys::Function> {
    get(object, name).dyn_into().ok()
}

/// Calls a method, if there is one. What it throws is as if there were none.
pub(crate) fn call(object: &JsValue, name: &str, argument: &JsValue) -> Option<JsValue> {
    function(object, name)?.call1(object, argument).ok()
}

fn optional(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::NULL, JsValue::from_str)
}

/// What the app and the storage see of a session: the names are those of Directus's client.
pub(crate) fn record(session: &Session) -> JsValue {
    let record = Object::new().into();
    set(&record, "access_token", &optional(session.access.as_deref()));
    set(&record, "refresh_token", &optional(session.refresh.as_deref()));
    set(&record, "expires", &session.life_ms.into());
    set(&record, "expires_at", &session.expires_at.into());
    set(&record, "mode", &session.mode.text().into());
    record
}

/// The session of a record, of which `mode` may be missing: Directus's client does not write it.
pub(crate) fn session(record: &JsValue, mode: Mode) -> Option<Session> {
    let life_ms = get(record, "expires").as_f64()?;
    let session = Session::from(Facts {
        mode: text(record, "mode").and_then(|word| Mode::of(&word)).unwrap_or(mode),
        access: text(record, "access_token"),
        refresh: text(record, "refresh_token"),
        life_ms,
        expires_at: get(record, "expires_at").as_f64()?,
    });
    session.is_restorable().then_some(session)
}

/// The session that an answer gives, which came at `now`.
pub(crate) fn session_of(data: &JsValue, mode: Mode, now: f64) -> Option<Session> {
    let life_ms = get(data, "expires").as_f64()?;
    let (access, refresh) = (text(data, "access_token"), text(data, "refresh_token"));
    let session = Session::from(Facts { mode, access, refresh, life_ms, expires_at: now + life_ms });
    session.is_complete().then_some(session)
}

/// What came of a refresh: `data` of the answer, or the properties of an error.
pub(crate) fn answered(answer: &JsValue, mode: Mode, now: f64) -> Result<Session, Failure> {
    let error = get(answer, "error");
    if error.is_object() {
        return Err(failure_of(&error));
    }
    let session = session_of(&get(answer, "data"), mode, now);
    session.ok_or_else(|| Failure::own(Code::InvalidAnswer, "an answer without a session"))
}

/// What came of telling the server that a session is over. That it knows nothing of it is what was wanted.
pub(crate) fn unless_ended(answer: &JsValue) -> JsValue {
    let error = get(answer, "error");
    if error.is_object() && !failure_of(&error).ends_the_session() { error } else { JsValue::UNDEFINED }
}

/// A failure as the properties of an `AuthError`.
pub(crate) fn failure(failure: &Failure) -> JsValue {
    let properties = Object::new().into();
    set(&properties, "code", &failure.code.text().into());
    set(&properties, "message", &failure.message.as_str().into());
    set(&properties, "status", &failure.status.into());
    set(&properties, "retryAfter", &failure.retry_ms.into());
    properties
}

fn failure_of(properties: &JsValue) -> Failure {
    Reason {
        code: Code::of(&text(properties, "code").unwrap_or_default()),
        message: text(properties, "message").unwrap_or_default(),
        status: get(properties, "status").as_f64().unwrap_or_default(),
        retry_ms: get(properties, "retryAfter").as_f64(),
    }
    .into()
}

/// What the app is told, without the session, which it is given beside.
pub(crate) fn change(change: &Change) -> JsValue {
    let unsaved = Failure::own(Code::StorageFailed, "the session could not be stored");
    let (kind, why) = match change {
        Change::SignedIn => ("signed-in", None),
        Change::SignedOut(why) => ("signed-out", why.as_ref()),
        Change::Renewed => ("renewed", None),
        Change::Unreachable(why) => ("unreachable", Some(why)),
        Change::Unsaved => ("unsaved", Some(&unsaved)),
    };
    let told = Object::new().into();
    set(&told, "type", &kind.into());
    set(&told, "error", &why.map_or(JsValue::UNDEFINED, failure));
    told
}

/// What other tabs are told.
pub(crate) fn message(message: &Message) -> JsValue {
    let told = Object::new().into();
    let say = |name: &str, value: &JsValue| set(&told, name, value);
    match message {
        Message::SignedIn(session) => {
            say("type", &"signed-in".into());
            say("session", &record(session));
        }
        Message::Asked { from } => {
            say("type", &"asked".into());
            say("from", &from.as_str().into());
        }
        Message::Renewed { renewed, from } => {
            say("type", &"renewed".into());
            say("session", &record(renewed));
            say("from", &optional(from.as_deref()));
        }
        Message::SignedOut { at } => {
            say("type", &"signed-out".into());
            say("at", &(*at).into());
        }
        Message::Failed(why) => {
            say("type", &"failed".into());
            say("error", &failure(why));
        }
    }
    told
}

/// What another tab said. Another release of this package may say what this one does not know.
pub(crate) fn heard(told: &JsValue, mode: Mode) -> Option<Message> {
    let held = || session(&get(told, "session"), mode);
    match text(told, "type")?.as_str() {
        "signed-in" => Some(Message::SignedIn(held()?)),
        "asked" => Some(Message::Asked { from: text(told, "from")? }),
        "renewed" => Some(Message::Renewed { renewed: held()?, from: text(told, "from") }),
        "signed-out" => Some(Message::SignedOut { at: get(told, "at").as_f64()? }),
        "failed" => Some(Message::Failed(failure_of(&get(told, "error")))),
        _ => None,
    }
}
