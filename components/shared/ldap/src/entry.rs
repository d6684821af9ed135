//! An entry of a directory, as far as it was asked for.

use alloc::{string::String, vec::Vec};

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as the server writes it.
    pub name: String,
    /// Attributes with their values, as they came.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// The values of an attribute that are texts. Names of attributes know no case (RFC 4512, section 2.5).
    pub fn texts<'a>(&'a self, attribute: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.attributes.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(attribute));
        named.flat_map(|(_, values)| values).filter_map(|value| core::str::from_utf8(value).ok())
    }

    /// The first of them that is not empty.
    #[must_use]
    pub fn first<'a>(&'a self, attribute: &'a str) -> Option<&'a str> {
        self.texts(attribute).find(|text| !text.is_empty())
    }

    /// The first of them as a number.
    #[must_use]
    pub fn number(&self, attribute: &str) -> Option<i64> {
        self.first(attribute)?.trim().parse().ok()
    }

    /// Whether an attribute came.
    #[must_use]
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|(name, values)| name.eq_ignore_ascii_case(attribute) && !values.is_empty())
    }
}
