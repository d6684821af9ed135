//! Settings as programs have them, to variables as a `.env` file has them.

use crate::problem::Problem;
use serde_json::{Map, Value};

/// A JSON object of settings by their names. Texts are cast as those of a `.env` file; lists and objects stay what they are;
/// `null` is as if it was not there.
pub(crate) fn variables(json: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let settings: Map<String, Value> = serde_json::from_slice(json)
        .map_err(|error| Problem::Usage(format!("the configuration is no object of settings: {error}")))?;
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => Some(format!("json:{value}")),
    };
    Ok(settings.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types() {
        let json = br#"{"SECRET": "a,b", "PORT": 8055, "CORS_ENABLED": true, "A": null, "LIST": ["x", "y,z"]}"#;
        let pairs = variables(json).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["SECRET=a,b", "PORT=8055", "CORS_ENABLED=true", "LIST=json:[\"x\",\"y,z\"]"]);
        assert!(matches!(variables(b"[]"), Err(Problem::Usage(_))));
    }
}
