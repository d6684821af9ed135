//! What the value of a control of RFC 2696 is.
#![expect(clippy::no_effect_underscore_binding, reason = "what `rasn` derives")]

use rasn::{AsnType, Decode, Decoder, Encode, types::OctetString};

/// How many entries, and the way to the next ones.
#[derive(AsnType, Encode, Decode, Debug)]
pub(crate) struct Page {
    pub(crate) size: u32,
    pub(crate) cookie: OctetString,
}
