//! Who somebody is, by the claims that are configured.
//!
//! A claim is named by its name, or by the names on the way to it with dots between them (`address.country`, `emails.0`).

use crate::Refusal;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

/// Longest identifier, name or address, in bytes: columns of Directus hold 255 letters.
const LONGEST: usize = 1024;

/// Most groups that are kept: directories put people into hundreds.
const MOST_GROUPS: usize = 4096;

/// Which claims say what.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The identifier; without it, the e-mail address.
    pub identifier: Option<&'a str>,
    /// The e-mail address.
    pub email: &'a str,
    /// The given name.
    pub given_name: Option<&'a str>,
    /// The family name.
    pub family_name: Option<&'a str>,
    /// The groups.
    pub groups: &'a str,
}

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Never empty.
    pub identifier: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// All claims as JSON.
    pub claims: String,
}

/// Reads the claims.
pub fn person(claims: Map<String, Value>, names: &Names<'_>) -> Result<Person, Refusal> {
    let claims = Value::Object(claims);
    let read = |name: Option<&str>| name.and_then(|name| find(&claims, name)).and_then(text);
    let email = read(Some(names.email));
    let identifier = read(names.identifier).or_else(|| email.clone()).ok_or_else(|| nobody(names))?;
    Ok(Person {
        identifier,
        email_verified: matches!(find(&claims, "email_verified"), Some(Value::Bool(true)))
            || find(&claims, "email_verified").is_some_and(|verified| verified == "true"),
        email,
        given_name: read(names.given_name),
        family_name: read(names.family_name),
        groups: find(&claims, names.groups).map(groups).unwrap_or_default(),
        claims: claims.to_string(),
    })
}

/// Whether claims that came with a refresh are about the person who signed in (OpenID Connect Core 1.0, section 12.2), as far
/// as they tell. Identifiers are kept and compared without regard to case.
pub fn same(claims: Map<String, Value>, name: &str, identifier: &str) -> Result<(), Refusal> {
    match find(&Value::Object(claims), name).and_then(text) {
        Some(found) if found.to_lowercase() != identifier.to_lowercase() => {
            Err(Refusal::Refused(format!("`{name}` of the ID token is not the one of the sign-in")))
        }
        _ => Ok(()),
    }
}

fn nobody(names: &Names<'_>) -> Refusal {
    let by = names.identifier.map(|name| format!("`{name}` nor ")).unwrap_or_default();
    let neither = if by.is_empty() { "no" } else { "neither" };
    Refusal::Refused(format!(
        "the provider tells {neither} {by}`{}`, so there is nothing to know the person by",
        names.email
    ))
}

/// The claim of a name: a member of exactly that name, else the way to it.
fn find<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    match claims {
        Value::Object(members) => members.get(name).or_else(|| {
            let mut splits = name.match_indices('.').filter_map(|(place, _)| name.split_at_checked(place));
            splits.find_map(|(first, rest)| find(members.get(first)?, rest.strip_prefix('.')?))
        }),
        Value::Array(values) => {
            let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
            let value = values.get(first.parse::<usize>().ok()?)?;
            rest.map_or(Some(value), |rest| find(value, rest))
        }
        _ => None,
    }
}

/// A text that is not empty. Whole numbers are texts, too: some providers number people.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.contains('\0'))
}

