//! Values as people see them, and JSON of them.
//!
//! Keys keep their order, secrets are never written.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// How secrets that are set are shown. Sent back, it means no change.
pub const CONCEALED: &str = "**********";

/// A value to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// A text.
    Text(String),
    /// JSON, written as it is.
    Json(String),
    /// Ids of related records.
    Ids(Vec<String>),
    /// A secret that is set.
    Concealed,
    /// A related record.
    Object(Vec<(String, Value)>),
    /// Related records.
    List(Vec<Value>),
}

/// Writes an object, its keys in order.
#[must_use]
pub fn write(fields: &[(String, Value)]) -> String {
    let mut json = String::with_capacity(64 * fields.len());
    write_object(&mut json, fields);
    json
}

/// Writes an array of objects.
#[must_use]
pub fn write_all(records: &[Vec<(String, Value)>]) -> String {
    let mut json = String::with_capacity(1024);
    json.push('[');
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_object(&mut json, record);
    }
    json.push(']');
    json
}

fn write_object(json: &mut String, fields: &[(String, Value)]) {
    json.push('{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push_str(&quoted(name));
        json.push(':');
        write_value(json, value);
    }
    json.push('}');
}

fn write_value(json: &mut String, value: &Value) {
    match value {
        Value::Boolean(truth) => json.push_str(if *truth { "true" } else { "false" }),
        Value::Integer(number) => json.push_str(&number.to_string()),
        Value::Decimal(number) if number.is_finite() => json.push_str(&number.to_string()),
        Value::Null | Value::Decimal(_) => json.push_str("null"),
        Value::Text(text) => json.push_str(&quoted(text)),
        Value::Json(text) => json.push_str(text),
        Value::Ids(ids) => {
            json.push('[');
            json.push_str(&ids.iter().map(|id| quoted(id)).collect::<Vec<_>>().join(","));
            json.push(']');
        }
        Value::Concealed => json.push_str(&quoted(CONCEALED)),
        Value::Object(fields) => write_object(json, fields),
        Value::List(values) => {
            json.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write_value(json, value);
            }
            json.push(']');
        }
    }
}

/// A JSON string. Serialising a text cannot fail; should it ever, the text is left out.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use expect_test::expect;

    #[test]
    fn values_are_written_as_json() {
        let field = |name: &str, value| (name.to_string(), value);
        let json = write(&[
            field("a\"b", Value::Null),
            field("t", Value::Text("x\n\u{1f600}".into())),
            field("n", Value::Integer(-1)),
            field("d", Value::Decimal(1.5)),
            field("nan", Value::Decimal(f64::NAN)),
            field("j", Value::Json("[1]".into())),
            field("i", Value::Ids(vec!["x".into(), "y".into()])),
            field("s", Value::Concealed),
            field("b", Value::Boolean(true)),
        ]);
        expect![[
            r#"{"a\"b":null,"t":"x\n😀","n":-1,"d":1.5,"nan":null,"j":[1],"i":["x","y"],"s":"**********","b":true}"#
        ]]
        .assert_eq(&json);
    }
}
