//! From the text of an environment variable to a typed value, as Directus casts it.
//!
//! A variable has no type, so Directus guesses: `true`/`false` → boolean, digits → number, a comma → array, else JSON if
//! it parses, else text. A prefix (`string:`, `number:`, `boolean:`, `array:`, `json:`, `regex:`) forces the type, and a
//! few names are always text or always boolean. [`cast`] is total: what does not fit its forced type becomes a value that
//! the setting then refuses. Deliberately absent: what a setting accepts (see `decode`).
//!
//! One difference: digits beyond 2^53 stay text, where JavaScript would silently round them.

use serde_json::Value as Json;

use super::setting::{self, Forced};

/// Largest whole number that JavaScript holds exactly (2^53 - 1).
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// A setting's value before the setting has looked at it; no richer than what JSON and `.env` files can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number as JavaScript holds it; NaN after `number:` and something that is none.
    Number(f64),
    /// Text.
    Text(String),
    /// An array, each element cast for itself.
    List(Vec<Value>),
    /// A JSON object.
    Object(serde_json::Map<String, Json>),
    /// The source of a regular expression (`regex:`); not compiled here.
    Pattern(String),
}

impl Value {
    /// The value as a driver gets it: a pattern becomes its text, NaN becomes `null`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => Json::from(*value),
            Self::Number(value) => whole(*value).map_or_else(|| Json::from(*value), Json::from),
            Self::Text(value) | Self::Pattern(value) => Json::from(value.as_str()),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Object(map) => Json::Object(map.clone()),
        }
    }

    /// Is it truthy in JavaScript? Decides settings such as `SESSION_COOKIE_SECURE`.
    pub(super) fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Boolean(value) => *value,
            Self::Number(value) => *value != 0.0 && !value.is_nan(),
            Self::Text(value) => !value.is_empty(),
            Self::List(_) | Self::Object(_) | Self::Pattern(_) => true,
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Boolean(value),
            Json::Number(value) => Self::Number(value.as_f64().unwrap_or(f64::NAN)),
            Json::String(value) => Self::Text(value),
            Json::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            Json::Object(map) => Self::Object(map),
        }
    }
}

/// Casts the text `raw` of the variable `name`.
#[must_use]
pub fn cast(name: &str, raw: &str) -> Value {
    let prefixed = raw.split_once(':').and_then(|(prefix, rest)| Some((Type::named(prefix)?, rest)));
    if let Some((kind, rest)) = prefixed {
        return kind.read(rest);
    }
    match forced_type(name) {
        Forced::Text => Type::Text.read(raw),
        Forced::Boolean => Type::Boolean.read(raw),
        Forced::No => Type::guess(raw).read(raw),
    }
}

/// `value` as an unsigned whole number, if it is one.
pub(super) fn whole(value: f64) -> Option<u64> {
    let is_whole = value >= 0.0 && value.fract() == 0.0 && value <= MAX_SAFE_INTEGER;
    is_whole.then(|| format!("{value:.0}").parse().ok()).flatten()
}

/// Names whose type Directus fixes, and our own settings that are text.
fn forced_type(name: &str) -> Forced {
    const PROVIDER_TEXT: [&str; 4] = ["_BIND_DN", "_USER_DN", "_GROUP_DN", "_BIND_PASSWORD"];
    let of_provider = name.starts_with("AUTH_");
    if of_provider && PROVIDER_TEXT.iter().any(|end| name.ends_with(end)) {
        Forced::Text
    } else if of_provider && name.ends_with("_COOKIE_SECURE") {
        Forced::Boolean
    } else {
        setting::by_variable(name).map_or(Forced::No, |setting| setting.forced)
    }
}

/// The types a variable can have.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Number,
    Boolean,
    Array,
    Json,
    Pattern,
}

impl Type {
    fn named(prefix: &str) -> Option<Self> {
        Some(match prefix {
            "string" => Self::Text,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "array" => Self::Array,
            "json" => Self::Json,
            "regex" => Self::Pattern,
            _ => return None,
        })
    }

    fn guess(raw: &str) -> Self {
        if raw == "true" || raw == "false" {
            Self::Boolean
        } else if !raw.starts_with('0') && number(raw).is_some_and(|n| n.abs() <= MAX_SAFE_INTEGER) {
            Self::Number
        } else if raw.contains(',') {
            Self::Array
        } else {
            Self::Json
        }
    }

    fn read(self, raw: &str) -> Value {
        match self {
            Self::Text => Value::Text(raw.to_owned()),
            Self::Number => Value::Number(number(raw).unwrap_or(f64::NAN)),
            Self::Boolean => Value::Boolean(raw == "true" || raw == "1"),
            Self::Array => Value::List(elements(raw)),
            Self::Json => json(raw),
            Self::Pattern => Value::Pattern(raw.to_owned()),
        }
    }
}

/// The elements of an array, each cast for itself; empty ones are dropped.
fn elements(raw: &str) -> Vec<Value> {
    raw.split(',').map(|element| cast("", element)).filter(|value| *value != Value::Text(String::new())).collect()
}

