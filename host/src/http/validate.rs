//! Checks a request body against a list of fields, in the words of Directus's validator (Joi).
//!
//! Invariant: only the first failing field is reported, in the order of the list. Keys that are not listed are ignored; the
//! values handed out by [`text`] are those that were checked. Deliberately absent: parsing (`body`), and what the values mean.

use serde_json::Value;

use super::email;

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A text that is not empty.
    Text,
    /// An e-mail address.
    Email,
    /// An id.
    Uuid,
    /// An absolute address of anything (RFC 3986).
    Uri,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// One field of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    /// Its key.
    pub(crate) name: &'a str,
    /// What it may hold.
    pub(crate) kind: Kind,
    /// Whether it must be there.
    pub(crate) required: bool,
}

impl<'a> Field<'a> {
    /// A field that must be there.
    pub(crate) const fn required(name: &'a str, kind: Kind) -> Self {
        Self { name, kind, required: true }
    }

    /// A field that may be left out; `null` is not leaving it out.
    pub(crate) const fn optional(name: &'a str, kind: Kind) -> Self {
        Self { name, kind, required: false }
    }
}

/// What follows a driver's own fields in the body of a sign-in.
pub(crate) const SIGN_IN: [Field<'static>; 2] =
    [Field::optional("mode", Kind::OneOf(&["cookie", "json", "session"])), Field::optional("otp", Kind::Text)];

/// Checks `body`; the error is the reason to send, without a final dot.
pub(crate) fn check(body: &Value, fields: &[Field<'_>]) -> Result<(), String> {
    let Value::Object(object) = body else {
        return Err("\"value\" must be of type object".to_owned());
    };
    fields.iter().try_for_each(|field| match object.get(field.name) {
        None if field.required => Err(format!("\"{}\" is required", field.name)),
        None => Ok(()),
        Some(value) => check_value(value, field),
    })
}

/// Refuses keys that are not listed.
pub(crate) fn nothing_else(body: &Value, fields: &[Field<'_>]) -> Result<(), String> {
    let mut keys = body.as_object().into_iter().flat_map(serde_json::Map::keys);
    let unknown = keys.find(|key| !fields.iter().any(|field| field.name == key.as_str()));
    unknown.map_or(Ok(()), |key| Err(format!("\"{key}\" is not allowed")))
}

/// The text under `name`, if there is one.
pub(crate) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

fn check_value(value: &Value, field: &Field<'_>) -> Result<(), String> {
    let complaint = match (field.kind, value.as_str()) {
        (Kind::OneOf(allowed), Some(text)) if allowed.contains(&text) => return Ok(()),
        (Kind::OneOf(allowed), _) => format!("must be one of [{}]", allowed.join(", ")),
        (_, None) => "must be a string".to_owned(),
        (_, Some("")) => "is not allowed to be empty".to_owned(),
        (Kind::Email, Some(text)) if !email::is_valid(text) => "must be a valid email".to_owned(),
        (Kind::Uuid, Some(text)) if uuid::Uuid::try_parse(text).is_err() => "must be a valid GUID".to_owned(),
        (Kind::Uri, Some(text)) if url::Url::parse(text).is_err() => "must be a valid uri".to_owned(),
        _ => return Ok(()),
    };
    Err(format!("\"{}\" {complaint}", field.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(body: &Value) -> Option<String> {
        let own = [Field::required("email", Kind::Email), Field::required("password", Kind::Text)];
        check(body, &[own, SIGN_IN].concat()).err()
    }

    #[test]
    fn a_full_login_passes() {
        let body =
            json!({ "email": "user@example.com", "password": "x", "mode": "session", "otp": "123456", "else": 1 });
        assert_eq!(reason(&body), None);
        assert_eq!(text(&body, "mode"), Some("session"));
        assert_eq!(text(&body, "else"), None);
    }

    #[test]
    fn each_complaint_has_its_words() {
        let with = |name: &str, value: Value| {
            let mut body = json!({ "email": "user@example.com", "password": "x" });
            body[name] = value;
            reason(&body)
        };
        for (name, value, words) in [
            ("email", json!(""), "\"email\" is not allowed to be empty"),
            ("email", json!("user"), "\"email\" must be a valid email"),
            ("email", json!("user@example.local"), "\"email\" must be a valid email"),
            ("email", json!(" user@example.com "), "\"email\" must be a valid email"),
            ("email", json!(1), "\"email\" must be a string"),
            ("email", json!(null), "\"email\" must be a string"),
            ("email", json!(["user@example.com"]), "\"email\" must be a string"),
            ("password", json!(1), "\"password\" must be a string"),
            ("password", json!(""), "\"password\" is not allowed to be empty"),
            ("mode", json!("JSON"), "\"mode\" must be one of [cookie, json, session]"),
            ("mode", json!(null), "\"mode\" must be one of [cookie, json, session]"),
            ("mode", json!(""), "\"mode\" must be one of [cookie, json, session]"),
            ("otp", json!(123), "\"otp\" must be a string"),
            ("otp", json!(null), "\"otp\" must be a string"),
            ("otp", json!(""), "\"otp\" is not allowed to be empty"),
        ] {
            assert_eq!(with(name, value).as_deref(), Some(words));
        }
    }

    #[test]
    fn ids_addresses_and_unlisted_keys_have_their_words() {
        let fields = [Field::optional("role", Kind::Uuid), Field::optional("url", Kind::Uri)];
        let of = |body: &Value| check(body, &fields).and_then(|()| nothing_else(body, &fields)).err();
        assert_eq!(of(&json!({"role": "x"})).as_deref(), Some("\"role\" must be a valid GUID"));
        assert_eq!(of(&json!({"url": "abc"})).as_deref(), Some("\"url\" must be a valid uri"));
        assert_eq!(of(&json!({"url": "http://a.b/c", "more": 1})).as_deref(), Some("\"more\" is not allowed"));
        assert_eq!(of(&json!({"role": "2fcb9fb3-c7a4-41a4-8d9d-df6b9dd0aba6"})), None);
    }

    #[test]
    fn the_first_field_of_the_list_is_reported() {
        assert_eq!(reason(&json!({})).as_deref(), Some("\"email\" is required"));
        assert_eq!(reason(&json!({ "otp": "", "mode": "x" })).as_deref(), Some("\"email\" is required"));
        assert_eq!(reason(&json!({ "email": "a@b.co", "mode": 1 })).as_deref(), Some("\"password\" is required"));
    }

    #[test]
    fn a_body_must_be_an_object() {
        assert_eq!(reason(&json!([])).as_deref(), Some("\"value\" must be of type object"));
    }
}
