//! What a client sends to be stored, checked against the schema.
//!
//! Absent: who may store it (`rights`), and whether the store takes it (uniqueness, references).

use super::{
    Refusal,
    filter::forbidden_field,
    moment,
    schema::{self, Collection, Kind},
    value::{CONCEALED, Value},
};
use alloc::{format, string::String, string::ToString, vec::Vec};
use serde_json::{Map, Value as Json};

/// Records of one request. A page of the app has a hundred.
pub const RECORDS_MAX: usize = 100;

/// A value for a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Stored as it is.
    Plain(Value),
    /// Hashed first.
    Password(String),
}

/// A field with its new value.
pub type Assignment = (&'static str, Input);

/// Takes a body apart: one record or several.
///
/// # Errors
/// [`Refusal::InvalidPayload`] for anything else, or too many.
pub fn records(body: &Json) -> Result<Vec<&Map<String, Json>>, Refusal> {
    let refused = |reason: &str| Refusal::InvalidPayload(reason.to_string());
    match body {
        Json::Array(records) if records.len() > RECORDS_MAX => {
            Err(refused(&format!("More than {RECORDS_MAX} records at once")))
        }
        Json::Array(records) => records.iter().map(object).collect(),
        record => Ok([object(record)?].to_vec()),
    }
}

fn object(record: &Json) -> Result<&Map<String, Json>, Refusal> {
    record.as_object().ok_or_else(|| Refusal::InvalidPayload("Each record has to be an object".to_string()))
}

/// Reads the fields of one record. The id is left out.
///
/// # Errors
/// [`Refusal::Forbidden`] for fields that are not there, [`Refusal::InvalidPayload`] for values that do not fit.
pub fn read(record: &Map<String, Json>, collection: &'static Collection) -> Result<Vec<Assignment>, Refusal> {
    let mut assignments = Vec::new();
    for (name, value) in record {
        let field = collection.field(name).ok_or_else(|| forbidden_field(collection.name, name))?;
        if field.name == collection.id() || (field.kind == Kind::Secret && value.as_str() == Some(CONCEALED)) {
            continue;
        }
        let unfit = || {
            Refusal::InvalidPayload(match field.kind {
                Kind::Time => format!("Invalid DateTime format in field \"{name}\""),
                _ => format!("The value of \"{name}\" does not fit its field"),
            })
        };
        let input = match (field.kind, value) {
            (Kind::Many { .. }, _) => {
                let elsewhere = format!("\"{name}\" holds records of their own; write them where they are");
                return Err(Refusal::InvalidPayload(elsewhere));
            }
            (Kind::Secret, Json::String(text)) if is_password(collection, field.name) => Input::Password(text.clone()),
            (kind, value) => Input::Plain(typed(kind, value).ok_or_else(unfit)?),
        };
        assignments.push((field.name, input));
    }
    Ok(assignments)
}

fn is_password(collection: &Collection, name: &str) -> bool {
    matches!(collection.name, schema::USERS | schema::SHARES) && name == "password"
}

fn typed(kind: Kind, value: &Json) -> Option<Value> {
    match (kind, value) {
        (_, Json::Null) => Some(Value::Null),
        (Kind::Text | Kind::Secret | Kind::List, Json::String(text)) => Some(Value::Text(text.clone())),
        (Kind::Time, Json::String(text)) => moment::is_moment(text).then(|| Value::Text(text.clone())),
        (Kind::Text, Json::Number(number)) => Some(Value::Text(number.to_string())),
        (Kind::Integer | Kind::One(schema::ACTIVITY | schema::REVISIONS), value) => integer(value).map(Value::Integer),
        (Kind::Boolean, Json::Bool(truth)) => Some(Value::Boolean(*truth)),
        (Kind::Json, value) => Some(Value::Json(value.to_string())),
        (Kind::List, Json::Array(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
            texts.filter(|texts| texts.iter().all(|text| !text.contains(','))).map(|texts| Value::Text(texts.join(",")))
        }
        (Kind::One(other), Json::Object(record)) => {
            let id = schema::collection(other).map_or("id", Collection::id);
            typed(kind, record.get(id)?)
        }
        (Kind::Uuid | Kind::One(_), Json::String(text)) if is_uuid(text) => Some(Value::Text(text.clone())),
        _ => None,
    }
}

fn integer(value: &Json) -> Option<i64> {
    let number: i64 = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    // The columns have 32 bits.
    i32::try_from(number).ok().map(i64::from)
}

/// Whether a text has the form of an id (RFC 9562, section 4).
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The first field of an account that is not the caller's to set by hand. Second factors are never.
#[must_use]
pub fn not_by_hand(record: &Map<String, Json>, admin: bool) -> Option<&str> {
    let by_hand = |name: &str| match name {
        "tfa_secret" => false,
        "provider" | "external_identifier" => admin,
        _ => true,
    };
    record.keys().map(String::as_str).find(|name| !by_hand(name))
}

/// Checks the address that an account gets.
///
/// # Errors
/// [`Refusal::FailedValidation`] for what is no address.
pub fn check_address(assignments: &[Assignment]) -> Result<(), Refusal> {
    for (name, input) in assignments {
        if let ("email", Input::Plain(Value::Text(email))) = (*name, input)
            && !is_email(email)
        {
            return Err(Refusal::FailedValidation { field: "email".to_string(), rule: "email", value: None });
        }
    }
    Ok(())
}

/// Whether a text may be an address: something, an at sign, a domain with a dot, and nothing that could end a header.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let dotted = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    !local.is_empty() && dotted && !text.chars().any(|each| each.is_whitespace() || each.is_control() || each == ',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use serde_json::json;

    fn of(collection: &str, record: &Json) -> Result<Vec<Assignment>, Refusal> {
        read(record.as_object().unwrap(), schema::collection(collection).unwrap())
    }

    #[test]
    fn values_fit_their_fields() {
        let id = "2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6";
        let read = of(schema::USERS, &json!({"id": id, "role": {"id": id}, "password": "x", "token": "**********"}));
        let expected = vec![("password", Input::Password("x".into())), ("role", Input::Plain(Value::Text(id.into())))];
        assert_eq!(read.unwrap(), expected);
        let read = of(schema::PERMISSIONS, &json!({"fields": ["*", "a"], "permissions": {"a": 1}}));
        let expected = vec![
            ("fields", Input::Plain(Value::Text("*,a".into()))),
            ("permissions", Input::Plain(Value::Json("{\"a\":1}".into()))),
        ];
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (collection, record) in [
            (schema::USERS, json!({"role": "x"})),
            (schema::USERS, json!({"first_name": {"a": 1}})),
            (schema::USERS, json!({"password": 1})),
            (schema::USERS, json!({"policies": []})),
            (schema::POLICIES, json!({"admin_access": "perhaps"})),
            (schema::PERMISSIONS, json!({"fields": ["a,b"]})),
            (schema::SETTINGS, json!({"auth_login_attempts": "many"})),
        ] {
            assert!(matches!(of(collection, &record), Err(Refusal::InvalidPayload(_))), "{record}");
        }
        assert!(matches!(of(schema::USERS, &json!({"nope": 1})), Err(Refusal::Forbidden(_))));
    }

    #[test]
    fn some_things_are_not_set_by_hand() {
        let found = |record: Json, admin| not_by_hand(record.as_object().unwrap(), admin).map(ToString::to_string);
        assert_eq!(found(json!({"title": "x", "tfa_secret": null}), true).as_deref(), Some("tfa_secret"));
        assert_eq!(found(json!({"provider": "x"}), false).as_deref(), Some("provider"));
        assert_eq!(found(json!({"provider": "x", "external_identifier": "y"}), true), None);
    }

    #[test]
    fn addresses_have_a_domain() {
        for good in ["a@b.co", "first.last+tag@sub.example.com", "ü@example.com"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["nope", "@b.co", "a@", "a@b", "a b@c.de", "a@b..c", "a@b.co\r\nBcc: x@y.zz", "a@b.co,c@d.ef"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn bodies_are_records() {
        assert_eq!(records(&json!({})).unwrap().len(), 1);
        assert_eq!(records(&json!([{}, {}])).unwrap().len(), 2);
        assert!(records(&json!("x")).is_err());
        assert!(records(&json!([1])).is_err());
        assert!(records(&json!(vec![json!({}); RECORDS_MAX + 1])).is_err());
    }
}