fn groups(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(text).take(MOST_GROUPS).collect(),
        other => text(other).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NAMES: Names<'static> = Names {
        identifier: Some("sub"),
        email: "email",
        given_name: Some("given_name"),
        family_name: Some("family_name"),
        groups: "groups",
    };

    fn read(claims: &Value, names: &Names<'_>) -> Result<Person, Refusal> {
        person(claims.as_object().unwrap().clone(), names)
    }

    #[test]
    fn a_person_is_read() {
        let claims = json!({
            "sub": "s", "email": "a@example.com", "email_verified": true, "given_name": "A", "groups": ["g", 5, null, "h"],
        });
        let person = read(&claims, &NAMES).unwrap();
        assert_eq!((person.identifier.as_str(), person.email.as_deref()), ("s", Some("a@example.com")));
        assert!(person.email_verified);
        assert_eq!((person.given_name.as_deref(), person.family_name), (Some("A"), None));
        assert_eq!(person.groups, ["g", "5", "h"]);
        assert_eq!(serde_json::from_str::<Value>(&person.claims).unwrap(), claims);
    }

    #[test]
    fn claims_are_found_by_their_way() {
        let claims = json!({
            "a": {"b": {"c": 1}}, "a.b": {"d": 2}, "https://x.example.com/roles": "admin", "emails": [{"value": "e"}, "f"],
        });
        for (name, expected) in [
            ("a.b.c", Some(json!(1))),
            ("a.b.d", Some(json!(2))),
            ("a.b", Some(json!({"d": 2}))),
            ("https://x.example.com/roles", Some(json!("admin"))),
            ("emails.0.value", Some(json!("e"))),
            ("emails.1", Some(json!("f"))),
            ("emails.2", None),
            ("emails.x", None),
            ("a.b.c.d", None),
            ("a.", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(find(&claims, name).cloned(), expected, "{name}");
        }
    }

    #[test]
    fn numbers_are_identifiers_and_what_is_no_text_is_none() {
        let names = Names { identifier: Some("id"), ..NAMES };
        assert_eq!(read(&json!({"id": 583_231, "email": "e"}), &names).unwrap().identifier, "583231");
        for id in [json!(""), json!(null), json!(1.5), json!(true), json!(["x"]), json!({"a": 1}), json!("a\0b")] {
            assert_eq!(read(&json!({"id": id, "email": "e"}), &names).unwrap().identifier, "e", "{id}");
        }
    }

    #[test]
    fn nobody_is_a_refusal_that_says_what_is_missing() {
        let text = |names: &Names<'_>| read(&json!({}), names).unwrap_err().to_string();
        assert_eq!(
            text(&NAMES),
            "the provider tells neither `sub` nor `email`, so there is nothing to know the person by"
        );
        let names = Names { identifier: None, ..NAMES };
        assert_eq!(text(&names), "the provider tells no `email`, so there is nothing to know the person by");
    }

    #[test]
    fn an_address_is_verified_if_the_provider_says_so() {
        let verified =
            |value: Value| read(&json!({"sub": "s", "email_verified": value}), &NAMES).unwrap().email_verified;
        assert!(verified(json!(true)) && verified(json!("true")));
        for value in [json!(false), json!("false"), json!(1), json!(null), json!("yes")] {
            assert!(!verified(value.clone()), "{value}");
        }
    }

    #[test]
    fn a_refresh_is_about_the_same_person() {
        let claims = || json!({"sub": "Sam"}).as_object().unwrap().clone();
        assert_eq!(same(claims(), "sub", "sam"), Ok(()));
        assert_eq!(same(claims(), "email", "a@example.com"), Ok(()));
        assert!(same(claims(), "sub", "pam").is_err());
    }

    #[test]
    fn one_group_may_be_a_text() {
        assert_eq!(read(&json!({"sub": "s", "groups": "g"}), &NAMES).unwrap().groups, ["g"]);
        let names = Names { groups: "realm_access.roles", ..NAMES };
        assert_eq!(read(&json!({"sub": "s", "realm_access": {"roles": ["r"]}}), &names).unwrap().groups, ["r"]);
    }

    proptest! {
        #[test]
        fn any_claims_are_read(json: String, name: String, way in "[a.0]{0,40}") {
            let claims = json!({"sub": json, "a": {"a": [{"a": 1}]}});
            let names = Names { identifier: Some(&name), groups: &way, ..NAMES };
            if let Ok(person) = read(&claims, &names) {
                prop_assert!(!person.identifier.is_empty());
            }
        }
    }
}
