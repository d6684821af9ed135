//! Who an entry speaks of.

use crate::{entry::Entry, settings::Settings};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

/// Somebody, as far as the directory tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name of their entry, as the server writes it.
    pub identifier: String,
    /// Their address.
    pub email: Option<String>,
    /// Their first name.
    pub given_name: Option<String>,
    /// Their last name.
    pub family_name: Option<String>,
    /// What their groups are called.
    pub groups: Vec<String>,
    /// All that was asked for, as a JSON object of lists of texts.
    pub claims: String,
}

/// Which attributes of people are asked for, each once.
#[must_use]
pub fn attributes(settings: &Settings) -> Vec<String> {
    let own = [&settings.mail, &settings.first_name, &settings.last_name, &settings.user_attribute];
    let optional = [&settings.user_alternative, &settings.member_of].into_iter().flatten();
    let state = crate::account::ATTRIBUTES.into_iter();
    let mut names: Vec<String> = Vec::from(["uid".to_string()]);
    for name in own.into_iter().chain(optional).map(String::as_str).chain(state) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_string());
        }
    }
    names
}

/// Reads an entry.
#[must_use]
pub fn read(entry: &Entry, groups: Vec<String>, settings: &Settings) -> Person {
    let text = |attribute: &str| entry.first(attribute).map(ToString::to_string);
    Person {
        identifier: entry.name.clone(),
        email: text(&settings.mail),
        given_name: text(&settings.first_name),
        family_name: text(&settings.last_name),
        groups,
        claims: claims(entry),
    }
}

fn claims(entry: &Entry) -> String {
    let mut claims = Map::new();
    claims.insert("dn".into(), Value::String(entry.name.clone()));
    for (name, values) in &entry.attributes {
        let texts = values.iter().filter_map(|value| core::str::from_utf8(value).ok());
        claims.insert(name.clone(), texts.map(|text| Value::String(text.into())).collect());
    }
    Value::Object(claims).to_string()
}
