//! What a template is filled with, and a sheet with an end to write it on.
//!
//! A name that has no value is empty, as in Directus's Liquid, so templates that were written for it need no care. The
//! `liquid` crate would refuse them.

use liquid::{
    Object, ObjectView, ValueView,
    model::{DisplayCow, KStringCow, State, Value},
};
use std::{fmt, io};

/// Most that a template may make, in bytes. Mail programs cut letters at a fifth of it.
const RENDERED_BYTES_MAX: usize = 512 << 10;

/// Values by name; every other name is there, and empty.
#[derive(Debug)]
pub(super) struct Values(pub(super) Object);

/// The value of a name that has none, and of everything in it.
#[derive(Debug)]
struct Absent;

static ABSENT: Absent = Absent;

impl ValueView for Values {
    fn as_debug(&self) -> &dyn fmt::Debug {
        self
    }

    fn render(&self) -> DisplayCow<'_> {
        self.0.render()
    }

    fn source(&self) -> DisplayCow<'_> {
        self.0.source()
    }

    fn type_name(&self) -> &'static str {
        self.0.type_name()
    }

    fn query_state(&self, state: State) -> bool {
        self.0.query_state(state)
    }

    fn to_kstr(&self) -> KStringCow<'_> {
        self.0.to_kstr()
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }

    fn as_object(&self) -> Option<&dyn ObjectView> {
        Some(self)
    }
}

impl ObjectView for Values {
    fn as_value(&self) -> &dyn ValueView {
        self
    }

    fn size(&self) -> i64 {
        ObjectView::size(&self.0)
    }

    fn keys<'k>(&'k self) -> Box<dyn Iterator<Item = KStringCow<'k>> + 'k> {
        ObjectView::keys(&self.0)
    }

    fn values<'k>(&'k self) -> Box<dyn Iterator<Item = &'k dyn ValueView> + 'k> {
        ObjectView::values(&self.0)
    }

    fn iter<'k>(&'k self) -> Box<dyn Iterator<Item = (KStringCow<'k>, &'k dyn ValueView)> + 'k> {
        ObjectView::iter(&self.0)
    }

    fn contains_key(&self, _name: &str) -> bool {
        true
    }

    fn get<'s>(&'s self, name: &str) -> Option<&'s dyn ValueView> {
        Some(ObjectView::get(&self.0, name).unwrap_or(&ABSENT))
    }
}

impl ValueView for Absent {
    fn as_debug(&self) -> &dyn fmt::Debug {
        self
    }

    fn render(&self) -> DisplayCow<'_> {
        Value::Nil.render()
    }

    fn source(&self) -> DisplayCow<'_> {
        Value::Nil.source()
    }

    fn type_name(&self) -> &'static str {
        "nil"
    }

    fn query_state(&self, state: State) -> bool {
        state != State::Truthy
    }

    fn to_kstr(&self) -> KStringCow<'_> {
        KStringCow::from_static("")
    }

    fn to_value(&self) -> Value {
        Value::Nil
    }

    fn as_object(&self) -> Option<&dyn ObjectView> {
        Some(self)
    }

    fn is_nil(&self) -> bool {
        true
    }
}

impl ObjectView for Absent {
    fn as_value(&self) -> &dyn ValueView {
        self
    }

    fn size(&self) -> i64 {
        0
    }

    fn keys<'k>(&'k self) -> Box<dyn Iterator<Item = KStringCow<'k>> + 'k> {
        Box::new(std::iter::empty())
    }

    fn values<'k>(&'k self) -> Box<dyn Iterator<Item = &'k dyn ValueView> + 'k> {
        Box::new(std::iter::empty())
    }

    fn iter<'k>(&'k self) -> Box<dyn Iterator<Item = (KStringCow<'k>, &'k dyn ValueView)> + 'k> {
        Box::new(std::iter::empty())
    }

    fn contains_key(&self, _name: &str) -> bool {
        true
    }

    fn get<'s>(&'s self, _name: &str) -> Option<&'s dyn ValueView> {
        Some(self)
    }
}

/// Paper that ends, against slips. A template is the operator's own program, and not watched otherwise.
#[derive(Debug, Default)]
pub(super) struct Sheet(Vec<u8>);

impl Sheet {
    /// What was written.
    pub(super) fn text(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Did the template want more than there is?
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= RENDERED_BYTES_MAX
    }
}

impl io::Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = RENDERED_BYTES_MAX.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
        // Nothing written is an error to the caller.
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