/// A decimal number as JavaScript reads it; hexadecimal and infinity are not taken.
fn number(raw: &str) -> Option<f64> {
    let decimal = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    raw.trim().parse().ok().filter(|_| raw.trim().chars().all(decimal))
}

fn json(raw: &str) -> Value {
    let parsed = serde_json::from_str::<Json>(raw).map(Value::from);
    match parsed {
        Ok(Value::Number(n)) if n.abs() > MAX_SAFE_INTEGER => Value::Text(raw.to_owned()),
        Ok(value) => value,
        Err(_) => Value::Text(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn the_type_is_guessed_from_the_text() {
        for (raw, value) in [
            ("true", Value::Boolean(true)),
            ("false", Value::Boolean(false)),
            ("8055", Value::Number(8055.0)),
            ("0", Value::Number(0.0)),
            ("-5", Value::Number(-5.0)),
            ("1.5", Value::Number(1.5)),
            ("null", Value::Null),
            ("\"quoted\"", text("quoted")),
            ("[1]", Value::List(vec![Value::Number(1.0)])),
            ("15m", text("15m")),
            ("True", text("True")),
            ("", text("")),
            ("a:b", text("a:b")),
        ] {
            assert_eq!(cast("ANY", raw), value, "{raw}");
        }
    }

    #[test]
    fn a_leading_zero_keeps_text() {
        assert_eq!(cast("ANY", "007"), text("007"));
        assert_eq!(cast("ANY", "0x10"), text("0x10"));
    }

    #[test]
    fn digits_that_javascript_would_round_stay_text() {
        assert_eq!(cast("ANY", "9007199254740991"), Value::Number(9_007_199_254_740_991.0));
        assert_eq!(cast("ANY", "123456789012345678901"), text("123456789012345678901"));
    }

    #[test]
    fn a_comma_makes_an_array_even_of_json() {
        let list = Value::List(vec![Value::Number(1.0), Value::Boolean(true), text(" x")]);
        assert_eq!(cast("ANY", "1,true, x,"), list);
        assert_eq!(cast("ANY", r#"{"a":1,"b":2}"#), Value::List(vec![text(r#"{"a":1"#), text(r#""b":2}"#)]));
    }

    #[test]
    fn a_prefix_forces_the_type() {
        let object = serde_json::Map::from_iter([("a".to_owned(), Json::from(1)), ("b".to_owned(), Json::from(2))]);
        for (raw, value) in [
            ("string:900", text("900")),
            ("string:a,b", text("a,b")),
            ("number:12", Value::Number(12.0)),
            ("boolean:1", Value::Boolean(true)),
            ("boolean:yes", Value::Boolean(false)),
            ("array:a", Value::List(vec![text("a")])),
            ("array:string:1,2", Value::List(vec![text("1"), Value::Number(2.0)])),
            (r#"json:{"a":1,"b":2}"#, Value::Object(object)),
            ("json:{", text("{")),
            ("regex:^a,b$", Value::Pattern("^a,b$".to_owned())),
        ] {
            assert_eq!(cast("ANY", raw), value, "{raw}");
        }
        assert!(matches!(cast("ANY", "number:x"), Value::Number(n) if n.is_nan()));
    }

    #[test]
    fn some_names_have_a_fixed_type() {
        for name in ["SECRET", "KEY", "ADMIN_PASSWORD", "AUTH_X_BIND_DN", "AUTH_X_BIND_PASSWORD", "DB_FILENAME"] {
            assert_eq!(cast(name, "1,2"), text("1,2"), "{name}");
        }
        assert_eq!(cast("AUTH_X_COOKIE_SECURE", "yes"), Value::Boolean(false));
        assert_eq!(cast("AUTH_X_COOKIE_SECURE", "1"), Value::Boolean(true));
        assert_eq!(cast("SECRET", "string:x"), text("x"), "a prefix still wins");
        assert_eq!(cast("AUTH_X_CLIENT_SECRET", "123"), Value::Number(123.0), "digits are mangled, as documented");
    }

    proptest! {
        #[test]
        fn casting_takes_any_text(name in "[A-Z_]{0,12}", raw in any::<String>()) {
            let _ = cast(&name, &raw).to_json();
        }

        #[test]
        fn text_survives_the_string_prefix(raw in any::<String>()) {
            prop_assert_eq!(cast("ANY", &format!("string:{raw}")), Value::Text(raw));
        }

        #[test]
        fn whole_numbers_survive(n in 0_u64..=9_007_199_254_740_991) {
            prop_assert_eq!(cast("ANY", &n.to_string()).to_json(), Json::from(n));
        }

        #[test]
        fn json_survives_the_json_prefix(keys in prop::collection::btree_map("[a-z]{1,5}", any::<i32>(), 0..4)) {
            let json = serde_json::to_value(&keys).unwrap();
            prop_assert_eq!(cast("ANY", &format!("json:{json}")).to_json(), json);
        }
    }
}
