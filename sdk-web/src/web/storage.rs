//! Where a session is kept: an adapter with `get()` and `set(record | null)`, which may answer promises.

use wasm_bindgen::JsValue;

use super::convert::{function, record, session, text};
use crate::core::machine::Reading;
use crate::core::session::{Mode, Session};

/// An adapter, and what is known of it.
pub(crate) struct Storage {
    adapter: JsValue,
    mode: Mode,
    /// Nothing is kept: in the mode `cookie` a page asks for its access token again.
    unused: bool,
    kind: Kind,
}

/// Whose it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// This tab's alone.
    Memory,
    /// This tab's, and given to those that it is duplicated to.
    Session,
    /// Everybody's.
    Local,
    /// The app's; what it does is its business.
    Custom,
}

impl Storage {
    /// `adapter.kind` is `local` or `session` for the browser's own, `memory` for none, and missing for others.
    pub(crate) fn new(adapter: JsValue, mode: Mode) -> Self {
        let kind = match text(&adapter, "kind").as_deref() {
            Some("memory") => Kind::Memory,
            Some("session") => Kind::Session,
            Some("local") => Kind::Local,
            _ => Kind::Custom,
        };
        Self { adapter, mode, unused: mode == Mode::Cookie, kind }
    }

    /// What is kept, or a promise of it.
    pub(crate) fn get(&self) -> Result<JsValue, JsValue> {
        self.ask("get", &JsValue::UNDEFINED)
    }

    /// Keeps a session, or removes it; a promise where that takes a while.
    pub(crate) fn set(&self, session: Option<&Session>) -> Result<JsValue, JsValue> {
        self.ask("set", &session.map_or(JsValue::NULL, record))
    }

    fn ask(&self, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
        if self.unused {
            return Ok(JsValue::NULL);
        }
        function(&self.adapter, method).ok_or(JsValue::NULL)?.call1(&self.adapter, argument)
    }

    /// What an answer to [`Self::get`] says when a page is opened.
    pub(crate) fn at_start(&self, answer: Result<JsValue, JsValue>) -> Reading {
        match answer {
            _ if self.unused => Reading::Unused,
            Ok(value) => session(&value, self.mode).map_or(Reading::Absent, Reading::Record),
            Err(_) => Reading::Absent,
        }
    }

    /// What it says later: where only this tab writes, it is no news; where it cannot be read, nobody knows.
    pub(crate) fn later(&self, answer: Result<JsValue, JsValue>) -> Reading {
        if self.kind != Kind::Memory && answer.is_ok() { self.at_start(answer) } else { Reading::Unused }
    }

    /// Whether all tabs see the same.
    pub(crate) fn is_common(&self) -> bool {
        self.kind == Kind::Local
    }

    /// Whether other tabs may hold the same session. With a storage of the app only the storage tells: a tab that heard of a
    /// renewal would not know whether to keep it there.
    pub(crate) fn has_others(&self) -> bool {
        matches!(self.kind, Kind::Local | Kind::Session)
    }

    /// Whether it is one of ours, in which no code of the app runs.
    pub(crate) fn is_ours(&self) -> bool {
        self.unused || self.kind != Kind::Custom
    }
}
