//! Who somebody is, by the attributes that are configured.
//!
//! An attribute is named by its `Name`, else by its `FriendlyName`; `NameID` is the name of the subject.

use crate::{
    Refusal,
    assertion::{Assertion, Attribute, NameId},
    names::TRANSIENT,
    text::shown,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

/// How the name of the subject is called in settings.
pub const NAME_ID: &str = "NameID";

/// Longest identifier, name or address, in bytes: columns of Directus hold 255 letters.
const LONGEST: usize = 1024;

/// Most groups that are kept: directories put people into hundreds.
const MOST_GROUPS: usize = 4096;

/// Which attributes say what.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The identifier.
    pub identifier: &'a str,
    /// Where it is looked for if that is missing.
    pub second_identifier: Option<&'a str>,
    /// The e-mail address.
    pub email: &'a str,
    /// Whether the provider vouches for the address.
    pub email_verified: Option<&'a str>,
    /// The given name.
    pub given_name: &'a str,
    /// The family name.
    pub family_name: &'a str,
    /// The groups.
    pub groups: &'a str,
}

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Never empty.
    pub identifier: String,
    /// Where the identifier was found, if that was not the first place.
    pub found_in_second: bool,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the provider vouches for it.
    pub email_verified: bool,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// Everything that was said, as JSON.
    pub claims: String,
}

/// Reads an assertion.
pub fn person(assertion: &Assertion, names: &Names<'_>) -> Result<Person, Refusal> {
    let first = identifier(assertion, names.identifier)?;
    let found_in_second = first.is_none();
    let second = match (&first, names.second_identifier) {
        (None, Some(name)) => identifier(assertion, name)?,
        _ => None,
    };
    let Some(identifier) = first.or(second) else { return Err(nobody(assertion, names)) };
    let read = |name: &str| values(assertion, name).next();
    Ok(Person {
        identifier,
        found_in_second,
        email: read(names.email),
        email_verified: names
            .email_verified
            .and_then(read)
            .is_some_and(|verified| matches!(verified.as_str(), "true" | "1")),
        given_name: read(names.given_name),
        family_name: read(names.family_name),
        groups: values(assertion, names.groups).take(MOST_GROUPS).collect(),
        claims: claims(assertion),
    })
}

/// The one value of an identifier. Two could be two people; a name for one session is no identifier.
fn identifier(assertion: &Assertion, name: &str) -> Result<Option<String>, Refusal> {
    if name == NAME_ID {
        let is_lasting = |name_id: &&NameId| name_id.format.as_deref() != Some(TRANSIENT);
        return Ok(assertion.name_id.as_ref().filter(is_lasting).and_then(|name_id| usable(&name_id.value)));
    }
    let mut values = values(assertion, name);
    let first = values.next();
    match values.find(|other| Some(other) != first.as_ref()) {
        None => Ok(first),
        Some(_) => Err(Refusal::Refused(format!("the attribute `{name}` has several values, so it identifies nobody"))),
    }
}

fn values(assertion: &Assertion, name: &str) -> impl Iterator<Item = String> {
    let by_name = |attribute: &&Attribute| attribute.name == name;
    let by_friendly_name = |attribute: &&Attribute| attribute.friendly_name.as_deref() == Some(name);
    let attributes = &assertion.attributes;
    let found = attributes.iter().find(by_name).or_else(|| attributes.iter().find(by_friendly_name));
    let subject = assertion.name_id.as_ref().filter(|_| name == NAME_ID).map(|name_id| &name_id.value);
    subject
        .into_iter()
        .chain(found.into_iter().flat_map(|attribute| &attribute.values))
        .filter_map(|value| usable(value))
}

fn usable(text: &str) -> Option<String> {
    Some(text).filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.contains('\0')).map(ToString::to_string)
}

fn claims(assertion: &Assertion) -> String {
    let mut claims = Map::new();
    for attribute in &assertion.attributes {
        let value = match attribute.values.as_slice() {
            [value] => Value::from(value.as_str()),
            values => Value::from(values),
        };
        claims.insert(attribute.name.clone(), value);
    }
    if let Some(name) = &assertion.name_id {
        claims.entry(NAME_ID).or_insert(Value::from(name.value.as_str()));
    }
    Value::Object(claims).to_string()
}

/// Says what there was, so that the operator can choose from it.
fn nobody(assertion: &Assertion, names: &Names<'_>) -> Refusal {
    let format = |name: &NameId| shown(name.format.as_deref().unwrap_or("unspecified"));
    let subject = assertion.name_id.as_ref().map_or_else(|| String::from("none"), format);
    let mut told = String::new();
    for attribute in assertion.attributes.iter().take(50) {
        told.push_str(if told.is_empty() { "" } else { ", " });
        told.push_str(&shown(&attribute.name));
    }
    let second = names.second_identifier.map(|name| format!(" nor `{name}`")).unwrap_or_default();
    Refusal::Refused(format!(
        "the provider tells neither `{}`{second} that would last, so there is nothing to know the person by; attributes: {told}; \
         format of the NameID: {subject}",
        names.identifier
    ))
}

#[cfg(test)]
mod tests;
