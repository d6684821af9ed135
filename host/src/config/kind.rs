//! A provider's settings in the kinds that their readers declare.
//!
//! A variable has no type, so it was cast by what it looks like. Whoever reads it knows better: a client id of digits is a
//! text, `{"a":1,"b":2}` is an object although it holds a comma. What was written counts, and a prefix (`string:`, `json:`)
//! still forces its type. Deliberately absent: which settings there are.

use std::fmt;

use serde_json::Value as Json;

use super::cast::Value;
use super::decode::{boolean, duration, list};
use super::error::Refusal;

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A text as written.
    Text,
    /// Texts, separated by commas.
    List,
    /// Any JSON.
    Json,
    /// An `http` or `https` address.
    Url,
    /// A duration, read as milliseconds.
    Duration,
}

/// A setting's value in its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Cast {
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::Number`] and, in milliseconds, of [`Kind::Duration`].
    Number(f64),
    /// Of [`Kind::Text`] and [`Kind::Url`].
    Text(String),
    /// Of [`Kind::List`].
    List(Vec<String>),
    /// Of [`Kind::Json`].
    Json(Json),
}

/// A setting of a provider before its reader has looked at it. `Debug` shows its name, never its value.
#[derive(Clone, PartialEq)]
pub struct ProviderSetting {
    /// Its name in camelCase; a dot nests: `client.tlsOptions`.
    pub name: String,
    /// How the person wrote the name: `AUTH_OKTA_CLIENT_ID`, or its place in `gatewit.toml`.
    pub written: String,
    pub(super) value: Value,
    /// The text that was cast, where the value comes from a variable.
    pub(super) raw: Option<String>,
}

impl fmt::Debug for ProviderSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl ProviderSetting {
    /// A setting as if it had been written, for defaults.
    #[must_use]
    pub fn of(name: &str, raw: &str) -> Self {
        let (name, raw) = (name.to_owned(), raw.to_owned());
        Self { written: name.clone(), name, value: super::cast::cast("", &raw), raw: Some(raw) }
    }

    /// The value as Directus would cast it.
    #[must_use]
    pub fn json(&self) -> Json {
        self.value.to_json()
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The value in its kind; `None` where nothing is written (empty, or `null`).
    ///
    /// # Errors
    /// It cannot be of this kind. The text names the setting, and its value unless that is a secret.
    pub fn read(&self, kind: Kind, is_secret: bool) -> Result<Option<Cast>, String> {
        let is_unset = match &self.value {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            _ => false,
        };
        if is_unset {
            return Ok(None);
        }
        self.cast(kind).map(Some).map_err(|refusal| self.refused(&refusal, is_secret))
    }

    /// Why its value cannot be used, in the words of all settings.
    pub(crate) fn refused(&self, refusal: &Refusal, is_secret: bool) -> String {
        let json = || self.value.to_json().to_string();
        match (is_secret, &self.raw) {
            (true, _) => format!("{}: the value {}", self.written, refusal.0),
            (false, Some(raw)) => format!("{}: {raw:?} {}", self.written, refusal.0),
            (false, None) => format!("{}: {} {}", self.written, json(), refusal.0),
        }
    }

    fn cast(&self, kind: Kind) -> Result<Cast, Refusal> {
        Ok(match kind {
            Kind::Boolean => Cast::Boolean(boolean(&self.value)?),
            Kind::Number => Cast::Number(self.number()?),
            Kind::Text => Cast::Text(self.text()?),
            Kind::List => Cast::List(list(&self.value)?),
            Kind::Json => Cast::Json(self.structure()?),
            Kind::Url => Cast::Text(self.url()?),
            #[expect(
                clippy::cast_precision_loss,
                reason = "durations are bounded at a thousand years, exact in a double"
            )]
            Kind::Duration => Cast::Number(duration(&self.value)?.as_millis() as f64),
        })
    }

    fn number(&self) -> Result<f64, Refusal> {
        let number = match &self.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number: &f64| number.is_finite()).ok_or_else(|| Refusal::new("is not a number"))
    }

    fn text(&self) -> Result<String, Refusal> {
        match (&self.value, &self.raw) {
            (Value::Text(text) | Value::Pattern(text), _) => Ok(text.clone()),
            (_, Some(raw)) => Ok(raw.clone()),
            (Value::Number(number), None) => Ok(number.to_string()),
            _ => Err(Refusal::new("is not a text; write it in quotes")),
        }
    }

    fn structure(&self) -> Result<Json, Refusal> {
        let text = match (&self.value, &self.raw) {
            (_, Some(raw)) => raw.strip_prefix("json:").unwrap_or(raw),
            (Value::Text(text), None) => text,
            (value, None) => return Ok(value.to_json()),
        };
        serde_json::from_str(text).map_err(|_| Refusal::new("is not JSON; write for example json:{\"key\":\"value\"}"))
    }

    fn url(&self) -> Result<String, Refusal> {
        let text = self.text()?;
        let url = url::Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let bare = url.filter(|url| url.username().is_empty() && url.password().is_none());
        bare.map(|_| text).ok_or_else(|| Refusal::new("is not an address; write for example https://id.example.com"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(raw: &str, kind: Kind) -> Result<Option<Cast>, String> {
        ProviderSetting::of("setting", raw).read(kind, false)
    }

    fn text(text: &str) -> Cast {
        Cast::Text(text.to_owned())
    }

    #[test]
    fn a_text_is_what_was_written() {
        for raw in ["12345", "1e5", "0x10", "true", "a,b", "{\"a\":1}", "[1]", "9007199254740993", "-----BEGIN\nX"] {
            assert_eq!(read(raw, Kind::Text).unwrap(), Some(text(raw)), "{raw}");
        }
        assert_eq!(read("string:12345", Kind::Text).unwrap(), Some(text("12345")));
        assert_eq!(read("\"12345\"", Kind::Text).unwrap(), Some(text("12345")));
        for none in ["", "null", "string:"] {
            assert_eq!(read(none, Kind::Text), Ok(None), "{none}");
        }
    }

    #[test]
    fn json_may_hold_commas() {
        let object = json!({"b": 2, "a": [1, "x"]});
        for raw in [r#"{"b":2,"a":[1,"x"]}"#, r#"json:{"b":2,"a":[1,"x"]}"#] {
            assert_eq!(read(raw, Kind::Json), Ok(Some(Cast::Json(object.clone()))));
        }
        assert_eq!(read("7", Kind::Json), Ok(Some(Cast::Json(json!(7)))));
        let told = read("{a:1}", Kind::Json).unwrap_err();
        assert_eq!(told, r#"setting: "{a:1}" is not JSON; write for example json:{"key":"value"}"#);
    }

    #[test]
    fn other_kinds_are_read_or_refused() {
        assert_eq!(read("1", Kind::Boolean), Ok(Some(Cast::Boolean(true))));
        assert!(read("yes", Kind::Boolean).is_err());
        assert_eq!(read("string:5", Kind::Number), Ok(Some(Cast::Number(5.0))));
        assert!(read("five", Kind::Number).is_err() && read("number:five", Kind::Number).is_err());
        assert_eq!(read("a, b", Kind::List), Ok(Some(Cast::List(vec!["a".into(), "b".into()]))));
        assert_eq!(read("5m", Kind::Duration), Ok(Some(Cast::Number(300_000.0))));
        assert!(read("soon", Kind::Duration).is_err());
        assert_eq!(read("https://a.example/b?c", Kind::Url).unwrap(), Some(text("https://a.example/b?c")));
        for url in ["a.example", "ftp://a.example", "https://user:hush@a.example", "https://"] {
            assert!(read(url, Kind::Url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let told = ProviderSetting::of("setting", "hush hush").read(Kind::Number, true).unwrap_err();
        assert_eq!(told, "setting: the value is not a number");
    }
}
